"""Verdicts on Slack: its token, and the channel that it posts to."""

from __future__ import annotations

from collections.abc import Iterator

from wayout.egress.health.deployment import Deployment
from wayout.egress.health.findings import Finding, green, red, unknown
from wayout.egress.health.messages import ChannelSaid, SlackSaid
from wayout.egress.health.seeing import Seen

WRITE, WRITE_PUBLIC, READ, READ_PRIVATE = "chat:write", "chat:write.public", "channels:read", "groups:read"
_ELSEWHERE = "check slack_channel, then terraform apply"


def slack(laid: Deployment, seen: Seen) -> Iterator[Finding]:
    """Whether Slack takes the token; and where it does, whether the app may post in its channel."""
    said = next((one.slack for one in seen.answers() if one.slack), None)
    if not laid.slack:
        yield green("Slack", "token", "not wanted: slack_channel is empty")
    elif said is None:
        yield unknown("Slack", "token", "on_outcome has not answered", "see above: Echo")
    elif said.ready:
        yield green("Slack", "token", f"taken by {said.team or 'Slack'}")
        yield _channel(said)
    else:
        command = 'printf %s "$TOKEN" | gcloud secrets versions add wayout-slack-token --data-file=-'
        step = f"{said.help or 'give the token'}: {command} --project={laid.project} ; then redeploy on_outcome"
        yield red("Slack", "token", said.why, step)


def _channel(said: SlackSaid) -> Finding:
    what, name, seen = "channel", said.channel, said.seen
    if said.scopes and WRITE not in said.scopes:
        return red("Slack", what, f"the token may not post: it lacks the scope {WRITE}", _given(WRITE))
    if seen is None:
        return unknown("Slack", what, "channel not checked: an older on_outcome has answered", "deploy this version")
    if seen.hidden:
        return _hidden(said, seen.hidden)
    if seen.archived:
        return red("Slack", what, f"{name} is archived: nothing can be posted there", f"unarchive it; or {_ELSEWHERE}")
    if seen.member or _unlocked(said, seen):
        how = "the app is in it" if seen.member else f"public, and the app has {WRITE_PUBLIC}"
        return green("Slack", what, f"posts go to {name}: {how}")
    return red("Slack", what, f"the app is not in {name}: every post is refused", f"in {name}, write: /invite @THE-APP")


def _unlocked(said: SlackSaid, seen: ChannelSaid) -> bool:
    """Whether who is not in the channel may post there all the same."""
    return WRITE_PUBLIC in said.scopes and not seen.private


def _hidden(said: SlackSaid, word: str) -> Finding:
    """The channel could not be looked at: red only where Slack's word can have no other reason."""
    what, name, not_checked = "channel", said.channel, "channel not checked"
    if word == "named":
        step = "write its id (C…: the last part of its link) as slack_channel, then terraform apply"
        return unknown("Slack", what, f"{not_checked}: {name} is a name, and Slack looks channels up by id", step)
    if word == "missing_scope":
        why = f"{not_checked}: the token has no scope to look at it with"
        return unknown("Slack", what, why, f"{_given(READ)}; for a private channel {READ_PRIVATE}")
    if word != "channel_not_found":
        return unknown("Slack", what, f"{not_checked}: {word}", "run this again")
    if said.scopes and READ_PRIVATE not in said.scopes:
        why = f"{not_checked}: {name} is no public channel, and the token may look at no private one"
        return unknown("Slack", what, why, f"{_given(READ_PRIVATE)}; or {_ELSEWHERE}")
    why = f"there is no {name}, or it is private and the app is not in it (Slack: {word})"
    return red("Slack", what, why, f"{_ELSEWHERE}; if it is private, write there: /invite @THE-APP")


def _given(scope: str) -> str:
    return f"give the Slack app the scope {scope} and install it again"
