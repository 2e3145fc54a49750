"""Faults on demand: answers that calls get instead of the real ones."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from localcloud.calls import Call
from localcloud.errors import ApiError

if TYPE_CHECKING:
    from localcloud.core import Cloud


@dataclass
class Fault:
    """An answer that the next `times` matching calls get instead of the real one. `method` may hold wildcards.

    `after`: the effect happens all the same, and only the answer is lost.
    """

    method: str
    error: ApiError
    times: int = 1
    after: bool = False


def next_for(cloud: Cloud, call: Call) -> Fault | None:
    """The fault that meets this call, counted; None when it is let be."""
    for fault in cloud.faults:
        if fault.times > 0 and fnmatchcase(call.method, fault.method):
            fault.times -= 1
            return fault
    return None
