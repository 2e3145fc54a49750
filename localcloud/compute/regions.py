"""Reading projects (alone, and as hosts of Shared VPC) and regions."""

from __future__ import annotations

from localcloud.calls import Call, Document
from localcloud.compute.common import link
from localcloud.compute.limits import COUNTED, quota, used
from localcloud.compute.listing import envelope
from localcloud.compute.places import REGIONS
from localcloud.compute.sharedvpc import host_of, hosts, is_host
from localcloud.core import Cloud, serves


@serves("compute.projects.get", permissions=("compute.projects.get",))
def get_project(cloud: Cloud, call: Call) -> Document:
    """The project, with its quotas."""
    return project_shown(cloud, cloud.project_id(call.params["project"]))


def project_shown(cloud: Cloud, project: str) -> Document:
    """A project: its quotas and how much of them is used, and whether it is a Shared VPC host."""
    found: Document = {
        "kind": "compute#project",
        "id": cloud.number(project),
        "creationTimestamp": "2024-01-15T01:00:00.000-08:00",
        "name": project,
        "selfLink": link(f"projects/{project}"),
        "defaultServiceAccount": f"{cloud.number(project)}-compute@developer.gserviceaccount.com",
        "quotas": [
            {"metric": kind.plural.upper(), "limit": float(most), "usage": float(used(cloud, kind, project))}
            for kind in COUNTED
            if (most := quota(cloud, kind)) is not None
        ],
    }
    return found | ({"xpnProjectStatus": "HOST"} if is_host(cloud, project) else {})


@serves("compute.projects.getXpnHost", permissions=("compute.projects.get",))
def get_host(cloud: Cloud, call: Call) -> Document:
    """The host project of a service project; nothing for any other."""
    host = host_of(cloud, cloud.project_id(call.params["project"]))
    return project_shown(cloud, host) if host else {}


@serves("compute.projects.listXpnHosts", permissions=("compute.projects.get",))
def list_hosts(cloud: Cloud, call: Call) -> Document:
    """Every host project of the organization: of this cloud."""
    id_ = f"projects/{cloud.project_id(call.params['project'])}/listXpnHosts"
    found: Document = {"kind": "compute#xpnHostList", "id": id_, "selfLink": link(id_)}
    items = [project_shown(cloud, one) for one in hosts(cloud)]
    return found | ({"items": items} if items else {})


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
