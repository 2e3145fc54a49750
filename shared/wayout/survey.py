"""The look of a pass and the plan that it leads to: as far as planning takes, and proven before it is one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from wayout.egress import hosting, lifetime, need, planner, renewal
from wayout.egress.model import (
    BlindError,
    Blocked,
    HistoryOf,
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
    Seen,
    Sighting,
    subject,
    verb,
)
from wayout.egress.proof import foresight
from wayout.egress.remedies import Want
from wayout.parts import Parts
from wayout.run import Run


def look_and_plan(run: Run, parts: Parts) -> None:
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
    reads, want = planner.reads(run.bare()) | run.job_reads, None
    while True:
        run.sightings |= parts.look(reads - run.sightings.keys())
        run.seen = Seen(with_own_history(run, run.sightings))
        try:
            want = want or _want(run, parts)  # a further look shows more, and nothing else of what was seen
            _plan(run, want)
        except NotLookedError as missing:
            reads = planner.beside(run.bare(), missing.read)
        except BlindError as blind:
            run.plan = Plan(blocked=(Blocked("jobs", blind.sighting.why, blind.sighting.grant),))
            break
        else:
            break


def _plan(run: Run, want: Want) -> None:
    judged = lifetime.judged if run.whole else lifetime.kept if run.everyone else planner.plan
    ahead = foresight.stages(want, run.seen, judged)
    run.want, run.plan = ahead[0].want, ahead[0].plan
    if not (run.applying and run.enforced()):
        run.plan = foresight.whole(ahead)  # to be read: all of it
    # What will be in the way is in the way now, as long as nobody uses the site; what fails its proof always is.
    later = () if planner.stands(run.want, run.seen) else foresight.in_the_way(ahead)
    failed = foresight.proven(ahead if not run.outcomes else ahead[:1])
    blocked = (*run.plan.blocked, *later)
    if blocked and (free := hosting.writing(run.want)):
        blocked = _of_host(blocked, foresight.stages(free, run.seen, judged), free)
    run.plan = replace(run.plan, blocked=tuple(dict.fromkeys((*blocked, *failed))))
    if failed or later:
        run.plan = replace(run.plan, changes=(), waiting=())


def _of_host(blocked: tuple[Blocked, ...], ahead: tuple[foresight.Stage, ...], free: Want) -> tuple[Blocked, ...]:
    """What blocks, with one script in place of all that only an admin of the host project can do, now and later on.

    `ahead`: the plan to its end of somebody who may. Where something else blocks it, or it fails its proof, there is
    no script: nobody should run half of it.
    """
    if not all(block.one_job for stage in ahead for block in stage.plan.blocked):
        return blocked
    by_itself = tuple(block for block in blocked if block.one_job)
    changes = [change for stage in ahead for change in stage.plan.changes]
    return (*by_itself, *(foresight.proven(ahead) or hosting.script(free, changes)))


def _want(run: Run, parts: Parts) -> Want:
    run.intents = run.jobs(run.seen)
    mode = run.now()
    chosen = {intent.job for intent in run.intents if intent.mode == mode}
    want = run.with_jobs(tuple(found for found in _jobs(run.seen) if found.name in chosen))
    return replace(want, moving=frozenset(_moving(run, want, parts))) if run.whole and want.profile.detach else want


def _moving(run: Run, want: Want, parts: Parts) -> Iterator[JobName]:
    """The jobs that another site of the policy takes, or may take as far as can be seen: they are never detached first.
    Raises NotLookedError."""
    for job in _jobs(run.seen):
        if job.way and job.name not in want.needed_by:
            try:
                intent = need.judge(run.policy, job, today=parts.today(), seen=run.seen)
            except BlindError:
                yield job.name
            else:
                if intent.site:
                    yield job.name


def _jobs(seen: Seen) -> tuple[Job, ...]:
    found: dict[JobName, Job] = {}
    for read, sighting in seen.sightings.items():
        if isinstance(sighting, Present) and isinstance(read, JobAt):
            found[sighting.value.name] = sighting.value
        elif isinstance(sighting, Present) and isinstance(read, JobsIn):
            found |= {job.name: job for job in sighting.value}
    return tuple(found[name] for name in sorted(found))


def with_own_history(run: Run, sightings: Mapping[Read[Any], Sighting[Any]]) -> Mapping[Read[Any], Sighting[Any]]:
    """The ledger may lag behind what this very run has done."""
    read = HistoryOf(run.site)
    remembered = sightings.get(read)
    if not isinstance(remembered, Present):
        return sightings
    own = tuple(_past(outcome) for outcome in reversed(run.outcomes))
    return {**sightings, read: Present((*own, *remembered.value))}


def _past(outcome: Outcome) -> Past:
    return Past(verb(outcome.change), subject(outcome.change), outcome.result, outcome.detail, 0.0)
