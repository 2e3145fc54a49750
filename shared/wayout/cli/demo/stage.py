"""The stage: a local Google Cloud and our functions behind their real server, each a process of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from wayout.cli.local import exports

PROJECT, REGION, NETWORK = "my-project", "europe-west2", "my-vpc"
PRINCIPAL = f"wayout@{PROJECT}.iam.gserviceaccount.com"
CHANNEL = "#egress"
FUNCTIONS = ("on_audit_log", "on_request", "on_schedule", "on_outcome")
PATIENCE = 30.0  # seconds for a process to come up

POLICY = f"""\
version: 1
mode: enforce
projects: [{PROJECT}]
regions: [{REGION}]
profiles:
  internet-https:
    network: {NETWORK}
    egress: all-traffic
    destinations:
      - {{to: internet, ports: ["tcp:443"]}}
      - {{to: 10.20.0.0/16, ports: ["tcp:5432"]}}
    pool: [10.8.0.0/20]
    labels: true
    requests: true
"""


class Stage(AbstractContextManager["Stage"]):
    """Starts everything, and ends everything. `lines` are what the functions log while they work.

    `settings` are added to the functions' environment; `policy` is YAML text. `framework` and `source` are the
    functions-framework command and the main.py that it loads, if not those that are installed beside this one.
    """

    def __init__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        policy: str = POLICY,
        framework: Path | None = None,
        source: Path | None = None,
    ) -> None:
        self._settings = dict(settings or {})
        self._framework = framework or Path(sys.executable).with_name("functions-framework")
        self._source = source or _installed()
        self._policy = policy
        self.lines: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self._processes: list[subprocess.Popen[str]] = []
        self._threads: list[threading.Thread] = []
        self._folder = tempfile.TemporaryDirectory(prefix="wayout-demo-")
        self.url = self.grpc = ""
        self.ports: dict[str, int] = {}

    def __enter__(self) -> Self:
        try:
            self._start_cloud()
            self._start_functions()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for thread in self._threads:
            thread.join(timeout=5)
        for process in self._processes:
            if process.stdout:
                process.stdout.close()
        self._folder.cleanup()

    # processes

    def _start_cloud(self) -> None:
        words = [sys.executable, "-m", "localcloud", "--port", "0", "--grpc-port", "0", "--project", PROJECT, "--json"]
        process = self._spawn(words, {})
        ready = process.stdout.readline() if process.stdout else ""
        if not ready:
            raise RuntimeError(f"the local Google Cloud did not start (exit code {process.wait()})")
        told = json.loads(ready)
        self.url, self.grpc = told["url"], told["grpc"]
        self._follow("localcloud", process)

    def _start_functions(self) -> None:
        environment = self.environment() | self._settings
        for target in FUNCTIONS:
            self.ports[target] = free_port()
            words = [str(self._framework), "--source", str(self._source)]
            words += ["--target", target, "--signature-type", "cloudevent"]
            words += ["--host", "127.0.0.1", "--port", str(self.ports[target])]
            self._follow(target, self._spawn(words, environment))
        for target, port in self.ports.items():
            _await_port(port, target)

    def _spawn(self, words: list[str], extra: dict[str, str]) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", **extra}
        process = subprocess.Popen(  # noqa: S603 - our own modules, with our own interpreter
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._processes.append(process)
        return process

    def _follow(self, name: str, process: subprocess.Popen[str]) -> None:
        def read() -> None:
            for line in process.stdout or ():
                with suppress(ValueError):
                    found = json.loads(line)
                    if isinstance(found, dict) and "message" in found:
                        self.lines.put((name, found))

        thread = threading.Thread(target=read, name=f"lines of {name}", daemon=True)
        thread.start()
        self._threads.append(thread)

    # what the processes and the storyteller need to know

    def environment(self, principal: str = PRINCIPAL) -> dict[str, str]:
        """The settings of the functions; with another `principal`, of somebody else at the same cloud."""
        policy = Path(self._folder.name) / "policy.yaml"
        policy.write_text(self._policy, encoding="utf-8")
        return {
            **exports(self.url, self.grpc, principal),
            "WAYOUT_LOG": "debug",
            "WAYOUT_PROJECT": PROJECT,
            "WAYOUT_POLICY": str(policy),
            "WAYOUT_OUTCOME_TOPIC": "wayout-outcomes",
            "SLACK_TOKEN": "xoxb-demo",
            "SLACK_CHANNEL": CHANNEL,
            "SLACK_BASE_URL": f"{self.url}/slack/api/",
        }

    def endpoint(self, function: str, topic: str) -> str:
        """Where a push subscription of `topic` delivers to a function."""
        return f"http://127.0.0.1:{self.ports[function]}/projects/{PROJECT}/topics/{topic}?pubsub_trigger=true"

    # the local Google Cloud's own surface

    def admin(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """GET, or POST with a body, on the admin surface of the local Google Cloud."""
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(  # noqa: S310 - our own loopback server
            f"{self.url}/_localcloud/{path}", data=data, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310
            return json.load(response)

    def settle(self) -> None:
        """Let everything that is under way come to rest."""
        self.admin("settle", {"patience": 90})


def _installed() -> Path:
    found = importlib.util.find_spec("functions.main")
    if found is None or found.origin is None:
        raise RuntimeError("the functions are not installed beside this command")
    return Path(found.origin)


def free_port() -> int:
    """A port of the loopback interface that nobody listens on, outside of the range that the system gives to clients:
    between this look and the server's start, a connection of somebody else could take one of those."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no free port was found on the loopback interface")


def _await_port(port: int, name: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the function {name} did not come up within {PATIENCE:.0f} s")
