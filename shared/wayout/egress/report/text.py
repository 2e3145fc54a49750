"""An outcome as plain lines, for a terminal or a log."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from wayout.egress.messages import ChangeSaid, OutcomeSaid, WaitingSaid

HEADLINES = {
    "whole": "the way out is whole",
    "planned": "changes are wanted, and nobody has applied them",
    "blocked": "the way out is blocked",
    "waiting": "the way out is under way",
    "refused": "Google refused a change",
    "invalid": "the request cannot be read",
    "unneeded": "no way out is wanted",
}


def printable(text: str) -> str:
    """The text with a sign in place of what would move the cursor, colour, hide or turn around what follows it.

    Control and format characters of Unicode, but for line breaks and tabs: names and messages of others hold anything.
    """
    return "".join("\ufffd" if unicodedata.category(one) in ("Cc", "Cf") and one not in "\n\t" else one for one in text)


def counted(number: int, word: str) -> str:
    """`1 change`, `2 changes`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def headline(said: OutcomeSaid) -> str:
    """One line: which jobs, and how things stand."""
    names = [job.job.rsplit("/", 1)[-1] for job in said.jobs]
    who = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    where = f" in {said.site.region}" if said.site else ""
    moved = any(change.verb in ("attach", "detach") for change in said.changes)
    healed = said.status == "whole" and said.changed and not moved
    return f"{who or 'Wayout'}{where}: {HEADLINES[said.status]}{' again' if healed else ''}"


def changes_said(change: ChangeSaid) -> str:
    """`The connector X has been created: because…`"""
    name = change.subject.rsplit("/", 1)[-1]
    if change.result == "planned":
        return f"the {change.kind} {name} would be {_participle(change)}: {change.because}"
    detail = f" ({change.detail})" if change.detail else ""
    help_ = f" → {change.help}" if change.help else ""
    done = _participle(change) if change.verb in ("attach", "detach") and change.result == "updated" else change.result
    return f"the {change.kind} {name} has been {done}{detail}: {change.because}{help_}"


def _participle(change: ChangeSaid) -> str:
    ends = {"create": "created", "update": "updated", "remove": "removed", "attach": "attached", "detach": "detached"}
    return ends[change.verb]


def undoable(said: OutcomeSaid) -> bool:
    """Whether something was done that the ledger can take back."""
    return bool(said.plan) and any(change.result in ("created", "updated", "removed") for change in said.changes)


def awaited(said: OutcomeSaid) -> tuple[WaitingSaid, ...]:
    """What is worth a word of what is waited for: the end of the chain, and nothing of it where something blocks."""
    return () if said.blocked else said.waiting[-1:]


def lines(said: OutcomeSaid) -> Iterator[str]:
    """Everything that an outcome holds, a fact a line."""
    yield headline(said)
    for job in said.jobs:
        yield f"  {job.job}: {job.stance}, {job.because}"
    for change in said.changes:
        yield f"  {changes_said(change)}"
    for blocked in said.blocked:
        yield f"  blocked: {blocked.what}: {blocked.why} → {blocked.help}"
    for waiting in awaited(said):
        yield f"  waiting: {waiting.what}, until {waiting.until}"
    for note in said.notes:
        yield f"  note: {note}"
    if said.error:
        yield f"  {said.error.field or 'message'}: {said.error.message}"
    if said.way and said.status == "whole":
        yield f"  {' → '.join(said.way)}"
    if undoable(said):
        yield f"  to take it back: wayout undo {said.plan}"
