"""The end of a site's life: who still uses it, when it is due, and that only ours is taken down, in order."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.egress import worlds
from tests.egress.world import World, automatic_rules
from tests.egress.worlds import (
    INTERNET,
    NETWORK,
    OUR_ROUTER,
    OUR_SUBNET,
    OURS,
    PASSES,
    PROJECT,
    REGION,
    SITE,
    Damage,
    damages,
    greenfield,
    job,
    job_name,
    policy,
    run,
    want,
)
from wayout.egress import naming, planner, removal
from wayout.egress.model import (
    Action,
    Blocked,
    Change,
    ConnectorName,
    ConnectorsIn,
    Direction,
    Egress,
    Execution,
    ExecutionsIn,
    FirewallRule,
    Interface,
    Job,
    JobName,
    JobsIn,
    Nat,
    Network,
    NetworkName,
    NotLookedError,
    Plan,
    Read,
    Remove,
    Result,
    Router,
    RoutersOf,
    RuleName,
    RulesOf,
    Seen,
    Site,
    State,
    Subnet,
    SubnetName,
    SubnetsOf,
    Traffic,
    Unreadable,
    Waiting,
    Way,
    kind,
)
from wayout.egress.remedies import Want

T = TypeVar("T")

ON = Way(Egress.ALL, OURS)
NUMBERED = replace(OURS, project="123456789012")
DIRECT = naming.subnet_of(SITE, "direct")
TAG = naming.direct_tag_of(SITE)
NEIGHBOUR = Site(NETWORK, REGION, "db")
NEIGHBOUR_SUBNET = Subnet(naming.subnet_of(NEIGHBOUR), NETWORK, "10.126.0.0/28", description="Made by Wayout for db")
NEIGHBOUR_RULE = RuleName(PROJECT, f"wayout-{REGION}-{naming.site_id(NEIGHBOUR)}-deny-out")
APPS = Subnet(SubnetName(PROJECT, REGION, "apps"), NETWORK, "10.20.0.0/20")
MANUAL = Nat("manual", subnets=(APPS.name,), min_ports=128)
REMOVES: dict[str, Any] = {"idle": "remove"}


def asked(world: World, question: Callable[[Seen], T]) -> T:
    """The answer to a question, with every look that it takes."""
    sightings: dict[Read[Any], Any] = {}
    while True:
        try:
            return question(Seen(sightings))
        except NotLookedError as missing:
            sightings |= world.look({missing.read})


def build(world: World, wanted: Want) -> None:
    """Bring a site to whole."""
    for _ in range(PASSES):
        plan = asked(world, lambda seen: planner.plan(wanted, seen))
        if not plan.changes:
            return
        world.apply(plan.changes, deadline=0.0, seed="")
    raise AssertionError(f"no end: {plan.changes}")


def next_step(world: World, wanted: Want) -> Plan:
    return asked(world, lambda seen: removal.plan(wanted, seen))


def take_down(world: World, wanted: Want) -> list[tuple[str, ...]]:
    """The steps until no change is left, each in words; every change must have been made."""
    steps: list[tuple[str, ...]] = []
    for _ in range(PASSES):
        plan = next_step(world, wanted)
        if not plan.changes:
            return steps
        outcomes = world.apply(plan.changes, deadline=0.0, seed="")
        assert all(outcome.result in (Result.REMOVED, Result.UPDATED) for outcome in outcomes), outcomes
        steps.append(tuple(sorted({f"{type(change).__name__.lower()} {kind(change)}" for change in plan.changes})))
    raise AssertionError(f"no end: {plan.changes}")


def deserted(profile: dict[str, Any] | None = None) -> World:
    """A site that was whole, and whose only job has been deleted."""
    world = greenfield(policy({**REMOVES, **(profile or {})}))
    run(world)
    world.jobs.clear()
    world.applied.clear()
    return world


# --- who uses it ------------------------------------------------------------------------------------------------

ROADS = ("connector", "direct")
FAR = replace(OURS, region="us-central1")
SUBNET_ALONE = Interface(subnet=DIRECT.subnet)
IN_FULL = Interface(str(NETWORK), str(DIRECT), (TAG,))
WITH_NUMBER = Interface(f"projects/123456789012/global/networks/{NETWORK.network}", DIRECT.subnet)

USERS = [
    ("connector", job("a", way=ON), ("a",), "attached to the connector"),
    ("connector", job("a", way=Way(Egress.PRIVATE, OURS)), ("a",), "whatever egress it has"),
    ("connector", job("a", way=Way(Egress.ALL, NUMBERED)), ("a",), "the project may be spelled as its number"),
    ("connector", job("a", way=ON, labels=(("wayout", "off"),)), ("a",), "the policy's opinion does not matter"),
    ("connector", job("a", way=Way(Egress.ALL, FAR)), (), "a connector of the same name in another region"),
    ("connector", job("a", way=ON, deleted=True), (), "a job that is being deleted has left"),
    ("connector", job("a"), (), "it is attached to nothing"),
    ("connector", job("a", way=Way(Egress.ALL, interface=IN_FULL)), (), "it is on the other road"),
    ("direct", job("a", way=Way(Egress.ALL, interface=IN_FULL)), ("a",), "its interface is in the subnet"),
    ("direct", job("a", way=Way(Egress.ALL, interface=SUBNET_ALONE)), ("a",), "the subnet's short name alone"),
    ("direct", job("a", way=Way(Egress.ALL, interface=WITH_NUMBER)), ("a",), "a project's number in the network"),
    (
        "direct",
        job("a", way=Way(Egress.ALL, interface=Interface("default", "apps", (TAG,)))),
        ("a",),
        "another subnet, but our tag: our denies hold it",
    ),
    ("direct", job("a", way=Way(Egress.ALL, interface=Interface("default", "apps"))), (), "another subnet"),
    ("direct", job("a", way=ON), (), "it is on the other road"),
]


def on_road(world: World, road: str) -> Want:
    wanted = want(world)
    return wanted if wanted.own_road == road else removal.other_road(wanted)


@pytest.mark.parametrize(("road", "one", "said", "reason"), USERS, ids=[f"{row[0]}: {row[3]}" for row in USERS])
def test_users_are_the_jobs_on_the_site(road: str, one: Job, said: tuple[str, ...], reason: str) -> None:
    world = greenfield(policy(REMOVES), one)

    assert asked(world, lambda seen: removal.users(on_road(world, road), seen)) == said, reason


def test_an_execution_that_runs_uses_the_way_that_it_began_with() -> None:
    world = greenfield(policy(REMOVES), job("a"), job("b"))
    world.executions = [Execution(job_name("a"), "a-x7", ON), Execution(job_name("b"), "b-x1", None)]

    assert asked(world, lambda seen: removal.users(want(world), seen)) == ("a-x7, an execution of a",)


def test_users_are_looked_for_in_every_project_of_the_policy() -> None:
    world = greenfield(policy(REMOVES, projects=[PROJECT, "depot"])).add(Job(JobName("depot", REGION, "far"), way=ON))

    wanted = replace(want(world), projects=(PROJECT, "depot"))

    assert asked(world, lambda seen: removal.users(wanted, seen)) == ("far",)


def test_jobs_that_are_on_the_site_and_do_not_need_it_are_astray_and_can_be_detached() -> None:
    world = greenfield(policy(REMOVES), job("needs", way=ON), job("left", way=ON), job("elsewhere"))
    wanted = replace(want(world), jobs=(world.jobs[job_name("needs")],))

    (found,) = asked(world, lambda seen: removal.astray(wanted, seen))
    (change,) = removal.detached(wanted, [found])

    assert (change.job, change.etag, change.way, change.was) == (job_name("left"), found.etag, None, ON)
    assert "an execution that runs keeps its way" in change.because
    assert world.make(change).result == Result.UPDATED
    assert asked(world, lambda seen: removal.users(wanted, seen)) == ("needs",)


def test_a_job_that_only_bears_the_sites_tag_is_not_detached() -> None:
    """It is on a subnet of others: that is its owner's choice, and leaving the tag would cut what holds it."""
    theirs = Way(Egress.ALL, interface=Interface("default", "apps", (TAG,)))
    world = greenfield(policy(REMOVES), job("a", way=theirs))
    wanted = replace(on_road(world, "direct"), jobs=())

    assert asked(world, lambda seen: removal.astray(wanted, seen)) == ()


# --- when, and in which words -----------------------------------------------------------------------------------

DUE = [
    ("remove", 7, 7.0, True, "the day has come"),
    ("remove", 7, 6.9, False, "not yet"),
    ("remove", 1, 30.0, True, "long ago"),
    ("remove", 7, None, False, "nobody knows since when"),
    ("report", 7, 99.0, False, "the profile does not want it"),
]


@pytest.mark.parametrize(("idle", "after", "days", "expected", "reason"), DUE, ids=[row[4] for row in DUE])
def test_a_site_is_due_after_its_idle_days(
    idle: str, after: int, days: float | None, expected: bool, reason: str
) -> None:
    wanted = want(greenfield(policy({"idle": idle, "idle_days": after})))

    assert removal.due(wanted, days) is expected, reason


COSTS = (
    "it costs about $12 a month (2 e2-micro at list price in us-central1; other regions differ), more if it has grown"
)
CONNECTOR_SAID = f"no job and no execution uses the connector {OURS.connector}"
SUBNET_SAID = f"no job and no execution uses the subnet {OUR_SUBNET.subnet}"
FREE = "a subnet by itself costs nothing"

WORDS = [
    (
        {"idle": "report"},
        3.2,
        f"{CONNECTOR_SAID} for 3 days; {COSTS}; it stays: let the profile web say idle: remove to have it taken down",
        "reported, with what to do about it",
    ),
    (
        {"idle": "remove"},
        None,
        f"{CONNECTOR_SAID}; {COSTS}; it is taken down after 7 days without users, in 7 days",
        "seen idle for the first time",
    ),
    (
        {"idle": "remove"},
        1.5,
        f"{CONNECTOR_SAID} for 1 day; {COSTS}; it is taken down after 7 days without users, in 6 days",
        "a day that has begun is counted",
    ),
    (
        {"idle": "remove", "idle_days": 1},
        0.5,
        f"{CONNECTOR_SAID}; {COSTS}; it is taken down after 1 day without users, in 1 day",
        "one day is not 1 days",
    ),
    (
        {"idle": "remove"},
        7.0,
        f"{CONNECTOR_SAID} for 7 days; {COSTS}; it is taken down now, after 7 days, as web says",
        "the day has come",
    ),
]


@pytest.mark.parametrize(("profile", "days", "said", "reason"), WORDS, ids=[row[3] for row in WORDS])
def test_an_idle_site_is_told_of(profile: dict[str, Any], days: float | None, said: str, reason: str) -> None:
    world = deserted(profile)

    assert asked(world, lambda seen: removal.words(want(world), seen, days)) == (said,), reason


def test_what_is_left_without_its_connector_costs_nothing() -> None:
    world = deserted()
    del world.connectors[OURS]

    (said,) = asked(world, lambda seen: removal.words(want(world), seen, 8.0))

    assert said.startswith(f"{SUBNET_SAID} for 8 days; {FREE}; ")


def test_the_other_road_of_a_profile_is_the_one_that_it_does_not_take() -> None:
    connector = want(greenfield(policy({"road": "connector"})))
    direct = removal.other_road(connector)

    assert (connector.own_road, direct.own_road, removal.other_road(direct).own_road) == (*ROADS, "connector")
    assert (direct.site, direct.subnet) == (SITE, DIRECT)


# --- one site's end ---------------------------------------------------------------------------------------------


def test_a_site_is_taken_down_connector_first_and_subnet_last_until_nothing_is_left() -> None:
    world = deserted()

    steps = take_down(world, want(world))

    assert steps == [("remove connector",), ("remove firewall rule",), ("remove router",), ("remove subnet",)]
    assert [*world.connectors, *world.rules, *world.routers, *world.subnets] == []
    assert next_step(world, want(world)) == Plan()


def test_each_change_says_who_decided_it() -> None:
    world = deserted()
    (change,) = next_step(world, want(world)).changes

    assert change.because == "no job and no execution uses it, and the profile web says idle: remove"


@pytest.mark.parametrize("state", [State.CREATING, State.UPDATING, State.DELETING])
def test_a_connector_that_somebody_is_at_is_waited_for(state: State) -> None:
    world = deserted()
    world.connectors[OURS] = replace(world.connectors[OURS], state=state)

    waiting = Waiting(f"connector {OURS.connector}", f"it is no longer {state}", elsewhere=True)
    assert next_step(world, want(world)) == Plan(waiting=(waiting,))


def test_a_broken_connector_is_removed_as_well() -> None:
    world = deserted()
    world.connectors[OURS] = replace(world.connectors[OURS], state=State.ERROR)

    assert take_down(world, want(world))[0] == ("remove connector",)


def test_the_automatic_rules_of_a_connector_go_only_when_it_is_gone() -> None:
    world = deserted()
    ours = {rule.name for rule in automatic_rules(world.connectors[OURS], world.subnets[OUR_SUBNET].range)}
    assert ours <= world.rules.keys()

    first = next_step(world, want(world))
    assert [kind(change) for change in first.changes] == ["connector"]
    world.apply(first.changes, deadline=0.0, seed="")

    second = next_step(world, want(world))
    assert ours <= {change.thing.name for change in second.changes if isinstance(change, Remove)}


def test_a_rule_that_only_bears_an_automatic_rules_name_is_somebodys_own() -> None:
    world = deserted()
    odd = RuleName(PROJECT, f"aet-europewest2-{OURS.connector.replace('-', '--')}-oddfw")
    rule = next(iter(automatic_rules(world.connectors[OURS], "10.9.9.0/28")))
    world.add(replace(rule, name=odd, target_tags=("their-tag",)))

    take_down(world, want(world))

    assert list(world.rules) == [odd]


def another_nat(world: World) -> None:
    router = world.routers[OUR_ROUTER]
    world.add(APPS, replace(router, nats=(MANUAL, *router.nats)))


def another_site(world: World) -> None:
    router = world.routers[OUR_ROUTER]
    listed = (*router.nats[0].subnets, NEIGHBOUR_SUBNET.name)
    world.add(NEIGHBOUR_SUBNET)
    world.routers[OUR_ROUTER] = replace(router, nats=(replace(router.nats[0], subnets=listed),))


def a_subnet_that_is_gone(world: World) -> None:
    router = world.routers[OUR_ROUTER]
    listed = (*router.nats[0].subnets, NEIGHBOUR_SUBNET.name)
    world.routers[OUR_ROUTER] = replace(router, nats=(replace(router.nats[0], subnets=listed),))


def nothing_on_it(world: World) -> None:
    world.routers[OUR_ROUTER] = replace(world.routers[OUR_ROUTER], nats=())


def only_theirs(world: World) -> None:
    world.add(APPS, replace(world.routers[OUR_ROUTER], nats=(MANUAL,)))


def no_router(world: World) -> None:
    del world.routers[OUR_ROUTER]


ROUTERS: list[tuple[Callable[[World], None], str, list[str], str]] = [
    (another_nat, "update router", ["manual"], "somebody's NAT is on our router: only our entry goes"),
    (another_site, "update router", ["wayout"], "it serves another site"),
    (a_subnet_that_is_gone, "remove router", [], "what else it lists is gone"),
    (nothing_on_it, "remove router", [], "it has lost its NAT already"),
    (only_theirs, "", ["manual"], "our entry has gone already"),
    (no_router, "", [], "it is gone already"),
]


@pytest.mark.parametrize(("lay", "step", "left", "reason"), ROUTERS, ids=[row[3] for row in ROUTERS])
def test_our_router_goes_when_nobody_else_is_on_it(
    lay: Callable[[World], None], step: str, left: list[str], reason: str
) -> None:
    world = deserted()
    lay(world)

    steps = take_down(world, want(world))

    middle = [(step,)] if step else []
    assert steps == [("remove connector",), ("remove firewall rule",), *middle, ("remove subnet",)], reason
    nats = [nat for router in world.routers.values() for nat in router.nats]
    assert [nat.name for nat in nats] == left, reason
    assert MANUAL in nats or "manual" not in left, reason
    assert OUR_SUBNET not in world.subnets, reason
    assert all(OUR_SUBNET not in nat.subnets for nat in nats), reason


def renamed_nat(world: World) -> None:
    router = world.routers[OUR_ROUTER]
    world.routers[OUR_ROUTER] = replace(router, nats=(replace(router.nats[0], name="renamed"),))


def unmarked_subnet(world: World) -> None:
    world.subnets[OUR_SUBNET] = replace(world.subnets[OUR_SUBNET], description="made by hand")


def foreign_network(world: World) -> None:
    world.connectors[OURS] = replace(world.connectors[OURS], network=NetworkName(PROJECT, "other"))


def bare_range(world: World) -> None:
    world.connectors[OURS] = replace(world.connectors[OURS], subnet=None, range="10.8.0.0/28")


KEPT: list[tuple[Callable[[World], None], str, str, str]] = [
    (
        renamed_nat,
        f"subnet {OUR_SUBNET.subnet}",
        f"Cloud NAT renamed on {OUR_ROUTER.router}, not ours, lists it",
        "Google would refuse to delete it, and the NAT is somebody's",
    ),
    (unmarked_subnet, f"subnet {OUR_SUBNET.subnet}", "made by Wayout", "its name is ours, it is not"),
    (foreign_network, f"connector {OURS.connector}", "it is not in the network default", "in another network"),
    (bare_range, f"connector {OURS.connector}", "it is not what we made", "with a bare range, which we never take"),
]


@pytest.mark.parametrize(("lay", "what", "why", "reason"), KEPT, ids=[row[3] for row in KEPT])
def test_what_is_not_ours_for_sure_is_kept_and_told_of(
    lay: Callable[[World], None], what: str, why: str, reason: str
) -> None:
    world = deserted()
    lay(world)

    take_down(world, want(world))

    (block,) = next_step(world, want(world)).blocked
    assert (block.what, why in block.why) == (what, True), reason
    assert block.help, reason


# --- the direct road, and a Shared VPC --------------------------------------------------------------------------


def test_the_direct_road_is_taken_down_without_a_connector_and_told_to_take_a_while() -> None:
    world = deserted({"road": "direct"})
    wanted = want(world)
    assert DIRECT in world.subnets

    steps = take_down(deepcopy(world), wanted)
    assert steps == [("remove firewall rule",), ("remove router",), ("remove subnet",)]

    for _ in steps[:-1]:
        world.apply(next_step(world, wanted).changes, deadline=0.0, seed="")
    (change,) = next_step(world, wanted).changes
    assert "Google refuses for an hour or two after the last use" in change.because


def test_taking_one_road_down_leaves_the_other_as_it_is() -> None:
    world = greenfield(policy({**REMOVES, "road": "connector"}))
    run(world)
    world.policies = policy({**REMOVES, "road": "direct"})
    run(world)
    now = want(world)
    assert all(one.way == now.way for one in world.jobs.values())
    before = deepcopy(world)

    steps = take_down(world, removal.other_road(now))

    assert steps == [("remove connector",), ("remove firewall rule",), ("update router",), ("remove subnet",)]
    assert world.subnets.keys() == before.subnets.keys() - {OUR_SUBNET}
    left = {name for name in before.rules if naming.is_rule_of(SITE, "direct", name)}
    assert left
    assert world.rules.keys() == left
    assert world.jobs == before.jobs
    assert asked(world, lambda seen: planner.plan(now, seen)).changes == ()


HOST, HOST_NETWORK = "net-host", NetworkName("net-host", "shared")
HOSTED = Site(HOST_NETWORK, REGION, "web", home=PROJECT)


def shared_vpc(*, host_writes: bool) -> tuple[World, Want]:
    """A site of a Shared VPC that was whole: its connector in the service project, the rest in the host project."""
    policies = policy({**REMOVES, "host_writes": True})
    world = World(policies, automatic=False).add(Network(HOST_NETWORK), replace(INTERNET, network=HOST_NETWORK))
    built = Want(HOSTED, policies.profiles["web"], projects=(PROJECT,))
    build(world, built)
    profile = built.profile.model_copy(update={"host_writes": host_writes})
    return world, replace(built, profile=profile)


def test_in_a_shared_vpc_the_connector_of_the_service_project_goes_first() -> None:
    world, wanted = shared_vpc(host_writes=True)
    assert [name.project for name in world.connectors] == [PROJECT]
    for table in (world.rules, world.subnets, world.routers):
        assert {name.project for name in table} == {HOST}

    assert take_down(world, wanted)[0] == ("remove connector",)
    assert [*world.connectors, *world.rules, *world.routers, *world.subnets] == []


def test_where_the_host_project_is_not_ours_to_write_its_admin_gets_the_commands() -> None:
    world, wanted = shared_vpc(host_writes=False)
    rules = dict(world.rules)

    assert take_down(world, wanted) == [("remove connector",)]

    plan = next_step(world, wanted)
    assert (plan.changes, world.rules) == ((), rules)
    assert len(plan.blocked) == len([name for name in rules if naming.is_rule_of(HOSTED, "connector", name)]) > 0
    assert all("gcloud compute firewall-rules delete" in block.help for block in plan.blocked)


def test_a_hosts_connector_in_error_stays_while_a_service_projects_job_is_on_it() -> None:
    policies = policy({**REMOVES, "host_writes": True})
    world = World(policies, automatic=False).add(Network(HOST_NETWORK), replace(INTERNET, network=HOST_NETWORK))
    wanted = Want(replace(HOSTED, home=""), policies.profiles["web"], projects=(PROJECT,))
    build(world, wanted)
    (name,) = world.connectors
    assert name.project == HOST
    world.connectors[name] = replace(world.connectors[name], state=State.ERROR)
    world.add(Job(JobName(PROJECT, REGION, "on-it"), way=Way(Egress.ALL, name)))

    plan = asked(world, lambda seen: planner.plan(wanted, seen))

    assert plan.changes == ()
    assert any("on-it" in blocked.why for blocked in plan.blocked)


# --- for every world --------------------------------------------------------------------------------------------

many = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
LOOKS: list[type[Read[Any]]] = [JobsIn, ExecutionsIn, ConnectorsIn, RulesOf, RoutersOf, SubnetsOf]


def lived(world: World, damage: list[Damage], neighbour: bool) -> World:
    """A site that was whole, and what people did to it then; perhaps with another site of ours beside it."""
    run(world)
    for harm in damage:
        harm(world)
    world.history.clear()
    if neighbour and NETWORK in world.networks:
        _lay_neighbour(world)
    return world


def _lay_neighbour(world: World) -> None:
    listed = Nat("wayout", subnets=(NEIGHBOUR_SUBNET.name,), min_ports=1024, dynamic_ports=True)
    router = world.routers.get(OUR_ROUTER, Router(OUR_ROUTER, NETWORK))
    nats = tuple(
        replace(nat, subnets=(*nat.subnets, NEIGHBOUR_SUBNET.name)) if nat.name == "wayout" else nat
        for nat in router.nats
    )
    known = any(nat.name == "wayout" for nat in nats)
    rule = FirewallRule(NEIGHBOUR_RULE, NETWORK, Direction.EGRESS, Action.DENY, 900, (Traffic("all"),))
    world.add(NEIGHBOUR_SUBNET, rule, replace(router, nats=nats if known else (*nats, listed)))


def leave(world: World) -> None:
    """Every job on our connector is deployed anew without it."""
    for found in list(world.jobs.values()):
        if found.way and found.way.connector == OURS:
            world.add(replace(found, way=None, etag=""))


def is_ours(name: Any) -> bool:
    """By the names alone, as they are put together from the site: not as the plan tells it."""
    if isinstance(name, RuleName):
        made = name.rule.startswith(f"wayout-{REGION}-{naming.site_id(SITE)}-")
        return made or name.rule.replace("--", "-").startswith(f"aet-europewest2-{OURS.connector}-")
    return name in (OURS, OUR_SUBNET)


def check_order(world: World, changes: tuple[Change, ...]) -> None:
    """Nothing is touched while that which stands on it is there."""
    standing = {
        "connector": False,
        "firewall rule": OURS in world.connectors,
        "router": OURS in world.connectors or any(is_ours(name) for name in world.rules),
    }
    listed = any(OUR_SUBNET in nat.subnets for router in world.routers.values() for nat in router.nats)
    standing["subnet"] = standing["router"] or listed
    for change in changes:
        assert not standing[kind(change)], change


@many
@given(world=worlds.worlds(), damage=damages(), neighbour=st.booleans())
def test_only_what_is_ours_is_taken_down_in_order_and_it_ends(
    world: World, damage: list[Damage], neighbour: bool
) -> None:
    leave(lived(world, damage, neighbour))
    before, wanted = deepcopy(world), want(world)

    for _ in range(PASSES):
        plan = next_step(world, wanted)
        if not plan.changes:
            break
        check_order(world, plan.changes)
        done = world.apply(plan.changes, deadline=0.0, seed="")
        assert all(outcome.result in (Result.REMOVED, Result.UPDATED) for outcome in done), done
    else:
        raise AssertionError(f"no end: {plan.changes}")

    renamed = any(nat.name != "wayout" and OUR_SUBNET in nat.subnets for nat in _our_nats(world))
    assert bool(plan.blocked) is renamed, plan
    assert not plan.waiting
    kept = {OUR_SUBNET} if renamed else set()
    for was, now in ((before.connectors, world.connectors), (before.subnets, world.subnets)):
        assert now == {name: thing for name, thing in was.items() if not is_ours(name) or name in kept}
    assert world.rules == {name: rule for name, rule in before.rules.items() if not is_ours(name)}
    assert (world.jobs, world.networks) == (before.jobs, before.networks)
    _check_routers(before, world)


def _our_nats(world: World) -> tuple[Nat, ...]:
    return world.routers[OUR_ROUTER].nats if OUR_ROUTER in world.routers else ()


def _check_routers(before: World, world: World) -> None:
    """Ours is gone if nothing else was on it; else it has lost no more than our subnet's entry."""
    others = {name: router for name, router in before.routers.items() if name != OUR_ROUTER}
    left = tuple(
        replace(nat, subnets=tuple(name for name in nat.subnets if name != OUR_SUBNET)) if nat.name == "wayout" else nat
        for nat in _our_nats(before)
    )
    left = tuple(nat for nat in left if nat.name != "wayout" or nat.subnets)
    ours = {OUR_ROUTER: replace(before.routers[OUR_ROUTER], nats=left)} if left else {}
    assert world.routers == others | ours


@many
@given(
    world=worlds.worlds(),
    damage=damages(),
    steps=st.integers(0, 4),
    user=st.sampled_from([OURS, NUMBERED]),
    running=st.booleans(),
)
def test_with_a_user_left_nothing_is_touched_however_far_it_has_come(
    world: World, damage: list[Damage], steps: int, user: ConnectorName, running: bool
) -> None:
    leave(lived(world, damage, neighbour=False))
    wanted = want(world)
    for _ in range(steps):
        world.apply(next_step(world, wanted).changes, deadline=0.0, seed="")
    if running:
        world.executions.append(Execution(job_name("gone"), "gone-x1", Way(Egress.ALL, user)))
    else:
        world.add(job("back", way=Way(Egress.ALL, user)))

    plan = next_step(world, wanted)

    assert (plan.changes, plan.waiting) == ((), ())
    (block,) = plan.blocked
    assert ("gone-x1" if running else "back") in block.why


@many
@given(world=worlds.worlds(), damage=damages(), steps=st.integers(0, 4), unread=st.sampled_from(LOOKS))
def test_nothing_is_touched_while_a_part_of_it_cannot_be_read(
    world: World, damage: list[Damage], steps: int, unread: type[Read[Any]]
) -> None:
    leave(lived(world, damage, neighbour=False))
    wanted = want(world)
    for _ in range(steps):
        world.apply(next_step(world, wanted).changes, deadline=0.0, seed="")
    world.unreadable[unread] = Unreadable("it is closed to us", "grant something")

    plan = next_step(world, wanted)

    said = "whether it is still used cannot be judged: it is closed to us"
    assert plan == Plan(blocked=(Blocked(f"site web in {REGION}", said, "grant something"),))
