"""The passes of one site: look, plan, prove, apply, again until whole. The only place that knows the order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wayout import brakes, survey
from wayout.egress import lifetime, renewal, report
from wayout.egress.model import GONE_ALREADY, BlindError, Change, IdleSince, NotLookedError, Outcome, Result, subject
from wayout.egress.remedies import Want
from wayout.parts import Parts
from wayout.run import Ending, Run

PASSES = 30  # far more than any site takes; a plan that never gets empty is a bug, and ends here
STANDSTILLS = 3  # passes in a row in which others were quicker, before the delivery is put off
_DONE = (Result.CREATED, Result.UPDATED, Result.REMOVED)


def site(run: Run, parts: Parts) -> Ending:
    """Bring a site to what its jobs need, and say what became of it."""
    deadline, refused, standstills = parts.deadline(), set[tuple[str, str]](), 0
    for number in range(PASSES):
        survey.look_and_plan(run, parts)
        parts.watch("plan", number, run.plan, run.seen)
        todo = [change for change in run.plan.changes if _key(change) not in refused]
        if not todo or not run.may_apply():
            if _left(run, at_rest=run.at_rest()):
                return _tell(run, parts)
            continue
        if standstills >= STANDSTILLS or parts.left(deadline) <= 0:
            run.again = "others are changing the same things" if standstills else "the time of this delivery is up"
            return _tell(run, parts)
        if brakes.resting(run, todo, parts) or brakes.braked(run, parts):
            if _left(run, at_rest=False):
                return _tell(run, parts)
            continue
        run.notes |= dict.fromkeys(run.plan.notes)
        run.begin(todo, parts)
        done = parts.apply(todo, deadline=deadline, seed=f"{run.cause.id}/{number}")
        run.known = renewal.kept(run.sightings, done)
        run.take_in(done, parts)
        refused |= {_key(outcome.change) for outcome in done if outcome.result == Result.REFUSED}
        if any(outcome.result == Result.PUT_OFF for outcome in done) and not _progress(done):
            return _tell(run, parts)
        standstills = 0 if _progress(done) else standstills + 1
        if standstills:
            parts.pause()
    raise RuntimeError(f"the plan for {run.site} does not come to an end: {run.plan.changes}")


def _left(run: Run, *, at_rest: bool) -> bool:
    """Leave the site; not if somebody has handed their work over meanwhile, which is then its own too."""
    if run.over(at_rest):
        return True
    run.join()
    run.known = {}
    return False


def _key(change: Change) -> tuple[str, str]:
    return (type(change).__name__, subject(change))


def _progress(done: Sequence[Outcome]) -> bool:
    return any(one.result in _DONE and one.detail != GONE_ALREADY for one in done)


def _tell(run: Run, parts: Parts) -> Ending:
    want = run.want or run.bare()
    if run.whole and run.may_apply():
        _remember_idleness(run, want, parts)
    mode = "paused" if run.policy.paused else run.now() if run.applying else "observe"
    plan = replace(run.plan, notes=tuple(dict.fromkeys((*run.notes, *run.plan.notes))))
    if idly := _only_observed(run):
        plan = replace(plan, life=(*plan.life, idly))
    said = report.said(want, run.seen, plan, run.outcomes, intents=run.intents, cause=run.cause, mode=mode)
    ending = Ending(said.model_copy(update={"plan": run.first_plan, "tell": want.profile.tell}), run.again)
    parts.watch("told", ending)
    return ending


def _only_observed(run: Run) -> str:
    """Why the end of a site's life is told of and nothing more, where its profile says to do something about it."""
    wanted = run.plan.changes or (run.plan.life and run.policy.profiles[run.site.profile].idle == "remove")
    if not run.applying or run.policy.paused or run.intents or run.now() == "enforce" or not wanted:
        return ""
    name = run.site.profile
    return f"nothing is done about that: no rule that leads to {name}, nor {name} or the policy, says mode: enforce"


def _remember_idleness(run: Run, want: Want, parts: Parts) -> None:
    """The ledger holds since when a site is idle; nothing else could tell."""
    try:
        was = run.seen.maybe(IdleSince(run.site)) is not None
        now = lifetime.idle(want, run.seen)
    except (BlindError, NotLookedError):
        return
    if was != now:
        parts.idle(run.site, now, run.cause)
