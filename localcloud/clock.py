"""The one clock. Virtual by default: minutes pass when nothing else is left to do, in order; or real, at any speed.

In virtual mode time moves in three cases only: somebody asks for or waits on an operation, somebody settles the cloud,
or (with `idle`) nobody has asked for anything for a moment. It never moves while a request is being answered, nor
while a pushed message is being worked on, unless that worker is itself waiting for time to pass.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
QUIET = 0.012  # real seconds without a request before time may move
IDLE = 0.06  # the same when nobody waits for time to pass
PATIENCE = 8.0  # real seconds that a pushed message may be worked on in silence before time moves all the same


@dataclass(order=True)
class Due:
    """Something that happens at a moment; cancel it by setting `dead`."""

    at: float
    turn: int
    act: Callable[[], None] = field(compare=False)
    dead: bool = field(default=False, compare=False)
    background: bool = field(default=False, compare=False)


class Clock:
    """Seconds since EPOCH, and what is due when. `lock` guards all of the cloud's state; actions run under it."""

    def __init__(self, *, virtual: bool = True, speed: float = 1.0, idle: bool = True) -> None:
        self.virtual = virtual
        self.speed = speed
        self.idle = idle
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self._heap: list[Due] = []
        self._turn = itertools.count()
        self._seconds = 0.0
        self._started = time.monotonic()
        self._active = 0
        self._waiting = 0
        self._working = 0
        self._last = time.monotonic()
        self._stopped = False
        self._thread: threading.Thread | None = None

    # reading

    def seconds(self) -> float:
        """Seconds since EPOCH."""
        return self._seconds if self.virtual else (time.monotonic() - self._started) * self.speed

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self.seconds())

    def stamp(self) -> str:
        """Now, in RFC 3339 with microseconds and Z."""
        return self.now().isoformat(timespec="microseconds").replace("+00:00", "Z")

    # what is due

    def after(self, delay: float, act: Callable[[], None], *, background: bool = False) -> Due:
        """Have `act` run under the lock, `delay` seconds from now. A background event never makes idle time pass."""
        with self._changed:
            due = Due(self.seconds() + delay, next(self._turn), act, background=background)
            heapq.heappush(self._heap, due)
            self._changed.notify_all()
            return due

    def _peek(self) -> Due | None:
        while self._heap and self._heap[0].dead:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def _step(self) -> None:
        due = heapq.heappop(self._heap)
        if self.virtual:
            self._seconds = max(self._seconds, due.at)
        if not due.dead:
            due.act()
        self._changed.notify_all()

    # who is busy

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request is being answered: time stands still."""
        with self._changed:
            self._active += 1
        try:
            yield
        finally:
            with self._changed:
                self._active -= 1
                self._last = time.monotonic()
                self._changed.notify_all()

    @contextmanager
    def delivery(self) -> Iterator[None]:
        """A pushed message is with its endpoint: time stands still, unless that endpoint waits for time to pass."""
        with self._changed:
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._last = time.monotonic()
                self._changed.notify_all()

    def _quiet(self, seconds: float) -> float:
        """How many real seconds of silence are still missing before time may move."""
        if self._active:
            return seconds
        silent = time.monotonic() - self._last
        return max(0.0, (PATIENCE if self._working > self._waiting else seconds) - silent)

    # passing time

    def pass_until(
        self, done: Callable[[], bool], *, seconds: float = float("inf"), from_outside: bool = False
    ) -> bool:
        """Let time pass, in order, until `done`, for at most `seconds` of the cloud's time. Says whether it is done.

        `from_outside`: the one who waits is nobody's pushed message, so work on those is not taken for waiting.
        """
        if not self.virtual:
            return self._wait_real(done, seconds)
        with self._changed:
            end = self._seconds + seconds
            self._waiting += not from_outside
            try:
                while not done() and not self._stopped:
                    due = self._peek()
                    if due is None and not self._working and not self._active:
                        break
                    if due is not None and due.at > end:
                        self._seconds = max(self._seconds, end)
                        break
                    if due is not None and due.at <= self._seconds:
                        self._step()
                        continue
                    missing = self._quiet(QUIET)
                    if due is None or missing > 0:
                        self._changed.wait(min(missing, 0.05) or 0.005)
                        continue
                    self._step()
                return done()
            finally:
                self._waiting -= not from_outside
                self._last = time.monotonic()
                self._changed.notify_all()

    def _wait_real(self, done: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + min(seconds, 1e6) / self.speed
        with self._changed:
            while not done() and not self._stopped and (left := end - time.monotonic()) > 0:
                self._changed.wait(min(left, 0.5))
            return done()

    def settle(self, *, horizon: float = 86_400.0, patience: float = 60.0) -> bool:
        """Let everything that is due within `horizon` seconds happen. False if it did not come to rest in time.

        `patience` is in real seconds.
        """
        give_up = time.monotonic() + patience
        with self._changed:
            end = self.seconds() + horizon

        def rested() -> bool:
            due = self._peek()
            ahead = due is not None and not due.background and due.at <= end
            return (not ahead and not self._working and not self._active) or time.monotonic() > give_up

        self.pass_until(rested, from_outside=True)
        return time.monotonic() <= give_up

    def advance(self, seconds: float) -> None:
        """Let exactly `seconds` pass, and what is due in them happen."""
        with self._changed:
            end = self.seconds() + seconds
        self.pass_until(lambda: False, seconds=seconds, from_outside=True)
        with self._changed:
            if self.virtual:
                self._seconds = max(self._seconds, end)

    # the thread that moves time when nobody waits for it

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        with self._changed:
            while not self._stopped:
                self._changed.wait(self._run_due())

    def _run_due(self) -> float:
        """Run what may run now; return for how many real seconds there is nothing to do."""
        due = self._peek()
        if due is None:
            return 0.5
        ahead = due.at - self.seconds()
        if ahead <= 0:
            self._step()
            return 0.0
        if not self.virtual:
            return min(ahead / self.speed, 0.5)
        if not self.idle or due.background or self._waiting:
            return 0.5
        missing = self._quiet(IDLE)
        if missing > 0:
            return min(missing, 0.05)
        self._step()
        return 0.0
