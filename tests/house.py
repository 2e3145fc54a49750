"""The whole house in one process: a local Google Cloud on real sockets, and our functions behind functions-framework.

Deliveries travel as they do in production: audit log entry, sink, topic, push subscription, HTTP, CloudEvent.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import logging
import os
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import functions_framework
import requests
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import BaseWSGIServer, make_server

from localcloud.clock import Clock
from localcloud.run import services
from localcloud.server import LocalCloud
from wayout import wiring
from wayout.cli.demo.people import JOBS, Person
from wayout.cli.demo.stage import CHANNEL, FUNCTIONS, NETWORK, POLICY, PRINCIPAL, PROJECT, REGION
from wayout.cli.local import exports
from wayout.egress.messages import OutcomeSaid
from wayout.egress.model import Cause, JobName, JobTarget, NetworkName, Site
from wayout.wiring import Wired

__all__ = ["CHANNEL", "JOBS", "NETWORK", "POLICY", "PRINCIPAL", "PROJECT", "REGION", "SITE", "House"]

SITE = Site(NetworkName(PROJECT, NETWORK), REGION, "internet-https")


class House(AbstractContextManager["House"]):
    """Everything, started. `policy` is YAML text; `switches` are what we assume about Google."""

    def __init__(
        self,
        folder: Path,
        *,
        policy: str = POLICY,
        switches: Mapping[str, Any] | None = None,
        network: str = NETWORK,
        **environment: str,
    ) -> None:
        self.policy = folder / "policy.yaml"
        self.policy.write_text(policy, encoding="utf-8")
        self.local = LocalCloud(projects={PROJECT: "123456789012"}, clock=Clock())
        self.cloud = self.local.cloud
        self.cloud.switches |= switches or {}
        self._network = network
        self._extra = environment
        self._people: dict[str, Person] = {}
        self._old: dict[str, str | None] = {}
        self._server: BaseWSGIServer | None = None
        self.url = self.grpc = ""

    def __enter__(self) -> Self:
        self.local.start()
        self.url, self.grpc = self.local.url, self.local.grpc
        self._serve_functions()
        settings = self.environment()
        self._old = {name: os.environ.get(name) for name in settings}
        os.environ.update(settings)
        wiring.parts.cache_clear()
        self.platform.lay_the_ground(network=self._network)
        self.settle()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for person in self._people.values():
            person.close()
        wiring.parts().clients.close()
        self.local.stop()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        for name, value in self._old.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        wiring.parts.cache_clear()

    def _serve_functions(self) -> None:
        source = importlib.util.find_spec("functions.main")
        assert source
        assert source.origin
        create: Any = functions_framework.create_app
        apps = {f"/{name}": self._guarded(name, create(name, source.origin, "cloudevent")) for name in FUNCTIONS}
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = make_server("127.0.0.1", 0, DispatcherMiddleware(_nothing, apps), threaded=True)
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.02,), name="functions", daemon=True).start()

    def _guarded(self, function: str, app: Any) -> Any:
        """Cloud Run's front door: whoever a service's policy does not name is refused before the function is asked."""

        def serve(environ: Any, start: Any) -> Any:
            caller = _named_in(environ.get("HTTP_AUTHORIZATION", ""))
            with self.cloud.lock:
                welcome = services.may_invoke(self.cloud, caller, service(function))
            if welcome:
                return app(environ, start)
            start("403 Forbidden", [])
            return [b""]

        return serve

    # what people act on

    def endpoint(self, function: str, topic: str) -> str:
        """Where a push subscription delivers to a function."""
        assert self._server
        port = self._server.server_port
        return f"http://127.0.0.1:{port}/{function}/projects/{PROJECT}/topics/{topic}?pubsub_trigger=true"

    def environment(self, principal: str = PRINCIPAL) -> dict[str, str]:
        """The functions' settings, or those of somebody else at the same cloud."""
        return {
            **exports(self.url, self.grpc, principal),
            "WAYOUT_PROJECT": PROJECT,
            "WAYOUT_POLICY": str(self.policy),
            "WAYOUT_OUTCOME_TOPIC": "wayout-outcomes",
            "SLACK_TOKEN": "xoxb-test",
            "SLACK_CHANNEL": CHANNEL,
            "SLACK_BASE_URL": f"{self.url}/slack/api/",
            **self._extra,
        }

    def person(self, email: str) -> Person:
        """Somebody, with their own connections."""
        if email not in self._people:
            self._people[email] = Person(self, email)
        return self._people[email]

    @property
    def platform(self) -> Person:
        return self.person("platform@example.com")

    @property
    def developer(self) -> Person:
        return self.person("dev@example.com")

    @property
    def stranger(self) -> Person:
        return self.person("somebody@example.com")

    def settle(self) -> None:
        """Let everything come to rest."""
        assert self.local.settle(), "the cloud did not come to rest"

    def admin(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The local Google Cloud's own surface: GET, or POST with a body."""
        url = f"{self.url}/_localcloud/{path}"
        response = requests.get(url, timeout=60) if body is None else requests.post(url, json=body, timeout=60)
        response.raise_for_status()
        return response.json()

    # what became of it

    def outcomes(self) -> list[OutcomeSaid]:
        """The outcomes that have been published since the last time."""
        return [OutcomeSaid.model_validate(event["data"]) for event in self.platform.hear()]

    def slack(self) -> list[dict[str, Any]]:
        """Every Slack message so far."""
        found: list[dict[str, Any]] = self.admin("slack")["messages"]
        return found

    def plan(self, job: str) -> OutcomeSaid:
        """What a plan for a job says now; looked at by somebody whose calls are not counted as ours."""
        wired = Wired(self.person("judge@example.com").settings, watch=lambda *_: None)
        try:
            [ending] = wired.endings(JobTarget(JobName(PROJECT, REGION, job)), Cause("judge"), apply=False)
        finally:
            wired.clients.close()
        return ending.said

    def world(self) -> dict[str, Any]:
        """Every resource on a way out, without what differs between any two runs."""
        return {
            kind: things for kind, things in self.admin("world").items() if not kind.startswith(("pubsub", "logging"))
        }

    def writes(self) -> list[str]:
        """The methods of every mutation of ours so far, the ledger and messages left out."""
        return [
            record.method
            for record in self.cloud.records
            if record.principal == PRINCIPAL and record.writes and not record.method.startswith(("logging", "pubsub"))
        ]

    def table(self, kind: str) -> dict[str, dict[str, Any]]:
        """The local Google Cloud's resources of one kind, by short name."""
        return {name.rsplit("/", 1)[-1]: document for name, document in self.cloud.table(kind).items()}

    def job(self, name: str) -> dict[str, Any]:
        """A job's `vpcAccess` as stored; empty if it has none."""
        template = self.cloud.table("run.jobs")[f"{JOBS}/{name}"]["template"]["template"]
        found: dict[str, Any] = template.get("vpcAccess", {})
        return found

    def say(self) -> str:
        """The world, for a failing test's message."""
        return json.dumps(self.world(), indent=1)[:6000]


def service(function: str) -> str:
    """The full name of a function's Cloud Run service."""
    return f"projects/{PROJECT}/locations/{REGION}/services/wayout-{function.replace('_', '-')}"


def _named_in(authorization: str) -> str:
    """Whom a token of the local Google Cloud stands for."""
    parts = authorization.removeprefix("Bearer ").split(".")
    if len(parts) != 3:
        return "anonymous"
    return str(json.loads(base64.urlsafe_b64decode(parts[1] + "=="))["email"])


def _nothing(environ: Any, start: Any) -> list[bytes]:
    start("404 Not Found", [])
    return [b""]
