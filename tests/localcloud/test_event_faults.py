"""What log entries may meet on their way: lost, doubled, delayed, reordered, split; seen by a real receiver."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from localcloud.clock import Clock
from localcloud.faults.events import split
from localcloud.server import LocalCloud
from tests.localcloud.receiving import Receiver, receiving

P = "my-project"
METHOD = "v1.compute.networks.insert"


class Stage:
    """A cloud whose entries on networks are pushed to a receiver."""

    def __init__(self, local: LocalCloud, receiver: Receiver) -> None:
        self.local, self.receiver = local, receiver
        topic = f"projects/{P}/topics/events"
        self.call("PUT", f"v1/{topic}", {})
        push = {"topic": topic, "pushConfig": {"pushEndpoint": f"{receiver.url}/events"}}
        self.call("PUT", f"v1/projects/{P}/subscriptions/events", push)
        filter_ = f'protoPayload.methodName="{METHOD}" AND operation.first=true'
        sink = {"name": "events", "destination": f"pubsub.googleapis.com/{topic}", "filter": filter_}
        self.call("POST", f"v2/projects/{P}/sinks", sink)

    def call(self, verb: str, path: str, body: Any) -> Any:
        answer = requests.request(verb, f"{self.local.url}/{path}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def fault(self, kind: str, **fields: Any) -> None:
        self.call("POST", "_localcloud/eventfaults", {"kind": kind, "methodName": METHOD} | fields)

    def networks(self, *names: str) -> None:
        for name in names:
            body = {"name": name, "autoCreateSubnetworks": False}
            self.call("POST", f"compute/v1/projects/{P}/global/networks", body)
            self.call("POST", "_localcloud/advance", {"seconds": 1.5})

    def seen(self) -> list[dict[str, Any]]:
        """Every entry that was pushed, in order."""
        assert self.local.settle()
        messages = [one.json["message"] for one in self.receiver.received]
        found: list[dict[str, Any]] = [json.loads(base64.b64decode(one["data"])) for one in messages]
        return found

    def names(self) -> list[str]:
        return [one["protoPayload"]["resourceName"].rsplit("/", 1)[-1] for one in self.seen()]


@pytest.fixture
def stage() -> Iterator[Stage]:
    with receiving() as receiver, LocalCloud(projects={P: "1"}, clock=Clock(idle=False)) as local:
        yield Stage(local, receiver)


def test_without_a_rule_entries_come_once_and_in_order(stage: Stage) -> None:
    stage.networks("one", "two", "three")
    assert stage.names() == ["one", "two", "three"]


def test_an_entry_is_lost(stage: Stage) -> None:
    stage.fault("lost")
    stage.networks("one", "two")
    assert stage.names() == ["two"]
    stored = stage.call(
        "POST", "v2/entries:list", {"resourceNames": [f"projects/{P}"], "filter": "operation.first=true"}
    )
    assert len(stored["entries"]) == 2  # the log has it: only its delivery is lost


def test_an_entry_comes_twice_as_two_messages(stage: Stage) -> None:
    stage.fault("doubled", seconds=10)
    stage.networks("one", "two")
    assert stage.names() == ["one", "two", "one"]
    first, _, again = stage.seen()
    assert first == again
    ids = [one.json["message"]["messageId"] for one in stage.receiver.received]
    assert len(set(ids)) == 3


def test_an_entry_comes_late(stage: Stage) -> None:
    stage.fault("delayed", seconds=600)
    stage.networks("one", "two")
    assert stage.names() == ["two", "one"]
    assert stage.local.cloud.clock.seconds() >= 600


def test_an_entry_is_passed_by_others(stage: Stage) -> None:
    stage.fault("reordered", count=2)
    stage.networks("one", "two", "three", "four")
    assert stage.names() == ["two", "three", "one", "four"]


def test_an_entry_that_nobody_passes_comes_in_the_end(stage: Stage) -> None:
    stage.fault("reordered", count=5)
    stage.networks("one")
    assert stage.names() == ["one"]


def test_a_split_entry_comes_in_parts_that_name_the_call(stage: Stage) -> None:
    stage.fault("split", count=3)
    stage.networks("one", "two")
    parts = sorted(stage.seen()[:3], key=lambda one: int(one["split"]["index"]))  # they come side by side
    assert stage.names() == ["one", "one", "one", "two"]
    assert [one["split"]["index"] for one in parts] == [0, 1, 2]
    assert {one["split"]["totalSplits"] for one in parts} == {3}
    assert len({one["split"]["uid"] for one in parts}) == 1
    assert len({one["insertId"] for one in parts}) == 3
    assert sum("request" in one["protoPayload"] for one in parts) == 1


def test_a_probability_is_the_same_in_every_run() -> None:
    def run() -> list[str]:
        with receiving() as receiver, LocalCloud(projects={P: "1"}, clock=Clock(idle=False)) as local:
            stage = Stage(local, receiver)
            stage.fault("lost", probability=0.5, seed=3)
            stage.networks(*(f"net-{number}" for number in range(10)))
            return stage.names()

    first = run()
    assert first == run()
    assert 0 < len(first) < 10


def test_a_kind_that_is_none_is_refused_by_name(stage: Stage) -> None:
    answer = requests.post(f"{stage.local.url}/_localcloud/eventfaults", json={"kind": "eaten"}, timeout=10)
    assert (answer.status_code, answer.json()["field"]) == (400, "kind")
    assert "reordered" in answer.json()["error"]


@given(
    st.dictionaries(
        st.sampled_from(["request", "response", "status", "metadata", "a", "b"]), st.integers(), max_size=6
    ),
    st.integers(2, 6),
)
def test_the_parts_of_an_entry_hold_all_of_it_once(payload: dict[str, int], count: int) -> None:
    named = {"methodName": "m", "resourceName": "r"}
    parts = split({"insertId": "x", "protoPayload": payload | named}, count)
    assert len(parts) == count
    found = [{key: one for key, one in part["protoPayload"].items() if key not in named} for part in parts]
    assert sum(len(one) for one in found) == len(payload)
    assert {key: value for one in found for key, value in one.items()} == payload
    assert all(part["protoPayload"].items() >= named.items() for part in parts)
