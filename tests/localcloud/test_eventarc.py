"""Eventarc: audit entries reach an endpoint as CloudEvents, at least once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import requests
from cloudevents.http import from_http

from localcloud.clock import Clock
from localcloud.server import LocalCloud
from tests.localcloud.receiving import Receiver, receiving

PUBSUB = "pubsub.googleapis.com"
CREATE = "google.pubsub.v1.Publisher.CreateTopic"


@pytest.fixture
def local() -> Iterator[LocalCloud]:
    with LocalCloud(clock=Clock(idle=False)) as running:
        yield running


@pytest.fixture
def endpoint() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def admin(local: LocalCloud, action: str, **fields: Any) -> Any:
    answer = requests.post(f"{local.url}/_localcloud/{action}", json=fields, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def make_topic(local: LocalCloud, name: str) -> int:
    path = f"{local.url}/v1/projects/my-project/topics/{name}"
    token = {"Authorization": "Bearer ann@example.com"}
    return requests.put(path, json={}, headers=token, timeout=10).status_code


def test_an_audit_entry_arrives_as_a_cloudevent_in_binary_mode(local: LocalCloud, endpoint: Receiver) -> None:
    admin(local, "triggers", name="t", url=f"{endpoint.url}/hook", serviceName=PUBSUB, methodName=CREATE)
    assert make_topic(local, "events") == 200
    assert local.settle()
    (received,) = endpoint.received
    resource = "projects/my-project/topics/events"
    headers = received.headers
    assert received.path == "/hook"
    assert headers["content-type"].startswith("application/json")
    assert headers["ce-specversion"] == "1.0"
    assert headers["ce-type"] == "google.cloud.audit.log.v1.written"
    assert headers["ce-source"] == "//cloudaudit.googleapis.com/projects/my-project/logs/activity"
    assert headers["ce-subject"] == f"{PUBSUB}/{resource}"
    assert headers["ce-servicename"] == PUBSUB
    assert headers["ce-methodname"] == CREATE
    assert headers["ce-resourcename"] == resource
    assert headers["ce-time"] == "2026-11-23T09:00:00.000000Z"
    assert headers["ce-recordedtime"] == "2026-11-23T09:00:00.800000Z"
    event = from_http(headers, received.body)
    assert event.data["protoPayload"]["authenticationInfo"]["principalEmail"] == "ann@example.com"
    assert event.data["insertId"] in event["id"]


def test_a_trigger_asks_for_one_service_and_one_method_exactly(local: LocalCloud, endpoint: Receiver) -> None:
    rows = [
        ("method", PUBSUB, CREATE, 2),
        ("service", PUBSUB, "", 3),
        ("other-method", PUBSUB, "google.pubsub.v1.Publisher", 0),
        ("other-service", "run.googleapis.com", "", 0),
    ]
    for name, service, method, _ in rows:
        admin(local, "triggers", name=name, url=f"{endpoint.url}/{name}", serviceName=service, methodName=method)
    make_topic(local, "events")
    assert make_topic(local, "events") == 409
    requests.delete(f"{local.url}/v1/projects/my-project/topics/events", timeout=10).raise_for_status()
    assert local.settle()
    paths = [received.path for received in endpoint.received]
    assert {name: paths.count(f"/{name}") for name, *_ in rows} == {name: count for name, _, _, count in rows}


def test_a_failing_endpoint_is_tried_again_with_the_same_event_for_a_day(local: LocalCloud, endpoint: Receiver) -> None:
    moments: list[float] = []

    def answer(_: int) -> int:
        moments.append(local.cloud.clock.seconds())
        return 500

    endpoint.answer = answer
    admin(local, "triggers", name="t", url=endpoint.url, serviceName=PUBSUB)
    make_topic(local, "events")
    assert local.settle(horizon=3 * 86_400)
    assert [round(later - sooner) for sooner, later in pairwise(moments)][:8] == [
        10, 20, 40, 80, 160, 320, 600, 600,
    ]  # fmt: skip
    assert 86_400 - 600 <= moments[-1] - moments[0] <= 86_400
    assert len({received.headers["ce-id"] for received in endpoint.received}) == 1


def test_a_removed_trigger_delivers_nothing_more(local: LocalCloud, endpoint: Receiver) -> None:
    endpoint.answer = lambda _: 503
    admin(local, "triggers", name="t", url=endpoint.url, serviceName=PUBSUB)
    make_topic(local, "events")
    admin(local, "advance", seconds=5)
    assert admin(local, "triggers", name="t", remove=True) == {"triggers": []}
    assert local.settle()
    assert len(endpoint.received) == 1


def test_a_trigger_may_carry_the_token_of_a_service_account(local: LocalCloud, endpoint: Receiver) -> None:
    admin(local, "triggers", name="t", url=endpoint.url, serviceName=PUBSUB, serviceAccountEmail="sa@p.example")
    make_topic(local, "events")
    assert local.settle()
    assert endpoint.received[0].headers["authorization"].startswith("Bearer ey")


def test_an_endpoint_that_waits_for_minutes_takes_no_time_and_gets_its_event_once(endpoint: Receiver) -> None:
    """The main road: an event, an operation of minutes that is started and asked for, an acknowledgement."""
    moments: list[float] = []
    with LocalCloud() as local:

        def answer(_: int) -> int:
            connectors = f"{local.url}/_svc/vpcaccess/v1/projects/my-project/locations/europe-west1/connectors"
            body = {"network": "default", "ipCidrRange": "10.8.0.0/28", "minInstances": 2, "maxInstances": 3}
            made = requests.post(connectors, params={"connectorId": "way-out"}, json=body, timeout=30).json()
            operation = requests.get(f"{local.url}/_svc/vpcaccess/v1/{made['name']}", timeout=30).json()
            moments.append(local.cloud.clock.seconds())
            return 204 if operation["done"] else 500

        endpoint.answer = answer
        admin(local, "triggers", name="t", url=endpoint.url, serviceName=PUBSUB)
        make_topic(local, "events")
        assert local.settle()
    assert len(moments) == 1
    assert 160 <= moments[0] < 600
