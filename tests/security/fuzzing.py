"""What every reader of outside bytes, and every door, must hold, whatever the bytes: one function for hypothesis and
for atheris (see `driven.py`)."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.security.knocking import DOORS, knock
from wayout.cloud import echoes, events, requests
from wayout.cloud.events import Names, Ours, Reading, SetAside, Unclear
from wayout.cloud.requests import Asked, BadRequest, Tick
from wayout.egress.messages import OutcomeSaid
from wayout.egress.policy import PolicyError, parse
from wayout.egress.targets import JobTarget, ThingTarget

RECORDED = Path(__file__).parent.parent / "data" / "events"
LONGEST = 200  # characters of an id that is repeated in logs and outcomes
READERS = 5
DOOR = 4  # the last of them takes another byte, for which door, and then the message
_MESSAGE = {"type": "google.cloud.pubsub.topic.v1.messagePublished", "id": "1", "source": "//pubsub.googleapis.com"}


def feed(data: bytes) -> None:
    """Hand the bytes to the reader that the first of them chooses. Raises AssertionError where a promise is broken."""
    which, rest = (data[0] % READERS, data[1:]) if data else (0, b"")
    if which == 0:
        _entry(events.read(_MESSAGE, rest, ours=Ours("wayout@home.iam.gserviceaccount.com")))
    elif which == 1:
        _request(requests.read_request(_MESSAGE, rest))
        assert isinstance(requests.read_schedule(_MESSAGE, rest), Tick)
    elif which == 2:
        assert isinstance(requests.read_outcome(_MESSAGE, rest), OutcomeSaid | BadRequest)
    elif which == DOOR:
        _door(rest)
    else:
        _policy(rest.decode(errors="replace"))


def _door(data: bytes) -> None:
    """The byte says which door, and whether the message carries the attribute of an echo."""
    number, rest = (data[0], data[1:]) if data else (0, b"")
    kinds = (None, None, None, echoes.WANTED, echoes.ANSWER, "else")
    kind = kinds[number // len(DOORS) % len(kinds)]
    knock(DOORS[number % len(DOORS)], rest, {echoes.KIND: kind} if kind else {})


def _entry(reading: events.Reading) -> None:
    assert isinstance(reading, Reading)
    if isinstance(reading, Names):
        assert isinstance(reading.target, JobTarget | ThingTarget)
        name = reading.target.job if isinstance(reading.target, JobTarget) else reading.target.name
        assert type(name).parse(str(name)) == name, "a name that is written says the same when it is read"
        assert len(reading.cause.agent) <= LONGEST
    elif isinstance(reading, SetAside | Unclear):
        assert len(reading.id) <= LONGEST
        assert reading.why


def _request(asked: Asked | BadRequest) -> None:
    if isinstance(asked, Asked):
        assert len(asked.request) <= LONGEST
        assert len(asked.target.sender) <= LONGEST
    else:
        assert asked.message
        assert max(len(asked.id), len(asked.sender), len(asked.request)) <= LONGEST


def _policy(text: str) -> None:
    try:
        parse(text)
    except PolicyError as error:
        if not error.problems:
            raise AssertionError("a policy was refused without a word") from error


def corpus() -> Iterator[bytes]:
    """Real entries bare and in envelopes, a request, an outcome and policies: each behind the byte of its reader, and
    what doors take behind theirs."""
    read = list(_read())
    yield from read
    doors = {0: "on_audit_log", 1: "on_request", 2: "on_outcome"}
    for raw in read:
        if name := doors.get(raw[0]):
            yield bytes((DOOR, DOORS.index(name))) + raw[1:]
    yield from (bytes((DOOR, number)) + b'{"kind": "sweep"}' for number in range(4 * len(DOORS)))


def _read() -> Iterator[bytes]:
    for path in sorted(RECORDED.glob("*.json")):
        raw = path.read_bytes()
        wrapped = {"message": {"data": base64.b64encode(raw).decode(), "messageId": "1"}}
        yield from (b"\0" + raw, b"\0" + json.dumps(wrapped).encode())
    job = "projects/shop/locations/europe-west2/jobs/nightly"
    yield b"\1" + json.dumps({"job": job, "profile": "web", "sender": "billing", "id": "7"}).encode()
    needs = {"job": job, "stance": "needs", "because": "its label says so"}
    said: dict[str, Any] = {"status": "whole", "cause": {"id": "1"}, "jobs": [needs]}
    event = {"specversion": "1.0", "type": "dev.wayout.outcome.v1", "id": "1", "data": said}
    yield b"\2" + json.dumps(event).encode()
    for path in sorted((Path(__file__).parents[2] / "docs").glob("policy*.yaml")):
        yield b"\3" + path.read_bytes()
