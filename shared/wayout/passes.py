"""The passes of one site: look, plan, prove, apply, again until whole. The only place that knows the order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wayout.egress import fights, lifetime, managers, planner, renewal, report
from wayout.egress.marks import mark
from wayout.egress.messages import OutcomeSaid
from wayout.egress.model import (
    BlindError,
    Blocked,
    Cause,
    Change,
    Connector,
    Create,
    HistoryOf,
    IdleSince,
    Job,
    JobAt,
    JobName,
    JobsIn,
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
    SitesTouched,
    Unreadable,
    kind,
    subject,
)
from wayout.egress.need import Intent
from wayout.egress.policy import Mode, Policy
from wayout.egress.proof import foresight
from wayout.egress.remedies import Want
from wayout.parts import Parts

PASSES = 30  # far more than any site takes; a plan that never gets empty is a bug, and ends here
STANDSTILLS = 3  # passes in a row in which others were quicker, before the delivery is put off

Jobs = Callable[[Seen], tuple[Intent, ...]]
Everybody = Callable[[], tuple[Jobs, frozenset[Read[Any]]]]


@dataclass(frozen=True)
class Ending:
    """What a reconcile came to. `again`: why its delivery should come again; empty if it is done with.

    `left`: a job that is gone, or that needs its site no longer.
    """

    said: OutcomeSaid
    again: str = ""
    left: JobName | None = None


@dataclass
class Run:
    """One site's reconcile under way: what is wanted, what has been done about it, and what was refused.

    `fresh`: a person or a deploy has asked for it. `whole`: all the site's jobs are known, so that its end of life
    can be judged. `known`: what the next pass need not look at again (decision 019); `shared`: it was seen for other
    sites too. `everyone`: all the site's jobs are looked at.
    """

    site: Site
    cause: Cause
    policy: Policy
    jobs: Jobs
    job_reads: frozenset[Read[Any]]
    mode: Mode  # while no job speaks
    everybody: Everybody
    applying: bool = True
    fresh: bool = False
    whole: bool = False
    outcomes: list[Outcome] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)  # of every pass, in order: why each change was planned so
    intents: tuple[Intent, ...] = ()
    seen: Seen = field(default_factory=Seen)
    want: Want | None = None
    plan: Plan = field(default_factory=Plan)
    first_plan: str = ""
    again: str = ""
    over: Callable[[], bool] = lambda: True  # false: somebody has handed their work over meanwhile
    looking: Callable[[], Callable[[], None]] = lambda: lambda: None  # see `Turn`
    looked: dict[Read[Any], Sighting[Any]] = field(default_factory=dict)  # before the first pass, which uses it up
    known: dict[Read[Any], Sighting[Any]] = field(default_factory=dict)
    shared: bool = False
    everyone: bool = False
    sightings: dict[Read[Any], Sighting[Any]] = field(default_factory=dict)  # of the last pass, as they were looked at


def site(run: Run, parts: Parts) -> Ending:
    """Bring a site to what its jobs need, and say what became of it."""
    deadline, refused, standstills = parts.deadline(), set[tuple[str, str]](), 0
    for number in range(PASSES):
        _look_and_plan(run, parts)
        parts.watch("plan", number, run.plan, run.seen)
        todo = [change for change in run.plan.changes if _key(change) not in refused]
        if not todo or not _may_apply(run):
            if run.over():
                return _tell(run, parts)
            _join(run)
            run.known = {}
            continue
        if standstills >= STANDSTILLS or parts.left(deadline) <= 0:
            run.again = "others are changing the same things" if standstills else "the time of this delivery is up"
            return _tell(run, parts)
        if resting := _resting(run, todo, parts) or _braked(run, parts):
            return resting
        run.notes |= dict.fromkeys(run.plan.notes)
        done = parts.apply(todo, deadline=deadline, seed=f"{run.cause.id}/{number}")
        run.known = renewal.kept(run.sightings, done)
        _take_in(run, done, parts)
        refused |= {_key(outcome.change) for outcome in done if outcome.result == Result.REFUSED}
        if any(outcome.result == Result.PUT_OFF for outcome in done) and not _progress(done):
            return _tell(run, parts)
        standstills = 0 if _progress(done) else standstills + 1
        if standstills:
            parts.pause()
    raise RuntimeError(f"the plan for {run.site} does not come to an end: {run.plan.changes}")


def bare(run: Run) -> Want:
    """What is wanted of the site itself, whoever its jobs are."""
    policy = run.policy
    return Want(
        run.site,
        policy.profiles[run.site.profile],
        create_network=policy.create_network,
        most_connectors=policy.profiles_per_network,
        projects=policy.projects_of(run.site),
        regions=policy.regions,
    )


# --- one pass ---------------------------------------------------------------------------------------------------


def _look_and_plan(run: Run, parts: Parts) -> None:
    """Look as far as it takes, plan, and prove the plan; what fails its proof is not planned."""
    known, shared = run.known, run.shared
    run.known, run.shared = {}, False
    run.sightings, run.looked = {**known, **run.looked}, {}
    looked = run.looking()
    _planned(run, parts)
    while stale := renewal.stale(run.plan.changes, known, shared=shared):
        known = {read: found for read, found in known.items() if read not in stale}
        run.sightings = {read: found for read, found in run.sightings.items() if read not in stale}
        _planned(run, parts)
    if run.everyone and not known:
        looked()
    run.first_plan = run.first_plan or planner.plan_id(run.plan, run.seen)


def _planned(run: Run, parts: Parts) -> None:
    reads, want = planner.reads(bare(run)) | run.job_reads, None
    while True:
        run.sightings |= parts.look(reads - run.sightings.keys())
        run.seen = Seen(_with_own_history(run, run.sightings))
        try:
            want = want or _want(run)  # a further look shows more, and nothing else of what was seen
            _plan(run, want)
        except NotLookedError as missing:
            reads = planner.beside(bare(run), missing.read)
        except BlindError as blind:
            run.plan = Plan(blocked=(Blocked("jobs", blind.sighting.why, blind.sighting.grant),))
            break
        else:
            break


def _plan(run: Run, want: Want) -> None:
    judged = lifetime.judged if run.whole else planner.plan
    ahead = foresight.stages(want, run.seen, judged)
    run.want, run.plan = ahead[0].want, ahead[0].plan
    if not (run.applying and _enforced(run)):
        run.plan = foresight.whole(ahead)  # to be read: all of it
    # What will be in the way is in the way now, as long as nobody uses the site; what fails its proof always is.
    later = () if planner.stands(run.want, run.seen) else foresight.in_the_way(ahead)
    failed = foresight.proven(ahead if not run.outcomes else ahead[:1])
    if failed or later:
        blocked = tuple(dict.fromkeys((*run.plan.blocked, *later, *failed)))
        run.plan = replace(run.plan, changes=(), waiting=(), blocked=blocked)


def _want(run: Run) -> Want:
    run.intents = run.jobs(run.seen)
    mode = _mode(run)
    chosen = {intent.job for intent in run.intents if intent.mode == mode}
    return with_jobs(run, tuple(found for found in _jobs(run.seen) if found.name in chosen))


def with_jobs(run: Run, jobs: tuple[Job, ...]) -> Want:
    """What is wanted of the site for these jobs: ours to attach, or to be told of where their source is another."""
    told = [(job, found) for job in jobs if (found := _manager(run, job))]
    managed = {job.name for job, _ in told}
    return replace(
        bare(run),
        jobs=tuple(job for job in jobs if job.name not in managed),
        told=tuple(told),
        needed_by=frozenset(intent.job for intent in run.intents),
        detaches_managed=run.policy.managed == "act",
    )


def _manager(run: Run, job: Job) -> managers.Manager | None:
    """Who has the job in a source of its own, unless the policy says to act all the same."""
    if run.policy.managed == "act":
        return None
    deployed = isinstance(next(iter(run.job_reads), None), JobAt) and JobAt(job.name) in run.job_reads
    return managers.manager(job, run.cause if deployed else None)


def _jobs(seen: Seen) -> tuple[Job, ...]:
    found: dict[JobName, Job] = {}
    for read, sighting in seen.sightings.items():
        if isinstance(sighting, Present) and isinstance(read, JobAt):
            found[sighting.value.name] = sighting.value
        elif isinstance(sighting, Present) and isinstance(read, JobsIn):
            found |= {job.name: job for job in sighting.value}
    return tuple(found[name] for name in sorted(found))


def _mode(run: Run) -> Mode:
    if not run.intents:
        return run.mode
    return "enforce" if any(intent.mode == "enforce" for intent in run.intents) else "observe"


def _enforced(run: Run) -> bool:
    return not run.policy.paused and _mode(run) == "enforce"


def _may_apply(run: Run) -> bool:
    return run.applying and _enforced(run)


# --- what became of it ------------------------------------------------------------------------------------------


def _take_in(run: Run, done: Sequence[Outcome], parts: Parts) -> None:
    ours = [outcome for outcome in done if outcome.result != Result.KEPT]
    parts.remember(ours, plan=planner.plan_id(run.plan, run.seen), cause=run.cause, site=run.site)
    run.outcomes += done
    run.again = next((f"{subject(item.change)}: {item.detail}" for item in done if item.retry), "")
    if any(_connector_made(outcome) for outcome in done):
        # Whoever came while it was made has been put off: their jobs are ours to attach now.
        _join(run)


def _join(run: Run) -> None:
    """The jobs of a run, which a request may have named, and every other one; those alone if no list can be had."""
    named, (everybody, reads) = run.jobs, run.everybody()

    def wanted(seen: Seen) -> tuple[Intent, ...]:
        first = named(seen)
        try:
            others = everybody(seen)
        except BlindError:
            return first
        known = {intent.job for intent in first}
        return (*first, *(intent for intent in others if intent.job not in known))

    run.jobs, run.job_reads, run.everyone = wanted, run.job_reads | reads, True


def _resting(run: Run, todo: Sequence[Change], parts: Parts) -> Ending | None:
    """What somebody changes back again and again is not fought over: the site rests, and that is told once."""
    if run.fresh:
        return None
    history = HistoryOf(run.site)
    if history not in run.seen.sightings:
        run.sightings |= parts.look({history})
        run.seen = Seen(_with_own_history(run, run.sightings))
    try:
        past = run.seen.get(history)
    except BlindError as blind:
        run.plan = Plan(blocked=(Blocked("history", blind.sighting.why, blind.sighting.grant),))
        return _tell(run, parts)
    rests = fights.resting(todo, past, run.cause, mark=mark)
    if not rests:
        return None
    blocked = tuple(Blocked(f"{kind(rest.change)} {rest.subject}", rest.why, rest.help) for rest in rests)
    run.plan = replace(run.plan, changes=(), blocked=(*run.plan.blocked, *blocked))
    told = {(one.subject, one.mark) for one in past if one.result == Result.PUT_OFF and one.detail == fights.RESTS}
    new = [rest for rest in rests if (rest.subject, mark(rest.change)) not in told]
    outcomes = [Outcome(rest.change, Result.PUT_OFF, fights.RESTS, rest.help) for rest in new]
    if outcomes:
        _take_in(run, outcomes, parts)
    return _tell(run, parts)


def _braked(run: Run, parts: Parts) -> Ending | None:
    """A policy or a bug that would change everything at once comes to a stop, and people hear of it."""
    if run.outcomes:
        return None
    sighting = parts.look({SitesTouched()})[SitesTouched()]
    most = run.policy.sites_per_hour
    match sighting:
        case Unreadable(why, grant):
            block = Blocked("history", why, grant)
        case Present(touched) if len(touched) >= most and str(run.site) not in touched:
            why = f"{len(touched)} sites have been changed within the hour, and the policy's limit is {most}"
            block = Blocked(f"site {run.site}", why, "the next sweep goes on with it; or raise sites_per_hour")
        case _:
            return None
    run.plan = replace(run.plan, changes=(), blocked=(*run.plan.blocked, block))
    return _tell(run, parts)


def _with_own_history(run: Run, sightings: Mapping[Read[Any], Sighting[Any]]) -> Mapping[Read[Any], Sighting[Any]]:
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


def _tell(run: Run, parts: Parts) -> Ending:
    want = run.want or bare(run)
    if run.whole and _may_apply(run):
        _remember_idleness(run, want, parts)
    mode = "paused" if run.policy.paused else _mode(run) if run.applying else "observe"
    plan = replace(run.plan, notes=tuple(dict.fromkeys((*run.notes, *run.plan.notes))))
    said = report.said(want, run.seen, plan, run.outcomes, intents=run.intents, cause=run.cause, mode=mode)
    ending = Ending(said.model_copy(update={"plan": run.first_plan, "tell": want.profile.tell}), run.again)
    parts.watch("told", ending)
    return ending


def _remember_idleness(run: Run, want: Want, parts: Parts) -> None:
    """The ledger holds since when a site is idle; nothing else could tell."""
    try:
        was = run.seen.maybe(IdleSince(run.site)) is not None
        now = lifetime.idle(want, run.seen)
    except (BlindError, NotLookedError):
        return
    if was != now:
        parts.idle(run.site, now, run.cause)
