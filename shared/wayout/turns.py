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
    `looking` is called before a look; if that turns out to be one at everything, its answer is called after it, and
    whatever had been handed over before is done by it.
    """

    handed_over: bool
    over: Callable[[], bool]
    looking: Callable[[], Callable[[], None]] = lambda: lambda: None


class Turns:
    """Between processes nothing is locked: there the world itself decides, and doing a thing twice does no harm."""

    def __init__(self) -> None:
        self._working: Counter[Site] = Counter()
        self._handed: Counter[Site] = Counter()  # how often work was handed over, and up to which that is done
        self._done: Counter[Site] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, site: Site, *, after_others: bool) -> Iterator[Turn]:
        """Work on a site; with `after_others` only if nobody else does: else they are asked to look once more."""
        with self._lock:
            if after_others and self._working[site]:
                self._handed[site] += 1
                busy = True
            else:
                self._working[site] += 1
                busy = False
        if busy:
            yield Turn(handed_over=True, over=lambda: True)
            return
        left = [False]
        try:
            yield Turn(handed_over=False, over=lambda: self._over(site, left), looking=lambda: self._looking(site))
        finally:
            with self._lock:
                if not left[0]:
                    self._working[site] -= 1

    def _over(self, site: Site, left: list[bool]) -> bool:
        """Leave, unless there is more to do; who comes from then on works for themselves."""
        with self._lock:
            if self._done[site] < self._handed[site]:
                self._done[site] = self._handed[site]
                return False
            if not left[0]:
                left[0] = True
                self._working[site] -= 1
            return True

    def _looking(self, site: Site) -> Callable[[], None]:
        with self._lock:
            until = self._handed[site]

        def looked() -> None:
            with self._lock:
                if self._working[site] == 1:  # of several, each looks at what it knows of, and one may be leaving
                    self._done[site] = max(self._done[site], until)

        return looked
