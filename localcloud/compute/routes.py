"""compute.routes: the ones people make, and the ones that come with a network or a subnet."""

from __future__ import annotations

import hashlib
import ipaddress

from localcloud.calls import Call, Document
from localcloud.compute.common import (
    ROUTES,
    audited,
    dressed,
    existing,
    invalid,
    link,
    named,
    network_of,
    own_name,
    readable,
    repeatable,
    required,
)
from localcloud.compute.listing import listed
from localcloud.compute.peerings import check_no_linking
from localcloud.compute.ranges import check_route
from localcloud.compute.writing import create, put, remove
from localcloud.core import Cloud, serves
from localcloud.errors import INVALID, ApiError
from localcloud.operations import compute_stamp

HOPS = ("nextHopGateway", "nextHopInstance", "nextHopIp", "nextHopVpnTunnel", "nextHopIlb")
POLICY = "compute.networks.updatePolicy"


@serves("compute.routes.insert", permissions=("compute.routes.create", POLICY), audited=audited(ROUTES, "insert"))
@repeatable
def insert(cloud: Cloud, call: Call) -> Document:
    """Make a route with exactly one next hop."""
    name = ROUTES.name(cloud, call, own_name(call))
    body = dict(call.body)
    if not body.get("destRange"):
        raise required("destRange")
    try:
        ipaddress.ip_network(body["destRange"])
    except ValueError:
        raise invalid("resource.destRange", body["destRange"], "Must be a valid CIDR address range.") from None
    hops = [hop for hop in HOPS if body.get(hop)]
    if len(hops) != 1:
        raise ApiError(INVALID, "Exactly one of nextHop fields should be specified.", reason="invalid")
    if hops == ["nextHopGateway"]:
        gateway = named(
            cloud, body["nextHopGateway"], "resource.nextHopGateway", cloud.project_id(call.params["project"])
        )
        body["nextHopGateway"] = link(gateway)
    network = network_of(cloud, call)
    check_no_linking(cloud, network)
    document = dressed(cloud, ROUTES, name, {"priority": 1000} | body | {"network": link(network)})
    return create(cloud, call, ROUTES, name, document, check=lambda: _check_place(cloud, call, document["destRange"]))


def _check_place(cloud: Cloud, call: Call, to: str) -> None:
    """The network is still there, and the route takes no packet away from a subnet of it or of a peer."""
    check_route(cloud, network_of(cloud, call), to)


@serves("compute.routes.get", permissions=("compute.routes.get",))
def get(cloud: Cloud, call: Call) -> Document:
    return readable(cloud, ROUTES, ROUTES.name(cloud, call))


@serves("compute.routes.list", permissions=("compute.routes.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    return listed(cloud, call, ROUTES)


@serves("compute.routes.delete", permissions=("compute.routes.delete", POLICY), audited=audited(ROUTES, "delete"))
@repeatable
def delete(cloud: Cloud, call: Call) -> Document:
    """Remove a route; a subnet's own stays as long as the subnet."""
    name = ROUTES.name(cloud, call)
    current = existing(cloud, ROUTES, name)
    check_no_linking(cloud, named(cloud, current["network"], "network", ""))
    if "nextHopNetwork" in current:
        raise ApiError(INVALID, "The local route cannot be deleted.", reason="invalid")
    return remove(cloud, call, ROUTES, name)


def add_default(cloud: Cloud, network: str) -> None:
    """The route to the internet that every new network has."""
    project = network.split("/")[1]
    gateway = link(f"projects/{project}/global/gateways/default-internet-gateway")
    text = "Default route to the Internet."
    _add(cloud, network, "0.0.0.0/0", {"nextHopGateway": gateway, "priority": 1000, "description": text})


def add_local(cloud: Cloud, network: str, cidr: str) -> None:
    """The route to a subnet's range."""
    text = f"Default local route to the subnetwork {cidr}."
    _add(cloud, network, cidr, {"nextHopNetwork": link(network), "priority": 0, "description": text})


def drop_local(cloud: Cloud, network: str, cidr: str) -> None:
    """Forget the route to a range of a subnet that is gone."""
    cloud.table(ROUTES.table).pop(_name(network, cidr, local=True), None)


def came_along(document: Document) -> bool:
    """Whether Google made a route with its network or subnet: such a one does not hold the network."""
    return document["kind"] == "compute#route" and str(document["name"]).startswith("default-route-")


def _name(network: str, cidr: str, *, local: bool) -> str:
    word = "r-" if local else ""
    digest = hashlib.sha256(f"{network} {cidr} {local}".encode()).hexdigest()[:16]
    return f"projects/{network.split('/')[1]}/global/routes/default-route-{word}{digest}"


def _add(cloud: Cloud, network: str, cidr: str, fields: Document) -> None:
    name = _name(network, cidr, local="nextHopNetwork" in fields)
    document = {"network": link(network), "destRange": cidr, "creationTimestamp": compute_stamp(cloud)} | fields
    put(cloud, ROUTES, name, dressed(cloud, ROUTES, name, document))
