"""Who works on which site in this process, so that one event need not do again what another is just doing."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from wayout.egress.model import Site


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody's work on a site. `handed_over`: others are at it, and will look once more before they leave.

    `over` says whether the work is done: false if somebody has handed theirs over meanwhile, so that it goes on.
    """

    handed_over: bool
    over: Callable[[], bool]


class Turns:
    """Between processes nothing is locked: there the world itself decides, and doing a thing twice does no harm."""

    def __init__(self) -> None:
        self._working: Counter[Site] = Counter()
        self._again: set[Site] = set()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, site: Site, *, after_others: bool) -> Iterator[Turn]:
        """Work on a site; with `after_others` only if nobody else does: else they are asked to look once more."""
        with self._lock:
            if after_others and self._working[site]:
                self._again.add(site)
                busy = True
            else:
                self._working[site] += 1
                busy = False
        if busy:
            yield Turn(handed_over=True, over=lambda: True)
            return
        left = [False]
        try:
            yield Turn(handed_over=False, over=lambda: self._over(site, left))
        finally:
            with self._lock:
                if not left[0]:
                    self._working[site] -= 1

    def _over(self, site: Site, left: list[bool]) -> bool:
        """Leave, unless there is more to do; who comes from then on works for themselves."""
        with self._lock:
            if site in self._again:
                self._again.discard(site)
                return False
            if not left[0]:
                left[0] = True
                self._working[site] -= 1
            return True
