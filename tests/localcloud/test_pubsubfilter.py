"""Subscription filters, alone and between a topic and its subscriptions."""

from __future__ import annotations

import base64

import pytest
import requests

from localcloud.clock import Clock
from localcloud.pubsub import filter as pubsubfilter
from localcloud.pubsub.filter import FilterError
from localcloud.server import LocalCloud

ATTRIBUTES = {"type": "key", "domain": "com", "name": "wayout-events"}


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        pytest.param("attributes:type", True, id="the attribute is there"),
        pytest.param("attributes:colour", False, id="the attribute is not there"),
        pytest.param('attributes.type = "key"', True, id="it has the value"),
        pytest.param('attributes.type = "Key"', False, id="values are compared by case"),
        pytest.param('attributes.type != "other"', True, id="it has another value"),
        pytest.param('attributes.colour != "red"', False, id="an absent attribute has no other value"),
        pytest.param('hasPrefix(attributes.name, "wayout-")', True, id="it begins like that"),
        pytest.param('hasPrefix(attributes.colour, "")', False, id="an absent attribute has no beginning"),
        pytest.param("NOT attributes:colour", True, id="not"),
        pytest.param("-attributes:type", False, id="the short form of not"),
        pytest.param('attributes:type AND attributes.domain="com"', True, id="and"),
        pytest.param("attributes:colour OR attributes:domain", True, id="or"),
        pytest.param("(attributes:colour OR attributes:type) AND NOT attributes:x", True, id="both, told apart"),
        pytest.param('attributes."type" = "key"', True, id="a quoted name"),
    ],
)
def test_a_filter_judges_the_attributes(text: str, matches: bool) -> None:
    assert pubsubfilter.compile(text)(ATTRIBUTES) is matches


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("attributes:a AND attributes:b OR attributes:c", id="and and or are mixed"),
        pytest.param('data = "x"', id="only attributes can be asked"),
        pytest.param("attributes.type = ", id="it ends too early"),
        pytest.param("(attributes:type", id="a parenthesis is open"),
        pytest.param("attributes:type attributes:name", id="nothing joins them"),
        pytest.param("attributes:" + "x" * 300, id="it is too long"),
    ],
)
def test_a_filter_that_pubsub_would_refuse_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        pubsubfilter.compile(text)


def test_a_subscription_gets_what_its_filter_lets_through() -> None:
    with LocalCloud(clock=Clock()) as local:
        base = f"{local.url}/v1/projects/my-project"
        topic = "projects/my-project/topics/events"
        requests.put(f"{base}/topics/events", json={}, timeout=10).raise_for_status()
        wanted = {"topic": topic, "filter": 'attributes.kind = "sweep"'}
        requests.put(f"{base}/subscriptions/sweeps", json=wanted, timeout=10).raise_for_status()
        requests.put(f"{base}/subscriptions/all-of-it", json={"topic": topic}, timeout=10).raise_for_status()
        messages = [
            {"data": base64.b64encode(kind.encode()).decode(), "attributes": {"kind": kind}} for kind in ("sweep", "x")
        ]
        requests.post(f"{base}/topics/events:publish", json={"messages": messages}, timeout=10).raise_for_status()

        def pulled(name: str) -> list[str]:
            answer = requests.post(f"{base}/subscriptions/{name}:pull", json={"maxMessages": 10}, timeout=10).json()
            return [one["message"]["attributes"]["kind"] for one in answer.get("receivedMessages", [])]

        assert pulled("sweeps") == ["sweep"]
        assert pulled("all-of-it") == ["sweep", "x"]
        bad = requests.put(f"{base}/subscriptions/bad-one", json={"topic": topic, "filter": "x"}, timeout=10)
        assert (bad.status_code, bad.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
