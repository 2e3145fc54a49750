"""Pub/Sub through its official client, over gRPC: what is published arrives, at least once, and nothing is lost."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1 import types
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from localcloud.clock import Clock
from localcloud.pubsub.mailroom import Mailroom
from localcloud.server import LocalCloud
from tests.localcloud.receiving import Receiver, receiving

TOPIC = "projects/my-project/topics/events"
DEAD = "projects/my-project/topics/dead"
SUBSCRIPTION = "projects/my-project/subscriptions/intake"


@dataclass
class Stage:
    local: LocalCloud
    publisher: PublisherClient
    subscriber: SubscriberClient

    def publish(self, data: bytes = b"hello", **attributes: str) -> str:
        answer = self.publisher.publish(
            request={"topic": TOPIC, "messages": [{"data": data, "attributes": attributes}]}
        )
        return str(answer.message_ids[0])

    def subscribe(self, **fields: Any) -> types.Subscription:
        return self.subscriber.create_subscription(request={"name": SUBSCRIPTION, "topic": TOPIC, **fields})

    def pull(self, subscription: str = SUBSCRIPTION) -> list[Any]:
        return list(self.subscriber.pull(subscription=subscription, max_messages=10).received_messages)

    def moments(self) -> float:
        return self.local.cloud.clock.seconds()


@pytest.fixture
def stage() -> Iterator[Stage]:
    with LocalCloud(clock=Clock(idle=False)) as local, grpc.insecure_channel(local.grpc) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        publisher.create_topic(name=TOPIC)
        yield Stage(local, publisher, subscriber)


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def pushed(endpoint: Receiver, **fields: Any) -> dict[str, Any]:
    retry = {"minimum_backoff": Duration(seconds=10), "maximum_backoff": Duration(seconds=60)}
    return {"push_config": {"push_endpoint": f"{endpoint.url}/push"}, "retry_policy": retry, **fields}


def test_a_subscription_gets_googles_defaults(stage: Stage) -> None:
    made = stage.subscribe()
    assert made.ack_deadline_seconds == 10
    assert made.message_retention_duration.total_seconds() == 7 * 86_400
    assert made.expiration_policy.ttl.total_seconds() == 31 * 86_400
    assert stage.subscriber.get_subscription(subscription=SUBSCRIPTION) == made
    assert [one.name for one in stage.subscriber.list_subscriptions(project="projects/my-project")] == [SUBSCRIPTION]


def test_topics_are_listed_page_by_page_and_deleted(stage: Stage) -> None:
    for number in range(3):
        stage.publisher.create_topic(name=f"projects/my-project/topics/more-{number}")
    pages = stage.publisher.list_topics(request={"project": "projects/my-project", "page_size": 3})
    assert [len(page.topics) for page in pages.pages] == [3, 1]
    stage.subscribe()
    stage.publisher.delete_topic(topic=TOPIC)
    assert stage.subscriber.get_subscription(subscription=SUBSCRIPTION).topic == "_deleted-topic_"


def test_what_is_published_is_pulled_once_and_acknowledged(stage: Stage) -> None:
    stage.publish(b"before")
    stage.subscribe()
    id_ = stage.publish(b"after", kind="sweep")
    (received,) = stage.pull()
    assert received.message.data == b"after", "a subscription gets what is published after it was made"
    assert received.message.message_id == id_
    assert dict(received.message.attributes) == {"kind": "sweep"}
    assert received.delivery_attempt == 0, "attempts are counted with a dead letter policy only"
    stage.subscriber.acknowledge(subscription=SUBSCRIPTION, ack_ids=[received.ack_id])
    stage.local.cloud.clock.advance(3600)
    assert stage.pull() == []


def test_what_is_pulled_and_not_acknowledged_comes_again_after_its_deadline(stage: Stage) -> None:
    stage.subscribe(ack_deadline_seconds=20)
    id_ = stage.publish()
    (first,) = stage.pull()
    stage.local.cloud.clock.advance(19)
    assert stage.pull() == []
    stage.subscriber.modify_ack_deadline(subscription=SUBSCRIPTION, ack_ids=[first.ack_id], ack_deadline_seconds=100)
    stage.local.cloud.clock.advance(99)
    assert stage.pull() == []
    stage.local.cloud.clock.advance(2)
    (second,) = stage.pull()
    assert second.message.message_id == id_
    stage.subscriber.acknowledge(subscription=SUBSCRIPTION, ack_ids=[first.ack_id])
    stage.local.cloud.clock.advance(21)
    (third,) = stage.pull()
    assert third.message.message_id == id_, "an acknowledgement after the deadline counts for nothing"


def test_a_deadline_of_zero_gives_a_message_back_at_once(stage: Stage) -> None:
    stage.subscribe()
    stage.publish()
    (first,) = stage.pull()
    stage.subscriber.modify_ack_deadline(subscription=SUBSCRIPTION, ack_ids=[first.ack_id], ack_deadline_seconds=0)
    assert stage.local.settle()
    assert len(stage.pull()) == 1


def test_a_push_has_the_body_and_the_token_that_google_sends(stage: Stage, endpoint: Receiver) -> None:
    config = {
        "push_endpoint": f"{endpoint.url}/projects/P/topics/T?pubsub_trigger=true",
        "oidc_token": {"service_account_email": "invoker@p.iam.gserviceaccount.com", "audience": "https://f.run.app"},
    }
    stage.subscribe(push_config=config)
    id_ = stage.publish(b"\x00\xff", kind="x")
    assert stage.local.settle()
    (received,) = endpoint.received
    published = received.json["message"]["publishTime"]
    assert received.json == {
        "subscription": SUBSCRIPTION,
        "message": {
            "data": base64.b64encode(b"\x00\xff").decode(),
            "attributes": {"kind": "x"},
            "messageId": id_,
            "message_id": id_,
            "publishTime": published,
            "publish_time": published,
        },
    }
    assert received.path == "/projects/P/topics/T?pubsub_trigger=true"
    assert received.headers["content-type"] == "application/json"
    scheme, token = received.headers["authorization"].split()
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert scheme == "Bearer"
    assert claims["email"] == "invoker@p.iam.gserviceaccount.com"
    assert claims["aud"] == "https://f.run.app"
    assert claims["exp"] > claims["iat"]


ACKNOWLEDGING = [200, 201, 202, 204]
REFUSING = [203, 302, 400, 404, 429, 500, 503]


@pytest.mark.parametrize("status", ACKNOWLEDGING)
def test_these_answers_acknowledge_a_push(stage: Stage, endpoint: Receiver, status: int) -> None:
    endpoint.answer = lambda _: status
    stage.subscribe(**pushed(endpoint))
    stage.publish()
    assert stage.local.settle()
    assert len(endpoint.received) == 1


@pytest.mark.parametrize("status", REFUSING)
def test_any_other_answer_brings_the_push_again(stage: Stage, endpoint: Receiver, status: int) -> None:
    endpoint.answer = lambda number: 204 if number else status
    stage.subscribe(**pushed(endpoint))
    stage.publish()
    assert stage.local.settle()
    assert len(endpoint.received) == 2
    assert stage.moments() == 10.0


def test_the_back_off_doubles_from_its_minimum_to_its_maximum(stage: Stage, endpoint: Receiver) -> None:
    moments: list[float] = []

    def answer(number: int) -> int:
        moments.append(stage.moments())
        return 204 if number == 5 else 500

    endpoint.answer = answer
    stage.subscribe(**pushed(endpoint))
    stage.publish()
    assert stage.local.settle()
    assert moments == [0.0, 10.0, 30.0, 70.0, 130.0, 190.0]


def test_after_its_last_attempt_a_message_goes_to_the_dead_letter_topic(stage: Stage, endpoint: Receiver) -> None:
    stage.publisher.create_topic(name=DEAD)
    graves = "projects/my-project/subscriptions/graves"
    stage.subscriber.create_subscription(name=graves, topic=DEAD)
    endpoint.answer = lambda _: 500
    policy = {"dead_letter_topic": DEAD, "max_delivery_attempts": 5}
    stage.subscribe(**pushed(endpoint, dead_letter_policy=policy))
    stage.publish(b"unlucky", kind="x")
    assert stage.local.settle()
    assert [one.json["deliveryAttempt"] for one in endpoint.received] == [1, 2, 3, 4, 5]
    (dead,) = stage.pull(graves)
    assert dead.message.data == b"unlucky"
    assert dict(dead.message.attributes) == {
        "kind": "x",
        "CloudPubSubDeadLetterSourceSubscription": "intake",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "my-project",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
        "CloudPubSubDeadLetterSourceTopicPublishTime": endpoint.received[0].json["message"]["publishTime"],
    }
    stage.local.cloud.clock.advance(86_400)
    assert len(endpoint.received) == 5


def test_without_its_dead_letter_topic_a_message_goes_on_being_pushed(stage: Stage, endpoint: Receiver) -> None:
    stage.publisher.create_topic(name=DEAD)
    endpoint.answer = lambda number: 204 if number == 7 else 500
    stage.subscribe(**pushed(endpoint, dead_letter_policy={"dead_letter_topic": DEAD, "max_delivery_attempts": 5}))
    stage.publisher.delete_topic(topic=DEAD)
    stage.publish()
    assert stage.local.settle()
    assert len(endpoint.received) == 8


def test_an_endpoint_that_is_not_there_is_tried_again(stage: Stage, endpoint: Receiver) -> None:
    with receiving() as gone:
        url = gone.url
    stage.subscribe(**pushed(endpoint) | {"push_config": {"push_endpoint": url}})
    stage.publish()
    stage.local.cloud.clock.advance(15)
    stage.subscriber.modify_push_config(
        request={"subscription": SUBSCRIPTION, "push_config": {"push_endpoint": f"{endpoint.url}/push"}}
    )
    assert stage.local.settle()
    assert len(endpoint.received) == 1
    assert stage.local.cloud.clock.seconds() == 30.0


def test_a_push_that_is_answered_after_its_deadline_comes_again(stage: Stage, endpoint: Receiver) -> None:
    answered = threading.Event()
    clock = stage.local.cloud.clock

    def answer(number: int) -> int:
        if number == 0:
            clock.pass_until(lambda: clock.seconds() >= 100.0)  # as an endpoint that waits for an operation
            answered.set()
        return 204

    endpoint.answer = answer
    clock.after(150.0, lambda: None)
    stage.subscribe(**pushed(endpoint, ack_deadline_seconds=60))
    stage.publish()
    assert stage.local.settle()
    assert answered.wait(5)
    assert len(endpoint.received) == 2, "the same message twice: duplicates happen"
    assert len({one.json["message"]["messageId"] for one in endpoint.received}) == 1


def test_no_more_than_a_window_of_messages_is_with_an_endpoint_at_once(stage: Stage, endpoint: Receiver) -> None:
    most = now = 0

    def answer(_: int) -> int:
        nonlocal most, now
        with endpoint.lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with endpoint.lock:
            now -= 1
        return 204

    endpoint.answer = answer
    stage.local.cloud.switches["pubsub.outstanding"] = 3
    stage.subscribe(**pushed(endpoint))
    stage.publisher.publish(request={"topic": TOPIC, "messages": [{"data": bytes([number])} for number in range(20)]})
    assert stage.local.settle()
    assert sorted(base64.b64decode(one.json["message"]["data"]) for one in endpoint.received) == [
        bytes([number]) for number in range(20)
    ]
    assert most <= 3


def test_a_message_older_than_its_retention_is_dropped(stage: Stage, endpoint: Receiver) -> None:
    endpoint.answer = lambda _: 500
    stage.subscribe(**pushed(endpoint, message_retention_duration=Duration(seconds=600)))
    stage.publish()
    assert stage.local.settle()
    assert stage.moments() <= 660.0
    assert len(endpoint.received) == 12


def test_a_subscription_is_changed_by_its_mask(stage: Stage) -> None:
    stage.subscribe()
    changed = stage.subscriber.update_subscription(
        request={
            "subscription": {"name": SUBSCRIPTION, "ack_deadline_seconds": 300, "retain_acked_messages": True},
            "update_mask": FieldMask(paths=["ack_deadline_seconds"]),
        }
    )
    assert changed.ack_deadline_seconds == 300
    assert not changed.retain_acked_messages
    with pytest.raises(exceptions.InvalidArgument):
        stage.subscriber.update_subscription(
            request={
                "subscription": {"name": SUBSCRIPTION, "topic": DEAD},
                "update_mask": FieldMask(paths=["topic"]),
            }
        )


def test_deleting_a_subscription_forgets_what_it_held(stage: Stage, endpoint: Receiver) -> None:
    endpoint.answer = lambda _: 500
    stage.subscribe(**pushed(endpoint))
    stage.publish()
    stage.local.cloud.clock.advance(5)
    stage.subscriber.delete_subscription(subscription=SUBSCRIPTION)
    assert stage.local.settle()
    assert len(endpoint.received) == 1


REFUSED = [
    ("create_topic", {"name": TOPIC}, exceptions.AlreadyExists, "already exists", "a topic exists once"),
    ("create_topic", {"name": "projects/my-project/topics/x"}, exceptions.InvalidArgument, "x", "3 letters at least"),
    ("create_topic", {"name": "projects/my-project/topics/googX"}, exceptions.InvalidArgument, "googX", "not goog"),
    ("create_topic", {"name": "projects/stranger/topics/abc"}, exceptions.PermissionDenied, "stranger", "a project"),
    ("get_topic", {"topic": DEAD}, exceptions.NotFound, r"Resource not found \(resource=dead\)", "no such topic"),
    ("publish", {"topic": DEAD, "messages": [{"data": b"x"}]}, exceptions.NotFound, "dead", "nowhere to publish"),
    ("publish", {"topic": TOPIC, "messages": [{}]}, exceptions.InvalidArgument, "empty", "neither data nor attributes"),
    ("publish", {"topic": TOPIC, "messages": []}, exceptions.InvalidArgument, "between 1", "no message at all"),
]


@pytest.mark.parametrize(("method", "request_", "error", "text", "why"), REFUSED, ids=[row[4] for row in REFUSED])
def test_what_a_publisher_may_not_do(
    stage: Stage, method: str, request_: dict[str, Any], error: type[Exception], text: str, why: str
) -> None:
    with pytest.raises(error, match=text):
        getattr(stage.publisher, method)(request=request_)


NEW: dict[str, Any] = {"name": "projects/my-project/subscriptions/new", "topic": TOPIC}
DEAD_POLICY = {"dead_letter_topic": TOPIC, "max_delivery_attempts": 4}
BACKWARDS = {"minimum_backoff": Duration(seconds=60), "maximum_backoff": Duration(seconds=10)}
WRONG = [
    (NEW | {"topic": DEAD}, exceptions.NotFound, "the topic must exist"),
    (NEW | {"name": SUBSCRIPTION}, exceptions.AlreadyExists, "a subscription exists once"),
    (NEW | {"ack_deadline_seconds": 601}, exceptions.InvalidArgument, "600 seconds at most"),
    (NEW | {"ack_deadline_seconds": 9}, exceptions.InvalidArgument, "10 seconds at least"),
    (NEW | {"dead_letter_policy": DEAD_POLICY}, exceptions.InvalidArgument, "5 attempts at least"),
    (NEW | {"dead_letter_policy": {"dead_letter_topic": DEAD}}, exceptions.NotFound, "a dead letter topic must exist"),
    (NEW | {"retry_policy": BACKWARDS}, exceptions.InvalidArgument, "the minimum is not above the maximum"),
    (NEW | {"message_retention_duration": Duration(seconds=60)}, exceptions.InvalidArgument, "10 minutes at least"),
    (NEW | {"push_config": {"push_endpoint": "ftp://x"}}, exceptions.InvalidArgument, "an endpoint is a web address"),
    (NEW | {"filter": "data = 1"}, exceptions.InvalidArgument, "a filter asks for attributes"),
]


@pytest.mark.parametrize(("request_", "error", "why"), WRONG, ids=[row[2] for row in WRONG])
def test_subscriptions_that_are_refused(
    stage: Stage, request_: dict[str, Any], error: type[Exception], why: str
) -> None:
    stage.subscribe()
    with pytest.raises(error):
        stage.subscriber.create_subscription(request=request_)


def test_pulling_from_a_push_subscription_is_refused(stage: Stage, endpoint: Receiver) -> None:
    stage.subscribe(**pushed(endpoint))
    with pytest.raises(exceptions.FailedPrecondition):
        stage.pull()


def test_what_is_published_from_many_threads_is_delivered_while_time_runs_by_itself(endpoint: Receiver) -> None:
    endpoint.answer = lambda number: 500 if number % 5 == 0 else 204
    with LocalCloud() as local, grpc.insecure_channel(local.grpc) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        publisher.create_topic(name=TOPIC)
        subscriber.create_subscription(request={"name": SUBSCRIPTION, "topic": TOPIC, **pushed(endpoint)})

        def publish(sender: int) -> None:
            for number in range(10):
                message = {"data": f"{sender}-{number}".encode()}
                publisher.publish(request={"topic": TOPIC, "messages": [message]})

        senders = [threading.Thread(target=publish, args=(sender,)) for sender in range(8)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(30)
        assert local.settle()
        assert len(local.cloud.part(Mailroom).waiting()) == 0
    arrived = {base64.b64decode(one.json["message"]["data"]).decode() for one in endpoint.received}
    assert arrived == {f"{sender}-{number}" for sender in range(8) for number in range(10)}
