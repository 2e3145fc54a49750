"""What follows from the links between networks: their state, the routes they exchange, the ranges they exclude.

Source: "Using VPC Network Peering"; texts of overlaps: as quoted in public reports of failed links.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from localcloud.calls import Document
from localcloud.compute.common import NETWORKS, ROUTES, SUBNETWORKS
from localcloud.core import Cloud
from localcloud.errors import INVALID, ApiError
from localcloud.operations import compute_stamp


def relink(cloud: Cloud, *networks: str) -> None:
    """Say on both sides whether the links of some networks are active."""
    for name in networks:
        if name in cloud.table(NETWORKS.table):
            write(cloud, name, [_judged(cloud, name, one) for one in sides(cloud, name)])


def forget(cloud: Cloud, network: str) -> None:
    """A network is gone: the other sides of its links are inactive."""
    relink(cloud, *(other for other in cloud.table(NETWORKS.table) if _links(cloud, other, network)))


def _judged(cloud: Cloud, network: str, peering: Document) -> Document:
    other = canonical(peering["network"])
    state = "ACTIVE" if _links(cloud, other, network) else "INACTIVE"
    if peering.get("state") == state:
        return peering
    why = "Connected." if state == "ACTIVE" else "Waiting for peer network to connect."
    if "state" in peering and other not in cloud.table(NETWORKS.table):
        why = "The peer network has been deleted."
    mtu = cloud.table(NETWORKS.table).get(other, {}).get("mtu", 1460)
    return peering | {"state": state, "stateDetails": f"[{compute_stamp(cloud)}]: {why}", "peerMtu": mtu}


def _links(cloud: Cloud, one: str, other: str) -> bool:
    return any(canonical(peering["network"]) == other for peering in sides(cloud, one))


def sides(cloud: Cloud, network: str) -> list[Document]:
    found: list[Document] = cloud.table(NETWORKS.table).get(network, {}).get("peerings", [])
    return found


def write(cloud: Cloud, network: str, peerings: list[Document]) -> None:
    table = cloud.table(NETWORKS.table)
    rest = {key: value for key, value in table[network].items() if key != "peerings"}
    table[network] = rest | ({"peerings": peerings} if peerings else {})


def active(cloud: Cloud, network: str) -> Iterator[tuple[Document, str]]:
    """The active links of a network: its own side, and the peer's canonical name."""
    for one in sides(cloud, network):
        if one.get("state") == "ACTIVE":
            yield one, canonical(one["network"])


def incoming(cloud: Cloud, network: str, peering: str = "") -> Iterator[Document]:
    """The routes that a network gets from its active peers, or from one: as `listPeeringRoutes` shows them."""
    for side, peer in active(cloud, network):
        if peering in ("", side["name"]):
            theirs = next(one for one, back in active(cloud, peer) if back == network)
            yield from exchanged(cloud, peer, exports=theirs, imports=side)


def outgoing(cloud: Cloud, network: str, peering: str = "") -> Iterator[Document]:
    """The routes that a network's active peers get from it."""
    for side, peer in active(cloud, network):
        if peering in ("", side["name"]):
            theirs = next(one for one, back in active(cloud, peer) if back == network)
            yield from exchanged(cloud, network, exports=side, imports=theirs)


def exchanged(cloud: Cloud, network: str, *, exports: Document, imports: Document) -> Iterator[Document]:
    """A network's routes as its peer sees them: those of subnets, and, if it exports them, the static ones."""
    for _, text in subnet_ranges(cloud, network):
        yield {"destRange": text, "type": "SUBNET_PEERING_ROUTE", "priority": 0, "imported": True}
    if exports.get("exportCustomRoutes"):
        for _, route in static_routes(cloud, network):
            if "default-internet-gateway" not in route.get("nextHopGateway", "") and not route.get("tags"):
                imported = bool(imports.get("importCustomRoutes"))
                found = {"destRange": route["destRange"], "priority": route["priority"], "imported": imported}
                yield found | {"type": "STATIC_PEERING_ROUTE"}


def subnet_ranges(cloud: Cloud, network: str) -> Iterator[tuple[str, str]]:
    """Every range of every subnet of a network, with the subnet's name."""
    for name, one in cloud.table(SUBNETWORKS.table).items():
        if canonical(one["network"]) == network:
            yield name, one["ipCidrRange"]
            yield from ((name, each["ipCidrRange"]) for each in one.get("secondaryIpRanges", []))


def static_routes(cloud: Cloud, network: str) -> Iterator[tuple[str, Document]]:
    """The routes of a network that somebody made."""
    for name, one in cloud.table(ROUTES.table).items():
        made_here = canonical(one["network"]) == network and "nextHopNetwork" not in one
        if made_here and not str(one.get("name", "")).startswith("default-route-"):
            yield name, one


def check_link(cloud: Cloud, local: str, peer: str) -> None:
    """Refuse a link between networks of which one, or a peer of the other, holds a range of the first."""
    for resource, mine in subnet_ranges(cloud, local):
        for _, theirs in subnet_ranges(cloud, peer):
            if ip_network(mine).overlaps(ip_network(theirs)):
                raise overlap(theirs, mine, resource)
        for _, beyond in active(cloud, peer):
            for _, theirs in subnet_ranges(cloud, beyond) if beyond != local else ():
                if ip_network(mine).overlaps(ip_network(theirs)):
                    raise overlap_beyond(theirs, mine, resource)


def check_subnet(cloud: Cloud, network: str, own: str, text: str) -> None:
    """Refuse a subnet's range that a peer of the network, or a peer of that one, holds. Words: those of a new link."""
    wanted = ip_network(text)
    for _, peer in active(cloud, network):
        for _, theirs in subnet_ranges(cloud, peer):
            if wanted.overlaps(ip_network(theirs)):
                raise overlap(theirs, text, own)
        for _, beyond in active(cloud, peer):
            for _, theirs in subnet_ranges(cloud, beyond) if beyond != network else ():
                if wanted.overlaps(ip_network(theirs)):
                    raise overlap_beyond(theirs, text, own)


def overlap(theirs: str, mine: str, resource: str) -> ApiError:
    text = f"overlaps with an IP range in the local network ({mine}) allocated by resource ({resource})."
    return ApiError(INVALID, f"An IP range in the peer network ({theirs}) {text}", reason="invalid")


def overlap_beyond(theirs: str, mine: str, resource: str) -> ApiError:
    text = f"overlaps with an IP range ({theirs}) in an active peer of the peer network."
    message = f"An IP range in the local network ({mine}) allocated by resource ({resource}) {text}"
    return ApiError(INVALID, message, reason="invalid")


def canonical(reference: str) -> str:
    """`projects/P/global/networks/N`, from that or from a full link."""
    return "projects/" + reference.split("/projects/")[-1].removeprefix("projects/")
