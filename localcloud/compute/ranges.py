"""Which range is free in a network.

Not free is what a subnet has (its secondary ranges too), a connector's hidden subnet, a range allocated to a service
producer (a global address of purpose VPC_PEERING), what a peer or a peer's peer has, and what a static route leads
elsewhere. Texts: as quoted in public issues; the one about a static route that was there first is assumed.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from localcloud.calls import Document
from localcloud.compute.common import NETWORKS, SUBNETWORKS, book, invalid, link, short
from localcloud.compute.connector_rules import hidden_subnet
from localcloud.compute.peered import active, canonical, check_subnet, static_routes, subnet_ranges
from localcloud.core import Cloud
from localcloud.errors import INVALID, ApiError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

ALLOCATED = "compute.globalAddresses"
AUTO = ipaddress.IPv4Network("10.128.0.0/9")  # what auto-mode networks take their subnets from
# Google: "Prohibited IPv4 subnet ranges".
PROHIBITED = [
    ipaddress.ip_network(text)
    for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "199.36.153.4/30", "199.36.153.8/30")
]


class Unmade:
    """The connectors whose hidden subnet was never made: what was wrong showed before that."""

    def __init__(self, _cloud: Cloud) -> None:
        self.connectors: set[str] = set()


def subnet_range(text: str, field: str) -> ipaddress.IPv4Network:
    """A range that a subnet may have: aligned, /4 to /29, not one that Google keeps for itself."""
    try:
        found = ipaddress.IPv4Network(text)
    except ValueError:
        raise invalid(field, text, "Must be a valid CIDR address range.") from None
    if not 4 <= found.prefixlen <= 29:
        raise invalid(field, text, "The prefix length must be between 4 and 29, inclusive.")
    if any(found.overlaps(one) for one in PROHIBITED):
        raise invalid(field, text, "The range is reserved.")
    return found


def check_auto(cloud: Cloud, network: str, text: str) -> None:
    """Refuse a subnet that somebody adds to an auto-mode network where Google's own will come."""
    automatic = cloud.table(NETWORKS.table).get(network, {}).get("autoCreateSubnetworks")
    if automatic and ipaddress.ip_network(text).overlaps(AUTO):
        why = f"Extended subnetworks in auto subnet mode networks cannot overlap with {AUTO}."
        raise invalid("resource.ipCidrRange", text, why)


def check_free(
    cloud: Cloud, network: str, own: str, ranges: list[str], *, routed: bool = False, connectors: bool = True
) -> None:
    """Refuse ranges that overlap each other or something else than the subnet `own`.

    `routed`: the subnet allows routes that are as narrow as its ranges (`allowSubnetCidrRoutesOverlap`).
    `connectors`: what connectors have counts.
    """
    for index, text in enumerate(ranges):
        wanted = ipaddress.ip_network(text)
        if any(wanted.overlaps(ipaddress.ip_network(other)) for other in ranges[:index]):
            raise _conflict(text, own)
        for name, other in (*_of_subnets(cloud, network), *(hidden(cloud, network) if connectors else ())):
            if name != own and wanted.overlaps(ipaddress.ip_network(other)):
                raise _conflict(text, name)
        check_around(cloud, network, own, text, routed=routed)


def check_around(cloud: Cloud, network: str, own: str, text: str, *, routed: bool = False) -> None:
    """Refuse a range that something else than a subnet of this network has: allocations, peers, static routes."""
    wanted = ipaddress.ip_network(text)
    for name, other in allocated(cloud, network):
        if wanted.overlaps(ipaddress.ip_network(other)):
            raise allocation_conflict(text, other, name)
    check_subnet(cloud, network, own, text)
    for name, route in () if routed else static_routes(cloud, network):
        to = ipaddress.ip_network(route["destRange"])
        if isinstance(to, ipaddress.IPv4Network) and isinstance(wanted, ipaddress.IPv4Network) and to.subnet_of(wanted):
            message = f"Invalid IPCidrRange: {text} conflicts with the destination range {to} of route '{short(name)}'."
            raise ApiError(INVALID, message, reason="badRequest")


def check_route(cloud: Cloud, network: str, text: str) -> None:
    """Refuse a static route that is as narrow as, or narrower than, a subnet of the network or of a peer."""
    to = ipaddress.ip_network(text)
    for name, other in subnet_ranges(cloud, network):
        open_to_routes = cloud.table(SUBNETWORKS.table)[name].get("allowSubnetCidrRoutesOverlap", False)
        if _within(to, other) and not open_to_routes:
            why = f"{text} hides the address space of the network ({other}). Cannot change the routing of packets "
            raise invalid("resource.destRange", text, f"{why}destined for the network.")
    for side, peer in active(cloud, network):
        if any(_within(to, other) for _, other in subnet_ranges(cloud, peer)):
            why = f"{text} hides the address space of the peer network from peering ({side['name']}). Cannot change "
            raise invalid("resource.destRange", text, f"{why}the routing of packets destined for the peer network.")


def _within(one: Network, text: str) -> bool:
    other = ipaddress.ip_network(text)
    if isinstance(one, ipaddress.IPv4Network) and isinstance(other, ipaddress.IPv4Network):
        return one.subnet_of(other)
    return False


def _conflict(text: str, name: str) -> ApiError:
    region = name.split("/")[3]
    message = f"Invalid IPCidrRange: {text} conflicts with existing subnetwork '{short(name)}' in region '{region}'."
    return ApiError(INVALID, message, reason="badRequest")


def allocation_conflict(text: str, other: str, name: str) -> ApiError:
    message = f"Invalid IP CIDR range: {text} conflicts with IP range {other} that was allocated by resource {name}."
    return ApiError(INVALID, message, reason="invalid")


def taken(cloud: Cloud, network: str) -> Iterator[tuple[str, str]]:
    """Every range in use in a network, with the subnet (perhaps hidden) or allocation that has it."""
    yield from _of_subnets(cloud, network)
    yield from hidden(cloud, network)
    yield from allocated(cloud, network)


def _of_subnets(cloud: Cloud, network: str) -> Iterator[tuple[str, str]]:
    for name, one in [*cloud.table(SUBNETWORKS.table).items(), *book(cloud).being_made("subnetworks")]:
        if one["network"] == link(network):
            yield from ((name, text) for text in ranges_of(one))


def hidden(cloud: Cloud, network: str) -> Iterator[tuple[str, str]]:
    """The ranges of connectors that were not given a subnet."""
    unmade = cloud.part(Unmade).connectors
    made = ((name, one) for name, one in cloud.table("vpcaccess.connectors").items() if name not in unmade)
    for name, connector in made:
        _, project, _, region, _, id_ = name.split("/")
        held = short(connector.get("network", "")) == short(network) and network.startswith(f"projects/{project}/")
        if held and not connector.get("subnet", {}).get("name") and connector.get("ipCidrRange"):
            yield (
                f"projects/{project}/regions/{region}/subnetworks/{hidden_subnet(cloud, region, id_)}",
                connector["ipCidrRange"],
            )


def allocated(cloud: Cloud, network: str) -> Iterator[tuple[str, str]]:
    """The ranges of a network that are set aside for service producers."""
    for name, one in cloud.table(ALLOCATED).items():
        given = one.get("network")
        if one.get("purpose") == "VPC_PEERING" and one.get("prefixLength") and given and canonical(given) == network:
            yield name, f"{one['address']}/{one['prefixLength']}"


def ranges_of(subnetwork: Document) -> list[str]:
    """Primary and secondary ranges."""
    return [subnetwork["ipCidrRange"], *(one["ipCidrRange"] for one in subnetwork.get("secondaryIpRanges", []))]
