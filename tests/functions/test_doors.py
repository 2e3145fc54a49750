"""The doors, through functions-framework: what is acknowledged, what comes again, and what is answered."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import flask
import grpc
import pytest

from tests.cloud.wires import Slack, Topics, slack_server, topics_server
from tests.events.entries import JOB, OUR_AGENT, OURS, by, eventarc, job_v2, message, published
from tests.functions.doors import binary, door, push, structured
from wayout import wiring
from wayout.cloud.settings import Settings
from wayout.egress.messages import OUTCOME_TYPE, OutcomeSaid

POLICY = """
version: 1
projects: [shop]
regions: [europe-west2]
profiles:
  internet: {egress: all-traffic, destinations: [{to: internet, ports: [tcp:443]}]}
"""
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def topics() -> Iterator[Topics]:
    with topics_server() as served:
        yield served


@pytest.fixture
def slack() -> Iterator[Slack]:
    with slack_server() as served:
        yield served


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, topics: Topics, slack: Slack) -> Iterator[None]:
    """A home of our own; Google itself is nowhere to be reached, but for Pub/Sub."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    env = {
        "WAYOUT_PROJECT": "home",
        "WAYOUT_POLICY": str(policy),
        "WAYOUT_PRINCIPAL": OURS,
        "WAYOUT_TOKEN": OURS,
        "WAYOUT_OUTCOME_TOPIC": "outcomes",
        "WAYOUT_BACKOFF_SECONDS": "0.01",
        "WAYOUT_ENDPOINT_PUBSUB": topics.endpoint,
        **{f"WAYOUT_ENDPOINT_{api}": NOWHERE for api in ("RUN", "VPCACCESS", "LOGGING", "COMPUTE", "DNS")},
        "SLACK_TOKEN": "xoxb-1-secret",
        "SLACK_CHANNEL": "#ways",
        "SLACK_BASE_URL": slack.url,
        "SLACK_PATIENCE_SECONDS": "1",
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    wiring.parts.cache_clear()
    yield
    wiring.parts().clients.close()
    wiring.parts.cache_clear()


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = capsys.readouterr().out.splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


# the audit log's door


def test_an_event_that_is_not_for_us_is_acknowledged_quietly(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = door("on_audit_log")
    own = job_v2("UpdateJob", **by(OURS, OUR_AGENT))

    assert push(client, own) == 200
    assert said(capsys) == []

    monkeypatch.setenv("WAYOUT_LOG", "debug")
    assert push(client, own) == 200
    assert binary(client, json.dumps(own).encode(), eventarc(own)) == 200

    lines = said(capsys)
    assert [line["severity"] for line in lines] == ["DEBUG", "DEBUG"]
    assert {line["why"] for line in lines} == {"our own change"}


UNREADABLE: list[tuple[str, object, bytes | None]] = [
    ("JSON that is no entry", {"hello": "world"}, None),
    ("no JSON", None, b"hello"),
    ("bytes", None, b"\x01\x02\x03\x04"),
    ("a list", [1], None),
]


@pytest.mark.parametrize(("reason", "content", "raw"), UNREADABLE, ids=[row[0] for row in UNREADABLE])
def test_an_event_that_cannot_be_read_is_counted_with_its_id_and_acknowledged(
    reason: str, content: object, raw: bytes | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(door("on_audit_log"), content, raw=raw, id_="m-1") == 200, reason

    (line,) = said(capsys)
    assert (line["event"], line["id"]) == ("event.unread", "m-1")
    assert line["count"] >= 1


WITHOUT_DATA = {"messageId": "m-2", "publishTime": "2026-11-23T08:00:00Z", "attributes": {"kind": "x"}}
PUSHED = json.dumps({"subscription": "projects/home/subscriptions/s", "message": WITHOUT_DATA}).encode()
PUSH = "/projects/home/topics/t?pubsub_trigger=true"
JSON, CLOUD_EVENT = "application/json", "application/cloudevents+json"

BROKEN = {"specversion": "1.0", "id": "1", "source": "s", "type": "t", "data_base64": "a"}

# What functions-framework cannot read: (why the row is here, body, content type, the id that it has)
UNOPENED: list[tuple[str, bytes, str, str]] = [
    ("a message with attributes only", PUSHED, JSON, "m-2"),
    ("nothing", b"", JSON, ""),
    ("a list", b"[]", JSON, ""),
    ("half an object", b"{", JSON, ""),
    ("no text", b"\xff\xfe", JSON, ""),
    ("no JSON", b"hello", "text/plain", ""),
    ("text, over which the framework stumbles", b'"x"', JSON, ""),
    ("nested too deep for it", b"[" * 100_000, JSON, ""),
    ("no CloudEvent", b'{"id": "1"}', CLOUD_EVENT, ""),
    ("a CloudEvent whose data cannot be decoded", json.dumps(BROKEN).encode(), CLOUD_EVENT, ""),
]


@pytest.mark.parametrize(("reason", "body", "kind", "id_"), UNOPENED, ids=[row[0] for row in UNOPENED])
def test_what_the_framework_cannot_read_is_counted_with_the_id_that_it_has_and_acknowledged(
    reason: str, body: bytes, kind: str, id_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert door("on_audit_log").post(PUSH, data=body, content_type=kind).status_code == 200, reason

    (line,) = said(capsys)
    assert line["event"] == "event.unread"
    assert line["id"] == id_ if id_ else line["id"]
    assert line["why"]


def test_a_cloud_event_that_lacks_an_attribute_is_counted_with_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert binary(door("on_audit_log"), b"{}", {"id": "ce-1", "source": "s", "specversion": "1.0"}) == 200

    (line,) = said(capsys)
    assert (line["event"], line["id"]) == ("event.unread", "ce-1")


def test_a_message_without_data_reaches_whichever_door_it_came_to(
    topics: Topics, capsys: pytest.CaptureFixture[str]
) -> None:
    status = {
        name: door(name).post(PUSH, data=PUSHED, content_type=JSON).status_code
        for name in ("on_request", "on_outcome", "on_schedule")
    }

    assert status == {"on_request": 200, "on_outcome": 200, "on_schedule": 500}, "a tick sweeps, and cannot look"
    (outcome,) = outcomes(topics)
    assert (outcome.status, outcome.cause.id) == ("invalid", "m-2")
    assert [line["event"] for line in said(capsys) if "event" in line] == ["request.invalid", "outcome.unread"]


def test_a_message_without_data_whose_answer_cannot_be_published_comes_again(topics: Topics) -> None:
    topics.refusals = [(grpc.StatusCode.UNAVAILABLE, "try later")] * 10

    assert door("on_request").post(PUSH, data=PUSHED, content_type=JSON).status_code == 500


def test_a_failure_behind_a_door_is_a_crash_as_ever(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAYOUT_POLICY", str(tmp_path / "there-is-none.yaml"))
    body = {"subscription": "projects/home/subscriptions/s", "message": message(job_v2())}

    answer = door("on_audit_log").post(PUSH, json=body)

    assert (answer.status_code, answer.headers["X-Google-Status"]) == (500, "crash")


FRAMEWORKS: list[tuple[str, Callable[[pytest.MonkeyPatch], None]]] = [
    ("it loads modules outside of its app", lambda patch: patch.setattr(flask, "has_app_context", lambda: False)),
    ("it names its app otherwise", lambda patch: patch.setattr(flask.Flask, "name", "app")),
]


@pytest.mark.parametrize(("reason", "change"), FRAMEWORKS, ids=[row[0] for row in FRAMEWORKS])
def test_another_framework_refuses_what_it_cannot_read_and_all_else_is_as_ever(
    reason: str, change: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch)
    client = door("on_audit_log")

    assert client.post(PUSH, data=PUSHED, content_type=JSON).status_code == 400, reason
    assert push(client, {"hello": "world"}) == 200


def test_the_bundles_root_can_be_imported_where_there_is_no_app() -> None:
    ran = subprocess.run([sys.executable, "-c", "import functions.main"], capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("mode", ["log sink", "Eventarc", "structured"])
def test_an_event_whose_job_cannot_be_read_just_now_comes_again(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    client, entry = door("on_audit_log"), job_v2()
    status = {
        "log sink": lambda: push(client, entry),
        "Eventarc": lambda: binary(client, json.dumps(entry).encode(), eventarc(entry)),
        "structured": lambda: structured(client, eventarc(entry) | {"data": entry}),
    }[mode]()

    assert status == 500
    (line,) = [line for line in said(capsys) if line["message"] == "this delivery is to come again"]
    assert line["id"] == "1abcdef2g3h4"


def test_an_unexpected_failure_is_told_with_its_traceback_and_comes_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WAYOUT_POLICY", str(tmp_path / "there-is-none.yaml"))

    assert push(door("on_audit_log"), job_v2()) == 500

    (line,) = [line for line in said(capsys) if line["severity"] == "ERROR"]
    assert line["id"] == "1abcdef2g3h4"
    assert "there-is-none.yaml" in line["stack_trace"]


def test_deliveries_that_come_first_at_the_same_moment_share_the_parts_of_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from_env, together = Settings.from_env, threading.Barrier(4)

    def slow(env: Mapping[str, str]) -> Settings:
        time.sleep(0.1)
        return from_env(env)

    def first(_: int) -> wiring.Wired:
        together.wait()
        return wiring.parts()

    monkeypatch.setattr(Settings, "from_env", slow)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(first, range(4)))

    assert len(set(map(id, found))) == 1


def test_an_event_that_nobody_needs_loads_none_of_the_libraries_that_take_time() -> None:
    script = """
import json, sys
from tests.functions.doors import door, push
from tests.events.entries import RECORDED
client = door("on_audit_log")
for path in RECORDED.glob("*.json"):
    assert push(client, json.loads(path.read_text())) == 200, path
light = ("google.cloud.functions",)  # functions-framework's own
heavy = ("google.", "grpc", "pydantic", "yaml", "slack_sdk", "requests", "wayout.wiring", "wayout.egress.messages")
print([m for m in set(sys.modules) if m.startswith(heavy) and not m.startswith(light) and m != "google.cloud"])
"""

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert ran.stdout.splitlines()[-1:] == ["[]"], ran.stdout[-500:] + ran.stderr


# the requests' door


def outcomes(topics: Topics) -> list[OutcomeSaid]:
    return [OutcomeSaid.model_validate(json.loads(message.data)["data"]) for _, message in topics.published]


def test_a_wrong_request_is_answered_with_an_outcome_that_names_the_field(topics: Topics) -> None:
    wrong = {"job": JOB, "profil": "internet", "sender": "deploy-bot", "id": "r-1"}

    assert push(door("on_request"), wrong, id_="m-1") == 200

    (outcome,) = outcomes(topics)
    assert outcome.status == "invalid"
    assert outcome.error is not None
    assert outcome.error.field == "profil"
    assert (outcome.request, outcome.cause.who, outcome.cause.id) == ("r-1", "deploy-bot", "m-1")
    (topic, message) = topics.published[0]
    assert topic == "projects/home/topics/outcomes"
    assert (message.attributes["status"], message.attributes["ce-type"]) == ("invalid", OUTCOME_TYPE)


def test_a_request_that_is_no_json_is_answered_too(topics: Topics) -> None:
    assert push(door("on_request"), None, raw=b"{job: x}") == 200

    (outcome,) = outcomes(topics)
    assert outcome.error is not None
    assert (outcome.error.field, outcome.error.message) == ("", "the data is not JSON")


def test_a_wrong_request_whose_answer_cannot_be_published_comes_again(topics: Topics) -> None:
    topics.refusals = [(grpc.StatusCode.UNAVAILABLE, "try later")] * 10

    assert push(door("on_request"), {"job": 5}) == 500
    assert topics.published == []


def test_a_request_whose_job_cannot_be_read_just_now_comes_again(topics: Topics) -> None:
    assert push(door("on_request"), {"job": JOB}) == 500
    assert topics.published == []


# the clock's door


def test_a_sweep_that_cannot_look_comes_again() -> None:
    assert push(door("on_schedule"), {}) == 500


# the outcomes' door

CHANGE = {"verb": "create", "kind": "router", "subject": "r", "because": "missing", "result": "created"}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e1-0",
    "type": OUTCOME_TYPE,
    "source": "//wayout.dev/projects/home",
    "data": {"status": "whole", "cause": {"id": "e1", "who": "jane@example.com"}, "changes": [CHANGE]},
}


def test_an_outcome_with_news_is_told_on_slack(slack: Slack) -> None:
    client = door("on_outcome")

    assert push(client, EVENT) == 200
    assert binary(client, json.dumps({"message": {"data": "", "messageId": "m"}}).encode(), published()) == 200

    (posted,) = slack.posted
    assert posted["channel"] == "#ways"
    assert posted["text"]


def test_an_outcome_without_news_is_not_told(slack: Slack) -> None:
    assert push(door("on_outcome"), EVENT | {"data": {"status": "whole", "cause": {"id": "e1"}}}) == 200
    assert slack.posted == []


def test_what_is_no_outcome_is_counted_and_acknowledged(slack: Slack, capsys: pytest.CaptureFixture[str]) -> None:
    assert push(door("on_outcome"), EVENT | {"type": "dev.wayout.outcome.v9"}) == 200

    assert slack.posted == []
    (line,) = said(capsys)
    assert (line["event"], line["field"]) == ("outcome.unread", "type")


def test_a_message_that_slack_refuses_for_good_is_acknowledged_and_told_to_the_log(
    slack: Slack, capsys: pytest.CaptureFixture[str]
) -> None:
    slack.will(200, {"ok": False, "error": "channel_not_found"})

    assert push(door("on_outcome"), EVENT) == 200

    (line,) = said(capsys)
    assert line["severity"] == "ERROR"
    assert "SLACK_CHANNEL" in line["help"]


def test_a_message_that_slack_may_take_later_comes_again(slack: Slack) -> None:
    slack.will(429, retry_after="60")

    assert push(door("on_outcome"), EVENT) == 500
