"""What is looked at, and what is not looked at again: see decision 019."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest

from tests.egress.world import World
from tests.egress.worlds import NETWORK, OURS, PROJECT, REGION, SITE, greenfield, job, job_name, policy
from wayout import reconcile, sweep
from wayout.egress import naming, renewal
from wayout.egress.model import (
    Attach,
    Cause,
    Change,
    Connector,
    ConnectorsIn,
    Create,
    Direction,
    FirewallPolicy,
    FirewallRule,
    HistoryOf,
    Job,
    JobAt,
    JobsIn,
    JobTarget,
    Layer,
    Network,
    NetworkAt,
    Outcome,
    PeerRoutesOf,
    PoliciesOf,
    PolicyRule,
    Present,
    Read,
    RegionPoliciesOf,
    Remove,
    ReservedIn,
    Result,
    Router,
    RoutersOf,
    RoutesOf,
    RulesOf,
    Sighting,
    SitesTouched,
    State,
    Subnet,
    SubnetsOf,
    ThingTarget,
    Traffic,
    Verb,
    subject,
)
from wayout.turns import Turn, Turns

JANE = Cause("1", "jane@example.com", "deployed")
TARGET = JobTarget(job_name())
EVERYTHING = {NetworkAt, PoliciesOf, RegionPoliciesOf, SubnetsOf, RulesOf, RoutesOf, PeerRoutesOf, RoutersOf}
PROFILE = {"egress": "all-traffic", "destinations": [{"to": "internet", "ports": ["tcp:443"]}]}
TWO = {"web": PROFILE, "other": PROFILE}
OF_THE_SITE = EVERYTHING | {ConnectorsIn}


class Diary:
    """Notes what a world was asked, stage by stage: looks, and the things that were written."""

    def __init__(self, world: World) -> None:
        self.pages: list[tuple[list[Read[Any]], list[Change]]] = [([], [])]
        self._look, self._apply = world.look, world.apply
        world.look, world.apply = self.look, self.apply  # type: ignore[method-assign]

    def look(self, reads: Iterable[Read[Any]]) -> Mapping[Read[Any], Sighting[Any]]:
        found = self._look(reads)
        self.pages[-1][0].extend(found)
        return found

    def apply(self, changes: Sequence[Change], *, deadline: float, seed: str) -> Sequence[Outcome]:
        self.pages[-1][1].extend(changes)
        self.pages.append(([], []))
        return self._apply(changes, deadline=deadline, seed=seed)

    def before(self, kind: type, thing: type = object) -> set[type]:
        """The kinds of looks since the write before the first one that is such a change."""
        return next(
            set(map(type, looks))
            for looks, changes in self.pages
            if any(isinstance(one, kind) and isinstance(getattr(one, "thing", one), thing) for one in changes)
        )

    def after(self, kind: type, thing: type = object) -> list[Read[Any]]:
        """The looks right after the first write that holds such a change."""
        numbers = (
            number
            for number, (_, changes) in enumerate(self.pages)
            if any(isinstance(one, kind) and isinstance(getattr(one, "thing", one), thing) for one in changes)
        )
        return self.pages[next(numbers) + 1][0]


def lived() -> World:
    """A site that is whole."""
    world = greenfield()
    reconcile.job(TARGET, JANE, world)
    world.looks.clear()
    world.applied.clear()
    return world


# --- nothing to do -----------------------------------------------------------------------------------------------


def test_a_whole_site_is_looked_at_once_per_kind_and_nothing_is_written() -> None:
    world = lived()
    reconcile.job(TARGET, JANE, world)
    assert {type(read) for read in world.looks} == OF_THE_SITE | {JobAt}
    assert len(world.looks) == len(OF_THE_SITE) + 1
    assert world.applied == []


def test_a_sweep_looks_at_what_the_sites_of_a_place_have_in_common_once() -> None:
    rules = [{"match": {"job": "second"}, "profile": "other"}, {"match": {}, "profile": "web"}]
    world = greenfield(policy(rules=rules, profiles=TWO), job(), job("second"))
    list(sweep.everything(JANE, world))
    world.looks.clear()
    endings = list(sweep.everything(JANE, world))
    assert [ending.said.status for ending in endings] == ["whole", "whole"]
    assert len(world.looks) == len(set(world.looks)) == len(OF_THE_SITE) + 1


# --- while something is done -------------------------------------------------------------------------------------


def test_after_a_rule_is_written_only_rules_are_looked_at_and_what_the_next_write_rests_on() -> None:
    world = greenfield()
    diary = Diary(world)
    reconcile.job(TARGET, JANE, world)
    denies = next(page for page, (_, changes) in enumerate(diary.pages) if _closes(changes))
    assert {type(read) for read in diary.pages[denies + 1][0]} == {RulesOf, RoutersOf}


def _closes(changes: Iterable[Change]) -> bool:
    return any(subject(change).endswith("deny-out") for change in changes)


def test_after_a_connector_is_made_everything_is_looked_at_anew() -> None:
    world = greenfield()
    diary = Diary(world)
    reconcile.job(TARGET, JANE, world)
    assert {type(read) for read in diary.after(Create, Connector)} >= OF_THE_SITE | {JobsIn, HistoryOf}


def test_before_a_job_is_attached_everything_has_been_looked_at_since_the_last_write() -> None:
    world = greenfield()
    diary = Diary(world)
    reconcile.job(TARGET, JANE, world)
    assert diary.before(Attach) >= OF_THE_SITE | {JobAt}


def test_what_others_do_while_we_write_is_seen_before_a_job_is_attached() -> None:
    world = greenfield()
    shut = PolicyRule(1, Direction.EGRESS, Verb.DENY, (Traffic("all"),), destinations=("0.0.0.0/0",))

    def shuts(world: World) -> None:
        world.firewall_policies = (FirewallPolicy("theirs", Layer.HIERARCHY, (shut,)),)

    world.meanwhile = [*[lambda _: None] * 3, shuts]  # the last one while the NAT is made
    ending = reconcile.job(TARGET, JANE, world)
    assert world.jobs[job_name()].way is None
    assert ending.said.status == "blocked"


def test_what_only_a_new_subnet_needs_is_looked_at_only_then() -> None:
    world = greenfield()
    reconcile.job(TARGET, JANE, world)
    assert [type(read) for read in world.looks].count(ReservedIn) == 1


def test_whoever_was_quicker_makes_us_look_at_everything_again() -> None:
    rule = next(iter(lived().rules.values()))
    assert renewal.kept({RoutesOf(NETWORK): Present(())}, [Outcome(Create(rule, ""), Result.CREATED)])
    assert renewal.kept({RoutesOf(NETWORK): Present(())}, [Outcome(Create(rule, ""), Result.KEPT)]) == {}


THINGS: dict[type, set[type]] = {
    Subnet: {SubnetsOf, RoutesOf},
    FirewallRule: {RulesOf},
    Router: {RoutersOf},
    Job: {JobAt, JobsIn},
    Connector: OF_THE_SITE | {JobAt, JobsIn},
}


def seen_of(world: World) -> dict[Read[Any], Any]:
    """Everything that a site is judged by."""
    reads: tuple[Read[Any], ...] = (
        *(NetworkAt(NETWORK), PoliciesOf(NETWORK), RegionPoliciesOf(NETWORK, REGION), SubnetsOf(NETWORK)),
        *(RulesOf(NETWORK), RoutesOf(NETWORK), PeerRoutesOf(NETWORK, REGION), RoutersOf(NETWORK, REGION)),
        *(ConnectorsIn(PROJECT, REGION), JobAt(job_name()), JobsIn(PROJECT, REGION)),
    )
    return dict(world.look(reads))


@pytest.mark.parametrize("kind", THINGS, ids=lambda kind: kind.__name__.lower())
def test_a_write_is_looked_for_wherever_it_may_show(kind: type) -> None:
    world = lived()
    sightings = seen_of(world)
    thing: Any = next(one for table in world.things for one in table.values() if isinstance(one, kind))
    change = Attach(thing.name, "", None, None, "") if isinstance(thing, Job) else Create(thing, "")
    left = renewal.kept(sightings, [Outcome(change, Result.CREATED)])
    assert {type(read) for read in sightings.keys() - left.keys()} == THINGS[kind]


def test_a_rule_that_goes_may_cost_a_connector_its_health() -> None:
    world = lived()
    rule = next(iter(world.rules.values()))
    left = renewal.kept(seen_of(world), [Outcome(Remove(rule, ""), Result.REMOVED)])
    assert ConnectorsIn(PROJECT, REGION) not in left


RESTS: dict[type, set[type]] = {
    Subnet: {SubnetsOf},
    FirewallRule: {RulesOf},
    Router: {RoutersOf},
    Connector: {ConnectorsIn, JobAt, JobsIn},
    Network: {NetworkAt},
}


@pytest.mark.parametrize("kind", RESTS, ids=lambda kind: kind.__name__.lower())
def test_nothing_is_written_to_a_list_that_was_not_looked_at_in_this_pass(kind: type) -> None:
    world = lived()
    thing: Any = next(one for table in world.things for one in table.values() if isinstance(one, kind))
    stale = renewal.stale([Create(thing, "")], seen_of(world), shared=False)
    assert {type(read) for read in stale} == RESTS[kind]


# --- for several sites -------------------------------------------------------------------------------------------


def test_nothing_is_changed_on_what_was_seen_for_another_site() -> None:
    world = lived()
    rule = world.rules.pop(naming.rule_of(SITE, "deny-out"))
    known = dict(world.look([RulesOf(NETWORK), ConnectorsIn(PROJECT, REGION), JobsIn(PROJECT, REGION)]))
    world.add(rule)  # somebody has mended it since
    ending = reconcile.whole_site(SITE, JANE, world, known=known)
    assert ending
    assert (ending.said.status, world.applied) == ("whole", [])


def test_a_site_that_was_changed_leaves_nothing_known_for_the_next() -> None:
    world = lived()
    del world.rules[naming.rule_of(SITE, "deny-out")]
    known = dict(world.look([ConnectorsIn(PROJECT, REGION), JobsIn(PROJECT, REGION)]))
    reconcile.whole_site(SITE, JANE, world, known=known)
    assert known == {}


# --- whose turn it is --------------------------------------------------------------------------------------------


def test_work_handed_over_before_a_look_at_everything_is_done_by_it() -> None:
    turns = Turns()
    with turns.turn(SITE, after_others=False) as first:
        hand_over(turns)
        looked = first.looking()
        looked()
        assert first.over(True)


@pytest.mark.parametrize("wholly", [True, False])
def test_work_handed_over_after_a_look_has_begun_or_before_one_at_some_things_is_not(wholly: bool) -> None:
    turns = Turns()
    with turns.turn(SITE, after_others=False) as first:
        looked = first.looking()
        hand_over(turns)
        if wholly:
            looked()
        assert not first.over(True)
        assert first.over(True)


def test_work_handed_over_to_two_is_left_to_the_last() -> None:
    turns = Turns()
    with turns.turn(SITE, after_others=False) as first, turns.turn(SITE, after_others=False):
        hand_over(turns)
        looked = first.looking()
        looked()
        assert not first.over(True)


def hand_over(turns: Turns) -> None:
    with turns.turn(SITE, after_others=True) as other:
        assert other.handed_over


def test_whoever_is_stopped_by_a_brake_looks_once_more_for_what_was_handed_over_meanwhile() -> None:
    world, turns = lived(), Turns()
    world.policies = policy(sites_per_hour=1)
    world.touched.append("another site")
    del world.rules[naming.rule_of(SITE, "deny-out")]
    world.turn = turns.turn  # type: ignore[method-assign]
    look, braked = world.look, 0

    def looked(reads: Iterable[Read[Any]]) -> Mapping[Read[Any], Sighting[Any]]:
        nonlocal braked
        if SitesTouched() in (asked := set(reads)):
            braked += 1
            if braked == 1:
                hand_over(turns)
        return look(asked)

    world.look = looked  # type: ignore[method-assign]
    (ending,) = reconcile.thing(ThingTarget(OURS), JANE, world)
    assert ending.said.status == "blocked"
    assert braked == 2


def test_an_event_about_a_thing_of_a_site_at_which_others_are_costs_no_look() -> None:
    world, turns = lived(), Turns()
    world.turn = turns.turn  # type: ignore[method-assign]
    with turns.turn(SITE, after_others=False):
        assert reconcile.thing(ThingTarget(naming.rule_of(SITE, "deny-out")), JANE, world) == ()
        assert world.looks == []


def test_a_finished_entry_comes_again_while_reads_do_not_show_it() -> None:
    world = lived()
    world.connectors[OURS] = replace(world.connectors[OURS], state=State.CREATING)
    (ending,) = reconcile.thing(ThingTarget(OURS), JANE, world)
    assert "reads do not show that yet" in ending.again


# --- a finished entry, which comes again until somebody has seen to it ----------------------------------------------


def comes(turns: Turns, world: World) -> tuple[reconcile.Ending, ...]:
    """The connector's finished entry arrives."""
    world.turn = turns.turn  # type: ignore[method-assign]
    return reconcile.thing(ThingTarget(OURS), JANE, world)


def test_a_finished_entry_that_others_have_seen_to_costs_no_look_when_it_comes_again() -> None:
    world, turns = lived(), Turns()
    with turns.turn(SITE, after_others=False) as first:
        assert comes(turns, world)[0].again
        first.looking()()
        assert comes(turns, world)[0].again
        assert first.over(True), "its second coming asks for nothing more"
    assert comes(turns, world) == ()
    assert world.looks == []


@pytest.mark.parametrize(
    ("looked", "at_rest"), [(False, True), (True, False)], ids=["nobody looked since", "something was left to do"]
)
def test_a_finished_entry_is_seen_to_when_all_was_looked_at_after_it_came_and_is_at_rest(
    looked: bool, at_rest: bool
) -> None:
    world, turns = lived(), Turns()
    with turns.turn(SITE, after_others=False) as first:
        comes(turns, world)
        if looked:
            first.looking()()
        assert first.over(at_rest) == looked
        if not looked:
            assert first.over(at_rest)
    (ending,) = comes(turns, world)
    assert (ending.said.status, ending.again) == ("whole", "")
    assert world.looks


def test_a_finished_entry_is_not_seen_to_by_whoever_died() -> None:
    world, turns = lived(), Turns()
    with turns.turn(SITE, after_others=False) as first:
        comes(turns, world)
        first.looking()()  # and leaves without a word
    comes(turns, world)
    assert world.looks


def test_what_another_has_looked_at_is_not_seen_to_by_who_leaves_last() -> None:
    world, turns = lived(), Turns()
    with turns.turn(SITE, after_others=False) as last, turns.turn(SITE, after_others=False) as first:
        last.looking()()
        comes(turns, world)
        assert not first.over(True)
        assert last.over(True), "the other has taken it over"
        assert comes(turns, world)[0].again
        assert first.over(False)
    comes(turns, world)
    assert world.looks


def test_entries_of_a_site_that_never_comes_to_rest_are_not_kept_for_ever() -> None:
    turns = Turns()
    with turns.turn(SITE, after_others=False):
        for number in range(1500):
            with turns.turn(SITE, after_others=True, entry=str(number)) as other:
                assert other.handed_over
    assert len(turns._entries) == 1000
    assert (SITE, "1499") in turns._entries


STATES = {  # of the connector, with whether a run that sees nothing to do is at rest
    State.READY: True,
    State.CREATING: False,
    State.UPDATING: False,
    State.DELETING: False,
}


@pytest.mark.parametrize("state", STATES, ids=str)
def test_a_run_is_at_rest_when_its_connector_is_not_on_its_way(state: State) -> None:
    world = lived()
    world.connectors[OURS] = replace(world.connectors[OURS], state=state)
    rests: list[bool] = []

    def over(at_rest: bool) -> bool:
        rests.append(at_rest)
        return True

    world.turn = lambda *_, **__: nullcontext(Turn(handed_over=False, over=over))  # type: ignore[method-assign]
    reconcile.job(TARGET, JANE, world)
    assert rests == [STATES[state]]
