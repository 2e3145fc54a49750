"""The server process: where it listens, how it ends, its admin surface, and the Slack double."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

from localcloud.clock import Clock
from localcloud.server import LocalCloud
from tests.localcloud.receiving import receiving


@pytest.fixture(scope="module")
def shared() -> Iterator[LocalCloud]:
    with LocalCloud(projects={"one": "111111111111", "two": "222222222222"}, clock=Clock(idle=False)) as running:
        yield running


@pytest.fixture
def local() -> Iterator[LocalCloud]:
    with LocalCloud(clock=Clock(idle=False)) as running:
        yield running


def post(local: LocalCloud, action: str, **fields: Any) -> requests.Response:
    return requests.post(f"{local.url}/_localcloud/{action}", json=fields, timeout=30)


def view(local: LocalCloud, name: str, **query: Any) -> Any:
    answer = requests.get(f"{local.url}/_localcloud/{name}", params=query, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def make_topic(local: LocalCloud, name: str, project: str = "my-project", who: str = "") -> requests.Response:
    headers = {"Authorization": f"Bearer {who}"} if who else {}
    return requests.put(f"{local.url}/v1/projects/{project}/topics/{name}", json={}, headers=headers, timeout=10)


# the process


def test_the_process_says_where_it_is_and_ends_cleanly_when_told_to(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-W", "error", "-m", "localcloud", "--port", "0", "--json", "--project", "alpha"]
    with subprocess.Popen(
        [*command, "--project", "beta", "--ready-file", str(ready)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        where = json.loads(process.stdout.readline())
        try:
            assert sorted(where["projects"]) == ["alpha", "beta"]
            assert where["url"].startswith("http://127.0.0.1:")
            answer = requests.get(f"{where['url']}/_localcloud/state", timeout=10).json()
            assert answer["projects"] == where["projects"]
            assert answer["virtual"] is True
        finally:
            for _ in range(20):  # a whole group of processes is often told more than once, in no time
                process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert json.loads(ready.read_text()) == where
        assert process.stderr.read() == ""


def test_a_taken_port_is_said_in_one_line(shared: LocalCloud) -> None:
    port = shared.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "localcloud", "--port", port, "--grpc-port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1, ports {port}" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_stopping_ends_every_thread_and_may_be_done_twice() -> None:
    before = set(threading.enumerate())
    local = LocalCloud()
    with local, receiving() as endpoint:
        post(local, "triggers", name="t", url=endpoint.url, serviceName="pubsub.googleapis.com")
        make_topic(local, "events")
        assert local.settle()
        assert len(endpoint.received) == 1
    local.stop()
    left = [
        thread for thread in set(threading.enumerate()) - before if thread.name.startswith(("web", "push", "clock"))
    ]
    assert left == []
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{local.url}/_localcloud/state", timeout=2)


def test_stopping_does_not_wait_for_an_endpoint_that_hangs() -> None:
    hang = threading.Event()
    with receiving() as endpoint:

        def answer(_: int) -> int:
            hang.wait(30)
            return 204

        endpoint.answer = answer
        with LocalCloud() as local:
            post(local, "triggers", name="t", url=endpoint.url, serviceName="pubsub.googleapis.com")
            make_topic(local, "events")
            while not endpoint.received:
                hang.wait(0.01)
        hang.set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("push")]


# the admin surface


def test_the_state_shows_time_resources_and_settings(local: LocalCloud) -> None:
    make_topic(local, "events")
    both = {"compute.read_lag": 2, "run.audit_entries": 1}
    assert post(local, "switches", **both).json()["switches"] == both
    assert post(local, "switches", **{"run.audit_entries": None}).json()["switches"] == {"compute.read_lag": 2}
    refused = post(local, "switches", **{"compute.read_lagg": 2})
    assert (refused.status_code, refused.json()["field"]) == (400, "compute.read_lagg")
    shown = view(local, "switches")["compute.read_lag"]
    assert (shown["value"], shown["default"]) == (2, 0)
    post(local, "durations", **{"run.projects.locations.jobs.create": 9})
    state = view(local, "state")
    assert state["time"] == "2026-11-23T09:00:00.000000Z"
    assert state["resources"] == {"logging.entries": 1, "pubsub.topics": 1}
    assert state["durations"]["run.projects.locations.jobs.create"] == 9
    assert state["pending"] == 1
    assert post(local, "settle", patience=10).json() == {"settled": True, "time": "2026-11-23T09:00:00.800000Z"}
    assert post(local, "advance", seconds=60).json() == {"time": "2026-11-23T09:01:00.800000Z"}


def test_calls_are_counted_from_where_one_left_off(local: LocalCloud) -> None:
    make_topic(local, "events", who="ann@example.com")
    first = view(local, "calls")
    assert [(call["method"], call["principal"], call["status"], call["writes"]) for call in first["calls"]] == [
        ("pubsub.projects.topics.create", "ann@example.com", 200, True)
    ]
    make_topic(local, "events")
    second = view(local, "calls", since=first["next"])
    assert [call["status"] for call in second["calls"]] == [409]


def test_the_world_is_the_same_for_two_clouds_with_the_same_resources(local: LocalCloud) -> None:
    with LocalCloud(clock=Clock(idle=False)) as other:
        post(other, "advance", seconds=500)
        for name in ("b-topic", "a-topic"):
            make_topic(other, name)
        for name in ("a-topic", "b-topic"):
            make_topic(local, name)
        assert json.dumps(view(local, "world")) == json.dumps(view(other, "world"))
        make_topic(other, "c-topic")
        assert view(local, "world") != view(other, "world")


def test_a_permission_is_taken_away_and_given_back(local: LocalCloud) -> None:
    post(local, "deny", principal="ann@*", permission="pubsub.topics.*")
    refused = make_topic(local, "events", who="ann@example.com")
    assert refused.status_code == 403
    assert "pubsub.topics.create" in refused.json()["error"]["message"]
    assert make_topic(local, "others", who="bob@example.com").status_code == 200
    assert post(local, "allow", principal="bob@*").json()["denied"] == [["ann@*", "pubsub.topics.*"]]
    assert post(local, "allow").json()["denied"] == []
    assert make_topic(local, "events", who="ann@example.com").status_code == 200


def test_an_api_is_disabled_and_enabled(local: LocalCloud) -> None:
    post(local, "services", project="my-project", service="pubsub", enabled=False)
    refused = make_topic(local, "events")
    assert refused.status_code == 403
    assert "has not been used in project 123456789012 before or it is disabled" in refused.json()["error"]["message"]
    post(local, "services", project="my-project", service="pubsub.googleapis.com", enabled=True)
    assert make_topic(local, "events").status_code == 200


def test_a_project_is_made(local: LocalCloud) -> None:
    assert make_topic(local, "events", project="new-one").status_code == 403
    projects = post(local, "projects", project="new-one").json()["projects"]
    assert len(projects["new-one"]) == 12
    assert make_topic(local, "events", project="new-one").status_code == 200


def test_a_fault_happens_as_often_as_told_before_or_after_its_effect(local: LocalCloud) -> None:
    post(local, "faults", method="pubsub.*.create", code=14, message="Try later.", times=1)
    refused = make_topic(local, "events")
    assert (refused.status_code, refused.json()["error"]["message"]) == (503, "Try later.")
    post(local, "faults", method="pubsub.*.create", code=4, after=True)
    assert make_topic(local, "events").status_code == 504
    assert make_topic(local, "events").status_code == 409, "the effect happened; only the answer was lost"


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("advance", {}, "seconds", "it is missing"),
    ("advance", {"seconds": -1}, "seconds", "time does not go back"),
    ("advance", {"seconds": True}, "seconds", "a bool is no number"),
    ("settle", {"patience": "soon"}, "patience", "a word is no number"),
    ("services", {"project": "one", "service": "sql", "enabled": True}, "service", "nobody serves it"),
    ("services", {"project": "three", "service": "run", "enabled": True}, "project", "there is none of that name"),
    ("services", {"project": "one", "service": "run", "enabled": "yes"}, "enabled", "a word is no bool"),
    ("projects", {"project": "x", "number": "222222222222"}, "number", "another project has it"),
    ("faults", {"method": "*", "code": 99}, "code", "it is no rpc code"),
    ("faults", {"method": "*", "times": 1.5}, "times", "half a time"),
    ("faults", {}, "method", "it is missing"),
    ("triggers", {"name": "t", "url": "nowhere", "serviceName": "x"}, "url", "it is no URL"),
    ("triggers", {"name": "t", "remove": True}, "name", "there is no such trigger"),
    ("durations", {"run": "long"}, "run", "a word is no number"),
    ("deny", {"principal": "x"}, "permission", "it is missing"),
    ("slack", {"mode": "gone"}, "mode", "there is no such mode"),
]


@pytest.mark.parametrize(("action", "body", "field", "why"), WRONG, ids=[f"{row[0]}: {row[3]}" for row in WRONG])
def test_a_wrong_field_is_named(shared: LocalCloud, action: str, body: dict[str, Any], field: str, why: str) -> None:
    answer = requests.post(f"{shared.url}/_localcloud/{action}", json=body, timeout=10)
    assert answer.status_code == 400, why
    assert answer.json()["field"] == field
    assert answer.json()["error"].startswith(f"{field}: ")


def test_what_is_not_served_says_what_is(shared: LocalCloud) -> None:
    answer = requests.get(f"{shared.url}/_localcloud/nosuch", timeout=10)
    assert answer.status_code == 404
    served = "calls, catalogue, deliveries, policies, quotas, roles, slack, state, switches, targets, used, world"
    assert served in answer.json()["error"]
    broken = requests.post(f"{shared.url}/_localcloud/settle", data="{", timeout=10)
    assert (broken.status_code, broken.json()["error"]) == (400, "the body is not JSON")


def test_deliveries_are_counted_by_endpoint_and_status(local: LocalCloud) -> None:
    with receiving() as endpoint:
        endpoint.answer = lambda number: 204 if number == 2 else 500
        post(local, "triggers", name="t", url=endpoint.url, serviceName="pubsub.googleapis.com")
        make_topic(local, "events")
        post(local, "advance", seconds=5)
        assert view(local, "deliveries")["triggers"] == {"t": 1}
        post(local, "settle")
        assert view(local, "deliveries") == {
            "endpoints": {endpoint.url: {"204": 1, "500": 2}},
            "subscriptions": {},
            "triggers": {},
        }


# Slack


@pytest.fixture
def client(local: LocalCloud) -> WebClient:
    return WebClient(token="xoxb-1", base_url=f"{local.url}/slack/api/")


SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}


def test_a_message_is_posted_and_updated(local: LocalCloud, client: WebClient) -> None:
    assert client.auth_test()["bot_id"]
    first = client.chat_postMessage(channel="C1", text="one", blocks=[SECTION])
    second = client.chat_postMessage(channel="C1", text="two", thread_ts=first["ts"])
    assert first["ts"] < second["ts"]
    assert first["message"]["blocks"] == [SECTION]
    client.chat_update(channel="C1", ts=first["ts"], text="one, done")
    messages = view(local, "slack")["messages"]
    assert [(one["text"], one["thread_ts"], one["edits"]) for one in messages] == [
        ("one, done", "", 1),
        ("two", first["ts"], 0),
    ]


def test_a_form_is_taken_as_well_as_json(local: LocalCloud) -> None:
    form = {"token": "xoxb-1", "channel": "C1", "blocks": json.dumps([SECTION])}
    answer = requests.post(f"{local.url}/slack/api/chat.postMessage", data=form, timeout=10).json()
    assert answer["ok"]
    assert view(local, "slack")["messages"][0]["blocks"] == [SECTION]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"channel": "C1", "text": "x", "blocks": [SECTION] * 51}, "invalid_blocks", "50 blocks at most"),
    (
        {"channel": "C1", "text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]},
        "invalid_blocks",
        "3000 characters in a section at most",
    ),
    ({"channel": "C1", "text": "x", "blocks": [{"text": "no type"}]}, "invalid_blocks", "a block has a type"),
    ({"channel": "C1", "text": ""}, "no_text", "a message says something"),
    ({"channel": "", "text": "x"}, "channel_not_found", "a message goes somewhere"),
]


@pytest.mark.parametrize(("message", "error", "why"), REFUSED, ids=[row[2] for row in REFUSED])
def test_messages_that_slack_refuses(client: WebClient, message: dict[str, Any], error: str, why: str) -> None:
    with pytest.raises(SlackApiError) as caught:
        client.api_call("chat.postMessage", json=message)
    assert caught.value.response["error"] == error, why


CHANNELS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "", "the app is in it"),
    ({"channel": "C2", "private": True}, "", "a private one that the app is in"),
    ({"channel": "C2", "private": True, "member": False}, "channel_not_found", "a private one is hidden from others"),
    ({"channel": "C2", "gone": True}, "channel_not_found", "there is none"),
    ({"scopes": "chat:write"}, "missing_scope", "looking takes a scope of its own"),
    ({"channel": "C2", "private": True, "scopes": "channels:read"}, "channel_not_found", "a private one takes another"),
]


@pytest.mark.parametrize(("done", "error", "why"), CHANNELS, ids=[row[2] for row in CHANNELS])
def test_a_channel_is_shown_to_whom_slack_shows_it(
    local: LocalCloud, client: WebClient, done: dict[str, Any], error: str, why: str
) -> None:
    post(local, "slack", channel="C2")
    post(local, "slack", **done or {"channel": "C2"})
    if not error:
        assert client.conversations_info(channel="C2")["channel"]["is_member"], why
        return
    with pytest.raises(SlackApiError) as caught:
        client.conversations_info(channel="C2")
    assert caught.value.response["error"] == error, why
    assert ("needed" in caught.value.response.data) == (error == "missing_scope")


def test_a_channel_that_is_not_open_takes_no_message(local: LocalCloud, client: WebClient) -> None:
    for state, error in (({"archived": True}, "is_archived"), ({"member": False}, "not_in_channel")):
        post(local, "slack", channel="C2", name="two", **state)
        for name in ("C2", "#two"):
            with pytest.raises(SlackApiError, match=error):
                client.chat_postMessage(channel=name, text="x")


def test_a_wrong_token_and_a_missing_message_are_refused(local: LocalCloud, client: WebClient) -> None:
    for token, error in (("xoxp-1", "invalid_auth"), (None, "not_authed")):
        stranger = WebClient(token=token, base_url=f"{local.url}/slack/api/")
        with pytest.raises(SlackApiError, match=error):
            stranger.chat_postMessage(channel="C1", text="x")
    with pytest.raises(SlackApiError, match="message_not_found"):
        client.chat_update(channel="C1", ts="1.000001", text="x")


def test_slack_is_down_until_it_is_up(local: LocalCloud, client: WebClient) -> None:
    post(local, "slack", mode="down")
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="C1", text="x")
    assert caught.value.response.status_code == 503
    post(local, "slack", mode="ok")
    assert client.chat_postMessage(channel="C1", text="x")["ok"]


def test_slack_asks_for_patience_as_often_as_told(local: LocalCloud, client: WebClient) -> None:
    post(local, "slack", mode="limited", times=2, retryAfter=0)
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="C1", text="x")
    assert caught.value.response.status_code == 429
    assert caught.value.response.headers["retry-after"] == "0"
    client.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=1))
    assert client.chat_postMessage(channel="C1", text="x")["ok"]
    assert view(local, "slack")["requests"] == 3
