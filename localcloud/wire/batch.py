"""Batch requests: several HTTP requests in one multipart body, each answered on its own.

Source: Google's "Sending batch requests" page; bodies as gcloud sends them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus

from localcloud.errors import INVALID, ApiError

BOUNDARY = "batch_localcloud"
MOST = 1000  # requests in one batch


@dataclass(frozen=True)
class Part:
    """One request of a batch: its target as written, and its body."""

    id: str
    verb: str
    target: str
    headers: dict[str, str]
    body: bytes


Answerer = Callable[[Part], tuple[int, str]]  # status and JSON


def parts(content_type: str, body: bytes) -> list[Part]:
    """The requests of a multipart/mixed body. Raises INVALID_ARGUMENT when it holds none that can be read."""
    whole = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    if not whole.is_multipart():
        raise _wrong("The batch request must be of type multipart/mixed with a boundary.")
    found = [_part(one) for one in whole.get_payload() if isinstance(one, Message)]
    if not 0 < len(found) <= MOST:
        raise _wrong(f"A batch holds between 1 and {MOST} requests.")
    return found


def _part(message: Message) -> Part:
    inner = message.get_payload(decode=True) if not message.is_multipart() else b""
    head, _, body = (inner if isinstance(inner, bytes) else b"").replace(b"\r\n", b"\n").partition(b"\n\n")
    first, _, rest = head.lstrip().partition(b"\n")
    words = first.decode(errors="replace").split()
    if len(words) < 2:
        raise _wrong("A part of the batch does not begin with a request line.")
    headers = {name.lower(): str(value) for name, value in BytesParser().parsebytes(rest + b"\n\n").items()}
    return Part(message.get("Content-ID", ""), words[0].upper(), words[1], headers, body.strip())


def _wrong(message: str) -> ApiError:
    return ApiError(INVALID, message, reason="badRequest")


def answered(requests: list[Part], answer: Answerer) -> tuple[str, bytes]:
    """The content type and the body with every request's answer, in the order of the requests."""
    lines: list[str] = []
    for one in requests:
        status, text = answer(one)
        lines += [f"--{BOUNDARY}", "Content-Type: application/http"]
        lines += [f"Content-ID: {_response_id(one.id)}"] if one.id else []
        lines += ["", f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Content-Type: application/json; charset=UTF-8"]
        lines += [f"Content-Length: {len(text.encode())}", "", text]
    return f"multipart/mixed; boundary={BOUNDARY}", "\r\n".join([*lines, f"--{BOUNDARY}--", ""]).encode()


def _response_id(id_: str) -> str:
    """`<12>` is answered as `<response-12>`."""
    return f"<response-{id_[1:]}" if id_.startswith("<") else f"response-{id_}"
