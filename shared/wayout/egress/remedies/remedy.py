"""What every remedy is: where it looks, what it makes of what was seen, and the permissions that its work takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wayout.egress import naming
from wayout.egress.model import (
    Blocked,
    Change,
    Connector,
    ConnectorName,
    ConnectorsIn,
    Job,
    Read,
    Seen,
    Site,
    Waiting,
)
from wayout.egress.policy import Profile


@dataclass(frozen=True, slots=True)
class Want:
    """What is wanted at one site: its profile, and the jobs that are to use it."""

    site: Site
    profile: Profile
    jobs: tuple[Job, ...] = ()
    create_network: bool = False
    most_connectors: int = 4  # of ours, in one network and region

    @property
    def connector(self) -> ConnectorName:
        """The site's own connector."""
        return naming.connector_of(self.site)

    @property
    def connectors(self) -> ConnectorsIn:
        """Where the site's connector is looked for."""
        return ConnectorsIn(self.connector.project, self.connector.region)

    def own_connector(self, seen: Seen) -> Connector | None:
        """The site's own connector as it was seen."""
        return next((found for found in seen.get(self.connectors) if found.name == self.connector), None)


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


@dataclass(frozen=True, slots=True)
class Remedy:
    """One kind of resource. `judge` gets the names of the remedies before it that are whole already."""

    name: str
    reads: Callable[[Want], tuple[Read[Any], ...]]
    judge: Judge
    permissions: tuple[str, ...]


def wait_for(*grounds: str, done: frozenset[str], what: str) -> Verdict | None:
    """A verdict that waits for the first of `grounds` that is not whole yet, or None if all are."""
    missing = next((ground for ground in grounds if ground not in done), None)
    return Verdict(waiting=(Waiting(what, f"the {missing} is as it should be"),)) if missing else None
