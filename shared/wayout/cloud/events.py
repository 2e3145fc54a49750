"""Audit log entries: what they name. The only module that knows their shapes; every event passes here first.

Method names and shapes: Google's audit logging pages of Cloud Run, Serverless VPC Access and VPC, and recorded entries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from wayout.cloud import echoes
from wayout.cloud.envelopes import LONGEST_ID, Sealed, child, text, unwrap
from wayout.egress.names import ConnectorName, JobName, RouterName, RuleName, SubnetName
from wayout.egress.naming import PREFIX, place_of
from wayout.egress.targets import Cause, JobTarget, Target, ThingTarget

ACTIVITY = "cloudaudit.googleapis.com/activity"
_ACTIVITY_IN_NAMES = "cloudaudit.googleapis.com%2Factivity"
OUR_AGENT = "wayout/"  # opens the user agent of every client of ours
_LONGEST_AGENT = 200  # of a user agent that is kept; callers choose it freely
EGRESS_POLICY = "run.allowedVPCEgress"  # the organisation policy that refuses a job without VPC egress

_JOB_METHOD = re.compile(r"^google\.cloud\.run\.(?P<version>v[12])\.Jobs\.(?P<verb>Create|Replace|Update|Delete)Job$")
_CONNECTOR_METHOD = re.compile(
    r"^google\.cloud\.vpcaccess\.v1(beta1)?\.VpcAccessService\.(Create|Update|Delete)Connector$"
)
_COMPUTE_METHOD = re.compile(
    r"^((v1|beta|alpha)\.)?compute\.(?P<kind>firewalls|routers|subnetworks|networks)"
    r"\.(?P<verb>insert|patch|update|delete|setPrivateIpGoogleAccess|expandIpCidrRange)$"
)
# The whole name of a rule, router or subnet whose own name is neither ours nor Google's for a connector of ours.
_FOREIGN = re.compile(
    r"projects/[a-z][a-z0-9:.-]{0,62}/(?:global/(?=firewalls/)|regions/[^/]+/(?=routers/|subnetworks/))"
    rf"(?P<kind>[a-z]+)/(?!{PREFIX}-|aet-)[^/]+"
)
_PROJECT = re.compile(r"^[a-z0-9][a-z0-9:.-]{0,62}$")
_WORD = re.compile(r"^[a-z][a-z0-9-]{0,62}$")
_TIME = re.compile(r"^(?!0000)\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)$")
_FAILED = ("ERROR", "CRITICAL", "ALERT", "EMERGENCY")
_THINGS: dict[str, tuple[type[RuleName | RouterName | SubnetName], str]] = {
    "firewalls": (RuleName, "firewall rule"),
    "routers": (RouterName, "router"),
    "subnetworks": (SubnetName, "subnetwork"),
}


@dataclass(frozen=True, slots=True)
class Ours:
    """How to know our own writes again: our service account's e-mail. Empty: nothing is taken for ours."""

    principal: str = ""


@dataclass(frozen=True, slots=True)
class Names:
    """The event names something to look at."""

    target: Target
    cause: Cause


@dataclass(frozen=True, slots=True)
class SetAside:
    """The event is understood, and nothing that we act on."""

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """The event cannot be read. `id` is the best that it has: its entry's, its message's, or its CloudEvent's."""

    id: str
    why: str


Reading = Names | SetAside | Unclear | echoes.Wanted


def read(attributes: Mapping[str, Any], data: object, *, ours: Ours) -> Reading:
    """What an audit log entry names, in an Eventarc CloudEvent, in a Pub/Sub message of a log sink, or bare.

    `attributes` are the CloudEvent's; `data` is its data, as object or JSON text. Never raises.
    """
    opened = unwrap(attributes, data)
    if isinstance(opened, Sealed):
        return Unclear(opened.id, opened.why)
    if wanted := echoes.in_entry(opened.id, opened.content):
        return wanted
    if aside := _at_a_glance(opened.content, opened.id):
        return aside
    entry = _entry(opened.content, opened.id, opened.time)
    if isinstance(entry, SetAside | Unclear):
        return entry
    reader = _READERS.get(entry.service)
    if reader is None:
        return SetAside(entry.id, f"{entry.service[:80]} is not a service that we watch")
    if entry.log != ACTIVITY:
        return SetAside(entry.id, f"an entry of {entry.log[:80]}, which only echoes what was done")
    return reader(entry, ours)


def _at_a_glance(content: Mapping[str, Any], id_: str) -> SetAside | None:
    """What `_compute` would say of somebody else's rule, router or subnet: most of what comes, and so said first.

    It spares a third of an event's time. Whatever is not clear at a glance is left to the slower reader.
    """
    payload = child(content, "protoPayload")
    if payload.get("serviceName") != "compute.googleapis.com":
        return None
    method = _COMPUTE_METHOD.match(text(payload.get("methodName")))
    thing = _FOREIGN.fullmatch(text(payload.get("resourceName")))
    if method is None or thing is None or method["kind"] != thing["kind"]:
        return None
    log = text(content.get("logName")).partition("/logs/")[2]
    if log != _ACTIVITY_IN_NAMES or _failed(content, payload):
        return None
    return SetAside(text(content.get("insertId"))[:LONGEST_ID] or id_, _not_ours(_THINGS[thing["kind"]][1]))


@dataclass(frozen=True, slots=True)
class _Entry:
    id: str
    time: str
    log: str
    log_project: str
    service: str
    method: str
    resource: str
    payload: Mapping[str, Any]
    labels: Mapping[str, Any]
    first: bool
    last: bool
    failed: bool

    @property
    def begun(self) -> bool:
        """The first of two entries, of an operation that still goes on."""
        return self.first and not self.last and not self.failed

    @property
    def who(self) -> str:
        return text(child(self.payload, "authenticationInfo").get("principalEmail"))

    def by(self, ours: Ours) -> bool:
        """Made by us: our account, our client, and nobody who impersonates the account."""
        if not ours.principal or self.who != ours.principal or OUR_AGENT not in self.agent:
            return False
        return not child(self.payload, "authenticationInfo").get("serviceAccountDelegationInfo")

    @property
    def agent(self) -> str:
        return text(child(self.payload, "requestMetadata").get("callerSuppliedUserAgent"))

    def cause(self, what: str) -> Cause:
        return Cause(self.id, self.who, what, self.time, self.agent[:_LONGEST_AGENT])


def _entry(content: Mapping[str, Any], id_: str, time: str) -> _Entry | SetAside | Unclear:
    id_ = text(content.get("insertId"))[:LONGEST_ID] or id_
    if not {"protoPayload", "logName", "insertId"} & content.keys():
        return Unclear(id_, "this is not a log entry")
    payload = content.get("protoPayload")
    if payload is None and not content.get("split"):
        return SetAside(id_, "not an audit log entry")
    if not isinstance(payload, Mapping):
        return Unclear(id_, "its protoPayload is missing or not an object")
    service, method, log = (
        text(payload.get("serviceName")),
        text(payload.get("methodName")),
        text(content.get("logName")),
    )
    if not (service and method and log):
        part = "this part of a split entry" if content.get("split") else "it"
        return Unclear(id_, f"{part} does not say which service, method and log it is of")
    operation = child(content, "operation")
    owner, _, log_id = log.partition("/logs/")
    times = (text(content.get("timestamp")), text(content.get("receiveTimestamp")), time)
    return _Entry(
        id=id_,
        time=next((stamp for stamp in times if _TIME.match(stamp)), ""),
        log=ACTIVITY if log_id == _ACTIVITY_IN_NAMES else unquote(log_id),
        log_project=owner.removeprefix("projects/") if owner.startswith("projects/") else "",
        service=service,
        method=method,
        resource=text(payload.get("resourceName")),
        payload=payload,
        labels=child(child(content, "resource"), "labels"),
        first=operation.get("first") is True,
        last=operation.get("last") is True,
        failed=_failed(content, payload),
    )


def _failed(content: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
    code = child(payload, "status").get("code", 0)
    return code not in (0, "0", None) or text(content.get("severity")) in _FAILED


def _job(entry: _Entry, ours: Ours) -> Reading:
    found = _JOB_METHOD.match(entry.method)
    if found is None:
        return SetAside(entry.id, f"{entry.method[:80]} does not change how a job reaches out")
    # In its message, or only in its details: which form it has is not known.
    refused = entry.failed and found["verb"] != "Delete" and EGRESS_POLICY in str(child(entry.payload, "status"))
    if entry.by(ours):
        return SetAside(entry.id, "our own change")
    if entry.failed and not refused:
        return SetAside(entry.id, "the call failed, so nothing has changed")
    if entry.begun and found["version"] == "v2":
        return SetAside(entry.id, "its last entry will come")
    name = _job_name(entry)
    if name is None:
        return Unclear(entry.id, "it does not say which job it is about")
    return Names(JobTarget(name, refused=refused), entry.cause(f"{found['verb'].lower()} job"))


def _job_name(entry: _Entry) -> JobName | None:
    """v1 names have neither region nor always the project's id, and a refused create may name only its parent."""
    request = child(entry.payload, "request")
    asked = child(request, "job")
    named = _pieces(text(request.get("name"))) | _pieces(entry.resource) | _pieces(text(asked.get("name")))
    places = child(entry.payload, "resourceLocation").get("currentLocations")
    region = _first(
        _WORD,
        entry.labels.get("location"),
        named.get("locations"),
        places[0] if isinstance(places, list) and places else "",
        request.get("region"),
        _pieces(text(request.get("parent"))).get("locations"),
    )
    job = _first(
        _WORD,
        entry.labels.get("job_name"),
        named.get("jobs"),
        request.get("jobId"),
        child(asked, "metadata").get("name"),
    )
    project = _project(entry, named.get("projects") or named.get("namespaces") or "")
    return JobName(project, region, job) if project and region and job else None


def _connector(entry: _Entry, ours: Ours) -> Reading:
    """A finished entry is never set aside, whoever called and however it ended: jobs may be waiting for it.

    A call of ours that was refused before it began an operation finishes nothing: to act on it would call again.
    """
    if _CONNECTOR_METHOD.match(entry.method) is None:
        return SetAside(entry.id, f"{entry.method[:80]} does not change a connector")
    if entry.begun:
        return SetAside(entry.id, "its last entry will come")
    if entry.failed and not entry.last and entry.by(ours):
        return SetAside(entry.id, "our own call, refused before it began anything")
    request = child(entry.payload, "request")
    named = _pieces(text(request.get("parent"))) | _pieces(text(request.get("name"))) | _pieces(entry.resource)
    connector = _first(_WORD, named.get("connectors"), request.get("connectorId"))
    region = _first(_WORD, named.get("locations"), entry.labels.get("location"))
    project = _project(entry, named.get("projects", ""))
    if not (connector and region and project):
        return Unclear(entry.id, "it does not say which connector it is about")
    verb = entry.method.rsplit(".", 1)[-1].removesuffix("Connector").lower()
    return Names(ThingTarget(ConnectorName(project, region, connector)), entry.cause(f"{verb} connector"))


def _compute(entry: _Entry, ours: Ours) -> Reading:
    found = _COMPUTE_METHOD.match(entry.method)
    if found is None or found["kind"] not in _THINGS:
        return SetAside(entry.id, f"{entry.method[:80]} does not touch what we make")
    if entry.failed:
        return SetAside(entry.id, "the call failed, so nothing has changed")
    form, word = _THINGS[found["kind"]]
    name = _thing(entry, form)
    if name is None:
        return Unclear(entry.id, f"it does not say which {word} it is about")
    if place_of(name) is None:
        return SetAside(entry.id, _not_ours(word))
    if entry.begun:
        return SetAside(entry.id, "its last entry will come")
    if entry.by(ours):
        return SetAside(entry.id, "our own change")
    return Names(ThingTarget(name), entry.cause(f"{_words(found['verb'])} {word}"))


def _not_ours(word: str) -> str:
    return f"a {word} that is not of ours"


def _thing(entry: _Entry, form: type[RuleName | RouterName | SubnetName]) -> RuleName | RouterName | SubnetName | None:
    try:
        named = form.parse(entry.resource)
    except ValueError:
        return None
    project = _project(entry, named.project)
    if project == named.project:
        return named
    return replace(named, project=project) if project else None


_READERS: dict[str, Callable[[_Entry, Ours], Reading]] = {
    "run.googleapis.com": _job,
    "vpcaccess.googleapis.com": _connector,
    "compute.googleapis.com": _compute,
}


def _project(entry: _Entry, named: str) -> str:
    """The project's id; its number only where the entry says no more."""
    spelled = "" if named.isdigit() else named
    return _first(_PROJECT, spelled, entry.labels.get("project_id"), entry.log_project, named)


def _first(form: re.Pattern[str], *candidates: object) -> str:
    return next((found for found in candidates if isinstance(found, str) and form.match(found)), "")


def _pieces(name: str) -> dict[str, str]:
    """`projects/P/locations/R` -> {"projects": "P", "locations": "R"}."""
    parts = name.split("/")[:12]
    return dict(zip(parts[::2], parts[1::2], strict=False))


def _words(verb: str) -> str:
    return {
        "setPrivateIpGoogleAccess": "set Private Google Access of",
        "expandIpCidrRange": "widen the range of",
    }.get(verb, verb)
