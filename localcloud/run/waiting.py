"""v1's writes have no operations: whoever wants to know how one went asks for the job or the execution again."""

from __future__ import annotations

from collections.abc import Callable

from localcloud.calls import Running
from localcloud.core import Cloud


def awaited(cloud: Cloud, name: str, seconds: float, act: Callable[[], None]) -> None:
    """Have `act` happen in `seconds`. Until then, who asks for the thing lets virtual time pass, as for an operation.

    So somebody who asks many times a second waits no longer than somebody who asks once. `name`: the full one.
    """
    short = name.rsplit("/", 1)[-1]
    running = Running(short, name, {"name": name})
    cloud.operations[short] = running

    def end() -> None:
        try:
            act()
        finally:
            running.done = True
            if cloud.operations.get(short) is running:
                del cloud.operations[short]

    cloud.after(seconds, end)
