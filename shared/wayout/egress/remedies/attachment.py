"""The job's own `vpcAccess`: set last, when everything on the way stands."""

from __future__ import annotations

from wayout.egress import naming
from wayout.egress.model import Attach, ConnectorsIn, Job, Seen, Way
from wayout.egress.remedies.remedy import Remedy, Verdict, Want, wait_for

GROUNDS = ("subnet", "DNS zone", "firewall", "connector", "firewall denies", "Cloud NAT")


def reads(want: Want) -> tuple[ConnectorsIn, ...]:
    """The connectors: a job may name one that is gone."""
    return (want.connectors,)


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """One change per job that is not on its way yet; a job that has another working way of its own is left on it."""
    way = Way(want.profile.egress, want.connector)
    astray = [job for job in want.jobs if job.way != way and not job.deleted]
    kept = {job.name: said for job in astray if (said := _own_way(job, want, seen))}
    moving = [job for job in astray if job.name not in kept]
    notes = tuple(kept.values())
    if not moving:
        return Verdict(notes=notes)
    if waits := wait_for(*GROUNDS, done=done, what=f"attaching {', '.join(job.name.job for job in moving[:5])}"):
        return Verdict(waiting=waits.waiting, notes=notes)
    return Verdict(
        changes=tuple(Attach(job.name, job.etag, way, job.way, _why(job, want)) for job in moving), notes=notes
    )


def _own_way(job: Job, want: Want, seen: Seen) -> str:
    """What to say of a job that has a working way of its own; empty if it may be attached."""
    if job.way is None or job.way.connector == want.connector:
        return ""
    if job.way.interface:
        return f"{job.name.job} uses Direct VPC egress; it is left on it"
    named = job.way.connector
    if named and naming.place_of(named):
        return ""  # another profile's connector: drift
    exists = (
        named
        and named.region == want.site.region
        and any(found.name.connector == named.connector for found in seen.get(want.connectors))
    )
    return (
        f"{job.name.job} uses the connector {named.connector}, not ours; it is left on it" if named and exists else ""
    )


def _why(job: Job, want: Want) -> str:
    if job.way is None:
        return f"it has no VPC egress, and the profile {want.site.profile} gives it {want.profile.egress}"
    if job.way.connector == want.connector:
        return f"its egress is {job.way.egress}, and the profile {want.site.profile} says {want.profile.egress}"
    if job.way.connector and naming.place_of(job.way.connector):
        return f"it is on {job.way.connector.connector}, which is not that of its profile {want.site.profile}"
    return f"it names {job.way.connector}, which does not exist in {want.site.region}"


REMEDY = Remedy(
    "attachment",
    reads,
    judge,
    permissions=("run.jobs.get", "run.jobs.list", "run.jobs.update", "run.operations.get", "iam.serviceAccounts.actAs"),
)
