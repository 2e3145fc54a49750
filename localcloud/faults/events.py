"""What log entries may meet on their way to sinks and triggers: lost, doubled, delayed, reordered, split.

Source: Eventarc's and Pub/Sub's pages on delivery (at least once, in no promised order), and "Determine event filters
for Cloud Audit Logs" on entries that are split over several. How Google cuts an entry is not told: assumed here.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING

from localcloud.calls import Document

if TYPE_CHECKING:
    from localcloud.core import Cloud
    from localcloud.pubsub.queues import Letter, Queue

KINDS = ("lost", "doubled", "delayed", "reordered", "split")
PATIENCE = 60.0  # seconds that a reordered entry waits for others to pass, at most
BEHIND = 0.01  # seconds between the last that passes it and itself: pushes of one moment go out side by side
Deliver = Callable[[Document], None]


@dataclass
class Rule:
    """What the next `times` entries of a method and service meet. `seconds`: the delay of one, or of the second of two.

    `same`: a doubled entry comes again as the same message, as one that was not acknowledged does; else as another.
    `count`: by the entries of how many other things a reordered one is passed, or how many parts a split one has.
    """

    kind: str
    method: str = "*"
    times: int = 1
    probability: float = 1.0
    seed: int = 0
    seconds: float = 5.0
    count: int = 2
    service: str = "*"
    same: bool = False
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - to be the same in every run

    def meets(self, entry: Document) -> bool:
        """Whether this entry is met; counts it."""
        payload = entry.get("protoPayload", {})
        named = (("methodName", self.method), ("serviceName", self.service))
        if self.times < 1 or not all(fnmatchcase(str(payload.get(key, "")), pattern) for key, pattern in named):
            return False
        if self._random.random() >= self.probability:
            return False
        self.times -= 1
        return True

    def described(self) -> Document:
        """For the admin surface."""
        shown = {"kind": self.kind, "methodName": self.method, "times": self.times, "probability": self.probability}
        shown |= {"seconds": self.seconds, "count": self.count}
        return shown | {"serviceName": self.service, "sameMessage": self.same}


@dataclass
class _Held:
    """A reordered entry, and the names of the things whose entries have passed it."""

    entry: Document
    count: int
    passed: set[str] = field(default_factory=set)
    gone: bool = False


class EventFaults:
    """The rules of one cloud, and the entries that wait for others to pass. Used under the cloud's lock."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._held: list[_Held] = []
        self._again: float | None = None
        self.rules: list[Rule] = []

    def treat(self, entry: Document, deliver: Deliver) -> None:
        """Deliver an entry as the rules have it: `deliver` is called none, one or several times, now or later."""
        rule = next((one for one in self.rules if one.meets(entry)), None)
        if rule is None:
            self._passing(entry, deliver)
        elif rule.kind == "doubled" and rule.same:
            self._again = rule.seconds
            deliver(entry)
            self._again = None
            self._passed(entry, deliver)
        elif rule.kind == "doubled":
            self._passing(entry, deliver)
            self._cloud.after(rule.seconds, lambda: deliver(entry))
        elif rule.kind == "delayed":
            self._cloud.after(rule.seconds, lambda: deliver(entry))
        elif rule.kind == "reordered":
            self._hold(_Held(entry, rule.count), deliver)
        elif rule.kind == "split":
            for part in split(entry, max(rule.count, 2)):
                self._passing(part, deliver)

    def _hold(self, held: _Held, deliver: Deliver) -> None:
        self._held.append(held)
        self._cloud.after(PATIENCE, partial(self._release, held, deliver))

    def put(self, queue: Queue, letter: Letter) -> None:
        """Put into a queue what an entry has become; twice, if it is to come again as the same message."""
        queue.put(letter)
        if self._again is not None:
            self._cloud.after(self._again, lambda: queue.put(letter))

    def _passing(self, entry: Document, deliver: Deliver) -> None:
        deliver(entry)
        self._passed(entry, deliver)

    def _passed(self, entry: Document, deliver: Deliver) -> None:
        for held in list(self._held):
            held.passed |= {_thing(entry)} - {_thing(held.entry)}
            if len(held.passed) >= held.count:
                self._cloud.after(BEHIND, partial(self._release, held, deliver))

    def _release(self, held: _Held, deliver: Deliver) -> None:
        if not held.gone:
            held.gone = True
            self._held.remove(held)
            deliver(held.entry)


def _thing(entry: Document) -> str:
    return str(entry.get("protoPayload", {}).get("resourceName", ""))


def split(entry: Document, count: int) -> list[Document]:
    """An entry in `count` parts of one `split.uid`: what names the call is in all of them, the rest in one."""
    payload = entry.get("protoPayload", {})
    kept = ("@type", "serviceName", "methodName", "resourceName", "authenticationInfo")
    shares = [key for key in payload if key not in kept]
    parts: list[Document] = []
    for index in range(count):
        part = copy.deepcopy(entry)
        mine = {key: payload[key] for at, key in enumerate(shares) if at % count == index}
        part["protoPayload"] = {key: payload[key] for key in kept if key in payload} | copy.deepcopy(mine)
        part["split"] = {"uid": f"split-{entry['insertId']}", "index": index, "totalSplits": count}
        part["insertId"] = f"{entry['insertId']}-{index}"
        parts.append(part)
    return parts
