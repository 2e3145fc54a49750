"""Keeping to our part of Google's quotas on requests, so that nobody's calls are refused because of ours.

A quota is so many calls of one group of methods in a minute, for one project, or for one project and region. What is
divided among instances beforehand needs no word between them: each keeps to its part, whatever the others do.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType

from wayout.cloud.errors import TryAgainError

MINUTE = 60.0
MOST = 1000  # buckets that are kept; what rests for a minute is forgotten beyond that

# Calls per minute that Google gives where nobody has asked for more. Source: compute's page on API rate limits (1500
# for each group); two operators' reports (Cloud Run's writes) and one (Logging's reads). The others are assumed.
QUOTAS: Mapping[str, int] = MappingProxyType(
    {
        "compute/write": 1500,
        "compute/read": 1500,
        "compute/list": 1500,
        "compute/operation": 1500,
        "run/write": 60,
        "run/read": 3000,
        "vpcaccess/write": 60,
        "vpcaccess/read": 600,
        "logging/read": 120,
        "resourcemanager/read": 600,
    }
)
REGIONAL = frozenset({"run/write", "run/read"})


def sizes(text: str) -> dict[str, int]:
    """Quotas from text such as `run/write=120,compute/list=3000`. Raises ValueError."""
    found: dict[str, int] = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, number = part.partition("=")
        if name not in QUOTAS:
            raise ValueError(f"{name!r} is none of the quotas {', '.join(QUOTAS)}")
        if not number.isdecimal() or int(number) < 1:
            raise ValueError(f"write {name}=NUMBER, with the calls per minute that Google gives")
        found[name] = int(number)
    return found


@dataclass(frozen=True, slots=True)
class Key:
    """What a call counts against: a quota, in a project, and in a region where the quota is one for each."""

    quota: str
    project: str
    region: str = ""

    def __str__(self) -> str:
        return " in ".join(filter(None, (self.quota, self.project, self.region)))


def key(permission: str, resource: str) -> Key | None:
    """What a call that takes `permission` on `resource` counts against; None where no quota is known."""
    service, _, rest = permission.partition(".")
    quota = f"{service}/{_group(service, *rest.rpartition('.')[::2])}"
    parts = resource.split("/")
    if quota not in QUOTAS or len(parts) < 2 or parts[0] != "projects":
        return None
    region = parts[3] if quota in REGIONAL and len(parts) > 3 and parts[2] == "locations" else ""
    return Key(quota, parts[1], region)


def _group(service: str, kind: str, verb: str) -> str:
    if service == "compute" and kind.endswith("Operations"):
        return "operation"
    if service == "compute" and verb == "list":
        return "list"
    return "read" if verb.startswith(("get", "list")) else "write"


@dataclass
class _Bucket:
    """As many tokens as calls fit into a minute. Each is there again a minute after its call, so that no minute, at
    whatever second it begins, holds more. `taken`: when, in order; some of it may lie ahead. `closed`: until when."""

    size: int
    taken: deque[float] = field(default_factory=deque)
    closed: float = 0.0

    def next(self, now: float, minute: float) -> float:
        """When the next call may begin."""
        while self.taken and self.taken[0] + minute <= now:
            self.taken.popleft()
        free = now if len(self.taken) < self.size else self.taken[-self.size] + minute
        return max(now, free, self.closed, self.taken[-1] if self.taken else now)


class Pacing:
    """Says to each call of one process when it may begin. Calls of other quotas, projects and regions never wait.

    `instances`: how many processes share each quota. `minute`: in seconds; 0 turns pacing off. `sizes`: quotas that
    differ from the usual ones. Safe to use from several threads, which are served in the order in which they come.
    """

    def __init__(
        self,
        *,
        instances: int = 1,
        minute: float = MINUTE,
        sizes: Mapping[str, int] = MappingProxyType({}),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._instances, self._minute = instances, minute
        self._sizes = {**QUOTAS, **sizes}
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._buckets: dict[Key, _Bucket] = {}

    def wait(self, permission: str, resource: str, *, until: float) -> float:
        """Wait until a call may begin; one that need not wait begins whatever the time. Answers with its token.

        Raises TryAgainError, at once, where its turn comes after `until` only (seconds of the clock).
        """
        at = key(permission, resource)
        if at is None or not self._minute:
            return 0.0
        taken = self._take(at, until)
        while (ahead := taken - self._clock()) > 0:
            self._sleep(ahead)
            taken = self._still(at, taken, until)
        return taken

    def give_back(self, permission: str, resource: str, taken: float) -> None:
        """The call that waited for the token `taken` was not made."""
        at = key(permission, resource)
        with self._lock:
            if at is not None and at in self._buckets:
                with suppress(ValueError):
                    self._buckets[at].taken.remove(taken)

    def rest(self, permission: str, resource: str, seconds: float) -> None:
        """Google has refused such a call: have none of them begin for so many seconds."""
        at = key(permission, resource)
        if at is not None and self._minute:
            with self._lock:
                bucket = self._bucket(at)
                bucket.closed = max(bucket.closed, self._clock() + seconds)

    def part(self, quota: str) -> int:
        """Our part of a quota, in calls per minute."""
        return max(1, self._sizes[quota] // self._instances)

    def _take(self, at: Key, until: float) -> float:
        """Take a token: when its call may begin."""
        with self._lock:
            bucket = self._bucket(at)
            now = self._clock()
            turn = bucket.next(now, self._minute)
            if turn > max(now, until):
                raise self._put_off(at)
            bucket.taken.append(turn)
            return turn

    def _still(self, at: Key, taken: float, until: float) -> float:
        """A token that has been waited for; another one if such a call has been refused meanwhile."""
        with self._lock:
            bucket = self._bucket(at)
            if bucket.closed <= taken:
                return taken
            with suppress(ValueError):
                bucket.taken.remove(taken)
        return self._take(at, until)

    def _bucket(self, at: Key) -> _Bucket:
        if at not in self._buckets:
            if len(self._buckets) >= MOST:
                edge = self._clock() - self._minute
                rested = [one for one, bucket in self._buckets.items() if max((bucket.closed, *bucket.taken)) < edge]
                for one in rested:
                    del self._buckets[one]
            self._buckets[at] = _Bucket(self.part(at.quota))
        return self._buckets[at]

    def _put_off(self, at: Key) -> TryAgainError:
        return TryAgainError(f"our part of Google's quota is used up: {self.part(at.quota)} calls a minute of {at}")
