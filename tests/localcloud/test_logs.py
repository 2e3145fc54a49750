"""Cloud Logging through its official client, over gRPC: entries, filters, order, pages and sinks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import requests
from google.api_core import exceptions
from google.cloud.logging_v2.services.config_service_v2 import ConfigServiceV2Client
from google.cloud.logging_v2.services.config_service_v2.transports import ConfigServiceV2GrpcTransport
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from localcloud.clock import Clock
from localcloud.server import LocalCloud

PROJECT = "projects/my-project"
LEDGER = f"{PROJECT}/logs/wayout"
TOPIC = f"{PROJECT}/topics/events"
SUBSCRIPTION = f"{PROJECT}/subscriptions/events"
DESTINATION = f"pubsub.googleapis.com/{TOPIC}"


@dataclass
class Stage:
    local: LocalCloud
    logs: LoggingServiceV2Client
    config: ConfigServiceV2Client
    publisher: PublisherClient
    subscriber: SubscriberClient

    def write(self, text: str = "hello", **fields: Any) -> None:
        entry = {"log_name": LEDGER, "text_payload": text, **fields}
        self.logs.write_log_entries(request={"entries": [entry]})

    def listed(self, filter_: str = "", **fields: Any) -> list[Any]:
        # the topic and the subscription of this stage have left entries in the activity log
        only = f'log_id("wayout") {filter_}'
        return list(self.logs.list_log_entries(request={"resource_names": [PROJECT], "filter": only, **fields}))

    def texts(self, filter_: str = "", **fields: Any) -> list[str]:
        return [entry.text_payload for entry in self.listed(filter_, **fields)]

    def sink(self, name: str = "intake", **fields: Any) -> Any:
        return self.config.create_sink(
            request={"parent": PROJECT, "sink": {"name": name, "destination": DESTINATION, **fields}}
        )

    def exported(self) -> list[dict[str, Any]]:
        assert self.local.settle()
        answer = self.subscriber.pull(subscription=SUBSCRIPTION, max_messages=100)
        entries = [json.loads(received.message.data) for received in answer.received_messages]
        for received, entry in zip(answer.received_messages, entries, strict=True):
            assert dict(received.message.attributes) == {"logging.googleapis.com/timestamp": entry["timestamp"]}
        return entries


@pytest.fixture
def stage() -> Iterator[Stage]:
    with LocalCloud(clock=Clock(idle=False)) as local, grpc.insecure_channel(local.grpc) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        publisher.create_topic(name=TOPIC)
        subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC)
        assert local.settle()
        yield Stage(
            local,
            LoggingServiceV2Client(transport=LoggingServiceV2GrpcTransport(channel=channel)),
            ConfigServiceV2Client(transport=ConfigServiceV2GrpcTransport(channel=channel)),
            publisher,
            subscriber,
        )


def test_what_an_entry_leaves_out_is_filled_in(stage: Stage) -> None:
    stage.logs.write_log_entries(
        request={
            "log_name": LEDGER,
            "labels": {"a": "shared", "b": "shared"},
            "resource": {"type": "cloud_run_job", "labels": {"job_name": "report"}},
            "entries": [{"json_payload": {"change": "created", "n": 3.0}, "labels": {"b": "own"}}],
        }
    )
    (entry,) = stage.listed()
    assert entry.log_name == LEDGER
    assert entry.insert_id
    assert entry.severity == 0
    assert entry.timestamp == entry.receive_timestamp == stage.local.cloud.clock.now()
    assert dict(entry.labels) == {"a": "shared", "b": "own"}
    assert entry.resource.type == "cloud_run_job"
    assert dict(entry.resource.labels) == {"job_name": "report", "project_id": "my-project"}
    assert dict(entry.json_payload) == {"change": "created", "n": 3.0}


def test_entries_are_listed_by_time_in_either_order_and_page_by_page(stage: Stage) -> None:
    for number in range(5):
        stage.write(str(number))
        stage.local.cloud.clock.advance(1)
    assert stage.texts() == ["0", "1", "2", "3", "4"]
    assert stage.texts(order_by="timestamp desc", page_size=2) == ["4", "3", "2", "1", "0"]
    request = {"resource_names": [PROJECT], "filter": 'log_id("wayout")', "page_size": 2}
    pages = [[entry.text_payload for entry in page.entries] for page in stage.logs.list_log_entries(request).pages]
    assert pages == [["0", "1"], ["2", "3"], ["4"]]


def test_filters_select_entries(stage: Stage) -> None:
    stage.write("calm", severity="INFO", labels={"job": "a"})
    stage.write("loud", severity="ERROR", labels={"job": "b"})
    assert stage.texts("severity>=WARNING") == ["loud"]
    assert stage.texts('labels.job="a"') == ["calm"]
    assert stage.texts("loud OR calm") == ["calm", "loud"]
    assert stage.texts(f'timestamp>="{stage.local.cloud.clock.now():%Y-%m-%dT%H:%M:%S.%f%z}"') == ["calm", "loud"]


def test_the_same_entry_written_twice_is_listed_once(stage: Stage) -> None:
    for _ in range(2):
        stage.write("once", insert_id="x-1", timestamp="2026-11-23T08:00:00Z")
    stage.write("another time", insert_id="x-1", timestamp="2026-11-23T08:00:01Z")
    assert stage.texts() == ["once", "another time"]


def test_a_dry_run_writes_nothing(stage: Stage) -> None:
    stage.logs.write_log_entries(request={"entries": [{"log_name": LEDGER, "text_payload": "x"}], "dry_run": True})
    assert stage.texts() == []


def test_rest_takes_numbers_for_severities_as_the_json_client_sends_them(stage: Stage) -> None:
    entry = {"logName": LEDGER, "textPayload": "x", "severity": 400}
    answer = requests.post(f"{stage.local.url}/v2/entries:write", json={"entries": [entry]}, timeout=10)
    assert (answer.status_code, answer.json()) == (200, {})
    assert [found.severity for found in stage.listed("severity=WARNING")] == [400]


def test_a_sink_exports_what_its_filter_selects_and_nothing_else(stage: Stage) -> None:
    sink = stage.sink(filter='log_id("wayout") AND severity>=ERROR')
    assert sink.writer_identity == "serviceAccount:service-123456789012@gcp-sa-logging.iam.gserviceaccount.com"
    stage.write("calm", severity="INFO")
    stage.write("loud", severity="ERROR")
    assert [entry["textPayload"] for entry in stage.exported()] == ["loud"]


def test_an_audit_entry_reaches_the_sink_a_moment_after_it_was_written(stage: Stage) -> None:
    stage.sink(filter='log_id("cloudaudit.googleapis.com/activity") protoPayload.methodName:"CreateTopic"')
    assert stage.exported() == []
    before = stage.local.cloud.clock.seconds()
    stage.publisher.create_topic(name=f"{PROJECT}/topics/more")
    (entry,) = stage.exported()
    payload = entry["protoPayload"]
    assert payload["methodName"] == "google.pubsub.v1.Publisher.CreateTopic"
    assert payload["resourceName"] == f"{PROJECT}/topics/more"
    assert payload["response"] == {"name": f"{PROJECT}/topics/more"}
    assert stage.local.cloud.clock.seconds() > before


def test_a_refused_call_is_in_the_activity_log_as_an_error(stage: Stage) -> None:
    stage.sink(filter="severity=ERROR")
    with pytest.raises(exceptions.AlreadyExists):
        stage.publisher.create_topic(name=TOPIC)
    (entry,) = stage.exported()
    assert entry["protoPayload"]["status"]["code"] == 6


def test_two_sinks_export_the_same_entry_twice(stage: Stage) -> None:
    stage.sink("one", filter='log_id("wayout")')
    stage.sink("two", filter='log_id("wayout")')
    stage.write("x")
    assert len(stage.exported()) == 2


def test_a_disabled_sink_and_a_deleted_sink_export_nothing(stage: Stage) -> None:
    stage.sink("off", filter='log_id("wayout")', disabled=True)
    stage.sink("gone", filter='log_id("wayout")')
    stage.config.delete_sink(sink_name=f"{PROJECT}/sinks/gone")
    stage.write("x")
    assert stage.exported() == []
    assert [sink.name for sink in stage.config.list_sinks(parent=PROJECT)] == ["off"]


def test_a_sink_is_changed_by_its_mask(stage: Stage) -> None:
    stage.sink(filter='log_id("other")', description="mine")
    changed = stage.config.update_sink(
        request={
            "sink_name": f"{PROJECT}/sinks/intake",
            "sink": {"destination": DESTINATION, "filter": 'log_id("wayout")'},
            "update_mask": FieldMask(paths=["filter"]),
        }
    )
    assert changed.description == "mine"
    assert stage.config.get_sink(sink_name=f"{PROJECT}/sinks/intake").filter == 'log_id("wayout")'
    stage.write("x")
    assert len(stage.exported()) == 1


def test_a_sink_without_its_topic_loses_what_it_matches_and_harms_nobody(stage: Stage) -> None:
    stage.sink(filter='log_id("wayout")')
    stage.publisher.delete_topic(topic=TOPIC)
    stage.write("lost")
    assert stage.local.settle()
    assert stage.texts() == ["lost"]


SINKS: list[tuple[dict[str, Any], type[Exception], str, str]] = [
    ({"name": "taken", "destination": DESTINATION}, exceptions.AlreadyExists, "taken", "a sink exists once"),
    ({"name": "a b", "destination": DESTINATION}, exceptions.InvalidArgument, "name", "no blanks in its id"),
    ({"name": "x", "destination": TOPIC}, exceptions.InvalidArgument, "destination", "destinations name a service"),
    (
        {"name": "x", "destination": DESTINATION, "filter": "(severity=ERROR"},
        exceptions.InvalidArgument,
        r"Unparseable filter: missing '\)' at line 1, column 16",
        "a filter is checked when the sink is made",
    ),
    ({"name": "x", "destination": DESTINATION, "filter": "nosuch=1"}, exceptions.InvalidArgument, "nosuch", "a field"),
]


@pytest.mark.parametrize(("sink", "error", "text", "why"), SINKS, ids=[row[3] for row in SINKS])
def test_sinks_that_are_refused(
    stage: Stage, sink: dict[str, Any], error: type[Exception], text: str, why: str
) -> None:
    stage.sink("taken")
    with pytest.raises(error, match=text):
        stage.config.create_sink(request={"parent": PROJECT, "sink": sink})


def test_a_sink_that_is_not_there_is_not_found(stage: Stage) -> None:
    for ask in (stage.config.get_sink, stage.config.delete_sink):
        with pytest.raises(exceptions.NotFound, match="Sink nobody does not exist"):
            ask(sink_name=f"{PROJECT}/sinks/nobody")


ENTRIES: list[tuple[dict[str, Any], str, str]] = [
    ({"entries": []}, "at least one", "nothing to write"),
    ({"entries": [{"textPayload": "x"}]}, r"entries\[0\].log_name", "an entry needs a log"),
    ({"logName": "projects/my-project/logs/a b", "entries": [{}]}, "log_name", "no blanks in a log's id"),
    ({"logName": LEDGER, "entries": [{"timestamp": "noon"}]}, "timestamp", "times are RFC 3339"),
    ({"logName": LEDGER, "entries": [{"severity": "LOUD"}]}, "severity|LOUD", "severities are known"),
]


@pytest.mark.parametrize(("body", "text", "why"), ENTRIES, ids=[row[2] for row in ENTRIES])
def test_entries_that_are_refused(stage: Stage, body: dict[str, Any], text: str, why: str) -> None:
    answer = requests.post(f"{stage.local.url}/v2/entries:write", json=body, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert re.search(text, answer.json()["error"]["message"]), why


def test_writing_and_reading_need_their_permissions_in_the_entrys_project(stage: Stage) -> None:
    stage.local.cloud.denied.append(("*", "logging.logEntries.*"))
    with pytest.raises(exceptions.PermissionDenied, match=r"logging\.logEntries\.create"):
        stage.write()
    with pytest.raises(exceptions.PermissionDenied, match=r"logging\.logEntries\.list"):
        stage.listed()


def test_a_disabled_api_says_so(stage: Stage) -> None:
    stage.local.cloud.disabled.add(("my-project", "logging.googleapis.com"))
    with pytest.raises(exceptions.PermissionDenied, match="Cloud Logging API has not been used in project"):
        stage.write()
