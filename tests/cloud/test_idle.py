"""For how long a site has been idle, as marks in the ledger tell it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cloud.local import DEPLOYER, NETWORK, REGION, US, Local, local
from tests.cloud.local import settings as told
from wayout.cloud.errors import RefusedError
from wayout.cloud.ledger import Ledger
from wayout.egress.marks import mark as mark_of
from wayout.egress.model import (
    Absent,
    Cause,
    HistoryOf,
    IdleSince,
    Network,
    Outcome,
    Past,
    Present,
    Remove,
    Result,
    Site,
    SitesTouched,
    Unreadable,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SITE, OTHER = (Site(NETWORK, REGION, profile) for profile in ("internet-https", "internal"))
CAUSE = Cause("sweep-1", DEPLOYER, "sweep", "2026-11-20T12:00:00Z")


@pytest.fixture(scope="module")
def shared() -> Iterator[Local]:
    with local() as one:
        yield one


@pytest.fixture
def world(shared: Local) -> Iterator[Local]:
    shared.cloud.table("logging.entries").clear()
    yield shared
    shared.cloud.denied.clear()


def ledger(world: Local, days_ago: float = 0.0) -> Ledger:
    return Ledger(told(world.server, US), world.clients, now=lambda: NOW - timedelta(days=days_ago))


def mark(world: Local, *marks: tuple[float, bool], site: Site = SITE) -> None:
    """Each: how many days ago, and whether it was idle then."""
    for days, idle in marks:
        ledger(world, days).idle(site, idle, CAUSE)


TOLD: list[tuple[str, list[tuple[float, bool]], float | None]] = [
    ("nobody ever said so", [], None),
    ("said once", [(3.0, True)], 3.0),
    ("said often: the first time counts", [(3.0, True), (2.0, True), (0.5, True)], 3.0),
    ("busy since", [(3.0, True), (1.0, False)], None),
    ("busy in between: counted anew", [(5.0, True), (4.0, False), (2.5, True), (1.0, True)], 2.5),
    ("busy at the same instant is busy", [(2.0, False), (2.0, True)], None),
    ("busy only", [(2.0, False)], None),
    ("longer ago than anybody remembers", [(31.0, True)], None),
    ("as far as one remembers", [(31.0, True), (29.0, True)], 29.0),
    ("busy so long ago that it is forgotten", [(40.0, False), (29.0, True)], 29.0),
]


@pytest.mark.parametrize(("reason", "marks", "days"), TOLD, ids=[row[0] for row in TOLD])
def test_idle_days_count_from_the_first_idle_mark_after_the_last_busy_one(
    world: Local, reason: str, marks: list[tuple[float, bool]], days: float | None
) -> None:
    mark(world, *marks)

    assert ledger(world).history(IdleSince(SITE)) == (Absent() if days is None else Present(days)), reason


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 29), st.booleans()), max_size=8, unique_by=lambda one: one[0]))
def test_whatever_the_order_in_which_marks_arrive_the_last_busy_one_decides(marks: list[tuple[int, bool]]) -> None:
    world = _SHARED[0]
    world.cloud.table("logging.entries").clear()
    mark(world, *marks)
    last_busy = min((days for days, idle in marks if not idle), default=30)
    since = [days for days, idle in marks if idle and days < last_busy]

    assert ledger(world).history(IdleSince(SITE)) == (Present(float(max(since))) if since else Absent())


_SHARED: list[Local] = []


@pytest.fixture(scope="module", autouse=True)
def _kept(shared: Local) -> Iterator[None]:
    """Hypothesis gives its examples no fixtures of their own."""
    _SHARED.append(shared)
    yield
    _SHARED.clear()


def test_every_site_has_marks_of_its_own(world: Local) -> None:
    mark(world, (2.0, True))
    mark(world, (1.0, False), site=OTHER)

    assert ledger(world).history(IdleSince(SITE)) == Present(2.0)
    assert ledger(world).history(IdleSince(OTHER)) == Absent()


def test_many_marks_are_counted_by_reading_two(world: Local) -> None:
    mark(world, (25.0, False), *((24.0 - hour / 24, True) for hour in range(300)))
    world.cloud.records.clear()

    assert ledger(world).history(IdleSince(SITE)) == Present(24.0)
    assert len(world.calls("logging.entries.list")) == 2


def test_marks_are_no_history(world: Local) -> None:
    gone = Outcome(Remove(Network(NETWORK), "idle"), Result.REMOVED)
    ledger(world, 0.5).write([gone], plan_id="p", run="p", cause=CAUSE, site=SITE)
    mark(world, (0.4, True), (0.3, False))

    seen = ledger(world).history(HistoryOf(SITE))

    assert seen == Present((Past("remove", str(NETWORK), "removed", "", 12.0, DEPLOYER, mark_of(gone.change)),))


def test_a_change_is_no_mark(world: Local) -> None:
    gone = Outcome(Remove(Network(NETWORK), "idle"), Result.REMOVED)
    ledger(world, 0.5).write([gone], plan_id="p", run="p", cause=CAUSE, site=SITE)

    assert ledger(world).history(IdleSince(SITE)) == Absent()


def test_marks_that_may_not_be_read_are_unreadable_with_what_to_grant(world: Local) -> None:
    world.cloud.denied.append((US, "logging.logEntries.list"))

    seen = ledger(world).history(IdleSince(SITE))

    assert isinstance(seen, Unreadable)
    assert "logging.logEntries.list" in seen.grant


def test_marks_that_may_not_be_written_are_said_aloud(world: Local, capsys: pytest.CaptureFixture[str]) -> None:
    world.cloud.denied.append((US, "logging.logEntries.create"))

    with pytest.raises(RefusedError):
        mark(world, (0.0, True))

    assert "the ledger could not be written" in capsys.readouterr().out


def test_the_sites_of_the_last_hour_are_those_in_which_something_was_done(world: Local) -> None:
    """Marks, refusals and what is longer ago do not count."""
    gone = Remove(Network(NETWORK), "idle")
    third = Site(NETWORK, REGION, "third")
    ledger(world, 0.5 / 24).write([Outcome(gone, Result.REMOVED)], plan_id="p", run="p", cause=CAUSE, site=SITE)
    ledger(world, 2 / 24).write([Outcome(gone, Result.REMOVED)], plan_id="p", run="p", cause=CAUSE, site=OTHER)
    ledger(world, 0.5 / 24).write([Outcome(gone, Result.REFUSED)], plan_id="p", run="p", cause=CAUSE, site=third)
    mark(world, (0.1 / 24, True), site=third)

    assert ledger(world).history(SitesTouched()) == Present((str(SITE),))
