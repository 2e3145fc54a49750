"""What the functions say while they work: one JSON object per line on standard output, as Cloud Logging reads it.

Fields `severity` and `message` are Google's (structured logging); messages are constants, what varies is in fields.
Secrets are blotted out whatever they come in.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
import traceback
from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import Any

BLOT = "[redacted]"
_LONGEST = 16_384  # characters of one text; a log entry has at most 256 KiB
_DEEPEST = 12

_SECRET_KEY = re.compile(
    r"^(.*[-_.])?(authorization|token|password|passwd|secret|api[-_]?key|private[-_]?key|credentials?)$", re.IGNORECASE
)
_SECRET_TEXT = re.compile(
    r"""
    xox[a-z](?:\.[a-z]+)?-[\w.-]+              # Slack
    | xapp-[\w.-]+
    | hooks\.slack\.com/\S+
    | ya29\.[\w.-]+                            # Google access tokens, API keys, signed tokens
    | AIza[\w-]{30,}
    | eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----.*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|$)
    | (?<=://)[^/\s:@]+:[^/\s@]+(?=@)          # user:password in a URL
    | (?<=bearer[ ])[\w.~+/=-]+
    | (?<=basic[ ])[\w+/=-]+
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
_ASSIGNED = re.compile(
    r"""(?P<name>\b(?:[\w-]*(?:token|password|passwd|secret|authorization|credential)|(?:[\w-]*[_-])?key)["']?\s*[=:]\s*)"""
    r"""(?P<value>"[^"]*"|'[^']*'|(?:bearer\s+|basic\s+)?[^\s"'&,;}]+)""",
    re.IGNORECASE,
)
_lock = Lock()
_counts: Counter[str] = Counter()


def debug(message: str, **fields: object) -> None:
    """Of use only to whoever follows one event: written where the setting WAYOUT_LOG is `debug`.

    A line costs a function as much as all the rest of setting an event aside (benchmarks/cold_start.py).
    """
    if os.environ.get("WAYOUT_LOG") == "debug":
        _write("DEBUG", message, fields)


def info(message: str, **fields: object) -> None:
    """The normal course of things."""
    _write("INFO", message, fields)


def warning(message: str, **fields: object) -> None:
    """Worth a look, not worth waking anybody."""
    _write("WARNING", message, fields)


def error(message: str, *, cause: BaseException | None = None, **fields: object) -> None:
    """Something failed. `cause` adds its traceback in `stack_trace`, where Error Reporting looks for it."""
    if cause is not None:
        fields["stack_trace"] = "".join(traceback.format_exception(cause))[-_LONGEST:]
    _write("ERROR", message, fields)


def count(event: str, message: str, **fields: object) -> int:
    """A warning that is counted: `event` is what a log-based metric filters on, `count` how many this process saw."""
    with _lock:
        _counts[event] += 1
        seen = _counts[event]
    _write("WARNING", message, {"event": event, "count": seen, **fields})
    return seen


def counts() -> Mapping[str, int]:
    """How often each event was counted in this process."""
    with _lock:
        return dict(_counts)


def redacted(value: object, *, depth: int = 0) -> Any:
    """The value as plain JSON, with secrets blotted out and endless texts cut."""
    if isinstance(value, str):
        return _clean(str(value))
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {
            str(key): BLOT if part and _SECRET_KEY.match(str(key)) else redacted(part, depth=depth + 1)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(part, depth=depth + 1) for part in value]
    return _clean(str(value))


def _clean(text: str) -> str:
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    clean = _SECRET_TEXT.sub(BLOT, cut)
    return _ASSIGNED.sub(rf"\g<name>{BLOT}", clean) if "=" in clean or ":" in clean else clean


def _write(severity: str, message: str, fields: Mapping[str, object]) -> None:
    line = json.dumps({"severity": severity, "message": message} | redacted(fields))
    with _lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
