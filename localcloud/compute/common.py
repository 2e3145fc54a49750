"""What all kinds of compute resources share: names, links, refusals, and what is under way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from localcloud import lag
from localcloud.calls import Audited, Call, Document, Target
from localcloud.compute.places import REGIONS
from localcloud.core import Cloud, Handler
from localcloud.errors import EXISTS, INVALID, NOT_FOUND, ApiError
from localcloud.operations import COMPUTE, compute_stamp, read

NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Kind:
    """One kind of resource. `monitored` and `label` are how audit log entries call it and its id."""

    word: str
    plural: str
    monitored: str
    label: str
    regional: bool = False

    @property
    def table(self) -> str:
        return f"compute.{self.plural}"

    def name(self, cloud: Cloud, call: Call, short: str | None = None) -> str:
        """The canonical name that the call's path means, or that `short` would have beside it."""
        return f"{self.scope(cloud, call)}/{self.plural}/{short or call.params[self.word]}"

    def scope(self, cloud: Cloud, call: Call) -> str:
        project = cloud.project_id(call.params["project"])
        return f"projects/{project}/regions/{region_of(call)}" if self.regional else f"projects/{project}/global"


NETWORKS = Kind("network", "networks", "gce_network", "network_id")
SUBNETWORKS = Kind("subnetwork", "subnetworks", "gce_subnetwork", "subnetwork_id", regional=True)
FIREWALLS = Kind("firewall", "firewalls", "gce_firewall_rule", "firewall_rule_id")
ROUTERS = Kind("router", "routers", "gce_router", "router_id", regional=True)
ROUTES = Kind("route", "routes", "gce_route", "route_id")
ADDRESSES = Kind("address", "addresses", "gce_reserved_address", "reserved_address_id", regional=True)


class Book:
    """What compute remembers besides its tables: changes under way, ids of things that are gone, answered requests.

    `busy` maps a name to the document being created there, or to None while an existing resource changes.
    """

    def __init__(self, _cloud: Cloud) -> None:
        self.busy: dict[str, Document | None] = {}
        self.ids: dict[str, str] = {}
        self.requests: dict[tuple[str, str], str] = {}

    def being_made(self, plural: str) -> list[tuple[str, Document]]:
        return [(name, doc) for name, doc in self.busy.items() if doc is not None and f"/{plural}/" in name]


def book(cloud: Cloud) -> Book:
    return cloud.part(Book)


# names and links


def region_of(call: Call) -> str:
    region = call.params["region"]
    if region not in REGIONS:
        raise ApiError(INVALID, f"Invalid value for field 'region': '{region}'. Unknown region.", reason="invalid")
    return region


def short(name: str) -> str:
    """The last part of a name or link."""
    return name.rsplit("/", 1)[-1]


def link(name: str) -> str:
    return f"{COMPUTE}/{name}"


def named(cloud: Cloud, reference: str, field: str, project: str) -> str:
    """The canonical name behind a full or partial link with any host; a project number becomes the project's id."""
    path = re.sub(r"^https?://[^/]+/(_svc/compute/)?(compute/)?(v1|beta|alpha)?/?", "", reference).lstrip("/")
    if re.match(r"(global|regions/[^/]+)/", path):
        path = f"projects/{project}/{path}"
    match = re.fullmatch(r"projects/([^/]+)/((?:global|regions/[^/]+)/[A-Za-z]+/[^/]+)", path)
    if match is None:
        raise invalid(field, reference, "The URL is malformed.")
    return f"projects/{cloud.project_id(match[1])}/{match[2]}"


def network_of(cloud: Cloud, call: Call, *, same_project: bool = True) -> str:
    """The network that the body names, which must exist and be ready. Raises what each kind of resource answers."""
    project = cloud.project_id(call.params["project"])
    given = call.body.get("network")
    if not given:
        raise required("network")
    name = named(cloud, given, "resource.network", project)
    if same_project and not name.startswith(f"projects/{project}/"):
        text = "Cross-project references for this resource type are not allowed."
        raise invalid("resource.network", given, text)
    if book(cloud).busy.get(name, name) != name or lag.unsettled(cloud, name):
        raise not_ready(name)
    if name not in cloud.table(NETWORKS.table):
        raise absent(name)
    return name


def own_name(call: Call) -> str:
    """The name in an insert's body, which must fit compute's pattern."""
    name = call.body.get("name")
    if not name:
        raise required("name")
    check_name(name, "resource.name")
    return str(name)


def check_name(name: str, field: str) -> None:
    if not NAME.fullmatch(name):
        raise invalid(field, name, f"Must be a match of regex '{NAME.pattern}'")


# what the server adds


def dressed(cloud: Cloud, kind: Kind, name: str, given: Document) -> Document:
    """A new resource with the fields that the server adds to every kind."""
    added: Document = {
        "kind": f"compute#{kind.word}",
        "id": cloud.new_id(),
        "creationTimestamp": compute_stamp(cloud),
        "selfLink": link(name),
    }
    if kind.regional:
        added["region"] = link(name.rsplit("/", 2)[0])
    return given | {"name": short(name)} | added


# refusals, in compute's words (recorded, or quoted in public issues)


def absent(name: str) -> ApiError:
    return ApiError(NOT_FOUND, f"The resource '{name}' was not found", reason="notFound")


def exists(name: str) -> ApiError:
    return ApiError(EXISTS, f"The resource '{name}' already exists", reason="alreadyExists")


def not_ready(name: str) -> ApiError:
    return ApiError(INVALID, f"The resource '{name}' is not ready", reason="resourceNotReady")


def in_use(kind: Kind, name: str, by: str) -> ApiError:
    message = f"The {kind.word} resource '{name}' is already being used by '{by}'"
    return ApiError(INVALID, message, reason="resourceInUseByAnotherResource")


def invalid(field: str, value: Any, why: str) -> ApiError:
    shown = str(value).lower() if isinstance(value, bool) else value
    return ApiError(INVALID, f"Invalid value for field '{field}': '{shown}'. {why}", reason="invalid")


def required(field: str) -> ApiError:
    return ApiError(INVALID, f"Required field 'resource.{field}' not specified", reason="required")


def existing(cloud: Cloud, kind: Kind, name: str) -> Document:
    """The resource, or 404: what is still being made is not there yet."""
    found = cloud.table(kind.table).get(name)
    if found is None:
        raise absent(name)
    return found


def readable(cloud: Cloud, kind: Kind, name: str) -> Document:
    """The resource as readers see it, which may be a while after the truth."""
    found = lag.seen(cloud, kind.table).get(name)
    if found is None:
        raise absent(name)
    return found


# what the activity log says


def audited(kind: Kind, verb: str) -> Audited:
    """How calls of `v1.compute.<kind>.<verb>` are logged."""

    def target(cloud: Cloud, call: Call) -> Target:
        name = kind.name(cloud, call, call.params.get(kind.word) or call.body.get("name", ""))
        labels = {kind.label: book(cloud).ids.get(name, "")}
        region = call.params.get("region", "global")
        if kind is SUBNETWORKS:
            labels |= {"location": region, "subnetwork_name": short(name)}
        elif kind is ROUTERS:
            labels |= {"region": region}
        return Target(name.split("/")[1], name, kind.monitored, labels, region)

    method = f"compute.{kind.plural}.{verb}"
    return Audited(f"v1.{method}", target, method)


def repeatable(handler: Handler) -> Handler:
    """A write that, sent again with the same requestId, answers with the operation that the first one started."""

    def answer(cloud: Cloud, call: Call) -> Document:
        request = call.params.get("requestId")
        if not request:
            return handler(cloud, call)
        if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", request) or set(request) == {
            "0",
            "-",
        }:
            raise invalid("requestId", request, "Must be a valid UUID.")
        seen = book(cloud).requests
        key = (cloud.project_id(call.params["project"]), request)
        if key in seen:
            return read(cloud, seen[key])
        operation = handler(cloud, call)
        seen[key] = operation["name"]
        return operation

    return answer
