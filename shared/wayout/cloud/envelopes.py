"""Opening what a delivery is wrapped in: a CloudEvent with plain data, a Pub/Sub message, or nothing at all.

Standard library only: every event passes here, also those that nobody needs.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

BIGGEST = 1 << 20  # bytes; a log entry has at most 256 KiB, an Eventarc event 512 KiB (Google's quota pages)
LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Opened:
    """What was inside. `id` and `time` are the message's own, or else the CloudEvent's; `attributes` the message's."""

    id: str
    time: str
    content: Mapping[str, Any]
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sealed:
    """It could not be opened, and why."""

    id: str
    time: str
    why: str


def unwrap(attributes: Mapping[str, Any], data: object) -> Opened | Sealed:
    """Open a CloudEvent's data, a raw push body or a bare JSON object, given as object or JSON text. Never raises."""
    id_, time = text(attributes.get("id"))[:LONGEST_ID], text(attributes.get("time"))
    inner = _parsed(data) if isinstance(data, bytes | bytearray | str) else data
    if isinstance(inner, _Bad):
        return Sealed(id_, time, inner.why)
    if not isinstance(inner, dict):  # JSON makes no other; Mapping would take four times as long
        return Sealed(id_, time, f"the data is {_kind(inner)}, not an object")
    message = inner.get("message")
    if not isinstance(message, dict):
        return Opened(id_, time, inner, {})
    return _message(message, id_, time)


def _message(message: Mapping[str, Any], id_: str, time: str) -> Opened | Sealed:
    # Google sends camelCase, its emulator both spellings (recorded in googleapis/google-cloudevents)
    id_ = (text(message.get("messageId")) or text(message.get("message_id")) or id_)[:LONGEST_ID]
    time = text(message.get("publishTime")) or text(message.get("publish_time")) or time
    content = _decoded(message.get("data"))
    if isinstance(content, _Bad):
        return Sealed(id_, time, content.why)
    if not isinstance(content, dict):
        return Sealed(id_, time, f"the message holds {_kind(content)}, not an object")
    found = child(message, "attributes")
    return Opened(id_, time, content, {key: text(value) for key, value in found.items()} if found else {})


@dataclass(frozen=True, slots=True)
class _Bad:
    why: str


def _decoded(data: object) -> object:
    if not isinstance(data, str) or not data:
        return _Bad("the message has no data")
    if len(data) > BIGGEST * 4 // 3 + 4:
        return _Bad("the message is too big")
    try:
        # What base64.b64decode(data, validate=True) does, without its copy of the text.
        return _parsed(binascii.a2b_base64(data, strict_mode=True))
    except ValueError:  # of which binascii.Error is one
        return _Bad("the message's data is not base64")


def _parsed(raw: bytes | bytearray | str) -> object:
    if len(raw) > BIGGEST:
        return _Bad("the data is too big")
    try:
        return cast("object", json.loads(raw))
    except (ValueError, RecursionError):
        return _Bad("the data is not JSON")


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a {type(value).__name__}"


def text(value: object) -> str:
    """The value if it is text, else nothing."""
    return value if isinstance(value, str) else ""


def child(value: object, key: str) -> Mapping[str, Any]:
    """The JSON object under a key, or an empty one: payloads are not trusted to have the right types."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}
