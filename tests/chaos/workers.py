"""Workers that serve the functions, each a process of its own, and their sudden end."""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Nursery:
    """The process that workers are forked from. One of it is enough for any number of clouds."""

    def __init__(self) -> None:
        words = [sys.executable, "-m", "tests.chaos.nursery"]
        self._process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._lock = threading.Lock()
        atexit.register(self.close)
        self._heard()

    def close(self) -> None:
        """End it, and every worker with it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.wait(timeout=10)

    def ask(self, do: str, **what: Any) -> dict[str, Any]:
        """Have something done; see `nursery.main`."""
        with self._lock:
            assert self._process.stdin
            self._process.stdin.write(json.dumps({"do": do, **what}) + "\n")
            self._process.stdin.flush()
            return self._heard()

    def _heard(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the nursery has ended (exit code {self._process.wait()})")
        found: dict[str, Any] = json.loads(line)
        if "error" in found:
            raise RuntimeError(found["error"])
        return found


@cache
def nursery() -> Nursery:
    """The one of this process, which ends with it."""
    return Nursery()


class Worker:
    """One worker at a time, at an address that outlives it: what comes between two waits at the door."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._environment: Mapping[str, str] = {}
        self.pid = 0
        self._lock = threading.Lock()
        self.port: int = nursery().ask("listen")["port"]
        self.born = 0

    def start(self, environment: Mapping[str, str]) -> None:
        """Begin, with these settings."""
        with self._lock:
            self._environment = {**environment, "no_proxy": "*"}
            self._fork()

    def end(self) -> None:
        """Let it end for good, in the middle of whatever it does; another one takes its place."""
        with self._lock:
            self._kill()
            self._fork()

    def stop(self) -> None:
        """End it, and listen no more."""
        with self._lock:
            self._kill()
            nursery().ask("close", port=self.port)

    def _fork(self) -> None:
        told = nursery().ask("fork", port=self.port, environment=dict(self._environment), log=str(self._log))
        self.pid = told["pid"]
        self.born += 1

    def _kill(self) -> None:
        if self.pid:
            nursery().ask("kill", pid=self.pid)
