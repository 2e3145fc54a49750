"""The story of one event: look, plan, apply, again until whole; then tell. The only place that knows the order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Protocol

from wayout.egress import naming, need, planner, report
from wayout.egress.messages import OutcomeSaid
from wayout.egress.model import (
    BlindError,
    Blocked,
    Cause,
    Change,
    Connector,
    ConnectorName,
    Create,
    HistoryOf,
    Job,
    JobAt,
    JobName,
    JobsIn,
    JobTarget,
    NotLookedError,
    Outcome,
    Past,
    Plan,
    Present,
    Read,
    Result,
    Seen,
    Sighting,
    Site,
    State,
    ThingTarget,
    Unreadable,
    subject,
)
from wayout.egress.need import Intent, Stance
from wayout.egress.policy import Mode, Policy
from wayout.egress.remedies import Want

PASSES = 30  # far more than any site takes; a plan that never gets empty is a bug, and ends here
STANDSTILLS = 3  # passes in a row in which others were quicker, before the delivery is put off


class Parts(Protocol):
    """What a reconcile needs of the world.

    `deadline` is a moment of the monotonic clock and `left` the seconds until then; `watch` is told of every stage,
    for whoever shows progress. `turn` says who works on a site in this process, and lets one wait for the others.
    `look` and `apply` never raise for what one read or change runs into, except that a
    look that may succeed later raises, so that the delivery comes again.
    """

    def policy(self) -> Policy: ...
    def today(self) -> date: ...
    def look(self, reads: Iterable[Read[Any]]) -> Mapping[Read[Any], Sighting[Any]]: ...
    def apply(self, changes: Sequence[Change], *, deadline: float, seed: str) -> Sequence[Outcome]: ...
    def remember(self, outcomes: Sequence[Outcome], *, plan: str, cause: Cause, site: Site) -> None: ...
    def deadline(self) -> float: ...
    def left(self, deadline: float) -> float: ...
    def pause(self) -> None: ...
    def turn(self, site: Site, *, after_others: bool) -> AbstractContextManager[bool]: ...
    def watch(self, stage: str, *what: Any) -> None: ...


@dataclass(frozen=True)
class Ending:
    """What a reconcile came to. `again`: why its delivery should come again; empty if it is done with."""

    said: OutcomeSaid
    again: str = ""


@dataclass
class _Run:
    """One site's reconcile under way: what is wanted, what has been done about it, and what was refused."""

    site: Site
    cause: Cause
    policy: Policy
    jobs: Callable[[Seen], tuple[Intent, ...]]
    job_reads: frozenset[Read[Any]]
    mode: Mode  # while no job speaks
    outcomes: list[Outcome] = field(default_factory=list)
    intents: tuple[Intent, ...] = ()
    seen: Seen = field(default_factory=Seen)
    want: Want | None = None
    plan: Plan = field(default_factory=Plan)
    first_plan: str = ""
    applying: bool = True
    again: str = ""
    looked: dict[Read[Any], Sighting[Any]] = field(default_factory=dict)  # before the first pass, which uses it up


def job(target: JobTarget, cause: Cause, parts: Parts, *, apply: bool = True) -> Ending:
    """Give one job its way out, if the policy wants one for it. With `apply` off, only the plan is told."""
    policy, today = parts.policy(), parts.today()
    if target.refused:
        return _refused_deploy(target, cause, parts, policy, today)
    read = JobAt(target.job)
    looked = dict(parts.look({read}))
    sighting = looked[read]
    if isinstance(sighting, Unreadable):
        return Ending(report.unreadable(str(target.job), sighting, cause))
    if not isinstance(sighting, Present):
        return Ending(report.unneeded(Intent(target.job, Stance.ABSENT, "there is no such job"), cause))
    intent = need.judge(policy, sighting.value, today=today, asked=target)
    parts.watch("intent", intent)
    if intent.site is None:
        return Ending(report.unneeded(intent, cause))

    def wanted(seen: Seen) -> tuple[Intent, ...]:
        found = seen.maybe(read)
        now = need.judge(policy, found, today=today, asked=target) if found else None
        return (now,) if now and now.site == intent.site else ()

    run = _Run(intent.site, cause, policy, wanted, frozenset({read}), intent.mode, applying=apply, looked=looked)
    return _site(run, parts)


def thing(target: ThingTarget, cause: Cause, parts: Parts) -> tuple[Ending, ...]:
    """Heal the sites that something of ours belongs to."""
    policy = parts.policy()
    place = naming.place_of(target.name)
    if place is None or not policy.covers(target.name.project):
        return ()
    sites = [
        site
        for site in policy.sites(target.name.project, place.region)
        if place.site_id in ("", naming.site_id(site)) and site.network.project == target.name.project
    ]
    ended = isinstance(target.name, ConnectorName)
    return tuple(ending for site in sites if (ending := whole_site(site, cause, parts, ended=ended)))


def whole_site(site: Site, cause: Cause, parts: Parts, *, apply: bool = True, ended: bool = False) -> Ending | None:
    """Bring a site to what all its jobs need; None if nobody needs it and nothing of it is there.

    `ended`: an entry says that its connector's operation has come to its end.
    """
    policy = parts.policy()
    run = _Run(site, cause, policy, *_everybody(site, parts), policy.mode, applying=apply)
    run.looked = dict(parts.look({*run.job_reads, _bare(run).connectors}))
    try:
        ours = _bare(run).own_connector(Seen(run.looked))
        needed = bool(run.jobs(Seen(run.looked))) or ours is not None
    except BlindError as blind:
        return Ending(report.unreadable(str(site), blind.sighting, cause))
    # While it is being made, its finished entry is still to come, and so is everything that an entry now could tell.
    under_way = ours is not None and ours.state in (State.CREATING, State.DELETING)
    if under_way and ended:
        return _lagging(site, cause)
    if not needed or under_way:
        return None
    with parts.turn(site, after_others=True) as waited:
        if waited:
            run.looked = {}
        return _passes(run, parts)


def _lagging(site: Site, cause: Cause) -> Ending:
    """Reads may lag an operation by seconds, and no other entry is to come: this delivery has to come again."""
    why = "its connector's operation has ended, and reads do not show that yet"
    return Ending(report.unreadable(str(site), Unreadable(why, ""), cause), again=f"{site}: {why}")


def _everybody(site: Site, parts: Parts) -> tuple[Callable[[Seen], tuple[Intent, ...]], frozenset[Read[Any]]]:
    """How to find every job that needs a site, anew at each look."""
    policy, today = parts.policy(), parts.today()
    read = JobsIn(site.network.project, site.region)

    def wanted(seen: Seen) -> tuple[Intent, ...]:
        intents = (need.judge(policy, found, today=today) for found in seen.get(read))
        return tuple(intent for intent in intents if intent.site == site)

    return wanted, frozenset({read})


def _and_everybody(run: _Run, parts: Parts) -> tuple[Callable[[Seen], tuple[Intent, ...]], frozenset[Read[Any]]]:
    """The jobs of a run, which a request may have named, and every other one; those alone if no list can be had."""
    named, (everybody, reads) = run.jobs, _everybody(run.site, parts)

    def wanted(seen: Seen) -> tuple[Intent, ...]:
        first = named(seen)
        try:
            others = everybody(seen)
        except BlindError:
            return first
        known = {intent.job for intent in first}
        return (*first, *(intent for intent in others if intent.job not in known))

    return wanted, run.job_reads | reads


def _refused_deploy(target: JobTarget, cause: Cause, parts: Parts, policy: Policy, today: date) -> Ending:
    """A deploy that the organisation policy refused: prepare its site, and say which flags to use."""
    intent = need.judge(policy, Job(target.job), today=today, asked=target)
    if intent.site is None:
        return Ending(report.unneeded(intent, cause))
    ending = _site(_Run(intent.site, cause, policy, lambda _: (), frozenset(), intent.mode), parts)
    return replace(ending, said=report.with_flags(ending.said, intent, naming.connector_of(intent.site).connector))


# --- the passes -------------------------------------------------------------------------------------------------


def _site(run: _Run, parts: Parts) -> Ending:
    with parts.turn(run.site, after_others=False):
        return _passes(run, parts)


def _passes(run: _Run, parts: Parts) -> Ending:
    deadline, refused, standstills = parts.deadline(), set[tuple[str, str]](), 0
    for number in range(PASSES):
        _look_and_plan(run, parts)
        parts.watch("plan", number, run.plan, run.seen)
        todo = [change for change in run.plan.changes if _key(change) not in refused]
        if not todo or not _may_apply(run):
            return _tell(run, parts)
        if standstills >= STANDSTILLS or parts.left(deadline) <= 0:
            run.again = "others are changing the same things" if standstills else "the time of this delivery is up"
            return _tell(run, parts)
        done = parts.apply(todo, deadline=deadline, seed=f"{run.cause.id}/{number}")
        _take_in(run, done, parts)
        refused |= {_key(outcome.change) for outcome in done if outcome.result == Result.REFUSED}
        if any(outcome.result == Result.PUT_OFF for outcome in done) and not _progress(done):
            return _tell(run, parts)
        standstills = 0 if _progress(done) else standstills + 1
        if standstills:
            parts.pause()
    raise RuntimeError(f"the plan for {run.site} does not come to an end: {run.plan.changes}")


def _take_in(run: _Run, done: Sequence[Outcome], parts: Parts) -> None:
    ours = [outcome for outcome in done if outcome.result != Result.KEPT]
    parts.remember(ours, plan=planner.plan_id(run.plan, run.seen), cause=run.cause, site=run.site)
    run.outcomes += done
    run.again = next((f"{subject(item.change)}: {item.detail}" for item in done if item.retry), "")
    if any(_connector_made(outcome) for outcome in done):
        # Whoever came while it was made has been put off: their jobs are ours to attach now.
        run.jobs, run.job_reads = _and_everybody(run, parts)


def _look_and_plan(run: _Run, parts: Parts) -> None:
    sightings, run.looked = run.looked, {}
    reads = (planner.reads(_bare(run)) | run.job_reads) - sightings.keys()
    while True:
        sightings |= parts.look(reads)
        run.seen = Seen(_with_own_history(run, sightings))
        try:
            run.want = _want(run, run.seen)
            run.plan = planner.plan(run.want, run.seen)
        except NotLookedError as missing:
            reads = frozenset({missing.read})
        except BlindError as blind:
            run.plan = Plan(blocked=(Blocked("jobs", blind.sighting.why, blind.sighting.grant),))
            break
        else:
            break
    run.first_plan = run.first_plan or planner.plan_id(run.plan, run.seen)


def _bare(run: _Run) -> Want:
    """What is wanted of the site itself, whoever its jobs are."""
    policy = run.policy
    profile = policy.profiles[run.site.profile]
    return Want(run.site, profile, (), policy.create_network, policy.profiles_per_network)


def _want(run: _Run, seen: Seen) -> Want:
    run.intents = run.jobs(seen)
    mode = _mode(run)
    chosen = {intent.job for intent in run.intents if intent.mode == mode}
    jobs = tuple(found for found in _jobs(seen) if found.name in chosen)
    return replace(_bare(run), jobs=jobs)


def _jobs(seen: Seen) -> tuple[Job, ...]:
    found: dict[JobName, Job] = {}
    for read, sighting in seen.sightings.items():
        if isinstance(sighting, Present) and isinstance(read, JobAt):
            found[sighting.value.name] = sighting.value
        elif isinstance(sighting, Present) and isinstance(read, JobsIn):
            found |= {job.name: job for job in sighting.value}
    return tuple(found[name] for name in sorted(found))


def _mode(run: _Run) -> Mode:
    if not run.intents:
        return run.mode
    return "enforce" if any(intent.mode == "enforce" for intent in run.intents) else "observe"


def _may_apply(run: _Run) -> bool:
    return run.applying and not run.policy.paused and _mode(run) == "enforce"


def _with_own_history(run: _Run, sightings: Mapping[Read[Any], Sighting[Any]]) -> Mapping[Read[Any], Sighting[Any]]:
    """The ledger may lag behind what this very run has done."""
    read = HistoryOf(run.site)
    remembered = sightings.get(read)
    if not isinstance(remembered, Present):
        return sightings
    own = tuple(_past(outcome) for outcome in reversed(run.outcomes))
    return {**sightings, read: Present((*own, *remembered.value))}


def _past(outcome: Outcome) -> Past:
    verb = type(outcome.change).__name__.lower()
    return Past(verb, subject(outcome.change), outcome.result, outcome.detail, 0.0)


def _key(change: Change) -> tuple[str, str]:
    return (type(change).__name__, subject(change))


def _progress(done: Sequence[Outcome]) -> bool:
    return any(outcome.result in (Result.CREATED, Result.UPDATED, Result.REMOVED) for outcome in done)


def _connector_made(outcome: Outcome) -> bool:
    change = outcome.change
    return isinstance(change, Create) and isinstance(change.thing, Connector) and outcome.result == Result.CREATED


def _tell(run: _Run, parts: Parts) -> Ending:
    want = run.want or _bare(run)
    mode = "paused" if run.policy.paused else _mode(run) if run.applying else "observe"
    said = report.said(want, run.seen, run.plan, run.outcomes, intents=run.intents, cause=run.cause, mode=mode)
    ending = Ending(said.model_copy(update={"plan": run.first_plan}), run.again)
    parts.watch("told", ending)
    return ending
