"""Posting to Slack, over its wire."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.cloud.wires import Slack, slack_server
from wayout.cloud import slack as subject
from wayout.cloud.errors import RefusedError, TryAgainError
from wayout.cloud.settings import Settings

WORDS = {"text": "whole", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "whole"}}]}


@pytest.fixture
def slack() -> Iterator[Slack]:
    with slack_server() as server:
        yield server


def settings(slack: Slack, *, patience: float = 30.0, channel: str = "#ways") -> Settings:
    return Settings.from_env(
        {
            "WAYOUT_PROJECT": "home",
            "SLACK_TOKEN": "xoxb-1-secret",
            "SLACK_CHANNEL": channel,
            "SLACK_BASE_URL": slack.url,
            "SLACK_PATIENCE_SECONDS": str(patience),
        }
    )


def test_a_message_arrives_once_with_text_and_blocks(slack: Slack) -> None:
    subject.post(WORDS, settings(slack))

    (posted,) = slack.posted
    assert posted["channel"] == "#ways"
    assert posted["text"] == "whole"
    assert "mrkdwn" in str(posted["blocks"])
    assert slack.authorizations == ["Bearer xoxb-1-secret"]


def test_the_channels_that_a_profile_names_are_told_instead(slack: Slack) -> None:
    subject.post(WORDS, settings(slack), channels=("#net", "#shop", "#net"))

    assert [posted["channel"] for posted in slack.posted] == ["#net", "#shop"]


def test_a_further_channel_that_fails_does_not_have_the_first_one_told_twice(
    slack: Slack, capsys: pytest.CaptureFixture[str]
) -> None:
    slack.will(200, {"ok": True})
    slack.will(200, {"ok": False, "error": "channel_not_found"})

    subject.post(WORDS, settings(slack), channels=("#net", "#gone"))

    assert "#gone" in capsys.readouterr().out
    assert [posted["channel"] for posted in slack.posted] == ["#net", "#gone"]


def test_without_a_channel_nothing_is_posted(slack: Slack, capsys: pytest.CaptureFixture[str]) -> None:
    subject.post(WORDS, settings(slack, channel=""))

    assert slack.posted == []
    said = capsys.readouterr().out
    assert "not set up" in said
    assert "secret" not in said


def test_a_rate_limit_is_waited_for_as_long_as_slack_asks(slack: Slack) -> None:
    slack.will(429, retry_after="1")
    begun = time.monotonic()

    subject.post(WORDS, settings(slack))

    assert len(slack.posted) == 2
    assert time.monotonic() - begun >= 1.0


def test_a_rate_limit_beyond_our_patience_is_not_slept_through(slack: Slack) -> None:
    slack.will(429, retry_after="300")
    begun = time.monotonic()

    with pytest.raises(TryAgainError, match="ratelimited"):
        subject.post(WORDS, settings(slack, patience=2))

    assert len(slack.posted) == 1
    assert time.monotonic() - begun < 2


def test_patience_is_for_all_waits_together(slack: Slack) -> None:
    for _ in range(4):
        slack.will(429, retry_after="1")

    with pytest.raises(TryAgainError):
        subject.post(WORDS, settings(slack, patience=1.2))

    assert len(slack.posted) == 2


def test_retries_end_even_where_slack_asks_for_no_wait(slack: Slack) -> None:
    for _ in range(6):
        slack.will(429, retry_after="0")

    with pytest.raises(TryAgainError):
        subject.post(WORDS, settings(slack, patience=10))

    assert len(slack.posted) == 4


def test_a_broken_connection_is_tried_again(slack: Slack) -> None:
    slack.will(0)

    subject.post(WORDS, settings(slack))

    assert len(slack.posted) == 2


def test_nobody_there_means_come_again(slack: Slack) -> None:
    nowhere = settings(slack).model_copy(update={"slack_base_url": "http://127.0.0.1:9/api/"})

    with pytest.raises(TryAgainError, match="cannot be reached"):
        subject.post(WORDS, nowhere)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (500, "<html>oops</html>", "a server error without JSON"),
        (503, {"ok": False, "error": "service_unavailable"}, "a server error with JSON"),
        (200, {"ok": False, "error": "internal_error"}, "trouble of Slack's own"),
        (200, {"ok": False, "error": "ratelimited"}, "a rate limit told with status 200"),
        (200, "hello", "an answer that is no JSON"),
    ],
)
def test_what_may_pass_means_come_again(slack: Slack, status: int, body: object, reason: str) -> None:
    slack.will(status, body)

    with pytest.raises(TryAgainError):
        subject.post(WORDS, settings(slack))


@pytest.mark.parametrize(
    ("status", "word", "help_"),
    [
        (200, "invalid_auth", "renew SLACK_TOKEN"),
        (200, "channel_not_found", "check SLACK_CHANNEL, and invite the app to it"),
        (200, "not_in_channel", "invite the app to the channel of SLACK_CHANNEL"),
        (200, "missing_scope", "give the app the scope chat:write"),
        (200, "invalid_blocks", ""),
        (403, "token_revoked", "renew SLACK_TOKEN"),
    ],
)
def test_what_only_somebody_else_can_change_is_refused_with_who_can_help(
    slack: Slack, status: int, word: str, help_: str
) -> None:
    slack.will(status, {"ok": False, "error": word})

    with pytest.raises(RefusedError, match=word) as refused:
        subject.post(WORDS, settings(slack))

    assert refused.value.help == help_
    assert "secret" not in str(refused.value)
    assert len(slack.posted) == 1


# looking, without posting


@pytest.mark.parametrize(
    ("scopes", "expected", "reason"),
    [
        ("chat:write,channels:read", ("chat:write", "channels:read"), "as Slack lists them"),
        (" chat:write , channels:read ", ("chat:write", "channels:read"), "as a proxy may rewrite them"),
        ("", (), "whatever is not said is not known"),
    ],
)
def test_whose_token_it_is_and_what_it_may(slack: Slack, scopes: str, expected: tuple[str, ...], reason: str) -> None:
    slack.will(200, {"ok": True, "team": "Acme"}, X_OAuth_Scopes=scopes)

    assert subject.test(settings(slack)) == subject.Token("Acme", expected), reason


SHOWN = {"id": "C0123456", "is_member": True, "is_private": False, "is_archived": False}


@pytest.mark.parametrize(
    ("answer", "expected", "reason"),
    [
        ({"ok": True, "channel": SHOWN}, subject.Channel(member=True), "the app is in it"),
        ({"ok": True, "channel": SHOWN | {"is_member": False}}, subject.Channel(), "it is public, and others are"),
        (
            {"ok": True, "channel": SHOWN | {"is_archived": True, "is_private": True}},
            subject.Channel(member=True, archived=True, private=True),
            "as it stands",
        ),
        ({"ok": True, "channel": {"id": "D0123456", "is_im": True}}, subject.Channel(member=True), "a talk of two"),
        ({"ok": True}, subject.Channel(), "an answer without one shows nothing"),
        ({"ok": False, "error": "channel_not_found"}, subject.Channel(hidden="channel_not_found"), "Slack's word"),
        (
            {"ok": False, "error": "missing_scope", "needed": "channels:read"},
            subject.Channel(hidden="missing_scope"),
            "",
        ),
    ],
)
def test_what_slack_shows_of_the_channel(
    slack: Slack, answer: dict[str, object], expected: subject.Channel, reason: str
) -> None:
    slack.will(200, answer)

    assert subject.channel(settings(slack, channel="C0123456")) == expected, reason
    assert slack.posted == [{"channel": "C0123456"}], "it is asked for by what the settings say"


def test_a_look_that_fails_for_another_reason_fails(slack: Slack) -> None:
    slack.will(200, {"ok": False, "error": "token_revoked"})
    with pytest.raises(RefusedError, match="token_revoked"):
        subject.channel(settings(slack, channel="C0123456"))
    slack.will(503, "")
    with pytest.raises(TryAgainError):
        subject.channel(settings(slack, channel="C0123456"))
