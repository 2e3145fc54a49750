"""What the proof lets pass and what it stops, and the words in which it says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from tests.egress.world import World, automatic_rules
from tests.egress.worlds import (
    INTERNET,
    NETWORK,
    OUR_ROUTER,
    OURS,
    PROJECT,
    REGION,
    SITE,
    greenfield,
    job,
    job_name,
    look_and_plan,
    policy,
    want,
)
from tests.reach import networks
from tests.reach.networks import Dice
from wayout import reconcile
from wayout.egress.messages import OutcomeSaid
from wayout.egress.model import (
    Action,
    Attach,
    Cause,
    Connector,
    ConnectorName,
    Coverage,
    Direction,
    Egress,
    FirewallRule,
    Nat,
    Network,
    Router,
    RouterName,
    RuleName,
    State,
    Subnet,
    SubnetName,
    Traffic,
    Update,
    Way,
    Zone,
)
from wayout.egress.proof import packets
from wayout.egress.proof.allowance import Allowance
from wayout.egress.proof.check import check
from wayout.egress.reach import Ground, Judge

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


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("apis", ["none", "default-domains"])
def test_private_destinations_alone_are_a_way_out_without_any_nat(road: str, apis: str) -> None:
    profile = {"road": road, "google_apis": apis, "destinations": [{"to": "10.21.0.0/16", "ports": ["tcp:5432"]}]}
    said = brought(greenfield(policy({**profile, "egress": "all-traffic", "pool": ["10.127.64.0/20"]})))
    assert (said.status, why(said)) == ("whole", ""), "control traffic is the connector's own, and nothing to lose"


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


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    ("apis", "reason"),
    [("none", "nothing leads to the internet any more"), ("private", "but to Google APIs, by their virtual addresses")],
)
def test_all_traffic_may_be_taken_in_for_private_destinations_alone(road: str, apis: str, reason: str) -> None:
    """The range by which Google runs connectors is public: a job without VPC reaches it, and has no business there."""
    private = {"to": "10.20.0.0/24", "ports": ["tcp:5432"]}
    profile = {"road": road, "pool": ["10.127.64.0/20"], "destinations": [private], "google_apis": apis}
    world = greenfield(policy(profile)).add(ZONE)
    said = brought(world)
    assert said.status == "whole", (reason, why(said))


def no_route(world: World) -> None:
    world.routes.remove(INTERNET)


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    ("egress", "there", "whole", "reason"),
    [
        (Egress.PRIVATE, no_route, False, "names of Google APIs would lead to where no route leads"),
        (Egress.ALL, no_route, False, "the same, and all that is public would go there"),
        (Egress.PRIVATE, None, True, "the default route leads there, by Private Google Access"),
    ],
)
def test_google_apis_by_virtual_addresses_need_a_route_and_the_words_are_true(
    road: str, egress: Egress, there: Callable[[World], None] | None, whole: bool, reason: str
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
    assert said.status == ("whole" if whole else "blocked"), (reason, why(said))
    assert whole or "199.36.153.8/30" in why(said), reason
    assert "reaches now" not in why(said), reason


# --- many rules of others cost nothing ----------------------------------------------------------------------------


def foreign(number: int, source: str, **more: Any) -> FirewallRule:
    """A rule of others for a port of its own."""
    traffic = (Traffic("tcp", (str(3000 + number),)),)
    name = RuleName(PROJECT, f"theirs-{number}")
    given: dict[str, Any] = {"sources": (source,), **more}
    return FirewallRule(name, NETWORK, Direction.INGRESS, Action.ALLOW, 1000, traffic, **given)


def field_of(*rules: FirewallRule) -> packets.Field:
    """The packets by which a connector in 10.8.0.0/28 is judged."""
    under = Subnet(SubnetName(PROJECT, REGION, "under"), NETWORK, "10.8.0.0/28")
    stands = Connector(OURS, NETWORK, State.READY, subnet=under.name)
    ground = Ground(Network(NETWORK), REGION, subnets=(under,), rules=rules, connectors=(stands,))
    allowed = Allowance(policy().profiles["web"], ())
    return packets.field(Way(Egress.ALL, OURS), Way(Egress.ALL, OURS), (ground,), (), allowed)


@pytest.mark.parametrize(
    ("rule", "told", "reason"),
    [
        (foreign(1, "10.9.0.0/24"), False, "from a subnet of others"),
        (foreign(1, "10.8.0.0/16"), True, "from a range that holds the connector's"),
        (foreign(1, "10.8.0.8/29"), True, "from a part of it"),
        (foreign(1, "10.9.0.0/24", source_tags=("vpc-connector",)), True, "or from whoever has a tag of its machines"),
        (foreign(1, "10.9.0.0/24", source_tags=("web",)), False, "but not another tag"),
        (foreign(1, "", sources=(), source_tags=("web",)), False, "nor that alone"),
        (foreign(1, "10.8.0.0/28", target_tags=("db",)), False, "to machines with a tag: nobody is asked about those"),
        (foreign(1, "10.8.0.0/28", target_accounts=("db@shop",)), False, "nor about those with an account"),
        (replace(foreign(1, ""), direction=Direction.EGRESS, sources=()), True, "outwards, of all machines"),
        (replace(foreign(1, "10.9.0.0/24"), direction=Direction.EGRESS), False, "outwards, of those in another subnet"),
        (replace(foreign(1, ""), direction=Direction.EGRESS, sources=(), target_tags=("db",)), False, "of others"),
    ],
)
def test_only_rules_that_can_concern_the_sender_tell_packets_apart(rule: FirewallRule, told: bool, reason: str) -> None:
    plain, more = field_of(), field_of(rule)
    assert (set(more.kinds) - set(plain.kinds) != set()) == told, reason


@pytest.mark.parametrize("block", range(4))
def test_each_packet_that_a_judge_tells_apart_has_one_like_it_in_the_field(block: int) -> None:
    """Nothing is overlooked for being left out: whatever a judge looks at, the field has a packet of that class."""
    allowed, compared = Allowance(policy().profiles["web"], ()), 0
    for seed in range(block * 30, block * 30 + 30):
        drawn = networks.network(seed)
        ground = replace(drawn.ground, beyond={})  # a plan is proven without its peers' rules
        way = drawn.way or Way(Egress.ALL, networks.OUT)
        judge = Judge(networks.JOB, way, networks.ACCOUNT, ground)
        of = packets.field(way, way, (ground,), (), allowed)
        rows = {judge.place(one) for one in of.addresses}
        columns = {judge.kind(*one) for one in of.kinds}
        for packet in networks.packets(drawn, Dice(seed), most=40):
            if not kept(ground, packet.address):
                assert judge.place(packet.address) in rows, (seed, packet)
            assert judge.kind(packet.protocol, packet.port) in columns, (seed, packet)
            compared += 1
    assert compared > 1000


def kept(ground: Ground, address: str) -> bool:
    """Whether Google keeps it: nobody asks for those addresses of a subnet."""
    nets = [IPv4Network(one.range) for one in ground.subnets]
    return any(IPv4Address(address) in (net[0], net[1], net[-2], net[-1]) for net in nets)


def test_a_rule_rich_network_is_judged_by_no_more_packets_than_a_plain_one() -> None:
    few, many = (
        field_of(*(foreign(number, f"10.{20 + number % 9}.0.0/24") for number in range(count))) for count in (0, 200)
    )
    assert few == many


# --- an adopted connector -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("client", "status", "reason"),
    [
        ("gcloud", "whole", "nobody else has a job in a source of theirs"),
        ("terraform", "blocked", "one job lives in a source of its own, and is only told: no block of the others"),
    ],
)
def test_an_adopted_connector_carries_jobs_whoever_else_is_told(client: str, status: str, reason: str) -> None:
    """An adopted connector reaches more than the profile says, which the policy lets be."""
    world = greenfield(policy({"adopt": {"connectors": ["theirs"]}}), job("ours"))
    labels = (("goog-terraform-provisioned", "true"),) if client == "terraform" else ()
    world.add(job("theirs", labels=labels))
    under = Subnet(SubnetName(PROJECT, REGION, "under"), NETWORK, "10.9.0.0/28")
    stands = Connector(ConnectorName(PROJECT, REGION, "theirs"), NETWORK, State.READY, subnet=under.name)
    nat = Router(RouterName(PROJECT, REGION, "edge"), NETWORK, (Nat("all", Coverage.ALL),))
    world.add(under, stands, nat, *automatic_rules(stands, under.range))
    said = brought(world)
    assert said.status == status, reason
    assert "fails its proof" not in why(said), reason
    assert world.jobs[job_name("ours")].way == Way(Egress.ALL, stands.name), reason


# --- others in the network ----------------------------------------------------------------------------------------


def with_subnets(*made: Subnet, coverage: Coverage) -> World:
    """A site that stands whole, subnets of others beside it, and our NAT as an admin has set it since."""
    world = to_internet("tcp:443")
    brought(world)
    world.add(*made)
    router = world.routers[OUR_ROUTER]
    (nat,) = router.nats
    listed = nat.subnets if coverage == Coverage.LISTED else ()
    world.routers[OUR_ROUTER] = replace(router, nats=(replace(nat, coverage=coverage, subnets=listed),))
    world.jobs[job_name()] = replace(world.jobs[job_name()], way=None)
    world.applied.clear()
    return world


def theirs(name: str, range_: str, region: str = REGION, **more: Any) -> Subnet:
    return Subnet(SubnetName(PROJECT, region, name), NETWORK, range_, **more)


@pytest.mark.parametrize(
    ("coverage", "subnets", "cut", "reason"),
    [
        (Coverage.ALL, (theirs("apps", "10.20.0.0/24"),), "apps", "its machines have the internet by our NAT"),
        (Coverage.ALL, (theirs("apps", "10.20.0.0/27"),), "apps", "so has a subnet that no job could be in"),
        (Coverage.ALL, (theirs("apps", "10.20.0.0/29"),), "apps", "or the smallest that holds a machine"),
        (Coverage.ALL_PRIMARY, (theirs("apps", "10.20.0.0/27"),), "apps", "by their primary ranges as well"),
        (Coverage.ALL, (), "", "nobody else is there"),
        (Coverage.ALL, (theirs("far", "10.20.0.0/24", "us-central1"),), "", "a NAT serves its own region alone"),
        (Coverage.LISTED, (theirs("apps", "10.20.0.0/24"),), "", "it does not serve them"),
    ],
)
def test_our_nat_is_not_set_back_under_the_feet_of_others_who_have_come_to_use_it(
    coverage: Coverage, subnets: tuple[Subnet, ...], cut: str, reason: str
) -> None:
    world = with_subnets(*subnets, coverage=coverage)
    said = brought(world)
    assert said.status == ("blocked" if cut else "whole"), (reason, why(said))
    if cut:
        assert f"machines in {cut}, which they reach now" in why(said), reason
        assert not [change for change, _ in world.applied if not isinstance(change, Attach)], reason


def test_whoever_is_cut_is_found_among_subnets_of_every_kind() -> None:
    """The first of them may have another NAT, or none: they are judged kind by kind, and no subnet twice."""
    quiet = Subnet(SubnetName(PROJECT, REGION, "aaa"), NETWORK, "10.20.0.0/24")
    lively = tuple(theirs(f"apps-{number}", f"10.21.{number}.0/27") for number in range(40))
    world = with_subnets(quiet, *lively, coverage=Coverage.LISTED)
    router = world.routers[OUR_ROUTER]
    (nat,) = router.nats
    more = replace(nat, subnets=tuple(sorted((*nat.subnets, *(one.name for one in lively)))))
    now, then = replace(router, nats=(more,)), router
    world.routers[OUR_ROUTER] = now
    _, seen = look_and_plan(world)
    found = check(want(world), seen, [Update(then, now, "as it was")])
    assert [block.why for block in found if "machines in apps-0, which they reach now" in block.why]
    assert not [block.why for block in found if "machines in aaa" in block.why or "apps-1" in block.why]
