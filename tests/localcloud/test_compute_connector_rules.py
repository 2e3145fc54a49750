"""The firewall rules that Google makes for a connector, and what the switches make of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.compute import connector_rules
from tests.localcloud.served import P, R, Served, refusal, served

CIDR = "10.8.0.0/28"
NAME = "aet-europewest2-way--out-{}"
TAG = "vpc-connector-europe-west2-way-out"
CONTROL = "35.199.224.0/19"


@pytest.fixture
def stage() -> Iterator[Served]:
    with served() as found:
        found.network()
        yield found


def install(stage: Served, network: str = "net") -> None:
    with stage.cloud.lock:
        connector_rules.install(stage.cloud, P, R, "way-out", network, CIDR)


def remove(stage: Served) -> None:
    with stage.cloud.lock:
        connector_rules.remove(stage.cloud, P, R, "way-out")


def rules(stage: Served) -> dict[str, Any]:
    return {one["name"]: one for one in stage.call("GET", "./global/firewalls").json().get("items", [])}


@pytest.mark.parametrize(
    ("suffix", "direction", "action", "priority", "ports", "ranges", "tags"),
    [
        ("hcfw", "INGRESS", "allowed", 100, ["tcp:667"], "35.191.0.0/16 35.191.192.0/18 130.211.0.0/22", "targetTags"),
        ("rsgfw", "INGRESS", "allowed", 100, ["tcp:667", "udp:665-666", "icmp"], CONTROL, "targetTags"),
        ("earfw", "EGRESS", "allowed", 100, ["tcp:667", "udp:665-666", "icmp"], CONTROL, "targetTags"),
        ("egrfw", "EGRESS", "denied", 100, ["tcp:1-666,668-65535", "udp:1-664,667-65535"], CONTROL, "targetTags"),
        ("sbntfw", "INGRESS", "allowed", 1000, ["tcp", "udp", "icmp"], CIDR, ""),
        ("tagfw", "INGRESS", "allowed", 1000, ["tcp", "udp", "icmp"], "", "sourceTags"),
    ],
)
def test_the_six_rules_say_what_google_says_of_them(
    stage: Served, suffix: str, direction: str, action: str, priority: int, ports: list[str], ranges: str, tags: str
) -> None:
    install(stage)
    assert len(rules(stage)) == 6
    found = rules(stage)[NAME.format(suffix)]
    said = [":".join(filter(None, (one["IPProtocol"], ",".join(one.get("ports", []))))) for one in found[action]]
    assert (found["direction"], found["priority"], said) == (direction, priority, ports)
    side = "destinationRanges" if direction == "EGRESS" else "sourceRanges"
    assert " ".join(found.get(side, [])) == ranges
    assert {key: found[key] for key in ("sourceTags", "targetTags") if key in found} == ({tags: [TAG]} if tags else {})


def test_deployment_manager_makes_them_and_the_activity_log_says_so(stage: Served) -> None:
    install(stage)
    entries = stage.entries("v1.compute.firewalls.insert")
    assert len(entries) == 6
    payload = entries[0]["protoPayload"]
    assert payload["authenticationInfo"]["principalEmail"] == "123456789012@cloudservices.gserviceaccount.com"
    assert payload["authenticationInfo"]["serviceAccountDelegationInfo"]
    assert payload["requestMetadata"]["callerSuppliedUserAgent"] == "Google-Deployment-Manager"
    assert payload["request"]["priority"] == "100"
    assert payload["request"]["alloweds"] == [{"IPProtocol": "tcp", "ports": ["667"]}]
    assert payload["resourceName"] == f"projects/{P}/global/firewalls/{NAME.format('hcfw')}"
    remove(stage)
    assert len(stage.entries("v1.compute.firewalls.delete")) == 6


def test_they_hold_the_network_and_go_with_the_connector(stage: Served) -> None:
    install(stage)
    ended = stage.done(stage.call("DELETE", "./global/networks/net"))
    assert f"{NAME.format('earfw')}'" in ended["error"]["errors"][0]["message"]
    remove(stage)
    assert not rules(stage)
    stage.made(stage.call("DELETE", "./global/networks/net"))


def test_they_may_be_left_behind_and_cleared_away_by_hand(stage: Served) -> None:
    stage.cloud.switches["connector.leaves_rules"] = True
    stage.cloud.switches["connector.rules_editable"] = False
    install(stage)
    remove(stage)
    assert len(rules(stage)) == 6
    for name in rules(stage):
        stage.made(stage.call("DELETE", f"./global/firewalls/{name}"))


def test_they_may_be_invisible(stage: Served) -> None:
    stage.cloud.switches["connector.visible_rules"] = False
    install(stage)
    assert not rules(stage)


@pytest.mark.parametrize(
    ("switches", "targets", "sources"),
    [
        ({}, ["vpc-connector-europe-west2-way-out"], ["vpc-connector-europe-west2-way-out"]),
        ({"connector.tagfw_tag": "universal"}, ["vpc-connector-europe-west2-way-out"], ["vpc-connector"]),
        ({"connector.control_targets": "universal"}, ["vpc-connector"], ["vpc-connector-europe-west2-way-out"]),
        ({"connector.control_targets": "all"}, None, ["vpc-connector-europe-west2-way-out"]),
    ],
)
def test_by_which_tags_they_know_their_connector_is_a_switch(
    stage: Served, switches: dict[str, str], targets: list[str] | None, sources: list[str]
) -> None:
    stage.cloud.switches |= switches
    install(stage)
    found = rules(stage)
    for suffix in ("hcfw", "rsgfw", "earfw", "egrfw"):
        assert found[NAME.format(suffix)].get("targetTags") == targets, suffix
    assert found[NAME.format("tagfw")]["sourceTags"] == sources


def test_their_names_may_keep_the_connectors_hyphens_single(stage: Served) -> None:
    stage.cloud.switches["connector.doubled_hyphens"] = False
    install(stage)
    assert "aet-europewest2-way-out-hcfw" in rules(stage)
    remove(stage)
    assert not rules(stage)


def test_a_connector_of_a_service_project_gets_none(stage: Served) -> None:
    install(stage, "projects/host/global/networks/net")
    assert not rules(stage)


@pytest.mark.parametrize("editable", [True, False])
def test_whether_others_may_change_them_is_a_switch(stage: Served, editable: bool) -> None:
    stage.cloud.switches["connector.rules_editable"] = editable
    install(stage)
    path = f"./global/firewalls/{NAME.format('tagfw')}"
    rule = rules(stage)[NAME.format("tagfw")]
    for verb, body in (("PATCH", {"disabled": True}), ("PUT", rule | {"disabled": True}), ("DELETE", None)):
        answer = stage.call(verb, path, body)
        if editable:
            stage.made(answer)
        else:
            assert refusal(answer)[:2] == (403, "forbidden")
    assert (NAME.format("tagfw") in rules(stage)) != editable


@pytest.mark.parametrize("restored", [True, False])
@pytest.mark.parametrize("verb", ["PATCH", "DELETE"])
def test_whether_google_puts_them_back_is_a_switch(stage: Served, restored: bool, verb: str) -> None:
    stage.cloud.switches["connector.rules_restored"] = restored
    install(stage)
    before = rules(stage)
    body = {"disabled": True} if verb == "PATCH" else None
    stage.made(stage.call(verb, f"./global/firewalls/{NAME.format('sbntfw')}", body))
    assert rules(stage) != before
    stage.cloud.clock.advance(50)
    assert rules(stage) != before
    stage.cloud.clock.advance(20)
    assert (rules(stage) == before) == restored


def test_what_is_removed_with_its_connector_is_not_put_back(stage: Served) -> None:
    stage.cloud.switches["connector.rules_restored"] = True
    install(stage)
    stage.made(stage.call("DELETE", f"./global/firewalls/{NAME.format('sbntfw')}"))
    remove(stage)
    stage.cloud.clock.advance(120)
    assert not rules(stage)
