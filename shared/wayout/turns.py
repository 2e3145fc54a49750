"""Who works on which site in this process, so that one event need not do again what another is just doing."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from wayout.egress.model import Site

_REMEMBERED = 1000  # entries of either kind; one that is forgotten is only looked after once more

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Turn:
    """Somebody's work on a site. `handed_over`: others are at it, and will look once more before they leave.
    `seen_to`: they have, for this very entry.

    `over` says whether the work is done: false if somebody has handed theirs over meanwhile, so that it goes on. It is
    told whether nothing is left to do or to wait for. `looking` is called before a look; if that turns out to be one
    at everything, its answer is called after it, and whatever had been handed over before is done by it.
    """

    handed_over: bool
    over: Callable[[bool], bool]
    looking: Callable[[], Callable[[], None]] = lambda: lambda: None
    seen_to: bool = False


@dataclass(slots=True)
class _Work:
    site: Site
    left: bool = False
    looked: int = 0  # how often work had been handed over when the last look at everything of its own began


class Turns:
    """Between processes nothing is locked: there the world itself decides, and doing a thing twice does no harm."""

    def __init__(self) -> None:
        self._working: Counter[Site] = Counter()
        self._handed: Counter[Site] = Counter()  # how often work was handed over, and up to which that is done
        self._done: Counter[Site] = Counter()
        self._entries: dict[tuple[Site, str], int] = {}  # those that come again, by when they were handed over
        self._seen_to: dict[tuple[Site, str], None] = {}
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, site: Site, *, after_others: bool, entry: str = "") -> Iterator[Turn]:
        """Work on a site; with `after_others` only if nobody else does: else they are asked to look once more.

        `entry` is the id of one that comes again until somebody has seen to it, whoever that is.
        """
        with self._lock:
            others = self._others(site, entry) if after_others else None
            if others is None:
                self._working[site] += 1
        if others:
            yield others
            return
        work = _Work(site)
        try:
            yield Turn(
                handed_over=False,
                over=lambda at_rest: self._over(work, at_rest=at_rest),
                looking=lambda: self._looking(work),
            )
        finally:
            with self._lock:
                self._leave(work)

    def _others(self, site: Site, entry: str) -> Turn | None:
        """Leave it to whoever is at work, or was; None if it is for the asker to work."""
        seen_to = (site, entry) in self._seen_to
        if not (seen_to or self._working[site]):
            return None
        if not seen_to and (site, entry) not in self._entries:
            self._handed[site] += 1
            if entry:
                self._entries[site, entry] = self._handed[site]
                _forget_the_oldest(self._entries)
        return Turn(handed_over=True, over=lambda _: True, seen_to=seen_to)

    def _over(self, work: _Work, *, at_rest: bool) -> bool:
        """Leave, unless there is more to do; who comes from then on works for themselves."""
        site = work.site
        with self._lock:
            if self._done[site] < self._handed[site]:
                self._done[site] = self._handed[site]
                return False
            self._leave(work)
            if at_rest:
                self._see_to(work)
            return True

    def _leave(self, work: _Work) -> None:
        if not work.left:
            work.left = True
            self._working[work.site] -= 1

    def _see_to(self, work: _Work) -> None:
        """What was handed over before its last look at everything needs no more: all of it was brought to rest."""
        for key, when in list(self._entries.items()):
            if key[0] == work.site and when <= work.looked:
                del self._entries[key]
                self._seen_to[key] = None
        _forget_the_oldest(self._seen_to)

    def _looking(self, work: _Work) -> Callable[[], None]:
        site = work.site
        with self._lock:
            until = self._handed[site]

        def looked() -> None:
            with self._lock:
                work.looked = until
                if self._working[site] == 1:  # of several, each looks at what it knows of, and one may be leaving
                    self._done[site] = max(self._done[site], until)

        return looked


def _forget_the_oldest(entries: dict[tuple[Site, str], T]) -> None:
    while len(entries) > _REMEMBERED:
        del entries[next(iter(entries))]
