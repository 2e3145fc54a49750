"""An echo: what `wayout doctor` sends through a deployment, and what a function answers. Schemas: docs/schemas."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from wayout.egress.health.deployment import Email, Project

MOST = 50  # projects, and service accounts, that one echo may name


class EchoAsked(BaseModel):
    """Send me back. Nothing in it is trusted: it cannot choose what is looked for, only where.

    `accounts`: those that jobs run as. Fields that a later doctor adds are passed over.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    echo: Annotated[str, Field(pattern=r"^[a-z0-9-]{8,80}$", description="its id, repeated in the answer")]
    projects: Annotated[tuple[Project, ...], Field(max_length=MOST)] = ()
    network_projects: Annotated[tuple[Project, ...], Field(max_length=MOST)] = ()
    accounts: Annotated[tuple[Email, ...], Field(max_length=MOST)] = ()


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PolicySaid(_Said):
    """The policy file as the function finds it now. `digest`: the first 12 hex digits of its SHA-256."""

    digest: str = ""
    mode: str = ""
    paused: bool = False
    problems: tuple[str, ...] = ()


class PermissionsSaid(_Said):
    """Which of the permissions that it takes the runtime account lacks on a resource. `unknown`: why nobody can say.

    `roles` is empty where the resource is a service account.
    """

    resource: str
    roles: tuple[Literal["workload", "network", "home"], ...]
    asked: int
    missing: tuple[str, ...] = ()
    unknown: str = ""
    help: str = ""


class ChannelSaid(_Said):
    """What Slack shows the app of its channel. `hidden`: why it does not: Slack's word, or `named` where the setting is
    a name, by which Slack looks nothing up."""

    member: bool = False
    archived: bool = False
    private: bool = False
    hidden: str = ""


class SlackSaid(_Said):
    """What Slack says to the token. `scopes`: the token's, where Slack lists them. `seen`: the channel."""

    ready: bool
    team: str = ""
    channel: str = ""
    scopes: tuple[str, ...] = ()
    seen: ChannelSaid | None = None
    why: str = ""
    help: str = ""


class EchoSaid(_Said):
    """The data of an echo's CloudEvent: what a function sees of itself. `version` is its own."""

    echo: str
    door: Literal["on_audit_log", "on_request", "on_schedule", "on_outcome"]
    version: str
    project: str
    principal: str
    outcome_topic: str
    policy: PolicySaid
    permissions: tuple[PermissionsSaid, ...] = ()
    slack: SlackSaid | None = None
