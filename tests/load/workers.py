"""A local Google Cloud and many instances of our functions, each a process of its own, as they run in production.

The cloud's clock is a real one that runs faster, and the functions' settings are scaled with it: a quota's minute, the
budget of a delivery, the pauses between looks. Pushes go round the instances through one endpoint.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.load import memory
from tests.load.endpoint import Trip, Trips, balance, forward
from wayout.cli.demo import stage
from wayout.cli.demo.people import Person
from wayout.cli.demo.stage import PRINCIPAL, PROJECT, Stage
from wayout.cloud.clients import Clients
from wayout.cloud.settings import Settings
from wayout.egress import naming
from wayout.egress.model import Site

__all__ = ["PRINCIPAL", "PROJECT", "Trip", "Workers"]

CONCURRENCY = 32  # deliveries that one instance holds, as infra has it
OUTSTANDING = 24  # deliveries of a subscription that are under way at once


class Workers(Stage):
    """`instances` processes of on_audit_log and one of each of `doors`; every other function's messages are taken in
    and forgotten. `speed`: seconds of the cloud's clock in a real one. `settings` are added to the environment.
    """

    def __init__(
        self,
        *,
        policy: str,
        instances: int = 8,
        doors: tuple[str, ...] = (),
        speed: float = 10.0,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.speed, self.instances = speed, instances
        self._doors = doors
        super().__init__({**_scaled(speed, instances + len(doors)), **(settings or {})}, policy=policy)
        self.targets: dict[str, list[int]] = {}
        self.pids: dict[str, int] = {}
        self.trips = Trips(self.now)
        self.said: Counter[str] = Counter()
        self.recent: deque[str] = deque(maxlen=400)
        self._people: dict[str, Person] = {}
        self._developer: Clients | None = None
        self._balance: ThreadingHTTPServer | None = None
        self._began = (0.0, 0.0)

    def __enter__(self) -> Self:
        super().__enter__()
        self.admin("switches", {"pubsub.outstanding": OUTSTANDING})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for person in self._people.values():
            person.close()
        if self._developer:
            self._developer.close()
        super().__exit__(kind, error, trace)
        if self._balance:
            self._balance.shutdown()
            self._balance.server_close()

    # processes

    def _start_cloud(self) -> None:
        words = [sys.executable, "-m", "localcloud", "--port", "0", "--grpc-port", "0", "--project", PROJECT, "--json"]
        # Answers are held against Google's documents in every other test: here there are very many of them.
        unchecked = {"LOCALCLOUD_CHECKS_ANSWERS": ""}
        process = self._spawn([*words, "--clock", "real", "--speed", str(self.speed)], unchecked)
        ready = process.stdout.readline() if process.stdout else ""
        if not ready:
            raise RuntimeError(f"the local Google Cloud did not start (exit code {process.wait()})")
        told = json.loads(ready)
        self.url, self.grpc, self.pids["cloud"] = told["url"], told["grpc"], process.pid
        self._follow("localcloud", process)
        state = self.admin("state")
        self._began = state["seconds"], time.monotonic()
        self.trips.began = datetime.fromisoformat(state["time"]) - timedelta(seconds=state["seconds"])

    def _start_functions(self) -> None:
        environment = self.environment() | self._settings
        names = [*(("on_audit_log", number) for number in range(self.instances)), *((door, 0) for door in self._doors)]
        for target, number in names:
            taken = {port for ports in self.targets.values() for port in ports}
            port = next(port for port in iter(stage.free_port, 0) if port not in taken)
            words = [str(self._framework), "--source", str(self._source), "--target", target]
            words += ["--signature-type", "cloudevent", "--host", "127.0.0.1", "--port", str(port)]
            process = self._spawn(words, environment)
            self.targets.setdefault(target, []).append(port)
            self.pids[f"{target}-{number}"] = process.pid
            self._follow(f"{target}-{number}", process)
        for target, ports in self.targets.items():
            for port in ports:
                stage._await_port(port, target)
        self._balance = balance(self.targets, self.trips)
        self.ports = dict.fromkeys(stage.FUNCTIONS, self._balance.server_port)

    def _follow(self, name: str, process: subprocess.Popen[str]) -> None:
        def read() -> None:
            for line in process.stdout or ():
                self._hear(name, line)

        thread = threading.Thread(target=read, name=f"lines of {name}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _hear(self, name: str, line: str) -> None:
        said: Any = None
        with suppress(ValueError):
            said = json.loads(line)
        if not isinstance(said, dict) or "message" not in said:
            self.recent.append(f"{name}: {line.rstrip()}")
            return
        self.said[f"{said.get('severity', '')} {said['message']}"] += 1
        if said.get("severity") in ("ERROR", "WARNING") or "come again" in said["message"]:
            self.recent.append(f"{name}: {line.rstrip()}")

    def warm(self, site: Site) -> None:
        """Have every instance load what it needs, by an entry about a rule of a site that nobody needs yet."""
        entry = {
            "logName": f"projects/{PROJECT}/logs/cloudaudit.googleapis.com%2Factivity",
            "insertId": "warm",
            "timestamp": self.trips.began.isoformat().replace("+00:00", "Z"),
            "protoPayload": {
                "serviceName": "compute.googleapis.com",
                "methodName": "v1.compute.firewalls.patch",
                "resourceName": str(naming.rule_of(site, "deny-out")),
                "authenticationInfo": {"principalEmail": "somebody@example.com"},
            },
        }
        data = base64.b64encode(json.dumps(entry).encode()).decode()
        message = {"data": data, "messageId": "0", "publishTime": entry["timestamp"]}
        body = json.dumps({"message": message, "subscription": f"projects/{PROJECT}/subscriptions/s"}).encode()
        ports = self.targets["on_audit_log"]
        with ThreadPoolExecutor(len(ports)) as pool:
            path = f"/projects/{PROJECT}/topics/wayout-events?pubsub_trigger=true"
            answers = list(pool.map(lambda port: forward(port, path, body, "application/json"), ports))
        assert set(answers) <= {200, 204}, self.story()

    # people and time

    def endpoint(self, function: str, topic: str) -> str:
        """Where a push subscription of `topic` delivers to a function."""
        return super().endpoint(function, topic).replace("/projects/", f"/{function}/projects/", 1)

    def person(self, email: str) -> Person:
        """Somebody, with their own connections."""
        if email not in self._people:
            self._people[email] = Person(self, email)
        return self._people[email]

    @property
    def developer(self) -> Clients:
        """The clients of somebody who deploys jobs."""
        if self._developer is None:
            self._developer = Clients(Settings.from_env(self.environment("dev@example.com")))
        return self._developer

    def world(self) -> dict[str, Any]:
        """Every resource, by kind and full name."""
        found: dict[str, Any] = self.admin("world")
        return found

    def buried(self) -> list[dict[str, Any]]:
        """What no function could be done with."""
        return self.person("platform@example.com").dead_letters()

    def now(self) -> float:
        """Seconds of the cloud's clock."""
        seconds, began = self._began
        return seconds + (time.monotonic() - began) * self.speed

    def wait(self, done: Callable[[], bool], *, within: float, what: str) -> None:
        """Wait until `done`, for `within` seconds of the cloud's clock. Raises AssertionError, with what was said."""
        end = self.now() + within
        while not done():
            assert self.now() < end, f"{what} took more than {within:.0f} s\n{self.story()}"
            time.sleep(0.25)

    def at_rest(self) -> bool:
        """Whether every message is acknowledged, and no operation runs."""
        waiting = self.admin("deliveries")["subscriptions"]
        pushed = [name for name in waiting if name.rsplit("/", 1)[-1] in ("wayout-events", "wayout-sweep")]
        return not pushed and not self.admin("state")["operations"]["running"]

    def story(self) -> str:
        """What the processes said, for a failing test's message."""
        return "\n".join([*(f"{count:6} {words}" for words, count in self.said.most_common()), *self.recent])

    def memory(self) -> dict[str, float]:
        """The proportional set size of each process with its children, in MB."""
        return {name: memory.size(pid) for name, pid in self.pids.items()}


def _scaled(speed: float, instances: int) -> dict[str, str]:
    """What infra sets, in seconds of a clock that runs faster."""
    seconds = {"BUDGET": 480.0, "POLL": 5.0, "BACKOFF": 1.0, "QUOTA_MINUTE": 60.0}
    scaled = {f"WAYOUT_{name}_SECONDS": f"{value / speed:.4f}" for name, value in seconds.items()}
    threads = {"THREADS": str(CONCURRENCY), "MALLOC_ARENA_MAX": "2"}
    return {**scaled, **threads, "WAYOUT_INSTANCES": str(instances)}
