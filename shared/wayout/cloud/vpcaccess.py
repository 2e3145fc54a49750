"""Serverless VPC Access: connectors, looked at and written. Facts: its discovery document and its manual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wayout.cloud.asking import GRPC
from wayout.cloud.clients import Clients
from wayout.cloud.operations import Turn, finish, until
from wayout.egress.model import Connector, ConnectorName, NetworkName, State, SubnetName

if TYPE_CHECKING:
    from google.cloud import vpcaccess_v1


def connectors(clients: Clients, project: str, region: str) -> tuple[Connector, ...]:
    """The connectors of one project and region. Raises CloudError."""
    parent = f"projects/{project}/locations/{region}"
    pages = clients.pages(
        "vpcaccess.connectors.list",
        parent,
        lambda: clients.connectors.list_connectors(parent=parent, **GRPC),
    )
    listed = (_connector(project, region, one) for page in pages for one in page.connectors)
    return tuple(sorted(listed, key=lambda one: one.name))


def create_connector(turn: Turn, wanted: Connector) -> None:
    """Make it and wait until it is READY, which takes minutes. Raises CloudError."""
    from google.cloud import vpcaccess_v1

    name = wanted.name
    parent = f"projects/{name.project}/locations/{name.region}"
    request = vpcaccess_v1.CreateConnectorRequest(
        parent=parent, connector_id=name.connector, connector=_document(wanted)
    )
    permission = "vpcaccess.connectors.create"
    started = turn.ask(permission, parent, lambda: turn.clients.connectors.create_connector(request, **GRPC))
    finish(turn, turn.clients.connector_operations, started.operation, permission, parent)
    until(turn, lambda: _made(turn, name))


def _made(turn: Turn, name: ConnectorName) -> bool:
    """Whether a list shows a connector that is not being made any more."""
    found = {one.name: one for one in connectors(turn.clients, name.project, name.region)}
    return name in found and found[name].state != State.CREATING


def update_connector(turn: Turn, wanted: Connector) -> None:
    """Set machine and sizes, all at once as Google demands; a connector only grows. Raises CloudError.

    The library has no such call, so this one speaks REST.
    """
    from google.longrunning import operations_pb2

    body = {
        "machineType": wanted.machine,
        "minInstances": wanted.min_instances,
        "maxInstances": wanted.max_instances,
    }
    permission, resource = "vpcaccess.connectors.update", str(wanted.name)
    url = f"{turn.clients.vpcaccess_url}/v1/{resource}"
    started = turn.fetch(permission, resource, "PATCH", url, params={"updateMask": ",".join(body)}, json=body)
    operation = operations_pb2.Operation(name=started["name"])
    finish(turn, turn.clients.connector_operations, operation, permission, resource)


def remove_connector(turn: Turn, name: ConnectorName) -> None:
    """Delete it and wait until it is gone. Google does not refuse to delete one in use. Raises CloudError."""
    permission, resource = "vpcaccess.connectors.delete", str(name)
    started = turn.ask(permission, resource, lambda: turn.clients.connectors.delete_connector(name=resource, **GRPC))
    finish(turn, turn.clients.connector_operations, started.operation, permission, resource)


def _connector(project: str, region: str, found: vpcaccess_v1.Connector) -> Connector:
    """`network` is a bare name; in a Shared VPC it is one of the subnet's project.

    Whoever asks by a project's number learns its id, if Google answers with that.
    """
    project = ConnectorName.parse(found.name).project if project.isdigit() else project
    name = ConnectorName(project, region, found.name.rsplit("/", 1)[-1])
    home = found.subnet.project_id or project
    return Connector(
        name=name,
        network=NetworkName(home, found.network.rsplit("/", 1)[-1]),
        state=State(found.state.name) if found.state.name in set(State) else State.UNKNOWN,
        subnet=SubnetName(home, region, found.subnet.name.rsplit("/", 1)[-1]) if found.subnet.name else None,
        range=found.ip_cidr_range,
        machine=found.machine_type,
        min_instances=found.min_instances,
        max_instances=found.max_instances,
    )


def _document(wanted: Connector) -> Any:
    """Both sizes are said: Google no longer fills them in."""
    from google.cloud import vpcaccess_v1

    found = vpcaccess_v1.Connector(
        machine_type=wanted.machine, min_instances=wanted.min_instances, max_instances=wanted.max_instances
    )
    if wanted.subnet is None:
        found.network, found.ip_cidr_range = wanted.network.network, wanted.range
    else:
        shared = wanted.subnet.project if wanted.subnet.project != wanted.name.project else ""
        found.subnet = vpcaccess_v1.Connector.Subnet(name=wanted.subnet.subnet, project_id=shared)
    return found
