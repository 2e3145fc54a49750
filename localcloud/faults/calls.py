"""Faults on demand: by rule, or by a name of the catalogue of errors that real projects have met."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localcloud.calls import Call, Document, project_of
from localcloud.errors import ApiError, Dropped

if TYPE_CHECKING:
    from localcloud.core import Cloud

CATALOGUE = Path(__file__).parent / "catalogue.json"
ALWAYS = 1_000_000_000


@dataclass
class Fault:
    """What the next `times` matching calls meet. `method` and `principal` may hold wildcards; `also`: more methods.

    `error` is answered instead of the real answer; with `after`, the effect happens all the same and only the answer
    is lost; with `operation`, the call succeeds and its operation fails with it (calls that start none are let be, and
    not counted). `drop` cuts the connection instead.
    `latency` is in seconds of the cloud's clock, before anything else. The first `skip` calls are let be; of the others
    `probability` says how many are met, drawn from `seed`.
    """

    method: str
    error: ApiError | None = None
    times: int = 1
    after: bool = False
    drop: bool = False
    operation: bool = False
    latency: float = 0.0
    principal: str = "*"
    skip: int = 0
    probability: float = 1.0
    seed: int = 0
    name: str = ""
    also: tuple[str, ...] = ()
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - to be the same in every run

    def meets(self, call: Call) -> bool:
        """Whether this call is met; counts it."""
        if self.times < 1 or not any(fnmatchcase(call.method, one) for one in (self.method, *self.also)):
            return False
        if not fnmatchcase(call.caller.principal, self.principal):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self._random.random() >= self.probability:
            return False
        self.times -= 1
        return True

    def strike(self, cloud: Cloud, call: Call) -> None:
        """Raise what the caller gets instead of an answer, if that is what the fault does."""
        if self.drop:
            raise Dropped
        if self.error is not None and not self.operation:
            raise filled(cloud, call, self.error)


def next_for(cloud: Cloud, call: Call) -> Fault | None:
    """The fault that meets this call, counted; None when it is let be."""
    return next((fault for fault in cloud.faults if fault.meets(call)), None)


def doom(cloud: Cloud, call: Call, fault: Fault | None) -> ApiError | None:
    """What the operation that this call starts is to fail with."""
    if fault is None or not fault.operation or fault.error is None:
        return None
    return filled(cloud, call, fault.error)


def filled(cloud: Cloud, call: Call, error: ApiError) -> ApiError:
    """An error whose words name the project, region and thing of the call where they hold `{p}`, `{r}`, `{name}` …"""
    words = _words(cloud, call)
    details: list[dict[str, Any]] = _filled(error.details, words)
    return replace(error, message=_filled(error.message, words), details=details)


def _filled(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled(one, words) for one in value]
    if isinstance(value, dict):
        return {key: _filled(one, words) for key, one in value.items()}
    return re.sub(r"\{(\w+)\}", lambda match: words.get(match[1], match[0]), value) if isinstance(value, str) else value


def _words(cloud: Cloud, call: Call) -> Mapping[str, str]:
    given = project_of(call) or ""
    project = next((id_ for id_, number in cloud.projects.items() if given in (id_, number)), given)
    named = [call.params.get(key) for key in (*_kinds(call), "connectorId", "jobId", "name", "topic", "subscription")]
    body = call.body.get("name") or call.body.get("accountId") or ""
    name = str(next(filter(None, named), "") or body).rsplit("/", 1)[-1]
    parent = (call.params.get("parent") or call.params.get("name") or "").split("/")
    region = call.params.get("region") or call.region or (parent[3] if len(parent) > 3 else "")
    number = cloud.projects.get(project, "")
    task: Any = call.body.get("template", {}).get("template", {})
    connector = task.get("vpcAccess", {}).get("connector", "").rsplit("/", 1)[-1] if isinstance(task, dict) else ""
    same = dict.fromkeys(("name", "n", "s", "j", "x", "c"), name) | ({"c": connector} if connector else {})
    image = next((str(one.get("image")) for one in task.get("containers", [])), "") if isinstance(task, dict) else ""
    return {"p": project, "project": project, "r": region, "region": region, "number": number, "image": image} | same


def _kinds(call: Call) -> tuple[str, ...]:
    kind = call.method.split(".")[1] if call.service == "compute" else ""
    return (kind.removesuffix("s"), kind)


# the catalogue


@cache
def catalogue() -> Mapping[str, Document]:
    """Every error that can be had by name. Messages are quotes: each entry has its grade and its source."""
    entries: list[Document] = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    return {entry["name"]: entry for entry in entries}


def by_name(name: str, **how: Any) -> Fault:
    """The fault that answers with an entry's message, on every method that it concerns. Raises KeyError."""
    entry = catalogue()[name]
    error = ApiError(
        entry["code"],
        entry["message"],
        reason=entry.get("reason", ""),
        domain=entry.get("domain", "global"),
        http=entry.get("http", 0),
        details=entry.get("details", []),
    )
    late = entry["shape"] == "operation"
    method, *also = entry["methods"]
    return Fault(method, error, operation=late, name=name, also=tuple(also), **how)
