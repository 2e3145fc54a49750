"""The one clock. Virtual by default: minutes pass when nothing else is left to do, in order; or real, at any speed.

In virtual mode time moves in three cases only: somebody asks for or waits on an operation, somebody settles the cloud,
or (with `idle`) nobody has asked for anything for a moment. It never moves while a request is being answered, nor
while a pushed message is being worked on, unless that worker is itself waiting for time to pass, nor while somebody
who waited has what they waited for and has not yet been told.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)  # for those to whom the date is all the same
QUIET = 0.012  # real seconds without a request before time may move
IDLE = 0.06  # the same when nobody waits for time to pass
PATIENCE = 8.0  # real seconds; longer than a function takes to wake up
NAP = 0.05  # real seconds that a thread sleeps at most before it looks again

_log = logging.getLogger(__name__)


@dataclass(order=True)
class Due:
    """Something that happens at a moment; cancel it by setting `dead`."""

    at: float
    turn: int
    act: Callable[[], None] = field(compare=False)
    dead: bool = field(default=False, compare=False)
    background: bool = field(default=False, compare=False)


@dataclass(eq=False)
class Waiter:
    """Somebody who lets time pass until `done`. `inside`: may be the endpoint of a pushed message."""

    done: Callable[[], bool]
    inside: bool


class Clock:
    """Seconds since it began, and what is due when. `lock` guards all of the cloud's state; actions run under it.

    `began` is the time that it shows at first: gcloud asks for log entries by its own clock, so a server that people
    use begins with the real time. `failures` keeps what actions raised: the clock goes on, and `settle` raises the
    first of them. `patience`: real seconds that a pushed message may be worked on in silence before virtual time moves
    all the same.
    """

    def __init__(
        self,
        *,
        virtual: bool = True,
        speed: float = 1.0,
        idle: bool = True,
        patience: float = PATIENCE,
        began: datetime = EPOCH,
    ) -> None:
        if speed <= 0:
            raise ValueError("speed must be more than 0")
        self.virtual = virtual
        self.began = began
        self.speed = speed
        self.idle = idle
        self.patience = patience
        self.lock = threading.RLock()
        self.failures: list[Exception] = []
        self._changed = threading.Condition(self.lock)
        self._door = threading.Lock()  # so that a request is counted at once, however busy the lock is
        self._heap: list[Due] = []
        self._turn = itertools.count()
        self._seconds = 0.0
        self._started = time.monotonic()
        self._active = 0
        self._waiters: list[Waiter] = []
        self._working = 0
        self._last = time.monotonic()
        self._stopped = False
        self._thread: threading.Thread | None = None

    # reading

    def seconds(self) -> float:
        """Seconds since it began."""
        return self._seconds if self.virtual else (time.monotonic() - self._started) * self.speed

    def now(self) -> datetime:
        """The cloud's time, in UTC."""
        return self.began + timedelta(seconds=self.seconds())

    def stamp(self) -> str:
        """Now, in RFC 3339 with microseconds and Z."""
        return self.now().isoformat(timespec="microseconds").replace("+00:00", "Z")

    @property
    def pending(self) -> int:
        """How many things are due that idle time would pass for."""
        with self.lock:
            return sum(not due.dead and not due.background for due in self._heap)

    # what is due

    def after(self, delay: float, act: Callable[[], None], *, background: bool = False) -> Due:
        """Have `act` run under the lock, `delay` seconds from now. A background event never makes idle time pass."""
        with self._changed:
            due = Due(self.seconds() + max(0.0, delay), next(self._turn), act, background=background)
            heapq.heappush(self._heap, due)
            self._changed.notify_all()
            return due

    def _peek(self) -> Due | None:
        while self._heap and self._heap[0].dead:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None

    def _ahead(self, end: float) -> bool:
        """Whether something other than background events is due until `end`."""
        due = self._peek()
        if due is None or due.at > end or not due.background:
            return due is not None and due.at <= end
        return any(not due.dead and not due.background and due.at <= end for due in self._heap)

    def _step(self) -> None:
        due = heapq.heappop(self._heap)
        if self.virtual:
            self._seconds = max(self._seconds, due.at)
        if not due.dead:
            due.dead = True
            try:
                due.act()
            except Exception as failure:  # noqa: BLE001 - kept: settle raises it
                _log.exception("something that was due at %.3f s failed", due.at)
                self.failures.append(failure)
        self._changed.notify_all()

    # who is busy

    @contextmanager
    def request(self) -> Iterator[None]:
        """A request is being answered: time stands still."""
        with self._door:
            self._active += 1
        try:
            yield
        finally:
            with self._changed:
                with self._door:
                    self._active -= 1
                self._touch()

    def hold(self) -> Callable[[], None]:
        """Count a pushed message as with its endpoint, from now until the answer is called."""
        with self._changed:
            self._working += 1
        held = [True]

        def release() -> None:
            with self._changed:
                if held:
                    held.clear()
                    self._working -= 1
                    self._touch()

        return release

    @contextmanager
    def delivery(self) -> Iterator[None]:
        """A pushed message is with its endpoint: time stands still, unless that endpoint waits for time to pass."""
        release = self.hold()
        try:
            yield
        finally:
            release()

    def _touch(self) -> None:
        self._last = time.monotonic()
        self._changed.notify_all()

    def _missing(self, seconds: float) -> float:
        """How many real seconds of silence are still missing before time may move. Somebody busy: for ever."""
        if self._active or any(waiter.done() for waiter in self._waiters):
            return float("inf")
        inside = sum(waiter.inside for waiter in self._waiters)
        wanted = self.patience if self._working > inside else seconds
        return max(0.0, wanted - (time.monotonic() - self._last))

    # passing time

    def pass_until(
        self, done: Callable[[], bool], *, seconds: float = float("inf"), from_outside: bool = False
    ) -> bool:
        """Let time pass, in order, until `done`, for at most `seconds` of the cloud's time. Says whether it is done.

        `from_outside`: the one who waits is nobody's pushed message, so work on those is not taken for waiting.
        Gives up when nothing is due and nobody is busy, for then nothing will change.
        """
        if not self.virtual:
            return self._wait_real(done, seconds)
        with self._changed:
            end = self._seconds + seconds
            if not self._pass(done, end, inside=not from_outside) and not self._stopped and seconds != float("inf"):
                self._seconds = max(self._seconds, end)
            return done()

    def _pass(self, done: Callable[[], bool], end: float, *, inside: bool) -> bool:
        """Take every step until `done`, as long as there is one to take until `end`."""
        waiter = Waiter(done, inside)
        self._waiters.append(waiter)
        try:
            while not done() and not self._stopped:
                due = self._peek()
                if due is not None and due.at <= self._seconds:
                    self._step()
                elif (missing := self._missing(QUIET)) > 0:
                    self._changed.wait(min(missing, NAP))
                elif due is not None and due.at <= end:
                    self._step()
                else:
                    break
            return done()
        finally:
            self._waiters.remove(waiter)
            self._touch()

    def _wait_real(self, done: Callable[[], bool], seconds: float) -> bool:
        end = time.monotonic() + min(seconds, 1e6) / self.speed
        with self._changed:
            while not done() and not self._stopped and (left := end - time.monotonic()) > 0:
                self._changed.wait(min(left, NAP))
            return done()

    def settle(self, *, horizon: float = 86_400.0, patience: float = 60.0) -> bool:
        """Let everything that is due within `horizon` seconds happen. False if it did not come to rest in time.

        `patience` is in real seconds. Raises the first failure of an action, once.
        """
        give_up = time.monotonic() + patience
        end = self.seconds() + horizon

        def rested() -> bool:
            return not self._ahead(end) and not self._working and not self._active

        def over() -> bool:
            return rested() or time.monotonic() > give_up

        with self._changed:
            while not over() and not self._stopped:
                if not self.virtual or not self._pass(over, end, inside=False):
                    self._changed.wait(NAP)
            if self.failures:
                failures, self.failures = self.failures, []
                raise failures[0]
            return rested()

    def advance(self, seconds: float) -> None:
        """Let exactly `seconds` pass, and what is due in them happen."""
        self.pass_until(lambda: False, seconds=seconds, from_outside=True)

    # the thread that moves time when nobody waits for it

    def start(self) -> None:
        """Start the thread that runs what is due; without it only those who wait do."""
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let everybody who waits go, and end the thread. A stopped clock never moves again."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread:
            self._thread.join(timeout=5)
            self._thread = None

    def _run(self) -> None:
        with self._changed:
            while not self._stopped:
                self._changed.wait(self._run_due() or (NAP / 10 if self._active else 0.0))

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
        if not self.idle or self._waiters or not self._ahead(float("inf")):
            return 0.5
        missing = self._missing(IDLE)
        if missing > 0:
            return min(missing, NAP)
        self._step()
        return 0.0
