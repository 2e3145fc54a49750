"""The fields of a LogEntry as the query language sees them: where they are, what a missing one is, how they compare."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localcloud.calls import Document

# google.logging.type.LogSeverity
SEVERITIES = {
    "DEFAULT": 0,
    "DEBUG": 100,
    "INFO": 200,
    "NOTICE": 300,
    "WARNING": 400,
    "ERROR": 500,
    "CRITICAL": 600,
    "ALERT": 700,
    "EMERGENCY": 800,
}
TIMES = {"timestamp", "receiveTimestamp"}

# Fields that the LogEntry type defines: a missing one has its default value, any other missing one compares as false.
DEFAULTS: Document = {
    "logName": "",
    "insertId": "",
    "textPayload": None,
    "timestamp": None,
    "receiveTimestamp": None,
    "severity": "DEFAULT",
    "trace": "",
    "spanId": "",
    "traceSampled": False,
    "resource": {"type": ""},
    "httpRequest": {
        "requestMethod": "",
        "requestUrl": "",
        "requestSize": 0,
        "status": 0,
        "responseSize": 0,
        "userAgent": "",
        "remoteIp": "",
        "serverIp": "",
        "referer": "",
        "latency": "",
        "cacheLookup": False,
        "cacheHit": False,
        "cacheValidatedWithOriginServer": False,
        "cacheFillBytes": 0,
        "protocol": "",
    },
    "operation": {"id": "", "producer": "", "first": False, "last": False},
    "sourceLocation": {"file": "", "line": 0, "function": ""},
    "split": {"uid": "", "index": 0, "totalSplits": 0},
}
OPEN = {"labels", "jsonPayload", "protoPayload", "metadata", "errorGroups", "apphub"}

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_PART = re.compile(r'"((?:[^"\\]|\\.)*)"|([^."]+)')


class FieldError(ValueError):
    """A field that no log entry has, or a value that it cannot be compared with."""


@dataclass(frozen=True)
class Path:
    """The parts of a field's name."""

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Path:
        """From `labels."compute.googleapis.com/x"`. The first part may be written in snake_case."""
        parts = [quoted or plain for quoted, plain in _PART.findall(text)]
        first = re.sub(r"_([a-z])", lambda found: found[1].upper(), parts[0])
        return cls((first, *parts[1:]))

    def __str__(self) -> str:
        return ".".join(self.parts)


def resolve(path: Path) -> None:
    """Raise FieldError for a name that the LogEntry type does not have."""
    first, *rest = path.parts
    if first in OPEN or (first == "resource" and rest[:1] == ["labels"]):
        return
    node: Any = DEFAULTS
    for part in path.parts:
        if not isinstance(node, dict) or part not in node:
            raise FieldError(f"Field not found: '{path}'")
        node = node[part]


def values(entry: Document, path: Path) -> Iterator[Any]:
    """Everything that `path` leads to, through lists too; the default of a defined field that is missing."""
    found = list(_follow(entry, path.parts))
    if found:
        yield from found
        return
    node: Any = DEFAULTS
    for part in path.parts:
        node = node.get(part) if isinstance(node, dict) else None
    if node is not None and not isinstance(node, dict):
        yield node


def _follow(node: Any, parts: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(node, list):
        for item in node:
            yield from _follow(item, parts)
    elif not parts:
        if node is not None:
            yield node
    elif isinstance(node, dict) and parts[0] in node:
        yield from _follow(node[parts[0]], parts[1:])


def strings(node: Any) -> Iterator[str]:
    """Every value in an entry, as text."""
    if isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for item in node:
            yield from strings(item)
    elif node is not None:
        yield _text(node)


def moment(text: str) -> datetime:
    """RFC 3339, or a date, in UTC. Raises ValueError."""
    found = datetime.fromisoformat(text.strip())
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def comparison(path: Path, sign: str, value: str, *, quoted: bool) -> Callable[[Document], bool]:
    """What compares the field of an entry with `value`. Raises FieldError."""
    if sign == ":" and value == "*" and not quoted:
        return lambda entry: any(True for _ in _follow(entry, path.parts)) or _holds(entry, path.parts)
    test = _test(path, "=" if sign == "!=" else sign, value)
    if sign == "!=":
        return lambda entry: bool(found := list(values(entry, path))) and not any(map(test, found))
    return lambda entry: any(map(test, values(entry, path)))


def _holds(entry: Document, parts: tuple[str, ...]) -> bool:
    """Whether something is there, even an empty map."""
    node: Any = entry
    for part in parts:
        if not isinstance(node, dict) or part not in node:
            return False
        node = node[part]
    return True


def _test(path: Path, sign: str, value: str) -> Callable[[Any], bool]:
    if sign in ("=~", "!~"):
        return _regex(sign, value)
    if path.parts == ("severity",):
        return _severity(sign, value)
    if len(path.parts) == 1 and path.parts[0] in TIMES:
        return _time(path, sign, value)
    if sign == ":":
        return lambda found: value.lower() in _text(found).lower()
    compare = _COMPARE[sign]
    return lambda found: _compares(compare, found, value)


def _regex(sign: str, value: str) -> Callable[[Any], bool]:
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise FieldError(f"invalid regular expression: {error}") from None
    wanted = sign == "=~"
    return lambda found: (pattern.search(_text(found)) is not None) is wanted


def _severity(sign: str, value: str) -> Callable[[Any], bool]:
    wanted = _rank(value)
    if wanted is None:
        raise FieldError(f"'{value}' is no severity")
    compare = _COMPARE["=" if sign == ":" else sign]
    return lambda found: compare(_rank(found) or 0, wanted)


def _rank(value: Any) -> int | None:
    text = str(value).upper()
    return int(text) if text.isdecimal() else SEVERITIES.get(text)


def _time(path: Path, sign: str, value: str) -> Callable[[Any], bool]:
    try:
        wanted = moment(value)
    except ValueError:
        raise FieldError(f"'{value}' is no time that {path} could be compared with") from None
    compare = _COMPARE["=" if sign == ":" else sign]
    return lambda found: compare(moment(found), wanted)


def _compares(compare: Callable[[Any, Any], bool], found: Any, value: str) -> bool:
    """By the type that the entry's value has; text that is a number on both sides compares as one."""
    if isinstance(found, bool):
        return compare(found, value.lower() == "true") if value.lower() in ("true", "false") else False
    if isinstance(found, dict):
        return False
    if isinstance(found, str) and compare is operator.eq:
        return found.lower() == value.lower()  # ids have more digits than a float holds
    left, right = _number(found), _number(value)
    if left is not None and right is not None:
        return compare(left, right)
    if not isinstance(found, str):
        return False
    return compare(found.lower(), value.lower())


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
