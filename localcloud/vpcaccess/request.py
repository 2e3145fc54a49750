"""What of a request for a connector is checked at once, before there is an operation. Texts: as quoted by Google and in
public reports.

Switch `vpcaccess.custom_constraints` []: custom organization policies, each {constraint, description, field, value}: a
connector whose `network` or subnet's name (`field` is network or subnet) is `value` may not be made.
"""

from __future__ import annotations

import json
import re

from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.errors import INVALID, PRECONDITION, ApiError
from localcloud.vpcaccess import size

PATTERN = r"^[a-z][-a-z0-9]{0,23}[a-z0-9]$"


def checked(cloud: Cloud, id_: str, body: Document, project: str) -> Document:
    """The connector that a request asks for."""
    if not re.fullmatch(PATTERN, id_):
        raise ApiError(INVALID, f"Connector ID must follow the pattern {PATTERN}.")
    if body.get("name"):
        raise ApiError(INVALID, "Connector name must not be set.")
    found: Document = {"machineType": body.get("machineType") or "e2-micro"}
    if found["machineType"] not in size.THROUGHPUT:
        raise size.invalid()
    found |= size.given(body)
    size.check(found)
    found |= _ground(cloud, body, project)
    _check_constraints(cloud, found)
    return size.sized(found)


def _ground(cloud: Cloud, body: Document, project: str) -> Document:
    """A subnet, perhaps of the Shared VPC host, or a range in a network of the connector's own project; not both."""
    subnet, cidr = body.get("subnet", {}).get("name"), body.get("ipCidrRange")
    if bool(subnet) == bool(cidr):
        raise size.invalid()
    if subnet:
        return {"subnet": {"name": subnet, "projectId": body["subnet"].get("projectId") or project}}
    network = body.get("network") or "default"
    if "/" in network and f"projects/{project}/" not in network and f"projects/{cloud.number(project)}/" not in network:
        raise size.invalid()
    return {"ipCidrRange": cidr, "network": network.rsplit("/", 1)[-1]}


def _check_constraints(cloud: Cloud, connector: Document) -> None:
    has = {"network": connector.get("network", ""), "subnet": connector.get("subnet", {}).get("name", "")}
    for one in cloud.switch("vpcaccess.custom_constraints"):
        if has[one["field"]].rsplit("/", 1)[-1] == one["value"]:
            why = f"{json.dumps(one['constraint'])}: {json.dumps(one['description'])}"
            raise ApiError(PRECONDITION, f"Operation denied by custom org policies: [{why}]")
