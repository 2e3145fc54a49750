"""Any message at any door, through functions-framework, and what must become of it; behind the doors nobody is there.

Whatever a message holds, it is acknowledged. What cannot be read is logged with its id and counted, once; what can be
is handed on, once; what is not for us leaves no trace.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from unittest.mock import patch

from flask.testing import FlaskClient

from tests.functions.doors import door
from wayout import echo, wiring
from wayout.cloud import echoes, events, log, requests, slack
from wayout.cloud.requests import BadRequest
from wayout.egress import report
from wayout.egress.messages import OutcomeSaid
from wayout.egress.targets import Cause, Target

DOORS = ("on_audit_log", "on_request", "on_schedule", "on_outcome")
URL = "/projects/home/topics/t?pubsub_trigger=true"
ID = "9876543210"


@dataclass
class Behind:
    """What stands behind the doors instead of the real parts: it notes what it is asked to do."""

    done: list[str] = field(default_factory=list)
    settings: Any = None
    clients: Any = None
    outbox: Any = None

    def reconcile(self, _: Target, cause: Cause, *__: str, **___: bool) -> None:
        self.done.append(f"reconcile {cause.id}")

    def tell(self, said: OutcomeSaid, id: str) -> None:  # noqa: A002 - a CloudEvent's word
        assert said.status == "invalid"
        self.done.append(f"tell {id}")


@dataclass(frozen=True)
class Wanted:
    """What is to be done, and the event and id of the one log line that is to count it."""

    done: tuple[str, ...] = ()
    counted: tuple[str, str] | None = None


def knock(target: str, content: bytes, attributes: dict[str, str]) -> None:
    """Push a message. Raises AssertionError where something else becomes of it than must."""
    message = {"data": base64.b64encode(content).decode(), "messageId": ID, "attributes": attributes}
    wanted, before, behind = _wanted(target, message), log.counts(), Behind()
    with _alone(behind) as lines:
        status = client(target).post(URL, json={"subscription": "projects/home/subscriptions/s", "message": message})
    said = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert status.status_code == 200, said
    assert tuple(behind.done) == wanted.done, said
    counted = [line for line in said if "count" in line]
    if wanted.counted is None:
        assert not counted
        assert log.counts() == before
        return
    event, id_ = wanted.counted
    assert [(line["event"], line["id"]) for line in counted] == [(event, log.redacted(id_))]
    assert counted[0]["count"] == log.counts()[event] == before.get(event, 0) + 1


def _wanted(target: str, message: dict[str, Any]) -> Wanted:
    given, data = {"id": ID, "type": "google.cloud.pubsub.topic.v1.messagePublished"}, {"message": message}
    if target != "on_audit_log" and (found := echoes.read(given, data)):
        return Wanted(("echo",) if isinstance(found, echoes.Wanted) else ())
    match target:
        case "on_audit_log":
            return _of_entry(events.read(given, data, ours=events.Ours()))
        case "on_request":
            asked = requests.read_request(given, data)
            if isinstance(asked, BadRequest):
                return Wanted((f"tell {asked.id}-invalid",), ("request.invalid", asked.id))
            return Wanted((f"reconcile {asked.cause.id}",))
        case "on_outcome":
            said = requests.read_outcome(given, data)
            if isinstance(said, BadRequest):
                return Wanted(counted=("outcome.unread", said.id))
            return Wanted(("post",) if report.slack(said) else ())
    return Wanted((f"reconcile {ID}",))


def _of_entry(reading: events.Reading) -> Wanted:
    match reading:
        case events.Names(_, cause):
            return Wanted((f"reconcile {cause.id}",))
        case events.Unclear(id_, _):
            return Wanted(counted=("event.unread", id_))
        case echoes.Wanted():
            return Wanted(("echo",))
        case _:
            return Wanted()


@contextmanager
def _alone(behind: Behind) -> Iterator[io.StringIO]:
    """Nobody is behind the doors but this; what they log is heard."""
    lines = io.StringIO()
    with (
        patch.object(wiring, "parts", lambda: behind),
        patch.object(slack, "post", lambda *_, **__: behind.done.append("post")),
        patch.object(echo, "answer", lambda *_: behind.done.append("echo")),
        contextlib.redirect_stdout(lines),
    ):
        yield lines


@cache
def client(target: str) -> FlaskClient:
    """The door, once for all that is pushed."""
    return door(target)
