"""Pub/Sub messages that we agreed on: requests in, outcomes out, the clock's tick. Validated once, here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wayout.cloud.envelopes import Opened, Sealed, text, unwrap
from wayout.egress.names import JobName
from wayout.egress.targets import Cause, EverythingTarget, JobTarget

if TYPE_CHECKING:
    from pydantic import ValidationError

    from wayout.egress.messages import OutcomeSaid

_LONGEST = 200  # of what an invalid request is quoted with


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that makes sense. `request` is the sender's own id of it, `cause.id` the message's."""

    target: JobTarget
    cause: Cause
    request: str = ""


@dataclass(frozen=True, slots=True)
class Tick:
    """It is time to sweep."""

    target: EverythingTarget
    cause: Cause


@dataclass(frozen=True, slots=True)
class BadRequest:
    """A message that cannot be read: `field` (dotted; empty for the whole message) and what is wrong with it.

    `id` is the message's; `sender` and `request` are what it says of itself, as far as that can be read.
    """

    id: str
    field: str
    message: str
    sender: str = ""
    request: str = ""
    time: str = ""


def read_request(attributes: Mapping[str, Any], data: object) -> Asked | BadRequest:
    """Another system's request, by docs/schemas/request.v1.schema.json. Never raises."""
    from pydantic import ValidationError

    from wayout.egress.messages import Request

    opened = unwrap(attributes, data)
    if isinstance(opened, Sealed):
        return BadRequest(opened.id, "", opened.why, time=opened.time)
    try:
        asked = Request.model_validate(opened.content)
    except ValidationError as error:
        return _bad(opened, error)
    cause = Cause(opened.id, asked.sender, "request", opened.time)
    target = JobTarget(JobName.parse(asked.job), requested=asked.profile, sender=asked.sender)
    return Asked(target, cause, asked.id)


def read_schedule(attributes: Mapping[str, Any], data: object) -> Tick:
    """Cloud Scheduler's message: whatever it holds, it means to look at everything. Never raises."""
    opened = unwrap(attributes, data)
    return Tick(EverythingTarget(), Cause(opened.id, "Cloud Scheduler", "sweep", opened.time))


def read_outcome(attributes: Mapping[str, Any], data: object) -> OutcomeSaid | BadRequest:
    """An outcome: a structured CloudEvent in a Pub/Sub message, or delivered as the CloudEvent itself. Never raises."""
    from pydantic import ValidationError

    from wayout.egress.messages import OUTCOME_TYPE, OutcomeSaid

    if attributes.get("type") == OUTCOME_TYPE:
        attributes, data = {}, {"type": OUTCOME_TYPE, "specversion": "1.0", "id": attributes.get("id"), "data": data}
    opened = unwrap(attributes, data)
    if isinstance(opened, Sealed):
        return BadRequest(opened.id, "", opened.why, time=opened.time)
    event = opened.content
    id_ = text(event.get("id"))[:_LONGEST] or opened.id
    for field, wanted in (("specversion", "1.0"), ("type", OUTCOME_TYPE)):
        if event.get(field) != wanted:
            return BadRequest(id_, field, f"is not {wanted!r}", time=opened.time)
    try:
        return OutcomeSaid.model_validate(event.get("data"))
    except ValidationError as error:
        bad = _bad(opened, error)
        return BadRequest(id_, f"data.{bad.field}" if bad.field else "data", bad.message, time=opened.time)


def _bad(opened: Opened, error: ValidationError) -> BadRequest:
    """The first thing that is wrong; `msg` says what was expected, and never repeats the input."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    sender, request = (text(opened.content.get(key))[:_LONGEST] for key in ("sender", "id"))
    return BadRequest(
        opened.id, field[:_LONGEST], first["msg"].removeprefix("Value error, "), sender, request, opened.time
    )
