"""The main job, judged by packets: what gets through before a job has its way out, and what afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from localcloud import probe as probes
from tests.house import JOBS, REGION, SITE, House
from wayout.egress import naming

JOB = f"{JOBS}/my-job"
INTERNET, DATABASE, NEIGHBOUR, SAME_SUBNET = "203.0.112.1", "10.20.0.5", "10.21.0.5", "10.20.200.7"
DENY_OUT = naming.rule_of(SITE, "deny-out").rule
NAT = naming.router_of(SITE.network, REGION).router
# What the house's policy allows: tcp:443 to the internet, tcp:5432 to 10.20.0.0/16.
PACKETS = [
    (to, protocol, port)
    for to in (INTERNET, DATABASE, NEIGHBOUR, SAME_SUBNET, "192.168.7.7", "100.64.0.9")
    for protocol, port in (
        *(("tcp", port) for port in (22, 80, 443, 442, 444, 5431, 5432, 5433)),
        ("udp", 443),
        ("icmp", 0),
    )
]
ALLOWED = {(INTERNET, "tcp", 443), (DATABASE, "tcp", 5432), (SAME_SUBNET, "tcp", 5432)}


def ask(house: House, to: str, protocol: str = "tcp", port: int = 443) -> dict[str, Any]:
    found: dict[str, Any] = house.admin("probe", {"job": JOB, "to": to, "protocol": protocol, "port": port})
    return found


def ending(house: House, to: str, port: int) -> tuple[str, str, str]:
    """The verdict, the hop that decided, and what decided there, by its short name."""
    found = ask(house, to, port=port)
    last = found["hops"][-1]
    return found["verdict"], last["hop"], (last["by"] or "").rsplit("/", 1)[-1]


def delivered(house: House) -> set[tuple[str, str, int]]:
    """Those of the packets that arrive."""
    asked = [{"job": JOB, "to": to, "protocol": protocol, "port": port} for to, protocol, port in PACKETS]
    verdicts = [one["verdict"] for one in house.admin("probe", {"probes": asked})["verdicts"]]
    assert set(verdicts) <= {"delivered", "dropped"}
    return {packet for packet, verdict in zip(PACKETS, verdicts, strict=True) if verdict == "delivered"}


def deployed(house: House) -> None:
    """A job that nobody was told of, beside a database and a neighbour."""
    house.cloud.table("logging.sinks").clear()
    house.platform.make_subnet("data", "10.20.0.0/16")
    house.platform.make_subnet("neighbour", "10.21.0.0/16")
    house.developer.deploy("my-job")
    house.settle()


def swept(house: House) -> None:
    house.platform.sweep()
    house.settle()


def test_before_a_job_reaches_the_whole_internet_and_nothing_inside(house: House) -> None:
    deployed(house)

    assert delivered(house) == {packet for packet in PACKETS if packet[0] == INTERNET}
    assert ending(house, DATABASE, 5432) == ("dropped", "internet", "")


def test_afterwards_exactly_what_the_policy_allows_arrives(house: House) -> None:
    deployed(house)
    swept(house)

    assert delivered(house) == ALLOWED


def test_https_leaves_through_the_nat_and_ssh_stops_at_our_deny(house: House) -> None:
    deployed(house)
    swept(house)

    hops = {hop["hop"]: hop["by"] or "" for hop in ask(house, INTERNET)["hops"]}
    assert hops["connector"] == str(naming.connector_of(SITE))
    assert hops["egress firewall"].endswith(naming.rule_of(SITE, "out-tcp443").rule)
    assert f"/routers/{NAT}/" in hops["nat"]
    assert ending(house, INTERNET, 22) == ("dropped", "egress firewall", DENY_OUT)
    assert ending(house, NEIGHBOUR, 443) == ("dropped", "egress firewall", DENY_OUT)
    assert ending(house, "199.36.153.8", 443)[:2] == ("delivered", "private google access")


def test_at_no_moment_on_the_way_there_does_more_arrive_inside(house: House) -> None:
    deployed(house)
    seen: set[tuple[str, str, int]] = set()
    moments: list[float] = []

    def look(entry: dict[str, Any]) -> None:
        moments.append(house.cloud.clock.seconds())
        for to, protocol, port in PACKETS:
            if to != INTERNET and probes.probe(house.cloud, JOB, to, protocol, port).verdict != "dropped":
                seen.add((to, protocol, port))

    house.cloud.listeners.append(look)
    swept(house)

    assert len(set(moments)) > 5
    assert seen == {packet for packet in ALLOWED if packet[0] != INTERNET}


def test_a_rule_that_somebody_widened_lets_everything_out_until_it_is_healed(house: House) -> None:
    deployed(house)
    swept(house)

    house.stranger.widen(naming.rule_of(SITE, "out-tcp443").rule)
    house.settle()
    assert ending(house, INTERNET, 22)[0] == "delivered"
    assert ending(house, NEIGHBOUR, 443)[:2] == ("dropped", "ingress firewall")

    swept(house)
    assert delivered(house) == ALLOWED


def test_without_its_nat_a_job_reaches_no_internet_until_that_is_healed(house: House) -> None:
    deployed(house)
    swept(house)

    house.stranger.delete_nats(NAT)
    house.settle()
    assert ending(house, INTERNET, 443)[:2] == ("dropped", "nat")
    assert ending(house, DATABASE, 5432)[0] == "delivered"

    swept(house)
    assert delivered(house) == ALLOWED


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param({"connector.visible_rules": False}, id="Google's rules act unseen"),
        pytest.param({"connector.rules_editable": False}, id="Google's rules cannot be disabled"),
        pytest.param({"connector.rules_restored": True}, id="Google's rules come back"),
    ],
)
def test_it_is_the_same_whatever_becomes_of_googles_own_rules(tmp_path: Path, switches: dict[str, Any]) -> None:
    with House(tmp_path, switches=switches) as house:
        deployed(house)
        swept(house)

        assert delivered(house) == ALLOWED
