"""A house whose runtime account holds what infra/roles.yaml grants, where Terraform grants it, and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

import yaml

from localcloud.access.used import Used
from tests.house import PRINCIPAL, PROJECT, House
from wayout.egress.messages import OutcomeSaid

FILE = Path(__file__).parents[2] / "infra" / "roles.yaml"
HOME, HOST = "wayout-home", "host-project"
NUMBERS = {PROJECT: "123456789012", HOME: "345678901234", HOST: "210987654321"}
TOPIC = f"projects/{PROJECT}/topics/wayout-outcomes"
ACCOUNT = f"{NUMBERS[PROJECT]}-compute@developer.gserviceaccount.com"  # of jobs that name none
PEOPLE = ("platform@example.com", "dev@example.com", "somebody@example.com", "judge@example.com")
RUNTIME = f"serviceAccount:{PRINCIPAL}"


class Row(NamedTuple):
    """One permission of one role; the role is empty where the grant is on a single thing."""

    role: str
    permission: str

    def __str__(self) -> str:
        return f"{self.permission} of {self.role}" if self.role else self.permission


@cache
def listed() -> dict[str, Any]:
    """The file of roles, as Terraform reads it."""
    found: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return found


def roles() -> dict[str, frozenset[str]]:
    """What each custom role holds."""
    return {key: frozenset(role["permissions"]) for key, role in listed().items() if key != "grants"}


def grants() -> dict[str, str]:
    """The predefined role that is granted on single things, by the permission that it is granted for."""
    return {one["permission"]: one["role"] for one in listed()["grants"]}


def rows() -> list[Row]:
    """Everything that the file lists."""
    single = [Row("", permission) for permission in grants()]
    return [*(Row(role, one) for role, held in roles().items() for one in sorted(held)), *single]


@dataclass(frozen=True)
class Seen:
    """What people saw of a scenario: the outcomes, Slack, and what the functions logged."""

    outcomes: list[OutcomeSaid] = field(default_factory=list)
    slack: str = ""
    log: str = ""


class Granted(House):
    """Guarded projects: people own them, Google's agents have their roles, and the runtime account its own.

    Wayout's home is a project of its own, so that its role is told from the others. `shared`: with a Shared VPC's host
    too, which is then the only project that the network role is granted in.
    """

    def __init__(
        self,
        folder: Path,
        *,
        shared: bool = False,
        without: Row | None = None,
        **how: Any,
    ) -> None:
        super().__init__(folder, WAYOUT_PROJECT=HOME, WAYOUT_OUTCOME_TOPIC=TOPIC, **how)
        self.shares, self._without = shared, without
        self.heard: list[OutcomeSaid] = []
        for project in (HOME, *((HOST,) if shared else ())):
            self.cloud.projects[project] = NUMBERS[project]

    def __enter__(self) -> Self:
        super().__enter__()
        for project in self.cloud.projects:
            self._guard(project)
        self._let_messages_flow()
        if self.shares:
            self._share()
        self._grant_roles()
        self._grant_on_single_things()
        return self

    def _guard(self, project: str) -> None:
        for person in PEOPLE:
            self.admin("guard", {"project": project, "owner": f"user:{person}"})

    def _let_messages_flow(self) -> None:
        """What Terraform grants to the log sink and to Pub/Sub's own agent."""
        topic = f"projects/{PROJECT}/topics/wayout-events"
        for sink in self.cloud.table("logging.sinks").values():
            self._bind("roles/pubsub.publisher", sink["writerIdentity"], topic)
        agent = f"serviceAccount:service-{NUMBERS[PROJECT]}@gcp-sa-pubsub.iam.gserviceaccount.com"
        for role in ("roles/pubsub.publisher", "roles/pubsub.subscriber"):
            self._bind(role, agent, f"projects/{PROJECT}")

    def _share(self) -> None:
        """What the platform's people see to in a Shared VPC (infra/shared_vpc.tf)."""
        self.admin("shared_vpc", {"host": HOST, "service": PROJECT})
        number = NUMBERS[PROJECT]
        for agent in (f"service-{number}@gcp-sa-vpcaccess.iam", f"{number}@cloudservices"):
            self._bind("roles/compute.networkUser", f"serviceAccount:{agent}.gserviceaccount.com", f"projects/{HOST}")
        agent = f"serviceAccount:service-{number}@serverless-robot-prod.iam.gserviceaccount.com"
        self._bind("roles/vpcaccess.user", agent, f"projects/{HOST}")

    @property
    def places(self) -> dict[str, str]:
        """The project that each role is granted in."""
        return {"workload": PROJECT, "network": HOST if self.shares else PROJECT, "home": HOME}

    def _grant_roles(self) -> None:
        for key, held in roles().items():
            project = self.places[key]
            name = f"projects/{project}/roles/wayout_{key}"
            kept = sorted(one for one in held if Row(key, one) != self._without)
            self.admin("roles", {"name": name, "permissions": kept})
            self._bind(name, RUNTIME, f"projects/{project}")

    def _grant_on_single_things(self) -> None:
        on = {
            "iam.serviceAccounts.actAs": [f"projects/{PROJECT}/serviceAccounts/{ACCOUNT}"],
            "pubsub.topics.publish": [TOPIC],
            "secretmanager.versions.access": [],  # Google mounts a secret in the function's name: nothing asks for it
        }
        for permission, role in grants().items():
            for resource in on[permission] if Row("", permission) != self._without else ():
                self._bind(role, RUNTIME, resource)

    def _bind(self, role: str, member: str, resource: str) -> None:
        self.admin("bind", {"role": role, "member": member, "resource": resource})

    # what people do, with REST where no client of ours has the words

    def rest(self, verb: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One request of the platform engineer, and everything that it brings about."""
        found = self.platform._rest(verb, path, body)
        self.settle()
        return found

    def outcomes(self) -> list[OutcomeSaid]:
        """The outcomes since the last time; all of them are kept in `heard`."""
        found = super().outcomes()
        self.heard += found
        return found

    # what became of it

    def used(self) -> frozenset[Row]:
        """What the runtime account has used, as rows of the file. What two roles give it in one project is neither's:
        either could do without."""
        found = set()
        for permission, resource in self.cloud.part(Used).of(PRINCIPAL):
            project = resource.split("/")[1]
            givers = [key for key, place in self.places.items() if place == project and permission in roles()[key]]
            if permission in grants():
                found.add(Row("", permission))
            elif len(givers) == 1:
                found.add(Row(givers[0], permission))
        return frozenset(found)

    def refused(self) -> list[str]:
        """The calls of the runtime account that were forbidden."""
        return [one.method for one in self.cloud.records if one.principal == PRINCIPAL and one.status == 403]

    def seen(self, log: str) -> Seen:
        """What people have seen up to now."""
        self.outcomes()
        return Seen(self.heard, json.dumps(self.slack()), log)
