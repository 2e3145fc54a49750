"""Whether an answer is one that Google's own documents allow: every field known, of the type and format they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from localcloud.calls import Document
from localcloud.documents.discovery import ApiMethod
from localcloud.documents.schema import FORMATS, UNLISTED_VALUES

TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
}


def departures(method: ApiMethod, answer: Document) -> list[str]:
    """Where an answer (enums as names) departs from its method's response schema, a line each; empty if nowhere."""
    if method.response is None:
        return [] if answer == {} else ["the method answers with nothing"]
    return list(_departures(method.document.schemas, {"$ref": method.response}, answer, method.response))


def _departures(schemas: Document, schema: Document, value: Any, path: str) -> Iterator[str]:
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    kind = schema.get("type", "any")
    if kind == "any":
        return
    if not TYPES[kind](value):
        yield f"{path} is {type(value).__name__}, not {kind}"
    elif kind == "object":
        yield from _of_object(schemas, schema, value, path)
    elif kind == "array":
        for index, one in enumerate(value):
            yield from _departures(schemas, schema["items"], one, f"{path}[{index}]")
    elif kind == "string":
        yield from _of_text(schema, value, path)


def _of_object(schemas: Document, schema: Document, value: Document, path: str) -> Iterator[str]:
    known, every = schema.get("properties", {}), schema.get("additionalProperties")
    for name, one in value.items():
        inner = known.get(name, every)
        if inner is None:
            yield f"{path}.{name} is in no document"
        else:
            yield from _departures(schemas, inner, one, f"{path}.{name}")


def _of_text(schema: Document, value: str, path: str) -> Iterator[str]:
    kind = schema.get("format", "")
    if kind in ("int64", "uint64") and not value.lstrip("-").isdecimal():
        yield f"{path} is {value!r}, not {kind}"
    if kind in FORMATS and not FORMATS[kind].fullmatch(value):
        yield f"{path} is {value!r}, not {kind}"
    allowed = schema.get("enum")
    if allowed and value not in {*allowed, *UNLISTED_VALUES.get(path.rsplit(".", 1)[-1], ())}:
        yield f"{path} is {value!r}, which is none of its values"
