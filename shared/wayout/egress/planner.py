"""What was seen and what is wanted make a plan: every remedy judges, in the order of work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

from wayout.egress import adoption, hosting, naming, promised
from wayout.egress.model import (
    BlindError,
    Blocked,
    ConnectorsIn,
    HistoryOf,
    Plan,
    Read,
    ReservedIn,
    RuleQuotaOf,
    RulesOf,
    Seen,
)
from wayout.egress.remedies import REMEDIES, Remedy, Verdict, Want, attachment, elsewhere


def reads(want: Want) -> frozenset[Read[Any]]:
    """What every plan looks at; `plan` may ask for more."""
    return frozenset(read for read in _all(want) if not _seldom(read, want))


def beside(want: Want, missing: Read[Any]) -> frozenset[Read[Any]]:
    """What to look at together with a read that `plan` has asked for, so that it does not ask one by one."""
    seldom = frozenset(read for read in _all(want) if _seldom(read, want))
    if isinstance(missing, RuleQuotaOf) or missing not in seldom:
        return frozenset({missing})
    # Who makes a subnet for a connector will come to the rules that Google makes for that, and ask the ledger of them.
    retires = want.own_road == "connector" and want.profile.retire != "keep"
    history = (HistoryOf(want.site),) if retires else ()
    return frozenset({missing, *history, *seldom})


def _all(want: Want) -> Iterator[Read[Any]]:
    looks = (remedy.reads(want) for remedy in REMEDIES if want.road in remedy.roads)
    return (read for each in (*looks, adoption.reads(want)) for read in each)


def _seldom(read: Read[Any], want: Want) -> bool:
    """What only a new subnet has to keep clear of: who lives in the network without being a subnet; and what new rules
    have room in."""
    return isinstance(read, ReservedIn | RuleQuotaOf) or (isinstance(read, ConnectorsIn) and read != want.connectors)


def settled(want: Want, seen: Seen) -> tuple[Want, tuple[str, ...]]:
    """The same want with its road chosen, and the reasons. Raises NotLookedError, and BlindError."""
    return adoption.settled(want, seen)


def plan(want: Want, seen: Seen) -> Plan:
    """The next changes for one site, all of which can be made side by side.

    Raises NotLookedError with a further look that it takes. Whatever cannot be read blocks the remedies that need
    it, and those that build on them. While something blocks, a site that nobody can be using yet is not begun; nor
    is one all of whose jobs are left on ways of their own.
    Where nothing is left to do, it says what of the profile is not reached all the same.
    """
    try:
        want, reasons = settled(want, seen)
    except BlindError as blind:
        reasons = (f"whether a connector of others could be adopted cannot be judged: {blind.sighting.why}",)
    if not stands(want, seen) and elsewhere.all_elsewhere(want, seen):
        verdict = attachment.judge(want, seen, frozenset())
        return Plan(blocked=_together(verdict.blocked), notes=(*reasons, *verdict.notes))
    verdicts = _verdicts(want, seen)
    changes, held = hosting.held_back(want, [change for verdict in verdicts for change in verdict.changes])
    blocked = _together((*(block for verdict in verdicts for block in verdict.blocked), *held))
    begin = all(block.one_job for block in blocked) or stands(want, seen)
    made = Plan(
        changes=tuple(changes) if begin else (),
        blocked=blocked,
        # What somebody else has under way comes last: it is what all the rest waits for.
        waiting=tuple(sorted((wait for verdict in verdicts for wait in verdict.waiting), key=lambda it: it.elsewhere)),
        notes=tuple(dict.fromkeys((*reasons, *(note for verdict in verdicts for note in verdict.notes)))),
    )
    if not made.empty:
        return made
    try:
        shut, said = promised.told(want, seen)
    except BlindError as blind:  # of what nothing else needs to see
        shut, said = (), (f"whether all that it allows is reached cannot be judged: {blind.sighting.why}",)
    return replace(made, blocked=shut, notes=(*made.notes, *said))


def _verdicts(want: Want, seen: Seen) -> list[Verdict]:
    done = frozenset(remedy.name for remedy in REMEDIES if want.road not in remedy.roads)
    verdicts: list[Verdict] = []
    for remedy in REMEDIES:
        if want.road in remedy.roads:
            verdict = _judge(remedy, want, seen, done)
            verdicts.append(verdict)
            done |= {remedy.name} if verdict.whole else set()
    return verdicts


def _judge(remedy: Remedy, want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    try:
        return remedy.judge(want, seen, done)
    except BlindError as blind:
        why = f"cannot be judged: {blind.sighting.why}"
        return Verdict(blocked=(Blocked(remedy.name, why, blind.sighting.grant),))


def _together(blocks: Iterable[Blocked]) -> tuple[Blocked, ...]:
    """What is blocked by one and the same thing is told in one breath."""
    found: dict[tuple[str, str, bool], list[str]] = {}
    for block in blocks:
        found.setdefault((block.why, block.help, block.one_job), []).append(block.what)
    return tuple(Blocked(", ".join(dict.fromkeys(what)), *rest) for rest, what in found.items())


def stands(want: Want, seen: Seen) -> bool:
    """Whether somebody could be using the site already."""
    try:
        if want.own_road == "connector":
            return want.own_connector(seen) is not None
        last = naming.rule_of(want.site, "deny-out", "direct")
        return any(rule.name == last for rule in seen.get(RulesOf(want.site.network)))
    except BlindError:
        return True


def plan_id(made: Plan, seen: Seen) -> str:
    """Twelve hexadecimal digits: the hash of the plan's changes and of what it was based on."""
    basis = sorted(f"{read}={sighting}" for read, sighting in seen.sightings.items())
    return sha256("\n".join([repr(made.changes), *basis]).encode()).hexdigest()[:12]
