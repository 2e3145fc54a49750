"""What sets a reconcile going: who did what, and where to look."""

from __future__ import annotations

from dataclasses import dataclass

from wayout.egress.names import ConnectorName, JobName, RouterName, RuleName, SubnetName


@dataclass(frozen=True, slots=True)
class Cause:
    """Who did what, when, as the event says it; `id` is the event's own. For words only, never for decisions, but for
    `agent`, the client's user agent: it may tell of a source that the job lives in."""

    id: str
    who: str = ""
    what: str = ""
    when: str = ""
    agent: str = ""


@dataclass(frozen=True, slots=True)
class JobTarget:
    """A job to look at. `requested`: the profile that a request asks for; `refused`: its deploy was refused by
    the organisation policy on VPC egress, so that only its site can be prepared."""

    job: JobName
    requested: str = ""
    sender: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True)
class ThingTarget:
    """Something on a way out that was touched: its site is to be healed."""

    name: ConnectorName | RuleName | RouterName | SubnetName


@dataclass(frozen=True, slots=True)
class EverythingTarget:
    """A sweep of every job of every project that the policy covers."""


Target = JobTarget | ThingTarget | EverythingTarget
