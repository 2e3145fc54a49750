"""The answer to an echo: what a function sees of itself. It reads, and writes nothing but the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from wayout import __version__
from wayout.cloud import deployed, log, policyfile, projects, slack
from wayout.cloud.clients import Clients
from wayout.cloud.errors import CloudError, GoneError, RefusedError
from wayout.cloud.outbox import Outbox
from wayout.cloud.settings import Settings
from wayout.egress.health import ChannelSaid, EchoAsked, EchoSaid, PermissionsSaid, PolicySaid, SlackSaid, needed

# Who asks these may publish on a topic of our own. The others hear whoever may write a log entry or send a request, who
# must not make them call Google.
ASKING = ("on_schedule", "on_outcome")

CHANNEL_ID = re.compile(r"[CDG][A-Z0-9]{6,}")  # Slack looks a channel up by this only

Door = Literal["on_audit_log", "on_request", "on_schedule", "on_outcome"]


def answer(asked: Mapping[str, Any], door: Door, id_: str, clients: Clients, outbox: Outbox) -> None:
    """Answer an echo that came to a door, under its message's id. What makes no sense is counted and not answered.

    Raises what may pass; an answer that cannot be published is logged, since the same again would be refused again.
    """
    try:
        wanted = EchoAsked.model_validate(asked)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        log.count("echo.unread", "echo could not be read", id=id_, field=field, why=first["msg"])
        return
    said = _examined(wanted, door, clients)
    try:
        outbox.echo(said, id=f"{wanted.echo}-{door}", time=datetime.now(UTC).isoformat().replace("+00:00", "Z"))
    except RefusedError as error:
        log.error("the echo cannot be answered", id=id_, why=error.why, help=error.help)
    except GoneError as error:
        log.error("the echo cannot be answered", id=id_, why=error.why, help="terraform apply")


def _examined(wanted: EchoAsked, door: Door, clients: Clients) -> EchoSaid:
    settings = clients.settings
    roles = needed.by_project(settings.project, wanted.projects, wanted.network_projects) if door in ASKING else {}
    return EchoSaid(
        echo=wanted.echo,
        door=door,
        version=__version__,
        project=settings.project,
        principal=settings.principal,
        outcome_topic=settings.outcome_topic,
        policy=_policy(settings),
        permissions=(
            *(_permissions(clients, project, plays) for project, plays in roles.items()),
            *(_acting(clients, email) for email in (wanted.accounts if door in ASKING else ())),
        ),
        slack=_slack(settings) if door == "on_outcome" else None,
    )


def _policy(settings: Settings) -> PolicySaid:
    if not settings.policy:
        return PolicySaid(problems=("WAYOUT_POLICY is not set",))
    found = policyfile.on_disk(Path(settings.policy))
    digest = found.digest[:12]
    if found.policy is None:
        return PolicySaid(digest=digest, problems=found.problems)
    return PolicySaid(digest=digest, mode=found.policy.mode, paused=found.policy.paused)


def _permissions(clients: Clients, project: str, roles: tuple[needed.Role, ...]) -> PermissionsSaid:
    names = needed.permissions(roles)
    return _asked(f"projects/{project}", roles, names, lambda: projects.held(clients, project, names))


def _acting(clients: Clients, email: str) -> PermissionsSaid:
    """Whether jobs that run as this account can be attached: changing one takes acting as it."""
    name, wanted = needed.account(email), frozenset({needed.ACT_AS})
    may = deployed.may_act_as
    return _asked(name, (), tuple(wanted), lambda: wanted if may(clients, name) else frozenset())


def _asked(
    resource: str, roles: tuple[needed.Role, ...], names: tuple[str, ...], look: Callable[[], frozenset[str]]
) -> PermissionsSaid:
    said = PermissionsSaid(resource=resource, roles=roles, asked=len(names))
    try:
        held = look()
    except GoneError:
        held = frozenset()
    except CloudError as error:
        help_ = error.help if isinstance(error, RefusedError) else "run this again"
        if help_.startswith("grant "):  # whoever may do nothing at all with a thing is not told that it is there
            held = frozenset()
        else:
            return said.model_copy(update={"unknown": error.why, "help": help_})
    return said.model_copy(update={"missing": tuple(one for one in names if one not in held)})


def _slack(settings: Settings) -> SlackSaid:
    if not (settings.slack_token.get_secret_value() and settings.slack_channel):
        unset = "SLACK_CHANNEL" if settings.slack_token.get_secret_value() else "SLACK_TOKEN"
        return SlackSaid(ready=False, why=f"{unset} is not set")
    name = settings.slack_channel
    try:
        token = slack.test(settings)
    except CloudError as error:
        help_ = error.help if isinstance(error, RefusedError) else ""
        return SlackSaid(ready=False, channel=name, why=error.why, help=help_)
    return SlackSaid(ready=True, team=token.team, channel=name, scopes=token.scopes, seen=_channel(settings))


def _channel(settings: Settings) -> ChannelSaid:
    if not CHANNEL_ID.fullmatch(settings.slack_channel):
        return ChannelSaid(hidden="named")
    try:
        found = slack.channel(settings)
    except CloudError as error:
        return ChannelSaid(hidden=error.why)
    return ChannelSaid(member=found.member, archived=found.archived, private=found.private, hidden=found.hidden)
