"""Cloud Logging: writing and listing entries, and the sinks that export them to Pub/Sub."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any
from urllib.parse import quote, unquote

from localcloud.calls import Call, Document
from localcloud.core import Cloud, serves
from localcloud.errors import INVALID, ApiError
from localcloud.logs import sinks as logsinks
from localcloud.logs.fields import SEVERITIES, moment
from localcloud.logs.filter import FilterError, Predicate
from localcloud.logs.filter import compile as compiled

_LOG_NAME = re.compile(r"projects/([^/]+)/logs/([^/]+|.+)")
_LOG_ID = re.compile(r"[\w./\-]{1,511}")
_NAMES = {number: name for name, number in SEVERITIES.items()}
_ORDERS = {"": False, "timestamp": False, "timestamp asc": False, "timestamp desc": True}

__all__ = ["list_entries", "logsinks", "write"]


@serves("logging.entries.write", permissions=("logging.logEntries.create",))
def write(cloud: Cloud, call: Call) -> Document:
    """Write entries, with what they leave out filled in; all of them or none."""
    entries = call.body.get("entries")
    if not isinstance(entries, list) or not entries:
        raise ApiError(INVALID, "The request must contain at least one log entry.")
    made = [_completed(cloud, call.body, entry, at) for at, entry in enumerate(entries)]
    if not call.body.get("dryRun"):
        for entry in made:
            cloud.log(entry)
    return {}


def _completed(cloud: Cloud, request: Document, entry: Document, at: int) -> Document:
    name = _log_name(cloud, entry.get("logName") or request.get("logName") or "", at)
    labels = {**(request.get("labels") or {}), **(entry.get("labels") or {})}
    project = name.split("/")[1]
    made = {key: value for key, value in entry.items() if value is not None}
    made |= {
        "logName": name,
        "insertId": entry.get("insertId") or f"l{cloud.new_id()}",
        "timestamp": _timestamp(cloud, entry, at),
        "receiveTimestamp": cloud.clock.stamp(),
        "severity": _severity(entry.get("severity"), at),
        "resource": _resource(entry.get("resource") or request.get("resource") or {}, project),
    }
    return made | ({"labels": labels} if labels else {})


def _log_name(cloud: Cloud, name: str, at: int) -> str:
    """Canonical: the project's id, and the log's id percent-encoded."""
    match = _LOG_NAME.fullmatch(name)
    id_ = unquote(match[2]) if match else ""
    if match is None or not _LOG_ID.fullmatch(id_):
        raise ApiError(INVALID, f"entries[{at}].log_name: '{name}' is no log name of the form projects/P/logs/LOG_ID")
    return f"projects/{cloud.project_id(match[1])}/logs/{quote(id_, safe='')}"


def _timestamp(cloud: Cloud, entry: Document, at: int) -> str:
    given = entry.get("timestamp")
    if not given:
        return cloud.clock.stamp()
    try:
        moment(given)
    except (TypeError, ValueError):
        raise ApiError(INVALID, f"entries[{at}].timestamp: {given!r} is no RFC 3339 time") from None
    return str(given)


def _severity(given: Any, at: int) -> str:
    """A name; a number counts as the highest severity that is not above it."""
    if not given:
        return "DEFAULT"
    if isinstance(given, int):
        return _NAMES[max(number for number in _NAMES if number <= max(given, 0))]
    if str(given) not in SEVERITIES:
        raise ApiError(INVALID, f"entries[{at}].severity: {given!r} is none of {', '.join(SEVERITIES)}")
    return str(given)


def _resource(given: Document, project: str) -> Document:
    labels = {"project_id": project, **(given.get("labels") or {})}
    return {**given, "type": given.get("type") or "global", "labels": labels}


@serves("logging.entries.list", permissions=("logging.logEntries.list",))
def list_entries(cloud: Cloud, call: Call) -> Document:
    """Entries of projects that match a filter, by timestamp; the oldest first unless asked otherwise."""
    names = _resource_names(cloud, call)
    matches = parsed(call.body.get("filter") or "")
    order = " ".join(str(call.body.get("orderBy") or "").split())
    if order not in _ORDERS:
        raise ApiError(INVALID, f"order_by: '{order}' is neither 'timestamp asc' nor 'timestamp desc'")
    found = [
        (moment(entry["timestamp"]).isoformat(), identity, entry)
        for identity, entry in cloud.table("logging.entries").items()
        if entry["logName"].startswith(names) and matches(entry)
    ]
    found.sort(key=lambda one: one[:2], reverse=_ORDERS[order])
    return _page(call, found, backwards=_ORDERS[order])


def _resource_names(cloud: Cloud, call: Call) -> tuple[str, ...]:
    names = call.body.get("resourceNames") or [f"projects/{project}" for project in call.body.get("projectIds") or []]
    if not names:
        raise ApiError(INVALID, "resource_names: at least one resource must be named")
    for name in names:
        if not re.fullmatch(r"projects/[^/]+", name):
            raise ApiError(INVALID, f"resource_names: '{name}' is not of the form projects/P, and only that is served")
    return tuple(f"projects/{cloud.project_id(name.split('/')[1])}/" for name in names)


def parsed(text: str) -> Predicate:
    """A filter, or the refusal that says where it is wrong."""
    try:
        return compiled(text)
    except FilterError as error:
        raise ApiError(INVALID, str(error)) from None


def _page(call: Call, found: list[tuple[str, str, Document]], *, backwards: bool) -> Document:
    """The token says after which entry to go on, so that entries written meanwhile shift nothing."""
    after = _after(call.body.get("pageToken") or "")
    if after:
        found = [one for one in found if (one[:2] < after if backwards else one[:2] > after)]
    size = min(int(call.body.get("pageSize") or 50), 1000)
    if size < 0:
        raise ApiError(INVALID, "page_size must not be negative.")
    page = found[:size]
    answer: Document = {"entries": [entry for _, _, entry in page]} if page else {}
    if len(found) > size:
        token = json.dumps(page[-1][:2]).encode()
        answer["nextPageToken"] = base64.urlsafe_b64encode(token).decode()
    return answer


def _after(token: str) -> tuple[str, str] | None:
    if not token:
        return None
    try:
        moment_, identity = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, binascii.Error):
        raise ApiError(INVALID, "page_token is invalid") from None
    return str(moment_), str(identity)
