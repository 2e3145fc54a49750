"""Changes, plans and outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from wayout.egress.model.things import Connector, FirewallRule, Network, Router, Subnet, Way
from wayout.egress.names import JobName, Site

Thing = Network | Subnet | Connector | FirewallRule | Router


@dataclass(frozen=True, slots=True)
class Create:
    """Make something that is not there."""

    thing: Thing
    because: str


@dataclass(frozen=True, slots=True)
class Update:
    """Bring something that is there to what it should be."""

    thing: Thing
    was: Thing
    because: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Take something away."""

    thing: Thing
    because: str


@dataclass(frozen=True, slots=True)
class Attach:
    """Set one job's `vpcAccess`, and nothing else of it, provided that its etag still is `etag`. No way: detach it."""

    job: JobName
    etag: str
    way: Way | None
    was: Way | None
    because: str


Change = Create | Update | Remove | Attach
Deed = Literal["create", "update", "remove", "attach", "detach"]


def subject(change: Change) -> str:
    """The name of what a change is about, in Google's relative form."""
    return str(change.job if isinstance(change, Attach) else change.thing.name)


def kind(change: Change) -> str:
    """The word for what a change is about: `subnet`, `firewall rule`, `job`, …"""
    return "job" if isinstance(change, Attach) else KINDS[type(change.thing)]


def verb(change: Change) -> Deed:
    """The word for what a change does; to attach a job to nothing is to detach it."""
    match change:
        case Create():
            return "create"
        case Update():
            return "update"
        case Remove():
            return "remove"
        case Attach():
            return "attach" if change.way else "detach"


KINDS: dict[type, str] = {
    Network: "network",
    Subnet: "subnet",
    Connector: "connector",
    FirewallRule: "firewall rule",
    Router: "router",
}


@dataclass(frozen=True, slots=True)
class Written:
    """One change as the ledger has it. `result` is `begun` where nobody has told what became of it."""

    site: Site
    change: Change
    result: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """Something that stands in the way: what, why, and who or what could help.

    `one_job`: it stands in the way of one job only, and not of the ground that others need.
    """

    what: str
    why: str
    help: str
    one_job: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """Ground that is not there yet. `elsewhere`: nobody here can hurry it; its own event will wake us."""

    what: str
    until: str
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes that bring what was seen to what is wanted; what blocks; what is waited for; what is worth a word.

    `life`: notes on the end of a site's life, which are true of this look only.
    """

    changes: tuple[Change, ...] = ()
    blocked: tuple[Blocked, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    notes: tuple[str, ...] = ()
    life: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing to change, nothing in the way, nothing to wait for."""
        return not (self.changes or self.blocked or self.waiting)


# The detail of a removal that found nothing to remove, or nothing left of it by an earlier try.
GONE_ALREADY = "it was gone already"


class Result(StrEnum):
    """Completes the sentence "the connector has been …"."""

    CREATED = "created"
    UPDATED = "updated"
    REMOVED = "removed"
    KEPT = "kept"
    REFUSED = "refused"
    PUT_OFF = "put off"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change. `detail`: why it was refused or put off; `help`: who or what could help.

    `retry`: trying the same again later may do it; without it, only somebody else can.
    """

    change: Change
    result: Result
    detail: str = ""
    help: str = ""
    retry: bool = False
