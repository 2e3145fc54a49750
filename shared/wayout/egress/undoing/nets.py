"""What the changes of one plan come to in the end, thing by thing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wayout.egress.model import Attach, Change, Create, JobName, Remove, Thing, Update, Way, Written, subject

BEGUN = "begun"  # nobody has told yet, or ever, what became of it
_NOTHING_DONE = ("refused", "kept")


@dataclass(frozen=True, slots=True)
class Made:
    """How a thing was before, and how it was left; None: not there."""

    before: Thing | None
    after: Thing | None


@dataclass(frozen=True, slots=True)
class Moved:
    """The same of a job's way."""

    job: JobName
    before: Way | None
    after: Way | None


Net = Made | Moved


def net(written: Iterable[Written]) -> tuple[Net, ...]:
    """What the ledger's changes, oldest first, come to; what Google refused, or others did, changed nothing of ours.

    One of which only the beginning is written may have come about or not: who takes it back looks at what is there.
    """
    found: dict[str, Net] = {}
    for change in _done(written):
        name, this = subject(change), _of(change)
        found[name] = _joined(found.get(name, this), this)
    return tuple(found.values())


def _done(written: Iterable[Written]) -> list[Change]:
    """Every change once, in the order in which they were begun; the same may have been made more than once."""
    found: dict[int, Change] = {}
    begun: dict[Change, int] = {}
    for number, one in enumerate(written):
        at = number if one.result == BEGUN else begun.pop(one.change, number)
        if one.result == BEGUN:
            begun[one.change] = number
        if one.result in _NOTHING_DONE:
            found.pop(at, None)
        else:
            found[at] = one.change
    return list(found.values())


def _of(change: Change) -> Net:
    match change:
        case Attach(job=job, way=way, was=was):
            return Moved(job, was, way)
        case Create(thing):
            return Made(None, thing)
        case Update(thing, was):
            return Made(was, thing)
        case Remove(thing):
            return Made(thing, None)


def _joined(first: Net, last: Net) -> Net:
    if isinstance(first, Moved) and isinstance(last, Moved):
        return Moved(first.job, first.before, last.after)
    if isinstance(first, Made) and isinstance(last, Made):
        return Made(first.before, last.after)
    return last


def jobs(nets: Iterable[Net]) -> tuple[JobName, ...]:
    """The jobs whose way was changed."""
    return tuple(one.job for one in nets if isinstance(one, Moved))
