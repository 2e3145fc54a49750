"""What v1's calls name: a namespace is a project, by id or number, and the region is that of the endpoint's host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from localcloud.calls import Call, Document
from localcloud.core import Cloud, not_found
from localcloud.errors import INVALID, ApiError
from localcloud.paging import paged
from localcloud.run.knative import API

_SET = re.compile(r"\s*(?P<key>\S+)\s+(?P<how>in|notin)\s+\((?P<values>[^)]*)\)\s*")
_COMMA = re.compile(r",(?![^(]*\))")  # not one between the values of a set


def project_of(cloud: Cloud, call: Call) -> str:
    """The project of a call's `namespaces/P...`."""
    return cloud.project_id((call.params.get("parent") or call.params["name"]).split("/")[1])


def place_of(cloud: Cloud, call: Call) -> tuple[str, str]:
    """The project and region of a call that is about one thing.

    The global endpoint lists all regions, and finds no single thing. Source: googleapis/google-api-go-client#1237,
    where a get of one service is a 404 there and works at the region's own endpoint.
    """
    project = project_of(cloud, call)
    if not call.region:
        raise not_found("Requested entity was not found.")
    return project, call.region


def short_of(call: Call) -> str:
    """The last part of a call's name."""
    return call.params["name"].rsplit("/", 1)[-1]


def dry(call: Call) -> bool:
    """Whether a write only asks what would happen. Source: discovery document, `dryRun`."""
    given = call.params.get("dryRun", "")
    if given not in ("", "all"):
        raise ApiError(INVALID, f"Invalid value for dryRun: '{given}'. The only valid value is 'all'.")
    return bool(given)


def within(cloud: Cloud, call: Call, names: Iterable[str]) -> list[str]:
    """Those full names that a list is to show: of the project, and of the region unless the endpoint is global."""
    prefix = f"projects/{project_of(cloud, call)}/locations/" + (f"{call.region}/" if call.region else "")
    return [name for name in names if name.startswith(prefix)]


def listed(call: Call, kind: str, items: list[Document]) -> Document:
    """A list of v1: those that the labelSelector selects, page by page.

    A list of jobs that is whole has no metadata; those of executions and tasks always have, or gcloud fails.
    Source: a recorded list of jobs; gcloud 528, which reads `metadata.continue` of the others unasked.
    """
    wanted = selector(call.params.get("labelSelector", ""))
    chosen = [one for one in items if wanted(one["metadata"].get("labels", {}))]
    sizes = {"pageSize": call.params.get("limit", ""), "pageToken": call.params.get("continue", "")}
    page = paged(replace(call, params=sizes), "items", chosen)
    token = page.pop("nextPageToken", "")
    metadata = {"metadata": {"continue": token} if token else {}} if token or kind != "JobList" else {}
    return page | {"apiVersion": API, "kind": kind} | metadata


def selector(text: str) -> Callable[[Document], bool]:
    """A labelSelector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a` and `!a`, all of which must hold.

    Source: Kubernetes' documentation of labels and selectors, which the v1 API follows.
    """
    needs = [_need(one.strip()) for one in _COMMA.split(text) if one.strip()]
    return lambda labels: all(need(labels) for need in needs)


def _need(text: str) -> Callable[[Document], bool]:
    if found := _SET.fullmatch(text):
        values = {one.strip() for one in found["values"].split(",")}
        key, inside = found["key"], found["how"] == "in"
        return lambda labels: (labels.get(key) in values) is inside
    for sign in ("!=", "==", "="):
        key, equals, value = (one.strip() for one in text.partition(sign))
        if equals:
            return _same(key, value, sign != "!=")
    absent, key = text.startswith("!"), text.removeprefix("!").strip()
    return lambda labels: (key in labels) is not absent


def _same(key: str, value: str, wanted: bool) -> Callable[[Document], bool]:
    return lambda labels: (labels.get(key) == value) is wanted
