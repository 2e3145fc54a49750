"""The endpoint that goes round the instances, and what it learns of the messages that pass."""

from __future__ import annotations

import http.client
import itertools
import json
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = 600.0  # real seconds that an instance may take to answer


@dataclass
class Trip:
    """The way of one message, in seconds of the cloud's clock; `done` is when it was acknowledged."""

    published: float
    tries: int = 0
    done: float | None = None


class Trips(dict[str, Trip]):
    """The trips of all messages, by id. `now` tells the cloud's time, in seconds since it `began`."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self.now = now
        self.began = datetime.now(UTC)
        self._lock = threading.Lock()

    def pushed(self, message: Mapping[str, Any]) -> Trip:
        """Note down that a message has been pushed."""
        published = (datetime.fromisoformat(message["publishTime"]) - self.began).total_seconds()
        with self._lock:
            trip = self.setdefault(message["messageId"], Trip(published))
            trip.tries += 1
        return trip


def balance(targets: Mapping[str, list[int]], trips: Trips) -> ThreadingHTTPServer:
    """The endpoint of every push subscription, which hands each message to the next instance of its function; those of
    functions that do not run are taken in and forgotten."""
    turns = {target: itertools.cycle(ports) for target, ports in targets.items()}
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            function, _, path = self.path.removeprefix("/").partition("/")
            status = 204
            if function in turns:
                with lock:
                    port = next(turns[function])
                trip = trips.pushed(json.loads(body)["message"])
                status = forward(port, f"/{path}", body, self.headers["Content-Type"])
                if status < 300:
                    trip.done = trips.now()
            with suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, name="balance", daemon=True).start()
    return server


def forward(port: int, path: str, body: bytes, kind: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER)
    try:
        connection.request("POST", path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        return 503
    else:
        return answer.status
    finally:
        connection.close()
