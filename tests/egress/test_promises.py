"""The promises of the pure room, for worlds and policies that nobody thought of. See docs/promises.md."""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.egress import worlds
from tests.egress.packets import Packet, egress, ingress
from tests.egress.world import World, tag_of
from tests.egress.worlds import NETWORK, OUR_ROUTER, OUR_SUBNET, OURS, REGION, Damage, damages, look_and_plan, run
from wayout.egress import naming, planner, precedence
from wayout.egress.model import (
    Action,
    Attach,
    Change,
    Connector,
    ConnectorsIn,
    Create,
    Direction,
    FirewallRule,
    HistoryOf,
    JobsIn,
    Network,
    NetworkAt,
    Plan,
    PoliciesOf,
    Read,
    RegionPoliciesOf,
    Remove,
    Result,
    Router,
    RoutersOf,
    RoutesOf,
    RulesOf,
    State,
    Subnet,
    SubnetsOf,
    Unreadable,
    Update,
    Zone,
    ZonesOf,
    subject,
)

many = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
drawn = {"world": worlds.worlds(), "damage": damages(), "seed": st.integers(0, 99)}


def lived(world: World, damage: list[Damage], seed: int) -> World:
    """The world after a first run and what people did to it then; changes of a pass arrive in any order."""
    shuffle = random.Random(seed)  # noqa: S311 - an order, no secret

    def order(changes: list[Change]) -> list[Change]:
        shuffle.shuffle(changes)
        return changes

    world.order = order
    if damage:
        run(world)
        for harm in damage:
            harm(world)
        world.applied.clear()
        world.history.clear()  # a day later
    return world


def at_rest(plan: Plan) -> bool:
    return plan.empty or bool(plan.blocked)


# --- 1: fixpoint -------------------------------------------------------------------------------------------------


@many
@given(**drawn)
def test_after_a_bounded_number_of_passes_the_plan_is_empty_or_blocked_and_stays_so(
    world: World, damage: list[Damage], seed: int
) -> None:
    passes = run(lived(world, damage, seed))
    last = passes[-1].plan
    assert not last.changes
    assert at_rest(last), last
    assert look_and_plan(world)[0] == last


@many
@given(**drawn)
def test_nothing_that_is_planned_is_refused_by_google(world: World, damage: list[Damage], seed: int) -> None:
    for made in run(lived(world, damage, seed)):
        assert not [outcome for outcome in made.outcomes if outcome.result == Result.REFUSED]


@many
@given(**drawn)
def test_every_change_says_because_of_what_and_every_block_says_who_can_help(
    world: World, damage: list[Damage], seed: int
) -> None:
    for made in run(lived(world, damage, seed)):
        assert all(change.because.strip() for change in made.plan.changes)
        assert all(found.what and found.why and found.help for found in made.plan.blocked)
        assert all(found.what and found.until for found in made.plan.waiting)
        names = [subject(change) for change in made.plan.changes]
        assert len(names) == len(set(names)), "two changes of one thing cannot be made side by side"


# --- 4: hands off ------------------------------------------------------------------------------------------------


def ours_or_allowed(change: Change, world: World, standing: bool) -> bool:
    match change:
        case Attach(name):
            return name in world.jobs
        case Create(Network()):
            return world.policies.create_network
        case Create(FirewallRule(name)) | Update(FirewallRule(name)) | Remove(FirewallRule(name)):
            return name.rule.startswith(naming.rule_of(worlds.SITE, "").rule) or automatic_of_ours(change, standing)
        case Create(Subnet(name)) | Update(Subnet(name)):
            return name == OUR_SUBNET
        case Create(Connector(name)) | Update(Connector(name)) | Remove(Connector(name)):
            return name == OURS
        case Create(Router(name)) | Update(Router(name)):
            return name == OUR_ROUTER
    return False


def automatic_of_ours(change: Change, standing: bool) -> bool:
    """The two broad ones while the connector stands; any of the six once it is gone."""
    assert not isinstance(change, Attach)
    assert isinstance(change.thing, FirewallRule)
    rule = change.thing.name.rule
    stems = [f"aet-{REGION.replace('-', '')}-{OURS.connector.replace('-', hyphens)}-" for hyphens in ("--", "-")]
    if isinstance(change, Create) or not rule.startswith(tuple(stems)):
        return False
    if not standing:
        return isinstance(change, Remove)
    broad = rule.endswith(("-sbntfw", "-tagfw")) and change.thing.priority == 1000
    if isinstance(change, Remove):
        return broad
    assert isinstance(change.was, FirewallRule)
    return broad and replace(change.thing, disabled=False) == replace(change.was, disabled=False)


@many
@given(**drawn)
def test_only_what_is_ours_is_changed_and_of_googles_own_rules_only_the_two_broad_ones(
    world: World, damage: list[Damage], seed: int
) -> None:
    def check(plan: Plan) -> None:
        standing = OURS in world.connectors
        assert not [change for change in plan.changes if not ours_or_allowed(change, world, standing)]

    run(lived(world, damage, seed), before=check)


@many
@given(**drawn)
def test_what_others_made_is_the_same_afterwards(world: World, damage: list[Damage], seed: int) -> None:
    def theirs() -> list[Any]:
        tables: tuple[dict[Any, Any], ...] = (world.rules, world.connectors, world.routers, world.subnets)
        rules = [dict(item for item in table.items() if "theirs" in str(item[0])) for table in tables]
        nats = [nat for router in world.routers.values() for nat in router.nats if nat.name != "wayout"]
        made = [route for route in world.routes if route.name != "default-route"]  # Google makes it with a network
        return [rules, nats, made, world.zones]

    lived(world, damage, seed)
    before = deepcopy(theirs())
    run(world)
    assert theirs() == before


@many
@given(world=worlds.worlds())
def test_no_allow_of_ours_out_ranks_somebody_elses_deny_unless_the_policy_names_it(world: World) -> None:
    """At no step: the judge is a packet that such a deny stops and that our rules would let through."""
    tags = frozenset({"vpc-connector", tag_of(OURS)})
    named = set(world.policies.profiles["web"].outranks)
    denies = [rule for rule in world.rules.values() if rule.name.rule.startswith("theirs") and rule.action == "DENY"]
    guarded = [rule for rule in denies if not named & {rule.name.rule, "*"}]
    probes = [
        Packet("10.127.0.2", address, protocol, port)
        for address in ("10.20.5.5", "8.8.8.8", "1.2.3.4", "10.127.0.9")
        for protocol, port in (("tcp", 443), ("tcp", 22), ("udp", 53))
    ]

    def check(_: Plan) -> None:
        others = [rule for rule in world.rules.values() if not rule.name.rule.startswith("wayout-")]
        for probe in probes:
            for judge, direction in ((egress, Direction.EGRESS), (ingress, Direction.INGRESS)):
                if judge(world.rules.values(), probe, tags) and not judge(others, probe, tags):
                    stopping = [rule for rule in guarded if rule.direction == direction]
                    assert not [rule for rule in stopping if decides(rule, probe, tags)], probe

    run(lived(world, [], 0), before=check)


def decides(rule: FirewallRule, probe: Packet, tags: frozenset[str]) -> bool:
    """Whether a deny holds for the packet, on a machine without tags where it goes inwards."""
    if rule.direction == Direction.EGRESS:
        return not egress([rule], probe, tags)
    allowed = replace(rule, action=Action.ALLOW)
    return ingress([allowed], probe, tags)


# --- 5: honest eyes ----------------------------------------------------------------------------------------------

READS: tuple[type[Read[Any]], ...] = (
    NetworkAt,
    PoliciesOf,
    RegionPoliciesOf,
    SubnetsOf,
    RulesOf,
    RoutersOf,
    RoutesOf,
    ConnectorsIn,
    ZonesOf,
    HistoryOf,
    JobsIn,
)
LIVES_IN: dict[type, type[Read[Any]]] = {
    Network: NetworkAt,
    Subnet: SubnetsOf,
    FirewallRule: RulesOf,
    Router: RoutersOf,
    Connector: ConnectorsIn,
}


@many
@given(**drawn, blind=st.lists(st.sampled_from(READS), min_size=1, max_size=3, unique=True))
def test_what_cannot_be_looked_at_is_never_made_and_the_plan_names_the_grant(
    world: World, damage: list[Damage], seed: int, blind: list[type[Read[Any]]]
) -> None:
    lived(world, damage, seed)
    world.looks.clear()
    world.unreadable = {read: Unreadable(f"no {read.__name__}", f"grant {read.__name__}") for read in blind}
    passes = run(world)
    for made in passes:
        for change in made.plan.changes:
            if not isinstance(change, Attach):
                assert LIVES_IN[type(change.thing)] not in blind
    grants = {block.help for made in passes for block in made.plan.blocked}
    hit = {type(read) for read, sighting in passes[-1].seen.sightings.items() if isinstance(sighting, Unreadable)}
    if NETWORK not in world.networks and NetworkAt not in hit:
        return  # blocked by what is not there
    if hit & {PoliciesOf, RegionPoliciesOf, NetworkAt, ConnectorsIn, SubnetsOf, RulesOf}:
        assert grants & {f"grant {read.__name__}" for read in hit}
        assert not [change for made in passes for change in made.plan.changes if isinstance(change, Attach)]


@given(blind=st.sampled_from(READS))
@settings(max_examples=20, deadline=None)
def test_each_look_that_greenfield_needs_blocks_by_name_when_it_is_refused(blind: type[Read[Any]]) -> None:
    world = worlds.greenfield(worlds.policy({"google_apis": "private"}))
    world.add(Zone("apis", "googleapis.com."))
    world.unreadable = {blind: Unreadable("denied", "roles/some.viewer")}
    last = run(world)[-1].plan
    attached = world.jobs[worlds.job_name()].way is not None
    needed = blind is not JobsIn  # nobody's connector is in ERROR: other jobs are not asked for
    assert ("roles/some.viewer" in {block.help for block in last.blocked}) == needed
    assert attached == (blind in (JobsIn, HistoryOf))  # the automatic rules' history is no ground of an attachment


# --- order: make before break ------------------------------------------------------------------------------------


def whole_ground(world: World) -> bool:
    """What has to stand before anybody is attached, read from the world itself."""
    connector = world.connectors.get(OURS)
    tag = tag_of(OURS)
    out = [rule for rule in world.rules.values() if tag in rule.target_tags and not rule.disabled]
    into = [rule for rule in world.rules.values() if tag in rule.source_tags and not rule.disabled]
    denies = {(rule.direction, rule.destinations) for rule in (*out, *into) if rule.action == Action.DENY}
    shut = {(Direction.EGRESS, ("0.0.0.0/0",)), (Direction.EGRESS, ("::/0",)), (Direction.INGRESS, ())} <= denies
    alive = len([rule for rule in out if 100 < rule.priority < 200 and rule.name.rule.startswith("wayout-")]) == 3
    return connector is not None and connector.state == State.READY and shut and alive


@many
@given(**drawn)
def test_nobody_is_attached_before_connector_rules_and_nat_stand(world: World, damage: list[Damage], seed: int) -> None:
    def check(plan: Plan) -> None:
        if not any(isinstance(change, Attach) for change in plan.changes):
            return
        assert whole_ground(world)
        assert all(
            isinstance(change, Attach)
            or (isinstance(change.thing, FirewallRule) and change.thing.name.rule.startswith("aet-"))
            for change in plan.changes
        ), "an attachment beside other work"
        if world.policies.profiles["web"].internet:
            nats = [nat for router in world.routers.values() for nat in router.nats if router.name.region == REGION]
            assert any(
                nat.public and (nat.coverage != "LIST_OF_SUBNETWORKS" or OUR_SUBNET in nat.subnets) for nat in nats
            )

    run(lived(world, damage, seed), before=check)


@many
@given(**drawn)
def test_denies_come_after_the_allows_have_been_seen_and_outwards_only_once_the_connector_is_ready(
    world: World, damage: list[Damage], seed: int
) -> None:
    def check(plan: Plan) -> None:
        made = [c.thing for c in plan.changes if isinstance(c, (Create, Update)) and isinstance(c.thing, FirewallRule)]
        denies = [rule for rule in made if rule.action == Action.DENY]
        allows = [rule for rule in made if rule.action == Action.ALLOW and rule.name.rule.startswith("wayout-")]
        connector = world.connectors.get(OURS)
        if connector is not None:
            assert not (denies and allows), "on a standing connector allows are looked at before denies"
        if any(rule.direction == Direction.EGRESS for rule in denies):
            assert connector is not None
            assert connector.state == State.READY

    run(lived(world, damage, seed), before=check)


# --- 6: undoable -------------------------------------------------------------------------------------------------


@many
@given(**drawn)
def test_every_change_carries_what_it_takes_to_reverse_it(world: World, damage: list[Damage], seed: int) -> None:
    def check(plan: Plan) -> None:
        for change in plan.changes:
            match change:
                case Attach():
                    assert change.was == world.jobs[change.job].way
                case Update():
                    assert same(change.was, found(change.was))
                case Remove():
                    assert same(change.thing, found(change.thing))

    def found(thing: Any) -> Any:
        tables: dict[type, Any] = {Subnet: world.subnets, FirewallRule: world.rules, Connector: world.connectors}
        return tables.get(type(thing), world.routers)[thing.name]

    def same(one: Any, other: Any) -> bool:
        return precedence.same(one, other) if isinstance(one, FirewallRule) else bool(one == other)

    run(lived(world, damage, seed), before=check)


# --- 7: once -----------------------------------------------------------------------------------------------------


@many
@given(
    world=worlds.worlds(),
    orders=st.lists(st.integers(0, 99), min_size=2, max_size=2, unique=True),
    deliveries=st.integers(1, 3),
)
def test_whatever_the_order_of_changes_and_the_number_of_deliveries_the_world_ends_the_same(
    world: World, orders: list[int], deliveries: int
) -> None:
    one, two = deepcopy(world), deepcopy(world)
    run(lived(one, [], orders[0]))
    for _ in range(deliveries):
        run(lived(two, [], orders[1]))
    assert one.things == two.things


@many
@given(world=worlds.worlds(), crash=st.integers(0, 30), seed=st.integers(0, 99))
def test_a_run_that_dies_after_any_change_is_carried_on_by_the_next_delivery(
    world: World, crash: int, seed: int
) -> None:
    calm, struck = deepcopy(world), deepcopy(world)
    run(lived(calm, [], seed))
    lived(struck, [], seed)
    left = crash
    while left >= 0:
        plan, _ = look_and_plan(struck)
        if not plan.changes:
            break
        for change in plan.changes[: left + 1]:
            struck.make(change)
        left -= len(plan.changes)
    run(struck)
    assert struck.things == calm.things


@many
@given(world=worlds.worlds(), damage=damages())
def test_a_plan_has_one_id_for_what_it_holds_and_what_it_was_based_on(world: World, damage: list[Damage]) -> None:
    lived(world, damage, 0)
    (plan, seen), (again, seen_again) = look_and_plan(world), look_and_plan(world)
    assert planner.plan_id(plan, seen) == planner.plan_id(again, seen_again)
    if plan.changes:
        assert planner.plan_id(plan, seen) != planner.plan_id(Plan(plan.changes[1:]), seen)
