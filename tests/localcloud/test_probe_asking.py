"""How probes and their targets are asked for on the admin surface, and what they answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from localcloud.world import world
from tests.localcloud.probeworlds import world_of
from tests.localcloud.probing import JOB, NETWORK, PROJECT, Ground


@pytest.fixture(scope="module")
def tight_ground() -> Iterator[Ground]:
    with world_of("tight") as found:
        yield found


def test_every_hop_is_told_with_what_decides_there(tight_ground: Ground) -> None:
    found = tight_ground.probe("tcp:5432 10.20.0.5")
    names = [(hop["hop"], hop["by"] and hop["by"].rsplit("/", 1)[-1]) for hop in found["hops"]]
    assert names == [
        ("connector", "out"),
        ("egress setting", None),
        ("egress firewall", None),
        ("route", "data"),
        ("ingress firewall", "allow"),
        ("destination", "database"),
    ]


def test_many_probes_are_answered_in_their_order(tight_ground: Ground) -> None:
    asked = [{"job": JOB, "to": "10.20.0.5", "protocol": "tcp", "port": port} for port in (5432, 22)]
    numbered = [one | {"job": JOB.replace(PROJECT, "123456789012")} for one in asked]
    found = tight_ground.admin("probe", {"probes": asked + numbered})["verdicts"]
    assert [one["verdict"] for one in found] == ["delivered", "dropped"] * 2


def test_a_target_can_be_taken_away_again(tight_ground: Ground) -> None:
    tight_ground.target("spare", "10.20.0.8", tags=["db"])
    assert tight_ground.probe("tcp:5432 10.20.0.8")["verdict"] == "delivered"
    left = tight_ground.admin("targets", {"name": "spare", "remove": True})["targets"]
    assert [one["name"] for one in left] == ["database", "server"]
    shown = requests.get(f"{tight_ground.local.url}/_localcloud/targets", timeout=30).json()
    assert shown["targets"] == left
    assert tight_ground.probe("tcp:5432 10.20.0.8")["verdict"] == "dropped"


def test_a_probe_changes_nothing(tight_ground: Ground) -> None:
    cloud = tight_ground.local.cloud
    before = (world(cloud), len(cloud.records), cloud.clock.seconds())
    tight_ground.probe("tcp:5432 10.20.0.5")
    assert (world(cloud), len(cloud.records), cloud.clock.seconds()) == before


def test_a_job_that_is_being_deleted_has_no_next_execution() -> None:
    with world_of("bare") as ground:
        ground.local.cloud.clock.idle = False
        ground.call("DELETE", "run", f"v2/{JOB}", settle=False)
        assert JOB in ground.local.cloud.table("run.jobs")
        asked = {"job": JOB, "to": "10.20.0.5", "protocol": "tcp", "port": 443}
        assert ground.admin("probe", asked)["field"] == "job"


@pytest.mark.parametrize(
    ("action", "change", "field"),
    [
        pytest.param("probe", {"job": JOB + "s"}, "job", id="no such job"),
        pytest.param("probe", {"job": "report"}, "job", id="not a full name"),
        pytest.param("probe", {"to": "example.com"}, "to", id="a name is no address"),
        pytest.param("probe", {"to": "::1"}, "to", id="IPv6 is not judged"),
        pytest.param("probe", {"protocol": "esp"}, "protocol", id="a protocol that nobody asks for"),
        pytest.param("probe", {"port": 0}, "port", id="no port"),
        pytest.param("probe", {"port": 65536}, "port", id="a port too many"),
        pytest.param("probe", {"probes": {}}, "probes", id="not a list"),
        pytest.param("targets", {"network": NETWORK + "s"}, "network", id="no such network"),
        pytest.param("targets", {"network": "net"}, "network", id="a network's short name"),
        pytest.param("targets", {"ip": "10.20.0.5"}, "ip", id="another target has that address"),
        pytest.param("targets", {"tags": "db"}, "tags", id="tags are a list"),
        pytest.param("targets", {"name": "nobody", "remove": True}, "name", id="no such target"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_field(
    tight_ground: Ground, action: str, change: dict[str, Any], field: str
) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "probe": {"job": JOB, "to": "10.20.0.5", "protocol": "tcp", "port": 443},
        "targets": {"name": "new", "network": NETWORK, "ip": "10.20.0.99"},
    }
    found = tight_ground.admin(action, bodies[action] | change)
    assert found["field"] == field, found
