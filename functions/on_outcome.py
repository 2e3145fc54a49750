"""An outcome: told to people, on Slack."""

from __future__ import annotations

import functions_framework
from cloudevents.http import CloudEvent

from functions.door import echoed, watched
from wayout.cloud import log


@functions_framework.cloud_event
def on_outcome(event: CloudEvent) -> None:
    """Acknowledges what cannot be read or is not worth a message; raises when Slack should be asked again."""
    with watched("on_outcome", str(event.get("id", ""))):
        if echoed("on_outcome", event):
            return
        from wayout.cloud.requests import BadRequest, read_outcome

        said = read_outcome(event.get_attributes(), event.get_data())
        if isinstance(said, BadRequest):
            log.count("outcome.unread", "outcome could not be read", id=said.id, field=said.field, why=said.message)
            return
        from wayout import wiring
        from wayout.cloud import slack
        from wayout.cloud.errors import RefusedError
        from wayout.egress import report

        words = report.slack(said)
        if words is None:
            log.debug("nothing worth telling", id=said.cause.id, status=said.status)
            return
        try:
            slack.post(words, wiring.parts().settings, channels=said.tell)
        except RefusedError as error:  # the same message again would be refused again
            log.error("Slack refused the message", id=said.cause.id, why=error.why, help=error.help)
