"""A plan to its end: what the next pass will do, and the one after it, if everything goes as it should."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from wayout.egress import planner
from wayout.egress.model import BlindError, Blocked, Change, Job, JobAt, JobName, JobsIn, Plan, Present, Seen
from wayout.egress.proof.check import check
from wayout.egress.proof.future import after
from wayout.egress.remedies import Want

PASSES = 12  # more than any site takes


@dataclass(frozen=True, slots=True)
class Stage:
    """One pass to come: what is wanted then, what will be seen, and its plan."""

    want: Want
    seen: Seen
    plan: Plan


Planned = Callable[[Want, Seen], Plan]


def stages(want: Want, seen: Seen, planned: Planned = planner.plan) -> tuple[Stage, ...]:
    """The passes from now on; the last one changes nothing. Raises NotLookedError with a further look that it takes."""
    found: list[Stage] = []
    for _ in range(PASSES):
        plan = planned(want, seen)
        found.append(Stage(_settled(want, seen, plan), seen, plan))
        if not plan.changes:
            break
        seen = after(seen, plan.changes)
        want = _with_jobs(want, seen)
    return tuple(found)


def _settled(want: Want, seen: Seen, plan: Plan) -> Want:
    """The want that the plan was made for, blocked or not. Raises BlindError where nothing blocks yet, and whether
    a connector of others could be adopted cannot be seen: to make one of ours all the same would be a guess."""
    try:
        return planner.settled(want, seen)[0]
    except BlindError:
        if not plan.blocked:
            raise
        return want


def _with_jobs(want: Want, seen: Seen) -> Want:
    known = _jobs(seen)
    return replace(want, jobs=tuple(known.get(job.name, job) for job in want.jobs))


def _jobs(seen: Seen) -> dict[JobName, Job]:
    found: dict[JobName, Job] = {}
    for read, sighting in seen.sightings.items():
        if isinstance(sighting, Present) and isinstance(read, JobsIn):
            found |= {job.name: job for job in sighting.value}
        elif isinstance(sighting, Present) and isinstance(read, JobAt):
            found[sighting.value.name] = sighting.value
    return found


def proven(ahead: tuple[Stage, ...]) -> tuple[Blocked, ...]:
    """What fails its proof at the first stage where something does; empty if all stages are safe."""
    return next((failed for stage in ahead if (failed := check(stage.want, stage.seen, stage.plan.changes))), ())


def whole(ahead: tuple[Stage, ...]) -> Plan:
    """All stages as one plan, to be read: every change, in order; and what is in the way or awaited at the end."""
    first, last = ahead[0].plan, ahead[-1].plan
    changes: tuple[Change, ...] = tuple(change for stage in ahead for change in stage.plan.changes)
    blocked = tuple(dict.fromkeys((*first.blocked, *last.blocked)))
    return Plan(changes, blocked, last.waiting, _notes(ahead), first.life)  # how it stands now, and not then


def _notes(ahead: tuple[Stage, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for stage in ahead for note in stage.plan.notes))


def in_the_way(ahead: tuple[Stage, ...]) -> tuple[Blocked, ...]:
    """What will block the ground that jobs need, at a stage yet to come."""
    blocked = (block for stage in ahead[1:] for block in stage.plan.blocked if not block.one_job)
    return tuple(dict.fromkeys(blocked))
