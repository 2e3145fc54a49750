"""What the proof lets pass and what it stops, and the words in which it says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.egress.world import World
from tests.egress.worlds import INTERNET, SITE, greenfield, job_name, policy
from wayout import reconcile
from wayout.egress.messages import OutcomeSaid
from wayout.egress.model import Cause, Egress, Zone

ZONE = Zone("apis", "googleapis.com.")
ROADS = ("connector", "direct", "auto")


def brought(world: World) -> OutcomeSaid:
    """What is said of the site once it has been brought to its end."""
    ending = reconcile.whole_site(SITE, Cause("event"), world)
    assert ending
    return ending.said


def why(said: OutcomeSaid) -> str:
    return "\n".join(f"{block.what}: {block.why}" for block in said.blocked)


def to_internet(*ports: str, road: str = "connector", **more: Any) -> World:
    """A job without VPC egress, whose profile has all traffic in the VPC and allows these to the internet."""
    room = ["10.127.64.0/20"] if road != "connector" else ["10.127.0.0/16"]
    profile = {"road": road, "pool": room, "destinations": [{"to": "internet", "ports": list(ports)}], **more}
    return greenfield(policy(profile))


# --- what nobody knows to be reachable now is not held ------------------------------------------------------------


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    ("ports", "reason"),
    [
        (("tcp:443",), "what most jobs have"),
        (("udp:53",), "the virtual addresses of Google APIs answer no udp, and answer nobody who has no VPC for sure"),
        (("tcp:443", "udp:53"), "the same, beside what they do answer"),
        (("icmp", "tcp:443"), "nor ping"),
        (("all",), "esp passes no Cloud NAT, and whether it passes Google's own path is not documented"),
        (("sctp:5000", "esp"), "nor do other protocols"),
        (("tcp:25",), "Google blocks it everywhere"),
    ],
)
def test_a_job_without_vpc_gets_its_way_to_the_internet(road: str, ports: tuple[str, ...], reason: str) -> None:
    world = to_internet(*ports, road=road)
    said = brought(world)
    assert said.status == "whole", (reason, why(said))
    assert world.jobs[job_name()].way is not None


def no_route(world: World) -> None:
    world.routes.remove(INTERNET)


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    ("egress", "there", "says", "reason"),
    [
        (Egress.PRIVATE, no_route, "whether it reaches it now cannot be known", "names of Google APIs lead there"),
        (Egress.ALL, no_route, "it reaches now", "34.126.0.0/18 is public, and answers a job without VPC"),
        (Egress.PRIVATE, None, "", "the default route leads there, by Private Google Access"),
    ],
)
def test_google_apis_by_virtual_addresses_need_a_route_and_the_words_are_true(
    road: str, egress: Egress, there: Callable[[World], None] | None, says: str, reason: str
) -> None:
    room = ["10.127.64.0/20"]
    world = greenfield(
        policy(
            {
                "road": road,
                "pool": room,
                "egress": egress,
                "google_apis": "private",
                "destinations": [{"to": "10.20.0.0/24", "ports": ["tcp:5432"]}],
            }
        )
    )
    world.add(ZONE)
    if there:
        there(world)
    said = brought(world)
    assert said.status == ("blocked" if says else "whole"), reason
    assert says in why(said), reason
    assert ("reaches now" in why(said)) == (says == "it reaches now"), why(said)
    assert not says or "no route of the network leads there" in why(said)
