"""Enum numbers to names, from the protobuf descriptors of the installed client libraries.

Client libraries ask for `$alt=json;enum-encoding=int` and send numbers; discovery documents hold the names only, and
not in the order of their numbers.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import Any

# service -> module that registers its messages, protobuf package, what discovery puts before its messages' names
SOURCES = {
    "run": ("google.cloud.run_v2", "google.cloud.run.v2", "GoogleCloudRunV2"),
    "vpcaccess": ("google.cloud.vpcaccess_v1", "google.cloud.vpcaccess.v1", ""),
    "logging": ("google.cloud.logging_v2.types", "google.logging.v2", ""),
}


@dataclass(frozen=True)
class EnumNames:
    """One place in a message: the message or enum that stands there, found only when a number turns up."""

    service: str
    message: str
    path: tuple[str, ...] = ()

    @classmethod
    def of(cls, service: str, schema: str) -> EnumNames:
        return cls(service, schema)

    def at(self, field: str) -> EnumNames:
        """The place one field (by its JSON name) further in; through lists and maps alike."""
        return EnumNames(self.service, self.message, (*self.path, field))

    def name(self, number: int) -> str | None:
        """The name of an enum value, None when there is no such enum or number."""
        enum = self._enum()
        value = enum.values_by_number.get(number) if enum is not None else None
        return str(value.name) if value is not None else None

    def type_name(self) -> str:
        """The type as Google's complaints write it, or nothing."""
        enum = self._enum()
        return f"type.googleapis.com/{enum.full_name}" if enum is not None else ""

    def _enum(self) -> Any:
        place = _message(self.service, self.message)
        for name in self.path:
            fields = place.fields_by_name.values() if place is not None and hasattr(place, "fields_by_name") else ()
            field = next((one for one in fields if one.json_name == name), None)
            if field is None:
                return None
            place = field.message_type or field.enum_type
            if field.message_type is not None and field.message_type.GetOptions().map_entry:
                value = field.message_type.fields_by_name["value"]
                place = value.message_type or value.enum_type
        return place if hasattr(place, "values_by_number") else None


@cache
def _message(service: str, schema: str) -> Any:
    """The protobuf descriptor that a discovery schema stands for."""
    if service not in SOURCES:
        return None
    from google.protobuf import descriptor_pool

    module, package, prefix = SOURCES[service]
    if not schema.startswith(prefix):
        return None  # of another version than the library's
    importlib.import_module(module)
    try:
        return descriptor_pool.Default().FindMessageTypeByName(f"{package}.{schema.removeprefix(prefix)}")
    except KeyError:
        return None


def numbered(service: str, schema: str | None, document: Any) -> Any:
    """An answer with its enums as numbers: what `$alt=json;enum-encoding=int` asks for.

    Where no message type is known, names stay names; clients accept both.
    """
    if service in SOURCES:
        importlib.import_module(SOURCES[service][0])  # what an Any holds can only be looked up once it is registered
    return _numbered(_message(service, schema) if schema else None, document)


def _numbered(message: Any, document: Any) -> Any:
    if isinstance(document, list):
        return [_numbered(message, one) for one in document]
    if not isinstance(document, dict):
        return document
    message = _typed(document) or message
    fields = {one.json_name: one for one in message.fields} if message is not None else {}
    return {key: _value(fields.get(key), value) for key, value in document.items()}


def _value(field: Any, value: Any) -> Any:
    if field is None:
        return _numbered(None, value)
    if field.enum_type is not None:
        return (
            [_number(field.enum_type, one) for one in value]
            if isinstance(value, list)
            else _number(field.enum_type, value)
        )
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        return {key: _value(inner.fields_by_name["value"], one) for key, one in value.items()}
    return _numbered(inner, value)


def _number(enum: Any, value: Any) -> Any:
    found = enum.values_by_name.get(value) if isinstance(value, str) else None
    return found.number if found is not None else value


def _typed(document: dict[str, Any]) -> Any:
    """The message that an Any says it holds."""
    from google.protobuf import descriptor_pool

    try:
        return descriptor_pool.Default().FindMessageTypeByName(str(document["@type"]).rpartition("/")[2])
    except KeyError:
        return None
