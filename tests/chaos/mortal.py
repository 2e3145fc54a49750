"""The whole house, but for its functions: those live in a process that can be ended at any moment, and born anew."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from localcloud.calls import Call
from localcloud.errors import Dropped
from tests.chaos.packets import Packets
from tests.chaos.wire import Key, Wire
from tests.chaos.workers import Worker
from tests.house import PRINCIPAL, PROJECT, House

Moment = Literal["before", "after"]


@dataclass(frozen=True, order=True)
class Point:
    """Where a worker ends for good: at which call, before its effect or after it without an answer."""

    key: Key
    moment: Moment

    def __str__(self) -> str:
        return f"{self.moment} {self.key}"


class Mortal(House):
    """`end_at` says where the worker that serves the functions ends, once; another one is there right after."""

    def __init__(self, folder: Path, *, policy: str, switches: Mapping[str, Any] | None = None) -> None:
        super().__init__(folder, policy=policy, switches=switches)
        self.log = folder / "worker.log"
        self.worker = Worker(self.log)
        self.wire = Wire(self.cloud, PRINCIPAL, self._meet)
        self.packets = Packets(self.cloud)
        self.on_call: Callable[[Key, Call], None] | None = None  # told of every call right before it is answered
        self.on_post: Callable[[Key, Callable[[], Any]], Any] | None = None  # answers in Slack's stead
        self.ended = False
        self._point: Point | None = None
        self._once = threading.Lock()

    def _serve_functions(self) -> None:
        self.worker.start(self.environment())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
        finally:
            self.worker.stop()

    def endpoint(self, function: str, topic: str) -> str:
        """Where a push subscription delivers to a function, whichever worker serves it."""
        return f"http://127.0.0.1:{self.worker.port}/{function}/projects/{PROJECT}/topics/{topic}?pubsub_trigger=true"

    def end_at(self, point: Point | None) -> None:
        """From now on calls are counted anew, and this one is the last of its worker."""
        self.wire.forget()
        self._point = point

    def _meet(self, key: Key, call: Call | None, answer: Callable[[], Any]) -> Any:
        if self.on_call and call:
            self.on_call(key, call)
        if self.on_post and call is None:
            return self.on_post(key, answer)
        mine = self._point is not None and self._point.key == key
        if mine and self._point and self._point.moment == "before":
            self._end()
        try:
            return answer()
        finally:
            if key.writes:
                self.packets.look()
            if mine:
                self._end()

    def _end(self) -> None:
        with self._once:
            first, self.ended = not self.ended, True
        if first:
            self.worker.end()
        raise Dropped
