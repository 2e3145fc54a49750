"""Whether a connector of others carries a site's jobs, instead of one of our own."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from wayout.egress import naming
from wayout.egress.coverage import covers
from wayout.egress.model import Connector, Job, JobsIn, Read, RoutersOf, Seen, State
from wayout.egress.remedies import Want

PERMISSIONS = ("vpcaccess.connectors.list", "run.jobs.list", "compute.routers.list")


def reads(want: Want) -> tuple[Read[Any], ...]:
    """What the choice needs beyond the connectors; nothing where the policy lets nobody's be adopted."""
    if not want.profile.adopt.connectors:
        return ()
    nat = (RoutersOf(want.site.network, want.site.region),) if want.profile.reaches_internet else ()
    return (*(JobsIn(project, want.site.region) for project in want.user_projects), *nat)


def settled(want: Want, seen: Seen) -> tuple[Want, tuple[str, ...]]:
    """The same want with the connector that it adopts, if any; and why, of each connector that was considered.

    Ours comes first if it stands. Else the first by name of those that fit: one that jobs of the site use already
    before any other, so that the choice stays what it was.
    """
    if want.own_road != "connector" or want.own_connector(seen) is not None:
        return want, ()
    foreign = [found for found in seen.get(want.connectors) if _of_others(found, want)]
    if not want.profile.adopt.connectors:
        bare = [found.name.connector for found in foreign if not found.subnet]
        said = f"connectors with a bare range ({', '.join(bare)}) are unfit for tight rules: those name a subnet or tag"
        return want, (said,) if bare else ()
    judged = {found: _unfit(found, want, seen) for found in foreign}
    fit = [found for found, why in judged.items() if not why]
    said_of = tuple(
        f"the connector {found.name.connector} is not adopted: {why}" for found, why in judged.items() if why
    )
    if not fit:
        return want, said_of
    chosen = min(fit, key=lambda found: (not _uses(found, want.jobs), found.name))
    return replace(want, adopted=chosen), (_adopted(chosen, want, seen), *said_of)


def _of_others(found: Connector, want: Want) -> bool:
    return found.network == want.site.network and naming.place_of(found.name) is None


def _unfit(found: Connector, want: Want, seen: Seen) -> str:
    """Why a connector is not adopted; empty if it is fit."""
    adopt = want.profile.adopt
    if not any(fnmatchcase(found.name.connector, pattern) for pattern in adopt.connectors):
        return f"the profile {want.site.profile} adopts only {', '.join(adopt.connectors)}"
    if found.state != State.READY:
        return f"it is {found.state}"
    new = [job for job in want.jobs if not _on(job, found)]
    attached = _attached(found, want, seen)
    if attached + len(new) > adopt.max_jobs:
        return f"{attached} jobs are attached and {len(new)} would come, with at most {adopt.max_jobs} allowed"
    if want.profile.reaches_internet:
        return _uncovered(found, want, seen)
    return ""


def _uncovered(found: Connector, want: Want, seen: Seen) -> str:
    routers = seen.get(RoutersOf(want.site.network, want.site.region))
    if any(covers(nat, found.subnet) for router in routers for nat in router.nats):
        return ""
    if found.subnet is None:
        return "no Cloud NAT for all subnets is there, and no list can name the hidden subnet of its bare range"
    return f"no Cloud NAT covers its subnet {found.subnet.subnet}"


def _on(job: Job, found: Connector) -> bool:
    named = job.way.connector if job.way else None
    return named is not None and (named.region, named.connector) == (found.name.region, found.name.connector)


def _uses(found: Connector, jobs: tuple[Job, ...]) -> bool:
    return any(_on(job, found) for job in jobs)


def _attached(found: Connector, want: Want, seen: Seen) -> int:
    jobs = (job for project in want.user_projects for job in seen.get(JobsIn(project, want.site.region)))
    return sum(_on(job, found) for job in jobs)


def _adopted(found: Connector, want: Want, seen: Seen) -> str:
    bare = "" if found.subnet else "; its range is bare, so that no firewall rule or NAT list could name its subnet"
    return (
        f"the connector {found.name.connector} is adopted as it is: READY, {_attached(found, want, seen)} of at most "
        f"{want.profile.adopt.max_jobs} jobs attached; it is not tightened by us, so its jobs may reach more than "
        f"{want.site.profile} says{bare}"
    )
