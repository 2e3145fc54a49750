"""Which range is free in a network: not in a subnet (secondary ranges too), a connector's hidden one, or reserved."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from localcloud.calls import Document
from localcloud.compute.common import SUBNETWORKS, book, invalid, link, short
from localcloud.core import Cloud
from localcloud.errors import INVALID, ApiError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Google: "Prohibited IPv4 subnet ranges".
PROHIBITED = [
    ipaddress.ip_network(text)
    for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "199.36.153.4/30", "199.36.153.8/30")
]


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


def check_free(cloud: Cloud, network: str, own: str, ranges: list[str]) -> None:
    """Refuse ranges that overlap each other or something else in the network than the subnet `own`.

    Wording as quoted in public issues: `Invalid IPCidrRange: X conflicts with existing subnetwork 'S' in region 'R'.`
    """
    for index, text in enumerate(ranges):
        wanted = ipaddress.ip_network(text)
        if any(wanted.overlaps(ipaddress.ip_network(other)) for other in ranges[:index]):
            raise _conflict(text, own)
        for name, other in taken(cloud, network):
            if name != own and wanted.overlaps(ipaddress.ip_network(other)):
                raise _conflict(text, name)


def _conflict(text: str, name: str) -> ApiError:
    region = name.split("/")[3]
    message = f"Invalid IPCidrRange: {text} conflicts with existing subnetwork '{short(name)}' in region '{region}'."
    return ApiError(INVALID, message, reason="badRequest")


def taken(cloud: Cloud, network: str) -> Iterator[tuple[str, str]]:
    """Every range in use in a network, with the subnet (perhaps hidden) that has it."""
    for name, one in [*cloud.table(SUBNETWORKS.table).items(), *book(cloud).being_made("subnetworks")]:
        if one["network"] == link(network):
            yield from ((name, text) for text in ranges_of(one))
    for name, connector in cloud.table("vpcaccess.connectors").items():
        _, project, _, region, _, id_ = name.split("/")
        held = connector.get("network") == short(network) and network.startswith(f"projects/{project}/")
        if held and not connector.get("subnet", {}).get("name") and connector.get("ipCidrRange"):
            hidden = f"aet-{region.replace('-', '')}-{id_.replace('-', '--')}-sbnt"
            yield f"projects/{project}/regions/{region}/subnetworks/{hidden}", connector["ipCidrRange"]


def ranges_of(subnetwork: Document) -> list[str]:
    """Primary and secondary ranges."""
    return [subnetwork["ipCidrRange"], *(one["ipCidrRange"] for one in subnetwork.get("secondaryIpRanges", []))]
