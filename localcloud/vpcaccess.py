"""Serverless VPC Access v1: connectors and their operations. Texts: as quoted in public reports.

Switches: `vpcaccess.create_error` None, or {code, message} that every creation fails with;
`vpcaccess.service_project_needs_rules` True: a connector of a Shared VPC service project has no automatic rules;
`vpcaccess.error_holds_subnet` True: a connector in ERROR keeps its range from the next one until it is deleted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from localcloud import operations
from localcloud.calls import Audited, Call, Document, Target
from localcloud.connectorhealth import ground, problem
from localcloud.core import Cloud, not_found, serves
from localcloud.errors import EXISTS, INVALID, PRECONDITION, ApiError
from localcloud.locations import joined, parts
from localcloud.paging import paged

TABLE = "vpcaccess.connectors"
SERVICE = "google.cloud.vpcaccess.v1.VpcAccessService"
TYPE = "type.googleapis.com/google.cloud.vpcaccess.v1"
EMPTY = "type.googleapis.com/google.protobuf.Empty"
PATTERN = r"^[a-z][-a-z0-9]{0,23}[a-z0-9]$"
# Mbit/s for each instance, from the ranges that Google gives for 2 to 10 instances
THROUGHPUT = {"f1-micro": 50, "e2-micro": 100, "e2-standard-4": 1600}
MOST = 10
MUTABLE = {"machineType", "minInstances", "maxInstances"}
INSTALLS_AT = 0.6  # of a creation's time, the firewall rules are there; assumed


def _audited(verb: str, request: Callable[[Call], Document] | None = None) -> Audited:
    method = f"{SERVICE}.{verb}"

    def target(cloud: Cloud, call: Call) -> Target:
        if "parent" in call.params:
            project, region, id_ = *parts(cloud, call.params["parent"]), call.params.get("connectorId", "")
        else:
            project, region, id_ = parts(cloud, call.params["name"], "connectors")
        labels = {"service": "vpcaccess.googleapis.com", "method": method}
        return Target(project, joined(project, region, id_, kinds=("connectors",)), "audited_resource", labels, region)

    return Audited(method, target, f"google.cloud.vpcaccess.v1.{verb}Request", request or (lambda c: dict(c.params)))


def _asked(call: Call) -> Document:
    return dict(call.params) | {"connector": call.body}


@serves("vpcaccess.projects.locations.connectors.get", permissions=("vpcaccess.connectors.get",))
def get(cloud: Cloud, call: Call) -> Document:
    """One connector."""
    return dict(_find(cloud, call))


@serves("vpcaccess.projects.locations.connectors.list", permissions=("vpcaccess.connectors.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    """The connectors of one location, by name."""
    prefix = joined(*parts(cloud, call.params["parent"])) + "/connectors/"
    found = [dict(one) for name, one in sorted(cloud.table(TABLE).items()) if name.startswith(prefix)]
    return paged(call, "connectors", found)


@serves(
    "vpcaccess.projects.locations.connectors.create",
    permissions=("vpcaccess.connectors.create",),
    audited=_audited("CreateConnector", _asked),
)
def create(cloud: Cloud, call: Call) -> Document:
    """Make a connector. What is wrong with its network or range shows minutes later, and leaves it in ERROR."""
    project, region = parts(cloud, call.params["parent"])
    connector = _checked(call.params.get("connectorId", ""), call.body, project)
    name = joined(project, region, call.params["connectorId"], kinds=("connectors",))
    if name in cloud.table(TABLE):
        raise ApiError(EXISTS, "Requested entity already exists")
    connector |= {"name": name, "state": "CREATING"}
    cloud.table(TABLE)[name] = connector
    seconds = cloud.duration(call.method)
    cloud.after(seconds * INSTALLS_AT, lambda: _install(cloud, connector))

    def finish() -> Document:
        refusal = _forced(cloud) or problem(cloud, connector)
        connector["state"] = "ERROR" if refusal else "READY"
        if refusal:
            raise refusal
        connector["connectedProjects"] = [project]
        return {"@type": f"{TYPE}.Connector"} | connector

    return _operation(cloud, call, "CreateConnector", name, finish)


@serves(
    "vpcaccess.projects.locations.connectors.delete",
    permissions=("vpcaccess.connectors.delete",),
    audited=_audited("DeleteConnector"),
)
def delete(cloud: Cloud, call: Call) -> Document:
    """Remove a connector, whoever uses it, and its firewall rules."""
    connector = _find(cloud, call)
    _idle(connector)
    connector["state"] = "DELETING"

    def finish() -> Document:
        from localcloud.compute import connector_rules

        cloud.table(TABLE).pop(connector["name"], None)
        connector_rules.remove(cloud, *parts(cloud, connector["name"], "connectors"))
        return {"@type": EMPTY}

    return _operation(cloud, call, "DeleteConnector", connector["name"], finish)


@serves(
    "vpcaccess.projects.locations.connectors.patch",
    permissions=("vpcaccess.connectors.update",),
    audited=_audited("UpdateConnector", _asked),
)
def patch(cloud: Cloud, call: Call) -> Document:
    """Change the machine type or let the size grow; both bounds are to be sent together."""
    connector = _find(cloud, call)
    mask = {_camel(one) for one in call.params.get("updateMask", "").split(",") if one} or MUTABLE & set(call.body)
    if not mask or mask - MUTABLE:
        raise _invalid()
    wanted = connector | {key: call.body[key] for key in mask if key in call.body}
    _check_size(wanted)
    if len(mask & {"minInstances", "maxInstances"}) == 1:
        raise ApiError(INVALID, "Both min_instances and max_instances must be specified.")
    if any(wanted[key] < connector.get(key, 0) for key in ("minInstances", "maxInstances")):
        raise ApiError(INVALID, "The number of instances underlying the connector cannot be decreased.")
    _idle(connector)
    connector["state"] = "UPDATING"

    def finish() -> Document:
        connector.update(_sized(wanted) | {"state": "READY"})
        return {"@type": f"{TYPE}.Connector"} | connector

    return _operation(cloud, call, "UpdateConnector", connector["name"], finish)


@serves("vpcaccess.projects.locations.operations.get", permissions=("vpcaccess.operations.get",), waits=True)
def get_operation(cloud: Cloud, call: Call) -> Document:
    """An operation as it stands."""
    return operations.read(cloud, call.params["name"])


@serves("vpcaccess.projects.locations.operations.list", permissions=("vpcaccess.operations.list",))
def list_operations(cloud: Cloud, call: Call) -> Document:
    """The connector operations of one location, newest first."""
    prefix = joined(*parts(cloud, call.params["name"])) + "/operations/"
    ours = [one for one in cloud.operations.values() if one.name.startswith(prefix)]
    found = [dict(one.body) for one in ours if one.body["metadata"]["@type"] == f"{TYPE}.OperationMetadata"]
    return paged(call, "operations", found[::-1])


def _find(cloud: Cloud, call: Call) -> Document:
    name = joined(*parts(cloud, call.params["name"], "connectors"), kinds=("connectors",))
    found = cloud.table(TABLE).get(name)
    if found is None:
        raise not_found("The connector is not found.")
    return found


def _idle(connector: Document) -> None:
    if connector["state"] in ("CREATING", "UPDATING", "DELETING"):
        raise ApiError(PRECONDITION, f"Connector {connector['name']} is being changed: {connector['state']}.")


def _invalid() -> ApiError:
    """The bare complaint of a service that does not say which argument."""
    return ApiError(INVALID, "Request contains an invalid argument.")


def _checked(id_: str, body: Document, project: str) -> Document:
    """The connector that a request asks for, if it passes what is checked at once."""
    if not re.fullmatch(PATTERN, id_):
        raise ApiError(INVALID, f"Connector ID must follow the pattern {PATTERN}.")
    if body.get("name"):
        raise ApiError(INVALID, "Connector name must not be set.")
    machine = body.get("machineType") or "e2-micro"
    subnet = body.get("subnet", {}).get("name")
    if machine not in THROUGHPUT or bool(subnet) == bool(body.get("ipCidrRange")):
        raise _invalid()
    found: Document = {"machineType": machine} | {key: body[key] for key in _sizes(body)}
    _check_size(found)
    if subnet:
        found["subnet"] = {"name": subnet, "projectId": body["subnet"].get("projectId") or project}
    else:
        found |= {"ipCidrRange": body["ipCidrRange"], "network": body.get("network") or "default"}
    return _sized(found)


def _sizes(body: Document) -> list[str]:
    return [key for key in ("minInstances", "maxInstances", "minThroughput", "maxThroughput") if body.get(key)]


def _check_size(connector: Document) -> None:
    least, most = connector.get("minInstances", 0), connector.get("maxInstances", 0)
    if least and least < 2:
        raise ApiError(INVALID, "The minimum amount of instances underlying the connector must be at least 2.")
    if least and most and least >= most:
        message = "The specified minimum instances value must be less than the specified maximum instances value."
        raise ApiError(INVALID, message)
    if max(least, most) > MOST:
        raise _invalid()


def _sized(connector: Document) -> Document:
    """Throughput from instances, which win; instances from throughput where only that was given."""
    found, each = dict(connector), THROUGHPUT[connector["machineType"]]
    if not found.get("maxInstances"):
        if not found.get("maxThroughput"):
            return found  # its creation will fail
        found["maxInstances"] = min(MOST, max(3, -(-found["maxThroughput"] // each)))
    found.setdefault("minInstances", max(2, found.get("minThroughput", 0) // each))
    return found | {f"{end}Throughput": found[f"{end}Instances"] * each for end in ("min", "max")}


def _forced(cloud: Cloud) -> ApiError | None:
    forced: dict[str, Any] | None = cloud.switches.get("vpcaccess.create_error")
    return ApiError(forced["code"], forced["message"]) if forced else None


def _install(cloud: Cloud, connector: Document) -> None:
    """Google's own firewall rules come while the connector is still being made, if its network is in order."""
    from localcloud.compute import connector_rules

    try:
        network, cidr = ground(cloud, connector)
    except ApiError:
        return
    project, region, id_ = parts(cloud, connector["name"], "connectors")
    if network.startswith(f"projects/{project}/"):
        connector_rules.install(cloud, project, region, id_, network, str(cidr))


def _operation(cloud: Cloud, call: Call, verb: str, name: str, finish: operations.Finish) -> Document:
    """An operation with the metadata of this API: when it ended is known only then."""
    metadata: Document = {
        "@type": f"{TYPE}.OperationMetadata",
        "method": f"{SERVICE}.{verb}",
        "createTime": cloud.clock.stamp(),
        "target": name,
    }

    def end() -> Document:
        metadata["endTime"] = cloud.clock.stamp()
        return dict(finish())

    return operations.start_lro(
        cloud,
        call,
        parent=name.split("/connectors/")[0],
        seconds=cloud.duration(call.method),
        metadata=lambda: dict(metadata),
        finish=end,
    )


def _camel(name: str) -> str:
    first, *rest = name.strip().split("_")
    return first + "".join(part.capitalize() for part in rest)
