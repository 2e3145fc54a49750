"""Runs in which log entries are lost, doubled, delayed, reordered or split on their way."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from localcloud.faults.events import KINDS
from tests.chaos.crashing import Ran, ran, run_in
from tests.chaos.mortal import Mortal
from tests.chaos.scenarios import Scenario

MENDED = ("lost", "split")  # with these the world is right after the next sweep; with the others without one


@dataclass(frozen=True)
class Way:
    """What entries meet: one kind each for some of them, drawn from a seed."""

    kinds: tuple[str, ...]
    seed: int
    probability: float = 0.5

    def __str__(self) -> str:
        return f"{' and '.join(self.kinds)} (seed {self.seed}, {self.probability})"

    @property
    def loses(self) -> bool:
        """Whether something may be gone for good, so that only a sweep tells of it."""
        return any(kind in MENDED for kind in self.kinds)


@dataclass(frozen=True)
class Delivered:
    """How it stood when it came to rest, and how after a sweep."""

    after: Ran
    swept: Ran

    def unlike(self, calm: Ran, way: Way) -> list[str]:
        """What is wrong with it; nothing if the world is right when it must be."""
        found = [] if way.loses else self.after.unlike(calm)
        return found + [f"after a sweep, {line}" for line in self.swept.unlike(calm)]


def ways(seed: int, number: int) -> list[Way]:
    """Each kind for every entry, then `number` mixtures for some."""
    draw = random.Random(seed)  # noqa: S311 - to be the same in every run
    every = [Way((kind,), seed, 1.0) for kind in KINDS]
    mixed = [Way(tuple(draw.sample(KINDS, draw.choice((2, 3)))), draw.randrange(10**6)) for _ in range(number)]
    return every + mixed


def deliver(scenario: Scenario, way: Way) -> Delivered:
    """Tell the story with this in the way of its entries; then clear the way, and sweep."""

    def armed(house: Mortal) -> None:
        for kind in way.kinds:
            share = way.probability / (1 if way.probability == 1 else len(way.kinds))
            rule: dict[str, Any] = {"kind": kind, "probability": share, "seed": way.seed, "seconds": 30.0}
            house.admin("eventfaults", rule | {"times": 1_000_000, "sameMessage": way.seed % 2 == 0})

    with run_in(scenario, arm=armed) as house:
        house.settle()
        after = ran(house, house.outcomes())
        house.admin("eventfaults", {"clear": True})
        house.platform.sweep()
        house.settle()
        return Delivered(after, ran(house, house.outcomes()))
