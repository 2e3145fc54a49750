"""What keeps a plan from being carried out though it is proven: a fight with somebody, or too much in an hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wayout.egress import fights
from wayout.egress.marks import mark
from wayout.egress.model import (
    BlindError,
    Blocked,
    Change,
    HistoryOf,
    Outcome,
    Plan,
    Present,
    Result,
    Seen,
    SitesTouched,
    Unreadable,
    kind,
)
from wayout.parts import Parts
from wayout.run import Run
from wayout.survey import with_own_history


def resting(run: Run, todo: Sequence[Change], parts: Parts) -> bool:
    """What somebody changes back again and again is not fought over: the site rests, and that is told once."""
    if run.fresh:
        return False
    history = HistoryOf(run.site)
    if history not in run.seen.sightings:
        run.sightings |= parts.look({history})
        run.seen = Seen(with_own_history(run, run.sightings))
    try:
        past = run.seen.get(history)
    except BlindError as blind:
        run.plan = Plan(blocked=(Blocked("history", blind.sighting.why, blind.sighting.grant),))
        return True
    rests = fights.resting(todo, past, run.cause, mark=mark, ours=parts.principal())
    if not rests:
        return False
    blocked = tuple(Blocked(f"{kind(rest.change)} {rest.subject}", rest.why, rest.help) for rest in rests)
    run.plan = replace(run.plan, changes=(), blocked=(*run.plan.blocked, *blocked))
    told = {(one.subject, one.mark) for one in past if one.result == Result.PUT_OFF and one.detail == fights.RESTS}
    new = [rest for rest in rests if (rest.subject, mark(rest.change)) not in told]
    outcomes = [Outcome(rest.change, Result.PUT_OFF, fights.RESTS, rest.help) for rest in new]
    if outcomes:
        run.take_in(outcomes, parts)
    return True


def braked(run: Run, parts: Parts) -> bool:
    """A policy or a bug that would change everything at once comes to a stop, and people hear of it."""
    if run.outcomes:
        return False
    sighting = parts.look({SitesTouched()})[SitesTouched()]
    most = run.policy.sites_per_hour
    match sighting:
        case Unreadable(why, grant):
            block = Blocked("history", why, grant)
        case Present(touched) if len(touched) >= most and str(run.site) not in touched:
            why = f"{len(touched)} sites have been changed within the hour, and the policy's limit is {most}"
            block = Blocked(f"site {run.site}", why, "the next sweep goes on with it; or raise sites_per_hour")
        case _:
            return False
    run.plan = replace(run.plan, changes=(), blocked=(*run.plan.blocked, block))
    return True
