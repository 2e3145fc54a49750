"""One run of a story, with or without an end of its process on the way; and what must be the same afterwards."""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.slack import Slack
from tests.chaos.mortal import Moment, Mortal, Point
from tests.chaos.scenarios import Scenario
from tests.chaos.wire import Key
from tests.house import PRINCIPAL
from wayout.egress.messages import OutcomeSaid

CREATION = re.compile(r"\.(insert|create|Create\w+)$")
DONE = ("created", "updated", "removed")
MOMENTS: tuple[Moment, Moment] = ("before", "after")


@dataclass(frozen=True)
class Ran:
    """What became of a run. `made`: how often each thing of ours was. `posted`: what Slack shows, without numbers.
    `changed`: what the ledger says has been done, and `remembered`: that, or begun, refused or put off.
    `ended`: whether the worker was ended where it was to be.
    """

    world: dict[str, Any]
    arriving: dict[str, Any]
    keys: tuple[Key, ...]
    made: Counter[str]
    told: tuple[str, ...]
    posted: frozenset[str]
    changed: frozenset[str]
    remembered: frozenset[str]
    dead: int
    breaches: tuple[str, ...]
    looks: int
    ended: bool = False
    seconds: float = 0.0
    log: str = field(default="", repr=False)

    def unlike(self, calm: Ran) -> list[str]:
        """What differs from the undisturbed run, or breaks a promise, in words; nothing if all is well."""
        found = [f"a promise was broken at {breach}" for breach in self.breaches]
        found += _differences("world", calm.world, self.world)
        if self.arriving != calm.arriving:
            found.append(f"what arrives: {self.arriving}, not {calm.arriving}")
        found += [f"{what} was made {count} times" for what, count in (self.made - calm.made).items()]
        found += [f"the ledger does not know of {change}" for change in sorted(calm.changed - self.remembered)]
        if self.dead:
            found.append(f"{self.dead} messages were given up")
        return found


@contextmanager
def run_in(scenario: Scenario, *, arm: Callable[[Mortal], None] = lambda _: None) -> Iterator[Mortal]:
    """A fresh local Google Cloud in which the story has begun. `arm` lays something in its way."""
    with (
        tempfile.TemporaryDirectory(prefix="chaos-") as folder,
        Mortal(Path(folder), policy=scenario.policy, switches=scenario.switches) as house,
    ):
        scenario.before(house)
        house.outcomes()
        house.packets.look()
        house.end_at(None)
        arm(house)
        scenario.act(house)
        house.packets.theirs = False
        house.packets.look()
        yield house


def run(scenario: Scenario, point: Point | None = None) -> Ran:
    """Tell the story to its end."""
    with run_in(scenario, arm=lambda house: house.end_at(point)) as house:
        house.settle()
        return ran(house, house.outcomes())


def ran(house: Mortal, outcomes: Sequence[OutcomeSaid]) -> Ran:
    """What has become of it so far."""
    return Ran(
        world=house.world(),
        arriving=house.packets.arriving(),
        keys=tuple(house.wire.keys),
        made=_made(house),
        told=tuple(said.status for said in outcomes),
        posted=frozenset(re.sub(r"\d+", "#", one.text) for one in house.cloud.part(Slack).messages),
        changed=_written(house, *DONE),
        remembered=_written(house),
        dead=len(house.platform.dead_letters()),
        breaches=tuple(house.packets.breaches),
        looks=house.packets.looks,
        ended=house.ended,
        seconds=house.cloud.clock.seconds(),
        log=house.log.read_text(encoding="utf-8"),
    )


def points(calm: Ran) -> Iterator[Point]:
    """Every call of an undisturbed run, before and after its effect."""
    for key in sorted(set(calm.keys)):
        for moment in MOMENTS:
            yield Point(key, moment)


def _written(house: Mortal, *results: str) -> frozenset[str]:
    """The changes that the ledger tells of: those that ended so, or all of them, also what was but begun."""
    found = (entry["jsonPayload"] for entry in house.cloud.table("logging.entries").values() if _ledger(entry))
    said = (one for one in found if "mark" in one and (not results or one["result"] in results))
    return frozenset(f"{one['verb']} {one['subject']} ({one['mark']})" for one in said)


def _ledger(entry: dict[str, Any]) -> bool:
    return "wayout-ledger" in entry["logName"] and "kind" in entry.get("jsonPayload", {})


def _made(house: Mortal) -> Counter[str]:
    """How often each thing of ours was made to its end: by the audit log, since a creation may fail long after it was
    answered."""
    payloads = (entry["protoPayload"] for entry in house.cloud.table("logging.entries").values() if _creation(entry))
    return Counter(payload["resourceName"] for payload in payloads)


def _creation(entry: dict[str, Any]) -> bool:
    payload = entry.get("protoPayload", {})
    if "status" in payload or entry.get("operation", {}).get("first"):
        return False
    ours = payload.get("authenticationInfo", {}).get("principalEmail") == PRINCIPAL
    return ours and bool(CREATION.search(payload["methodName"]))


def _differences(path: str, calm: Any, other: Any) -> list[str]:
    if isinstance(calm, dict) and isinstance(other, dict):
        return [
            line
            for key in sorted(calm.keys() | other.keys())
            for line in _differences(f"{path}/{key}", calm.get(key, "nothing"), other.get(key, "nothing"))
        ]
    return [] if calm == other else [f"{path}: {_short(other)}, not {_short(calm)}"]


def _short(value: Any) -> str:
    return json.dumps(value, default=str)[:300]
