"""The same story for every job of every project and region that the policy lists."""

from __future__ import annotations

from collections.abc import Iterator

from wayout import reconcile
from wayout.egress import naming, need, report
from wayout.egress.model import Cause, ConnectorsIn, JobsIn, Present, Site, Unreadable
from wayout.egress.need import Stance
from wayout.reconcile import Ending, Parts


def everything(cause: Cause, parts: Parts, *, apply: bool = True) -> Iterator[Ending]:
    """One ending per site that somebody needs or that is still there, per unclear job, and per place unseen."""
    policy = parts.policy()
    projects = [project for project in policy.projects if not set(project) & set("*?[")]
    if len(projects) < len(policy.projects) or not (projects and policy.regions):
        yield Ending(report.no_places(cause))
    for project in projects:
        for region in policy.regions:
            yield from _place(project, region, cause, parts, apply=apply)


def _place(project: str, region: str, cause: Cause, parts: Parts, *, apply: bool) -> Iterator[Ending]:
    policy, today = parts.policy(), parts.today()
    jobs_read, connectors_read = JobsIn(project, region), ConnectorsIn(project, region)
    seen = parts.look({jobs_read, connectors_read})
    jobs, connectors = seen[jobs_read], seen[connectors_read]
    if isinstance(jobs, Unreadable):
        yield Ending(report.unreadable(f"the jobs of {project} in {region}", jobs, cause))
        return
    intents = [need.judge(policy, job, today=today) for job in (jobs.value if isinstance(jobs, Present) else ())]
    yield from (Ending(report.unneeded(intent, cause)) for intent in intents if intent.stance == Stance.UNCLEAR)
    if isinstance(connectors, Unreadable):
        yield Ending(report.unreadable(f"the connectors of {project} in {region}", connectors, cause))
    there = {found.name for found in (connectors.value if isinstance(connectors, Present) else ())}
    standing = {site for site in policy.sites(project, region) if naming.connector_of(site) in there}
    wanted: set[Site] = {intent.site for intent in intents if intent.site}
    for site in sorted(wanted | standing, key=str):
        parts.watch("site", site)
        if ending := reconcile.whole_site(site, cause, parts, apply=apply):
            yield ending
