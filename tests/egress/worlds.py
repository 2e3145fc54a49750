"""Worlds and policies: plain ones for stories, drawn ones for properties."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from hypothesis import strategies as st

from tests.egress.world import World
from wayout.egress import naming, need, planner
from wayout.egress.model import (
    Action,
    Change,
    Connector,
    ConnectorName,
    Coverage,
    Direction,
    Egress,
    FirewallPolicy,
    FirewallRule,
    Interface,
    Job,
    JobName,
    Layer,
    Nat,
    Network,
    NetworkName,
    NotLookedError,
    Outcome,
    Plan,
    Result,
    Route,
    Router,
    RouterName,
    RuleName,
    Seen,
    Site,
    State,
    Subnet,
    SubnetName,
    Traffic,
    Way,
    Zone,
)
from wayout.egress.policy import Policy
from wayout.egress.remedies import Want

PROJECT, REGION = "shop", "europe-west2"
NETWORK = NetworkName(PROJECT, "default")
SITE = Site(NETWORK, REGION, "web")
OURS = naming.connector_of(SITE)
OUR_SUBNET = naming.subnet_of(SITE)
OUR_ROUTER = naming.router_of(NETWORK, REGION)
INTERNET = Route("default-route", NETWORK, "0.0.0.0/0", internet=True)
TODAY = date(2026, 11, 23)
PASSES = 12  # a site takes no more, whatever happened to it


def job_name(text: str = "nightly") -> JobName:
    return JobName(PROJECT, REGION, text)


def job(text: str = "nightly", **more: Any) -> Job:
    return Job(job_name(text), **more)


def policy(profile: dict[str, Any] | None = None, **more: Any) -> Policy:
    """One profile `web`, given to every job, enforced."""
    web = {"egress": "all-traffic", "destinations": [{"to": "internet", "ports": ["tcp:443"]}]}
    whole: dict[str, Any] = {
        "version": 1,
        "mode": "enforce",
        "projects": [PROJECT],
        "regions": [REGION],
        "profiles": {"web": {**web, **(profile or {})}},
        "rules": [{"match": {}, "profile": "web"}],
    }
    return Policy.model_validate({**whole, **more})


def greenfield(policies: Policy | None = None, *jobs: Job) -> World:
    """A network with its default route, and jobs that nobody has given a way out."""
    world = World(policies or policy()).add(Network(NETWORK), INTERNET)
    return world.add(*(jobs or (job(),)))


def want(world: World) -> Want:
    """What the policy wants of the site, for every job that needs it."""
    intents = (need.judge(world.policies, found, today=world.day) for found in world.jobs.values())
    needing = {intent.job for intent in intents if intent.site == SITE}
    jobs = tuple(found for name, found in sorted(world.jobs.items()) if name in needing)
    policies = world.policies
    return Want(
        SITE,
        policies.profiles["web"],
        jobs,
        policies.create_network,
        policies.profiles_per_network,
        projects=policies.projects_of(SITE),
    )


def look_and_plan(world: World) -> tuple[Plan, Seen]:
    """One look at what the planner asks for, and its plan."""
    wanted = want(world)
    sightings = dict(world.look(planner.reads(wanted)))
    while True:
        try:
            return planner.plan(wanted, Seen(sightings)), Seen(sightings)
        except NotLookedError as missing:
            sightings |= world.look({missing.read})


@dataclass(frozen=True)
class Pass:
    """One pass: what was planned on what was seen, and what became of it."""

    plan: Plan
    seen: Seen
    outcomes: Sequence[Outcome]


def run(world: World, *, before: Callable[[Plan], None] = lambda _: None) -> list[Pass]:
    """Passes until nothing is left to change; the last one changed nothing. Fails when that takes too many."""
    passes: list[Pass] = []
    refused: set[Change] = set()
    for number in range(PASSES):
        plan, seen = look_and_plan(world)
        before(plan)
        todo = [change for change in plan.changes if change not in refused]
        outcomes = world.apply(todo, deadline=0.0, seed=str(number)) if todo else ()
        passes.append(Pass(plan, seen, outcomes))
        if not todo:
            return passes
        refused |= {outcome.change for outcome in outcomes if outcome.result == Result.REFUSED}
        from wayout.egress.model import Cause

        world.remember(outcomes, plan="", run="", cause=Cause("test"), site=SITE)
    raise AssertionError(f"no end after {PASSES} passes: {plan.changes}")


# --- drawn ones --------------------------------------------------------------------------------------------------

PLACES = ("internet", "10.20.0.0/16", "10.20.5.0/24", "192.168.7.0/24", "172.16.0.0/12", "100.64.0.0/10", "8.8.8.0/24")
PORTS = ("tcp:443", "tcp:80,8080", "tcp:80-8080", "tcp", "udp:53", "icmp", "all", "tcp:5432", "udp:665-667", "tcp:667")
TAGS = ("vpc-connector", naming.tag_of(OURS), "web", "vpc-connector-europe-west2-other")


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    egress = draw(st.sampled_from(Egress))
    places = PLACES if egress == Egress.ALL else PLACES[1:-1]
    one = st.fixed_dictionaries(
        {"to": st.sampled_from(places), "ports": st.lists(st.sampled_from(PORTS), min_size=1, max_size=2, unique=True)}
    )
    profile = {
        "egress": egress,
        "destinations": draw(st.lists(one, max_size=4)),
        "google_apis": draw(st.sampled_from(["default-domains", "private", "restricted", "none"])),
        "pool": draw(st.sampled_from([["10.127.0.0/16"], ["10.127.0.0/27"], ["10.20.0.0/28", "10.127.0.0/27"]])),
        "retire": draw(st.sampled_from(["disable", "delete", "keep"])),
        "outranks": draw(st.sampled_from([[], ["*"], ["theirs-0"]])),
        "connector": draw(st.sampled_from([{}, {"min_instances": 3, "max_instances": 7}])),
        "nat": draw(st.sampled_from([{}, {"min_ports": 64, "log": "off"}])),
    }
    return policy(profile, create_network=draw(st.booleans()))


@st.composite
def foreign_rules(draw: st.DrawFn, name: str) -> FirewallRule:
    direction = draw(st.sampled_from(Direction))
    into = direction == Direction.INGRESS
    places = st.lists(
        st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", "10.127.0.0/16", "8.8.8.0/24"]), min_size=1, max_size=2
    )
    tags = st.lists(st.sampled_from(TAGS), max_size=2, unique=True).map(tuple)
    return FirewallRule(
        RuleName(PROJECT, name),
        NETWORK,
        direction,
        draw(st.sampled_from(Action)),
        draw(st.sampled_from([0, 100, 250, 300, 310, 500, 949, 950, 951, 1000, 65534])),
        (draw(st.sampled_from([Traffic("all"), Traffic("tcp"), Traffic("tcp", ("22", "440-450")), Traffic("udp")])),),
        sources=tuple(draw(places)) if into else (),
        destinations=() if into else tuple(draw(places)),
        source_tags=draw(tags) if into else (),
        target_tags=draw(tags),
        disabled=draw(st.booleans()),
    )


@st.composite
def foreign_routers(draw: st.DrawFn) -> list[Router]:
    """At most one NAT for all subnets, or listed ones, or a private one; in our region or another."""
    kind = draw(st.sampled_from(["none", "bare", "all", "primary", "listed", "private", "elsewhere"]))
    region = "us-central1" if kind == "elsewhere" else REGION
    nats = {
        "all": (Nat("theirs", Coverage.ALL, min_ports=64),),
        "elsewhere": (Nat("theirs", Coverage.ALL),),
        "primary": (Nat("theirs", Coverage.ALL_PRIMARY, dynamic_ports=True),),
        "listed": (Nat("theirs", subnets=(SubnetName(PROJECT, REGION, "apps"),)),),
        "private": (Nat("theirs", Coverage.ALL, public=False),),
    }
    made = Router(RouterName(PROJECT, region, "theirs"), NETWORK, nats.get(kind, ()))
    return [] if kind == "none" else [made]


WAYS = (
    None,
    Way(Egress.PRIVATE, OURS),
    Way(Egress.ALL, OURS),
    Way(Egress.ALL, ConnectorName(PROJECT, REGION, "theirs")),
    Way(Egress.ALL, ConnectorName(PROJECT, REGION, "gone")),
    Way(Egress.ALL, ConnectorName(PROJECT, "us-central1", "afar")),
    Way(Egress.ALL, interface=Interface("default", "apps", ("web",))),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A policy, and a network where others have been before us."""
    world = World(draw(policies()), automatic=draw(st.booleans()), hyphens=draw(st.sampled_from(["--", "-"])))
    if draw(st.sampled_from([True, True, True, False])):
        world.add(Network(NETWORK))
        if draw(st.sampled_from([True, True, False])):
            world.add(INTERNET)
        if draw(st.booleans()):
            world.add(Subnet(SubnetName(PROJECT, REGION, "apps"), NETWORK, "10.20.0.0/20", ("10.21.0.0/16",)))
        if draw(st.booleans()):
            world.add(Subnet(SubnetName(PROJECT, "us-central1", "far"), NETWORK, "10.127.0.0/28"))
        if draw(st.booleans()):
            world.add(Route("peer", NETWORK, "10.127.128.0/17", next_hop="peering"))
        for number in range(draw(st.integers(0, 3))):
            world.add(draw(foreign_rules(f"theirs-{number}")))
        if draw(st.booleans()):
            theirs = ConnectorName(PROJECT, REGION, "theirs")
            world.add(Connector(theirs, NETWORK, State.READY, range="10.127.64.0/28"))
        world.add(*draw(foreign_routers()))
        if draw(st.booleans()):
            world.add(Zone("apis", "googleapis.com."))
        world.firewall_policies = draw(st.sampled_from([(), (FirewallPolicy("org-wide", Layer.HIERARCHY),)]))
    for number, way in enumerate(draw(st.lists(st.sampled_from(WAYS), max_size=4))):
        world.add(job(f"job-{number}", way=way))
    return world


Damage = Callable[[World], None]


@st.composite
def damages(draw: st.DrawFn) -> list[Damage]:
    """What people do to a site that was whole."""
    kinds: list[Damage] = [_lose_rules, _bend_rules, _break_connector, _lose_connector, _lose_nat, _close_subnet]
    more: list[Damage] = [_detach, _turn_rule, _surplus, _lose_automatic, _list_foreign_nat_name, _new_job]
    return draw(st.lists(st.sampled_from([*kinds, *more]), max_size=4, unique=True))


def ours(world: World) -> list[FirewallRule]:
    return [rule for rule in world.rules.values() if rule.name.rule.startswith("wayout-")]


def _lose_rules(world: World) -> None:
    for rule in ours(world)[::2]:
        del world.rules[rule.name]


def _bend_rules(world: World) -> None:
    for rule in ours(world)[1::3]:
        world.rules[rule.name] = replace(rule, priority=rule.priority + 700, disabled=True)


def _turn_rule(world: World) -> None:
    """Somebody made one of ours anew, in the other direction."""
    for rule in [rule for rule in ours(world) if rule.direction == Direction.EGRESS][:1]:
        world.rules[rule.name] = replace(
            rule, direction=Direction.INGRESS, sources=rule.destinations, destinations=(), target_tags=()
        )


def _break_connector(world: World) -> None:
    if OURS in world.connectors:
        world.connectors[OURS] = replace(world.connectors[OURS], state=State.ERROR)


def _lose_connector(world: World) -> None:
    world.connectors.pop(OURS, None)


def _lose_nat(world: World) -> None:
    if OUR_ROUTER in world.routers:
        world.routers[OUR_ROUTER] = replace(world.routers[OUR_ROUTER], nats=())


def _list_foreign_nat_name(world: World) -> None:
    """Somebody renamed our NAT on our router: it covers the subnet, but it is not ours."""
    if OUR_ROUTER in world.routers:
        router = world.routers[OUR_ROUTER]
        world.routers[OUR_ROUTER] = replace(router, nats=tuple(replace(nat, name="renamed") for nat in router.nats))


def _close_subnet(world: World) -> None:
    if OUR_SUBNET in world.subnets:
        world.subnets[OUR_SUBNET] = replace(world.subnets[OUR_SUBNET], google_access=False)


def _detach(world: World) -> None:
    for found in list(world.jobs.values())[:1]:
        world.add(replace(found, way=None, etag=""))


def _new_job(world: World) -> None:
    world.add(job("late"))


def _surplus(world: World) -> None:
    if NETWORK in world.networks:
        name = naming.rule_of(SITE, "out-tcp9")
        world.add(FirewallRule(name, NETWORK, Direction.EGRESS, Action.ALLOW, 300, (Traffic("tcp", ("9",)),)))


def _lose_automatic(world: World) -> None:
    for name in [name for name in world.rules if name.rule.startswith("aet-")][::2]:
        del world.rules[name]
