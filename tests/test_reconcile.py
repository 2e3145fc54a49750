"""Stories of one event, over a small Google Cloud in memory."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.egress.world import Fault, World
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
    policy,
)
from wayout import reconcile, sweep
from wayout.egress import naming
from wayout.egress.model import (
    Attach,
    Cause,
    Change,
    Connector,
    Create,
    Egress,
    FirewallRule,
    JobAt,
    JobsIn,
    JobTarget,
    Network,
    Outcome,
    Remove,
    Result,
    Router,
    RouterName,
    State,
    Subnet,
    ThingTarget,
    Unreadable,
    Update,
    Way,
    Word,
)

JANE = Cause("event-1", "jane@example.com", "deployed nightly", "2026-11-23T08:00:00Z")
TARGET = JobTarget(job_name())
ATTACHED = Way(Egress.ALL, OURS)


def kinds(world: World) -> list[str]:
    return [
        f"{type(change).__name__} {type(change.thing).__name__ if not isinstance(change, Attach) else 'Job'}"
        for change, outcome in world.applied
    ]


def way(world: World, name: str = "nightly") -> Way | None:
    return world.jobs[job_name(name)].way


def says(kind: type[Change], thing: type, result: Result, **more: Any) -> Fault:
    """A fault that answers every such change."""

    def fault(change: Change) -> Outcome | None:
        hit = isinstance(change, kind) and (isinstance(change, Attach) or isinstance(change.thing, thing))
        return Outcome(change, result, "so says the test", **more) if hit else None

    return fault


def once(fault: Fault) -> Fault:
    """The same, the first time only."""
    spent: list[Change] = []

    def first(change: Change) -> Outcome | None:
        outcome = None if spent else fault(change)
        if outcome:
            spent.append(change)
        return outcome

    return first


# --- whole -------------------------------------------------------------------------------------------------------


def test_one_call_gives_a_job_in_a_green_field_its_way_out() -> None:
    world = greenfield()
    ending = reconcile.job(TARGET, JANE, world)
    assert (ending.said.status, ending.again) == ("whole", "")
    assert way(world) == ATTACHED
    assert ending.said.jobs[0].attached
    order = kinds(world)
    assert order.index("Create Connector") < order.index("Update FirewallRule") <= order.index("Attach Job") + 2
    assert order.count("Create Connector") == order.count("Create Subnet") == order.count("Create Router") == 1


def test_the_second_delivery_finds_nothing_to_do_and_says_so_quietly() -> None:
    world = greenfield()
    reconcile.job(TARGET, JANE, world)
    before, world.applied = deepcopy(world.things), []
    ending = reconcile.job(TARGET, JANE, world)
    assert (ending.said.status, ending.said.changes, world.applied) == ("whole", (), [])
    assert world.things == before


def test_a_pass_looks_at_nothing_twice() -> None:
    world = greenfield()
    reconcile.job(TARGET, JANE, world)
    world.looks.clear()
    reconcile.job(TARGET, JANE, world)
    assert len(world.looks) == len(set(world.looks))


def test_a_hundred_jobs_share_one_connector() -> None:
    names = [f"job-{number}" for number in range(100)]
    world = greenfield(None, *map(job, names))
    for name in names[:3]:
        reconcile.job(JobTarget(job_name(name)), JANE, world)
    assert kinds(world).count("Create Connector") == 1
    assert {found.way for found in world.jobs.values()} == {ATTACHED}


def test_jobs_put_off_while_the_connector_was_made_are_attached_by_the_delivery_that_made_it() -> None:
    world = greenfield()
    world.meanwhile = [lambda world: void(world.add(job("deployed-meanwhile")))]
    ending = reconcile.job(TARGET, JANE, world)
    assert way(world, "deployed-meanwhile") == ATTACHED
    assert {said.job.rsplit("/")[-1]: said.attached for said in ending.said.jobs} == {
        "nightly": True,
        "deployed-meanwhile": True,
    }


def clear(world: World) -> None:
    world.jobs.clear()


def void(_: object) -> None:
    """Nothing."""


def test_a_job_that_only_a_request_speaks_for_is_attached_by_the_delivery_that_made_its_connector() -> None:
    """Nobody else will: later events of the job carry no request."""
    world = greenfield(policy({"requests": True}, rules=[]))
    ending = reconcile.job(replace(TARGET, requested="web", sender="billing"), JANE, world)
    assert ending.said.status == "whole"
    assert way(world) == ATTACHED
    assert "billing asked" in ending.said.jobs[0].because


def test_a_run_whose_job_list_is_forbidden_still_attaches_the_job_it_came_for() -> None:
    world = greenfield()
    world.unreadable = {JobsIn: Unreadable("permission denied", "run.jobs.list")}
    assert reconcile.job(TARGET, JANE, world).said.status == "whole"
    assert way(world) == ATTACHED


# --- others are at it --------------------------------------------------------------------------------------------


def test_a_connector_that_somebody_else_is_making_is_waited_for_and_the_delivery_acknowledged() -> None:
    world = greenfield()
    world.patient = False
    first = reconcile.job(TARGET, JANE, world)
    assert (first.said.status, first.again) == ("waiting", "")
    second = reconcile.job(TARGET, JANE, world)
    assert (second.said.status, second.again) == ("waiting", "")
    assert kinds(world).count("Create Connector") == 1
    assert way(world) is None
    world.finish()
    (healed,) = reconcile.thing(ThingTarget(OURS), JANE, world)  # the operation's finished entry
    assert healed.said.status == "whole"
    assert way(world) == ATTACHED


def test_a_finished_entry_that_reads_do_not_show_yet_comes_again() -> None:
    """Nobody else wakes the site: the one who made the connector may have died."""
    world = greenfield()
    world.patient = False
    reconcile.job(TARGET, JANE, world)
    (early,) = reconcile.thing(ThingTarget(OURS), JANE, world)
    assert early.again.endswith("its connector's operation has ended, and reads do not show that yet")
    assert not early.said.changed
    world.finish()
    (healed,) = reconcile.thing(ThingTarget(OURS), JANE, world)
    assert (healed.said.status, healed.again) == ("whole", "")
    assert way(world) == ATTACHED


def test_losing_a_race_leads_to_a_fresh_look() -> None:
    world = greenfield()

    def quicker(change: Change) -> Outcome | None:
        if isinstance(change, Create) and isinstance(change.thing, Subnet) and change.thing.name not in world.subnets:
            world.add(change.thing)
            return Outcome(change, Result.KEPT, "it exists already")
        return None

    world.faults = [quicker]
    ending = reconcile.job(TARGET, JANE, world)
    assert ending.said.status == "whole"
    assert all(said.result != "kept" or said.kind == "subnet" for said in ending.said.changes)


def test_a_deploy_between_look_and_update_is_seen_by_the_etag_and_looked_at_again() -> None:
    world = greenfield()
    spent: list[Change] = []

    def deployed(change: Change) -> Outcome | None:
        if isinstance(change, Attach) and not spent:
            spent.append(change)
            world.add(replace(world.jobs[change.job], etag="", generation=7))
        return None

    world.faults = [deployed]
    assert reconcile.job(TARGET, JANE, world).said.status == "whole"
    assert (world.jobs[job_name()].generation, way(world)) == (8, ATTACHED)


def test_the_delivery_comes_again_when_others_are_quicker_every_time() -> None:
    world = greenfield()
    world.faults = [says(Create, object, Result.KEPT)]
    ending = reconcile.job(TARGET, JANE, world)
    assert ending.again
    assert 1 <= world.pauses <= 5


def test_a_job_switched_off_while_its_connector_is_made_is_not_attached() -> None:
    world = greenfield()
    off = job(labels=(("wayout", "off"),))
    world.meanwhile = [lambda world: void(world.add(off))]
    reconcile.job(TARGET, JANE, world)
    assert way(world) is None


def test_a_job_deleted_meanwhile_is_nobodys_business_any_more() -> None:
    world = greenfield()
    world.meanwhile = [lambda world: clear(world)]
    ending = reconcile.job(TARGET, JANE, world)
    assert "Attach Job" not in kinds(world)
    assert ending.again == ""


# --- Google says no ----------------------------------------------------------------------------------------------


def test_a_refused_change_is_told_with_who_can_help_and_not_tried_again() -> None:
    world = greenfield()
    world.faults = [says(Create, Connector, Result.REFUSED, help="grant vpcaccess.admin")]
    ending = reconcile.job(TARGET, JANE, world)
    assert (ending.said.status, ending.again) == ("refused", "")
    assert kinds(world).count("Create Connector") == 1
    assert "grant vpcaccess.admin" in {said.help for said in ending.said.changes}
    assert way(world) is None


def test_google_may_refuse_to_retire_its_rules_and_the_job_is_attached_all_the_same() -> None:
    world = greenfield()
    world.faults = [says(Update, FirewallRule, Result.REFUSED)]
    ending = reconcile.job(TARGET, JANE, world)
    assert (ending.said.status, ending.again) == ("whole", "")
    assert way(world) == ATTACHED
    assert any("refused to retire" in note for note in ending.said.notes)


def test_a_rule_that_google_puts_back_is_not_fought_over() -> None:
    world = greenfield()
    reconcile.job(TARGET, JANE, world)
    for name, rule in world.rules.items():
        world.rules[name] = replace(rule, disabled=False)
    world.applied.clear()
    ending = reconcile.job(TARGET, JANE, world)
    assert world.applied == []
    assert any("not fought over" in note for note in ending.said.notes)


def test_a_new_connector_of_the_same_name_has_new_rules_to_retire() -> None:
    world = greenfield()
    reconcile.job(TARGET, JANE, world)
    del world.connectors[OURS]
    reconcile.job(TARGET, JANE, world)
    broad = [rule for name, rule in world.rules.items() if name.rule.endswith(("-sbntfw", "-tagfw"))]
    assert [rule.disabled for rule in broad] == [True, True]


def test_a_failure_that_may_pass_brings_the_delivery_back() -> None:
    world = greenfield()
    world.faults = [says(Create, Router, Result.PUT_OFF, retry=True)]
    ending = reconcile.job(TARGET, JANE, world)
    assert "so says the test" in ending.again
    assert way(world) is None
    world.faults = []
    assert reconcile.job(TARGET, JANE, world).said.status == "whole"


def test_a_retirement_that_was_only_put_off_is_made_up_for() -> None:
    world = greenfield()
    world.faults = [once(says(Update, FirewallRule, Result.PUT_OFF, retry=True))]
    reconcile.job(TARGET, JANE, world)
    reconcile.job(TARGET, JANE, world)
    broad = [rule for name, rule in world.rules.items() if name.rule.endswith(("-sbntfw", "-tagfw"))]
    assert [rule.disabled for rule in broad] == [True, True]


def test_without_time_left_the_delivery_comes_again() -> None:
    world = greenfield()
    world.seconds = 0.0
    ending = reconcile.job(TARGET, JANE, world)
    assert "time" in ending.again
    assert world.applied == []


def test_a_connector_that_fails_and_fails_is_made_a_bounded_number_of_times() -> None:
    world = greenfield()

    def fails(change: Change) -> Outcome | None:
        if isinstance(change, Create) and isinstance(change.thing, Connector):
            world.add(replace(change.thing, state=State.ERROR))
            return Outcome(change, Result.REFUSED, "no quota")
        return None

    world.faults = [fails]
    for _ in range(8):
        ending = reconcile.job(TARGET, JANE, world)
    assert kinds(world).count("Create Connector") == 3
    assert ending.said.status == "blocked"
    assert "no quota" in ending.said.blocked[0].why


def test_a_connector_in_error_with_jobs_on_it_is_left_for_people() -> None:
    world = greenfield()
    reconcile.job(TARGET, JANE, world)
    world.connectors[OURS] = replace(world.connectors[OURS], state=State.ERROR)
    ending = reconcile.job(TARGET, JANE, world)
    assert ending.said.status == "blocked"
    assert OURS in world.connectors


def test_rules_that_we_disabled_are_enabled_again_if_the_connector_did_not_survive_it() -> None:
    world = greenfield()
    reconcile.job(TARGET, JANE, world)
    world.connectors[OURS] = replace(world.connectors[OURS], state=State.ERROR)
    reconcile.job(TARGET, JANE, world)
    assert not [name for name, rule in world.rules.items() if rule.disabled]


# --- a refused deploy --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_a_deploy_that_the_organisation_refused_prepares_the_site_and_names_the_flags(mode: str) -> None:
    policies = policy(mode=mode, rules=[{"match": {}, "profile": "web", "mode": "enforce"}])
    world = greenfield(policies)
    world.jobs.clear()
    ending = reconcile.job(replace(TARGET, refused=True), JANE, world)
    assert ending.said.status == "whole"
    assert OURS in world.connectors
    assert f"--vpc-connector={OURS} --vpc-egress=all-traffic" in ending.said.notes[0]


# --- nobody writes -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "apply", "mode"),
    [
        ({"mode": "observe"}, True, "observe"),
        ({"paused": True}, True, "paused"),
        ({}, False, "observe"),
        ({"rules": [{"match": {}, "profile": "web", "mode": "observe"}]}, True, "observe"),
    ],
    ids=["observe", "paused", "plan only", "the rule observes"],
)
def test_nothing_is_written_and_the_changes_are_listed_as_planned(more: dict[str, Any], apply: bool, mode: str) -> None:
    world = greenfield(policy(**more))
    ending = reconcile.job(TARGET, JANE, world, apply=apply)
    assert (ending.said.status, ending.said.mode, ending.again) == ("planned", mode, "")
    assert {said.result for said in ending.said.changes} == {"planned"}
    assert world.applied == []
    assert ending.said.plan


def test_of_two_jobs_at_one_site_the_observed_one_stays_as_it_is() -> None:
    rules = [
        {"match": {"job": "watched"}, "profile": "web", "mode": "observe"},
        {"match": {}, "profile": "web", "mode": "enforce"},
    ]
    world = greenfield(policy(rules=rules), job(), job("watched"))
    reconcile.job(TARGET, JANE, world)
    assert (way(world), way(world, "watched")) == (ATTACHED, None)


# --- unseen and unneeded -----------------------------------------------------------------------------------------


def test_a_job_that_cannot_be_read_blocks_with_the_permission() -> None:
    world = greenfield()
    world.unreadable = {JobAt: Unreadable("denied", "run.jobs.get")}
    ending = reconcile.job(TARGET, JANE, world)
    assert (ending.said.status, ending.said.blocked[0].help) == ("blocked", "run.jobs.get")


def test_a_job_that_becomes_unreadable_halfway_blocks_with_the_permission() -> None:
    world = greenfield()
    world.meanwhile = [lambda world: void(world.unreadable.update({JobAt: Unreadable("denied", "run.jobs.get")}))]
    ending = reconcile.job(TARGET, JANE, world)
    assert ending.said.status == "blocked"
    assert "run.jobs.get" in {block.help for block in ending.said.blocked}
    assert ending.said.changes


def test_a_job_that_is_not_there_needs_nothing() -> None:
    world = greenfield()
    ending = reconcile.job(JobTarget(job_name("gone")), JANE, world)
    assert (ending.said.status, ending.said.jobs[0].stance) == ("unneeded", "absent")
    assert world.applied == []


def test_a_job_that_nothing_speaks_for_is_left_as_it_is() -> None:
    world = greenfield(policy(rules=[]))
    assert reconcile.job(TARGET, JANE, world).said.status == "unneeded"
    assert world.applied == []


# --- a thing was touched -----------------------------------------------------------------------------------------


def hurt_rules(world: World) -> ThingTarget:
    name = naming.rule_of(SITE, "deny-out")
    del world.rules[name]
    return ThingTarget(name)


def hurt_router(world: World) -> ThingTarget:
    world.routers[OUR_ROUTER] = replace(world.routers[OUR_ROUTER], nats=())
    return ThingTarget(OUR_ROUTER)


def hurt_connector(world: World) -> ThingTarget:
    del world.connectors[OURS]
    return ThingTarget(OURS)


def hurt_subnet(world: World) -> ThingTarget:
    name = naming.subnet_of(SITE)
    world.subnets[name] = replace(world.subnets[name], google_access=False)
    return ThingTarget(name)


@pytest.mark.parametrize("hurt", [hurt_rules, hurt_router, hurt_connector, hurt_subnet])
def test_an_event_about_a_thing_heals_its_site(hurt: Callable[[World], ThingTarget]) -> None:
    world = greenfield()
    reconcile.job(TARGET, JANE, world)
    whole = deepcopy(world.things)
    target = hurt(world)
    world.history.clear()
    (ending,) = reconcile.thing(target, JANE, world)
    assert ending.said.status == "whole"
    assert ending.said.changes
    assert world.things == whole


@pytest.mark.parametrize(
    "name",
    [
        RouterName(PROJECT, REGION, "theirs"),
        naming.rule_of(replace(SITE, profile="unknown"), "deny-out"),
        RouterName("another-project", REGION, OUR_ROUTER.router),
    ],
    ids=["not ours", "a site that no profile makes", "a project that the policy does not cover"],
)
def test_an_event_about_a_thing_that_is_not_ours_costs_no_look(name: RouterName) -> None:
    world = greenfield()
    assert reconcile.thing(ThingTarget(name), JANE, world) == ()
    assert world.looks == []


def test_a_site_that_nobody_needs_is_not_made_by_an_event_about_its_remains() -> None:
    world = greenfield(policy(rules=[]))
    assert reconcile.thing(ThingTarget(OURS), JANE, world) == ()
    assert world.applied == []


# --- the sweep ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["enforce", "observe"])
def test_idleness_is_remembered_where_only_a_rule_says_enforce(mode: str) -> None:
    rules = [{"match": {"region": "europe-*"}, "profile": "web", "mode": mode}]
    world = greenfield(policy())
    reconcile.job(TARGET, JANE, world)
    world.jobs.clear()
    world.policies = policy(mode="observe", rules=rules)

    reconcile.whole_site(SITE, JANE, world)

    assert (SITE in world.idle_days) == (mode == "enforce")


def test_a_rule_of_another_region_or_project_enforces_nothing_here() -> None:
    world = greenfield(policy({"idle": "remove"}))
    reconcile.job(TARGET, JANE, world)
    world.jobs.clear()
    world.idle_days[SITE] = 9
    elsewhere = ({"region": "us-*"}, {"project": "other"})
    rules = [{"match": match, "profile": "web", "mode": "enforce"} for match in elsewhere]
    world.policies = policy({"idle": "remove"}, mode="observe", rules=rules)

    reconcile.whole_site(SITE, JANE, world)

    assert OURS in world.connectors


def test_a_sweep_gives_every_job_its_way_and_then_finds_nothing() -> None:
    world = greenfield(None, job("one"), job("two"))
    (ending,) = sweep.everything(JANE, world)
    assert (ending.said.status, len(ending.said.jobs)) == ("whole", 2)
    world.applied.clear()
    (again,) = sweep.everything(JANE, world)
    assert (again.said.status, world.applied) == ("whole", [])


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"projects": []}, "an empty list says nothing of where to look"),
        ({"regions": []}, "jobs are listed by region"),
        ({"projects": ["my-*"]}, "no API that we use lists projects"),
        ({"regions": ["europe-*"]}, "nor regions"),
    ],
)
def test_a_sweep_that_does_not_know_where_to_look_says_so(more: dict[str, Any], reason: str) -> None:
    (ending,) = sweep.everything(JANE, greenfield(policy(**more)))
    assert ending.said.blocked[0].what == "sweep", reason


def test_nothing_is_done_in_a_region_that_the_policy_does_not_speak_of() -> None:
    world = greenfield()
    reconcile.job(TARGET, JANE, world)
    world.applied.clear()
    world.policies = policy(regions=["us-central1"])
    ending = reconcile.job(TARGET, JANE, world)
    assert ending.said.status == "unneeded"
    assert "is not among the policy's regions (us-central1)" in ending.said.jobs[0].because
    assert reconcile.thing(ThingTarget(OURS), JANE, world) == ()
    assert list(reconcile.left(job_name(), JANE, world)) == []
    assert world.applied == []


def test_a_sweep_tells_of_unclear_jobs_and_of_places_it_cannot_see() -> None:
    word = Word("env DB", "10.1.2.3")
    world = greenfield(policy(rules=[]), job(words=(word,)))
    assert [ending.said.status for ending in sweep.everything(JANE, world)] == ["blocked"]
    world.unreadable = {JobsIn: Unreadable("denied", "run.jobs.list")}
    (blind,) = sweep.everything(JANE, world)
    assert blind.said.blocked[0].help == "run.jobs.list"


def test_a_sweep_carries_on_what_a_crash_left() -> None:
    world = greenfield()
    for change in _first_plan(world)[:3]:
        world.make(change)
    (ending,) = sweep.everything(JANE, world)
    assert ending.said.status == "whole"


def _first_plan(world: World) -> tuple[Change, ...]:
    from tests.egress.worlds import look_and_plan

    return look_and_plan(world)[0].changes


# --- once --------------------------------------------------------------------------------------------------------

DELIVERIES = ("job one", "job two", "thing", "sweep")


def deliver(what: str, world: World) -> None:
    match what:
        case "thing":
            reconcile.thing(ThingTarget(OURS), JANE, world)
        case "sweep":
            list(sweep.everything(JANE, world))
        case _:
            reconcile.job(JobTarget(job_name(what[4:])), JANE, world)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    order=st.permutations(DELIVERIES),
    more=st.lists(st.sampled_from(DELIVERIES), max_size=4),
    lost=st.sets(st.sampled_from(DELIVERIES[:3])),
    crash=st.integers(0, 12),
)
def test_lost_late_and_doubled_deliveries_end_in_the_same_world(
    order: list[str], more: list[str], lost: set[str], crash: int
) -> None:
    expected, world = greenfield(None, job("one"), job("two")), greenfield(None, job("one"), job("two"))
    deliver("sweep", expected)
    for change in _first_plan(world)[:crash]:  # a delivery that died
        world.make(change)
    for what in [*(item for item in order if item not in lost), *more, "sweep"]:
        deliver(what, world)
    assert world.things == expected.things


def test_a_network_that_the_policy_lets_us_make_is_made_and_the_way_with_it() -> None:
    world = World(policy(create_network=True)).add(job())
    assert reconcile.job(TARGET, JANE, world).said.status == "whole"
    assert NETWORK in world.networks


def test_no_network_blocks_with_what_to_do() -> None:
    world = World(policy()).add(job())
    ending = reconcile.job(TARGET, JANE, world)
    assert ending.said.status == "blocked"
    assert "create_network" in ending.said.blocked[0].help
    assert world.applied == []


def test_only_what_was_refused_stops_and_the_rest_goes_on() -> None:
    world = World(policy()).add(Network(NETWORK), INTERNET, job())
    world.faults = [says(Create, Router, Result.REFUSED)]
    ending = reconcile.job(TARGET, JANE, world)
    assert ending.said.status == "refused"
    assert OURS in world.connectors
    assert not [change for change, _ in world.applied if isinstance(change, Remove)]
