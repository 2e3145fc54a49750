"""What was done for one plan, taken back: read from the ledger, looked at, proven, and carried out if that is asked.

A policy that still wants it will have it made again by the next event or sweep: whoever takes something back says so
to the policy first (`paused: true`, or an exemption).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from wayout import reconcile
from wayout.egress import need, planner, report, undoing
from wayout.egress.messages import OutcomeSaid
from wayout.egress.model import (
    BlindError,
    Blocked,
    Cause,
    JobAt,
    NotLookedError,
    Outcome,
    Plan,
    Present,
    Result,
    Seen,
    Site,
    Unreadable,
    Written,
    WrittenBy,
)
from wayout.egress.proof import foresight
from wayout.egress.remedies import Want
from wayout.parts import Parts

STEPS = 12  # more than the longest way back takes
_DONE = (Result.CREATED, Result.UPDATED, Result.REMOVED)


class NotKnownError(LookupError):
    """The ledger cannot tell what was done: why, and what could help."""

    def __init__(self, why: str, help_: str) -> None:
        super().__init__(why)
        self.help = help_


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What became of one site: what is left to take back, or in the way of it, and what has been done."""

    said: OutcomeSaid
    plan: Plan
    outcomes: tuple[Outcome, ...] = ()
    again: str = ""  # why it is not at its end


def undo(plan: str, cause: Cause, parts: Parts, *, apply: bool) -> Iterator[TakenBack]:
    """Take back what was done for a plan, site by site; without `apply`, only plan it. Raises NotKnownError."""
    read = WrittenBy(plan)
    match parts.look({read})[read]:
        case Unreadable(why, grant):
            raise NotKnownError(why, grant)
        case Present(written) if written:
            for site in dict.fromkeys(one.site for one in written):
                yield _site(site, [one for one in written if one.site == site], cause, parts, apply=apply)
        case _:
            help_ = "take the plan id of an outcome that changed something, of the last 30 days"
            raise NotKnownError(f"the ledger knows of nothing done for the plan {plan}", help_)


def _site(site: Site, written: Sequence[Written], cause: Cause, parts: Parts, *, apply: bool) -> TakenBack:
    if site.profile not in parts.policy().profiles:
        why = f"the policy has no profile {site.profile} any more, so nobody can say what taking it back would open"
        lost = Unreadable(why, "bring the profile back, and run it again")
        plan = Plan(blocked=(Blocked(str(site), why, lost.grant),))
        return TakenBack(report.unreadable(str(site), lost, cause), plan)
    way = _Way(site, undoing.net(written), cause, parts, apply)
    return way.taken()


@dataclass
class _Way:
    """The way back of one site: what is left of it, all at once and its next step, and what that rests on."""

    site: Site
    nets: Sequence[undoing.Net]
    cause: Cause
    parts: Parts
    apply: bool
    plan: Plan = field(default_factory=Plan)
    step: Plan = field(default_factory=Plan)
    seen: Seen = field(default_factory=Seen)
    outcomes: tuple[Outcome, ...] = ()
    run: str = ""  # the plan that people are told

    def taken(self) -> TakenBack:
        """Step by step, as far as it goes."""
        deadline = self.parts.deadline()
        for number in range(STEPS):
            self._look()
            if not (self.apply and self.plan.changes):
                return self._ended("")
            if self.parts.left(deadline) <= 0:
                return self._ended("the time is up")
            id_ = planner.plan_id(self.step, self.seen)
            self.run = self.run or id_
            self.parts.begin(self.step.changes, plan=id_, run=self.run, cause=self.cause, site=self.site)
            done = self.parts.apply(self.step.changes, deadline=deadline, seed=f"{self.cause.id}/{number}")
            self.parts.remember(done, plan=id_, run=self.run, cause=self.cause, site=self.site)
            self.outcomes += tuple(done)
            if any(outcome.result not in _DONE for outcome in done):
                return self._ended("not everything could be done")
        return self._ended("it does not come to an end")

    def _want(self) -> Want:
        return reconcile.started(self.site, self.cause, self.parts, apply=True).bare()

    def _look(self) -> None:
        """Look as far as it takes, and plan and prove every step; once it is proven to its end, the next one."""
        want = self._want()
        looked = dict(self.parts.look(planner.reads(want)))
        while True:
            self.seen = Seen(looked)
            try:
                ahead = foresight.stages(want, self.seen, undoing.planned(self.nets))
                failed = foresight.proven(ahead[:1] if self.outcomes else ahead)
                notes = tuple(_wanted_still(want, self.nets, self.parts, self.seen))
            except NotLookedError as missing:
                looked |= self.parts.look({missing.read})
            except BlindError as blind:
                self.plan = Plan(blocked=(Blocked(str(self.site), blind.sighting.why, blind.sighting.grant),))
                break
            else:
                whole, self.step = foresight.whole(ahead), ahead[0].plan
                blocked = tuple(dict.fromkeys((*whole.blocked, *failed)))
                changes = () if blocked else whole.changes
                self.plan = replace(whole, changes=changes, blocked=blocked, notes=(*whole.notes, *notes))
                break

    def _ended(self, again: str) -> TakenBack:
        mode: Literal["enforce", "observe"] = "enforce" if self.apply else "observe"
        said = report.said(self._want(), self.seen, self.plan, self.outcomes, intents=(), cause=self.cause, mode=mode)
        told = said.model_copy(update={"plan": self.run, "way": ()})
        return TakenBack(told, self.plan, self.outcomes, again)


def _wanted_still(want: Want, nets: Sequence[undoing.Net], parts: Parts, seen: Seen) -> Iterator[str]:
    """The jobs for which it would be made again. Raises NotLookedError and BlindError."""
    policy = parts.policy()
    if policy.paused:
        return
    for name in undoing.jobs(nets):
        job = seen.maybe(JobAt(name))
        if job and need.judge(policy, job, today=parts.today(), seen=seen).site == want.site:
            yield (
                f"the policy still wants {want.site.profile} for {name.job}: the next event or sweep makes it again, "
                "unless the policy exempts the job or says paused: true first"
            )
