"""Wide worlds: several projects, networks, regions and profiles, a Shared VPC, peers, policies, accounts, many jobs.

A world without obstacles is one in which nothing that others made stands in the way of any job. What others made is
called `theirs`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from tests.egress.world import World, automatic_rules
from tests.egress.worlds import PROJECT
from wayout.egress.model import (
    Action,
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
    Peering,
    PolicyRule,
    Route,
    Router,
    RouterName,
    RuleName,
    Site,
    State,
    Subnet,
    SubnetName,
    Traffic,
    Verb,
    Way,
    Zone,
)
from wayout.egress.policy import Policy, Profile

PROJECTS, REGIONS = (PROJECT, "lab"), ("europe-west2", "us-central1")
SHARED = NetworkName("host", "shared")
NETWORKS = (NetworkName(PROJECT, "default"), NetworkName("lab", "default"), SHARED)
ACCOUNTS = ("", "app@shop.iam.gserviceaccount.com", "etl@shop.iam.gserviceaccount.com")
STRANGER = "db@shop.iam.gserviceaccount.com"
NAMES = ("web", "data", "mixed")
OFFICE, PEER, APPS = "192.168.0.0/16", "10.60.0.0/16", "10.20.0.0/20"


def times(examples: int) -> settings:
    """So many worlds, or twenty times as many in the long form: see docs/promises.md. A large world takes minutes to
    shrink, so that is left out: the first that fails is shown as it is."""
    many = examples * (20 if os.environ.get("WAYOUT_LONG") else 1)
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    return settings(max_examples=many, deadline=None, suppress_health_check=list(HealthCheck), phases=phases)


class Wide(World):
    """A world that is told in a few lines: what it holds beside what all of them hold."""

    def __repr__(self) -> str:
        profiles = {name: one.model_dump(exclude_defaults=True) for name, one in self.policies.profiles.items()}
        jobs = [f"{job.name} {job.labels} {job.service_account} {_told(job.way)}" for job in self.jobs.values()]
        rules = sorted({rule.name.rule for rule in self.rules.values() if "theirs-" in rule.name.rule})
        nats = [f"{router.name}: {nat.name} {nat.coverage}" for router in self.routers.values() for nat in router.nats]
        policies = [f"{on}: {one.name} {one.rules[0]}" for on, known in self.policies_on.items() for one in known]
        firsts = [f"{name}: policies first" for name, one in self.networks.items() if one.policies_first]
        routes = [f"{one.network}: {one.destination}" for one in (*self.routes, *self.peer_routes)]
        return "\n".join(map(str, ["", profiles, *jobs, rules, *nats, *policies, *firsts, *routes, *self.connectors]))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        del cycle
        printer.text(repr(self))


def _told(way: Way | None) -> str:
    return f"{way.egress} {way.connector or way.interface}" if way else "no way"


# --- policies -----------------------------------------------------------------------------------------------------

TO = (
    {"to": "internet", "ports": ["tcp:443"]},
    {"to": "internet", "ports": ["tcp:443", "udp:53"]},
    {"to": "internet", "ports": ["all"]},
    {"to": "8.8.8.0/24", "ports": ["udp:53", "icmp"]},
    {"to": "10.20.0.0/16", "ports": ["tcp:5432"]},
    {"to": "10.20.5.0/24", "ports": ["tcp"]},
    {"to": PEER, "ports": ["tcp:443"]},
    {"to": OFFICE, "ports": ["tcp:22,443"]},
)
ROADS = ("connector", "connector", "direct", "auto")


@st.composite
def profiles(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """One profile; each has a pool of its own."""
    egress, road = draw(st.sampled_from(Egress)), draw(st.sampled_from(ROADS))
    to = [one for one in TO if egress == Egress.ALL or one["to"] not in ("internet", "8.8.8.0/24")]
    return {
        "road": road,
        "egress": egress.value,
        "network": draw(st.sampled_from(["default", "default", str(SHARED)])),
        "host_writes": True,
        "connector": {"project": draw(st.sampled_from(["host", "service"]))},
        "destinations": draw(st.lists(st.sampled_from(to), min_size=1, max_size=3, unique_by=str)),
        "google_apis": draw(st.sampled_from(["default-domains", "private", "restricted", "none"])),
        "pool": [f"10.127.{64 * number}.0/18"],
        "retire": draw(st.sampled_from(["disable", "delete", "keep"])),
        "detach": draw(st.booleans()),
    }


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Two or three profiles, each for whatever job carries its name."""
    names = NAMES[: draw(st.integers(2, 3))]
    return Policy.model_validate(
        {
            "version": 1,
            "mode": "enforce",
            "projects": list(PROJECTS),
            "regions": list(REGIONS),
            "profiles": {name: draw(profiles(number)) for number, name in enumerate(names)},
            "rules": [{"match": {"labels": {"takes": name}}, "profile": name} for name in names],
        }
    )


# --- what others have made ----------------------------------------------------------------------------------------


def in_(network: NetworkName, region: str, name: str) -> SubnetName:
    return SubnetName(network.project, region, f"{name}-{network.network}")


def laid(world: World, network: NetworkName) -> None:
    """A network with its default route, and a subnet of others in each region; one of them small."""
    world.add(Network(network), Route(f"internet-{network.network}", network, "0.0.0.0/0", internet=True))
    first, second = REGIONS
    world.add(Subnet(in_(network, first, "theirs"), network, APPS, ("10.21.0.0/16",), google_access=True))
    world.add(Subnet(in_(network, second, "theirs"), network, "10.50.0.0/24"))
    world.add(Subnet(in_(network, first, "theirs-small"), network, "10.50.1.0/27"))


def rule(network: NetworkName, number: int, direction: Direction, action: Action, **more: Any) -> FirewallRule:
    name = RuleName(network.project, f"theirs-{network.network}-{number}")
    given: dict[str, Any] = {"priority": 1000, "traffic": (Traffic("all"),), **more}
    return FirewallRule(name, network, direction, action, **given)


def harmless(network: NetworkName) -> tuple[FirewallRule, ...]:
    """Rules as teams make them for their own: by tag, account and range, above ours and below."""
    into, out, allow, deny = Direction.INGRESS, Direction.EGRESS, Action.ALLOW, Action.DENY
    return (
        rule(network, 0, into, allow, sources=("10.0.0.0/8",), priority=65534),
        rule(network, 1, into, allow, source_tags=("web",), target_tags=("db",)),
        rule(network, 2, out, deny, destinations=("0.0.0.0/0",), target_tags=("db",), priority=10),
        rule(network, 3, out, allow, destinations=("0.0.0.0/0",), target_accounts=(STRANGER,), priority=10),
        rule(network, 4, into, deny, sources=("10.50.0.0/24",), target_accounts=(STRANGER,), priority=10),
        rule(network, 5, into, allow, sources=(APPS,), traffic=(Traffic("tcp", ("8080",)),), priority=500),
    )


def in_the_way(network: NetworkName) -> tuple[FirewallRule, ...]:
    """Rules that speak of our machines, too."""
    into, out, allow, deny = Direction.INGRESS, Direction.EGRESS, Action.ALLOW, Action.DENY
    return (
        rule(network, 10, out, deny, destinations=("0.0.0.0/0",), priority=65000),
        rule(network, 11, out, allow, destinations=("10.0.0.0/8",), priority=200),
        rule(network, 12, out, deny, destinations=("8.8.8.0/24",), target_accounts=(ACCOUNTS[1],), priority=100),
        rule(network, 13, into, deny, sources=("10.127.0.0/16",), priority=250),
        rule(network, 14, into, allow, source_tags=("vpc-connector",), priority=900),
        rule(network, 15, out, allow, destinations=("0.0.0.0/0",), target_accounts=(ACCOUNTS[2],), priority=900),
    )


def asks(priority: int, verb: Verb, direction: Direction, *places: str, **more: Any) -> PolicyRule:
    into = direction == Direction.INGRESS
    where: dict[str, Any] = {"sources": places} if into else {"destinations": places}
    return PolicyRule(priority, direction, verb, (Traffic("all"),), **where, **more)


OUT, IN = Direction.EGRESS, Direction.INGRESS
PASSING = (asks(10, Verb.NEXT, OUT, "0.0.0.0/0"), asks(20, Verb.DENY, OUT, "8.8.8.0/24", target_accounts=(STRANGER,)))
QUIET = (
    FirewallPolicy("theirs-org", Layer.HIERARCHY, PASSING),
    FirewallPolicy("theirs-net", Layer.NETWORK, (asks(10, Verb.NEXT, IN, "10.0.0.0/8"),)),
    FirewallPolicy("theirs-region", Layer.REGIONAL, (asks(10, Verb.ALLOW, IN, "10.99.0.0/16"),)),
)
LOUD = (
    FirewallPolicy("theirs-org", Layer.HIERARCHY, (asks(10, Verb.DENY, OUT, "10.20.5.0/24"),)),
    FirewallPolicy("theirs-org", Layer.HIERARCHY, (asks(10, Verb.ALLOW, OUT, "10.0.0.0/8"),)),
    FirewallPolicy("theirs-net", Layer.NETWORK, (asks(10, Verb.DENY, IN, "10.127.0.0/16"),)),
    FirewallPolicy("theirs-net", Layer.NETWORK, (asks(10, Verb.ALLOW, OUT, "8.8.8.0/24"),)),
)

KINDS_OF_NAT = ("none", "none", "bare", "all", "primary", "listed", "private")


def nats(kind: str, network: NetworkName, region: str) -> tuple[Nat, ...]:
    return {
        "all": (Nat("theirs", Coverage.ALL, min_ports=64),),
        "primary": (Nat("theirs", Coverage.ALL_PRIMARY, dynamic_ports=True),),
        "listed": (Nat("theirs", subnets=(in_(network, region, "theirs"),)),),
        "private": (Nat("theirs", Coverage.ALL, public=False),),
    }.get(kind, ())


@st.composite
def neighbours(draw: st.DrawFn, world: World, network: NetworkName, *, clear: bool) -> None:
    """Routers, rules, policies, peers and connectors of others in one network."""
    for region in REGIONS:
        kind = draw(st.sampled_from(KINDS_OF_NAT))
        if kind != "none":
            name = RouterName(network.project, region, f"theirs-{network.network}")
            world.add(Router(name, network, nats(kind, network, region)))
    world.add(*draw(st.lists(st.sampled_from(harmless(network)), unique=True)))
    if draw(st.booleans()):
        peering = Peering("theirs-peering", NetworkName("far", "db"))
        first = draw(st.booleans())
        world.networks[network] = replace(world.networks[network], peerings=(peering,), policies_first=first)
        route = Route("theirs-peer", network, PEER, priority=0, next_hop="peering", peering=peering.name)
        world.peer_routes.append(route)
    if draw(st.booleans()):
        world.add(Route(f"theirs-office-{network.network}", network, OFFICE, next_hop="vpn-tunnel"))
    loud = () if clear else LOUD
    world.policies_on[network] = tuple(draw(st.lists(st.sampled_from((*QUIET, *loud)), max_size=2, unique=True)))
    if not clear:
        world.add(*draw(st.lists(st.sampled_from(in_the_way(network)), max_size=2, unique=True)))
    if draw(st.booleans()):
        world.add(*connector(network))


def connector(network: NetworkName) -> tuple[Subnet | Connector | FirewallRule, ...]:
    """A connector of others that works, with the rules that Google makes for it."""
    under = Subnet(in_(network, REGIONS[0], "theirs-conn"), network, "10.9.0.0/28", google_access=True)
    stands = Connector(theirs_in(network), network, State.READY, subnet=under.name)
    return (under, stands, *automatic_rules(stands, under.range))


def theirs_in(network: NetworkName) -> ConnectorName:
    return ConnectorName(network.project, REGIONS[0], f"theirs-{network.network}"[:13])


# --- jobs ---------------------------------------------------------------------------------------------------------


@st.composite
def jobs(draw: st.DrawFn, number: int, policy: Policy, *, clear: bool) -> Job:
    """A job of some project and region, on some way or none, which takes some profile or none.

    `clear`: its way leads into the network of its profile, and it is on none where it needs the internet: whoever works
    is moved by nobody.
    """
    name = JobName(draw(st.sampled_from(PROJECTS)), draw(st.sampled_from(REGIONS)), f"job-{number}")
    takes = draw(st.sampled_from([*policy.profiles, *policy.profiles, ""]))
    home = policy.profiles[takes].network_for(name.project) if takes else None
    stray = not clear and draw(st.integers(0, 4)) == 0
    network = draw(st.sampled_from([NetworkName(name.project, "default"), SHARED])) if stray or not home else home
    interface = Interface(str(network), str(in_(network, name.region, "theirs")), draw(st.sampled_from([(), ("web",)])))
    connected = Way(Egress.ALL, theirs_in(network)) if name.region == REGIONS[0] else None
    ways = [None, None, None, Way(draw(st.sampled_from(Egress)), interface=interface), connected]
    ways = [None] if clear and takes and policy.profiles[takes].reaches_internet else ways
    labels = (("takes", takes),) if takes else ()
    return Job(name, labels=labels, service_account=draw(st.sampled_from(ACCOUNTS)), way=draw(st.sampled_from(ways)))


@st.composite
def worlds(draw: st.DrawFn, *, clear: bool = False) -> World:
    """Everything together. `clear`: nothing stands in anybody's way."""
    world = Wide(draw(policies()), hyphens=draw(st.sampled_from(["--", "-"])))
    for network in NETWORKS:
        laid(world, network)
        draw(neighbours(world, network, clear=clear))
    if clear or draw(st.sampled_from([True, True, False])):
        world.add(Zone("apis", "googleapis.com."))
    for number in range(draw(st.integers(1, 8))):
        world.add(draw(jobs(number, world.policies, clear=clear)))
    return world


# --- what is asked of them ----------------------------------------------------------------------------------------


def sites(world: World) -> list[Site]:
    """Every site that the policy could make for these projects and regions."""
    found = (site for project in PROJECTS for region in REGIONS for site in world.policies.sites(project, region))
    return list(dict.fromkeys(found))


def site_of(world: World, job: Job) -> Site | None:
    """The site that a job is to be on: that of the profile whose name it carries."""
    takes = dict(job.labels).get("takes")
    return world.policies.profiles[takes].site_for(takes, job.name.project, job.name.region) if takes else None


def profile_of(world: World, job: Job) -> Profile | None:
    site = site_of(world, job)
    return world.policies.profiles[site.profile] if site else None


def left_alone(world: World, job: Job) -> bool:
    """Whether it has a way of somebody else's that works, on which it is left."""
    way = job.way
    if way is None:
        return False
    if way.connector:
        return "wayout-" not in way.connector.connector and way.connector in world.connectors
    return way.interface is not None and "wayout-" not in way.interface.subnet


def moved(world: World, turn: int) -> Iterator[Job]:
    """Each job that takes a profile takes the next one, but for those that stay on a way of somebody else's."""
    names = list(world.policies.profiles)
    for job in world.jobs.values():
        if job.labels and not left_alone(world, job):
            now = names[(names.index(job.labels[0][1]) + turn) % len(names)]
            yield replace(job, labels=(("takes", now),), etag="")
