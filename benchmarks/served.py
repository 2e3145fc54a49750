"""A function behind its real server, in processes of its own: started, asked, measured."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TARGET = "on_audit_log"
PATH = "/projects/my-project/topics/wayout-events?pubsub_trigger=true"
JSON = {"Content-Type": "application/json"}
PATIENCE = 60.0
_TICK = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What it took from the start of the process until some moment. `memory` is MB: what is shared counts once."""

    seconds: float
    processor: float
    memory: float


class Served:
    """A function that is starting. All its processes count."""

    def __init__(self, source: Path, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        words = ["--source", str(source), "--target", TARGET, "--host", "127.0.0.1", "--port", str(self.port)]
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "functions_framework", *words],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def send(self, body: bytes) -> http.client.HTTPConnection:
        """Send an event as soon as somebody listens."""
        connection = self._connection()
        connection.request("POST", PATH, body, JSON)
        return connection

    def ask(self, body: bytes) -> None:
        """Send an event and wait for the answer, which must be good."""
        connection = self.send(body)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"the function answered {answer.status}")

    def _connection(self) -> http.client.HTTPConnection:
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
            try:
                connection.connect()
            except ConnectionRefusedError:
                if time.perf_counter() - self.began > PATIENCE or self._process.poll() is not None:
                    raise
                time.sleep(0.002)
            else:
                return connection

    def cost(self) -> Cost:
        """What it has taken until now."""
        seconds = time.perf_counter() - self.began
        family = self._family()
        return Cost(seconds, sum(map(_processor, family)), sum(map(_memory, family)))

    def processor(self) -> float:
        """Seconds of processor time until now."""
        return sum(map(_processor, self._family()))

    def _family(self) -> list[int]:
        """The server's processes: they are in one session, whose leader we started."""
        mine = self._process.pid
        return [int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit() and _session(one) == mine]


@contextmanager
def served(source: Path, environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Start a function, and stop it."""
    found = Served(source, environment or {})
    try:
        yield found
    finally:
        found.stop()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _stat(process: Path) -> list[str]:
    """Its fields from the third on: the second, the command's name, may hold anything."""
    return (process / "stat").read_text().rpartition(")")[2].split()


def _session(process: Path) -> int:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return int(_stat(process)[3])
    return 0


def _processor(pid: int) -> float:
    fields = _stat(Path(f"/proc/{pid}"))
    return (int(fields[11]) + int(fields[12])) * _TICK


def _memory(pid: int) -> float:
    """Proportional set size."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def pushed(entry: Mapping[str, Any]) -> bytes:
    """A log entry as a push subscription delivers it."""
    data = base64.b64encode(json.dumps(entry).encode()).decode()
    message = {"data": data, "messageId": "1", "publishTime": "2026-01-01T00:00:00Z", "attributes": {}}
    return json.dumps({"subscription": "projects/my-project/subscriptions/s", "message": message}).encode()
