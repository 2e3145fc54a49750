"""Log sinks: every entry that matches a sink's filter is published to its topic."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable

from localcloud import audit
from localcloud.access import admission
from localcloud.calls import Audited, Call, Document, Target
from localcloud.core import METHODS, Cloud, Handler, serves
from localcloud.errors import EXISTS, INVALID, NOT_FOUND, ApiError
from localcloud.logs.filter import FilterError, Predicate
from localcloud.logs.filter import compile as compiled
from localcloud.paging import paged
from localcloud.pubsub.mailroom import TOPICS, Mailroom

SINKS = "logging.sinks"
_DESTINATION = re.compile(r"pubsub\.googleapis\.com/projects/([^/]+)/topics/([^/]+)")
_ID = re.compile(r"[\w.-]{1,100}")
_WRITABLE = ("destination", "filter", "description", "disabled", "includeChildren")


class Exporter:
    """Publishes what sinks match. A sink without its topic, or whose writer may not publish there, loses what it
    matches, as in Google's, and counts it."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._filters: dict[str, Predicate] = {}
        self.lost: dict[str, int] = {}
        cloud.listeners.append(self._arrived)

    def _arrived(self, entry: Document) -> None:
        project = entry["logName"].split("/")[1]
        for name, sink in list(self._cloud.table(SINKS).items()):
            if name.split("/")[1] == project and not sink.get("disabled") and self._matches(sink, entry):
                self._export(name, sink, entry)

    def _matches(self, sink: Document, entry: Document) -> bool:
        text = sink.get("filter", "")
        if text not in self._filters:
            self._filters[text] = compiled(text)
        return self._filters[text](entry)

    def _export(self, name: str, sink: Document, entry: Document) -> None:
        topic = sink["destination"].removeprefix("pubsub.googleapis.com/")
        writer = sink["writerIdentity"].partition(":")[2]
        permitted = admission.may(self._cloud, writer, "pubsub.topics.publish", topic)
        if topic not in self._cloud.table(TOPICS) or not permitted:
            self.lost[name] = self.lost.get(name, 0) + 1
            return
        data = base64.b64encode(json.dumps(entry).encode()).decode()
        attributes = {"logging.googleapis.com/timestamp": entry["timestamp"]}
        self._cloud.part(Mailroom).publish(topic, [{"data": data, "attributes": attributes}])


def _target(cloud: Cloud, call: Call) -> Target:
    name = str(call.body.get("name", "")) if "parent" in call.params else call.params["sinkName"].split("/")[-1]
    project = cloud.project_id((call.params.get("parent") or call.params["sinkName"]).split("/")[1])
    labels = {"name": name, "destination": str(call.body.get("destination", ""))}
    return Target(project, f"projects/{project}/sinks/{name}", "logging_sink", labels)


def _serves(verb: str, *, request: str = "") -> Callable[[Handler], Handler]:
    """Register for both of the names that the discovery document gives to the methods of a project's sinks."""
    title = verb.capitalize()
    audited = (
        Audited(f"google.logging.v2.ConfigServiceV2.{title}Sink", _target, f"google.logging.v2.{request}")
        if request
        else None
    )

    def register(handler: Handler) -> Handler:
        for prefix in ("logging.projects.sinks", "logging.sinks"):
            serves(f"{prefix}.{verb}", permissions=(f"logging.sinks.{verb}",), audited=audited)(handler)
        return handler

    return register


def _log(cloud: Cloud, call: Call, response: Document) -> Document:
    audited = METHODS[call.method].audited
    if audited:
        cloud.log(audit.entry(cloud, audited, call, response=response))
    return response


@_serves("create", request="CreateSinkRequest")
def create(cloud: Cloud, call: Call) -> Document:
    """Make a sink. It exports what arrives from now on."""
    project = _project(cloud, call.params["parent"])
    id_ = str(call.body.get("name", ""))
    if not _ID.fullmatch(id_):
        raise ApiError(INVALID, f"sink.name: '{id_}' must be 1 to 100 letters, digits, '_', '-' or '.'")
    name = f"projects/{project}/sinks/{id_}"
    if name in cloud.table(SINKS):
        raise ApiError(EXISTS, f"Sink {id_} already exists")
    sink = _checked(cloud, call.body, project) | {
        "name": id_,
        "resourceName": name,
        "createTime": cloud.clock.stamp(),
        "updateTime": cloud.clock.stamp(),
    }
    cloud.part(Exporter)
    cloud.table(SINKS)[name] = sink
    return _log(cloud, call, dict(sink))


def _checked(cloud: Cloud, given: Document, project: str) -> Document:
    match = _DESTINATION.fullmatch(str(given.get("destination", "")))
    if match is None:
        problem = f"sink.destination: '{given.get('destination', '')}' is not of the form "
        raise ApiError(INVALID, problem + "pubsub.googleapis.com/projects/P/topics/T, and only that is served")
    try:
        compiled(str(given.get("filter", "")))
    except FilterError as error:
        raise ApiError(INVALID, str(error)) from None
    made = {key: given[key] for key in _WRITABLE if given.get(key)}
    made["destination"] = f"pubsub.googleapis.com/projects/{cloud.project_id(match[1])}/topics/{match[2]}"
    agent = f"service-{cloud.number(project)}@gcp-sa-logging.iam.gserviceaccount.com"
    return made | {"writerIdentity": f"serviceAccount:{agent}"}


@_serves("get")
def get(cloud: Cloud, call: Call) -> Document:
    """Read a sink."""
    return dict(_find(cloud, call)[1])


@_serves("list")
def list_sinks(cloud: Cloud, call: Call) -> Document:
    """The sinks of a project."""
    prefix = f"projects/{_project(cloud, call.params['parent'])}/"
    return paged(call, "sinks", [sink for name, sink in sorted(cloud.table(SINKS).items()) if name.startswith(prefix)])


@_serves("update", request="UpdateSinkRequest")
def update(cloud: Cloud, call: Call) -> Document:
    """Change the fields of a sink that updateMask names; without one its destination, filter and includeChildren."""
    name, old = _find(cloud, call)
    mask = str(call.params.get("updateMask") or "destination,filter,includeChildren")
    fields = {"includeChildren" if field == "include_children" else field.strip() for field in mask.split(",")}
    unknown = fields - set(_WRITABLE)
    if unknown:
        raise ApiError(INVALID, f"update_mask: '{min(unknown)}' cannot be changed")
    wanted = {key: call.body.get(key) if key in fields else old.get(key) for key in _WRITABLE}
    kept = {key: value for key, value in old.items() if key not in _WRITABLE}
    sink = kept | _checked(cloud, wanted, name.split("/")[1]) | {"updateTime": cloud.clock.stamp()}
    cloud.table(SINKS)[name] = sink
    return _log(cloud, call, dict(sink))


@_serves("delete", request="DeleteSinkRequest")
def delete(cloud: Cloud, call: Call) -> Document:
    """Remove a sink."""
    name, _ = _find(cloud, call)
    del cloud.table(SINKS)[name]
    return _log(cloud, call, {})


def _project(cloud: Cloud, parent: str) -> str:
    parts = parent.split("/")
    if len(parts) != 2 or parts[0] != "projects":
        raise ApiError(INVALID, f"parent: '{parent}' is not of the form projects/P, and only that is served")
    return cloud.project_id(parts[1])


def _find(cloud: Cloud, call: Call) -> tuple[str, Document]:
    given = call.params["sinkName"]
    parts = given.split("/")
    if len(parts) != 4 or parts[0] != "projects" or parts[2] != "sinks":
        raise ApiError(INVALID, f"sink_name: '{given}' is not of the form projects/P/sinks/S, and only that is served")
    name = f"projects/{cloud.project_id(parts[1])}/sinks/{parts[3]}"
    if name not in cloud.table(SINKS):
        raise ApiError(NOT_FOUND, f"Sink {parts[3]} does not exist")
    return name, cloud.table(SINKS)[name]
