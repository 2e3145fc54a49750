"""compute.projects.get and compute.regions.list."""

from __future__ import annotations

from localcloud.calls import Call, Document
from localcloud.compute.common import FIREWALLS, link
from localcloud.compute.firewalls import quota
from localcloud.compute.listing import envelope
from localcloud.compute.places import REGIONS
from localcloud.core import Cloud, serves


@serves("compute.projects.get", permissions=("compute.projects.get",))
def get_project(cloud: Cloud, call: Call) -> Document:
    """The project, with its quota of firewall rules and how many there are."""
    project = cloud.project_id(call.params["project"])
    used = sum(name.startswith(f"projects/{project}/") for name in cloud.table(FIREWALLS.table))
    return {
        "kind": "compute#project",
        "id": cloud.number(project),
        "creationTimestamp": "2024-01-15T01:00:00.000-08:00",
        "name": project,
        "selfLink": link(f"projects/{project}"),
        "defaultServiceAccount": f"{cloud.number(project)}-compute@developer.gserviceaccount.com",
        "quotas": [{"metric": "FIREWALLS", "limit": float(quota(cloud)), "usage": float(used)}],
    }


@serves("compute.regions.list", permissions=("compute.regions.list",))
def list_regions(cloud: Cloud, call: Call) -> Document:
    scope = f"projects/{cloud.project_id(call.params['project'])}/regions"
    regions = [
        (
            f"{scope}/{name}",
            {
                "kind": "compute#region",
                "id": str(1000 + 10 * octet),
                "name": name,
                "description": name,
                "status": "UP",
                "selfLink": link(f"{scope}/{name}"),
                "zones": [link(f"{scope.removesuffix('regions')}zones/{name}-{letter}") for letter in "abc"],
            },
        )
        for name, octet in REGIONS.items()
    ]
    return envelope(call, "compute#regionList", scope, regions)
