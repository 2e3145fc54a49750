"""The web server's connections: cut on demand, and shut to whoever wants to tunnel through us."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

LOG = logging.getLogger("localcloud.wire")
TRANSPORT = "localcloud.transport"


class Protocol(H11Protocol):
    """uvicorn's own, with its transport in reach, and an immediate no to CONNECT: by name, in the status line.

    A client that is refused a tunnel shows that line; one that is kept waiting would try for half a minute.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        inner: Any = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = transport
            if scope["type"] == "http":
                _unproxied(scope)
            await inner(scope, receive, send)

        self.app = app

    def data_received(self, data: bytes) -> None:
        if not data.startswith(b"CONNECT "):
            super().data_received(data)
            return
        host = data.split(b" ", 2)[1].decode(errors="replace").partition(":")[0]
        LOG.warning("refused a tunnel to %s: the local Google Cloud does not serve it", host)
        why = f"{host} is not served by the local Google Cloud"
        self.transport.write(f"HTTP/1.1 403 {why}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        self.transport.close()


def _unproxied(scope: Scope) -> None:
    """The absolute URL that the client of a proxy sends, as a host and a path."""
    if scope["path"].startswith("/"):
        return
    parts, raw = urlsplit(scope["path"]), urlsplit(scope["raw_path"])
    scope["path"], scope["raw_path"] = parts.path or "/", raw.path or b"/"
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    scope["headers"] = [(b"host", parts.netloc.encode()), *others]


class Cut(Response):
    """No answer: the connection ends instead, at once."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's form
        transport = scope.get(TRANSPORT)
        if transport is None:
            raise RuntimeError("only a server with localcloud.wire.Protocol can cut its connections")
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass
