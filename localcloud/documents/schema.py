"""Checks a JSON body against its discovery schema and brings it into one form, as Google's JSON front end does."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from localcloud.calls import Document
from localcloud.documents.discovery import ApiMethod
from localcloud.documents.enums import EnumNames
from localcloud.errors import INVALID, ApiError

# What Google's front end calls the body in its complaints: the field of the request message that it fills.
BODY_FIELDS = {
    "GoogleCloudRunV2Job": "job",
    "Connector": "connector",
    "LogSink": "sink",
    "ManagedZone": "managed_zone",
    "ResourceRecordSet": "rrset",
}
# Values that real requests hold and the published list lacks. Source: a private NAT recorded by k8s-config-connector.
UNLISTED_VALUES = {"natIpAllocateOption": {"USE_SHARED_RANGES"}, "action": {"RUN"}}

INT_BOUNDS = {"int32": (-(2**31), 2**31), "uint32": (0, 2**32), "int64": (-(2**63), 2**63), "uint64": (0, 2**64)}
FORMATS: dict[str, re.Pattern[str]] = {
    "google-duration": re.compile(r"-?\d+(\.\d{1,9})?s"),
    "google-datetime": re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)"),
}


def checked(method: ApiMethod, body: Any) -> Document:
    """The body in camelCase, without nulls and read-only fields, enums as names, int64 as text.

    Raises INVALID_ARGUMENT with the path of the first thing that the schema does not allow.
    """
    if method.request is None:
        return {}
    if not isinstance(body, dict):
        raise ApiError(INVALID, 'Invalid JSON payload received. Unknown name "": Root element must be a message.')
    enums = EnumNames.of(method.service, method.request)
    root = "resource" if method.service == "compute" else BODY_FIELDS.get(method.request, "")
    checker = _Checker(method.document.schemas, snake=method.service != "compute")
    found: Document = checker.value({"$ref": method.request}, body, root, enums)
    return found


class _Checker:
    def __init__(self, schemas: Document, *, snake: bool) -> None:
        self.schemas = schemas
        self.snake = snake

    def value(self, schema: Document, value: Any, path: str, enums: EnumNames) -> Any:
        schema = self.schemas[schema["$ref"]] if "$ref" in schema else schema
        check: Callable[[Document, Any, str, EnumNames], Any] | None = {
            "object": self._object,
            "array": self._array,
            "boolean": self._boolean,
            "integer": self._integer,
            "number": self._number,
            "string": self._string,
        }.get(schema.get("type", "any"))
        return check(schema, value, path, enums) if check else value

    def _object(self, schema: Document, value: Any, path: str, enums: EnumNames) -> Document:
        if not isinstance(value, dict):
            raise _invalid(path, "message", value)
        if "additionalProperties" in schema:
            inner = schema["additionalProperties"]
            return {key: self.value(inner, one, f"{path}.{key}", enums) for key, one in value.items()}
        properties: Document = schema.get("properties", {})
        found: Document = {}
        for given, one in value.items():
            name = given if given in properties else self._camel(given)
            if name not in properties:
                raise _unknown(given, path)
            if one is None or properties[name].get("readOnly"):
                continue
            found[name] = self.value(properties[name], one, self._join(path, name), enums.at(name))
        return found

    def _join(self, path: str, name: str) -> str:
        own = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() if self.snake else name
        return f"{path}.{own}" if path else own

    def _camel(self, name: str) -> str:
        if not self.snake or "_" not in name:
            return name
        first, *rest = name.split("_")
        return first + "".join(part.capitalize() for part in rest)

    def _array(self, schema: Document, value: Any, path: str, enums: EnumNames) -> list[Any]:
        if not isinstance(value, list):
            raise _invalid(path, "list", value)
        return [self.value(schema["items"], one, f"{path}[{index}]", enums) for index, one in enumerate(value)]

    def _boolean(self, _schema: Document, value: Any, path: str, _enums: EnumNames) -> bool:
        if not isinstance(value, bool):
            raise _invalid(path, "TYPE_BOOL", value)
        return value

    def _integer(self, schema: Document, value: Any, path: str, _enums: EnumNames) -> int:
        return _whole(value, schema.get("format", "int32"), path)

    def _number(self, schema: Document, value: Any, path: str, _enums: EnumNames) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _invalid(path, f"TYPE_{schema.get('format', 'double').upper()}", value)
        return value

    def _string(self, schema: Document, value: Any, path: str, enums: EnumNames) -> str:
        kind = schema.get("format", "")
        if kind in ("int64", "uint64"):
            return str(_whole(value, kind, path))
        if "enum" in schema:
            return self._enum(schema, value, path, enums)
        if not isinstance(value, str):
            raise _invalid(path, "TYPE_STRING", value)
        if kind in FORMATS and not FORMATS[kind].fullmatch(value):
            word = "Duration" if kind == "google-duration" else "Timestamp"
            raise _invalid(path, f"type.googleapis.com/google.protobuf.{word}", value)
        if kind == "byte":
            _bytes(value, path)
        return value

    def _enum(self, schema: Document, value: Any, path: str, enums: EnumNames) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and (name := enums.name(value)):
            return name
        last = path.rsplit(".", 1)[-1]
        if not isinstance(value, str) or value not in {*schema["enum"], *UNLISTED_VALUES.get(last, ())}:
            raise _invalid(path, enums.type_name() or "TYPE_ENUM", value)
        return value


def _whole(value: Any, kind: str, path: str) -> int:
    """An integer, given as one, as a float without a fraction, or as text: proto JSON takes them all."""
    low, high = INT_BOUNDS.get(kind, INT_BOUNDS["int64"])
    if isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value < high:
        raise _invalid(path, f"TYPE_{kind.upper()}", value)
    return value


def _bytes(value: str, path: str) -> None:
    try:
        base64.b64decode(value.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise _invalid(path, "TYPE_BYTES", value, "Base64 decoding failed for ") from None


def _unknown(name: str, path: str) -> ApiError:
    where = f" at '{path}'" if path else ""
    return _bad(path, f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.')


def _invalid(path: str, kind: str, value: Any, why: str = "") -> ApiError:
    shown = str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)
    return _bad(path, f"Invalid value at '{path}' ({kind}), {why}{shown}")


def _bad(path: str, message: str) -> ApiError:
    violation: Document = {"description": message} | ({"field": path} if path else {})
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]
    return ApiError(INVALID, message, reason="invalid", details=details)
