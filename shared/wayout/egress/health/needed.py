"""What a deployment needs of Google: permissions of the runtime account, and APIs."""

from __future__ import annotations

from typing import get_args

from wayout.egress.permissions import Role as Role
from wayout.egress.permissions import held_by

# What the runtime account needs, by the role that is to hold it.
PERMISSIONS: dict[Role, tuple[str, ...]] = {role: held_by(role) for role in get_args(Role)}

ACT_AS = "iam.serviceAccounts.actAs"  # on the account that a job runs as: attaching takes it

_HOME_APIS = (
    "artifactregistry",
    "cloudbuild",
    "cloudfunctions",
    "cloudresourcemanager",
    "cloudscheduler",
    "compute",
    "dns",
    "iam",
    "logging",
    "monitoring",
    "pubsub",
    "run",
    "secretmanager",
    "storage",
    "vpcaccess",
)
APIS: dict[Role, tuple[str, ...]] = {
    "home": _HOME_APIS,
    "workload": ("compute", "run", "vpcaccess"),
    "network": ("compute", "dns", "vpcaccess"),
}


def account(email: str) -> str:
    """The full name of a service account, whichever project it lies in."""
    return f"projects/-/serviceAccounts/{email}"


def by_project(home: str, projects: tuple[str, ...], networks: tuple[str, ...]) -> dict[str, tuple[Role, ...]]:
    """Each project once, with the roles that it plays."""
    found: dict[str, tuple[Role, ...]] = {home: ("home",)}
    for role, members in (("workload", projects), ("network", networks)):
        for project in members:
            found[project] = (*found.get(project, ()), role)  # type: ignore[arg-type]
    return {project: tuple(dict.fromkeys(roles)) for project, roles in found.items()}


def permissions(roles: tuple[Role, ...]) -> tuple[str, ...]:
    """What the runtime account needs in a project of these roles."""
    return tuple(sorted({one for role in roles for one in PERMISSIONS[role]}))


def apis(roles: tuple[Role, ...], *, eventarc: bool = False) -> tuple[str, ...]:
    """The APIs that a project of these roles needs, by their full names; the home one Eventarc's where it is used."""
    names = {one for role in roles for one in APIS[role]} | ({"eventarc"} if eventarc and "home" in roles else set())
    return tuple(f"{name}.googleapis.com" for name in sorted(names))
