"""What a deployment needs of Google: permissions of the runtime account, and APIs."""

from __future__ import annotations

from typing import Literal

Role = Literal["workload", "network", "home"]

_WORKLOAD = (
    "resourcemanager.projects.get",
    "run.executions.list",
    "run.jobs.get",
    "run.jobs.list",
    "run.jobs.update",
    "run.operations.get",
    "vpcaccess.connectors.create",
    "vpcaccess.connectors.delete",
    "vpcaccess.connectors.list",
    "vpcaccess.connectors.update",
    "vpcaccess.operations.get",
)
_NETWORK = (
    "compute.addresses.list",
    "compute.addresses.use",
    "compute.firewalls.create",
    "compute.firewalls.delete",
    "compute.firewalls.get",
    "compute.firewalls.list",
    "compute.firewalls.update",
    "compute.globalAddresses.list",
    "compute.globalOperations.get",
    "compute.networks.create",
    "compute.networks.get",
    "compute.networks.getEffectiveFirewalls",
    "compute.networks.getRegionEffectiveFirewalls",
    "compute.networks.listPeeringRoutes",
    "compute.networks.updatePolicy",
    "compute.regionOperations.get",
    "compute.routers.create",
    "compute.routers.delete",
    "compute.routers.get",
    "compute.routers.list",
    "compute.routers.update",
    "compute.routes.list",
    "compute.subnetworks.create",
    "compute.subnetworks.delete",
    "compute.subnetworks.list",
    "compute.subnetworks.setPrivateIpGoogleAccess",
    "compute.subnetworks.use",
    "dns.managedZones.list",
    "vpcaccess.connectors.create",
    "vpcaccess.connectors.delete",
    "vpcaccess.connectors.list",
    "vpcaccess.connectors.update",
    "vpcaccess.operations.get",
)
_HOME = (
    "logging.logEntries.create",
    "logging.logEntries.list",
)

# The one line that says what the runtime account needs, by the role that is to hold it (infra/roles.yaml).
PERMISSIONS: dict[Role, tuple[str, ...]] = {"workload": _WORKLOAD, "network": _NETWORK, "home": _HOME}

_HOME_APIS = (
    "artifactregistry",
    "cloudbuild",
    "cloudfunctions",
    "cloudresourcemanager",
    "cloudscheduler",
    "compute",
    "dns",
    "logging",
    "pubsub",
    "run",
    "secretmanager",
    "vpcaccess",
)
APIS: dict[Role, tuple[str, ...]] = {
    "home": _HOME_APIS,
    "workload": ("compute", "run", "vpcaccess"),
    "network": ("compute", "dns", "vpcaccess"),
}


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


def apis(roles: tuple[Role, ...]) -> tuple[str, ...]:
    """The APIs that a project of these roles needs, by their full names."""
    return tuple(f"{name}.googleapis.com" for name in sorted({one for role in roles for one in APIS[role]}))
