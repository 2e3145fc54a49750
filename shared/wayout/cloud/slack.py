"""Slack: one message, posted with patience that ends.

Limits: about one message a second and channel; above that 429 with `Retry-After` in seconds (Slack's page on limits).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wayout.cloud import log
from wayout.cloud.errors import CloudError, RefusedError, TryAgainError
from wayout.cloud.settings import Settings

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError
    from slack_sdk.http_retry import RetryHandler

CALL_SECONDS = 10
RETRIES = 3

# `error` of an answer with ok=false that a later try may not get. Source: Slack's page on chat.postMessage.
_PASSING = {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
_HELP = {
    "channel_not_found": "check SLACK_CHANNEL, and invite the app to it",
    "not_in_channel": "invite the app to the channel of SLACK_CHANNEL",
    "is_archived": "choose another SLACK_CHANNEL",
    "missing_scope": "give the app the scope chat:write",
} | dict.fromkeys(
    ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"), "renew SLACK_TOKEN"
)


# What conversations.info answers instead of the channel. Source: Slack's page on it.
HIDING = ("channel_not_found", "missing_scope")


@dataclass(frozen=True, slots=True)
class Token:
    """Whose token it is, and the scopes it was given; none where Slack's answer does not list them."""

    team: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as Slack shows it to the app. `hidden`: Slack's word for why it does not."""

    member: bool = False
    archived: bool = False
    private: bool = False
    hidden: str = ""


def post(message: Mapping[str, Any], settings: Settings, *, channels: Sequence[str] = ()) -> None:
    """Post `text` and `blocks` to these channels, or to the one of the settings. Without token or channel: logged only.

    Raises TryAgainError for what may pass, RefusedError for what only somebody else can change; of several channels
    for the first one only, since a second delivery would tell it twice: the others' failures are logged and counted.
    """
    token = settings.slack_token.get_secret_value()
    first, *others = dict.fromkeys(channels or (settings.slack_channel,))
    if not (token and first):
        log.info("Slack is not set up: nothing posted", text=message.get("text", ""))
        return
    _post(message, settings, token, first)
    for channel in others:
        try:
            _post(message, settings, token, channel)
        except CloudError as error:
            log.count("slack.unposted", "a further channel was not told", channel=channel, why=error.why)


def test(settings: Settings) -> Token:
    """Ask Slack whose token this is; nothing is posted. Raises as `post` does."""
    with _client(settings, settings.slack_token.get_secret_value()) as client:
        found = client.auth_test()
    listed = next((text for name, text in found.headers.items() if name.lower() == "x-oauth-scopes"), "")
    scopes = tuple(one.strip() for one in str(listed).split(",") if one.strip())
    return Token(str(found.get("team") or ""), scopes)


def channel(settings: Settings) -> Channel:
    """Ask Slack what it shows the app of the settings' channel, by its id. Raises as `post` does."""
    from slack_sdk.errors import SlackApiError

    with _client(settings, settings.slack_token.get_secret_value()) as client:
        try:
            found: Any = client.conversations_info(channel=settings.slack_channel).get("channel") or {}
        except SlackApiError as error:
            if (word := _word(error)) not in HIDING:
                raise
            return Channel(hidden=word)
    member = bool(found.get("is_member") or found.get("is_im"))
    return Channel(member, bool(found.get("is_archived")), bool(found.get("is_private")))


def _post(message: Mapping[str, Any], settings: Settings, token: str, channel: str) -> None:
    with _client(settings, token) as client:
        client.chat_postMessage(
            channel=channel,
            text=message["text"],
            blocks=message.get("blocks"),
            unfurl_links=False,
            unfurl_media=False,
        )


@contextmanager
def _client(settings: Settings, token: str) -> Iterator[WebClient]:
    """A client whose failures leave as CloudError."""
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError, SlackClientError

    patience = settings.slack_patience_seconds
    try:
        yield WebClient(
            token, base_url=settings.slack_base_url, timeout=CALL_SECONDS, retry_handlers=_handlers(patience)
        )
    except SlackApiError as error:
        raise _sorted(error) from error
    except (SlackClientError, OSError, ValueError) as error:  # OSError: connection and timeout; ValueError: no JSON
        raise TryAgainError(f"Slack cannot be reached: {type(error).__name__}") from error


def _word(error: SlackApiError) -> str:
    """Slack's word for what it refuses; empty where something else answered."""
    response: Any = error.response
    data = response.get("body", {}) if isinstance(response, dict) else response.data
    return str(data.get("error", "")) if isinstance(data, dict) else ""


def _sorted(error: SlackApiError) -> CloudError:
    response: Any = error.response
    status = response["status"] if isinstance(response, dict) else response.status_code
    word = _word(error)
    said = word or f"status {status}"
    garbled = status == 200 and not word.isidentifier()  # no code of Slack's: something on the way answered
    if status == 429 or status >= 500 or garbled or word in _PASSING:
        return TryAgainError(f"Slack asks to come back: {said}")
    return RefusedError(f"Slack refuses the message: {said}", _HELP.get(word, ""))


def _handlers(patience: float) -> list[RetryHandler]:
    """Retries within the call: connection errors, and 429 as long as `patience` seconds of sleeping allow."""
    import random
    import time

    from slack_sdk.http_retry import ConnectionErrorRetryHandler, RateLimitErrorRetryHandler

    class Patient(RateLimitErrorRetryHandler):
        left = patience

        def _can_retry(self, *, response: Any = None, **rest: Any) -> bool:
            return super()._can_retry(response=response, **rest) and _retry_after(response) <= self.left

        def prepare_for_next_attempt(self, *, state: Any, response: Any = None, **_: Any) -> None:
            state.next_attempt_requested = True
            pause = min(_retry_after(response) + random.random(), self.left)  # noqa: S311 - jitter
            self.left -= pause
            time.sleep(pause)
            state.increment_current_attempt()

    return [ConnectionErrorRetryHandler(max_retry_count=RETRIES - 1), Patient(max_retry_count=RETRIES)]


def _retry_after(response: Any) -> float:
    """Seconds that Slack asks to wait; a second where it gives no number."""
    said = next((values for name, values in response.headers.items() if name.lower() == "retry-after"), None)
    text = said[0] if isinstance(said, list) and said else said
    try:
        return max(0.0, float(str(text)))
    except ValueError:
        return 1.0
