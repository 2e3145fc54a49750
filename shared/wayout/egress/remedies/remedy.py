"""What every remedy is: where it looks, what it makes of what was seen, and the permissions that its work takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from wayout.egress import naming
from wayout.egress.managers import Manager
from wayout.egress.model import (
    Blocked,
    Change,
    Connector,
    ConnectorName,
    ConnectorsIn,
    Interface,
    Job,
    JobName,
    Read,
    Seen,
    Site,
    Subnet,
    SubnetName,
    SubnetsOf,
    Waiting,
    Way,
)
from wayout.egress.policy import Profile
from wayout.egress.rules import Scope

Road = Literal["connector", "direct", "adopted"]


@dataclass(frozen=True, slots=True)
class Want:
    """What is wanted at one site: its profile, and the jobs that are to use it.

    `projects`: those whose jobs may belong to it. `adopted`: a connector of others that is used instead of our own.
    """

    site: Site
    profile: Profile
    jobs: tuple[Job, ...] = ()
    create_network: bool = False
    most_connectors: int = 4  # of ours, in one network and region
    projects: tuple[str, ...] = ()
    adopted: Connector | None = None
    regions: tuple[str, ...] = ()  # others in which something of the network may live
    needed_by: frozenset[JobName] = frozenset()  # all jobs that need it, those that this run leaves alone as well
    moving: frozenset[JobName] = frozenset()  # jobs that another site takes: they go there, and are not detached first
    detaches_managed: bool = False  # a job whose source is another is detached too
    told: tuple[tuple[Job, Manager], ...] = ()  # jobs whose source is another: it is told what to put there

    @property
    def road(self) -> Road:
        """The road that its jobs take."""
        return "adopted" if self.adopted else self.profile.taken_road

    @property
    def own_road(self) -> naming.Road:
        """The road on which things of our own are made."""
        return self.profile.taken_road

    @property
    def hosted(self) -> bool:
        """Whether the network is a Shared VPC's, and lies in another project than jobs that use it."""
        projects = {*self.projects, *(job.name.project for job in self.known_jobs), self.site.home} - {""}
        return bool(projects - {self.site.network.project})

    @property
    def known_jobs(self) -> tuple[Job, ...]:
        """Its jobs, whoever attaches them."""
        return (*self.jobs, *(job for job, _ in self.told))

    @property
    def user_projects(self) -> tuple[str, ...]:
        """The projects whose jobs may be on its way. In a Shared VPC those are not the host's, where connector and
        network may lie: what jobs are there is none of ours, unless the policy names it."""
        return self.projects or (self.site.home or self.site.network.project,)

    @property
    def connector(self) -> ConnectorName:
        """The site's own connector."""
        return naming.connector_of(self.site)

    @property
    def connectors(self) -> ConnectorsIn:
        """Where the site's connector is looked for."""
        return ConnectorsIn(self.connector.project, self.connector.region)

    @property
    def subnet(self) -> SubnetName:
        """The site's own subnet: its connector's, or its jobs' on the direct road."""
        return naming.subnet_of(self.site, self.own_road)

    @property
    def way(self) -> Way:
        """What a job of the site has for `vpcAccess` when it is on its way."""
        if self.adopted:
            return Way(self.profile.egress, self.adopted.name)
        if self.own_road == "connector":
            return Way(self.profile.egress, self.connector)
        tag = naming.direct_tag_of(self.site)
        return Way(self.profile.egress, interface=Interface(str(self.site.network), str(self.subnet), (tag,)))

    @property
    def way_said(self) -> str:
        """The way in words."""
        if self.way.connector:
            return f"connector {self.way.connector.connector}"
        return f"Direct VPC egress in {self.subnet.subnet}"

    def own_connector(self, seen: Seen) -> Connector | None:
        """The site's own connector as it was seen."""
        return next((found for found in seen.get(self.connectors) if found.name == self.connector), None)

    def own_subnet(self, seen: Seen) -> Subnet | None:
        """The site's own subnet as it was seen."""
        return next((found for found in seen.get(SubnetsOf(self.site.network)) if found.name == self.subnet), None)

    def scope(self, seen: Seen) -> Scope:
        """Whom our rules speak of; its range is empty as long as there is no subnet."""
        subnet = self.own_subnet(seen)
        direct = self.own_road == "direct"
        machines = self.adopted.name if self.adopted else self.connector
        tag = naming.direct_tag_of(self.site) if direct else naming.tag_of(machines)
        return Scope(self.own_road, tag, subnet.range if subnet else "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one remedy makes of what was seen. It is whole if nothing is missing, in the way or awaited."""

    changes: tuple[Change, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Nothing is left to do here; notes are only words."""
        return not (self.changes or self.blocked or self.waiting)


WHOLE = Verdict()

Judge = Callable[[Want, Seen, frozenset[str]], Verdict]
EVERY_ROAD: frozenset[Road] = frozenset({"connector", "direct", "adopted"})
OWN_ROADS: frozenset[Road] = frozenset({"connector", "direct"})
CONNECTOR_ROAD: frozenset[Road] = frozenset({"connector"})


@dataclass(frozen=True, slots=True)
class Remedy:
    """One kind of resource, on the roads that have it. `judge` gets the names of the remedies before it that are
    whole already; those that a road does not have count as whole."""

    name: str
    reads: Callable[[Want], tuple[Read[Any], ...]]
    judge: Judge
    permissions: tuple[str, ...]
    roads: frozenset[Road] = EVERY_ROAD


def wait_for(*grounds: str, done: frozenset[str], what: str) -> Verdict | None:
    """A verdict that waits for the first of `grounds` that is not whole yet, or None if all are."""
    missing = next((ground for ground in grounds if ground not in done), None)
    return Verdict(waiting=(Waiting(what, f"the {missing} is as it should be"),)) if missing else None
