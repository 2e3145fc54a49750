"""The field sets of our answers against what real Google Cloud was recorded to say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.localcloud.served import RECORDED, P, R, Served, served

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}-0[78]:00")


@pytest.fixture(scope="module")
def stage() -> Iterator[Served]:
    with served() as found:
        found.network()
        found.subnet("sub", "10.2.0.0/16", logConfig={"enable": False})
        found.made(found.router("plain"))
        found.made(found.rule("test", sourceRanges=["1.1.1.1"], targetTags=["oldtag"], description=""))
        yield found


def recorded(name: str) -> dict[str, Any]:
    body: dict[str, Any] = RECORDED[name]["body"]
    return body


@pytest.mark.parametrize(
    ("name", "path", "without"),
    [
        pytest.param("network: custom", "./global/networks/net", {"subnetworks"}, id="a network, but for its subnets"),
        pytest.param("subnetwork", f"./regions/{R}/subnetworks/sub", set(), id="a subnet"),
        pytest.param("router: plain", f"./regions/{R}/routers/plain", {"description"}, id="a router without gateways"),
        pytest.param("firewalls: list", "./global/firewalls", set(), id="a list with a firewall rule"),
    ],
)
def test_a_resource_has_the_recorded_fields(stage: Served, name: str, path: str, without: set[str]) -> None:
    found, real = stage.call("GET", path).json(), recorded(name)
    if "items" in real:
        assert found.keys() == real.keys()
        found, real = found["items"][0], real["items"][0]
    assert found.keys() - without == real.keys() - without
    for key in real.keys() - without:
        assert type(found[key]) is type(real[key]), key
    assert STAMP.fullmatch(found["creationTimestamp"])
    assert found["id"].isdecimal()


def test_what_the_server_adds_has_the_recorded_values(stage: Served) -> None:
    found, real = stage.call("GET", f"./regions/{R}/subnetworks/sub").json(), recorded("subnetwork")
    names = {"creationTimestamp", "fingerprint", "id", "name", "network", "region", "selfLink"}
    assert {key: found[key] for key in found.keys() - names} == {key: real[key] for key in real.keys() - names}


def test_a_private_gateway_comes_back_as_recorded(stage: Served) -> None:
    subnet = f"projects/{P}/regions/{R}/subnetworks/sub"
    sent = recorded("router: private nat, sent")["nats"][0]
    sent = sent | {"name": "private", "subnetworks": [{"name": subnet, "sourceIpRangesToNat": ["ALL_IP_RANGES"]}]}
    stage.made(stage.router("private", [sent]))
    found = stage.call("GET", f"./regions/{R}/routers/private").json()
    real = recorded("router: private nat")
    assert found.keys() == real.keys() - {"description"}
    changed = {"name", "subnetworks", "rules"}
    assert {k: v for k, v in found["nats"][0].items() if k not in changed} == {
        k: v for k, v in real["nats"][0].items() if k not in changed
    }
    assert found["nats"][0].keys() == real["nats"][0].keys()


def test_operations_have_the_recorded_fields(stage: Served) -> None:
    started = stage.call("POST", "./global/networks", {"name": "other", "autoCreateSubnetworks": False})
    assert started.json().keys() == recorded("operation: running, global").keys()
    assert started.json()["status"] == "RUNNING"
    assert stage.done(started).keys() == recorded("operation: done, global").keys()
    regional = stage.router("second")
    assert regional.json().keys() == recorded("operation: running, regional").keys()
    stage.made(regional)


def test_a_failed_operation_has_the_recorded_shape(stage: Served) -> None:
    stage.network("doomed")
    deletion = stage.call("DELETE", "./global/networks/doomed")
    found = _intrude(stage, deletion)
    real = recorded("operation: failed")
    assert found.keys() == real.keys()
    assert (found["httpErrorMessage"], found["httpErrorStatusCode"]) == ("BAD REQUEST", 400)
    assert found["error"]["errors"][0]["code"] == real["error"]["errors"][0]["code"]


def _intrude(stage: Served, deletion: Any) -> dict[str, Any]:
    """A rule of somebody else's appears while the network is being removed."""
    link = f"https://www.googleapis.com/compute/v1/projects/{P}/global/networks/doomed"
    intruder = {"network": link, "name": "doomed-x", "kind": "compute#firewall", "id": "1"}
    with stage.cloud.lock:
        stage.cloud.table("compute.firewalls")[f"projects/{P}/global/firewalls/doomed-x"] = intruder
    return stage.done(deletion)


def test_the_first_audit_entry_of_an_insert_is_as_recorded(stage: Served) -> None:
    first, last = (
        one
        for one in stage.entries("v1.compute.firewalls.insert")
        if one["protoPayload"]["resourceName"].endswith("test")
    )
    real = recorded("audit: firewalls.insert, first")
    assert first.keys() == real.keys()
    assert first["resource"]["type"] == real["resource"]["type"]
    assert first["resource"]["labels"].keys() == real["resource"]["labels"].keys()
    payload, theirs = first["protoPayload"], real["protoPayload"]
    assert payload.keys() == theirs.keys()
    assert payload["request"]["@type"] == theirs["request"]["@type"]
    assert "alloweds" in payload["request"]
    assert "allowed" not in payload["request"]
    assert payload["response"]["progress"] == theirs["response"]["progress"] == "0"
    assert payload["response"]["@type"] == theirs["response"]["@type"]
    assert [one["resourceAttributes"]["type"] for one in payload["authorizationInfo"]] == [
        one["resourceAttributes"]["type"] for one in theirs["authorizationInfo"]
    ]
    assert first["operation"] | {"last": True} == last["operation"] | {"first": True}
    assert "response" not in last["protoPayload"]
    assert last["protoPayload"]["request"].keys() == {"@type"}
    assert last["resource"] == first["resource"]
