"""The process that workers are born from: everything imported, nothing begun. Run as a module; see `workers.py`.

A worker is a fork of it, so that a new process with nothing in its memory costs milliseconds instead of seconds. It
opens no connection and starts no thread itself: nothing of one worker's life can reach the next.
"""

from __future__ import annotations

import gc
import importlib.util
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

import functions_framework
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from wayout import wiring

FUNCTIONS = ("on_audit_log", "on_request", "on_schedule", "on_outcome")


def apps() -> dict[str, Any]:
    """The functions behind functions-framework, by path."""
    source = importlib.util.find_spec("functions.main")
    assert source
    assert source.origin
    create: Any = functions_framework.create_app
    return {f"/{name}": create(name, source.origin, "cloudevent") for name in FUNCTIONS}


def warm() -> None:
    """Import what a first delivery imports lazily, by building clients that are thrown away unused."""
    from google.cloud import compute_v1, run_v2, vpcaccess_v1  # noqa: F401
    from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client  # noqa: F401
    from google.pubsub_v1.services.publisher import PublisherClient  # noqa: F401
    from slack_sdk import WebClient  # noqa: F401


def live(listener: socket.socket, served: dict[str, Any], environment: dict[str, str], log: str) -> None:
    """What a worker does until it is killed."""
    os.environ.update(environment)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(out, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True).start()
    wiring.parts.cache_clear()
    host, port = listener.getsockname()
    make_server(
        host, port, DispatcherMiddleware(_nothing, served), threaded=True, fd=os.dup(listener.fileno())
    ).serve_forever()


def _die_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def _nothing(environ: Any, start: Any) -> list[bytes]:
    start("404 Not Found", [])
    return [b""]


def main() -> None:
    """Obey one JSON line after the other on standard input, each answered by one on standard output."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    warm()
    served, listeners = apps(), dict[int, socket.socket]()
    gc.collect()
    gc.freeze()
    _say({"ready": True})
    for line in sys.stdin:
        _say(_obeyed(json.loads(line), served, listeners))


def _obeyed(asked: dict[str, Any], served: dict[str, Any], listeners: dict[int, socket.socket]) -> dict[str, Any]:
    match asked["do"]:
        case "listen":
            listener = socket.create_server(("127.0.0.1", 0), backlog=128)
            port = listener.getsockname()[1]
            listeners[port] = listener
            return {"port": port}
        case "close":
            listeners.pop(asked["port"]).close()
            return {}
        case "fork" if asked["port"] not in listeners:
            return {"error": f"nobody listens on {asked['port']}"}
        case "fork":
            if pid := os.fork():
                return {"pid": pid}
            try:
                live(listeners[asked["port"]], served, asked["environment"], asked["log"])
            finally:
                os._exit(1)
        case "kill":
            os.kill(asked["pid"], signal.SIGKILL)
            _, status = os.waitpid(asked["pid"], 0)
            return {"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}
    raise ValueError(asked)


def _say(words: dict[str, Any]) -> None:
    print(json.dumps(words), flush=True)


if __name__ == "__main__":
    main()
