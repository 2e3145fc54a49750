"""What the account that Wayout runs as must be permitted, by who in the house needs it.

infra/roles.yaml grants exactly this, and says what each is for; tests/permissions holds both against what every
scenario uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from wayout.egress import adoption, need, removal
from wayout.egress.remedies import REMEDIES

Role = Literal["workload", "network", "home"]

OWNERS: Mapping[str, tuple[str, ...]] = {
    **{remedy.name: remedy.permissions for remedy in REMEDIES},
    "need": need.PERMISSIONS,
    "adoption": adoption.PERMISSIONS,
    "removal": removal.PERMISSIONS,
    "reconcile": ("run.jobs.get", "run.jobs.list", "vpcaccess.connectors.list", "compute.subnetworks.list"),
    "ledger": ("logging.logEntries.create", "logging.logEntries.list"),
    "outbox": ("pubsub.topics.publish",),
}

# By the service that a permission belongs to: the roles that hold it, each in its own projects. A connector lies in
# the network's project, or in a Shared VPC in the job's.
_HOLDERS: Mapping[str, tuple[Role, ...]] = {
    "run": ("workload",),
    "resourcemanager": ("workload",),
    "vpcaccess": ("workload", "network"),
    "compute": ("network",),
    "dns": ("network",),
    "logging": ("home",),
}


@dataclass(frozen=True, slots=True)
class Need:
    """One permission, and who needs it. `writes`: somebody who only looks could not hold it."""

    permission: str
    owner: str
    writes: bool

    @property
    def roles(self) -> tuple[Role, ...]:
        """The custom roles that hold it; none where it is granted on a single thing (an account, a topic)."""
        return _HOLDERS.get(self.permission.partition(".")[0], ())


def needs() -> Iterator[Need]:
    """Every permission of every owner; several may need the same."""
    for owner, held in OWNERS.items():
        yield from (Need(permission, owner, writes(permission)) for permission in held)


def writes(permission: str) -> bool:
    """Whether a permission is for more than looking, which its verb tells."""
    return not permission.rpartition(".")[2].startswith(("get", "list"))


def held_by(role: Role) -> tuple[str, ...]:
    """What a custom role holds, in order."""
    return tuple(sorted({need.permission for need in needs() if role in need.roles}))
