"""Jobs that have a way of their own, which is not ours: one that works is left alone, and what is wrong with it said.

Sources: design, sections 5 (never cut, hands off, honest eyes) and 6 (need, attachment).
"""

from __future__ import annotations

from dataclasses import dataclass

from wayout.egress import commands, managers, naming, troubles, ways
from wayout.egress.model import Attach, BlindError, Blocked, ConnectorsIn, Job, NetworkName, Seen, Unreadable, Way
from wayout.egress.remedies.remedy import Want


@dataclass(frozen=True, slots=True)
class Own:
    """A way of its own that a job is left on, in words; `blocked` where it is not what the policy wants."""

    note: str = ""
    blocked: Blocked | None = None


def own_way(job: Job, want: Want, seen: Seen) -> Own | None:
    """None for a job that may be attached: it has no way, a broken one, or one of ours.

    Raises NotLookedError; what cannot be seen blocks that one job, which is left as it is.
    """
    if job.deleted or job.way is None or not _of_others(job, want):
        return None
    try:
        if troubles.broken(job, seen, want.site.network):
            return None
        if _adopted(job, want, seen):
            return Own() if job.way.egress == want.way.egress else None
        wrong = _wrong(job, want, seen)
    except BlindError as blind:
        why = f"it uses {said(job.way)}, not ours, and whether that works cannot be known: {blind.sighting.why}"
        return Own(blocked=_blocked(job, why, blind.sighting.grant))
    left = f"{job.name.job} uses {said(job.way)}, not ours; it is left on it"
    if wrong:
        why, mend = wrong
        return Own(blocked=_blocked(job, f"{left}: {why}", f"{mend}; or {_clearing(job, want)}"))
    return Own(f"{left}{_bare(job, seen)}")


def all_elsewhere(want: Want, seen: Seen) -> bool:
    """Whether there are jobs, each of them left on a way of its own: nobody needs ours. Raises NotLookedError."""
    return bool(want.known_jobs) and not needing(want, seen)


def needing(want: Want, seen: Seen) -> tuple[Job, ...]:
    """The jobs of a site that are on our way, or may be put on it. Raises NotLookedError."""
    return tuple(job for job in want.known_jobs if own_way(job, want, seen) is None)


def said(way: Way) -> str:
    """A way in words."""
    if way.connector:
        return f"the connector {way.connector.connector}"
    interface = way.interface
    return f"Direct VPC egress in {((interface.subnet or interface.network) if interface else '-').rpartition('/')[2]}"


def _of_others(job: Job, want: Want) -> bool:
    """Ours with another egress, or another profile's, is drift; and so is what Google refuses."""
    way = job.way
    if way is None or ways.same(way, want.way, job.name) or (way.connector and way.interface):
        return False
    if way.connector:
        return way.connector != want.way.connector and naming.place_of(way.connector) is None
    ground = ways.ground(way.interface, job.name)
    return ground is not None and naming.place_of(ground[1]) is None


def _adopted(job: Job, want: Want, seen: Seen) -> bool:
    """Whether it is on the connector that is adopted, under its project's number."""
    named = job.way.connector if job.way else None
    found = troubles.named_connector(named, seen) if named else None
    return want.adopted is not None and found is not None and found.name == want.adopted.name


def _wrong(job: Job, want: Want, seen: Seen) -> tuple[str, str] | None:
    """What is wrong with a way that works, and what would mend it as it is."""
    network, wanted = troubles.leads_into(job, seen, want.site.network), want.site.network
    if network and network != wanted:
        if network.network == wanted.network and network.project.isdigit():
            unknown = Unreadable(f"which project has the number {network.project}", "name it by the project's id")
            raise BlindError(ConnectorsIn(network.project, job.name.region), unknown)
        why = f"that leads into the network {_named(network, wanted)}, and its profile {want.site.profile} into "
        meant = "if that is meant, exempt the job or give it a profile of that network"
        return f"{why}{_named(wanted, network)}", meant
    # Without a NAT a profile that reaches nothing on the internet misses nothing.
    lost = troubles.unserved(job, seen, want.site.network) if want.profile.reaches_internet else ""
    return (lost, "let a Cloud NAT cover it") if lost else None


def _named(network: NetworkName, other: NetworkName) -> str:
    return network.network if network.project == other.project else str(network)


def _clearing(job: Job, want: Want) -> str:
    """What a person does to have the job on our way instead."""
    if manager := next((by for one, by in want.told if one.name == job.name), None):
        return f"put our way into its source\n{managers.source_text(manager, job, want.way)}"
    command = commands.gcloud(Attach(job.name, job.etag, None, job.way, ""))
    return f"take it off, and it is attached to ours: {command}"


def _blocked(job: Job, why: str, help_: str) -> Blocked:
    return Blocked(f"job {job.name.job}", why, help_, one_job=True)


def _bare(job: Job, seen: Seen) -> str:
    named = job.way.connector if job.way else None
    found = troubles.named_connector(named, seen) if named else None
    if found is None or found.subnet:
        return ""
    return "; it has a bare range, which neither firewall rules nor a NAT's list can name"
