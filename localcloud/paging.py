"""Pages of a list, with tokens that say nothing to whoever carries them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from localcloud.calls import Call, Document
from localcloud.errors import INVALID, ApiError


def paged(call: Call, key: str, items: Sequence[Any], *, default: int = 100, most: int = 1000) -> Document:
    """The page of `items` that the call asks for, under `key`: absent when empty, as in proto JSON."""
    asked = call.body | dict(call.params)
    size = min(_size(asked.get("pageSize")) or default, most)
    start = _start(asked.get("pageToken") or "")
    page = list(items[start : start + size])
    found: Document = {key: page} if page else {}
    if start + size < len(items):
        found["nextPageToken"] = base64.urlsafe_b64encode(f"from {start + size}".encode()).decode()
    return found


def _size(given: Any) -> int:
    try:
        size = int(given or 0)
    except (TypeError, ValueError):
        raise ApiError(INVALID, f"Invalid value at 'page_size' (TYPE_INT32), {given!r}") from None
    if size < 0:
        raise ApiError(INVALID, "page_size must not be negative.")
    return size


def _start(token: str) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token.encode()).decode().removeprefix("from "))
    except (ValueError, binascii.Error):
        raise ApiError(INVALID, "page_token is invalid") from None
