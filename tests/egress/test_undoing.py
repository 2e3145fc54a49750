"""What was done for a plan is taken back, as far as it still is as it was left; and every change can be read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.egress import worlds
from tests.egress.world import World
from tests.egress.worlds import NETWORK, OUR_ROUTER, OUR_SUBNET, OURS, PROJECT, REGION, SITE, greenfield, job, job_name
from wayout import reconcile, undo
from wayout.egress import naming
from wayout.egress.marks import revived, sides
from wayout.egress.model import (
    Cause,
    Connector,
    Egress,
    Execution,
    FirewallRule,
    JobTarget,
    Result,
    State,
    Subnet,
    SubnetName,
    Way,
    kind,
    subject,
)
from wayout.undo import TakenBack

many = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
ASKED = Cause("undo-1", "jane@example.com", "wayout undo")


def reconciled(world: World, *names: str) -> list[str]:
    """The plans of what was done for these jobs, in this order."""
    plans = []
    for name in names:
        ending = reconcile.job(JobTarget(job_name(name)), Cause(f"deploy-{name}", "dev@example.com"), world)
        plans.append(ending.said.plan)
    return plans


def taken_back(world: World, plan: str, *, apply: bool = True) -> TakenBack:
    [found] = undo.undo(plan, ASKED, world, apply=apply)
    return found


def things(world: World) -> tuple[Any, ...]:
    """All but what is never taken away, networks, and Google's rules for connectors, which outlive these here."""
    _, subnets, rules, *rest = world.things
    lasting = {name: in_order(rule) for name, rule in rules.items() if naming.automatic(name.rule) is None}
    return subnets, lasting, *rest


def in_order(rule: FirewallRule) -> FirewallRule:
    """Whatever the order in which its ranges and ports were given."""
    traffic = tuple(sorted(replace(one, ports=tuple(sorted(one.ports))) for one in rule.traffic))
    sources, destinations = tuple(sorted(rule.sources)), tuple(sorted(rule.destinations))
    return replace(rule, traffic=traffic, sources=sources, destinations=destinations)


@pytest.mark.parametrize("road", ["connector", "direct"])
def test_a_site_that_was_made_for_one_job_is_taken_back_whole(road: str) -> None:
    world = greenfield(worlds.policy({"road": road}))
    before = things(world)
    [plan] = reconciled(world, "nightly")
    assert things(world) != before

    planned = taken_back(world, plan, apply=False)
    done = taken_back(world, plan)

    assert things(world) == before
    assert not done.plan.changes
    assert not done.again
    assert [subject(one) for one in planned.plan.changes] == [subject(one.change) for one in done.outcomes]
    assert "the policy still wants web for nightly" in done.plan.notes[0], "or somebody would wonder tomorrow"
    assert not taken_back(world, plan).outcomes, "a second time finds nothing to take back"


def test_what_was_taken_back_can_be_taken_back_too() -> None:
    world = greenfield()
    [plan] = reconciled(world, "nightly")
    made = things(world)
    taken_back(world, plan)

    [again] = dict.fromkeys(one.run for one in world.written if one.cause == ASKED.id)
    assert taken_back(world, again).plan.changes == ()

    assert things(world) == made


def test_the_second_job_is_taken_back_and_the_site_stays_for_the_first() -> None:
    world = greenfield()
    reconciled(world, "nightly")
    world.add(job("weekly"))
    before = things(world)
    [plan] = reconciled(world, "weekly")

    done = taken_back(world, plan)

    assert [str(one.change) for one in done.outcomes if one.result != Result.UPDATED] == []
    assert things(world) == before


def attached_since(world: World) -> None:
    world.add(job("weekly"))
    reconciled(world, "weekly")


def running(world: World) -> None:
    world.executions.append(Execution(job_name("nightly"), "nightly-x1", Way(Egress.ALL, OURS)))


def moved(world: World) -> None:
    world.add(
        Subnet(SubnetName(PROJECT, REGION, "theirs"), NETWORK, "10.9.0.0/28"),
        Connector(
            replace(OURS, connector="theirs"), NETWORK, State.READY, subnet=SubnetName(PROJECT, REGION, "theirs")
        ),
        replace(world.jobs[job_name()], way=Way(Egress.ALL, replace(OURS, connector="theirs"))),
    )


def widened(world: World) -> None:
    name = naming.rule_of(SITE, "deny-out")
    world.rules[name] = replace(world.rules[name], disabled=True)


IN_THE_WAY: list[tuple[str, Callable[[World], None], str]] = [
    ("another job has come onto it", attached_since, "it is used by weekly"),
    ("an execution still runs on it", running, "it is used by nightly-x1, an execution of nightly"),
    ("somebody has moved the job", moved, "somebody has given it another way since"),
    ("somebody has changed a rule", widened, "somebody has changed it since"),
]


@pytest.mark.parametrize(("reason", "harm", "words"), IN_THE_WAY, ids=[row[0] for row in IN_THE_WAY])
def test_nothing_is_begun_while_something_is_in_the_way_of_any_of_it(
    reason: str, harm: Callable[[World], None], words: str
) -> None:
    world = greenfield()
    [plan] = reconciled(world, "nightly")
    harm(world)
    before = world.things

    done = taken_back(world, plan)

    assert words in " ".join(found.why for found in done.plan.blocked), reason
    assert all(found.help for found in done.plan.blocked)
    assert not done.outcomes
    assert world.things == before


def test_a_tight_rule_is_not_made_wide_again_while_jobs_are_on_it() -> None:
    world = greenfield()
    reconciled(world, "nightly")
    widened(world)
    wide = world.things
    plan = reconcile.job(JobTarget(job_name()), Cause("heal"), world).said.plan
    assert world.things != wide

    done = taken_back(world, plan)

    assert "the plan fails its proof" in done.plan.blocked[0].why
    assert not done.outcomes


def test_our_nat_goes_on_for_the_subnets_of_other_sites() -> None:
    other = SubnetName(PROJECT, REGION, "wayout-0a1b2c3d")
    world = greenfield()
    [plan] = reconciled(world, "nightly")
    world.add(Subnet(other, NETWORK, "10.99.0.0/28"))
    router = world.routers[OUR_ROUTER]
    world.routers[OUR_ROUTER] = replace(router, nats=(replace(router.nats[0], subnets=(OUR_SUBNET, other)),))

    done = taken_back(world, plan)

    assert not done.plan.blocked
    assert world.routers[OUR_ROUTER].nats[0].subnets == (other,)


def test_a_plan_that_the_ledger_does_not_know_is_said_so() -> None:
    with pytest.raises(undo.NotKnownError, match="knows of nothing done for the plan 0123"):
        list(undo.undo("0123", ASKED, greenfield(), apply=True))


def test_without_its_profile_nobody_can_say_what_it_would_open() -> None:
    world = greenfield()
    [plan] = reconciled(world, "nightly")
    world.policies = worlds.policy(
        profiles={"other": {"destinations": [{"to": "10.1.0.0/16", "ports": ["tcp:1"]}]}}, rules=[]
    )

    assert "no profile web any more" in taken_back(world, plan).plan.blocked[0].why


@many
@given(world=worlds.worlds(), crash=st.none() | st.integers(0, 12))
def test_whatever_the_world_what_was_done_is_taken_back_or_it_is_said_what_is_in_the_way(
    world: World, crash: int | None
) -> None:
    before = things(world)
    died = dying(world, crash)
    plans = [plan for name in sorted(world.jobs) for plan in survived(world, name.job, died) if plan]
    for plan in reversed(list(dict.fromkeys(one.run for one in world.written))):
        assert plan in plans or crash is not None
        for done in undo.undo(plan, ASKED, world, apply=True):
            if done.plan.blocked or done.again:
                event("in the way")
                assert all(found.why and found.help for found in done.plan.blocked)
                return
    event("taken back" if world.written else "nothing done")
    assert things(world) == before


class DiedError(Exception):
    """The process is gone."""


def dying(world: World, crash: int | None) -> list[int]:
    """Have the process die right after its n-th change; what was done is not told to the ledger then."""
    left = [crash if crash is not None else 10**6]
    make = world.make

    def struck(change: Any) -> Any:
        outcome = make(change)
        left[0] -= 1
        if left[0] == 0:
            raise DiedError
        return outcome

    world.make = struck  # type: ignore[method-assign]
    return left


def survived(world: World, name: str, left: list[int]) -> list[str]:
    """A delivery, and its next try if it dies."""
    try:
        return reconciled(world, name)
    except DiedError:
        return reconciled(world, name)


@many
@given(world=worlds.worlds())
def test_every_change_is_read_back_from_the_ledger_as_it_was(world: World) -> None:
    for name in sorted(world.jobs):
        reconciled(world, name.job)
    for one in world.written:
        change = one.change
        before, after = json.loads(json.dumps(sides(change)))
        assert revived(kind(change), subject(change), before, after, change.because) == change


@pytest.mark.parametrize(
    ("kind", "before", "after", "reason"),
    [
        ("volcano", None, {}, "a kind that we do not know"),
        ("subnet", None, None, "neither before nor after"),
        ("subnet", None, {"name": "x"}, "a name of no form"),
        ("job", None, {"vpcAccess": None}, "a job without what was before"),
    ],
)
def test_a_record_that_is_none_of_ours_is_refused(kind: str, before: Any, after: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        revived(kind, "projects/p/locations/r/jobs/j", before, after, reason)
