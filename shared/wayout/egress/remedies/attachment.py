"""The job's own `vpcAccess`: set last, when everything on the way stands."""

from __future__ import annotations

from typing import Any

from wayout.egress import managers, naming, ways
from wayout.egress.managers import Manager
from wayout.egress.model import Attach, Blocked, Connector, Job, Read, Seen, State, SubnetsOf, Way
from wayout.egress.remedies.remedy import Remedy, Verdict, Want, wait_for

GROUNDS = ("subnet", "DNS zone", "firewall", "connector", "firewall denies", "Cloud NAT")
WORKING = (State.READY, State.UPDATING, State.CREATING)


def reads(want: Want) -> tuple[Read[Any], ...]:
    """The connectors and subnets: a job may name one that is gone."""
    return (want.connectors, SubnetsOf(want.site.network))


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """One change per job that is not on its way yet; a job that has another working way of its own is left on it."""
    astray = [job for job in want.jobs if not job.deleted and not ways.same(job.way, want.way, job.name)]
    kept = {job.name: said for job in astray if (said := _own_way(job, want, seen))}
    moving = [job for job in astray if job.name not in kept]
    told = [(job, by) for job, by in want.told if not job.deleted and not ways.same(job.way, want.way, job.name)]
    notes = (*kept.values(), *_crowd(want, moving))
    names = [job.name.job for job in (*moving, *(job for job, _ in told))]
    if not names:
        return Verdict(notes=notes)
    if waits := wait_for(*GROUNDS, done=done, what=f"attaching {', '.join(names[:5])}"):
        return Verdict(waiting=waits.waiting, notes=notes)
    return Verdict(
        changes=tuple(Attach(job.name, job.etag, want.way, job.way, _why(job, want)) for job in moving),
        blocked=tuple(_told(job, by, want) for job, by in told),
        notes=notes,
    )


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


def _own_way(job: Job, want: Want, seen: Seen) -> str:
    """What to say of a job that has a working way of its own; empty if it may be attached."""
    if job.way is None or (job.way.connector and job.way.interface):
        return ""
    if job.way.interface:
        return _own_interface(job, want, seen)
    named = job.way.connector
    if named is None or named == want.way.connector or naming.place_of(named):
        return ""  # the right one with another egress, or another profile's connector: drift
    found = _found(named.connector, want, seen) if named.region == want.site.region else None
    if found is None or found.state not in WORKING:
        return ""
    bare = "" if found.subnet else "; it has a bare range, which neither firewall rules nor a NAT's list can name"
    return f"{job.name.job} uses the connector {named.connector}, not ours; it is left on it{bare}"


def _found(connector: str, want: Want, seen: Seen) -> Connector | None:
    """By its short name: a job may spell the project as a number."""
    return next((found for found in seen.get(want.connectors) if found.name.connector == connector), None)


def _own_interface(job: Job, want: Want, seen: Seen) -> str:
    found = ways.ground(job.way.interface if job.way else None, job.name)
    if found is None or naming.place_of(found[1]):
        return ""  # one of ours: another profile's, or another egress
    network, subnet = found
    if network in (None, want.site.network):
        there = next((each for each in seen.get(SubnetsOf(want.site.network)) if each.name == subnet), None)
        if there is None and subnet.project == want.site.network.project:
            return ""
    return f"{job.name.job} uses Direct VPC egress in {subnet.subnet}, not ours; it is left on it"


def _why(job: Job, want: Want) -> str:
    profile, was, way = want.site.profile, job.way, want.way
    if was is None:
        return f"it has no VPC egress, and the profile {profile} gives it {want.profile.egress}"
    if was.connector and was.interface:
        return f"it names a connector and a network interface at once, and the profile {profile} gives it one road"
    if (was.connector, was.interface) == (way.connector, way.interface):
        return f"its egress is {was.egress}, and the profile {profile} says {want.profile.egress}"
    if was.interface or way.interface:
        return f"it is on {_place(was)}, and its profile {profile} takes {want.way_said}"
    if was.connector and naming.place_of(was.connector):
        return f"it is on {was.connector.connector}, which is not that of its profile {profile}"
    return f"it names {was.connector}, which does not exist or does not work in {want.site.region}"


def _place(way: Way) -> str:
    if way.connector:
        return f"the connector {way.connector.connector}"
    interface = way.interface
    return f"Direct VPC egress in {(interface.subnet or interface.network) if interface else '-'}".replace(
        "projects/", ""
    )


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
