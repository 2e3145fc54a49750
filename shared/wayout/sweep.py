"""The same story for every job of every project and region that the policy lists."""

from __future__ import annotations

from collections.abc import Iterator

from wayout import reconcile
from wayout.egress import naming, report
from wayout.egress.model import (
    BlindError,
    Cause,
    Connector,
    ConnectorName,
    ConnectorsIn,
    Job,
    JobsIn,
    Present,
    Site,
    Unreadable,
)
from wayout.egress.need import Stance
from wayout.egress.policy import Policy
from wayout.parts import Parts
from wayout.reconcile import Ending


def everything(cause: Cause, parts: Parts, *, apply: bool = True) -> Iterator[Ending]:
    """One ending per site that somebody needs or that is still there, per unclear job, per place unseen, and per
    connector of ours that no profile explains any more."""
    policy = parts.policy()
    projects, regions = policy.known_projects, policy.known_regions
    wild = len(projects) < len(policy.projects) or len(regions) < len(policy.regions)
    if wild or not (projects and regions):
        yield Ending(report.no_places(cause))
    done: set[Site] = set()
    for project in projects:
        for region in regions:
            yield from _place(project, region, cause, parts, done, apply=apply)


def _place(project: str, region: str, cause: Cause, parts: Parts, done: set[Site], *, apply: bool) -> Iterator[Ending]:
    """One project and region; `done` are the sites of a Shared VPC that another project's jobs have led to.

    What its sites have in common is looked at once, and forgotten with the place.
    """
    policy = parts.policy()
    jobs_read, connectors_read = JobsIn(project, region), ConnectorsIn(project, region)
    known: reconcile.Known = dict(parts.look({jobs_read, connectors_read}))
    jobs, connectors = known[jobs_read], known[connectors_read]
    if isinstance(jobs, Unreadable):
        yield Ending(report.unreadable(f"the jobs of {project} in {region}", jobs, cause))
        return
    wanted: set[Site] = set()
    for job in jobs.value if isinstance(jobs, Present) else ():
        yield from _judged(policy, job, wanted, cause, parts, known)
    if isinstance(connectors, Unreadable):
        yield Ending(report.unreadable(f"the connectors of {project} in {region}", connectors, cause))
    there = connectors.value if isinstance(connectors, Present) else ()
    yield from _orphans(policy, there, project, region, cause)
    wanted.update(reconcile.sites_standing(policy, project, region, parts, known))
    for site in sorted(wanted - done, key=str):
        done.add(site)
        parts.watch("site", site)
        if ending := reconcile.whole_site(site, cause, parts, apply=apply, known=known):
            yield ending


def _judged(
    policy: Policy, job: Job, wanted: set[Site], cause: Cause, parts: Parts, known: reconcile.Known
) -> Iterator[Ending]:
    """Takes in the site that the job needs; an ending where that is unclear, or cannot be known."""
    try:
        intent = reconcile.judged(policy, job, parts, parts.today(), known)
    except BlindError as blind:
        yield Ending(report.unreadable(str(job.name), blind.sighting, cause))
        return
    if intent.site:
        wanted.add(intent.site)
    if intent.stance == Stance.UNCLEAR:
        yield Ending(report.unneeded(intent, cause))


def _orphans(
    policy: Policy, connectors: tuple[Connector, ...], project: str, region: str, cause: Cause
) -> Iterator[Ending]:
    """A profile that was renamed or removed leaves its connector behind, and nobody could tell whose it was."""

    def explained(*projects: str) -> set[ConnectorName]:
        return {naming.connector_of(site) for each in projects for site in policy.sites(each, region)}

    strange = {found.name for found in connectors if naming.place_of(found.name)} - explained(project)
    if strange:
        strange -= explained(*policy.known_projects)  # a site of another project's jobs, in this one's network
    for name in sorted(strange):
        yield Ending(report.orphan(name, cause))
