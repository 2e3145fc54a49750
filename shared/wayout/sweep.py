"""The same story for every job of every project and region that the policy lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wayout import reconcile
from wayout.egress import naming, report
from wayout.egress.model import (
    BlindError,
    Cause,
    Connector,
    ConnectorsIn,
    Job,
    JobsIn,
    Present,
    Read,
    Sighting,
    Site,
    Unreadable,
)
from wayout.egress.need import Intent, Stance
from wayout.parts import Parts
from wayout.reconcile import Ending


def everything(cause: Cause, parts: Parts, *, apply: bool = True) -> Iterator[Ending]:
    """One ending per site that somebody needs or that is still there, per unclear job, per place unseen, and per
    connector of ours that no profile explains any more."""
    policy = parts.policy()
    projects = policy.known_projects
    if len(projects) < len(policy.projects) or not (projects and policy.regions):
        yield Ending(report.no_places(cause))
    done: set[Site] = set()
    for project in projects:
        for region in policy.regions:
            yield from _place(project, region, cause, parts, done, apply=apply)


def _place(project: str, region: str, cause: Cause, parts: Parts, done: set[Site], *, apply: bool) -> Iterator[Ending]:
    """One project and region; `done` are the sites of a Shared VPC that another project's jobs have led to."""
    policy = parts.policy()
    jobs_read, connectors_read = JobsIn(project, region), ConnectorsIn(project, region)
    seen = parts.look({jobs_read, connectors_read})
    jobs, connectors = seen[jobs_read], seen[connectors_read]
    if isinstance(jobs, Unreadable):
        yield Ending(report.unreadable(f"the jobs of {project} in {region}", jobs, cause))
        return
    intents: list[Intent] = []
    for job in jobs.value if isinstance(jobs, Present) else ():
        yield from _judged(job, intents, cause, parts)
    if isinstance(connectors, Unreadable):
        yield Ending(report.unreadable(f"the connectors of {project} in {region}", connectors, cause))
    there = connectors.value if isinstance(connectors, Present) else ()
    yield from _orphans(there, project, region, cause, parts)
    standing = reconcile.sites_standing(policy, project, region, parts)
    wanted = {intent.site for intent in intents if intent.site} | set(standing)
    for site in sorted(wanted - done, key=str):
        done.add(site)
        parts.watch("site", site)
        if ending := reconcile.whole_site(site, cause, parts, apply=apply):
            yield ending


def _judged(job: Job, intents: list[Intent], cause: Cause, parts: Parts) -> Iterator[Ending]:
    """Takes the job's intent in; an ending where it is unclear, or cannot be known."""
    looked: dict[Read[Any], Sighting[Any]] = {}
    try:
        intent = reconcile.judged(parts.policy(), job, parts, parts.today(), looked)
    except BlindError as blind:
        yield Ending(report.unreadable(str(job.name), blind.sighting, cause))
        return
    intents.append(intent)
    if intent.stance == Stance.UNCLEAR:
        yield Ending(report.unneeded(intent, cause))


def _orphans(
    connectors: tuple[Connector, ...], project: str, region: str, cause: Cause, parts: Parts
) -> Iterator[Ending]:
    """A profile that was renamed or removed leaves its connector behind, and nobody could tell whose it was."""
    policy = parts.policy()
    explained = {
        naming.connector_of(site)
        for each in dict.fromkeys((project, *policy.known_projects))
        for site in policy.sites(each, region)
    }
    for found in connectors:
        if naming.place_of(found.name) and found.name not in explained:
            yield Ending(report.orphan(found.name, cause))
