"""The whole house as Terraform leaves it: APIs, roles and grants beside topics, subscriptions and the sink.

Its project is guarded: nobody may do what no policy gives them, so that what is taken away is missed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import requests

from tests.house import PRINCIPAL, PROJECT, REGION, House, service
from wayout import doctor
from wayout.cli.demo.people import DEAD, INVOKER, TOPICS
from wayout.cli.doctor import EXITS
from wayout.cloud.clients import Clients
from wayout.cloud.settings import Settings
from wayout.egress import health
from wayout.egress.health import needed

NUMBER = "123456789012"
WRITER = f"serviceAccount:service-{NUMBER}@gcp-sa-logging.iam.gserviceaccount.com"
AGENT = f"serviceAccount:service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"
OWNER = "platform@example.com"
ROLE = f"projects/{PROJECT}/roles/wayout"
ACCOUNT = f"jobs-of-ours@{PROJECT}.iam.gserviceaccount.com"
SLACK = "C0EGRESS"  # the id of the channel, which Slack can be asked for
WAYOUT = str(Path(sys.executable).with_name("wayout"))
SINK = f"projects/{PROJECT}/sinks/wayout-events"
FLOWS = {
    "events": "wayout-events",
    "requests": "wayout-requests",
    "sweep": "wayout-sweep",
    "outcomes": "wayout-outcomes",
}


def topic(name: str) -> str:
    return f"projects/{PROJECT}/topics/{name}"


def account() -> str:
    """The one service account that jobs run as, by its full name."""
    return f"projects/{PROJECT}/serviceAccounts/{ACCOUNT}"


def subscription(name: str) -> str:
    return f"projects/{PROJECT}/subscriptions/{name}"


@dataclass(frozen=True)
class Diagnosed:
    """What the doctor said, and its exit code. Findings: (mark, said and next step) by what they are about."""

    exit: int
    document: dict[str, Any]

    @property
    def well(self) -> bool:
        """All is green but the schedule, which nobody looks at."""
        return [one["area"] for one in self.document["findings"] if one["mark"] != "green"] == ["Schedule"]

    @property
    def findings(self) -> dict[str, tuple[str, str]]:
        found = self.document["findings"]
        return {one["what"]: (one["mark"], f"{one['said']} → {one['step']}") for one in found}

    def marked(self, mark: str) -> dict[str, str]:
        """What has that mark, and the words."""
        return {what: said for what, (marked, said) in self.findings.items() if marked == mark}


class Laid(House):
    """The house, deployed. Its functions' settings may be others than the description says."""

    def __init__(self, folder: Path, **environment: str) -> None:
        settings: dict[str, Any] = {"SLACK_CHANNEL": SLACK} | environment
        super().__init__(folder, **settings)

    def __enter__(self) -> Self:
        super().__enter__()
        self._lay()
        self.settle()
        return self

    def _lay(self) -> None:
        apis = [f"{name}.googleapis.com" for name in sorted({one for names in needed.APIS.values() for one in names})]
        self.rest("POST", f"v1/projects/{PROJECT}/services:batchEnable", {"serviceIds": apis})
        doctor = {
            "topic": topic("wayout-outcomes"),
            "filter": 'attributes.kind = "echo"',
            "ackDeadlineSeconds": 10,
            "expirationPolicy": {},
            "deadLetterPolicy": {"deadLetterTopic": topic(DEAD), "maxDeliveryAttempts": 30},
        }
        self.rest("PUT", f"v1/{subscription('wayout-doctor')}", doctor)
        self.admin("guard", {"project": PROJECT, "owner": f"user:{OWNER}"})
        role = {"name": ROLE, "permissions": sorted({one for names in needed.PERMISSIONS.values() for one in names})}
        self.admin("roles", role)
        self.bind(ROLE, f"serviceAccount:{PRINCIPAL}", f"projects/{PROJECT}")
        self.bind("roles/pubsub.publisher", f"serviceAccount:{PRINCIPAL}", topic("wayout-outcomes"))
        self.rest("POST", f"v1/projects/{PROJECT}/serviceAccounts", {"accountId": ACCOUNT.partition("@")[0]})
        self.bind("roles/iam.serviceAccountUser", f"serviceAccount:{PRINCIPAL}", account())
        self.bind("roles/pubsub.publisher", WRITER, topic("wayout-events"))
        self.bind("roles/pubsub.publisher", AGENT, topic(DEAD))
        for name, function in TOPICS.items():
            self.bind("roles/pubsub.subscriber", AGENT, subscription(name))
            self.bind("roles/run.invoker", f"serviceAccount:{INVOKER}", service(function))

    # what people do to it

    def rest(self, verb: str, path: str, body: Any = None, who: str = OWNER) -> dict[str, Any]:
        """One call of Google's API."""
        headers = {"Authorization": f"Bearer {who}"}
        answer = requests.request(verb, f"{self.url}/{path}", json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def bind(self, role: str, member: str, resource: str) -> None:
        self.admin("bind", {"role": role, "member": member, "resource": resource})

    def unbind(self, role: str, member: str, resource: str) -> None:
        self.admin("unbind", {"role": role, "member": member, "resource": resource})

    def lacks(self, *permissions: str) -> None:
        """Have the runtime account's role hold all it takes but these."""
        held = {one for names in needed.PERMISSIONS.values() for one in names} - set(permissions)
        self.admin("roles", {"name": ROLE, "permissions": sorted(held)})

    # the doctor

    def description(self, **changed: Any) -> dict[str, Any]:
        """The deployment as Terraform would describe it."""
        return {
            "project": PROJECT,
            "region": REGION,
            "sink": {"parent": f"projects/{PROJECT}", "name": "wayout-events"},
            "topics": {flow: topic(name) for flow, name in FLOWS.items()} | {"dead": topic(DEAD)},
            "subscriptions": {flow: subscription(name) for flow, name in FLOWS.items()}
            | {"dead": subscription(DEAD), "doctor": subscription("wayout-doctor")},
            "functions": {name: self.endpoint(name, "t").split("/projects/")[0] for name in TOPICS.values()},
            "principal": PRINCIPAL,
            "invoker": INVOKER,
            "projects": [PROJECT],
            "network_projects": [],
            "job_service_accounts": [ACCOUNT],
            "slack": True,
        } | changed

    def diagnose(
        self, *, who: str = OWNER, timeout: float = 20.0, sources: Sequence[str] = (), **changed: Any
    ) -> Diagnosed:
        """What the doctor finds, in this process: whenever it would wait, all that is under way comes to rest."""
        described = health.parse(json.dumps(self.description(**changed)))
        clients = Clients(Settings.from_env(self.environment(who) | {"WAYOUT_PRINCIPAL": "you"}))
        seconds = 0.0

        def sleep(pause: float) -> None:
            nonlocal seconds
            seconds += pause
            self.settle()

        try:
            found = doctor.examine(
                described, clients, sources=sources, timeout=timeout, clock=lambda: seconds, sleep=sleep
            )
        finally:
            clients.close()
        return Diagnosed(EXITS[found.mark], json.loads(found.model_dump_json()))

    def command(self, *words: str, who: str = OWNER, timeout: float = 20.0, **changed: Any) -> Diagnosed:
        """What the command prints for scripts."""
        run = self.run("--json", *words, who=who, timeout=timeout, **changed)
        assert run.stdout, run.stderr
        return Diagnosed(run.returncode, json.loads(run.stdout))

    def run(
        self, *words: str, who: str = OWNER, timeout: float = 20.0, **changed: Any
    ) -> subprocess.CompletedProcess[str]:
        inherited = {name: text for name, text in os.environ.items() if not name.startswith(("WAYOUT_", "SLACK_"))}
        return subprocess.run(
            [WAYOUT, "doctor", "-", "--timeout", str(timeout), *words],
            input=json.dumps(self.description(**changed)),
            env={**inherited, **self.environment(who)},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
