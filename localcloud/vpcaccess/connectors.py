"""Serverless VPC Access v1: connectors and their operations. Texts: as quoted in public reports.

What is wrong in the request itself is refused at once; what is wrong around it fails the operation minutes later, and
leaves a connector in ERROR that keeps its name and its range until it is deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localcloud import lag, operations
from localcloud.calls import Audited, Call, Document, Target
from localcloud.compute import connector_rules
from localcloud.compute.places import REGIONS
from localcloud.compute.ranges import Unmade
from localcloud.core import Cloud, not_found, serves
from localcloud.errors import DENIED, EXISTS, INVALID, PRECONDITION, ApiError
from localcloud.locations import joined, parts
from localcloud.paging import paged
from localcloud.vpcaccess import size
from localcloud.vpcaccess.health import ground, problem
from localcloud.vpcaccess.request import checked

TABLE = "vpcaccess.connectors"
SERVICE = "google.cloud.vpcaccess.v1.VpcAccessService"
TYPE = "type.googleapis.com/google.cloud.vpcaccess.v1"
EMPTY = "type.googleapis.com/google.protobuf.Empty"
ABSENT = "The connector is not found."
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


@serves("vpcaccess.projects.locations.connectors.get", permissions=("vpcaccess.connectors.get",), waits=lag.a_moment)
def get(cloud: Cloud, call: Call) -> Document:
    """One connector, as readers see it."""
    name = joined(*parts(cloud, call.params["name"], "connectors"), kinds=("connectors",))
    found = lag.seen(cloud, TABLE).get(name)
    if found is None:
        raise not_found(ABSENT)
    return _shown(cloud, name, found)


@serves("vpcaccess.projects.locations.connectors.list", permissions=("vpcaccess.connectors.list",), waits=lag.a_moment)
def list_(cloud: Cloud, call: Call) -> Document:
    """The connectors of one location, by name."""
    prefix = joined(*parts(cloud, call.params["parent"])) + "/connectors/"
    table = lag.seen(cloud, TABLE)
    found = [_shown(cloud, name, one) for name, one in sorted(table.items()) if name.startswith(prefix)]
    return paged(call, "connectors", found)


def _shown(cloud: Cloud, name: str, connector: Document) -> Document:
    """A connector with every project whose jobs use it: its own, and the service projects' of its Shared VPC."""
    if "connectedProjects" not in connector:
        return dict(connector)
    users = {one.split("/")[1] for one, job in cloud.table("run.jobs").items() if _used(cloud, job) == name}
    own = connector["connectedProjects"]
    return connector | {"connectedProjects": [*own, *sorted(users - set(own))]}


def _used(cloud: Cloud, job: Document) -> str:
    """The connector that a job uses, in its canonical spelling."""
    reference = job.get("template", {}).get("template", {}).get("vpcAccess", {}).get("connector", "")
    try:
        return joined(*parts(cloud, reference, "connectors"), kinds=("connectors",))
    except ApiError:
        return ""


@serves(
    "vpcaccess.projects.locations.connectors.create",
    permissions=("vpcaccess.connectors.create",),
    audited=_audited("CreateConnector", _asked),
)
def create(cloud: Cloud, call: Call) -> Document:
    """Make a connector. What is wrong with its network or range shows minutes later, and leaves it in ERROR."""
    project, region = parts(cloud, call.params["parent"])
    if region not in REGIONS:
        raise ApiError(DENIED, f"Permission denied on 'locations/{region}' (or it may not exist).")
    connector = checked(cloud, call.params.get("connectorId", ""), call.body, project)
    name = joined(project, region, call.params["connectorId"], kinds=("connectors",))
    if name in cloud.table(TABLE):
        raise ApiError(EXISTS, "Requested entity already exists")
    connector |= {"name": name, "state": "CREATING"}
    cloud.table(TABLE)[name] = connector
    cloud.part(Unmade).connectors.discard(name)
    seconds = cloud.duration(call.method)
    cloud.after(seconds * INSTALLS_AT, lambda: _install(cloud, connector))
    doomed = cloud.doom()

    def finish() -> Document:
        refusal = doomed or _forced(cloud) or problem(cloud, connector)
        lag.keep(cloud, TABLE, name, _lag(cloud))
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
    """Remove a connector, whoever uses it (unless that is refused: a switch), and its firewall rules."""
    connector = _find(cloud, call)
    _idle(connector)
    _unused(cloud, connector)
    connector["state"] = "DELETING"
    doomed = cloud.doom()

    def finish() -> Document:
        if doomed:
            connector["state"] = "ERROR"
            raise doomed
        lag.keep(cloud, TABLE, connector["name"], _lag(cloud))
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
        raise size.invalid()
    wanted = connector | {key: call.body[key] for key in mask if key in call.body}
    size.check(wanted)
    if len(mask & {"minInstances", "maxInstances"}) == 1:
        raise ApiError(INVALID, "Both min_instances and max_instances must be specified.")
    if any(wanted[key] < connector.get(key, 0) for key in ("minInstances", "maxInstances")):
        raise ApiError(INVALID, "The number of instances underlying the connector cannot be decreased.")
    _idle(connector)
    connector["state"] = "UPDATING"
    doomed = cloud.doom()

    def finish() -> Document:
        if doomed:
            connector["state"] = "ERROR"
            raise doomed
        lag.keep(cloud, TABLE, connector["name"], _lag(cloud))
        connector.update(size.sized(wanted) | {"state": "READY"})
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
        raise not_found(ABSENT)
    return found


def _lag(cloud: Cloud) -> float:
    return float(cloud.switch("vpcaccess.get_lag"))


def _idle(connector: Document) -> None:
    if connector["state"] in ("CREATING", "UPDATING", "DELETING"):
        raise ApiError(PRECONDITION, f"Connector {connector['name']} is being changed: {connector['state']}.")


def _unused(cloud: Cloud, connector: Document) -> None:
    """Google's text does not refuse to delete a connector in use; whether the API does is not known. Text: assumed."""
    if cloud.switch("vpcaccess.deletes_in_use"):
        return
    for name, job in cloud.table("run.jobs").items():
        if _used(cloud, job) == connector["name"]:
            raise ApiError(PRECONDITION, f"The connector {connector['name']} is in use by {name}.")


def _forced(cloud: Cloud) -> ApiError | None:
    forced: dict[str, Any] | None = cloud.switch("vpcaccess.create_error")
    return ApiError(forced["code"], forced["message"]) if forced else None


def _install(cloud: Cloud, connector: Document) -> None:
    """Google's own firewall rules come while the connector is still being made, if its network is in order."""
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
