"""What Pub/Sub does with messages between publishing and acknowledgement."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping

from localcloud.access import admission
from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.faults.events import EventFaults
from localcloud.pubsub import filter as pubsubfilter
from localcloud.pubsub.push import Post, token
from localcloud.pubsub.queues import Letter, Queue, Terms

TOPICS, SUBSCRIPTIONS = "pubsub.topics", "pubsub.subscriptions"
PUSH_BACKOFF = (0.1, 60.0)  # seconds; google.pubsub.v1: without a retry policy "as soon as possible"


class Mailroom:
    """The queues of all subscriptions of one cloud. Used under the cloud's lock."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._queues: dict[str, Queue] = {}

    def publish(self, topic: str, messages: Iterable[Document]) -> list[str]:
        """Put a copy of each message into every subscription of `topic`, and answer with their ids."""
        clock = self._cloud.clock
        letters = [
            Letter(
                id=self._cloud.new_id(),
                data=message.get("data") or "",
                attributes=dict(message.get("attributes") or {}),
                published=clock.stamp(),
                at=clock.seconds(),
                ordering_key=message.get("orderingKey") or "",
            )
            for message in messages
        ]
        for name, subscription in self._cloud.table(SUBSCRIPTIONS).items():
            if subscription["topic"] == topic:
                wanted = pubsubfilter.compile(subscription["filter"]) if "filter" in subscription else None
                for letter in letters:
                    if wanted is None or wanted(letter.attributes):
                        self._cloud.part(EventFaults).put(self.queue(name), letter)
        return [letter.id for letter in letters]

    def queue(self, name: str) -> Queue:
        """The queue of the subscription called `name`, whose terms may change at any time."""
        if name not in self._queues:
            self._queues[name] = Queue(self._cloud, lambda: self._terms(name))
        return self._queues[name]

    def drop(self, name: str) -> None:
        """Forget a subscription and what it holds."""
        queue = self._queues.pop(name, None)
        if queue is not None:
            queue.close()

    def waiting(self) -> dict[str, int]:
        """How many messages each subscription holds that are not acknowledged."""
        return {name: len(queue) for name, queue in self._queues.items() if len(queue)}

    def _terms(self, name: str) -> Terms:
        subscription = self._cloud.table(SUBSCRIPTIONS)[name]
        pushes = bool(subscription.get("pushConfig", {}).get("pushEndpoint"))
        retry = subscription.get("retryPolicy")
        low, high = PUSH_BACKOFF if pushes else (0.0, 0.0)
        if retry is not None:
            low, high = seconds_of(retry["minimumBackoff"]), seconds_of(retry["maximumBackoff"])
        dead = subscription.get("deadLetterPolicy") or {}
        return Terms(
            deadline=float(subscription["ackDeadlineSeconds"]),
            min_backoff=low,
            max_backoff=high,
            retention=seconds_of(subscription["messageRetentionDuration"]),
            render=(lambda letter, attempt: self._rendered(name, letter, attempt)) if pushes else None,
            most=int(dead.get("maxDeliveryAttempts", 0)),
            bury=lambda letter, attempts: self._bury(name, letter, attempts),
        )

    def _rendered(self, name: str, letter: Letter, attempt: int) -> Post:
        subscription = self._cloud.table(SUBSCRIPTIONS)[name]
        config = subscription["pushConfig"]
        headers = {"User-Agent": "CloudPubSub-Google", "From": "noreply@google.com"}
        if oidc := config.get("oidcToken"):
            audience = oidc.get("audience") or config["pushEndpoint"]
            headers["Authorization"] = f"Bearer {token(self._cloud, oidc['serviceAccountEmail'], audience)}"
        if "noWrapper" in config:
            return self._unwrapped(name, letter, config, headers)
        body: Document = {"message": message_of(letter, twice=True), "subscription": name}
        if "deadLetterPolicy" in subscription:
            body["deliveryAttempt"] = attempt
        return Post(config["pushEndpoint"], headers | {"Content-Type": "application/json"}, json.dumps(body).encode())

    def _unwrapped(self, name: str, letter: Letter, config: Document, headers: Mapping[str, str]) -> Post:
        extra: dict[str, str] = {}
        if config["noWrapper"].get("writeMetadata"):
            extra = {
                "x-goog-pubsub-subscription-name": name,
                "x-goog-pubsub-message-id": letter.id,
                "x-goog-pubsub-publish-time": letter.published,
                **letter.attributes,
            }
        return Post(config["pushEndpoint"], {**headers, **extra}, base64.b64decode(letter.data))

    def _bury(self, name: str, letter: Letter, attempts: int) -> bool:
        """Publish a letter to the dead letter topic; while that cannot be, it goes on being delivered."""
        subscription = self._cloud.table(SUBSCRIPTIONS)[name]
        topic = subscription["deadLetterPolicy"]["deadLetterTopic"]
        if topic not in self._cloud.table(TOPICS) or not self._may_bury(name, topic):
            return False
        _, project, _, short = name.split("/")
        attributes = dict(letter.attributes) | {
            "CloudPubSubDeadLetterSourceSubscription": short,
            "CloudPubSubDeadLetterSourceSubscriptionProject": project,
            "CloudPubSubDeadLetterSourceDeliveryCount": str(attempts),
            "CloudPubSubDeadLetterSourceTopicPublishTime": letter.published,
        }
        self.publish(topic, [{"data": letter.data, "attributes": attributes, "orderingKey": letter.ordering_key}])
        return True

    def _may_bury(self, subscription: str, topic: str) -> bool:
        """Pub/Sub's agent must publish there and take from here. Source: the reference of DeadLetterPolicy."""
        agent = f"service-{self._cloud.number(subscription.split('/')[1])}@gcp-sa-pubsub.iam.gserviceaccount.com"
        needed = (("pubsub.topics.publish", topic), ("pubsub.subscriptions.consume", subscription))
        return all(admission.may(self._cloud, agent, permission, resource) for permission, resource in needed)


def message_of(letter: Letter, *, twice: bool = False) -> Document:
    """A letter as a PubsubMessage; `twice`: with the snake_case duplicates that a push body carries."""
    found: Document = {"messageId": letter.id, "publishTime": letter.published}
    if twice:
        found |= {"message_id": letter.id, "publish_time": letter.published}
    if letter.data:
        found["data"] = letter.data
    if letter.attributes:
        found["attributes"] = dict(letter.attributes)
    if letter.ordering_key:
        found["orderingKey"] = letter.ordering_key
    return found


def seconds_of(duration: str) -> float:
    """Seconds of a proto JSON duration such as `600s`. Raises ValueError."""
    if not duration.endswith("s"):
        raise ValueError(f"{duration!r} is no duration: write it in seconds, as in 600s")
    return float(duration.removesuffix("s"))
