"""Eventarc triggers: an audit entry that matches is posted to an endpoint as a CloudEvent, in binary mode.

Attributes and retries as Google documents them: at least once, back-off from 10 to 600 seconds, for up to 24 hours.
"""

from __future__ import annotations

import base64
import json
import string
from dataclasses import dataclass
from urllib.parse import quote

from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.faults.events import EventFaults
from localcloud.pubsub.push import Post, token
from localcloud.pubsub.queues import Letter, Queue, Terms

TYPE = "google.cloud.audit.log.v1.written"
DEADLINE = 600.0  # seconds; what Google gives the subscriptions that it makes for triggers is not known
BACKOFF = (10.0, 600.0)
RETENTION = 86_400.0
PLAIN = string.punctuation + " "  # what a header holds as it is


@dataclass(frozen=True)
class Trigger:
    """Which entries go where. An empty `method_name` or `resource_name` matches all.

    `email`: whom the request's token names; none: no token.
    """

    name: str
    url: str
    service_name: str
    method_name: str = ""
    resource_name: str = ""
    email: str = ""

    def matches(self, payload: Document) -> bool:
        """Whether an AuditLog is one that this trigger asks for. All filters are exact, as Eventarc's are."""
        wanted = {
            "serviceName": self.service_name,
            "methodName": self.method_name,
            "resourceName": self.resource_name,
        }
        return all(not value or payload.get(key) == value for key, value in wanted.items())


class Eventarc:
    """The triggers of one cloud, by name. Used under the cloud's lock."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.triggers: dict[str, Trigger] = {}
        self._queues: dict[str, Queue] = {}
        cloud.listeners.append(self._arrived)

    def add(self, trigger: Trigger) -> None:
        """Make a trigger, or replace the one of the same name; what that had not delivered goes to the new one."""
        self.triggers[trigger.name] = trigger
        self._queues.setdefault(trigger.name, Queue(self._cloud, lambda: self._terms(trigger.name)))

    def remove(self, name: str) -> None:
        """Forget a trigger and what it has not delivered. Raises KeyError."""
        del self.triggers[name]
        self._queues.pop(name).close()

    def waiting(self) -> dict[str, int]:
        """How many events each trigger has not delivered yet."""
        return {name: len(queue) for name, queue in self._queues.items() if len(queue)}

    def _arrived(self, entry: Document) -> None:
        payload = entry.get("protoPayload")
        if not payload or "cloudaudit.googleapis.com" not in entry["logName"]:
            return
        for trigger in list(self.triggers.values()):
            if trigger.matches(payload):
                self._cloud.part(EventFaults).put(self._queues[trigger.name], self._letter(entry))

    def _letter(self, entry: Document) -> Letter:
        clock = self._cloud.clock
        body = base64.b64encode(json.dumps(entry).encode()).decode()
        return Letter(self._cloud.new_id(), body, attributes(entry, clock.stamp()), clock.stamp(), clock.seconds())

    def _terms(self, name: str) -> Terms:
        return Terms(DEADLINE, *BACKOFF, RETENTION, render=lambda letter, _: self._rendered(name, letter))

    def _rendered(self, name: str, letter: Letter) -> Post:
        trigger = self.triggers[name]
        headers = {f"ce-{key}": quote(value, safe=PLAIN) for key, value in letter.attributes.items()}
        headers |= {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "APIs-Google; (+https://google.com)",
        }
        if trigger.email:
            headers["Authorization"] = f"Bearer {token(self._cloud, trigger.email, trigger.url)}"
        return Post(trigger.url, headers, base64.b64decode(letter.data))


def attributes(entry: Document, recorded: str) -> dict[str, str]:
    """The CloudEvent's attributes for one audit entry.

    The source is `//cloudaudit.googleapis.com/projects/P/logs/LOG`; source and id together name the entry, so a
    duplicate carries the same two.
    """
    payload = entry["protoPayload"]
    project, log = entry["logName"].split("/")[1], entry["logName"].rpartition("%2F")[2]
    service, resource = payload.get("serviceName", ""), payload.get("resourceName", "")
    return {
        "specversion": "1.0",
        "type": TYPE,
        "source": f"//cloudaudit.googleapis.com/projects/{project}/logs/{log}",
        "id": f"projects/{project}/logs/cloudaudit.googleapis.com%2F{log}{entry['insertId']}{entry['timestamp']}",
        "time": entry["timestamp"],
        "subject": f"{service}/{resource}",
        "servicename": service,
        "methodname": payload.get("methodName", ""),
        "resourcename": resource,
        "recordedtime": recorded,
    }
