"""At-least-once delivery, for Pub/Sub and Eventarc: leases, deadlines, back-off and dead letters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from localcloud.clock import Due
from localcloud.core import Cloud
from localcloud.pubsub.push import Post, Poster

# google.pubsub.v1: what a push endpoint acknowledges with.
ACKNOWLEDGES = frozenset({102, 200, 201, 202, 204})
# How many messages of one queue are with its endpoint at once. Assumed; Google's window grows and shrinks by itself.


@dataclass(frozen=True)
class Letter:
    """What is delivered. `data` is base64, `published` RFC 3339, `at` the same in seconds of the cloud's clock."""

    id: str
    data: str
    attributes: Mapping[str, str]
    published: str
    at: float
    ordering_key: str = ""


@dataclass(frozen=True)
class Terms:
    """How a queue delivers. Times are in seconds of the cloud's clock.

    `render` makes the request of one attempt; none: somebody pulls. `bury` takes a letter after `most` attempts
    (0: never) and says whether it could.
    """

    deadline: float
    min_backoff: float
    max_backoff: float
    retention: float
    render: Callable[[Letter, int], Post] | None = None
    most: int = 0
    bury: Callable[[Letter, int], bool] | None = None

    def backoff(self, attempts: int) -> float:
        """Seconds before the attempt that follows the `attempts`-th."""
        return min(self.max_backoff, self.min_backoff * 2.0 ** min(attempts - 1, 60))


@dataclass(eq=False)
class Held:
    """One letter in one queue. `lease` is empty while nobody has it."""

    letter: Letter
    attempts: int = 0
    lease: str = ""
    timer: Due | None = field(default=None, repr=False)


class Queue:
    """The letters of one subscription that are not acknowledged. Used under the cloud's lock."""

    def __init__(self, cloud: Cloud, terms: Callable[[], Terms]) -> None:
        self._cloud = cloud
        self._terms = terms
        self._ready: list[Held] = []
        self._leased: dict[str, Held] = {}
        self._resting = 0  # given back, until their back-off is over
        self._closed = False

    def __len__(self) -> int:
        return len(self._ready) + len(self._leased) + self._resting

    def put(self, letter: Letter) -> None:
        """Take a letter, and deliver it as soon as the clock allows."""
        self._ready.append(Held(letter))
        self._cloud.after(0.0, self.pump)

    def close(self) -> None:
        """Deliver nothing more."""
        self._closed = True
        for held in self._leased.values():
            _disarm(held)
        self._ready.clear()
        self._leased.clear()

    # pushing

    def pump(self) -> None:
        """Push what is ready, as far as the window allows."""
        window = int(self._cloud.switch("pubsub.outstanding"))
        while not self._closed and len(self._leased) < window:
            terms = self._terms()
            if terms.render is None:
                return
            held = self._next(terms)
            if held is None:
                return
            lease = self._lease(held, terms.deadline, background=False)
            post = terms.render(held.letter, held.attempts)
            self._cloud.part(Poster).submit(post, partial(self._answered, lease))

    def _answered(self, lease: str, status: int | None) -> None:
        """An endpoint's answer; one that comes after the deadline counts for nothing."""
        if status in ACKNOWLEDGES:
            self.acknowledge(lease)
        else:
            self.refuse(lease)
        self.pump()

    # pulling

    def pull(self, most: int) -> list[tuple[str, Held]]:
        """Up to `most` letters, each with the lease that acknowledges it."""
        terms = self._terms()
        found: list[tuple[str, Held]] = []
        while len(found) < most and (held := self._next(terms)) is not None:
            found.append((self._lease(held, terms.deadline, background=True), held))
        return found

    def acknowledge(self, lease: str) -> None:
        """Forget a letter. An old lease is no error and does nothing: the letter comes again."""
        held = self._leased.pop(lease, None)
        if held:
            _disarm(held)

    def extend(self, lease: str, seconds: float) -> None:
        """Move the deadline of a lease to `seconds` from now; 0 gives the letter back."""
        held = self._leased.get(lease)
        if held is None:
            return
        if seconds <= 0:
            self.refuse(lease)
            return
        _disarm(held)
        self._arm(held, seconds, background=True)

    def refuse(self, lease: str) -> None:
        """Give a letter back: it comes again after the back-off, or is dead-lettered."""
        held = self._leased.pop(lease, None)
        if held is None or self._closed:
            return
        _disarm(held)
        held.lease = ""
        terms = self._terms()
        if terms.most and held.attempts >= terms.most and terms.bury and terms.bury(held.letter, held.attempts):
            return

        def again() -> None:
            self._resting -= 1
            if not self._closed:
                self._ready.append(held)
                self.pump()

        self._resting += 1
        self._cloud.after(terms.backoff(held.attempts), again)

    # leases

    def _next(self, terms: Terms) -> Held | None:
        while self._ready:
            held = self._ready.pop(0)
            if self._cloud.clock.seconds() - held.letter.at <= terms.retention:
                return held
        return None

    def _lease(self, held: Held, deadline: float, *, background: bool) -> str:
        held.attempts += 1
        held.lease = f"{held.letter.id}-{held.attempts}-{self._cloud.new_id()}"
        self._leased[held.lease] = held
        self._arm(held, deadline, background=background)
        return held.lease

    def _arm(self, held: Held, seconds: float, *, background: bool) -> None:
        lease = held.lease

        def expire() -> None:
            self.refuse(lease)
            self.pump()

        held.timer = self._cloud.clock.after(seconds, expire, background=background)


def _disarm(held: Held) -> None:
    if held.timer:
        held.timer.dead = True
        held.timer = None
