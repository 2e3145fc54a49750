"""The policy file's types. What contradicts itself is refused: see `checks`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from wayout.egress import ranges
from wayout.egress.model import Egress, NetworkName, Site, Traffic
from wayout.egress.policy import checks
from wayout.egress.policy.fields import NetworkText, Place, Ports, ProfileName, Range, SetName, Written

LABEL = "wayout"  # the job label by which a developer chooses
OFF = "off"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Destination(_Part):
    """Where jobs may go: `to` is CIDR text, a named set or `internet`; `ports` are like `tcp:443`, `icmp`, `all`."""

    to: Place
    ports: tuple[Ports, ...] = Field(min_length=1)
    _of_set: tuple[str, ...] = PrivateAttr(())  # nobody can write it: no input says what a set stands for elsewhere

    def stand_for(self, sets: Mapping[str, tuple[str, ...]]) -> None:
        """Take the ranges of the set that it names; done once, when its policy is loaded."""
        self._of_set = sets.get(self.to, ())

    @property
    def places(self) -> tuple[str, ...]:
        """The ranges (CIDR text) that it stands for, or `internet`."""
        return self._of_set or (self.to,)

    @property
    def traffic(self) -> tuple[Traffic, ...]:
        """The allowed traffic, in a fixed order."""
        found = [text.partition(":") for text in self.ports]
        return tuple(
            sorted({Traffic(proto, tuple(sorted(filter(None, ports.split(","))))) for proto, _, ports in found})
        )


class ConnectorSize(_Part):
    """A connector's machines; it only ever grows (Google's page on connectors). `project`: where it is made if the
    network is a Shared VPC host's: in the host project, or in each service project."""

    project: Literal["host", "service"] = "host"
    machine: Literal["f1-micro", "e2-micro", "e2-standard-4"] = "e2-micro"
    min_instances: int = Field(2, ge=2, le=9)
    max_instances: int = Field(3, ge=3, le=10)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_instances >= self.max_instances:
            raise ValueError("min_instances must be less than max_instances")
        return self


class NatWish(_Part):
    """The NAT that we make where none covers the site. `addresses`: names of reserved regional addresses."""

    addresses: tuple[str, ...] = ()
    min_ports: int = Field(1024, ge=32, le=32768)
    log: Literal["errors", "off"] = "errors"

    @model_validator(mode="after")
    def _power_of_two(self) -> Self:
        if self.min_ports & (self.min_ports - 1):
            raise ValueError("min_ports must be a power of two, since ports are given out dynamically")
        return self


class DirectWish(_Part):
    """The subnet of the direct road: /26 or larger (Google's page on Direct VPC egress)."""

    prefix: int = Field(26, ge=8, le=26)


class Adoption(_Part):
    """Which connectors of others may be used as they are (globs of their names), and for how many jobs in all."""

    connectors: tuple[str, ...] = ()
    max_jobs: int = Field(20, ge=1, le=1000)


Mode = Literal["observe", "enforce"]


class Profile(_Part):
    """A named way out. Its name is its identity: editing its destinations patches rules and moves no job."""

    road: Literal["connector", "direct", "auto"] = "connector"
    egress: Egress = Egress.PRIVATE
    network: NetworkText = "default"
    destinations: tuple[Destination, ...] = Field((), max_length=100)
    google_apis: Literal["default-domains", "private", "restricted", "none"] = "default-domains"
    pool: tuple[Range, ...] = Field(("10.127.0.0/16",), min_length=1)
    connector: ConnectorSize = ConnectorSize()
    nat: NatWish = NatWish()
    direct: DirectWish = DirectWish()
    adopt: Adoption = Adoption()
    host_writes: bool = False  # in a network of another project, a Shared VPC's host
    retire: Literal["disable", "delete", "keep"] = "disable"
    outranks: tuple[str, ...] = ()  # denies of others that our allows may stand above
    tolerates: tuple[str, ...] = ()  # allows of others that may stand above our denies
    idle: Literal["report", "remove"] = "report"
    idle_days: int = Field(7, ge=1, le=25)  # the ledger remembers a month
    detach: bool = False
    mode: Mode | None = None
    labels: bool = False
    requests: bool | tuple[str, ...] = False  # or the senders (globs) that may ask for it
    tell: tuple[str, ...] = ()  # Slack channels that hear of it

    @property
    def internet(self) -> bool:
        """Whether some destination is the internet."""
        return any(destination.to == "internet" for destination in self.destinations)

    @property
    def ranges(self) -> tuple[str, ...]:
        """The destinations that are ranges (CIDR text)."""
        places = (place for destination in self.destinations for place in destination.places)
        return tuple(place for place in places if place[:1].isdigit())  # a name is internet, or of a set not there

    @property
    def reaches_internet(self) -> bool:
        """Whether it lets traffic out to the internet through the VPC, so that a NAT is needed."""
        if self.egress != Egress.ALL:
            return False
        if self.internet or self.google_apis == "default-domains":
            return True
        return any(not ranges.within((place,), ranges.PRIVATE) for place in self.ranges)

    @property
    def taken_road(self) -> Literal["connector", "direct"]:
        """The road itself. `auto` is Google's advice: Direct VPC egress, but a connector where Cloud NAT is in play,
        since there the direct road may add half a minute to each start (Google's page on Direct VPC egress)."""
        if self.road != "auto":
            return self.road
        return "connector" if self.reaches_internet else "direct"

    def may_ask(self, sender: str) -> bool:
        """Whether a request of this sender may choose the profile."""
        if isinstance(self.requests, bool):
            return self.requests
        return any(fnmatchcase(sender, pattern) for pattern in self.requests)

    def site_for(self, name: str, project: str, region: str) -> Site:
        """The site of a job of that project and region; `name` is the profile's own."""
        network = self.network_for(project)
        away = network.project != project and self.taken_road == "connector" and self.connector.project == "service"
        return Site(network, region, name, project if away else "")

    def network_for(self, project: str) -> NetworkName:
        """The profile's network; a bare name is one in the job's own project."""
        return NetworkName.parse(self.network) if "/" in self.network else NetworkName(project, self.network)


class Match(_Part):
    """Which jobs a rule or exemption is about. Globs; what is left out matches everything.

    `folder` is `folders/NUMBER` (or its number), at any height above the project.
    """

    project: str = "*"
    folder: Written = ""
    region: str = "*"
    job: str = "*"
    labels: dict[str, Written] = Field(default_factory=dict)
    service_account: str = "*"


class Rule(_Part):
    """The first rule that matches decides: a profile, or `off`."""

    name: str = ""
    match: Match = Match()
    profile: str
    mode: Mode | None = None


class Exemption(_Part):
    """Jobs that nobody touches, for a while: who answers for it, why, and until which day (the last one)."""

    match: Match
    owner: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    expires: date


class Policy(_Part):
    """A whole policy. `mode` is `observe` unless a rule says `enforce`; `paused` stops all writes."""

    version: Literal[1]
    mode: Mode = "observe"
    paused: bool = False
    projects: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    sets: dict[SetName, Annotated[tuple[Range, ...], Field(min_length=1)]] = Field(default_factory=dict)
    reserved: dict[str, tuple[Range, ...]] = Field(default_factory=dict)  # where others live: peerings, on-premises
    profiles: dict[ProfileName, Profile] = Field(min_length=1)
    rules: tuple[Rule, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    evidence: str = ""
    create_network: bool = False
    profiles_per_network: int = Field(4, ge=1, le=20)
    sites_per_hour: int = Field(50, ge=1)  # that may be changed within an hour: a brake on a run-away
    managed: Literal["tell", "act"] = "tell"  # of jobs whose source is Terraform or the like

    @model_validator(mode="after")
    def _sets_filled_in(self) -> Self:
        for profile in self.profiles.values():
            for destination in profile.destinations:
                destination.stand_for(self.sets)
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if found := tuple(checks.contradictions(self)):
            raise checks.ContradictionError(found)
        return self

    def covers(self, project: str, region: str) -> bool:
        """Whether this policy speaks of a place at all; see `silent_on`."""
        return not self.silent_on(project, region)

    def silent_on(self, project: str, region: str) -> str:
        """In words, why this policy does not speak of a place: it does of the projects and regions that it lists
        (globs), and of every one where it lists none. Empty where it speaks."""
        if not _listed(project, self.projects):
            return f"the policy does not speak of project {project}"
        if not _listed(region, self.regions):
            return f"the region {region} is not among the policy's regions ({', '.join(self.regions)})"
        return ""

    def sites(self, project: str, region: str) -> Iterator[Site]:
        """Every site that the policy could make for jobs of one project and region."""
        for name, profile in self.profiles.items():
            yield profile.site_for(name, project, region)

    @property
    def known_projects(self) -> tuple[str, ...]:
        """The projects that it lists by their full name; globs name none that could be looked at."""
        return tuple(project for project in self.projects if not _is_glob(project))

    @property
    def known_regions(self) -> tuple[str, ...]:
        """The regions that it lists by their full name."""
        return tuple(region for region in self.regions if not _is_glob(region))

    def projects_of(self, site: Site) -> tuple[str, ...]:
        """The projects whose jobs may belong to a site, as far as the policy names them."""
        profile = self.profiles[site.profile]
        near = (site.home or site.network.project,)
        # A site with a home is that project's alone, and so is one in a network that each project has of its own.
        others = self.known_projects if "/" in profile.network and not site.home else ()
        return tuple(
            dict.fromkeys(
                project
                for project in (*near, *others)
                if self.covers(project, site.region) and profile.site_for(site.profile, project, site.region) == site
            )
        )


def _listed(name: str, patterns: tuple[str, ...]) -> bool:
    if not patterns or name in patterns:
        return True
    return any(fnmatchcase(name, pattern) for pattern in patterns if _is_glob(pattern))


def _is_glob(pattern: str) -> bool:
    return not set(pattern).isdisjoint("*?[")
