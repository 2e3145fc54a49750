"""A request and its answer, over the local Google Cloud's Pub/Sub: published, pushed, answered, pulled."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import functions_framework
import pytest
from google.pubsub_v1 import types
from google.pubsub_v1.services.publisher import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from werkzeug.serving import make_server

from localcloud.server import LocalCloud
from tests.events.entries import JOB
from tests.functions.doors import SOURCE
from wayout import wiring
from wayout.cloud.clients import Clients
from wayout.cloud.settings import Settings
from wayout.egress.messages import OutcomeSaid

REQUESTS, OUTCOMES = "projects/home/topics/requests", "projects/home/topics/outcomes"
HEARD = "projects/home/subscriptions/heard"


@pytest.fixture
def local(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalCloud]:
    (tmp_path / "policy.yaml").write_text(
        "version: 1\nprofiles:\n  private: {destinations: [{to: 10.0.0.0/8, ports: [tcp:443]}]}\n"
    )
    with LocalCloud(projects={"home": "123456789012"}) as served:
        grpc_endpoint = f"http://{served.grpc}"
        env = {
            "WAYOUT_PROJECT": "home",
            "WAYOUT_POLICY": str(tmp_path / "policy.yaml"),
            "WAYOUT_TOKEN": "wayout@home.iam.gserviceaccount.com",
            "WAYOUT_OUTCOME_TOPIC": OUTCOMES,
            **{f"WAYOUT_ENDPOINT_{api}": grpc_endpoint for api in ("RUN", "VPCACCESS", "LOGGING", "PUBSUB")},
        }
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        wiring.parts.cache_clear()
        yield served
        wiring.parts().clients.close()
        wiring.parts.cache_clear()


@pytest.fixture
def on_request() -> Iterator[str]:
    """The function, served; gives its URL."""
    create: Any = functions_framework.create_app
    server = make_server("127.0.0.1", 0, create("on_request", str(SOURCE)), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/projects/home/topics/requests?pubsub_trigger=true"
    server.shutdown()
    server.server_close()
    thread.join()


def ask(local: LocalCloud, endpoint: str, *requests: bytes) -> list[OutcomeSaid]:
    """Publish requests as another system would, and pull what is answered."""
    settings = Settings(project="home", token="bot@shop.iam", endpoint_pubsub=f"http://{local.grpc}")
    clients = Clients(settings)
    publisher = clients.other("p", PublisherClient, PublisherGrpcTransport, settings.endpoint_pubsub)
    subscriber = clients.other("s", SubscriberClient, SubscriberGrpcTransport, settings.endpoint_pubsub)
    for topic in (REQUESTS, OUTCOMES):
        publisher.create_topic(name=topic)
    subscriber.create_subscription(
        request=types.Subscription(
            name="projects/home/subscriptions/requests",
            topic=REQUESTS,
            push_config=types.PushConfig(push_endpoint=endpoint),
            ack_deadline_seconds=600,
        )
    )
    subscriber.create_subscription(name=HEARD, topic=OUTCOMES)
    publisher.publish(topic=REQUESTS, messages=[types.PubsubMessage(data=data) for data in requests])
    assert local.settle()
    heard = subscriber.pull(subscription=HEARD, max_messages=10).received_messages
    clients.close()
    return [OutcomeSaid.model_validate(json.loads(one.message.data)["data"]) for one in heard]


def test_a_wrong_request_is_answered_once_with_the_field_that_is_wrong(local: LocalCloud, on_request: str) -> None:
    wrong = json.dumps({"job": JOB, "profil": "private", "sender": "deploy-bot", "id": "r-1"}).encode()

    (outcome,) = ask(local, on_request, wrong)

    assert outcome.status == "invalid"
    assert outcome.error is not None
    assert (outcome.error.field, outcome.request, outcome.cause.who) == ("profil", "r-1", "deploy-bot")


def test_a_request_for_a_job_that_is_not_there_is_answered_too(local: LocalCloud, on_request: str) -> None:
    asked = json.dumps({"job": "projects/home/locations/europe-west2/jobs/ghost", "id": "r-2"}).encode()

    (outcome,) = ask(local, on_request, asked)

    assert (outcome.status, outcome.request) == ("unneeded", "r-2")
