"""Cloud Scheduler's message: everything is swept."""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from functions.door import echoed, watched


@functions_framework.cloud_event
def on_schedule(event: CloudEvent) -> None:
    """Raises what should be delivered again."""
    with watched("on_schedule", str(event.get("id", ""))):
        if echoed("on_schedule", event):
            return
        from wayout import wiring
        from wayout.cloud.requests import read_schedule

        tick = read_schedule(event.get_attributes(), event.get_data())
        wiring.parts().reconcile(tick.target, tick.cause)
