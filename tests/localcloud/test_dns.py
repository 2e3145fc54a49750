"""Private zones and their record sets, on the bare wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.localcloud.served import P, Served, served

ZONES = f"/dns/v1/projects/{P}/managedZones"
LINK = f"https://www.googleapis.com/compute/v1/projects/{P}/global/networks/net"


@pytest.fixture
def stage() -> Iterator[Served]:
    with served() as found:
        found.network()
        yield found


def zone(stage: Served, name: str = "apis", **fields: Any) -> requests.Response:
    seen = {"networks": [{"networkUrl": f"{stage.url}/compute/v1/projects/{P}/global/networks/net"}]}
    body = {"name": name, "dnsName": "googleapis.com.", "visibility": "private", "privateVisibilityConfig": seen}
    return stage.call("POST", ZONES, body | fields)


def test_a_private_zone_is_made_read_listed_and_removed(stage: Served) -> None:
    made = zone(stage).json()
    assert made["privateVisibilityConfig"]["networks"][0]["networkUrl"] == LINK
    assert stage.call("GET", f"{ZONES}/apis").json() == made == stage.call("GET", f"{ZONES}/{made['id']}").json()
    zone(stage, "other", dnsName="run.app.")
    assert [one["name"] for one in stage.call("GET", ZONES).json()["managedZones"]] == ["apis", "other"]
    narrow = stage.call("GET", f"{ZONES}?dnsName=run.app.").json()
    assert [one["name"] for one in narrow["managedZones"]] == ["other"]
    assert stage.call("DELETE", f"{ZONES}/apis").status_code == 200
    assert stage.call("GET", f"{ZONES}/apis").status_code == 404
    assert len(stage.entries("dns.managedZones.create")) == 2


def test_records_are_added_and_listed_and_hold_the_zone(stage: Served) -> None:
    zone(stage)
    record = {"name": "private.googleapis.com.", "type": "A", "ttl": 60, "rrdatas": ["199.36.153.8"]}
    assert stage.call("POST", f"{ZONES}/apis/rrsets", record).json() == record | {"kind": "dns#resourceRecordSet"}
    assert stage.call("POST", f"{ZONES}/apis/rrsets", record).status_code == 409
    listed = stage.call("GET", f"{ZONES}/apis/rrsets").json()["rrsets"]
    assert {one["type"] for one in listed} == {"A", "NS", "SOA"}
    one = stage.call("GET", f"{ZONES}/apis/rrsets?name=private.googleapis.com.&type=A").json()["rrsets"]
    assert [found["rrdatas"] for found in one] == [["199.36.153.8"]]
    refused = stage.call("DELETE", f"{ZONES}/apis")
    assert refused.status_code == 400
    assert refused.json()["error"]["errors"][0]["reason"] == "containerNotEmpty"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        pytest.param({"name": "apis"}, 409, id="a taken name"),
        pytest.param({"name": "A"}, 400, id="no name for a zone"),
        pytest.param({"name": "new", "dnsName": "googleapis.com"}, 400, id="a domain without its dot"),
        pytest.param(
            {"name": "new", "privateVisibilityConfig": {"networks": [{"networkUrl": "global/networks/x"}]}},
            400,
            id="a network that is not there",
        ),
        pytest.param({"name": "new", "zork": 1}, 400, id="an unknown field"),
    ],
)
def test_a_zone_that_cannot_be_is_refused(stage: Served, fields: dict[str, Any], status: int) -> None:
    zone(stage)
    answer = zone(stage, **fields)
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == status


@pytest.mark.parametrize(
    "record",
    [
        pytest.param({"name": "example.com.", "type": "A"}, id="outside the zone"),
        pytest.param({"name": "x.googleapis.com.", "type": "ZORK"}, id="a strange type"),
    ],
)
def test_a_record_that_cannot_be_is_refused(stage: Served, record: dict[str, Any]) -> None:
    zone(stage)
    assert stage.call("POST", f"{ZONES}/apis/rrsets", record).status_code == 400
