"""Starting long-running operations: google.longrunning for Cloud Run and VPC Access, compute's own kind."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta, timezone
from http import HTTPStatus

from localcloud import audit
from localcloud.calls import Call, Document, Running
from localcloud.core import METHODS, Cloud, not_found
from localcloud.errors import ApiError

COMPUTE = "https://www.googleapis.com/compute/v1"
PACIFIC = timezone(timedelta(hours=-8))

# Turns the finished work into the operation's response, or raises what the operation fails with.
Finish = Callable[[], Document]


def start_lro(
    cloud: Cloud,
    call: Call,
    *,
    parent: str,
    seconds: float,
    metadata: Callable[[], Document],
    finish: Finish,
    first_response: Document | None = None,
    entries: int = 2,
) -> Document:
    """Start a google.longrunning operation under `parent` (`projects/P/locations/R`); answers with its first body.

    `metadata` is asked at the start and at the end; audited methods get the first and last log entries, or (with
    `entries=1`) one that names no operation.
    """
    id_ = cloud.new_uuid()
    name = f"{parent}/operations/{id_}"
    running = Running(id_, name, {"name": name, "metadata": metadata()})
    cloud.operations[id_] = running
    doomed = cloud.doom()
    _log(cloud, call, running if entries > 1 else None, response=first_response)

    def end() -> None:
        error = None
        body: Document = {"name": name, "done": True}
        try:
            body["response"] = finish()
            if doomed:
                raise doomed
        except ApiError as refusal:
            error = refusal
            body.pop("response", None)
            body["error"] = refusal.rpc()
        body["metadata"] = metadata()
        running.body, running.done = body, True
        if entries > 1 or error:
            _log(cloud, call, running, last=True, error=error)

    cloud.after(seconds, end)
    return dict(running.body)


def start_compute(
    cloud: Cloud,
    call: Call,
    *,
    project: str,
    target: str,
    target_id: str,
    kind: str,
    region: str | None,
    seconds: float,
    finish: Callable[[], None],
) -> Document:
    """Start a compute operation on `target` (`projects/P/global/firewalls/F`); answers with its RUNNING body.

    `kind` is compute's operationType. `finish` runs when it ends and may raise what the operation fails with.
    """
    id_ = cloud.new_id()
    name = f"operation-{id_}-{cloud.new_id()[-8:]}"
    scope = f"regions/{region}" if region else "global"
    body: Document = {
        "kind": "compute#operation",
        "id": id_,
        "name": name,
        "operationType": kind,
        "targetLink": f"{COMPUTE}/{target}",
        "targetId": target_id,
        "status": "RUNNING",
        "user": call.caller.principal,
        "progress": 0,
        "insertTime": compute_stamp(cloud),
        "startTime": compute_stamp(cloud),
        "selfLink": f"{COMPUTE}/projects/{project}/{scope}/operations/{name}",
    }
    if region:
        body["region"] = f"{COMPUTE}/projects/{project}/regions/{region}"
    running = Running(name, name, body)
    cloud.operations[name] = running
    _log(cloud, call, running, response={"@type": "type.googleapis.com/operation"} | body)

    def end() -> None:
        error = None
        ended = body | {"status": "DONE", "progress": 100, "endTime": compute_stamp(cloud)}
        try:
            finish()
        except ApiError as refusal:
            error = refusal
            ended["error"] = {
                "errors": [{"code": _upper(refusal.reason) or refusal.status, "message": refusal.message}]
            }
            ended["httpErrorStatusCode"] = refusal.http_status
            ended["httpErrorMessage"] = HTTPStatus(refusal.http_status).phrase.upper()
        running.body, running.done = ended, True
        _log(cloud, call, running, last=True, error=error)

    cloud.after(seconds, end)
    return dict(body)


def compute_stamp(cloud: Cloud) -> str:
    """Now as compute writes it: milliseconds and the offset of California (in winter: the clock starts in November)."""
    return cloud.clock.now().astimezone(PACIFIC).isoformat(timespec="milliseconds")


def _upper(reason: str) -> str:
    """`resourceNotReady` as operations spell it: RESOURCE_NOT_READY."""
    return reason if reason.isupper() else re.sub(r"(?<!^)(?=[A-Z])", "_", reason).upper()


def read(cloud: Cloud, name: str) -> Document:
    """The body of the operation that is called `name`, in full or by its last part."""
    running = cloud.operations.get(name.rsplit("/", 1)[-1])
    if running is None:
        raise not_found(f"The resource '{name}' was not found")
    return dict(running.body)


def _log(
    cloud: Cloud,
    call: Call,
    running: Running | None,
    *,
    response: Document | None = None,
    last: bool = False,
    error: ApiError | None = None,
) -> None:
    method = METHODS.get(call.method)
    if method is None or method.audited is None:
        return
    status = error.rpc() if error else None
    cloud.log(audit.entry(cloud, method.audited, call, response=response, status=status, operation=running, last=last))
