"""What can be looked at, and what was seen there: present, absent, or unreadable, never mixed up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from wayout.egress.model.changes import Written
from wayout.egress.model.things import (
    Address,
    Connector,
    Execution,
    FirewallPolicy,
    FirewallRule,
    Job,
    Network,
    Past,
    Quota,
    Reserved,
    Route,
    Router,
    Subnet,
    Zone,
)
from wayout.egress.names import JobName, NetworkName, Site

T = TypeVar("T")


class Read(Generic[T]):
    """Something to look at; what is seen there is a T. Values, so that a pass never looks twice."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class JobAt(Read[Job]):
    """One job."""

    name: JobName


@dataclass(frozen=True, slots=True)
class JobsIn(Read[tuple[Job, ...]]):
    """The jobs of one project and region."""

    project: str
    region: str


@dataclass(frozen=True, slots=True)
class ConnectorsIn(Read[tuple[Connector, ...]]):
    """The connectors of one project and region."""

    project: str
    region: str


@dataclass(frozen=True, slots=True)
class NetworkAt(Read[Network]):
    """One network."""

    name: NetworkName


@dataclass(frozen=True, slots=True)
class SubnetsOf(Read[tuple[Subnet, ...]]):
    """A network's subnets in every region."""

    network: NetworkName


@dataclass(frozen=True, slots=True)
class RulesOf(Read[tuple[FirewallRule, ...]]):
    """A network's VPC firewall rules."""

    network: NetworkName


@dataclass(frozen=True, slots=True)
class PoliciesOf(Read[tuple[FirewallPolicy, ...]]):
    """The hierarchical and global network firewall policies in force on a network, in the order in which they are
    asked."""

    network: NetworkName


@dataclass(frozen=True, slots=True)
class RegionPoliciesOf(Read[tuple[FirewallPolicy, ...]]):
    """The regional network firewall policies in force on a network in one region; asked after the global ones."""

    network: NetworkName
    region: str


@dataclass(frozen=True, slots=True)
class PeerRoutesOf(Read[tuple[Route, ...]]):
    """What a network has imported from its peers, in one region: subnets (`peering`), and static or learned routes."""

    network: NetworkName
    region: str


@dataclass(frozen=True, slots=True)
class ReservedIn(Read[tuple[Reserved, ...]]):
    """The ranges that are set aside in a network without being subnets."""

    network: NetworkName


@dataclass(frozen=True, slots=True)
class AddressesIn(Read[tuple[Address, ...]]):
    """The reserved external addresses of one project and region."""

    project: str
    region: str


@dataclass(frozen=True, slots=True)
class ExecutionsIn(Read[tuple[Execution, ...]]):
    """The executions of one project and region that have not ended."""

    project: str
    region: str


@dataclass(frozen=True, slots=True)
class FoldersOf(Read[tuple[str, ...]]):
    """The folders that a project lies in, the nearest first, as `folders/NUMBER`; then `organizations/NUMBER`."""

    project: str


@dataclass(frozen=True, slots=True)
class RuleQuotaOf(Read[tuple[Quota, ...]]):
    """How many VPC firewall rules a project may have; none where Google does not say."""

    project: str


@dataclass(frozen=True, slots=True)
class RoutersOf(Read[tuple[Router, ...]]):
    """The Cloud Routers of a network in one region, with their NATs."""

    network: NetworkName
    region: str


@dataclass(frozen=True, slots=True)
class RoutesOf(Read[tuple[Route, ...]]):
    """A network's routes."""

    network: NetworkName


@dataclass(frozen=True, slots=True)
class ZonesOf(Read[tuple[Zone, ...]]):
    """The private DNS zones that a network can see."""

    network: NetworkName


@dataclass(frozen=True, slots=True)
class HistoryOf(Read[tuple[Past, ...]]):
    """What the ledger remembers of a site, of the last day, newest first."""

    site: Site


@dataclass(frozen=True, slots=True)
class WrittenBy(Read[tuple[Written, ...]]):
    """The changes that the ledger has of one plan, and of all that was done with it for the same cause, of the last 30
    days, oldest first. `plan` is an outcome's plan id."""

    plan: str


@dataclass(frozen=True, slots=True)
class IdleSince(Read[float]):
    """For how many days a site has been seen without jobs and executions, as the ledger tells it; absent if it was
    not idle when somebody last said so."""

    site: Site


@dataclass(frozen=True, slots=True)
class SitesTouched(Read[tuple[str, ...]]):
    """The sites that were changed within the last hour, as the ledger tells it."""


@dataclass(frozen=True, slots=True)
class Present(Generic[T]):
    """It is there."""

    value: T


@dataclass(frozen=True, slots=True)
class Absent:
    """It was looked for, and is not there."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """It could not be looked at. `grant` names the permission or API that would make it readable."""

    why: str
    grant: str


Sighting = Present[T] | Absent | Unreadable


class NotLookedError(LookupError):
    """A plan needs to see something that nobody has looked at yet."""

    def __init__(self, read: Read[Any]) -> None:
        super().__init__(f"not looked at yet: {read}")
        self.read = read


class BlindError(LookupError):
    """A plan needs to see something that cannot be read."""

    def __init__(self, read: Read[Any], sighting: Unreadable) -> None:
        super().__init__(sighting.why)
        self.read = read
        self.sighting = sighting


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen, by what was looked at."""

    sightings: Mapping[Read[Any], Sighting[Any]] = field(default_factory=dict)

    def maybe(self, read: Read[T]) -> T | None:
        """What is there; None if it is absent. Raises NotLookedError, and BlindError where it cannot be read."""
        match self.sightings.get(read):
            case Present(value):
                found: T = value
                return found
            case Unreadable() as unreadable:
                raise BlindError(read, unreadable)
            case Absent():
                return None
            case None:
                raise NotLookedError(read)

    def get(self, read: Read[tuple[T, ...]]) -> tuple[T, ...]:
        """The things that are there; absent means none."""
        return self.maybe(read) or ()
