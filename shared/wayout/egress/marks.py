"""What a change was and is to become, as plain JSON, and the mark by which the ledger knows it again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from enum import Enum
from typing import Any

from wayout.egress.model import Attach, Change, Create, Remove, Site, Update
from wayout.egress.names import Name

# Google's word for how often a thing was written: it differs at every look, and is nothing that a thing is to become.
_PASSING = frozenset({"fingerprint"})


def mark(change: Change) -> str:
    """Eight hexadecimal digits that stand for what a thing is to become, or for what is removed.

    The same change planned again has the same mark, whenever it is planned and whatever the reason.
    """
    before, after = sides(change)
    said = after if after is not None else before
    lasting = {key: value for key, value in said.items() if key not in _PASSING}
    text = json.dumps(lasting, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def sides(change: Change) -> tuple[Any, Any]:
    """Before and after, as plain JSON. Of a job no more than what is ours to change, and the etag that it had."""
    match change:
        case Create(thing):
            return None, plain(thing)
        case Update(thing, was):
            return plain(was), plain(thing)
        case Remove(thing):
            return plain(thing), None
        case Attach(etag=etag, way=way, was=was):
            return {"vpcAccess": plain(was), "etag": etag}, {"vpcAccess": plain(way)}


def plain(value: object) -> Any:
    """A frozen value as plain JSON: names as text, enums as their value, the rest field by field."""
    if isinstance(value, Name | Site):
        return str(value)
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    return value
