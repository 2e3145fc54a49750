"""Servers that answer what they are told to: REST and gRPC, on loopback. For answers that no healthy cloud gives."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from pydantic import SecretStr

from wayout.cloud.settings import Settings


@dataclass
class Scripted:
    """`rest` holds (status, body) or (status, body, headers) and `rpc` (code, message, reason, metadata) or bytes,
    answered in turn.

    An empty REST status drops the connection. `retry` in the metadata goes as the seconds of a RetryInfo. What arrives
    is kept in `heard` as (method or path, headers).
    """

    url: str = ""
    grpc: str = ""
    rest: list[tuple[int, Any] | tuple[int, Any, dict[str, str]]] = field(default_factory=list)
    rpc: list[tuple[int, str, str, dict[str, str]] | bytes] = field(default_factory=list)
    heard: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def settings(self) -> Settings:
        return Settings(
            project="p",
            principal="wayout@p.iam.gserviceaccount.com",
            token=SecretStr("someone@example.com"),
            backoff_seconds=0.001,
            poll_seconds=0.001,
            quota_minute_seconds=0,
            endpoint_run=f"http://{self.grpc}",
            endpoint_vpcaccess=f"http://{self.grpc}",
            endpoint_compute=self.url,
            endpoint_vpcaccess_rest=self.url,
            endpoint_dns=self.url,
        )


def _retry(metadata: dict[str, str]) -> list[any_pb2.Any]:
    if "retry" not in metadata:
        return []
    told, packed = error_details_pb2.RetryInfo(), any_pb2.Any()
    told.retry_delay.FromMilliseconds(int(float(metadata["retry"]) * 1000))
    packed.Pack(told)
    return [packed]


@contextmanager
def scripted() -> Iterator[Scripted]:
    """Servers that listen until the block ends."""
    told = Scripted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            told.heard.append((f"{self.command} {self.path}", dict(self.headers)))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body, *more = told.rest.pop(0)
            if not status:
                self.close_connection = True
                return
            plain = body.encode() if isinstance(body, str) else body
            content = plain if isinstance(plain, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Type", "application/json")
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: Any) -> None:
            pass

    class Rpc(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: Any) -> Any:
            told.heard.append((details.method, dict(details.invocation_metadata)))
            return grpc.unary_unary_rpc_method_handler(self.answer)

        def answer(self, _: bytes, context: Any) -> bytes:
            given = told.rpc.pop(0)
            if isinstance(given, bytes):
                return given
            code, message, reason, metadata = given
            if reason:
                info = any_pb2.Any()
                info.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="googleapis.com", metadata=metadata))
                details = [info, *_retry(metadata)]
                status = status_pb2.Status(code=code, message=message, details=details)
                context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
            context.abort(next(one for one in grpc.StatusCode if one.value[0] == code), message)
            raise AssertionError

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    server = grpc.server(ThreadPoolExecutor(4), handlers=[Rpc()])
    told.url, told.grpc = f"http://127.0.0.1:{http.server_port}", f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield told
    finally:
        server.stop(None).wait()
        http.shutdown()
        http.server_close()
        thread.join()
