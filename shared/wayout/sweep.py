"""The same story for every job of every project and region that the policy lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

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

_NAMED = 5  # of what was not looked at; a log line need not hold hundreds

Place = tuple[str, str]  # project and region


@dataclass
class Round:
    """One sweep, however often its delivery comes again: where it begins, and how far its tries have come.

    `start`: at which part of all places, from 0 to 1, so that what is far down the list has its turn too. `whole`:
    what need not be looked at again. `failed`: what was begun in vain, the longest ago first; it waits for all others.
    """

    start: float = 0.0
    whole: set[Place] = field(default_factory=set)
    failed: dict[Place, None] = field(default_factory=dict)

    def order(self, places: Sequence[Place]) -> list[Place]:
        """The places that are still to be looked at."""
        first = int(self.start * len(places))
        todo = [place for place in (*places[first:], *places[:first]) if place not in self.whole]
        failed = [place for place in tuple(self.failed) if place in todo]
        return [*(place for place in todo if place not in failed), *failed]

    def note(self, place: Place, *, whole: bool) -> None:
        """What has become of a place."""
        self.failed.pop(place, None)
        if whole:
            self.whole.add(place)
        else:
            self.failed[place] = None


def everything(cause: Cause, parts: Parts, *, apply: bool = True, round_: Round | None = None) -> Iterator[Ending]:
    """One ending per site that somebody needs or that is still there, per unclear job, per place unseen, and per
    connector of ours that no profile explains any more.

    What fails keeps nothing else from being looked at. What no time is left for is named by the last ending.
    """
    policy = parts.policy()
    projects, regions = policy.known_projects, policy.known_regions
    wild = len(projects) < len(policy.projects) or len(regions) < len(policy.regions)
    if wild or not (projects and regions):
        yield Ending(report.no_places(cause))
    going, sweep = round_ or Round(), _Sweep(cause, parts, apply)
    for place in going.order([(project, region) for project in projects for region in regions]):
        if sweep.late_for(_words(*place)):
            continue
        before, whole = len(sweep.late), True
        for ending in reconcile.spared(_words(*place), cause, _place(*place, sweep)):
            whole = whole and not ending.again
            yield ending
        going.note(place, whole=whole and len(sweep.late) == before)
    if sweep.late:
        yield reconcile.again("sweep", cause, f"the time of this delivery is up; not looked at: {_few(sweep.late)}")


def _words(project: str, region: str) -> str:
    return f"{project} in {region}"


def _few(names: Sequence[str]) -> str:
    """The names, if they are few, or some of them and how many there are."""
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


@dataclass
class _Sweep:
    """One try. `done`: the sites of a Shared VPC that another project's jobs have led to. `late`: what no time was
    left for."""

    cause: Cause
    parts: Parts
    apply: bool
    done: set[Site] = field(default_factory=set)
    late: list[str] = field(default_factory=list)

    def late_for(self, what: str) -> bool:
        """Whether no time is left for it."""
        late = self.parts.left(self.parts.deadline()) <= 0
        if late:
            self.late.append(what)
        return late


def _place(project: str, region: str, sweep: _Sweep) -> Iterator[Ending]:
    """One project and region. What its sites have in common is looked at once, and forgotten with the place."""
    cause, parts = sweep.cause, sweep.parts
    policy = parts.policy()
    jobs_read, connectors_read = JobsIn(project, region), ConnectorsIn(project, region)
    known: reconcile.Known = dict(parts.look({jobs_read, connectors_read}))
    jobs, connectors = known[jobs_read], known[connectors_read]
    if isinstance(jobs, Unreadable):
        yield Ending(report.unreadable(f"the jobs of {_words(project, region)}", jobs, cause))
        return
    wanted: set[Site] = set()
    for job in jobs.value if isinstance(jobs, Present) else ():
        yield from _judged(policy, job, wanted, cause, parts, known)
    if isinstance(connectors, Unreadable):
        yield Ending(report.unreadable(f"the connectors of {_words(project, region)}", connectors, cause))
    there = connectors.value if isinstance(connectors, Present) else ()
    yield from _orphans(policy, there, project, region, cause)
    wanted.update(reconcile.sites_standing(policy, project, region, parts, known))
    for site in sorted(wanted - sweep.done, key=str):
        if not sweep.late_for(str(site)):
            sweep.done.add(site)
            parts.watch("site", site)
            yield from reconcile.one_of_several(site, cause, parts, apply=sweep.apply, known=known)


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
