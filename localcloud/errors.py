"""What a Google API says when it says no; each face renders it in the shape of its service."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# google.rpc.Code -> (HTTP status, name). Source: google/rpc/code.proto.
CODES: dict[int, tuple[int, str]] = {
    1: (499, "CANCELLED"),
    2: (500, "UNKNOWN"),
    3: (400, "INVALID_ARGUMENT"),
    4: (504, "DEADLINE_EXCEEDED"),
    5: (404, "NOT_FOUND"),
    6: (409, "ALREADY_EXISTS"),
    7: (403, "PERMISSION_DENIED"),
    8: (429, "RESOURCE_EXHAUSTED"),
    9: (400, "FAILED_PRECONDITION"),
    10: (409, "ABORTED"),
    11: (400, "OUT_OF_RANGE"),
    12: (501, "UNIMPLEMENTED"),
    13: (500, "INTERNAL"),
    14: (503, "UNAVAILABLE"),
    16: (401, "UNAUTHENTICATED"),
}

INVALID, NOT_FOUND, EXISTS, DENIED, EXHAUSTED = 3, 5, 6, 7, 8
PRECONDITION, ABORTED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, UNAUTHENTICATED = 9, 10, 12, 13, 14, 16


@dataclass
class ApiError(Exception):
    """One refusal. `reason` is compute's word (`notFound`); `http` overrides the status that the code implies.

    `items` are the entries of the `errors` that some services show, when one made of reason and message won't do.
    """

    code: int
    message: str
    reason: str = ""
    domain: str = "global"
    http: int = 0
    details: list[dict[str, Any]] = field(default_factory=list)
    items: list[dict[str, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.status}: {self.message}"

    @property
    def status(self) -> str:
        return CODES[self.code][1]

    @property
    def http_status(self) -> int:
        return self.http or CODES[self.code][0]

    def rpc(self) -> dict[str, Any]:
        """The google.rpc.Status that an operation or an audit log entry carries."""
        found: dict[str, Any] = {"code": self.code, "message": self.message}
        return found | ({"details": self.details} if self.details else {})


class Dropped(Exception):  # noqa: N818 - what happened, in the past tense
    """The connection is cut instead of an answer."""
