"""Who works on which site in this process, so that one event need not do again what another is just doing."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from wayout.egress.model import Site


class Turns:
    """Between processes nothing is locked: there the world itself decides, and doing a thing twice does no harm."""

    def __init__(self) -> None:
        self._working: Counter[Site] = Counter()
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, site: Site, *, after_others: bool, seconds: float) -> Iterator[bool]:
        """Work on a site; `after_others` first waits, for at most `seconds`, until nobody else does.

        Says whether it had to wait, so that what was seen before is looked at again.
        """
        waited = after_others and self._await_others(site, seconds)
        with self._changed:
            self._working[site] += 1
        try:
            yield waited
        finally:
            with self._changed:
                self._working[site] -= 1
                self._changed.notify_all()

    def _await_others(self, site: Site, seconds: float) -> bool:
        end = time.monotonic() + seconds
        with self._changed:
            if not self._working[site]:
                return False
            while self._working[site] and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
            return True
