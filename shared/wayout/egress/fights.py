"""A resource that somebody changes back again and again is not fought over: after the second round its site rests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from wayout.egress.model import Cause, Change, Past, subject

ROUNDS = 2  # of ours; the third is not begun
MINUTES = 30  # between two rounds for them to be one fight
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
    changes: Sequence[Change], history: Sequence[Past], cause: Cause, *, mark: Callable[[Change], str]
) -> tuple[Rest, ...]:
    """The changes that our ledger shows as made twice within half an hour of each other in its last day.

    `history` is newest first. A policy that was edited wants something else, and that is no fight: its mark differs.
    """
    found = (_rest(change, mark(change), history, cause) for change in changes)
    return tuple(rest for rest in found if rest)


def _rest(change: Change, mark: str, history: Sequence[Past], cause: Cause) -> Rest | None:
    verb, name = type(change).__name__.lower(), subject(change)
    rounds = [
        past for past in history if (past.verb, past.subject, past.mark) == (verb, name, mark) and past.result in _DONE
    ]
    if not _close(rounds):
        return None
    who = _people((*(past.who for past in reversed(rounds)), cause.who))
    named = " and ".join(who) or "somebody"
    why = f"it has been put right {len(rounds)} times within a day, and {named} changed it back within minutes"
    help_ = f"agree with {named}; then deploy a job of the site again, or run: wayout apply JOB"
    return Rest(change, name, len(rounds), who, why, help_)


def _close(rounds: Sequence[Past]) -> bool:
    """Whether two rounds in a row lie within minutes of each other."""
    hours = sorted(past.hours_ago for past in rounds)
    return any(later - earlier <= MINUTES / 60 for earlier, later in zip(hours, hours[ROUNDS - 1 :], strict=False))


def _people(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
