"""What a reconcile came to, as the message that other systems read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, cast

from wayout.egress import planner, ways
from wayout.egress.messages import (
    BlockedSaid,
    CauseSaid,
    ChangeSaid,
    ErrorSaid,
    JobSaid,
    OutcomeSaid,
    SiteSaid,
    WaitingSaid,
)
from wayout.egress.model import (
    Cause,
    Change,
    ConnectorName,
    Outcome,
    Plan,
    Result,
    Seen,
    Unreadable,
    kind,
    subject,
    verb,
)
from wayout.egress.need import Intent, Stance
from wayout.egress.remedies import Want
from wayout.egress.report.path import own_rules, own_subnet

Status = Literal["whole", "planned", "blocked", "waiting", "refused", "invalid", "unneeded"]
ModeSaid = Literal["observe", "enforce", "paused"]


def said(
    want: Want,
    seen: Seen,
    plan: Plan,
    outcomes: Sequence[Outcome],
    *,
    intents: Sequence[Intent],
    cause: Cause,
    mode: ModeSaid,
) -> OutcomeSaid:
    """The outcome of one site's reconcile. `plan` and `seen` are those of the last look."""
    attached = {job.name for job in want.jobs if ways.same(job.way, want.way, job.name)}
    planned = tuple(_planned(change) for change in plan.changes) if mode != "enforce" else ()
    return OutcomeSaid(
        status=_status(plan, outcomes, mode),
        cause=_cause(cause),
        mode=mode,
        site=SiteSaid(network=str(want.site.network), region=want.site.region, profile=want.site.profile),
        jobs=tuple(_job(intent, attached=intent.job in attached) for intent in intents),
        changes=(*_changes(outcomes), *planned),
        blocked=tuple(BlockedSaid(what=found.what, why=found.why, help=found.help) for found in plan.blocked),
        waiting=tuple(WaitingSaid(what=found.what, until=found.until) for found in plan.waiting),
        notes=(*plan.notes, *plan.life, *_running(want, outcomes)),
        way=_way(want, seen) if attached or planner.stands(want, seen) or not want.known_jobs else (),
    )


def _status(plan: Plan, outcomes: Sequence[Outcome], mode: ModeSaid) -> Status:
    if plan.blocked:
        return "blocked"
    if plan.changes and mode != "enforce":
        return "planned"
    if plan.empty:
        return "whole"
    return "refused" if any(outcome.result == Result.REFUSED for outcome in outcomes) else "waiting"


def _cause(cause: Cause) -> CauseSaid:
    return CauseSaid(id=cause.id, who=cause.who, what=cause.what, when=cause.when)


def _job(intent: Intent, *, attached: bool = False) -> JobSaid:
    return JobSaid(job=str(intent.job), stance=intent.stance.value, because=intent.because, attached=attached)


def _changes(outcomes: Sequence[Outcome]) -> tuple[ChangeSaid, ...]:
    """The last word on each change; what somebody else was quicker with is no change of ours."""
    last: dict[tuple[str, str], Outcome] = {}
    for outcome in outcomes:
        key = (type(outcome.change).__name__, subject(outcome.change))
        if outcome.result != Result.KEPT or key not in last:
            last[key] = outcome
    return tuple(
        ChangeSaid(
            verb=verb(outcome.change),
            kind=kind(outcome.change),
            subject=subject(outcome.change),
            because=outcome.change.because,
            result=outcome.result.value,
            detail=outcome.detail,
            help=outcome.help,
        )
        for outcome in last.values()
    )


def _planned(change: Change) -> ChangeSaid:
    return ChangeSaid(
        verb=verb(change), kind=kind(change), subject=subject(change), because=change.because, result="planned"
    )


def _running(want: Want, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    moved = {subject(outcome.change) for outcome in outcomes if outcome.result == Result.UPDATED}
    running = [job.name.job for job in want.jobs if job.running and str(job.name) in moved]
    if not running:
        return ()
    return (f"an execution of {', '.join(running)} is running and keeps its old way; the next one takes the new way",)


def _way(want: Want, seen: Seen) -> tuple[str, ...]:
    names = [job.name.job for job in want.jobs]
    start = names[0] if len(names) == 1 else f"{len(names)} jobs"
    allowed = "; ".join(
        f"{', '.join(destination.ports)} to {destination.to}" for destination in want.profile.destinations
    )
    end = "internet" if want.profile.internet else "its destinations"
    return (
        start,
        want.way_said,
        *(() if want.adopted else _own_ground(want, seen, allowed)),
        *(("Cloud NAT",) if want.profile.reaches_internet else ()),
        end,
    )


def _own_ground(want: Want, seen: Seen, allowed: str) -> tuple[str, ...]:
    subnet = own_subnet(want, seen)
    return (
        f"subnet {subnet.range if subnet else '(none yet)'}",
        f"{len(own_rules(want, seen))} firewall rules ({allowed or 'nothing but Google APIs'})",
    )


def unneeded(intent: Intent, cause: Cause) -> OutcomeSaid:
    """No way out is wanted for this job; what is unclear says what would make it clear."""
    status: Status = "blocked" if intent.stance == Stance.UNCLEAR else "unneeded"
    why = "whether it needs a way out is unclear"  # because of what is said of the job itself
    blocked = (BlockedSaid(what=str(intent.job), why=why, help=intent.help),) if status == "blocked" else ()
    return OutcomeSaid(status=status, cause=_cause(cause), jobs=(_job(intent),), blocked=blocked)


def unreadable(what: str, sighting: Unreadable, cause: Cause) -> OutcomeSaid:
    """Not even the jobs can be looked at."""
    blocked = BlockedSaid(what=what, why=sighting.why, help=sighting.grant)
    return OutcomeSaid(status="blocked", cause=_cause(cause), blocked=(blocked,))


def no_places(cause: Cause) -> OutcomeSaid:
    """A sweep that does not know where to look, or not everywhere."""
    blocked = BlockedSaid(
        what="sweep",
        why="it looks at the projects and regions that the policy lists, each by its full name",
        help="list them in the policy: projects: [PROJECT, …] and regions: [REGION, …], without wildcards",
    )
    return OutcomeSaid(status="blocked", cause=_cause(cause), blocked=(blocked,))


def orphan(connector: ConnectorName, cause: Cause) -> OutcomeSaid:
    """A connector with a name of ours that no profile of the policy explains."""
    blocked = BlockedSaid(
        what=f"connector {connector.connector}",
        why="it has a name of ours, and no profile of the policy explains it: one was renamed or removed; it is billed",
        help=f"bring its profile back, or move its jobs and delete {connector}",
    )
    return OutcomeSaid(status="blocked", cause=_cause(cause), blocked=(blocked,))


def invalid(cause: Cause, field: str, message: str, request: str = "") -> OutcomeSaid:
    """A request that could not be read; `field` is dotted, empty for the whole message."""
    error = ErrorSaid(field=field, message=message)
    return OutcomeSaid(status="invalid", cause=_cause(cause), request=request, error=error)


def with_flags(outcome: OutcomeSaid, intent: Intent, want: Want) -> OutcomeSaid:
    """Add what to type to a deploy that the organisation policy on VPC egress refused."""
    again = "deploy it again with" if outcome.status == "whole" else "once its way out stands, deploy it again with"
    note = (
        f"the deploy of {intent.job.job} was refused by the organisation policy run.allowedVPCEgress; "
        f"{again} {' '.join(ways.flags(want.way))}"
    )
    said_of = JobSaid(job=str(intent.job), stance=cast("Literal['needs']", intent.stance.value), because=intent.because)
    return outcome.model_copy(update={"notes": (note, *outcome.notes), "jobs": (said_of,)})
