"""Waiting for Google's long-running operations, of both kinds, within the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from wayout.cloud.asking import GRPC, REST
from wayout.cloud.clients import Clients
from wayout.cloud.errors import RefusedError, TryAgainError, UnfinishedError, sort_compute, sort_status

T = TypeVar("T")

# compute's `wait` holds a request for at most two minutes (its discovery document); some more for the way back.
_LONG_POLL = 125.0


@dataclass(frozen=True)
class Turn:
    """One change that is being made: with which clients, until when (time.monotonic seconds).

    `request_id` makes a compute write count once, however often its call is repeated. `say` tells how it goes.
    """

    clients: Clients
    deadline: float
    request_id: str
    say: Callable[[str], None] = lambda _: None

    @property
    def left(self) -> float:
        """Seconds that are left, at least zero."""
        return max(0.0, self.deadline - time.monotonic())

    def ask(self, permission: str, resource: str, call: Callable[[], T]) -> T:
        """`Clients.ask`, within the time that is left."""
        return self.clients.ask(permission, resource, call, until=self.deadline)

    def fetch(self, permission: str, resource: str, method: str, url: str, **how: Any) -> dict[str, Any]:
        """`Clients.fetch`, within the time that is left."""
        return self.clients.fetch(permission, resource, method, url, until=self.deadline, **how)


def finish(turn: Turn, operations: Any, operation: Any, permission: str, resource: str) -> None:
    """Wait for a google.longrunning operation (its first body). Raises what it failed with, or UnfinishedError.

    `permission` and `resource` are those of the call that started it. Asking takes `SERVICE.operations.get`.
    """
    turn.say(_started(operation.name))
    service = permission.split(".", 1)[0]
    while not operation.done:
        _pause(turn)
        name = operation.name
        try:
            operation = turn.ask(f"{service}.operations.get", name, partial(operations.get_operation, name, **GRPC))
        except TryAgainError:
            continue
        except RefusedError as refused:
            raise _unwatched(refused) from refused
    if operation.HasField("error"):
        raise sort_status(operation.error.code, operation.error.message, turn.clients.errand(permission, resource))
    turn.say("done")


def finish_compute(turn: Turn, project: str, region: str | None, name: str, permission: str, resource: str) -> None:
    """Wait for a compute operation. Raises what it failed with, or UnfinishedError.

    Never `result()` of the library: that asks a client of its own making, at Google's own endpoint, and takes a
    failed operation for a finished one in `wait`.
    """
    turn.say(_started(name))
    while True:
        try:
            operation = _wait_compute(turn, project, region, name)
        except TryAgainError:
            _pause(turn)
            continue
        except RefusedError as refused:
            raise _unwatched(refused) from refused
        if operation.status == type(operation).Status.DONE:
            break
        _pause(turn)
    errors = [(one.code, one.message) for one in operation.error.errors]
    if errors or operation.http_error_status_code >= 400:
        errand = turn.clients.errand(permission, resource)
        raise sort_compute(operation.http_error_status_code or 400, errors, errand)
    turn.say("done")


def _wait_compute(turn: Turn, project: str, region: str | None, name: str) -> Any:
    patience = {"timeout": min(_LONG_POLL, max(turn.left, 1.0))}
    if region is None:
        return turn.ask(
            "compute.globalOperations.get",
            f"projects/{project}",
            lambda: turn.clients.global_operations.wait(project=project, operation=name, **REST | patience),
        )
    return turn.ask(
        "compute.regionOperations.get",
        f"projects/{project}",
        lambda: turn.clients.region_operations.wait(project=project, region=region, operation=name, **REST | patience),
    )


def _unwatched(refused: RefusedError) -> UnfinishedError:
    """The change itself was accepted: it is not what was refused."""
    return UnfinishedError(f"it has begun, and how it goes may not be asked: {refused.why}", refused.help)


def until(turn: Turn, seen: Callable[[], bool]) -> None:
    """Ask again, ever more seldom, until reads show what an operation that has ended has made.

    Raises UnfinishedError when no time is left. Source: Terraform waits 5 s after a connector's creation, since a read
    may lag the operation.
    """
    longer = 1.0
    while not seen():
        _pause(turn, longer)
        longer = min(longer * 2, 8.0)


def _pause(turn: Turn, longer: float = 1.0) -> None:
    """Sleep until the next look. Raises UnfinishedError when no time is left."""
    if turn.left <= 0:
        raise UnfinishedError("its operation goes on")
    time.sleep(min(turn.clients.settings.poll_seconds * longer, turn.left))


def _started(name: str) -> str:
    return f"operation {name.rsplit('/', 1)[-1].removeprefix('operation-')}"
