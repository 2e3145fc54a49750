"""What two instances do at the same time is done by one of them: the other finds it done, and says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from localcloud.errors import ApiError
from tests.cloud.local import JOB, NETWORK, PROJECT, Local, local
from tests.cloud.scripted import Scripted, scripted
from wayout.cloud.clients import Clients
from wayout.cloud.errors import UnaskedError
from wayout.cloud.ledger import Ledger
from wayout.egress.model import (
    Action,
    Attach,
    Cause,
    Create,
    Direction,
    Egress,
    FirewallRule,
    HistoryOf,
    Interface,
    JobAt,
    Network,
    Outcome,
    Present,
    Result,
    Router,
    RouterName,
    RuleName,
    Site,
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
DRIFTED = replace(RULE, destinations=("0.0.0.0/0",))
PATCH = "compute.firewalls.patch"


@pytest.fixture
def world() -> Iterator[Local]:
    with local() as one:
        one.apply(Create(Network(NETWORK), "test"))
        yield one


def test_a_rule_that_others_have_put_right_meanwhile_is_not_written_again(world: Local) -> None:
    world.apply(Create(DRIFTED, "test"))

    (first,) = world.apply(Update(RULE, DRIFTED, "test"))
    (second,) = world.apply(Update(RULE, DRIFTED, "test"))

    assert (first.result, second.result) == (Result.UPDATED, Result.KEPT), "twice in the ledger would be a fight"
    assert len(world.calls(PATCH)) == 1


def test_the_ledger_remembers_when_it_was_looked_at_what_a_change_rests_on(world: Local) -> None:
    now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
    ledger = Ledger(world.clients.settings, world.clients, now=lambda: now)
    site = Site(NETWORK, "europe-west2", "internet")
    done = [Outcome(Update(RULE, DRIFTED, "test"), Result.UPDATED)]
    ledger.write(done, plan_id="p", run="p", cause=Cause("1"), site=site, looked=now - timedelta(minutes=30))
    ledger.write(done, plan_id="p", run="p", cause=Cause("2"), site=site)

    sighting = ledger.history(HistoryOf(site))

    assert isinstance(sighting, Present)
    assert sorted(one.looked_hours_ago for one in sighting.value) == [0.0, 0.5]


def test_a_patch_whose_answer_was_lost_still_counts_as_ours(world: Local) -> None:
    world.apply(Create(DRIFTED, "test"))
    world.fault(PATCH, ApiError(14, "The service is currently unavailable."), after=True)

    (outcome,) = world.apply(Update(RULE, DRIFTED, "test"))

    assert outcome.result == Result.UPDATED


def test_a_router_that_others_have_changed_meanwhile_is_not_written(world: Local) -> None:
    router = Router(RouterName(PROJECT, "europe-west2", "wayout-r"), NETWORK)
    world.apply(Create(router, "test"))
    seen = replace(router, nats=())
    gone = replace(router, name=replace(router.name, router="wayout-other"))

    assert world.apply(Update(gone, gone, "test"))[0].result == Result.KEPT
    assert world.apply(Update(seen, seen, "test"))[0].result == Result.UPDATED


def test_a_job_that_others_have_attached_meanwhile_takes_no_write_of_the_quota(world: Local) -> None:
    world.deploy()
    etag = world.see(JobAt(JOB)).etag
    way = Way(Egress.PRIVATE, interface=Interface(network=str(NETWORK)))

    (first,) = world.apply(Attach(JOB, etag, way, None, "test"))
    (second,) = world.apply(Attach(JOB, etag, way, None, "test"))

    assert (first.result, second.result) == (Result.UPDATED, Result.KEPT)
    assert len(world.calls("run.projects.locations.jobs.patch")) == 1


# --- before each try -------------------------------------------------------------------------------------------------


@pytest.fixture
def told() -> Iterator[Scripted]:
    with scripted() as one:
        yield one


def asked(told: Scripted, first: list[str]) -> dict[str, object]:
    clients = Clients(told.settings())
    try:
        permission, resource = "compute.firewalls.update", "projects/p/global/firewalls/f"
        return clients.fetch(permission, resource, "PATCH", told.url, json={}, first=lambda: first.append("looked"))
    finally:
        clients.close()


def test_it_is_looked_again_before_a_try_that_follows_a_plain_refusal(told: Scripted) -> None:
    busy = {"code": 400, "message": "The resource 'f' is not ready", "errors": [{"reason": "resourceNotReady"}]}
    told.rest += [(400, {"error": busy}), (200, {"name": "o"})]
    first: list[str] = []

    assert asked(told, first) == {"name": "o"}
    assert first == ["looked", "looked"]


def test_it_is_not_looked_again_once_a_try_may_have_had_its_effect(told: Scripted) -> None:
    told.rest += [(503, {"error": {"code": 503, "message": "unavailable"}}), (0, None), (200, {"name": "o"})]
    first: list[str] = []

    assert asked(told, first) == {"name": "o"}
    assert first == ["looked"]


def test_what_keeps_a_call_from_being_made_is_told_and_nothing_is_called(told: Scripted) -> None:
    clients = Clients(told.settings())

    def first() -> None:
        raise UnaskedError("others were quicker")

    with pytest.raises(UnaskedError):
        clients.fetch("compute.firewalls.update", "projects/p/global/firewalls/f", "PATCH", told.url, first=first)

    clients.close()
    assert told.heard == []
