"""What people and other systems do in the demo, each under their own name, with the official clients."""

from __future__ import annotations

import base64
import json
from typing import Any, Protocol

from wayout.cli.demo.stage import CHANNEL, NETWORK, PRINCIPAL, PROJECT, REGION
from wayout.cloud.clients import Clients
from wayout.cloud.settings import Settings

INVOKER = f"wayout-invoker@{PROJECT}.iam.gserviceaccount.com"
FILTER = """
log_id("wayout-doctor") OR (
log_id("cloudaudit.googleapis.com/activity")
(operation.last=true OR NOT operation.first=true)
(
  (protoPayload.serviceName="run.googleapis.com"
   AND protoPayload.methodName=~"^google[.]cloud[.]run[.]v[12][.]Jobs[.](CreateJob|ReplaceJob|UpdateJob|DeleteJob)$")
  OR (protoPayload.serviceName="vpcaccess.googleapis.com"
   AND protoPayload.methodName=~"^google[.]cloud[.]vpcaccess[.]v1(beta1)?[.]VpcAccessService[.].*Connector$")
  OR (protoPayload.serviceName="compute.googleapis.com"
   AND protoPayload.methodName=~"^((v1|beta|alpha)[.])?compute[.](firewalls|routers|subnetworks)[.]")
))
"""
TOPICS = {
    "wayout-events": "on_audit_log",
    "wayout-requests": "on_request",
    "wayout-sweep": "on_schedule",
    "wayout-outcomes": "on_outcome",
}
DEAD = "wayout-dead-letters"
JOBS = f"projects/{PROJECT}/locations/{REGION}/jobs"


class Place(Protocol):
    """Where people act: a cloud's address, the functions' endpoints, and the settings of somebody at that cloud."""

    url: str

    def endpoint(self, function: str, topic: str) -> str: ...
    def environment(self, principal: str = ...) -> dict[str, str]: ...


class Person:
    """Somebody with an e-mail address."""

    def __init__(self, stage: Place, email: str) -> None:
        self._stage = stage
        self.settings = Settings.from_env(stage.environment(email))
        self._clients = Clients(self.settings)

    def close(self) -> None:
        """Give the connections back."""
        self._clients.close()

    def _rest(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._clients.fetch("", path, method, f"{self._stage.url}/{path}", json=body)

    # the platform engineer

    def lay_the_ground(self, *, network: str = NETWORK) -> None:
        """What Terraform lays later: a network, topics with push subscriptions and dead letters, and the log sink."""
        if network:
            self.make_network(network)
        self._rest("PUT", f"v1/projects/{PROJECT}/topics/{DEAD}", {})
        dead = {"topic": f"projects/{PROJECT}/topics/{DEAD}", "ackDeadlineSeconds": 60, "expirationPolicy": {}}
        self._rest("PUT", f"v1/projects/{PROJECT}/subscriptions/{DEAD}", dead)
        for topic, function in TOPICS.items():
            self._rest("PUT", f"v1/projects/{PROJECT}/topics/{topic}", {})
            self._rest("PUT", f"v1/projects/{PROJECT}/subscriptions/{topic}", self._push(topic, function))
        # Only outcomes have a status: the doctor's echoes pass on the same topic.
        answers = {"topic": f"projects/{PROJECT}/topics/wayout-outcomes", "filter": "attributes:status"}
        self._rest("PUT", f"v1/projects/{PROJECT}/subscriptions/answers", answers)
        destination = f"pubsub.googleapis.com/projects/{PROJECT}/topics/wayout-events"
        sink = {"name": "wayout-events", "destination": destination, "filter": FILTER}
        self._rest("POST", f"v2/projects/{PROJECT}/sinks", sink)

    def _push(self, topic: str, function: str) -> dict[str, Any]:
        endpoint = self._stage.endpoint(function, topic)
        token = {"serviceAccountEmail": INVOKER, "audience": endpoint.split("/projects/")[0]}
        return {
            "topic": f"projects/{PROJECT}/topics/{topic}",
            "pushConfig": {"pushEndpoint": endpoint, "oidcToken": token},
            "ackDeadlineSeconds": 600,
            "expirationPolicy": {},
            "retryPolicy": {"minimumBackoff": "10s", "maximumBackoff": "600s"},
            "deadLetterPolicy": {
                "deadLetterTopic": f"projects/{PROJECT}/topics/{DEAD}",
                "maxDeliveryAttempts": 30,
            },
        }

    def make_network(self, name: str) -> None:
        """A custom-mode network."""
        resource: Any = {"name": name, "auto_create_subnetworks": False}
        operation = self._clients.networks.insert(project=PROJECT, network_resource=resource)
        self._clients.global_operations.wait(project=PROJECT, operation=operation.name)

    def make_subnet(self, name: str, range_: str) -> None:
        """A subnet of the network, with its range in CIDR text."""
        network = f"projects/{PROJECT}/global/networks/{NETWORK}"
        body = {"name": name, "network": network, "ipCidrRange": range_}
        self._rest("POST", f"compute/v1/projects/{PROJECT}/regions/{REGION}/subnetworks", body)

    def sweep(self) -> None:
        """What Cloud Scheduler publishes."""
        self.publish("wayout-sweep", base64.b64encode(b'{"kind": "sweep"}').decode())

    # the developer

    def deploy(self, name: str, *, label: str = "internet-https", env: dict[str, str] | None = None) -> None:
        """`gcloud run jobs deploy`, with the label that asks for a way out."""
        variables = [{"name": key, "value": value} for key, value in (env or {}).items()]
        container = {"image": "gcr.io/my-project/my-image", "env": variables}
        job: Any = {
            "labels": {"wayout": label} if label else {},
            "template": {"template": {"containers": [container], "max_retries": 3}},
        }
        parent = f"projects/{PROJECT}/locations/{REGION}"
        operation: Any = self._clients.jobs.create_job(parent=parent, job=job, job_id=name)
        operation.result(timeout=60)

    # somebody at a console

    def widen(self, rule: str) -> None:
        """Patch a firewall rule so that it allows everything everywhere."""
        wide: Any = {"destination_ranges": ["0.0.0.0/0"], "allowed": [{"I_p_protocol": "all"}]}
        operation = self._clients.firewalls.patch(project=PROJECT, firewall=rule, firewall_resource=wide)
        self._clients.global_operations.wait(project=PROJECT, operation=operation.name)

    def delete_nats(self, router: str) -> None:
        """`gcloud compute routers nats delete`: a patch with an empty list."""
        self._rest("PATCH", f"compute/v1/projects/{PROJECT}/regions/{REGION}/routers/{router}", {"nats": []})

    def allow_everything(self, rule: str) -> None:
        """A firewall rule of somebody's own, for every machine of the network."""
        resource: Any = {
            "name": rule,
            "network": f"projects/{PROJECT}/global/networks/{NETWORK}",
            "direction": "EGRESS",
            "priority": 500,
            "destination_ranges": ["0.0.0.0/0"],
            "allowed": [{"I_p_protocol": "all"}],
        }
        operation = self._clients.firewalls.insert(project=PROJECT, firewall_resource=resource)
        self._clients.global_operations.wait(project=PROJECT, operation=operation.name)

    # another system

    def ask_for(self, job: str, request: str) -> None:
        """Publish a request: give this job a way out."""
        words = json.dumps({"job": f"{JOBS}/{job}", "sender": "billing", "id": request}).encode()
        self.publish("wayout-requests", base64.b64encode(words).decode())

    def publish(self, topic: str, data: str) -> None:
        """Publish one message; `data` in base64."""
        self._rest("POST", f"v1/projects/{PROJECT}/topics/{topic}:publish", {"messages": [{"data": data}]})

    def hear(self) -> list[dict[str, Any]]:
        """The outcomes that have come since the last time, as CloudEvents."""
        return self._pull("answers")

    def dead_letters(self) -> list[dict[str, Any]]:
        """What no function could be done with, since the last time."""
        return self._pull(DEAD)

    def _pull(self, subscription: str) -> list[dict[str, Any]]:
        path = f"v1/projects/{PROJECT}/subscriptions/{subscription}"
        found: list[dict[str, Any]] = []
        while messages := self._rest("POST", f"{path}:pull", {"maxMessages": 100}).get("receivedMessages"):
            self._rest("POST", f"{path}:acknowledge", {"ackIds": [message["ackId"] for message in messages]})
            found += [_content(message["message"]) for message in messages]
        return found

    # anybody

    def job(self, name: str) -> dict[str, Any]:
        """A job as Google has it."""
        return self._rest("GET", f"v2/{JOBS}/{name}")

    def entries(self, filter_: str) -> list[dict[str, Any]]:
        """Log entries that match a filter of the Logging query language, the oldest first."""
        body = {"resourceNames": [f"projects/{PROJECT}"], "filter": filter_, "orderBy": "timestamp asc"}
        found: list[dict[str, Any]] = self._rest("POST", "v2/entries:list", body).get("entries", [])
        return found

    def rules(self) -> list[dict[str, Any]]:
        """The firewall rules of the project, the strongest first."""
        found = self._rest("GET", f"compute/v1/projects/{PROJECT}/global/firewalls").get("items", [])
        return sorted(found, key=lambda rule: (rule["priority"], rule["name"]))

    def routers(self) -> list[dict[str, Any]]:
        """The Cloud Routers of the region."""
        found: list[dict[str, Any]] = self._rest("GET", f"compute/v1/projects/{PROJECT}/regions/{REGION}/routers").get(
            "items", []
        )
        return found


def _content(message: dict[str, Any]) -> dict[str, Any]:
    """What a message holds; the message itself where that is no JSON, which a dead letter need not be."""
    try:
        found: dict[str, Any] = json.loads(base64.b64decode(message.get("data", "")))
    except ValueError:
        return message
    return found


__all__ = ["CHANNEL", "JOBS", "PRINCIPAL", "Person"]
