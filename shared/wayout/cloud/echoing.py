"""Sending echoes through a deployment, and hearing what came back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from wayout.cloud.asking import GRPC
from wayout.cloud.clients import Clients
from wayout.cloud.deployed import subscriber
from wayout.cloud.echoes import KIND, LOG, WANTED
from wayout.egress.health import EchoAsked, EchoSaid

if TYPE_CHECKING:
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
    from google.pubsub_v1.services.publisher import PublisherClient

GIVEN_UP = 15  # deliveries after which a stranger's answer is thrown away, long before it is a dead letter
PULL_SECONDS = 5.0


def publish(clients: Clients, topic: str, asked: EchoAsked) -> None:
    """Ask for an echo on a topic. Raises CloudError."""
    message = {"data": asked.model_dump_json().encode(), "attributes": {KIND: WANTED}}
    request = {"topic": topic, "messages": [message]}
    clients.ask("pubsub.topics.publish", topic, lambda: _publisher(clients).publish(request=request, **GRPC))


def write(clients: Clients, project: str, asked: EchoAsked, attempt: int = 1) -> None:
    """Ask for an echo in a project's log, from where a sink is to take it. Raises CloudError.

    Each `attempt` is an entry of its own: the log keeps one of those with the same id.
    """
    from google.api.monitored_resource_pb2 import MonitoredResource
    from google.cloud.logging_v2.types import LogEntry

    name = f"projects/{project}/logs/{quote(LOG, safe='')}"
    entry = LogEntry(
        log_name=name,
        resource=MonitoredResource(type="global", labels={"project_id": project}),
        severity="INFO",
        insert_id=f"{asked.echo}-{attempt}",
        json_payload=asked.model_dump(mode="json"),
    )
    clients.ask(
        "logging.logEntries.create",
        f"projects/{project}",
        lambda: _logs(clients).write_log_entries(entries=[entry], **GRPC),
    )


def hear(clients: Clients, subscription: str, ids: set[str]) -> list[EchoSaid]:
    """The answers to these echoes that have come; none within a few seconds is no failure. Raises CloudError.

    They are acknowledged. Another doctor's are left to it, and come again when their deadline has passed.
    """
    from google.api_core.exceptions import DeadlineExceeded

    client, permission = subscriber(clients), "pubsub.subscriptions.consume"

    def pull() -> list[Any]:
        try:
            how = GRPC | {"timeout": PULL_SECONDS}
            return list(client.pull(subscription=subscription, max_messages=100, **how).received_messages)
        except DeadlineExceeded:
            return []  # a pull waits for messages

    received = clients.ask(permission, subscription, pull)
    said = {one.ack_id: _said(one.message.data) for one in received}
    mine = {key: found for key, found in said.items() if found is not None and found.echo in ids}
    done = [one.ack_id for one in received if one.ack_id in mine or one.delivery_attempt >= GIVEN_UP]
    if done:
        clients.ask(
            permission, subscription, lambda: client.acknowledge(subscription=subscription, ack_ids=done, **GRPC)
        )
    return list(mine.values())


def _said(data: bytes) -> EchoSaid | None:
    try:
        return EchoSaid.model_validate(json.loads(data).get("data"))
    except (ValueError, AttributeError):
        return None


def _publisher(clients: Clients) -> PublisherClient:
    from google.pubsub_v1.services.publisher import PublisherClient
    from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

    endpoint = clients.settings.endpoint_pubsub or "pubsub.googleapis.com"
    return clients.other("publisher", PublisherClient, PublisherGrpcTransport, endpoint)


def _logs(clients: Clients) -> LoggingServiceV2Client:
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
    from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport

    endpoint = clients.settings.endpoint_logging or "logging.googleapis.com"
    return clients.other("logs", LoggingServiceV2Client, LoggingServiceV2GrpcTransport, endpoint)
