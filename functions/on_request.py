"""Another system's request: reconciled, or answered with what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import functions_framework
from cloudevents.http import CloudEvent

from functions.door import echoed, watched
from wayout.cloud import log

if TYPE_CHECKING:
    from wayout.cloud.requests import BadRequest


@functions_framework.cloud_event
def on_request(event: CloudEvent) -> None:
    """Every readable and every wrong request is answered with an outcome; raises what should be delivered again."""
    with watched("on_request", str(event.get("id", ""))):
        if echoed("on_request", event):
            return
        from wayout import wiring
        from wayout.cloud.requests import BadRequest, read_request

        asked = read_request(event.get_attributes(), event.get_data())
        if isinstance(asked, BadRequest):
            _answer(asked)
        else:
            wiring.parts().reconcile(asked.target, asked.cause, asked.request, happened=False)


def _answer(bad: BadRequest) -> None:
    from wayout import wiring
    from wayout.egress import report
    from wayout.egress.model import Cause

    log.count("request.invalid", "request is not valid", id=bad.id, sender=bad.sender, field=bad.field, why=bad.message)
    said = report.invalid(Cause(bad.id, bad.sender, "request", bad.time), bad.field, bad.message, bad.request)
    wiring.parts().tell(said, f"{bad.id}-invalid")
