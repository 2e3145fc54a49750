"""The local Google Cloud as a server: REST, gRPC, Slack and the admin surface around one Cloud."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import grpc
import uvicorn

from localcloud import services, slack
from localcloud.admin import actions as admin
from localcloud.clock import Clock
from localcloud.core import Cloud
from localcloud.pubsub.push import Poster
from localcloud.wire import grpc_face, rest
from localcloud.wire.connections import Protocol
from localcloud.wire.serving import Server

__all__ = ["LocalCloud", "services"]

STARTUP = 20.0  # real seconds


class LocalCloud:
    """A running local Google Cloud; a context manager.

    `projects` maps project ids to numbers. `port` and `grpc_port` 0 take free ones. `url` is where REST, `/slack/api`
    and `/_localcloud` are, `grpc` is the address for an insecure channel. Only `host` can reach it: loopback, unless
    told otherwise.
    """

    def __init__(
        self,
        *,
        projects: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        grpc_port: int = 0,
    ) -> None:
        self.cloud = Cloud(projects=projects, clock=clock)
        self.url = ""
        self.grpc = ""
        self._host, self._port, self._grpc_port = host, port, grpc_port
        self._web: _Web | None = None
        self._grpc_server: grpc.Server | None = None

    def start(self) -> Self:
        """Listen and let the clock run. Raises OSError when a port is taken."""
        try:
            self._web = _Web(self.cloud, self._host, self._port)
            self._grpc_server, grpc_port = grpc_face.serve(self.cloud, self._host, self._grpc_port)
            self._web.start()
        except BaseException:
            self.stop()
            raise
        self.url = f"http://{_bracketed(self._host)}:{self._web.port}"
        self.grpc = f"{_bracketed(self._host)}:{grpc_port}"
        self.cloud.clock.start()
        return self

    def stop(self) -> None:
        """Let everybody go who waits, then close every socket and end every thread. May be called twice."""
        self.cloud.clock.stop()
        self.cloud.part(Poster).stop()
        if self._grpc_server is not None:
            self._grpc_server.stop(grace=1.0).wait()
            self._grpc_server = None
        if self._web is not None:
            self._web.stop()
            self._web = None

    def settle(self, *, horizon: float = 86_400.0, patience: float = 60.0) -> bool:
        """Let everything happen that is due; see Clock.settle."""
        return self.cloud.clock.settle(horizon=horizon, patience=patience)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Web:
    """uvicorn in a thread with a loop of its own."""

    def __init__(self, cloud: Cloud, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # With its protocol named, or asyncio would leave Nagle's delay on: 40 ms for each answer.
        self._socket = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((host, port))
            self._socket.listen(512)
        except OSError:
            self._socket.close()
            raise
        self.port: int = self._socket.getsockname()[1]
        self._server = Server(
            uvicorn.Config(
                rest.app(cloud, extra_routes=[slack.route(cloud), *admin.routes(cloud)]),
                log_level="warning",
                access_log=False,
                ws="none",
                http=Protocol,
                lifespan="on",
                timeout_graceful_shutdown=3,
                timeout_keep_alive=75,
            )
        )
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._server.up.set()

    def start(self) -> None:
        self._thread.start()
        if not self._server.up.wait(STARTUP) or not self._server.started:
            raise RuntimeError("the web server did not start")

    def stop(self) -> None:
        self._server.end()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._socket.close()


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
