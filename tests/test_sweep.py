"""Sweeps of many projects, some of them sick, within the time of a delivery."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.egress.world import World
from tests.egress.worlds import INTERNET, NETWORK, REGION, SITE, job, job_name, policy
from wayout import reconcile, sweep, wiring
from wayout.cloud.errors import TryAgainError
from wayout.cloud.settings import Settings
from wayout.egress import naming, report
from wayout.egress.model import (
    Cause,
    Change,
    Connector,
    ConnectorsIn,
    Create,
    EverythingTarget,
    JobName,
    JobsIn,
    Network,
    NetworkAt,
    NetworkName,
    Outcome,
    Read,
    Sighting,
    Site,
    ThingTarget,
    Unreadable,
)
from wayout.reconcile import Ending
from wayout.sweep import Round

TICK = Cause("tick-1", "Cloud Scheduler", "sweep")
DOWN = TryAgainError("The service is currently unavailable.")
OTHER = NetworkName(NETWORK.project, "other")
PROFILE = {"egress": "all-traffic", "destinations": [{"to": "internet", "ports": ["tcp:443"]}]}


@dataclass
class Clocked(World):
    """A world in which looking takes time. `sick`: what cannot be looked at, with what is raised instead."""

    now: float = 0.0
    end: float = 480.0
    costs: dict[type, float] = field(default_factory=dict)  # seconds, of looks and of making things
    sick: dict[Read[Any], Exception] = field(default_factory=dict)

    def look(self, reads: Iterable[Read[Any]]) -> Mapping[Read[Any], Sighting[Any]]:
        wanted = list(reads)
        self.now += max((self.costs.get(type(read), 0.0) for read in wanted), default=0.0)
        for read in wanted:
            if read in self.sick:
                raise self.sick[read]
        return super().look(wanted)

    def apply(self, changes: Sequence[Change], *, deadline: float, seed: str) -> Sequence[Outcome]:
        made = (self.costs.get(type(one.thing), 0.0) for one in changes if isinstance(one, Create))
        self.now += max(made, default=0.0)
        return super().apply(changes, deadline=deadline, seed=seed)

    def deadline(self) -> float:
        return self.end

    def left(self, deadline: float) -> float:
        return deadline - self.now

    def tries(self, round_: Round) -> list[Ending]:
        """One delivery, with all its time."""
        self.end = self.now + 480.0
        self.looks.clear()
        return list(sweep.everything(TICK, self, round_=round_))

    def visited(self) -> list[str]:
        """The projects whose jobs were listed since the delivery came, each once."""
        return list(dict.fromkeys(read.project for read in self.looks if isinstance(read, JobsIn)))


def projects(count: int) -> list[str]:
    return [f"project-{number:02}" for number in range(count)]


def world(names: Sequence[str], *, jobs: bool = True, **more: Any) -> Clocked:
    """Projects alike: a network each, and a job that needs a way out."""
    found = Clocked(policy(projects=list(names)), **more)
    for name in names:
        network = NetworkName(name, "default")
        found.add(Network(network), replace(INTERNET, network=network))
        if jobs:
            found.add(replace(job(), name=JobName(name, REGION, "nightly")))
    return found


def again(endings: Iterable[Ending]) -> list[str]:
    return [ending.again for ending in endings if ending.again]


# --- what is sick ----------------------------------------------------------------------------------------------------

ILL: list[tuple[str, Read[Any], Exception, str]] = [
    ("its jobs", JobsIn("project-00", REGION), DOWN, "project-00 in europe-west2: The service"),
    ("its connectors", ConnectorsIn("project-00", REGION), DOWN, "project-00 in europe-west2: The service"),
    (
        "a site of it",
        NetworkAt(NetworkName("project-00", "default")),
        DOWN,
        "project-00/default/europe-west2/web: The service",
    ),
    ("a mistake of ours, place", JobsIn("project-00", REGION), KeyError("x"), "unexpected failure: KeyError: 'x'"),
    (
        "a mistake of ours, site",
        NetworkAt(NetworkName("project-00", "default")),
        KeyError("x"),
        "unexpected failure: KeyError: 'x'",
    ),
]


@pytest.mark.parametrize(("reason", "read", "error", "said"), ILL, ids=[row[0] for row in ILL])
def test_what_cannot_be_looked_at_in_one_project_keeps_no_other_from_its_way_out(
    reason: str, read: Read[Any], error: Exception, said: str
) -> None:
    clocked = world(projects(3), sick={read: error})

    endings = list(sweep.everything(TICK, clocked))

    assert [ending.said.status for ending in endings] == ["blocked", "whole", "whole"], reason
    assert {name.project for name in clocked.connectors} == {"project-01", "project-02"}
    (why,) = again(endings)
    assert said in why


def test_a_mistake_of_ours_is_told_to_the_log_with_where_it_happened(capsys: pytest.CaptureFixture[str]) -> None:
    list(sweep.everything(TICK, world(projects(2), sick={JobsIn("project-00", REGION): KeyError("x")})))

    (line,) = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert (line["severity"], line["what"], line["id"]) == ("ERROR", "project-00 in europe-west2", "tick-1")
    assert "KeyError" in line["stack_trace"]


def two_networks(**more: Any) -> Clocked:
    """Two sites of one project, each in a network of its own."""
    profiles = {"web": PROFILE, "other": PROFILE | {"network": "other"}}
    rules = [{"match": {"job": "second"}, "profile": "other"}, {"match": {}, "profile": "web"}]
    found = Clocked(policy(profiles=profiles, rules=rules)).add(job(), job("second"))
    for network in (NETWORK, OTHER):
        found.add(Network(network), replace(INTERNET, network=network))
    assert isinstance(found, Clocked)
    list(sweep.everything(TICK, found))
    return replace(found, **more)


def test_a_site_that_cannot_be_looked_at_keeps_none_from_being_left() -> None:
    clocked = two_networks(sick={NetworkAt(NETWORK): DOWN})

    endings = list(reconcile.left(job_name("gone"), TICK, clocked))

    assert [(ending.said.status, bool(ending.again)) for ending in endings] == [("blocked", True), ("whole", False)]


def test_a_site_that_cannot_be_looked_at_keeps_no_other_from_being_healed() -> None:
    clocked = two_networks(sick={NetworkAt(NETWORK): DOWN})
    router = naming.router_of(NETWORK, REGION)

    endings = reconcile.thing(ThingTarget(router), TICK, clocked)

    statuses = [(ending.said.status, bool(ending.again)) for ending in endings]
    assert statuses == [("blocked", True), ("whole", False)], "a router's name does not tell which site it is of"


def test_what_a_run_that_failed_may_have_changed_is_not_known() -> None:
    clocked = world(["project-00"])
    site = Site(NetworkName("project-00", "default"), REGION, "web")
    known: reconcile.Known = dict(clocked.look({JobsIn("project-00", REGION), ConnectorsIn("project-00", REGION)}))
    clocked.faults.append(_mistake)

    (ending,) = reconcile.one_of_several(site, TICK, clocked, known=known)

    assert "ValueError" in ending.again
    assert known == {}


def _mistake(change: Change) -> Outcome | None:
    if isinstance(change, Create) and isinstance(change.thing, Connector):
        raise ValueError("ours")
    return None


# --- what takes time -------------------------------------------------------------------------------------------------


def test_a_sweep_ends_when_its_time_is_up_and_goes_on_when_it_comes_again() -> None:
    names = projects(60)
    clocked, round_, seen = world(names, jobs=False, costs={JobsIn: 25.0}), Round(), Counter[str]()

    for number in range(4):
        endings = clocked.tries(round_)
        seen.update(clocked.visited())
        if number == 0:
            (why,) = again(endings)
            assert clocked.now <= 480.0 + 25.0
            assert why.startswith("sweep: the time of this delivery is up; not looked at: project-20 in europe-west2, ")
            assert why.endswith(" and 35 more")

    assert again(endings) == []
    assert seen == Counter(names)


def test_no_site_is_begun_when_no_time_is_left() -> None:
    clocked, other = two_networks(costs={JobsIn: 500.0}), replace(SITE, network=OTHER, profile="other")

    (ending,) = clocked.tries(Round())

    assert ending.again == f"sweep: the time of this delivery is up; not looked at: {SITE}, {other}"


def test_connectors_that_take_all_the_time_leave_every_project_its_turn() -> None:
    clocked, round_ = world(projects(5), costs={Connector: 300.0}), Round()

    for _ in range(3):
        clocked.tries(round_)

    assert {name.project for name in clocked.connectors} == set(projects(5))


def test_what_is_sick_waits_for_all_others_and_costs_them_no_time() -> None:
    slow = {JobsIn: 200.0}
    clocked, round_ = world(projects(5), jobs=False, costs=slow, sick={JobsIn("project-00", REGION): DOWN}), Round()
    clocked.tries(round_)

    assert (clocked.tries(round_), clocked.visited())[1] == ["project-03", "project-04"]
    assert again(clocked.tries(round_)) == ["project-00 in europe-west2: The service is currently unavailable."]
    clocked.sick.clear()
    assert (again(clocked.tries(round_)), clocked.visited()) == ([], ["project-00"])


STARTS = [(0.0, "abcd"), (0.2, "abcd"), (0.25, "bcda"), (0.74, "cdab"), (0.999, "dabc")]


@pytest.mark.parametrize(("start", "order"), STARTS)
def test_a_round_begins_anywhere_and_leaves_nothing_out(start: float, order: str) -> None:
    assert "".join(place for place, _ in Round(start).order([(name, REGION) for name in "abcd"])) == order


# --- from delivery to delivery ---------------------------------------------------------------------------------------


@pytest.fixture
def wired(tmp_path: Path) -> wiring.Wired:
    return wiring.Wired(Settings(project="home", policy=str(tmp_path / "policy.yaml")))


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[Round | None]:
    """The rounds that sweeps were given; each sweep but a message's third fails."""
    found: list[Round | None] = []

    def everything(cause: Cause, parts: object, *, apply: bool, round_: Round | None) -> Iterator[Ending]:
        found.append(round_)
        if len(found) < 3:
            yield reconcile.again("sweep", cause, "no time")

    monkeypatch.setattr(sweep, "everything", everything)
    return found


def test_a_sweep_that_comes_again_goes_on_and_one_that_is_done_with_is_forgotten(
    wired: wiring.Wired, rounds: list[Round | None]
) -> None:
    for _ in range(2):
        with pytest.raises(TryAgainError, match="no time"):
            wired.reconcile(EverythingTarget(), TICK)
    for _ in range(2):
        wired.reconcile(EverythingTarget(), TICK)

    first, second, third, fourth = rounds
    assert first is second is third is not fourth
    assert isinstance(fourth, Round)


def test_each_outcome_of_a_sweep_has_an_id_of_its_own_whichever_try_tells_it(
    wired: wiring.Wired, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    tries = iter([["a", "b"], ["c", "d"], ["a"]])

    def everything(cause: Cause, parts: object, *, apply: bool, round_: Round | None) -> Iterator[Ending]:
        for name in next(tries):
            yield Ending(report.unreadable(name, Unreadable("denied", ""), cause))

    monkeypatch.setattr(sweep, "everything", everything)
    monkeypatch.setattr(wired, "tell", lambda *said: told.append(said[-1]))
    for _ in range(3):
        wired.reconcile(EverythingTarget(), TICK)

    assert len(set(told)) == 4
    assert told[0] == told[4], "the same outcome, told again, is the same event"
    assert all(id_.startswith("tick-1-") for id_ in told)


def test_rounds_are_not_kept_for_ever(wired: wiring.Wired, rounds: list[Round | None]) -> None:
    for number in range(100):
        rounds.clear()
        with pytest.raises(TryAgainError):
            wired.reconcile(EverythingTarget(), replace(TICK, id=str(number)))
    assert len(wired._rounds) == 20


def test_a_command_sweeps_everything_in_the_policys_order_whatever_time_it_takes(
    wired: wiring.Wired, rounds: list[Round | None]
) -> None:
    list(wired.endings(EverythingTarget(), TICK))

    assert rounds == [None]
    assert wired.left(wired.deadline()) > 479, "its time begins anew at each look"


def test_sweeps_begin_elsewhere_for_each_message_and_at_each_time() -> None:
    at = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    starts = {wiring._start(replace(TICK, id=id_), moment) for id_ in "ab" for moment in (at, at.replace(minute=12))}

    assert len(starts) == 4
    assert all(0 <= start < 1 for start in starts)
    assert wiring._start(TICK, at) == wiring._start(TICK, at)
