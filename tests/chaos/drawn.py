"""Undisturbed runs, told once for all tests of a process, and what is drawn of the points that can be disturbed."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from functools import cache
from typing import TypeVar

from tests.chaos.crashing import Ran, run
from tests.chaos.scenarios import SCENARIOS

SEED = 2026
T = TypeVar("T")


@cache
def calm(name: str) -> Ran:
    """The undisturbed run of a story; it breaks no promise itself."""
    found = run(SCENARIOS[name])
    assert found.breaches == ()
    assert found.dead == 0
    return found


def draw(name: str, points: Iterable[T], number: int) -> Sequence[T]:
    """Some points, the same in every run; the long form takes them all."""
    every = list(points)
    found: list[T] = random.Random(f"{SEED} {name}").sample(every, min(number, len(every)))  # noqa: S311
    return found
