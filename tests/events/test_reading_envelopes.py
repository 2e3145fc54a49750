"""The three envelopes that an entry comes in, and everything that is none of them."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.events.entries import OURS, RECORDED, compute, connector, eventarc, job_v1, job_v2, message, published
from wayout.cloud.events import Names, Ours, SetAside, Unclear, read

US = Ours(OURS)
PUSH = {"subscription": "projects/home-project/subscriptions/events"}
ENTRY = job_v2()
ENVELOPES = [
    ("Eventarc: the data is the entry", eventarc(ENTRY), ENTRY),
    ("Eventarc: the data arrives as bytes", eventarc(ENTRY), json.dumps(ENTRY).encode()),
    ("Eventarc: the data arrives as text", eventarc(ENTRY), json.dumps(ENTRY)),
    ("a log sink's message, with its subscription", published(), PUSH | {"message": message(ENTRY)}),
    (
        "a log sink's message, as functions-framework converts it",
        published(),
        {"message": {"@type": "type.googleapis.com/google.pubsub.v1.PubsubMessage"} | message(ENTRY)},
    ),
    ("a log sink's message as a raw push body", {}, json.dumps(PUSH | {"message": message(ENTRY)})),
    ("a log sink's message as bytes of the emulator", published(), json.dumps({"message": message(ENTRY)}).encode()),
    ("the entry alone", {}, ENTRY),
]


@pytest.mark.parametrize(("reason", "attributes", "data"), ENVELOPES, ids=[row[0] for row in ENVELOPES])
def test_every_envelope_is_opened_to_the_same_entry(reason: str, attributes: dict[str, str], data: object) -> None:
    assert read(attributes, data, ours=US) == read({}, ENTRY, ours=US), reason


def _without(found: dict[str, Any], *keys: str) -> dict[str, Any]:
    payload = {key: value for key, value in found["protoPayload"].items() if key not in keys}
    return found | {"protoPayload": payload}


UNCLEAR = [
    ("nothing at all", published(), None, "9876543210"),
    ("a list", published(), [1, 2], "9876543210"),
    ("a number", {}, 7, ""),
    ("text that is no JSON", published(), "hello", "9876543210"),
    ("bytes that are no text", published(), b"\xff\xfe\x00\x01", "9876543210"),
    ("JSON that never ends to nest", published(), "[" * 500_000, "9876543210"),
    ("more than any log entry holds", published(), '"' + "x" * (1 << 20) + '"', "9876543210"),
    ("a message of more than any log entry holds", {}, {"message": message(None, raw=b"x" * (1 << 21))}, "9876543210"),
    ("a message without data", {}, {"message": {"messageId": "m1", "attributes": {"a": "b"}}}, "m1"),
    ("a message whose data is not text", {}, {"message": {"messageId": "m1", "data": 5}}, "m1"),
    ("a message whose data is not base64", {}, {"message": {"message_id": "m1", "data": "!!!"}}, "m1"),
    ("a message that holds a list", {}, {"message": message([1])}, "9876543210"),
    ("a message with neither id nor JSON", published("c1"), {"message": {"data": "AQIDBA=="}}, "c1"),
    ("ids of the wrong type", {"id": 5}, {"message": {"messageId": 6, "data": "AQIDBA=="}}, ""),
    ("an object that is no log entry", published(), {"hello": "world"}, "9876543210"),
    ("a payload of the wrong type", {}, ENTRY | {"protoPayload": "text"}, "1abcdef2g3h4"),
    ("no service", {}, _without(ENTRY, "serviceName"), "1abcdef2g3h4"),
    ("no method", {}, _without(ENTRY, "methodName"), "1abcdef2g3h4"),
    ("no log's name", {}, ENTRY | {"logName": None}, "1abcdef2g3h4"),
    (
        "a part of a split entry with nothing in it",
        {},
        {"insertId": "s1", "logName": "l", "split": {"uid": "u", "index": 1}},
        "s1",
    ),
    (
        "a part of a split entry without names",
        {},
        ENTRY | {"split": {"uid": "u", "index": 1}, "protoPayload": {"request": {}}},
        "1abcdef2g3h4",
    ),
    ("a job without a name", {}, job_v1(resource={}, payload_resourceName="", payload_request={}), "1abcdef2g3h4"),
    (
        "a job without a region",
        {},
        job_v1(
            resource={"labels": {"project_id": "shop"}},
            payload_resourceLocation={"currentLocations": {}},
            payload_request={},
        ),
        "1abcdef2g3h4",
    ),
    (
        "a job whose name would lead elsewhere",
        {},
        job_v1(
            resource={"labels": {"job_name": "../x", "location": "a/b"}},
            payload_resourceName="x",
            payload_resourceLocation={},
            payload_request={},
        ),
        "1abcdef2g3h4",
    ),
    ("a connector without a name", {}, connector(payload_resourceName="projects/shop"), "1abcdef2g3h4"),
    ("a rule without a name", {}, compute("v1.compute.firewalls.patch", "projects/shop/global"), "1abcdef2g3h4"),
]


@pytest.mark.parametrize(("reason", "attributes", "data", "id_"), UNCLEAR, ids=[row[0] for row in UNCLEAR])
def test_what_cannot_be_read_is_unclear_with_the_best_id_there_is(
    reason: str, attributes: dict[str, Any], data: object, id_: str
) -> None:
    reading = read(attributes, data, ours=US)

    assert isinstance(reading, Unclear), f"{reason}: {reading}"
    assert reading.id == id_
    assert reading.why


def test_a_part_of_a_split_entry_that_names_its_job_is_as_good_as_the_whole() -> None:
    part = ENTRY | {"split": {"uid": "u", "index": 0, "totalSplits": 2}}

    assert isinstance(read({}, part, ours=US), Names)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
words = st.sampled_from(
    [
        *("protoPayload", "logName", "insertId", "message", "data", "messageId", "attributes", "resource", "labels"),
        *("operation", "first", "last", "status", "code", "request", "job", "metadata", "name", "authenticationInfo"),
        *("split", "methodName", "serviceName", "resourceName"),
    ]
)
shaped = st.recursive(scalars, lambda inner: st.dictionaries(words, inner, max_size=6), max_leaves=20)
real = st.sampled_from(
    [json.loads(path.read_text()) for path in sorted(RECORDED.glob("*.json"))]
    + [
        ENTRY,
        job_v1(),
        connector(),
        compute("v1.compute.routers.patch", "projects/p/regions/r1/routers/wayout-01234567"),
    ]
)


def _paths(value: object, at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return [at]
    return [at, *(path for key, inner in value.items() for path in _paths(inner, (*at, key)))]


def _spoiled(found: dict[str, Any], path: tuple[str, ...], value: object) -> object:
    if not path:
        return value
    whole = copy.deepcopy(found)
    place = whole
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return whole


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=8), scalars, max_size=3), anything | shaped | st.binary(max_size=60))
def test_whatever_comes_is_read_as_one_of_three(attributes: dict[str, Any], data: object) -> None:
    assert isinstance(read(attributes, data, ours=US), Names | SetAside | Unclear)


@settings(deadline=None)
@given(st.data())
def test_a_real_entry_with_any_part_spoiled_is_read_as_one_of_three(data: st.DataObject) -> None:
    found = data.draw(real)
    spoiled = _spoiled(found, data.draw(st.sampled_from(_paths(found))), data.draw(anything | shaped))
    wrapped = data.draw(st.sampled_from([spoiled, json.dumps(spoiled), {"message": message(spoiled)}]))

    reading = read(published(), wrapped, ours=US)

    assert isinstance(reading, Names | SetAside | Unclear)
    json.dumps(reading.cause.id if isinstance(reading, Names) else [reading.id, reading.why])


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_whatever_a_message_holds_is_read_as_one_of_three(raw: bytes) -> None:
    pushed = {"message": {"data": base64.b64encode(raw).decode(), "messageId": "m"}}

    assert isinstance(read({}, pushed, ours=US), Unclear | SetAside)
