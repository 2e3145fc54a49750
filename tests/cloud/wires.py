"""Small servers on the loopback that speak one wire each, for what is easier to provoke than to wait for."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import grpc
from google.pubsub_v1 import types

Answer = Callable[[Any, grpc.ServicerContext], Any]


@contextmanager
def grpc_server(methods: Mapping[str, tuple[Any, Answer]]) -> Iterator[str]:
    """Serve `/service/Method` -> (type of its request, what answers it); gives `http://host:port`."""

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: grpc.HandlerCallDetails) -> Any:
            if details.method not in methods:
                return None
            kind, answer = methods[details.method]
            return grpc.unary_unary_rpc_method_handler(
                answer,
                request_deserializer=kind.deserialize,
                response_serializer=lambda said: type(said).serialize(said),
            )

    server = grpc.server(ThreadPoolExecutor(2), handlers=(Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@dataclass
class Topics:
    """Pub/Sub, as far as an outbox uses it. `refusals` are given first."""

    endpoint: str = ""
    published: list[tuple[str, types.PubsubMessage]] = field(default_factory=list)
    refusals: list[tuple[grpc.StatusCode, str]] = field(default_factory=list)

    def publish(self, request: types.PublishRequest, context: grpc.ServicerContext) -> Any:
        if self.refusals:
            context.abort(*self.refusals.pop(0))
        self.published += [(request.topic, message) for message in request.messages]
        return types.PublishResponse(message_ids=["1"])


@contextmanager
def topics_server() -> Iterator[Topics]:
    """Topics on the loopback."""
    served = Topics()
    methods: dict[str, tuple[Any, Answer]] = {
        "/google.pubsub.v1.Publisher/Publish": (types.PublishRequest, served.publish)
    }
    with grpc_server(methods) as endpoint:
        served.endpoint = endpoint
        yield served


class Slack:
    """A Slack that gives the prepared answers in turn, then ok. `posted` holds what it was sent."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], str]] = []
        self.posted: list[dict[str, str]] = []
        self.authorizations: list[str] = []
        self.url = ""

    def will(self, status: int, body: object = None, **headers: str) -> None:
        """Prepare one answer; `retry_after="3"` becomes the header Retry-After. Status 0: hang up without one."""
        text = body if isinstance(body, str) else json.dumps(body or {"ok": False, "error": "ratelimited"})
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, text))


@contextmanager
def slack_server() -> Iterator[Slack]:
    """A Slack on the loopback."""
    slack = Slack()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def do_GET(self) -> None:
            self._answer(self.path.partition("?")[2])

        def _answer(self, body: str) -> None:
            form = {key: values[0] for key, values in parse_qs(body).items()}
            slack.posted.append(json.loads(body) if body.startswith("{") else form)
            slack.authorizations.append(self.headers.get("Authorization", ""))
            status, headers, text = slack.answers.pop(0) if slack.answers else (200, {}, '{"ok": true}')
            if status == 0:
                self.connection.close()
                return
            self.send_response(status)
            for name, value in ({"Content-Type": "application/json; charset=utf-8"} | headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's word
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    slack.url = f"http://127.0.0.1:{server.server_port}/api/"
    try:
        yield slack
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
