"""Protobuf messages to and from JSON documents without losing what one side does not know.

A field that the message type lacks stays in the document as bytes, under a key that REST never shows. A JSON field
that the message type lacks travels as an unknown field of ours, so that read, change and write back keeps it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.unknown_fields import UnknownFieldSet

from localcloud.calls import UNKNOWN, Document

CARRIER = 536_870_911  # the highest field number there is: no API of Google's uses it
VARINT, FIXED64, LENGTH, GROUP, FIXED32 = 0, 1, 2, 3, 5
GROUP_END = 4


def message_class(name: str) -> Any:
    """The class of a message by its full name, None when no installed library has it."""
    try:
        return message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(name))
    except KeyError:
        return None


def to_document(message: Any) -> Document:
    """The JSON form of a message, unknown fields kept at every depth."""
    document: Document = json_format.MessageToDict(message)
    _note(message, document)
    return document


def to_message(kind: Any, document: Document) -> Any:
    """A message of class `kind` from its JSON form, with the fields that the class does not know."""
    message = kind()
    json_format.ParseDict(document, message, ignore_unknown_fields=True)
    _restore(message, document)
    return message


# from a message


def _note(message: Any, document: Document) -> None:
    for field, value in message.ListFields():
        if field.message_type is not None and field.json_name in document:
            for inner, place in _pairs(field, value, document[field.json_name]):
                _note(inner, place)
    kept = b""
    for one in UnknownFieldSet(message):
        if one.field_number == CARRIER and one.wire_type == LENGTH:
            document.update({key: value for key, value in json.loads(one.data).items() if key not in document})
        else:
            kept += _encoded(one)
    if kept:
        document[UNKNOWN] = base64.b64encode(kept).decode()


def _pairs(field: Any, value: Any, document: Any) -> Iterator[tuple[Any, Document]]:
    """The messages under one field, each with its place in the document. Google's own well-known types have none."""
    kind = field.message_type
    if kind.GetOptions().map_entry:
        if (of := kind.fields_by_name["value"].message_type) is not None and not _plain(of):
            yield from ((value[key], document[_key(key)]) for key in value if _key(key) in document)
    elif _plain(kind):
        return
    elif isinstance(document, list):
        yield from zip(value, document, strict=True)
    else:
        yield value, document


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _plain(kind: Any) -> bool:
    return bool(kind.full_name.startswith("google.protobuf."))


def _encoded(one: Any) -> bytes:
    tag = _varint(one.field_number << 3 | one.wire_type)
    if one.wire_type == VARINT:
        return tag + _varint(one.data)
    if one.wire_type == LENGTH:
        return tag + _varint(len(one.data)) + bytes(one.data)
    if one.wire_type == GROUP:
        inner = b"".join(_encoded(part) for part in one.data)
        return tag + inner + _varint(one.field_number << 3 | GROUP_END)
    return tag + int(one.data).to_bytes(8 if one.wire_type == FIXED64 else 4, "little")


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


# to a message


def _restore(message: Any, document: Document) -> None:
    if message.DESCRIPTOR.full_name == "google.protobuf.Any":
        _restore_any(message, document)
        return
    fields = {field.json_name: field for field in message.DESCRIPTOR.fields}
    carried: Document = {}
    for key, value in document.items():
        field = fields.get(key)
        if key == UNKNOWN:
            message.MergeFromString(base64.b64decode(value))
        elif field is None or _unheard_of(field, value):
            carried[key] = value
        elif field.message_type is not None and value is not None:
            _restore_under(field, getattr(message, field.name), value)
    if carried:
        text = json.dumps(carried).encode()
        message.MergeFromString(_varint(CARRIER << 3 | LENGTH) + _varint(len(text)) + text)


def _restore_under(field: Any, value: Any, document: Any) -> None:
    if field.message_type.full_name == "google.protobuf.Any" and isinstance(document, dict):
        _restore_any(value, document)
    for inner, place in _pairs(field, value, document):
        _restore(inner, place)


def _restore_any(packed: Any, document: Document) -> None:
    name = packed.TypeName()
    kind = message_class(name)
    if kind is None or name.startswith("google.protobuf."):
        return
    inner = kind()
    inner.ParseFromString(packed.value)
    _restore(inner, {key: value for key, value in document.items() if key != "@type"})
    packed.value = inner.SerializeToString()


def _unheard_of(field: Any, value: Any) -> bool:
    """Whether `value` is an enum's name that the library is too old for."""
    return field.enum_type is not None and isinstance(value, str) and value not in field.enum_type.values_by_name
