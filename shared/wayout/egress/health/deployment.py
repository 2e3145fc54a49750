"""A deployment as Terraform's output `deployment` describes it. Schema: docs/schemas."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

# The flow of messages and the function that each goes to.
DOORS = {"events": "on_audit_log", "requests": "on_request", "sweep": "on_schedule", "outcomes": "on_outcome"}

Project = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9:.-]{0,62}$", description="a project's id")]
Topic = Annotated[str, Field(pattern=r"^projects/[^/]+/topics/[^/]+$", description="projects/PROJECT/topics/TOPIC")]
Subscription = Annotated[
    str, Field(pattern=r"^projects/[^/]+/subscriptions/[^/]+$", description="projects/PROJECT/subscriptions/NAME")
]
Url = Annotated[str, Field(pattern=r"^https?://[^\s?]+$", description="a function's address")]
Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", description="a service account's e-mail address")]
Parent = Annotated[
    str,
    Field(pattern=r"^(projects|folders|organizations)/[^/]+$", description="projects/P, folders/F or organizations/O"),
]


class DeploymentError(ValueError):
    """It is no description of a deployment; each problem names its field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sink(_Part):
    """The log sink; with projects as parents, each of those that are watched has one of this name.

    `parents`: everything that has one of this name; a network project's own too. Empty: not said.
    """

    parent: Parent
    name: str
    parents: tuple[Parent, ...] = ()
    filter: Annotated[str, Field(description="the filter that was laid; empty: not said")] = ""


class Topics(_Part):
    """The topics by what flows through them."""

    events: Topic
    requests: Topic
    sweep: Topic
    outcomes: Topic
    dead: Topic


class Subscriptions(_Part):
    """The subscriptions: four that push to the functions, the dead letters', and the doctor's own."""

    events: Subscription
    requests: Subscription
    sweep: Subscription
    outcomes: Subscription
    dead: Subscription
    doctor: Subscription


class Functions(_Part):
    """Where the functions answer."""

    on_audit_log: Url
    on_request: Url
    on_schedule: Url
    on_outcome: Url


class Deployment(_Part):
    """What was laid, by name."""

    project: Project
    region: str
    sink: Sink
    topics: Topics
    subscriptions: Subscriptions
    functions: Functions
    principal: Email
    invoker: Email
    projects: Annotated[tuple[Project, ...], Field(description="watched; empty where a folder or organization is")] = ()
    network_projects: tuple[Project, ...] = ()
    job_service_accounts: Annotated[
        tuple[Email, ...], Field(description="that jobs run as, and that the runtime account may act as")
    ] = ()
    slack: bool = False
    eventarc: Annotated[bool, Field(description="native triggers stand beside the sink")] = False

    def service(self, door: str) -> str:
        """The full name of a function's Cloud Run service: Terraform names it after the function."""
        return f"projects/{self.project}/locations/{self.region}/services/wayout-{door.replace('_', '-')}"

    @property
    def networks(self) -> tuple[str, ...]:
        """The projects whose networks may be changed."""
        return self.network_projects or self.projects

    def sampled(self, projects: Sequence[str]) -> Self:
        """The same, with some projects standing for a folder's or organization's, which nobody lists."""
        return self if self.projects else self.model_copy(update={"projects": tuple(projects)})

    @property
    def per_project(self) -> bool:
        """Whether each watched project has a sink of its own."""
        return self.sink.parent.startswith("projects/")

    @property
    def sinks(self) -> tuple[str, ...]:
        """The full names of all sinks."""
        own = [f"projects/{project}" for project in self.projects] if self.per_project else []
        parents = dict.fromkeys([self.sink.parent, *self.sink.parents, *own])
        return tuple(f"{parent}/sinks/{self.sink.name}" for parent in parents)

    @property
    def sources(self) -> tuple[str, ...]:
        """The projects whose logs an echo for the sinks is written to: each that has its own, and for a folder's or
        organization's the home project."""
        own = [name.split("/")[1] for name in self.sinks if name.startswith("projects/")]
        return tuple(dict.fromkeys(own if self.per_project else [self.project, *own]))

    def takes(self, sink: str, source: str) -> bool:
        """Whether an echo from a project's log goes through that sink, as far as names tell."""
        if sink.startswith("projects/"):
            return sink.split("/")[1] == source
        return f"projects/{source}/sinks/{self.sink.name}" not in self.sinks


def parse(text: str) -> Deployment:
    """Read a description from JSON: the output alone, or all outputs. Raises DeploymentError, naming each field."""
    try:
        found: Any = json.loads(text)
    except ValueError as error:
        raise DeploymentError([f"not JSON: {error}"]) from None
    if isinstance(found, dict) and isinstance(found.get("deployment"), dict) and "value" in found["deployment"]:
        found = found["deployment"]["value"]
    try:
        return Deployment.model_validate(found)
    except ValidationError as error:
        raise DeploymentError([_problem(dict(one)) for one in error.errors(include_input=False)]) from None


def _problem(error: dict[str, Any]) -> str:
    field = ".".join(str(part) for part in error["loc"]) or "deployment"
    return f"{field}: {'is missing' if error['type'] == 'missing' else error['msg']}"
