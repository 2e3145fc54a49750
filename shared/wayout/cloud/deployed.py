"""What was deployed, as Google shows it to whoever asks: APIs, sinks, subscriptions and policies. Reads only.

REST where no official client of ours speaks it: the discovery documents of serviceusage v1, run v2, pubsub v1,
cloudresourcemanager v1 and iam v1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from wayout.cloud.asking import GRPC
from wayout.cloud.clients import Clients
from wayout.cloud.errors import CloudError, GoneError, RefusedError
from wayout.egress.health.needed import ACT_AS
from wayout.egress.health.seeing import Apis, Bindings, SinkSeen, SubscriptionSeen
from wayout.egress.model import Absent, Present, Sighting, Unreadable

if TYPE_CHECKING:
    from google.cloud.logging_v2.services.config_service_v2 import ConfigServiceV2Client
    from google.pubsub_v1.services.subscriber import SubscriberClient

T = TypeVar("T")
BATCH = 30  # services that one batchGet takes. Source: its reference
_PERMISSIONS = {"topics": "pubsub.topics", "subscriptions": "pubsub.subscriptions", "services": "run.services"}


def apis(clients: Clients, project: str, names: Sequence[str]) -> Sighting[Apis]:
    """Which of the named APIs are enabled in a project, and the project's number."""
    parent = f"projects/{project}"
    url = f"{_url(clients, 'serviceusage')}/v1/{parent}/services:batchGet"

    def look() -> Apis:
        enabled: set[str] = set()
        number = ""
        for start in range(0, len(names), BATCH):
            asked = [("names", f"{parent}/services/{name}") for name in names[start : start + BATCH]]
            answer = clients.fetch("serviceusage.services.get", parent, "GET", url, params=asked)
            for one in answer.get("services", []):
                number = str(one.get("parent", "")).removeprefix("projects/")
                if one.get("state") == "ENABLED":
                    enabled.add(one["config"]["name"])
        return Apis(number, frozenset(enabled))

    return sighted(look)


def sink(clients: Clients, name: str) -> Sighting[SinkSeen]:
    """A log sink, by its full name."""

    def look() -> SinkSeen:
        found = clients.ask("logging.sinks.get", name, lambda: _config(clients).get_sink(sink_name=name, **GRPC))
        dropped = tuple(one.filter for one in found.exclusions if not one.disabled)
        return SinkSeen(found.destination, found.filter, found.writer_identity, found.disabled, dropped)

    return sighted(look)


def subscription(clients: Clients, name: str) -> Sighting[SubscriptionSeen]:
    """A subscription, by its full name."""

    def look() -> SubscriptionSeen:
        permission = "pubsub.subscriptions.get"
        found = clients.ask(permission, name, lambda: subscriber(clients).get_subscription(subscription=name, **GRPC))
        push, token, retry = found.push_config, found.push_config.oidc_token, found.retry_policy
        pauses = (_seconds(retry.minimum_backoff), _seconds(retry.maximum_backoff))
        return SubscriptionSeen(
            topic=found.topic,
            endpoint=push.push_endpoint,
            account=token.service_account_email,
            audience=token.audience,
            deadline=found.ack_deadline_seconds,
            dead_topic=found.dead_letter_policy.dead_letter_topic,
            filter=found.filter,
            attempts=found.dead_letter_policy.max_delivery_attempts,
            retry=pauses if "retry_policy" in found else None,
            expires=_seconds(found.expiration_policy.ttl),
        )

    return sighted(look)


def _seconds(span: timedelta | None) -> float:
    """A duration of a document; one that is not there is none."""
    return span.total_seconds() if span else 0.0


def policy(clients: Clients, resource: str) -> Sighting[Bindings]:
    """The IAM policy on a topic, subscription, Cloud Run service or project."""

    def look() -> Bindings:
        kind = resource.split("/")[-2]
        if kind == "projects":
            url = f"{_url(clients, 'cloudresourcemanager')}/v1/{resource}:getIamPolicy"
            answer = clients.fetch("resourcemanager.projects.getIamPolicy", resource, "POST", url, json={})
        else:
            api, version = ("run", "v2") if kind == "services" else ("pubsub", "v1")
            url = f"{_url(clients, api)}/{version}/{resource}:getIamPolicy"
            answer = clients.fetch(f"{_PERMISSIONS[kind]}.getIamPolicy", resource, "GET", url)
        found: dict[str, frozenset[str]] = {}
        for one in answer.get("bindings", []):
            found[one["role"]] = found.get(one["role"], frozenset()) | frozenset(one.get("members", []))
        return found

    return sighted(look)


def role(clients: Clients, name: str) -> Sighting[frozenset[str]]:
    """The permissions of a custom role, by its full name."""

    def look() -> frozenset[str]:
        answer = clients.fetch("iam.roles.get", name, "GET", f"{_url(clients, 'iam')}/v1/{name}")
        return frozenset() if answer.get("deleted") else frozenset(answer.get("includedPermissions", []))

    return sighted(look)


def may_act_as(clients: Clients, account: str) -> bool:
    """Whether we may act as a service account, by its full name. Raises CloudError."""
    url = f"{_url(clients, 'iam')}/v1/{account}:testIamPermissions"
    answer = clients.fetch(ACT_AS, account, "POST", url, json={"permissions": [ACT_AS]})
    return ACT_AS in answer.get("permissions", [])


def sighted(look: Callable[[], T]) -> Sighting[T]:
    """What a look finds; what fails for any other reason than that it is not there, is unreadable."""
    try:
        return Present(look())
    except GoneError:
        return Absent()
    except RefusedError as refused:
        return Unreadable(refused.why, refused.help or "see what Google says")
    except CloudError as error:
        return Unreadable(error.why, "run this again")


def subscriber(clients: Clients) -> SubscriberClient:
    """Pub/Sub's plain client for subscriptions."""
    from google.pubsub_v1.services.subscriber import SubscriberClient
    from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

    endpoint = clients.settings.endpoint_pubsub or "pubsub.googleapis.com"
    return clients.other("subscriber", SubscriberClient, SubscriberGrpcTransport, endpoint)


def _config(clients: Clients) -> ConfigServiceV2Client:
    from google.cloud.logging_v2.services.config_service_v2 import ConfigServiceV2Client
    from google.cloud.logging_v2.services.config_service_v2.transports import ConfigServiceV2GrpcTransport

    endpoint = clients.settings.endpoint_logging or "logging.googleapis.com"
    return clients.other("sinks", ConfigServiceV2Client, ConfigServiceV2GrpcTransport, endpoint)


def _url(clients: Clients, api: str) -> str:
    """Whoever serves DNS elsewhere serves these there too, as Resource Manager: no settings of their own."""
    return clients.settings.endpoint_dns or f"https://{api}.googleapis.com"
