"""Outcomes on their way out, over Pub/Sub's own wire."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import grpc
import pytest

from tests.cloud.wires import Topics, topics_server
from wayout.cloud.errors import GoneError, RefusedError, TryAgainError
from wayout.cloud.outbox import Outbox
from wayout.cloud.requests import read_outcome
from wayout.cloud.settings import Settings
from wayout.egress.messages import CauseSaid, ErrorSaid, JobSaid, OutcomeSaid, SiteSaid

CAUSE = CauseSaid(id="e1", who="jane@example.com")
WHOLE = OutcomeSaid(
    status="whole", cause=CAUSE, site=SiteSaid(network="projects/net/global/networks/main", region="r1", profile="p")
)
TIME = "2026-11-20T12:00:00Z"


@pytest.fixture
def topics() -> Iterator[Topics]:
    with topics_server() as served:
        yield served


def outbox(topics: Topics, topic: str = "outcomes") -> Outbox:
    env = {
        "WAYOUT_PROJECT": "home",
        "WAYOUT_TOKEN": "wayout@home.iam.gserviceaccount.com",
        "WAYOUT_ENDPOINT_PUBSUB": topics.endpoint,
        "WAYOUT_OUTCOME_TOPIC": topic,
        "WAYOUT_BACKOFF_SECONDS": "0.01",
    }
    return Outbox(Settings.from_env(env))


def test_an_outcome_is_published_as_a_structured_cloudevent(topics: Topics) -> None:
    outbox(topics).publish(WHOLE, id="e1-0", time=TIME)

    ((topic, message),) = topics.published
    event = json.loads(message.data)
    assert topic == "projects/home/topics/outcomes"
    assert event.pop("data") == WHOLE.model_dump(mode="json")
    assert event == {
        "specversion": "1.0",
        "id": "e1-0",
        "type": "dev.wayout.outcome.v1",
        "source": "//wayout.dev/projects/home",
        "subject": "projects/net/global/networks/main/r1/p",
        "time": TIME,
        "datacontenttype": "application/json",
    }
    assert dict(message.attributes) == {
        "content-type": "application/cloudevents+json",
        "ce-type": "dev.wayout.outcome.v1",
        "ce-id": "e1-0",
        "ce-source": "//wayout.dev/projects/home",
        "ce-subject": "projects/net/global/networks/main/r1/p",
        "status": "whole",
    }


def test_what_was_published_reads_back_the_same(topics: Topics) -> None:
    outbox(topics).publish(WHOLE, id="e1-0", time=TIME)

    assert read_outcome({}, topics.published[0][1].data) == WHOLE


def test_the_subject_is_the_job_where_there_is_no_site_and_nothing_where_there_is_neither(topics: Topics) -> None:
    job = JobSaid(job="projects/p/locations/r/jobs/j", stance="fine", because="no rule")
    outbox(topics).publish(OutcomeSaid(status="unneeded", cause=CAUSE, jobs=(job,)), id="a", time=TIME)
    wrong = OutcomeSaid(status="invalid", cause=CAUSE, error=ErrorSaid(field="job", message="missing"))
    outbox(topics).publish(wrong, id="b", time=TIME)

    (_, first), (_, second) = topics.published
    assert first.attributes["ce-subject"] == "projects/p/locations/r/jobs/j"
    assert "ce-subject" not in second.attributes
    assert "subject" not in json.loads(second.data)


def test_without_a_topic_the_outcome_is_only_logged(topics: Topics, capsys: pytest.CaptureFixture[str]) -> None:
    outbox(topics, topic="").publish(WHOLE, id="e1-0", time=TIME)

    assert topics.published == []
    assert json.loads(capsys.readouterr().out)["outcome"]["data"]["status"] == "whole"


def test_a_refusal_that_passes_is_tried_again(topics: Topics) -> None:
    topics.refusals = [(grpc.StatusCode.UNAVAILABLE, "try later")]

    outbox(topics).publish(WHOLE, id="e1-0", time=TIME)

    assert len(topics.published) == 1


REFUSALS: list[tuple[grpc.StatusCode, type[Exception], str]] = [
    (grpc.StatusCode.UNAVAILABLE, TryAgainError, "again and again: the delivery should come back"),
    (grpc.StatusCode.PERMISSION_DENIED, RefusedError, "somebody has to grant the right to publish"),
    (grpc.StatusCode.NOT_FOUND, GoneError, "there is no such topic"),
]


@pytest.mark.parametrize(("code", "error", "reason"), REFUSALS, ids=[row[2] for row in REFUSALS])
def test_refusals_are_sorted(topics: Topics, code: grpc.StatusCode, error: type[Exception], reason: str) -> None:
    topics.refusals = [(code, "no")] * 10

    with pytest.raises(error):
        outbox(topics).publish(WHOLE, id="e1-0", time=TIME)

    assert topics.published == [], reason


def test_the_plain_publisher_is_used_which_starts_no_threads_of_its_own() -> None:
    script = (
        "import sys; from wayout.cloud.outbox import Outbox; from wayout.cloud.settings import Settings;"
        "print([m for m in sys.modules if m.startswith(('google.cloud.', 'google.pubsub', 'grpc', 'slack_sdk'))]);"
        "env = {'WAYOUT_PROJECT': 'p', 'WAYOUT_TOKEN': 't', 'WAYOUT_ENDPOINT_PUBSUB': 'http://127.0.0.1:9'};"
        "Outbox(Settings.from_env(env))._publisher;"
        "print('google.cloud.pubsub_v1' in sys.modules)"
    )

    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert said.splitlines() == ["[]", "False"]
