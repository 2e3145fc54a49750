"""What was seen and what is wanted make a plan: every remedy judges, in the order of work."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from wayout.egress.model import BlindError, Blocked, Plan, Read, Seen
from wayout.egress.remedies import REMEDIES, Remedy, Verdict, Want


def reads(want: Want) -> frozenset[Read[Any]]:
    """What has to be looked at before `plan` is asked; it may ask for more."""
    return frozenset(read for remedy in REMEDIES for read in remedy.reads(want))


def plan(want: Want, seen: Seen) -> Plan:
    """The next changes for one site, all of which can be made side by side.

    Raises NotLookedError with a further look that it takes. Whatever cannot be read blocks the remedies that need
    it, and those that build on them. While something blocks, a site that nobody can be using yet is not begun.
    """
    done: frozenset[str] = frozenset()
    verdicts: list[Verdict] = []
    for remedy in REMEDIES:
        verdict = _judge(remedy, want, seen, done)
        verdicts.append(verdict)
        if verdict.whole:
            done |= {remedy.name}
    blocked = _together(block for verdict in verdicts for block in verdict.blocked)
    begin = not blocked or _stands(want, seen)
    return Plan(
        changes=tuple(change for verdict in verdicts for change in verdict.changes if begin),
        blocked=blocked,
        # What somebody else has under way comes last: it is what all the rest waits for.
        waiting=tuple(sorted((wait for verdict in verdicts for wait in verdict.waiting), key=lambda it: it.elsewhere)),
        notes=tuple(dict.fromkeys(note for verdict in verdicts for note in verdict.notes)),
    )


def _judge(remedy: Remedy, want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    try:
        return remedy.judge(want, seen, done)
    except BlindError as blind:
        why = f"cannot be judged: {blind.sighting.why}"
        return Verdict(blocked=(Blocked(remedy.name, why, blind.sighting.grant),))


def _together(blocks: Iterable[Blocked]) -> tuple[Blocked, ...]:
    """What is blocked by one and the same thing is told in one breath."""
    found: dict[tuple[str, str], list[str]] = {}
    for block in blocks:
        found.setdefault((block.why, block.help), []).append(block.what)
    return tuple(Blocked(", ".join(dict.fromkeys(what)), why, help_) for (why, help_), what in found.items())


def _stands(want: Want, seen: Seen) -> bool:
    try:
        return want.own_connector(seen) is not None
    except BlindError:
        return True


def plan_id(made: Plan, seen: Seen) -> str:
    """Twelve hexadecimal digits: the hash of the plan's changes and of what it was based on."""
    basis = sorted(f"{read}={sighting}" for read, sighting in seen.sightings.items())
    return sha256("\n".join([repr(made.changes), *basis]).encode()).hexdigest()[:12]
