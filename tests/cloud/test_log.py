"""What the functions write while they work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wayout.cloud import log


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_one_event_is_one_line_that_cloud_logging_reads(capsys: pytest.CaptureFixture[str]) -> None:
    log.info("looked", subject="projects/p\nx", seconds=1.5, found=["a", None], more={"deep": {1: True}})

    assert lines(capsys) == [
        {
            "severity": "INFO",
            "message": "looked",
            "subject": "projects/p\nx",
            "seconds": 1.5,
            "found": ["a", None],
            "more": {"deep": {"1": True}},
        }
    ]


def test_a_failure_carries_its_traceback_without_its_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("Authorization: Bearer ya29.abcdef")
    except ValueError as error:
        log.error("unexpected failure", cause=error, id="e1")

    (line,) = lines(capsys)
    assert line["severity"] == "ERROR"
    assert "ValueError" in line["stack_trace"]
    assert "abcdef" not in line["stack_trace"]


def test_counted_events_say_their_name_and_how_many_there_were(capsys: pytest.CaptureFixture[str]) -> None:
    before = log.counts().get("test.counted", 0)

    assert log.count("test.counted", "once", id="a") == before + 1
    assert log.count("test.counted", "twice", id="b") == before + 2

    assert log.counts()["test.counted"] == before + 2
    assert [(line["event"], line["count"], line["id"]) for line in lines(capsys)] == [
        ("test.counted", before + 1, "a"),
        ("test.counted", before + 2, "b"),
    ]


SECRETS = [
    ("token xoxb-12-34-s3cret in a text", "Slack's bot token"),
    ("xoxe.xoxp-1-s3cret", "Slack's rotated token"),
    ("xapp-1-A-s3cret", "Slack's app token"),
    ("https://hooks.slack.com/services/T0/B0/s3cret", "a Slack webhook is a secret itself"),
    ("Authorization: Bearer s3cret.more", "a header"),
    ("{'authorization': 'Basic s3cret=='}", "a header, printed by Python"),
    ('{"access_token":"s3cret"}', "JSON in a text"),
    ("https://x.googleapis.com/v1/y?key=s3cret&alt=json", "an API key in a URL"),
    ("postgres://user:s3cret@10.0.0.5/db", "a password in a URL"),
    ("DB_PASSWORD=s3cret", "an environment variable"),
    ("private_key: s3cret", "a service account's file"),
    ("-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----", "a key"),
    ("-----BEGIN RSA PRIVATE KEY-----\ns3cret", "a key that was cut"),
    ("eyJhbGciOiJI.s3cret.sig", "a signed token"),
    ("AIza" + "s3cret" * 6, "a Google API key"),
]


@pytest.mark.parametrize(("text", "reason"), SECRETS, ids=[row[1] for row in SECRETS])
def test_secrets_are_blotted_out_of_texts(text: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.warning("said", why=text, deep=[{"text": text}])

    assert "s3cret" not in capsys.readouterr().out, reason


@pytest.mark.parametrize("key", ["token", "SLACK_TOKEN", "Authorization", "password", "client-secret", "api_key"])
def test_secrets_are_blotted_out_by_the_name_of_their_field(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.info("said", fields={key: "s3cret"})

    assert lines(capsys)[0]["fields"] == {key: log.BLOT}


@pytest.mark.parametrize(
    "text",
    [
        "projects/p/locations/europe-west2/connectors/wayout-0a1b2c3d",
        "grant vpcaccess.connectors.create on projects/p to wayout@home.iam.gserviceaccount.com",
        "the key is the profile's name",
        "tcp:443 to 199.36.153.8/30",
        "https://console.cloud.google.com/run/jobs?project=p",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert log.redacted(text) == text


def test_nothing_that_is_logged_breaks_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    endless: list[Any] = []
    endless.append(endless)

    log.info("odd", nan=float("nan"), surrogate="\ud800", thing=object(), endless=endless, long="x" * 100_000)

    (line,) = lines(capsys)
    assert line["nan"] == "nan"
    assert len(line["long"]) < 20_000
