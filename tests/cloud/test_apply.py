"""Doing: every change ends in an outcome, whatever Google says."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from localcloud.errors import ApiError
from tests.cloud.local import JOB, NETWORK, PROJECT, REGION, SUBNET, US, Local, local
from wayout.cloud import compute_write
from wayout.cloud.apply import apply, request_id
from wayout.egress import removal
from wayout.egress.model import (
    Action,
    Attach,
    Change,
    Connector,
    ConnectorName,
    Create,
    Direction,
    Egress,
    FirewallRule,
    JobAt,
    Network,
    Remove,
    Result,
    Router,
    RouterName,
    RuleName,
    RulesOf,
    State,
    Thing,
    Traffic,
    Update,
    Way,
)

RULE = FirewallRule(
    RuleName(PROJECT, "wayout-a"),
    NETWORK,
    Direction.EGRESS,
    Action.DENY,
    900,
    (Traffic("all"),),
    destinations=("10.0.0.0/8",),
)
UNAVAILABLE = ApiError(14, "The service is currently unavailable.", reason="backendError")


def rules(count: int) -> list[FirewallRule]:
    return [replace(RULE, name=RuleName(PROJECT, f"wayout-{number:02}")) for number in range(count)]


@pytest.fixture
def world() -> Iterator[Local]:
    with local() as one:
        assert one.apply(Create(Network(NETWORK), "test"))[0].result == Result.CREATED
        yield one


def test_independent_changes_are_made_side_by_side_and_answered_in_order(world: Local) -> None:
    wanted = rules(12)

    outcomes = world.apply(*(Create(rule, "test") for rule in wanted))

    assert [one.result for one in outcomes] == [Result.CREATED] * 12
    assert [one.change for one in outcomes] == [Create(rule, "test") for rule in wanted]
    assert world.see(RulesOf(NETWORK)) == tuple(wanted)


def test_what_exists_already_is_kept_for_another_look(world: Local) -> None:
    world.apply(Create(RULE, "test"))

    (outcome,) = world.apply(Create(replace(RULE, priority=901), "test"))

    assert outcome.result == Result.KEPT
    assert "already exists" in outcome.detail


def test_an_answer_that_was_lost_is_found_again_by_its_request_id(world: Local) -> None:
    world.fault("compute.firewalls.insert", UNAVAILABLE, after=True)

    (outcome,) = world.apply(Create(RULE, "test"))

    assert outcome.result == Result.CREATED
    calls = world.calls("compute.firewalls.insert")
    assert len({call.params["requestId"] for call in calls}) == 1
    assert len(calls) == 2


def test_request_ids_are_the_same_within_a_pass_and_new_in_the_next() -> None:
    create, remove = Create(RULE, "test"), Remove(RULE, "test")

    assert request_id("a", create) == request_id("a", Create(RULE, "another reason"))
    assert len({request_id("a", create), request_id("b", create), request_id("a", remove)}) == 3


def test_a_missing_permission_is_refused_and_says_who_can_help(world: Local) -> None:
    world.cloud.denied.append((US, "compute.firewalls.create"))

    (outcome,) = world.apply(Create(RULE, "test"))

    assert outcome.result == Result.REFUSED
    assert outcome.help == f"grant compute.firewalls.create on {RULE.name} to {US}"
    assert not outcome.retry


def test_a_change_that_has_begun_and_may_not_be_watched_is_put_off_and_not_refused(world: Local) -> None:
    world.cloud.denied.append((US, "compute.globalOperations.get"))

    (outcome,) = world.apply(Create(RULE, "test"))

    assert (outcome.result, outcome.retry) == (Result.PUT_OFF, False)
    assert outcome.detail.startswith("it has begun, and how it goes may not be asked: Required ")
    assert outcome.help.startswith(f"grant compute.globalOperations.get on projects/{PROJECT}/")
    assert world.server.settle()
    assert world.see(RulesOf(NETWORK)) == (RULE,)


def test_a_job_whose_update_may_not_be_watched_is_put_off(world: Local) -> None:
    world.deploy()
    world.cloud.denied.append((US, "run.operations.get"))

    (outcome,) = world.apply(Attach(JOB, world.see(JobAt(JOB)).etag, None, None, "test"))

    assert outcome.result == Result.PUT_OFF
    assert outcome.help.startswith("grant run.operations.get on ")


def test_a_range_lost_to_somebody_else_is_looked_for_again(world: Local) -> None:
    subnet = replace(SUBNET, name=replace(SUBNET.name, subnet="twin"))

    outcomes = world.apply(Create(SUBNET, "test"), Create(subnet, "test"))

    assert sorted(one.result for one in outcomes) == [Result.CREATED, Result.KEPT]
    assert "conflicts with existing subnetwork" in next(one.detail for one in outcomes if one.result == Result.KEPT)


def test_one_changes_failure_does_not_stop_the_others(world: Local) -> None:
    bad = replace(RULE, name=RuleName(PROJECT, "Not A Name"))

    outcomes = world.apply(Create(bad, "test"), Create(RULE, "test"))

    assert [one.result for one in outcomes] == [Result.REFUSED, Result.CREATED]


def test_a_mistake_in_one_change_leaves_the_others_their_outcomes(
    world: Local, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def mistake(turn: object, rule: FirewallRule, was: FirewallRule) -> None:
        raise ValueError(f"{rule.name.rule} makes no sense")

    monkeypatch.setattr(compute_write, "update_rule", mistake)

    outcomes = world.apply(Update(RULE, RULE, "test"), Create(rules(1)[0], "test"))

    assert [(one.result, one.retry) for one in outcomes] == [(Result.PUT_OFF, True), (Result.CREATED, False)]
    assert outcomes[0].detail == "unexpected failure: ValueError: wayout-a makes no sense"
    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines() if "stack_trace" in text]
    assert (line["severity"], line["subject"]) == ("ERROR", str(RULE.name))
    assert "in mistake" in line["stack_trace"]


def test_a_server_that_stays_down_is_put_off_for_a_retry(world: Local) -> None:
    world.fault("compute.firewalls.insert", UNAVAILABLE, times=99)

    (outcome,) = world.apply(Create(RULE, "test"))

    assert (outcome.result, outcome.retry) == (Result.PUT_OFF, True)
    assert len(world.calls("compute.firewalls.insert")) == 4


def test_nothing_is_begun_when_no_time_is_left(world: Local) -> None:
    (outcome,) = world.apply(Create(RULE, "test"), seconds=-1)

    assert (outcome.result, outcome.retry) == (Result.PUT_OFF, True)
    assert not world.calls("compute.firewalls.insert")


def test_an_operation_that_outlasts_our_time_goes_on_without_us(world: Local) -> None:
    world.cloud.clock.virtual = False
    started = time.monotonic()

    (outcome,) = world.apply(Create(RULE, "test"), seconds=1.0)

    assert (outcome.result, outcome.detail, outcome.retry) == (Result.PUT_OFF, "its operation goes on", False)
    assert time.monotonic() - started < 4


def test_progress_is_told_as_it_happens(world: Local) -> None:
    told: list[tuple[Change, str]] = []
    change = Create(RULE, "test")

    apply([change], world.clients, deadline=time.monotonic() + 30, seed="s", progress=lambda *one: told.append(one))

    [(first, begun), (second, ended)] = told
    assert first == second == change
    assert begun.startswith("operation ")
    assert ended == "done"


REMOVED: list[tuple[str, Thing, str]] = [
    ("compute.subnetworks.delete", SUBNET, "a subnet"),
    ("compute.routers.delete", Router(RouterName(PROJECT, REGION, "wayout-1a2b3c4d"), NETWORK), "a router"),
]


@pytest.mark.parametrize(("permission", "thing", "reason"), REMOVED, ids=[row[2] for row in REMOVED])
def test_what_we_may_not_remove_is_refused_with_the_permission_to_grant(
    world: Local, permission: str, thing: Thing, reason: str
) -> None:
    assert world.apply(Create(thing, "test"))[0].result == Result.CREATED
    world.cloud.denied.append((US, permission))

    (outcome,) = world.apply(Remove(thing, "test"))

    assert (outcome.result, outcome.help) == (Result.REFUSED, f"grant {permission} on {thing.name} to {US}"), reason
    assert permission in removal.PERMISSIONS


def test_a_job_is_detached_and_keeps_all_else(world: Local) -> None:
    world.apply(Create(SUBNET, "test"))
    connector = Connector(ConnectorName(PROJECT, REGION, "wayout-0a1b2c3d"), NETWORK, State.READY, SUBNET.name)
    assert world.apply(Create(connector, "test"))[0].result == Result.CREATED
    world.deploy()
    before = world.see(JobAt(JOB))
    way = Way(Egress.ALL, connector.name)
    world.apply(Attach(JOB, before.etag, way, None, "test"))
    attached = world.see(JobAt(JOB))
    assert attached.way == way

    (outcome,) = world.apply(Attach(JOB, attached.etag, None, way, "test"))
    (stale,) = world.apply(Attach(JOB, attached.etag, None, way, "test"))

    after = world.see(JobAt(JOB))
    assert (outcome.result, stale.result) == (Result.UPDATED, Result.KEPT)
    assert after.way is None
    assert (after.words, after.labels, after.service_account) == (before.words, before.labels, before.service_account)


@pytest.mark.parametrize(
    "change", [Update(Network(NETWORK), Network(NETWORK), "test"), Remove(Network(NETWORK), "test")]
)
def test_a_network_is_never_changed_or_removed(world: Local, change: Change) -> None:
    (outcome,) = world.apply(change)

    assert outcome.result == Result.REFUSED
