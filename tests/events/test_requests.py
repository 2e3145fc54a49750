"""Messages that we agreed on: requests, outcomes, the clock's tick."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.events.entries import JOB, message, published
from wayout.cloud.requests import Asked, BadRequest, read_outcome, read_request, read_schedule
from wayout.egress.messages import OUTCOME_TYPE, CauseSaid, OutcomeSaid
from wayout.egress.model import Cause, EverythingTarget, JobName, JobTarget

WHEN = "2026-11-20T10:11:14.000Z"
SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"


def pushed(content: object, raw: bytes | None = None) -> dict[str, Any]:
    return {"message": message(content, raw=raw)}


def test_a_request_names_its_job_its_profile_and_who_asks() -> None:
    request = {"job": JOB, "profile": "internet-https", "sender": "deploy-bot", "id": "r-1"}

    assert read_request(published(), pushed(request)) == Asked(
        JobTarget(JobName.parse(JOB), requested="internet-https", sender="deploy-bot"),
        Cause("9876543210", "deploy-bot", "request", WHEN),
        "r-1",
    )


def test_a_request_needs_no_more_than_a_job() -> None:
    assert read_request(published(), pushed({"job": JOB})) == Asked(
        JobTarget(JobName.parse(JOB)), Cause("9876543210", "", "request", WHEN), ""
    )


BAD: list[tuple[str, object, bytes | None, str]] = [
    ("a field is missing", {"profile": "p"}, None, "job"),
    ("a name of another form", {"job": "nightly"}, None, "job"),
    ("a name with a line break", {"job": JOB + "\n"}, None, "job"),
    ("a name of the wrong type", {"job": 5}, None, "job"),
    ("a field that there is not", {"job": JOB, "jbo": 1}, None, "jbo"),
    ("a profile of the wrong type", {"job": JOB, "profile": ["p"]}, None, "profile"),
    ("an endless profile", {"job": JOB, "profile": "p" * 64}, None, "profile"),
    ("a list", [JOB], None, ""),
    ("no JSON", None, b"{job: x}", ""),
    ("no UTF-8", None, b"\xff\xfe", ""),
    ("nothing", None, b"", ""),
]


@pytest.mark.parametrize(("reason", "content", "raw", "field"), BAD, ids=[row[0] for row in BAD])
def test_a_wrong_request_is_answered_with_its_field(
    reason: str, content: object, raw: bytes | None, field: str
) -> None:
    bad = read_request(published(), pushed(content, raw))

    assert isinstance(bad, BadRequest), reason
    assert (bad.id, bad.field) == ("9876543210", field)
    assert bad.message


def test_a_wrong_request_still_tells_its_sender_and_id() -> None:
    bad = read_request(published(), pushed({"sender": "deploy-bot", "id": "r-1" * 500}))

    assert isinstance(bad, BadRequest)
    assert bad.sender == "deploy-bot"
    assert bad.request == ("r-1" * 500)[:200]


def test_what_is_wrong_is_told_without_repeating_it() -> None:
    bad = read_request(published(), pushed({"job": "xoxb-secret"}))

    assert isinstance(bad, BadRequest)
    assert "secret" not in bad.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["job", "id", "x"]), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(json_values | st.binary(max_size=40))
def test_whatever_is_sent_is_a_request_or_a_bad_one(content: Any) -> None:
    raw = content if isinstance(content, bytes) else None

    assert isinstance(read_request(published(), pushed(content, raw)), Asked | BadRequest)
    assert isinstance(read_request({}, content), Asked | BadRequest)
    assert isinstance(read_outcome(published(), pushed(content, raw)), OutcomeSaid | BadRequest)


@pytest.mark.parametrize("raw", [b"{}", b"sweep", b"[1]"], ids=["an object", "a word", "a list"])
def test_the_clocks_tick_means_everything_whatever_it_says(raw: bytes) -> None:
    tick = read_schedule(published(), pushed(None, raw))

    assert tick.target == EverythingTarget()
    assert tick.cause == Cause("9876543210", "Cloud Scheduler", "sweep", WHEN)


SAID = OutcomeSaid(status="whole", cause=CauseSaid(id="e1"))
EVENT = {"specversion": "1.0", "id": "e1-0", "type": OUTCOME_TYPE, "source": "//wayout.dev/projects/home"}


def test_an_outcome_is_read_from_a_message_and_from_a_cloudevent() -> None:
    data = SAID.model_dump(mode="json")

    assert read_outcome(published(), pushed(EVENT | {"data": data})) == SAID
    assert read_outcome(EVENT, data) == SAID


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("another type", {"type": "dev.wayout.outcome.v2"}, "type"),
    ("another version of CloudEvents", {"specversion": "0.3"}, "specversion"),
    ("no data", {}, "data"),
    ("a status that there is not", {"data": {"status": "fine", "cause": {"id": "e"}}}, "data.status"),
    (
        "a waiting without a what",
        {"data": {"status": "whole", "cause": {"id": "e"}, "waiting": [{}]}},
        "data.waiting.0.what",
    ),
]


@pytest.mark.parametrize(("reason", "more", "field"), WRONG, ids=[row[0] for row in WRONG])
def test_an_outcome_that_is_none_is_told_with_its_field(reason: str, more: dict[str, Any], field: str) -> None:
    bad = read_outcome(published(), pushed(EVENT | more))

    assert isinstance(bad, BadRequest), reason
    assert (bad.id, bad.field) == ("e1-0", field)


def test_the_published_schemas_are_what_the_code_says() -> None:
    check = [sys.executable, str(SCHEMAS / "write.py"), "--check"]

    assert subprocess.run(check, capture_output=True, text=True, check=False).stderr == ""


def test_the_published_schemas_forbid_what_the_code_forbids() -> None:
    request = json.loads((SCHEMAS / "request.v1.schema.json").read_text())

    assert request["additionalProperties"] is False
    assert request["required"] == ["job"]
