"""One site's reconcile under way: what is wanted, what was seen, what has been done about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wayout.egress import managers, planner
from wayout.egress.messages import OutcomeSaid
from wayout.egress.model import (
    BlindError,
    Cause,
    Change,
    Connector,
    Create,
    Job,
    JobAt,
    JobName,
    Outcome,
    Plan,
    Read,
    Result,
    Seen,
    Sighting,
    Site,
    State,
    subject,
)
from wayout.egress.need import Intent
from wayout.egress.policy import Mode, Policy
from wayout.egress.remedies import Want
from wayout.parts import Parts

Jobs = Callable[[Seen], tuple[Intent, ...]]
Everybody = Callable[[], tuple[Jobs, frozenset[Read[Any]]]]


@dataclass(frozen=True)
class Ending:
    """What a reconcile came to. `again`: why its delivery should come again; empty if it is done with.

    `left`: a job that is gone, or that needs its site no longer.
    """

    said: OutcomeSaid
    again: str = ""
    left: JobName | None = None


@dataclass
class Run:
    """One site's reconcile under way: what is wanted, what has been done about it, and what was refused.

    `fresh`: a person or a deploy has asked for it. `whole`: all the site's jobs are known, so that its end of life
    can be judged. `known`: what the next pass need not look at again (decision 019); `shared`: it was seen for other
    sites too. `everyone`: all the site's jobs are looked at.
    """

    site: Site
    cause: Cause
    policy: Policy
    jobs: Jobs
    job_reads: frozenset[Read[Any]]
    mode: Mode  # while no job speaks: the strongest that the policy has for its site; see `now`
    everybody: Everybody
    applying: bool = True
    fresh: bool = False
    whole: bool = False
    outcomes: list[Outcome] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)  # of every pass, in order: why each change was planned so
    intents: tuple[Intent, ...] = ()
    seen: Seen = field(default_factory=Seen)
    want: Want | None = None
    plan: Plan = field(default_factory=Plan)
    first_plan: str = ""
    again: str = ""
    over: Callable[[bool], bool] = lambda _: True  # false: somebody has handed their work over meanwhile
    looking: Callable[[], Callable[[], None]] = lambda: lambda: None  # see `Turn`
    looked: dict[Read[Any], Sighting[Any]] = field(default_factory=dict)  # before the first pass, which uses it up
    known: dict[Read[Any], Sighting[Any]] = field(default_factory=dict)
    shared: bool = False
    everyone: bool = False
    sightings: dict[Read[Any], Sighting[Any]] = field(default_factory=dict)  # of the last pass, as they were looked at

    def bare(self) -> Want:
        """What is wanted of the site itself, whoever its jobs are."""
        policy = self.policy
        return Want(
            self.site,
            policy.profiles[self.site.profile],
            create_network=policy.create_network,
            most_connectors=policy.profiles_per_network,
            projects=policy.projects_of(self.site),
            regions=policy.known_regions,
        )

    def with_jobs(self, jobs: tuple[Job, ...]) -> Want:
        """What is wanted of the site for these jobs: ours to attach, or to be told of where their source is another."""
        told = [(job, found) for job in jobs if (found := self._manager(job))]
        managed = {job.name for job, _ in told}
        return replace(
            self.bare(),
            jobs=tuple(job for job in jobs if job.name not in managed),
            told=tuple(told),
            needed_by=frozenset(intent.job for intent in self.intents),
            detaches_managed=self.policy.managed == "act",
        )

    def now(self) -> Mode:
        """Whether it is to act or to tell, by the jobs that need it."""
        if not self.intents:
            return self.mode
        return "enforce" if any(intent.mode == "enforce" for intent in self.intents) else "observe"

    def enforced(self) -> bool:
        """Whether the policy wants it carried out."""
        return not self.policy.paused and self.now() == "enforce"

    def may_apply(self) -> bool:
        """Whether this run is to carry it out."""
        return self.applying and self.enforced()

    def at_rest(self) -> bool:
        """Whether nothing is left to do or to wait for, whoever asks: nothing planned, and no connector on its way.

        Not known of a site that nobody needs, unless its end of life was judged.
        """
        plan = self.plan
        if plan.changes or plan.blocked or plan.waiting or not (self.whole or self.intents):
            return False
        ours = self.want.own_connector(self.seen) if self.want else None
        return ours is None or ours.state not in (State.CREATING, State.UPDATING, State.DELETING)

    def begin(self, changes: Sequence[Change], parts: Parts) -> None:
        """Have the ledger know what is about to be made: the process may not live to tell."""
        plan = planner.plan_id(self.plan, self.seen)
        parts.begin(changes, plan=plan, run=self.first_plan, cause=self.cause, site=self.site)

    def take_in(self, done: Sequence[Outcome], parts: Parts) -> None:
        """Keep what has been done in mind, and in the ledger."""
        ours = [outcome for outcome in done if outcome.result != Result.KEPT]
        plan = planner.plan_id(self.plan, self.seen)
        parts.remember(ours, plan=plan, run=self.first_plan, cause=self.cause, site=self.site)
        self.outcomes += done
        self.again = next((f"{subject(item.change)}: {item.detail}" for item in done if item.retry), "")
        if any(_connector_made(outcome) for outcome in done):
            # Whoever came while it was made has been put off: their jobs are ours to attach now.
            self.join()

    def join(self) -> None:
        """See to its own jobs, which a request may have named, and to all others; to those if the rest is unseen."""
        named, (everybody, reads) = self.jobs, self.everybody()

        def wanted(seen: Seen) -> tuple[Intent, ...]:
            first = named(seen)
            try:
                others = everybody(seen)
            except BlindError:
                return first
            known = {intent.job for intent in first}
            return (*first, *(intent for intent in others if intent.job not in known))

        self.jobs, self.job_reads, self.everyone = wanted, self.job_reads | reads, True

    def _manager(self, job: Job) -> managers.Manager | None:
        """Who has the job in a source of its own, unless the policy says to act all the same."""
        if self.policy.managed == "act":
            return None
        deployed = isinstance(next(iter(self.job_reads), None), JobAt) and JobAt(job.name) in self.job_reads
        return managers.manager(job, self.cause if deployed else None)


def _connector_made(outcome: Outcome) -> bool:
    change = outcome.change
    return isinstance(change, Create) and isinstance(change.thing, Connector) and outcome.result == Result.CREATED
