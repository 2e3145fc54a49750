"""The job's own `vpcAccess`: set last, when everything on the way stands."""

from __future__ import annotations

from typing import Any

from wayout.egress import managers, naming, troubles, ways
from wayout.egress.managers import Manager
from wayout.egress.model import Attach, Blocked, Job, JobName, Read, Seen, SubnetsOf
from wayout.egress.remedies.elsewhere import Own, own_way, said
from wayout.egress.remedies.remedy import Remedy, Verdict, Want, wait_for

GROUNDS = ("subnet", "DNS zone", "firewall", "connector", "firewall denies", "Cloud NAT")


def reads(want: Want) -> tuple[Read[Any], ...]:
    """The connectors and subnets: a job may name one that is gone. Where it names one elsewhere, `judge` asks."""
    return (want.connectors, SubnetsOf(want.site.network))


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """One change per job that is not on its way yet; a job that has another working way of its own is left on it."""
    left = left_alone(want, seen)
    moving = [job for job in want.jobs if _astray(job, want) and job.name not in left]
    told = [(job, by) for job, by in want.told if _astray(job, want) and job.name not in left]
    notes = (*(own.note for own in left.values() if own.note), *_crowd(want, moving))
    blocked = tuple(own.blocked for own in left.values() if own.blocked)
    names = [job.name.job for job in (*moving, *(job for job, _ in told))]
    if not names:
        return Verdict(blocked=blocked, notes=notes)
    if waits := wait_for(*GROUNDS, done=done, what=f"attaching {', '.join(names[:5])}"):
        return Verdict(blocked=blocked, waiting=waits.waiting, notes=notes)
    return Verdict(
        changes=tuple(Attach(job.name, job.etag, want.way, job.way, _why(job, want, seen)) for job in moving),
        blocked=(*blocked, *(_told(job, by, want) for job, by in told)),
        notes=notes,
    )


def left_alone(want: Want, seen: Seen) -> dict[JobName, Own]:
    """The jobs that are left on a way of their own, and what is said of each."""
    found = ((job.name, own_way(job, want, seen)) for job in want.known_jobs)
    return {name: own for name, own in found if own}


def _astray(job: Job, want: Want) -> bool:
    return not job.deleted and not ways.same(job.way, want.way, job.name)


def _told(job: Job, by: Manager, want: Want) -> Blocked:
    """A job that lives in somebody's source would drift from it, and the next apply would undo what we did."""
    why = f"its source is {by.kind} ({by.evidence}), which would undo our change; its way out is ready"
    text = managers.source_text(by, job, want.way)
    help_ = f"put this into its source, or let the policy say managed: act\n{text}"
    return Blocked(f"job {job.name.job}", why, help_, one_job=True)


def _crowd(want: Want, moving: list[Job]) -> tuple[str, ...]:
    """On the direct road each task has an address of its own (Google's page on Direct VPC egress)."""
    if want.road != "direct" or not moving:
        return ()
    room, tasks = (1 << (32 - want.profile.direct.prefix)) - 4, sum(job.tasks for job in want.jobs)
    said = ["rules cannot log what jobs on the direct road are denied, and executions longer than an hour may be moved"]
    if tasks > room:
        said.append(
            f"{tasks} tasks may run side by side, and the subnet has {room} addresses: "
            "give the profile a shorter direct.prefix"
        )
    return tuple(said)


def _why(job: Job, want: Want, seen: Seen) -> str:
    profile, was, way = want.site.profile, job.way, want.way
    if was is None:
        return f"it has no VPC egress, and the profile {profile} gives it {want.profile.egress}"
    if was.connector and was.interface:
        return f"it names a connector and a network interface at once, and the profile {profile} gives it one road"
    if (was.connector, was.interface) == (way.connector, way.interface):
        return f"its egress is {was.egress}, and the profile {profile} says {want.profile.egress}"
    if retagged := ways.retagged(was, way, job.name):
        return retagged
    ours = naming.place_of(was.connector) if was.connector else None
    if broken := "" if ours else troubles.broken(job, seen, want.site.network):
        return f"{broken}, and its profile {profile} takes {want.way_said}"
    if was.interface or way.interface:
        return f"it is on {said(was)}, and its profile {profile} takes {want.way_said}"
    return f"it is on {said(was)}, which is not that of its profile {profile}"


REMEDY = Remedy(
    "attachment",
    reads,
    judge,
    permissions=(
        "vpcaccess.connectors.list",
        "compute.subnetworks.list",
        "run.jobs.get",
        "run.jobs.update",
        "run.operations.get",
        "iam.serviceAccounts.actAs",
    ),
)
