"""The regions in which a project may have connectors. That these are all of compute's is assumed."""

from __future__ import annotations

from localcloud.calls import Call, Document
from localcloud.compute.places import REGIONS
from localcloud.core import Cloud, serves
from localcloud.paging import paged


@serves("vpcaccess.projects.locations.list", permissions=("vpcaccess.locations.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    """Every region, by name."""
    project = cloud.project_id(call.params["name"].split("/")[1])
    found = [
        {
            "name": f"projects/{project}/locations/{region}",
            "locationId": region,
            "labels": {"cloud.googleapis.com/region": region},
        }
        for region in sorted(REGIONS)
    ]
    return paged(call, "locations", found)
