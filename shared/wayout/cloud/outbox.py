"""The outbox: outcomes as CloudEvents on a Pub/Sub topic, for other systems and for our own Slack function."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wayout.cloud import echoes, log
from wayout.cloud.asking import GRPC
from wayout.cloud.clients import Clients
from wayout.cloud.errors import RefusedError
from wayout.cloud.settings import Settings
from wayout.egress.messages import OUTCOME_TYPE, OutcomeSaid

if TYPE_CHECKING:
    from google.pubsub_v1.services.publisher import PublisherClient
    from pydantic import BaseModel

    from wayout.egress.health import EchoSaid

CONTENT_TYPE = "application/cloudevents+json"
_ECHO = {echoes.KIND: echoes.ANSWER}


class Outbox:
    """Publishes to the topic that the settings name."""

    def __init__(self, settings: Settings, clients: Clients | None = None) -> None:
        self._settings = settings
        self._clients = clients or Clients(settings)

    def publish(self, said: OutcomeSaid, *, id: str, time: str) -> None:  # noqa: A002 - CloudEvents' word for it
        """Publish, and wait until Pub/Sub has it; `time` in RFC 3339. Raises CloudError. No topic: logged only."""
        event = envelope(said, id_=id, time=time, project=self._settings.project)
        try:
            self._send(event, {"status": said.status})
        except RefusedError as error:
            log.error("the outcome could not be published", why=error.why, help=error.help, outcome=event)
            raise

    def echo(self, said: EchoSaid, *, id: str, time: str) -> None:  # noqa: A002 - CloudEvents' word for it
        """Publish the answer to an echo, with an attribute that keeps it from those who wait for outcomes."""
        self._send(_event(echoes.TYPE, said, said.door, id_=id, time=time, project=self._settings.project), _ECHO)

    def _send(self, event: dict[str, Any], extra: Mapping[str, str]) -> None:
        topic = self._settings.outcome_topic
        if not topic:
            log.info("outcome, for which there is no topic", outcome=event)
            return
        attributes = {f"ce-{key}": str(event[key]) for key in ("type", "id", "source", "subject") if key in event}
        attributes |= {"content-type": CONTENT_TYPE, **extra}
        message = {"data": json.dumps(event, ensure_ascii=False).encode(), "attributes": attributes}
        request = {"topic": topic, "messages": [message]}
        self._clients.ask("pubsub.topics.publish", topic, lambda: self._publisher.publish(request=request, **GRPC))

    @property
    def _publisher(self) -> PublisherClient:
        # The plain client: google.cloud.pubsub_v1 adds threads that publish later, and takes longer to import.
        from google.pubsub_v1.services.publisher import PublisherClient
        from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

        endpoint = self._settings.endpoint_pubsub or "pubsub.googleapis.com"
        return self._clients.other("publisher", PublisherClient, PublisherGrpcTransport, endpoint)


def envelope(said: OutcomeSaid, *, id_: str, time: str, project: str) -> dict[str, Any]:
    """The structured CloudEvent of an outcome. Its subject: the site, else the first job, else none."""
    return _event(OUTCOME_TYPE, said, _about(said), id_=id_, time=time, project=project)


def _event(type_: str, said: BaseModel, about: str, *, id_: str, time: str, project: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": id_,
        "type": type_,
        "source": f"//wayout.dev/projects/{project}",
        **({"subject": about} if about else {}),
        "time": time,
        "datacontenttype": "application/json",
        "data": said.model_dump(mode="json"),
    }


def _about(said: OutcomeSaid) -> str:
    if said.site:
        return f"{said.site.network}/{said.site.region}/{said.site.profile}"
    return said.jobs[0].job if said.jobs else ""
