"""One request, freed of its wire, and what the activity log says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from localcloud.core import Cloud

Document = dict[str, Any]
UNKNOWN = "@unknown"  # what a gRPC client sent beyond its message type, as bytes in base64: kept, shown on gRPC only

SERVICE_NAMES = {
    "run": "run.googleapis.com",
    "vpcaccess": "vpcaccess.googleapis.com",
    "compute": "compute.googleapis.com",
    "logging": "logging.googleapis.com",
    "pubsub": "pubsub.googleapis.com",
    "dns": "dns.googleapis.com",
    "serviceusage": "serviceusage.googleapis.com",
    "cloudresourcemanager": "cloudresourcemanager.googleapis.com",
    "iam": "iam.googleapis.com",
}
TITLES = {
    "run": "Cloud Run Admin API",
    "vpcaccess": "Serverless VPC Access API",
    "compute": "Compute Engine API",
    "logging": "Cloud Logging API",
    "pubsub": "Cloud Pub/Sub API",
    "dns": "Cloud DNS API",
    "serviceusage": "Service Usage API",
    "cloudresourcemanager": "Cloud Resource Manager API",
    "iam": "Identity and Access Management (IAM) API",
}


@dataclass(frozen=True)
class Caller:
    """Who calls: the bearer token is the principal's e-mail address here. `delegation`: who impersonates it."""

    principal: str = "anonymous"
    user_agent: str = ""
    delegation: tuple[str, ...] = ()


@dataclass(frozen=True)
class Call:
    """One request, freed of its wire. `method` is the discovery id; `params` are path and query parameters.

    `region` is the one whose endpoint was asked (`europe-west2-run.googleapis.com`), empty for the global one;
    `version` that of the API, where several are served alike (compute).
    """

    method: str
    params: Mapping[str, str]
    body: Document = field(default_factory=dict)
    caller: Caller = field(default_factory=Caller)
    wire: str = "rest"
    region: str = ""
    version: str = "v1"

    @property
    def service(self) -> str:
        return self.method.split(".", 1)[0]

    def flag(self, name: str) -> bool:
        return self.params.get(name, "").lower() == "true"


@dataclass(frozen=True)
class Target:
    """What an audit log entry says of the thing that a call is about. `resource_type` is the monitored resource's."""

    project: str
    resource_name: str
    resource_type: str
    labels: Mapping[str, str]
    location: str = "global"


@dataclass(frozen=True)
class Audited:
    """How a mutation is written to the activity log: its method's audit name, what it is about, what was asked."""

    method_name: str
    target: Callable[[Cloud, Call], Target]
    request_type: str = ""
    request: Callable[[Call], Document] | None = None  # what the entry says of the request; the body if None
    permissions: tuple[str, ...] = ()  # filled in from the method that it belongs to
    renamed: Callable[[Cloud], str] | None = None  # where more than one name is attested: the one to use


@dataclass
class Running:
    """An operation. `id` is what audit log entries carry, `name` what its reader asks for, `body` what they get."""

    id: str
    name: str
    body: Document
    done: bool = False


def project_of(call: Call) -> str | None:
    """The project that a call is about, as the caller wrote it (id or number)."""
    if "project" in call.params:
        return call.params["project"].removeprefix("projects/")
    named = [call.params.get(key, "") for key in ("parent", "name", "topic", "subscription", "resource", "sinkName")]
    for name in [*named, *_named_in_body(call)]:
        parts = name.split("/")
        if len(parts) > 1 and parts[0] in ("projects", "namespaces"):
            return parts[1]
    return None


def _named_in_body(call: Call) -> list[str]:
    """What the calls on log entries name: they have no path to name it in."""
    if not call.method.startswith("logging.entries."):
        return []
    names = [call.body.get("logName"), *_items(call.body, "resourceNames")]
    names += [entry.get("logName") for entry in _items(call.body, "entries") if isinstance(entry, dict)]
    return [name for name in names if isinstance(name, str)]


def _items(body: Document, key: str) -> list[Any]:
    found = body.get(key)
    return found if isinstance(found, list) else []


T = TypeVar("T")


def visible(document: T) -> T:
    """A copy of a document, or any part of one, as REST shows it: without what only gRPC clients can read."""
    return cast("T", _visible(document))


def _visible(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _visible(value) for key, value in document.items() if not key.startswith(UNKNOWN)}
    if isinstance(document, list):
        return [_visible(value) for value in document]
    return document
