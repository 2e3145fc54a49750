"""Reads that lag behind writes, and resources that are there but not ready to be built upon.

Switches, all in seconds and 0 unless set: `compute.read_lag` (a get or list may, for so long after an operation is
done, show what was before it), `vpcaccess.get_lag` (the same of connectors), `compute.ready_after` (for so long a
network or subnet that was just made or changed refuses writes with "is not ready", though a get shows it).
Source: Terraform sleeps 5 seconds after it has made a connector; resourceNotReady was recorded for networks whose
operation was done. How long it takes Google is not known.
"""

from __future__ import annotations

import copy

from localcloud.calls import Call, Document, Running
from localcloud.core import Cloud


class Past:
    """What readers still see: a resource as it was (None: not there), by its table and name."""

    def __init__(self, _cloud: Cloud) -> None:
        self.was: dict[tuple[str, str], list[Document | None]] = {}
        self.unready: dict[str, float] = {}


def keep(cloud: Cloud, table: str, name: str, seconds: float) -> None:
    """To be called right before a write takes effect: for so long, readers go on seeing the resource as it is now."""
    if seconds <= 0:
        return
    past, key = cloud.part(Past), (table, name)
    was = [copy.deepcopy(cloud.table(table).get(name))]
    past.was[key] = was

    def catch_up() -> None:
        if past.was.get(key) is was:
            del past.was[key]

    cloud.after(seconds, catch_up)


def seen(cloud: Cloud, table: str) -> dict[str, Document]:
    """A table as readers see it."""
    past = cloud.part(Past).was
    if not past:
        return cloud.table(table)
    found = dict(cloud.table(table))
    for (kind, name), (was,) in past.items():
        if kind == table:
            found.pop(name, None)
            if was is not None:
                found[name] = was
    return found


def a_moment(cloud: Cloud, _call: Call) -> Running | None:
    """What a read waits for while anything lags: a second. So whoever asks again and again sees it end."""
    with cloud.lock:
        if not cloud.part(Past).was:
            return None
    second = Running("", "", {})

    def over() -> None:
        second.done = True

    cloud.after(1.0, over)
    return second


def unsettle(cloud: Cloud, name: str) -> None:
    """A resource was made or changed: it is not ready for a while, where that is switched on."""
    seconds = float(cloud.switch("compute.ready_after"))
    if seconds > 0:
        cloud.part(Past).unready[name] = cloud.clock.seconds() + seconds
        cloud.after(seconds, lambda: None)  # so that waiting for it makes virtual time pass


def unsettled(cloud: Cloud, name: str) -> bool:
    """Whether a resource, though it is there, is not ready to be built upon."""
    return cloud.part(Past).unready.get(name, 0.0) > cloud.clock.seconds()
