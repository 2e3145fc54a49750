"""Policies on topics, subscriptions and Cloud Run services, and what lacks them: sinks, dead letters, invocations."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.clock import Clock
from localcloud.run import services
from localcloud.server import LocalCloud
from tests.localcloud.guarded import NUMBER, OWNER, P, R, admin, bind, call
from tests.localcloud.receiving import Receiver, receiving

TOPIC, DEAD = f"projects/{P}/topics/events", f"projects/{P}/topics/dead"
INTAKE, GRAVES = f"projects/{P}/subscriptions/intake", f"projects/{P}/subscriptions/graves"
SERVICE = f"projects/{P}/locations/{R}/services/door"
WRITER = f"serviceAccount:service-{NUMBER}@gcp-sa-logging.iam.gserviceaccount.com"
AGENT = f"serviceAccount:service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
ANN = "ann@example.com"


@pytest.fixture
def local() -> Iterator[LocalCloud]:
    with LocalCloud(clock=Clock(idle=False)) as served:
        admin(served, "guard", project=P, owner=f"user:{OWNER}")
        for name in (TOPIC, DEAD):
            ok(served, "PUT", f"pubsub/v1/{name}", {})
        ok(served, "PUT", f"pubsub/v1/{INTAKE}", {"topic": TOPIC})
        ok(served, "PUT", f"pubsub/v1/{GRAVES}", {"topic": DEAD})
        yield served


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def ok(local: LocalCloud, verb: str, path: str, body: Any = None) -> Any:
    answer = call(local, verb, path, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def waiting(local: LocalCloud, subscription: str) -> int:
    found = ok(local, "POST", f"pubsub/v1/{subscription}:pull", {"maxMessages": 10}).get("receivedMessages", [])
    return len(found)


@pytest.mark.parametrize("name", [TOPIC, INTAKE])
def test_a_policy_on_a_topic_or_subscription_is_set_read_and_counts(local: LocalCloud, name: str) -> None:
    kind = name.split("/")[2]
    role, permission = ("publisher", "topics.publish") if kind == "topics" else ("subscriber", "subscriptions.consume")
    asked = {"permissions": [f"pubsub.{permission}", f"pubsub.{kind}.delete"]}
    policy = {"bindings": [{"role": f"roles/pubsub.{role}", "members": [f"user:{ANN}"]}]}
    assert ok(local, "GET", f"pubsub/v1/{name}:getIamPolicy") == {"etag": "ACAB"}

    made = ok(local, "POST", f"pubsub/v1/{name}:setIamPolicy", {"policy": policy})

    assert made["bindings"] == policy["bindings"]
    assert ok(local, "GET", f"pubsub/v1/{name}:getIamPolicy") == made
    found = call(local, "POST", f"pubsub/v1/{name}:testIamPermissions", asked, ANN).json()
    assert found == {"permissions": [f"pubsub.{permission}"]}


@pytest.mark.parametrize("name", [f"projects/{P}/topics/none", f"projects/{P}/subscriptions/none"])
def test_what_is_not_there_has_no_policy(local: LocalCloud, name: str) -> None:
    answer = call(local, "GET", f"pubsub/v1/{name}:getIamPolicy")

    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "Resource not found (resource=none)."


@pytest.mark.parametrize(
    ("path", "permission"),
    [
        (f"pubsub/v1/{TOPIC}", "pubsub.topics.getIamPolicy"),
        (f"pubsub/v1/{INTAKE}", "pubsub.subscriptions.getIamPolicy"),
        (f"run/v2/{SERVICE}", "run.services.getIamPolicy"),
    ],
)
def test_reading_a_policy_takes_its_permission(local: LocalCloud, path: str, permission: str) -> None:
    answer = call(local, "GET", f"{path}:getIamPolicy", who=ANN)

    assert answer.status_code == 403
    assert permission in answer.text


def test_a_sink_whose_writer_may_not_publish_loses_what_it_matches(local: LocalCloud) -> None:
    sink = {"name": "sink", "destination": f"pubsub.googleapis.com/{TOPIC}"}
    made = ok(local, "POST", f"logging/v2/projects/{P}/sinks", sink)
    assert made["writerIdentity"] == WRITER
    entry = {"logName": f"projects/{P}/logs/x", "resource": {"type": "global"}, "entries": [{"textPayload": "x"}]}

    ok(local, "POST", "logging/v2/entries:write", entry)
    assert local.settle()
    assert waiting(local, INTAKE) == 0

    bind(local, "roles/pubsub.publisher", WRITER, TOPIC)
    ok(local, "POST", "logging/v2/entries:write", entry)
    assert local.settle()
    assert waiting(local, INTAKE) == 1


def test_without_pubsubs_agent_being_let_nothing_is_dead_lettered(local: LocalCloud, endpoint: Receiver) -> None:
    endpoint.answer = lambda _: 500
    name = f"projects/{P}/subscriptions/pushed"
    pushed = {
        "topic": TOPIC,
        "pushConfig": {"pushEndpoint": endpoint.url},
        "deadLetterPolicy": {"deadLetterTopic": DEAD, "maxDeliveryAttempts": 5},
    }
    ok(local, "PUT", f"pubsub/v1/{name}", pushed)
    bind(local, "roles/pubsub.publisher", AGENT, DEAD)
    data = base64.b64encode(b"unlucky").decode()
    ok(local, "POST", f"pubsub/v1/{TOPIC}:publish", {"messages": [{"data": data}]})

    admin(local, "advance", seconds=3600)
    assert waiting(local, GRAVES) == 0, "the agent may not take it from the subscription"

    bind(local, "roles/pubsub.subscriber", AGENT, name)
    admin(local, "advance", seconds=3600)
    assert waiting(local, GRAVES) == 1


def test_a_service_is_there_from_its_first_policy_on_and_lets_in_whom_that_names(local: LocalCloud) -> None:
    policy = {"bindings": [{"role": "roles/run.invoker", "members": [f"user:{ANN}"]}]}
    assert call(local, "GET", f"run/v2/{SERVICE}:getIamPolicy").status_code == 404
    assert services.may_invoke(local.cloud, "anybody@example.com", SERVICE), "nobody has said who may"

    ok(local, "POST", f"run/v2/{SERVICE}:setIamPolicy", {"policy": policy})

    assert ok(local, "GET", f"run/v2/{SERVICE}:getIamPolicy")["bindings"] == policy["bindings"]
    asked = {"permissions": ["run.routes.invoke"]}
    assert call(local, "POST", f"run/v2/{SERVICE}:testIamPermissions", asked, ANN).json() == asked
    assert services.may_invoke(local.cloud, ANN, SERVICE)
    assert not services.may_invoke(local.cloud, "bob@example.com", SERVICE)
    assert not services.may_invoke(local.cloud, "anonymous", SERVICE)
