"""Echoes of `wayout doctor`: knowing one at a door. Standard library only: every message passes here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wayout.cloud.envelopes import LONGEST_ID, Opened, child, text, unwrap

TYPE = "dev.wayout.echo.v1"  # the CloudEvent that answers one
LOG = "wayout-doctor"  # the log that sinks let through
KIND = "kind"  # the attribute that tells echoes from all other messages
WANTED, ANSWER = "echo-wanted", "echo"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message asks for an echo. `asked` is what it says, not yet checked."""

    id: str
    asked: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A message is the answer to one: nothing to do."""

    id: str


def read(attributes: Mapping[str, Any], data: object) -> Wanted | Answer | None:
    """Whether a Pub/Sub message belongs to an echo. Never raises."""
    opened = unwrap(attributes, data)
    if not isinstance(opened, Opened):
        return None
    kind = opened.attributes.get(KIND)
    if kind == WANTED:
        return Wanted(opened.id, opened.content)
    if kind == ANSWER or TYPE in (attributes.get("type"), opened.content.get("type")):
        return Answer(opened.id)
    return None


def in_entry(id_: str, entry: Mapping[str, Any]) -> Wanted | None:
    """Whether a log entry asks for an echo: one of the doctor's log."""
    if not text(entry.get("logName")).endswith(f"/logs/{LOG}"):
        return None
    return Wanted(text(entry.get("insertId"))[:LONGEST_ID] or id_, child(entry, "jsonPayload"))
