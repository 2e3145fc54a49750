"""What pydantic finds in a policy, in plain words, each problem once and with its line and field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import yaml
from pydantic_core import ErrorDetails

from wayout.egress.policy.checks import ContradictionError

Path = tuple[int | str, ...]

_LIST, _TEXT, _FLAG, _NUMBER, _MAPPING = (
    "write a list",
    "write text",
    "write true or false",
    "write a whole number",
    "write a mapping",
)
_DATE = "write a date such as 2027-01-31"
_WORDS = {
    "missing": "it is required",
    "extra_forbidden": "there is no such field",
    "tuple_type": _LIST,
    "string_type": _TEXT,
    "invalid_key": _TEXT,
    "bool_type": _FLAG,
    "bool_parsing": _FLAG,
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_parsing_size": _NUMBER,
    "int_from_float": _NUMBER,
    "dict_type": _MAPPING,
    "model_type": _MAPPING,
    "date_type": _DATE,
    "date_parsing": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_from_datetime_inexact": _DATE,
    "literal_error": "write {expected}",
    "enum": "write {expected}",
    "greater_than_equal": "write {ge} or more",
    "less_than_equal": "write {le} or less",
    "too_short": "write at least {min_length}",
    "too_long": "write at most {max_length}",
    "string_too_short": "write at least {min_length} character",
    "string_pattern_mismatch": "a name is 2 to 63 lower-case letters, digits and hyphens, and begins with a letter",
    "value_error": "{error}",
}


@dataclass(frozen=True, slots=True)
class _Found:
    """A problem: the field that is there, what is missing in it, and whether what lies in it may be to blame."""

    path: Path
    missing: str
    said: str
    blames: bool = False
    line: int = 0


def told(errors: Iterable[ErrorDetails], tree: yaml.Node | None) -> list[str]:
    """Every problem, in the order of its lines."""
    found = [one for error in errors for one in _found(error, tree)]
    inner = {one.path[:depth] for one in found for depth in range(len(one.path))}
    merged: dict[tuple[Path, str], _Found] = {}
    for one in found:
        if one.blames and one.path in inner:
            continue
        before = merged.get((one.path, one.missing))
        said = one.said if before is None else _either(before.said, one.said)
        merged[one.path, one.missing] = _Found(one.path, one.missing, said, line=one.line)
    return [_line(one) for one in sorted(merged.values(), key=lambda one: one.line)]


def _either(said: str, other: str) -> str:
    """Two of one field: what it may be instead, or two problems."""
    if other in said:
        return said
    both = said.startswith("write ") and other.startswith("write ")
    return f"{said}, or {other.removeprefix('write ')}" if both else f"{said}; {other}"


def _line(one: _Found) -> str:
    field = ".".join(map(str, one.path)) or "policy"
    return f"line {one.line}: {field}{f' ({one.missing})' if one.missing else ''}: {one.said}"


def _found(error: ErrorDetails, tree: yaml.Node | None) -> Iterator[_Found]:
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ContradictionError):
        for one in cause.found:
            path, line = _place(tree, one.path)
            yield _Found(path, "", one.why, line=line)
        return
    path, line = _place(tree, error["loc"])
    missing = str(error["loc"][-1]) if error["type"] == "missing" else ""
    branch = any(step in ("bool", "tuple[str, ...]") for step in error["loc"][len(path) :])  # of a union
    yield _Found(path, missing, _said(error), branch or error["type"] == "too_short", line)


def _said(error: ErrorDetails) -> str:
    if error["type"] == "string_type" and isinstance(error["input"], int):
        return f"{_TEXT}, in quotes"
    context = {key: str(value) for key, value in error.get("ctx", {}).items()}
    if "expected" in context:
        context["expected"] = context["expected"].replace("'", "")
    words = _WORDS.get(error["type"])
    return words.format_map(context) if words else error["msg"]


def _place(tree: yaml.Node | None, path: Path) -> tuple[Path, int]:
    """The part of a path that is written in the policy, and its line; pydantic adds steps, as for a union's branch."""
    node, known = tree, Path()
    for step in path:
        child = _child(node, step)
        if child is not None:
            node, known = child, (*known, step)
    return known, node.start_mark.line + 1 if node else 1


def _child(node: yaml.Node | None, step: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        child: yaml.Node = node.value[step]
        return child
    return None
