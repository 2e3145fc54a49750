"""A resource that somebody changes back again and again is not fought over: after the second round its site rests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from wayout.egress.model import GONE_ALREADY, Cause, Change, Connector, Past, Remove, State, subject, verb

MINUTES = 30  # between two rounds of ours for them to be one fight; the third is not begun
HOURS = 24  # for which a fight is remembered
RESTS = "it rests: somebody changes it back"  # how the ledger remembers that this has been told
_DONE = ("created", "updated", "removed")


@dataclass(frozen=True, slots=True)
class Rest:
    """A change that is not made again: how often it was made, whose doing undid it, and what would end the rest."""

    change: Change
    subject: str
    rounds: int
    who: tuple[str, ...]
    why: str
    help: str


def resting(
    changes: Sequence[Change],
    history: Iterable[Past],
    cause: Cause,
    *,
    mark: Callable[[Change], str],
    fresh: bool = False,
    ours: str = "",
) -> tuple[Rest, ...]:
    """The changes that our ledger shows as made twice within half an hour, at any time of its last day.

    A policy that was edited wants something else, and that is no fight: its mark differs. `fresh`: a person or a new
    deploy asks for it, which ends every rest. `ours`: our own principal, which changes nothing back.
    """
    past = () if fresh else tuple(history)
    found = (_rest(change, mark(change), past, cause, ours) for change in changes)
    return tuple(rest for rest in found if rest)


def _rest(change: Change, mark: str, history: Sequence[Past], cause: Cause, ours: str) -> Rest | None:
    if _mends(change):
        return None
    deed, name = verb(change), subject(change)
    rounds = sorted(
        (
            past
            for past in history
            if (past.verb, past.subject, past.mark) == (deed, name, mark)
            and past.result in _DONE
            and past.detail != GONE_ALREADY  # lists may go on showing what is gone, and nobody has made it again
            and past.hours_ago <= HOURS
        ),
        key=lambda past: -past.hours_ago,
    )
    rounds = _undone(rounds)
    apart = min((one.hours_ago - next_.hours_ago for one, next_ in pairwise(rounds)), default=float("inf"))
    if apart > MINUTES / 60:
        return None
    who = _people((*(past.who for past in rounds), cause.who), ours)
    named = " and ".join(who) or "somebody"
    times = f"{len(rounds)} times within a day, twice" if len(rounds) > 2 else "twice"
    why = f"it has been put right {times} within {_minutes(apart)}, and {named} changed it back each time"
    agree = f"agree with {named}" if who else "find out who or what does (their audit log entries tell)"
    help_ = f"{agree}; then deploy a job of the site again, or run: wayout apply JOB"
    return Rest(change, name, len(rounds), who, why, help_)


def _undone(rounds: Sequence[Past]) -> list[Past]:
    """The rounds that somebody undid before the next: what two instances did at once, the later having looked before
    the earlier was done, is one round."""
    found: list[Past] = []
    for one in rounds:
        if not found or one.looked_hours_ago <= found[-1].hours_ago:
            found.append(one)
    return found


def _mends(change: Change) -> bool:
    """A connector that could not be made is nobody's doing; how often it is tried is bounded elsewhere."""
    return isinstance(change, Remove) and isinstance(change.thing, Connector) and change.thing.state == State.ERROR


def _minutes(hours: float) -> str:
    minutes = max(1, ceil(hours * 60))
    return "a minute" if minutes == 1 else f"{minutes} minutes"


def _people(names: Iterable[str], ours: str) -> tuple[str, ...]:
    """Principals only: a sweep and a request set us going too, and change nothing."""
    principals = (name for name in names if "@" in name or name.startswith("principal"))
    return tuple(dict.fromkeys(name for name in principals if name != ours))
