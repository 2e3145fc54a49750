"""v1's writes have no operations: whoever wants to know how one went asks for the job or the execution again."""

from __future__ import annotations

from collections.abc import Callable

from localcloud.calls import Call, Running
from localcloud.core import Cloud
from localcloud.run.namespaces import place_of, short_of


class Pending:
    """The jobs and executions that v1 has written and that are not ready or at their end, by full name."""

    def __init__(self, _cloud: Cloud) -> None:
        self.running: dict[str, Running] = {}


def awaited(cloud: Cloud, name: str, seconds: float, act: Callable[[], None]) -> None:
    """Have `act` happen in `seconds`. Until then, who asks for the thing lets virtual time pass, as for an operation.

    So somebody who asks many times a second waits no longer than somebody who asks once. `name`: the full one.
    """
    pending, running = cloud.part(Pending).running, Running(name, name, {"name": name})
    pending[name] = running

    def end() -> None:
        try:
            act()
        finally:
            running.done = True
            if pending.get(name) is running:
                del pending[name]

    cloud.after(seconds, end)


def pending(cloud: Cloud, call: Call) -> Running | None:
    """What a v1 read of one thing would wait for."""
    project, region = place_of(cloud, call)
    prefix, end = f"projects/{project}/locations/{region}/", f"/{call.params['name'].split('/')[-2]}/{short_of(call)}"
    with cloud.lock:
        found = cloud.part(Pending).running.items()
        return next((one for name, one in found if name.startswith(prefix) and name.endswith(end)), None)
