"""What a change was and is to become, as plain JSON and back, and the mark by which the ledger knows it again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
from enum import Enum
from typing import Any, Union, get_args, get_origin, get_type_hints

from wayout.egress.model import KINDS, Attach, Change, Create, JobName, Remove, Site, Update, Way
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


def revived(kind: str, subject: str, before: Any, after: Any, because: str) -> Change:
    """The change whose `sides` these are. Raises ValueError for what no change of ours looks like."""
    try:
        if kind == "job":
            was, way = (_formed(Way | None, side["vpcAccess"]) for side in (before, after))
            return Attach(JobName.parse(subject), str(before["etag"]), way, was, because)
        form = next(form for form, word in KINDS.items() if word == kind)
        was, thing = (None if side is None else _formed(form, side) for side in (before, after))
    except (StopIteration, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"this is no change of a {kind}: {error!r}") from error
    if was is not None:
        return Remove(was, because) if thing is None else Update(thing, was, because)
    if thing is None:
        raise ValueError(f"this {kind} was neither there before nor afterwards")
    return Create(thing, because)


def _formed(form: Any, value: Any) -> Any:
    """A value of this type, of its plain JSON; what the JSON has more is left out."""
    if get_origin(form) in (Union, types.UnionType):
        [some] = [one for one in get_args(form) if one is not types.NoneType]
        return None if value is None else _formed(some, value)
    if get_origin(form) is tuple:
        return tuple(_formed(get_args(form)[0], one) for one in value)
    if issubclass(form, Name):
        return form.parse(value)
    if isinstance(form, type) and dataclasses.is_dataclass(form):
        fields = {name: field for name, field in get_type_hints(form).items() if name in value}
        return form(**{name: _formed(field, value[name]) for name, field in fields.items()})
    return form(value)  # a number may have become another kind of number on its way
