"""Terraform's values as MessagePack, where an extension type stands for what is not known yet."""

from __future__ import annotations

import json
from typing import Any

import msgpack

UNKNOWN = msgpack.ExtType(0, b"\x00")


def is_unknown(value: Any) -> bool:
    """Known only after apply."""
    return isinstance(value, msgpack.ExtType)


def pack(value: Any) -> bytes:
    """A value as Terraform reads it."""
    packed: bytes = msgpack.packb(value)
    return packed


def unpack(packed: bytes, text: bytes = b"") -> Any:
    """A value as Terraform wrote it, in either of its forms."""
    if packed:
        return msgpack.unpackb(packed, strict_map_key=False)
    return json.loads(text) if text else None
