"""Cloud Pub/Sub: topics, subscriptions that are pulled from or pushed, retries and dead letters.

Source: google.pubsub.v1 and recorded answers.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from localcloud import audit
from localcloud.calls import Audited, Call, Document, Target
from localcloud.core import METHODS, Cloud, serves
from localcloud.errors import EXISTS, INVALID, PRECONDITION, ApiError
from localcloud.errors import NOT_FOUND as MISSING
from localcloud.paging import paged
from localcloud.pubsub.mailroom import SUBSCRIPTIONS, TOPICS, Mailroom, message_of
from localcloud.pubsub.rules import as_read, as_written, invalid, merge, named, subscription_of

DELETED = "_deleted-topic_"


def _target(kind: str, label: str, *keys: str) -> Any:
    def target(cloud: Cloud, call: Call) -> Target:
        nested = call.body.get(kind[:-1])
        given = next((call.params[key] for key in keys if key in call.params), None)
        name = named(cloud, str(given or (nested or {}).get("name", "")), kind)
        return Target(name.split("/")[1], name, f"pubsub_{kind[:-1]}", {label: name})

    return target


def _audited(method: str, kind: str, request: str) -> Audited:
    role = "Publisher" if kind == "topics" else "Subscriber"
    target = _target(kind, f"{kind[:-1]}_id", "name", kind[:-1])
    return Audited(f"google.pubsub.v1.{role}.{method}", target, f"google.pubsub.v1.{request}")


def _log(cloud: Cloud, call: Call, response: Document) -> Document:
    audited = METHODS[call.method].audited
    if audited:
        cloud.log(audit.entry(cloud, audited, call, response=response))
    return response


def _find(cloud: Cloud, table: str, name: str) -> Document:
    found = cloud.table(table).get(name)
    if found is None:
        raise ApiError(MISSING, f"Resource not found (resource={name.split('/')[-1]}).")
    return found


def _unused(cloud: Cloud, table: str, name: str) -> None:
    if name in cloud.table(table):
        raise ApiError(EXISTS, f"Resource already exists in the project (resource={name.split('/')[-1]}).")


def _topic(cloud: Cloud, call: Call) -> Document:
    return _find(cloud, TOPICS, named(cloud, call.params["topic"], "topics"))


def _subscription(cloud: Cloud, call: Call) -> Document:
    return _find(cloud, SUBSCRIPTIONS, named(cloud, call.params["subscription"], "subscriptions"))


def _of_project(cloud: Cloud, call: Call, table: str) -> list[Document]:
    prefix = f"projects/{cloud.project_id(call.params['project'].removeprefix('projects/'))}/"
    return [found for name, found in sorted(cloud.table(table).items()) if name.startswith(prefix)]


# topics


@serves(
    "pubsub.projects.topics.create",
    permissions=("pubsub.topics.create",),
    audited=_audited("CreateTopic", "topics", "Topic"),
)
def create_topic(cloud: Cloud, call: Call) -> Document:
    """Make a topic."""
    name = named(cloud, call.params["name"], "topics", new=True)
    _unused(cloud, TOPICS, name)
    topic = {key: value for key, value in call.body.items() if value} | {"name": name}
    cloud.table(TOPICS)[name] = topic
    return _log(cloud, call, dict(topic))


@serves("pubsub.projects.topics.get", permissions=("pubsub.topics.get",))
def get_topic(cloud: Cloud, call: Call) -> Document:
    """Read a topic."""
    return dict(_topic(cloud, call))


@serves("pubsub.projects.topics.list", permissions=("pubsub.topics.list",))
def list_topics(cloud: Cloud, call: Call) -> Document:
    """The topics of a project."""
    return paged(call, "topics", _of_project(cloud, call, TOPICS))


@serves(
    "pubsub.projects.topics.patch",
    permissions=("pubsub.topics.update",),
    audited=_audited("UpdateTopic", "topics", "UpdateTopicRequest"),
)
def patch_topic(cloud: Cloud, call: Call) -> Document:
    """Change the fields of a topic that updateMask names."""
    given = call.body.get("topic") or {}
    name = named(cloud, call.params.get("name") or given.get("name", ""), "topics")
    topic = merge(_find(cloud, TOPICS, name), given, call)
    cloud.table(TOPICS)[name] = topic
    return _log(cloud, call, dict(topic))


@serves(
    "pubsub.projects.topics.delete",
    permissions=("pubsub.topics.delete",),
    audited=_audited("DeleteTopic", "topics", "DeleteTopicRequest"),
)
def delete_topic(cloud: Cloud, call: Call) -> Document:
    """Remove a topic; its subscriptions stay, with what they hold."""
    name = _topic(cloud, call)["name"]
    del cloud.table(TOPICS)[name]
    for subscription in cloud.table(SUBSCRIPTIONS).values():
        if subscription["topic"] == name:
            subscription["topic"] = DELETED
    return _log(cloud, call, {})


@serves("pubsub.projects.topics.publish", permissions=("pubsub.topics.publish",))
def publish(cloud: Cloud, call: Call) -> Document:
    """Publish messages; each has data, attributes or both."""
    topic = _topic(cloud, call)
    messages = call.body.get("messages") or []
    if not 1 <= len(messages) <= 1000:
        raise invalid(f"The number of messages in a publish request must be between 1 and 1000, not {len(messages)}.")
    for message in messages:
        _check(message)
    return {"messageIds": cloud.part(Mailroom).publish(topic["name"], messages)}


def _check(message: Document) -> None:
    data, attributes = message.get("data") or "", message.get("attributes") or {}
    if not data and not attributes:
        raise invalid("Some messages are empty: a message must have either non-empty data or at least one attribute.")
    try:
        size = len(base64.b64decode(data, validate=True))
    except (binascii.Error, TypeError, ValueError):
        raise invalid("Invalid value at 'messages[0].data' (TYPE_BYTES), Base64 decoding failed") from None
    if size > 10_000_000:
        raise invalid("The value for message_size is too large.")
    if len(attributes) > 100 or any(len(key) > 256 or len(value) > 1024 for key, value in attributes.items()):
        raise invalid("A message may have 100 attributes, with keys of 256 bytes and values of 1024 bytes at most.")


@serves("pubsub.projects.topics.subscriptions.list", permissions=("pubsub.topics.get",))
def list_topic_subscriptions(cloud: Cloud, call: Call) -> Document:
    """The names of a topic's subscriptions."""
    topic = _topic(cloud, call)["name"]
    names = [name for name, found in sorted(cloud.table(SUBSCRIPTIONS).items()) if found["topic"] == topic]
    return paged(call, "subscriptions", names)


# subscriptions


@serves(
    "pubsub.projects.subscriptions.create",
    permissions=("pubsub.subscriptions.create",),
    audited=_audited("CreateSubscription", "subscriptions", "Subscription"),
)
def create_subscription(cloud: Cloud, call: Call) -> Document:
    """Make a subscription, with Google's defaults filled in."""
    name = named(cloud, call.params["name"], "subscriptions", new=True)
    topic = named(cloud, str(call.body.get("topic", "")), "topics")
    _unused(cloud, SUBSCRIPTIONS, name)
    _find(cloud, TOPICS, topic)
    made = subscription_of(cloud, call.body | {"name": name, "topic": topic})
    _dead_letter_topic(cloud, made)
    cloud.table(SUBSCRIPTIONS)[name] = made
    return _log(cloud, call, as_written(made))


def _dead_letter_topic(cloud: Cloud, subscription: Document) -> None:
    policy = subscription.get("deadLetterPolicy")
    if policy:
        _find(cloud, TOPICS, policy["deadLetterTopic"])


@serves("pubsub.projects.subscriptions.get", permissions=("pubsub.subscriptions.get",))
def get_subscription(cloud: Cloud, call: Call) -> Document:
    """Read a subscription."""
    return as_read(_subscription(cloud, call))


@serves("pubsub.projects.subscriptions.list", permissions=("pubsub.subscriptions.list",))
def list_subscriptions(cloud: Cloud, call: Call) -> Document:
    """The subscriptions of a project."""
    return paged(call, "subscriptions", _of_project(cloud, call, SUBSCRIPTIONS))


@serves(
    "pubsub.projects.subscriptions.delete",
    permissions=("pubsub.subscriptions.delete",),
    audited=_audited("DeleteSubscription", "subscriptions", "DeleteSubscriptionRequest"),
)
def delete_subscription(cloud: Cloud, call: Call) -> Document:
    """Remove a subscription and every message that it holds."""
    name = _subscription(cloud, call)["name"]
    del cloud.table(SUBSCRIPTIONS)[name]
    cloud.part(Mailroom).drop(name)
    return _log(cloud, call, {})


@serves(
    "pubsub.projects.subscriptions.patch",
    permissions=("pubsub.subscriptions.update",),
    audited=_audited("UpdateSubscription", "subscriptions", "UpdateSubscriptionRequest"),
)
def patch_subscription(cloud: Cloud, call: Call) -> Document:
    """Change the fields of a subscription that updateMask names."""
    given = call.body.get("subscription") or {}
    name = named(cloud, call.params.get("name") or given.get("name", ""), "subscriptions")
    old = _find(cloud, SUBSCRIPTIONS, name)
    changed = subscription_of(cloud, merge(old, given, call, fixed=("topic", "filter", "enableMessageOrdering")))
    _dead_letter_topic(cloud, changed)
    return _log(cloud, call, as_written(_replace(cloud, changed)))


@serves(
    "pubsub.projects.subscriptions.modifyPushConfig",
    permissions=("pubsub.subscriptions.update",),
    audited=_audited("ModifyPushConfig", "subscriptions", "ModifyPushConfigRequest"),
)
def modify_push_config(cloud: Cloud, call: Call) -> Document:
    """Point a subscription at another endpoint, or at none."""
    found = _subscription(cloud, call)
    _replace(cloud, subscription_of(cloud, found | {"pushConfig": call.body.get("pushConfig") or {}}))
    return _log(cloud, call, {})


def _replace(cloud: Cloud, subscription: Document) -> Document:
    name = subscription["name"]
    cloud.table(SUBSCRIPTIONS)[name] = subscription
    cloud.after(0.0, cloud.part(Mailroom).queue(name).pump)
    return subscription


# pulling


@serves("pubsub.projects.subscriptions.pull", permissions=("pubsub.subscriptions.consume",))
def pull(cloud: Cloud, call: Call) -> Document:
    """What is ready, at once: an empty answer is legal at any time, and nobody waits here."""
    found = _subscription(cloud, call)
    if found["pushConfig"].get("pushEndpoint"):
        raise ApiError(PRECONDITION, "Method 'Pull' is not supported for this subscription type.")
    most = int(call.body.get("maxMessages") or 0)
    if most < 1:
        raise invalid("The value for max_messages is too small. You passed 0 in the request, but the minimum is 1.")
    received: list[Document] = []
    for lease, held in cloud.part(Mailroom).queue(found["name"]).pull(min(most, 1000)):
        one: Document = {"ackId": lease, "message": message_of(held.letter)}
        received.append(one | ({"deliveryAttempt": held.attempts} if "deadLetterPolicy" in found else {}))
    return {"receivedMessages": received} if received else {}


@serves("pubsub.projects.subscriptions.acknowledge", permissions=("pubsub.subscriptions.consume",))
def acknowledge(cloud: Cloud, call: Call) -> Document:
    """Acknowledge messages. One whose deadline has passed comes again all the same."""
    queue = cloud.part(Mailroom).queue(_subscription(cloud, call)["name"])
    for lease in _leases(call):
        queue.acknowledge(lease)
    return {}


@serves("pubsub.projects.subscriptions.modifyAckDeadline", permissions=("pubsub.subscriptions.consume",))
def modify_ack_deadline(cloud: Cloud, call: Call) -> Document:
    """Move the deadline of messages to that many seconds from now; 0 gives them back."""
    queue = cloud.part(Mailroom).queue(_subscription(cloud, call)["name"])
    seconds = int(call.body.get("ackDeadlineSeconds") or 0)
    if not 0 <= seconds <= 600:
        raise invalid(f"The value for ack_deadline_seconds is out of range. You passed {seconds}; 0 to 600 is allowed.")
    for lease in _leases(call):
        queue.extend(lease, float(seconds))
    return {}


def _leases(call: Call) -> list[str]:
    found = call.body.get("ackIds") or []
    if not found:
        raise ApiError(INVALID, "No ack ids specified.")
    return [str(lease) for lease in found]
