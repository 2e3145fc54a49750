"""A local Google Cloud in a process of its own, and us at it: what the benchmarks stand on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from wayout.cli.local import exports
from wayout.cloud.settings import Settings
from wayout.wiring import Wired

ROOT = Path(__file__).resolve().parents[1]
PROJECT, REGION, NETWORK = "my-project", "europe-west2", "my-vpc"
US = f"wayout@{PROJECT}.iam.gserviceaccount.com"
TELLING = ("logging.entries.write", "pubsub.projects.topics.publish")  # writes that only tell people; reads count


@dataclass
class Cloud:
    """A local Google Cloud that listens. Everything but `admin` asks as somebody who is not us."""

    url: str
    grpc: str
    pid: int = 0
    session: requests.Session = field(default_factory=requests.Session)

    def admin(self, name: str, body: Mapping[str, Any] | None = None) -> Any:
        """Its own surface: GET, or POST with a body."""
        url = f"{self.url}/_localcloud/{name}"
        return self._answer("GET" if body is None else "POST", url, body)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """A request of somebody else's, by the path that the service has."""
        return self._answer(method, f"{self.url}/{path}", body)

    def _answer(self, method: str, url: str, body: Mapping[str, Any] | None) -> Any:
        who = {"Authorization": "Bearer platform@example.com"}
        response = self.session.request(method, url, json=body, headers=who, timeout=300)
        response.raise_for_status()
        return response.json()

    def processor_seconds(self) -> float:
        """What its process has cost so far."""
        spent = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(spent[11]) + int(spent[12])) / os.sysconf("SC_CLK_TCK")

    def settle(self) -> None:
        """Let everything happen that is due."""
        self.admin("settle", {"patience": 300})

    def calls(self) -> list[dict[str, Any]]:
        """Every call of ours so far, but those that only tell people."""
        found = self.admin("calls")["calls"]
        return [one for one in found if one["principal"] == US and one["method"] not in TELLING]


@contextmanager
def cloud(words: Sequence[str] = ("-m", "localcloud", "--port", "0", "--grpc-port", "0", "--json")) -> Iterator[Cloud]:
    """A local Google Cloud without quotas, started by `words` of Python, which say where it listens as JSON."""
    process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout  # noqa: S101 - it was asked for
        said = json.loads(process.stdout.readline())
        found = Cloud(said["url"], said["grpc"], process.pid)
        found.admin("quotas", {"enforced": False})
        found.admin("switches", {"compute.firewalls.quota": 1_000_000})
        yield found
    finally:
        process.terminate()
        process.communicate(timeout=30)


@contextmanager
def wired(at: Cloud, policy: str) -> Iterator[Wired]:
    """Our real parts, with this policy (YAML), at a local Google Cloud. Nobody is told of what they do."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wayout-bench-"))
        file = Path(folder) / "policy.yaml"
        file.write_text(policy, encoding="utf-8")
        env = {**exports(at.url, at.grpc, US), "WAYOUT_PROJECT": PROJECT, "WAYOUT_POLICY": str(file)}
        found = Wired(Settings.from_env(env), watch=lambda *_: None)
        stack.callback(found.clients.close)
        yield found
