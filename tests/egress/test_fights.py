"""What somebody changes back within minutes is not fought over, whoever it is, until a person or a deploy asks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.egress import world as world_of
from tests.egress.worlds import SITE, greenfield, job_name
from wayout import reconcile
from wayout.egress import naming
from wayout.egress.fights import HOURS, MINUTES, Rest, resting
from wayout.egress.marks import mark
from wayout.egress.model import (
    GONE_ALREADY,
    Action,
    Attach,
    Cause,
    Change,
    Connector,
    ConnectorName,
    Create,
    Direction,
    Egress,
    FirewallRule,
    JobName,
    JobTarget,
    NetworkName,
    Past,
    Remove,
    RuleName,
    State,
    ThingTarget,
    Traffic,
    Update,
    Way,
    subject,
    verb,
)

MAX, JANE, US = "max@example.com", "jane@example.com", "wayout@home.iam.gserviceaccount.com"
NETWORK = NetworkName("shop", "net")
RULE = FirewallRule(RuleName("shop", "wayout-deny-out"), NETWORK, Direction.EGRESS, Action.DENY, 950, (Traffic("all"),))
CONNECTOR = Connector(ConnectorName("shop", "europe-west2", "wayout-1"), NETWORK, State.READY)
MAKE = Create(RULE, "it is missing")
PATCH = Update(RULE, replace(RULE, disabled=True), "it was changed")
ATTACH = Attach(JobName("shop", "europe-west2", "nightly"), "e", Way(Egress.ALL, CONNECTOR.name), None, "")
REMOVE = Remove(replace(RULE, name=RuleName("shop", "wayout-old")), "left over")
BROKEN = Remove(replace(CONNECTOR, state=State.ERROR), "it is in state ERROR")
HEAL = Cause("1", MAX, "delete firewall rule")
RESULTS = {Create: "created", Update: "updated", Remove: "removed", Attach: "updated"}


def past(change: Change, minutes: float, who: str = MAX, **more: Any) -> Past:
    """What the ledger remembers of having made a change so many minutes ago."""
    made = Past(verb(change), subject(change), RESULTS[type(change)], "", minutes / 60, who, mark(change))
    return replace(made, **more)


def rests(change: Change, *history: Past, cause: Cause = HEAL, **how: Any) -> tuple[Rest, ...]:
    return resting((change,), history, cause, mark=mark, **how)


LOOSE = replace(RULE, priority=900)

# (why, the change that is planned, what the ledger remembers, whether it rests)
CASES: list[tuple[str, Change, list[Past], bool]] = [
    ("nothing is remembered", MAKE, [], False),
    ("the first round may be an accident", MAKE, [past(MAKE, 5)], False),
    ("after the second round it rests", MAKE, [past(MAKE, 2), past(MAKE, 9)], True),
    ("an update is fought over like a creation", PATCH, [past(PATCH, 2), past(PATCH, 9)], True),
    ("and so is a job's attachment", ATTACH, [past(ATTACH, 2), past(ATTACH, 9)], True),
    ("and what somebody makes again and again", REMOVE, [past(REMOVE, 2), past(REMOVE, 9)], True),
    ("half an hour apart is still one fight", MAKE, [past(MAKE, 0), past(MAKE, MINUTES)], True),
    ("an hour apart is none", MAKE, [past(MAKE, 0), past(MAKE, 60)], False),
    ("a fight of this morning is remembered in the evening", MAKE, [past(MAKE, 600), past(MAKE, 610)], True),
    ("a day later it is forgotten", MAKE, [past(MAKE, 10), past(MAKE, HOURS * 60 + 1)], False),
    ("two fights of an hour each: the near ones count", MAKE, [past(MAKE, minutes) for minutes in (0, 60, 70)], True),
    ("the policy was edited: it wants something else", Create(LOOSE, ""), [past(MAKE, 2), past(MAKE, 9)], False),
    ("another rule", Create(replace(RULE, name=RuleName("shop", "b")), ""), [past(MAKE, 2), past(MAKE, 9)], False),
    ("what was refused changed nothing", MAKE, [past(MAKE, 2, result="refused"), past(MAKE, 9)], False),
    (
        "nobody made again what was gone when we came, though lists may show it for a while",
        REMOVE,
        [past(REMOVE, 2, detail=GONE_ALREADY), past(REMOVE, 9)],
        False,
    ),
    ("what was put off changed nothing", MAKE, [past(MAKE, 2, result="put off"), past(MAKE, 9)], False),
    (
        "a connector that could not be made is no fight",
        Create(CONNECTOR, ""),
        [past(Create(CONNECTOR, ""), minutes, result="refused") for minutes in (2, 9, 16)],
        False,
    ),
    ("nor is the removal of what is left of it", BROKEN, [past(BROKEN, 2), past(BROKEN, 9)], False),
    (
        "a connector that somebody deletes twice is one",
        Create(CONNECTOR, ""),
        [past(Create(CONNECTOR, ""), minutes) for minutes in (2, 20)],
        True,
    ),
]


@pytest.mark.parametrize(("reason", "change", "history", "expected"), CASES, ids=[row[0] for row in CASES])
def test_a_third_round_is_not_begun(reason: str, change: Change, history: list[Past], expected: bool) -> None:
    found = rests(change, *history)

    assert [rest.change for rest in found] == ([change] if expected else []), reason


def test_only_what_is_fought_over_is_named() -> None:
    found = resting((MAKE, ATTACH, REMOVE), [past(ATTACH, 2), past(ATTACH, 9)], HEAL, mark=mark)

    assert [rest.subject for rest in found] == [str(ATTACH.job)]


def test_it_is_said_who_did_it_how_often_and_what_ends_the_rest() -> None:
    [rest] = rests(MAKE, past(MAKE, 3, JANE), past(MAKE, 9.5, MAX), past(MAKE, 200, MAX))

    assert rest.rounds == 3
    assert rest.who == (MAX, JANE)
    assert rest.why == (
        "it has been put right 3 times within a day, twice within 7 minutes, "
        "and max@example.com and jane@example.com changed it back each time"
    )
    assert rest.help == (
        "agree with max@example.com and jane@example.com; then deploy a job of the site again, or run: wayout apply JOB"
    )


def test_where_nobody_is_known_nobody_is_to_be_agreed_with() -> None:
    [rest] = rests(MAKE, past(MAKE, 2, "Cloud Scheduler"), past(MAKE, 9, ""), cause=Cause("1", "Cloud Scheduler"))

    assert rest.why.endswith("and somebody changed it back each time")
    assert rest.help == (
        "find out who or what does (their audit log entries tell); "
        "then deploy a job of the site again, or run: wayout apply JOB"
    )


def test_our_own_account_is_not_named_as_the_one_who_undoes_our_work() -> None:
    world = greenfield()
    reconcile.job(JobTarget(job_name()), Cause("0", MAX), world)
    world.history.clear()
    denied = naming.rule_of(SITE, "deny-out")
    for number in range(3):
        world.rules.pop(denied)
        cause = Cause(str(number), world_of.US)
        (ending,) = reconcile.thing(ThingTarget(denied), cause, world)

    [blocked] = ending.said.blocked
    assert "somebody changed it back" in blocked.why
    assert world_of.US not in blocked.why + blocked.help


@pytest.mark.parametrize(
    ("names", "cause", "who", "said", "reason"),
    [
        ((MAX, MAX), MAX, (MAX,), "max@example.com changed", "once is enough"),
        (("", ""), "", (), "somebody changed", "the entries do not say"),
        ((US, US), MAX, (MAX,), "max@example.com changed", "our own connector's finished entry set us going"),
        (("Cloud Scheduler", MAX), "Cloud Scheduler", (MAX,), "max@example.com changed", "a sweep changes nothing"),
        (("deploy-bot", ""), "", (), "somebody changed", "nor does a request by another system"),
        (
            ("principal://iam.googleapis.com/locations/global/workforcePools/p/subject/max", ""),
            "",
            ("principal://iam.googleapis.com/locations/global/workforcePools/p/subject/max",),
            "subject/max changed",
            "of a workforce pool",
        ),
    ],
)
def test_only_those_are_named_who_can_have_changed_it(
    names: tuple[str, str], cause: str, who: tuple[str, ...], said: str, reason: str
) -> None:
    first, second = names
    [rest] = rests(MAKE, past(MAKE, 2, second), past(MAKE, 9, first), cause=Cause("1", cause), ours=US)

    assert rest.who == who, reason
    assert said in rest.why


# --- promises ---------------------------------------------------------------------------------------------------

CHANGES: list[Change] = [MAKE, PATCH, ATTACH, REMOVE, BROKEN, Create(LOOSE, ""), Create(CONNECTOR, "")]
DONE = ("created", "updated", "removed")
RESULT = st.sampled_from([*DONE, "refused", "put off", "kept"])


@st.composite
def remembered(draw: st.DrawFn) -> list[Past]:
    """A day of a site, and some of the day before."""
    rounds = st.tuples(st.sampled_from(CHANGES), st.floats(0, 30 * 60), st.sampled_from([MAX, JANE, US, ""]), RESULT)
    return [past(change, ago, who, result=result) for change, ago, who, result in draw(st.lists(rounds, max_size=12))]


@settings(deadline=None, max_examples=200)
@given(remembered())
def test_nothing_rests_that_was_not_made_twice_and_soon_again(history: list[Past]) -> None:
    for rest in resting(CHANGES, history, HEAL, mark=mark):
        made = sorted(
            one.hours_ago
            for one in history
            if (one.verb, one.subject, one.mark) == (verb(rest.change), rest.subject, mark(rest.change))
            and one.result in DONE
        )
        assert rest.rounds == len([ago for ago in made if ago <= HOURS])
        assert any(later - sooner <= MINUTES / 60 for sooner, later in pairwise(made))


@settings(deadline=None, max_examples=200)
@given(remembered(), st.data())
def test_the_order_in_which_the_ledger_tells_means_nothing(history: list[Past], data: st.DataObject) -> None:
    turned = data.draw(st.permutations(history))

    found = [(rest.change, rest.rounds, set(rest.who)) for rest in resting(CHANGES, history, HEAL, mark=mark)]

    assert [(rest.change, rest.rounds, set(rest.who)) for rest in resting(CHANGES, turned, HEAL, mark=mark)] == found


@settings(deadline=None, max_examples=100)
@given(remembered())
def test_a_person_or_a_new_deploy_ends_every_rest(history: list[Past]) -> None:
    assert resting(CHANGES, history, HEAL, mark=mark, fresh=True) == ()


@settings(deadline=None, max_examples=100)
@given(remembered(), st.integers(0, 65535))
def test_an_edited_policy_ends_a_rest(history: list[Past], priority: int) -> None:
    edited = Create(replace(RULE, priority=priority), "")
    assume(priority not in (RULE.priority, LOOSE.priority))

    assert rests(edited, *history) == ()


@settings(deadline=None, max_examples=200)
@given(remembered(), st.sampled_from(CHANGES), st.floats(0, HOURS * 60 - MINUTES), st.floats(0, MINUTES - 1))
def test_two_rounds_soon_after_each_other_rest_whatever_else_happened(
    history: list[Past], change: Change, ago: float, apart: float
) -> None:
    assume(change is not BROKEN)

    found = rests(change, *history, past(change, ago), past(change, ago + apart))

    assert [rest.change for rest in found] == [change]


@settings(deadline=None, max_examples=100)
@given(remembered(), st.sampled_from(["", MAX, US, "Cloud Scheduler"]))
def test_we_never_accuse_ourselves(history: list[Past], who: str) -> None:
    for rest in resting(CHANGES, history, Cause("1", who), mark=mark, ours=US):
        assert US not in rest.who
        assert US not in rest.why


def test_what_two_instances_did_at_once_is_one_round() -> None:
    first, second = past(PATCH, 10.0, looked_hours_ago=11 / 60), past(PATCH, 9.0, looked_hours_ago=10.5 / 60)
    later = past(PATCH, 8.0, looked_hours_ago=8.5 / 60)

    assert rests(PATCH, second, first) == (), "the second looked before the first was done: nobody undid anything"
    assert rests(PATCH, later, second, first)[0].rounds == 2
