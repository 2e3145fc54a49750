"""Which way a network sends a packet.

Source: Google's "Routes" (routing order), compute's documentation of Route and NetworkPeering.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.probe.firewall import Machine
from localcloud.probe.words import canonical, ranges

Kind = Literal["subnet", "peering", "internet", "beyond"]
GATEWAY = "default-internet-gateway"
OTHERS = (
    "nextHopInstance",
    "nextHopIp",
    "nextHopVpnTunnel",
    "nextHopIlb",
    "nextHopHub",
    "nextHopInterconnectAttachment",
    "nextHopPeering",
)


@dataclass(frozen=True)
class Way:
    """One route that matches: where it leads, what it is called, and what decides between routes.

    `peer` is the network that a route of kind `peering` leads to, empty where nobody here knows it.
    """

    kind: Kind
    range: IPv4Network
    by: str
    priority: int = 0
    to: str = ""
    peer: str = ""


def ways(cloud: Cloud, machine: Machine, to: IPv4Address) -> list[Way]:
    """The best routes for an address: none, one, or several that share the traffic.

    Routes to subnets, the peers' too, come before all others; then the longest prefix; then the smallest priority.
    """
    found = [one for one in _all(cloud, machine) if to in one.range]
    subnets = [one for one in found if one.kind in ("subnet", "peering")]
    best = sorted(subnets or found, key=_strength)
    return [one for one in best if _strength(one) == _strength(best[0])]


def _strength(way: Way) -> tuple[int, int]:
    return -way.range.prefixlen, way.priority


def _subnets(cloud: Cloud, network: str) -> Iterator[Way]:
    for name, one in cloud.table("compute.subnetworks").items():
        if canonical(one["network"]) == network:
            texts = [one["ipCidrRange"], *(each["ipCidrRange"] for each in one.get("secondaryIpRanges", []))]
            yield from (Way("subnet", range_, name) for range_ in ranges(texts))


def _all(cloud: Cloud, machine: Machine) -> Iterator[Way]:
    yield from _subnets(cloud, machine.network)
    for name, route in cloud.table("compute.routes").items():
        if canonical(route["network"]) != machine.network or "nextHopNetwork" in route:
            continue  # a subnet's own route says what the subnet says
        if not route.get("tags") or machine.tags & set(route["tags"]):
            yield from _static(name, route)
    for peering in _active(cloud, machine.network):
        yield from _peered(cloud, machine.network, peering)
    peers = cloud.table("compute.peering_routes").get(machine.network, {}).get("items", [])
    for one in peers:
        yield from _exchanged(one, machine.network)


def _static(name: str, route: Document) -> Iterator[Way]:
    hop = next((key for key in OTHERS if route.get(key)), None)
    internet = hop is None and str(route.get("nextHopGateway", "")).endswith(f"/{GATEWAY}")
    to = f"{hop or 'nextHopGateway'} {route.get(hop or 'nextHopGateway', '')}"
    for range_ in ranges([route["destRange"]]):
        yield Way("internet" if internet else "beyond", range_, name, int(route.get("priority", 1000)), to)


def _active(cloud: Cloud, network: str) -> list[Document]:
    found: list[Document] = cloud.table("compute.networks").get(network, {}).get("peerings", [])
    return [one for one in found if one.get("state") == "ACTIVE"]


def _peered(cloud: Cloud, network: str, side: Document) -> Iterator[Way]:
    """What an active peer sends: its subnets, and its static routes if it exports them and they are imported."""
    peer = canonical(side["network"])
    theirs = next((one for one in _active(cloud, peer) if canonical(one["network"]) == network), None)
    if theirs is None:
        return
    public = side.get("importSubnetRoutesWithPublicIp") and theirs.get("exportSubnetRoutesWithPublicIp")
    for way in _subnets(cloud, peer):
        if public or not way.range.is_global:
            yield replace(way, kind="peering", peer=peer)
    if not (side.get("importCustomRoutes") and theirs.get("exportCustomRoutes")):
        return
    for name, route in cloud.table("compute.routes").items():
        if canonical(route["network"]) == peer and "nextHopNetwork" not in route and not route.get("tags"):
            # A peer's way to the internet is its own.
            yield from (one for one in _static(name, route) if one.kind == "beyond")


def _exchanged(route: Document, network: str) -> Iterator[Way]:
    """A route that was laid as one of a peer that is not in this cloud."""
    subnet = route.get("type") == "SUBNET_PEERING_ROUTE"
    if not subnet and not route.get("imported", True):
        return
    by, priority = f"{network}/listPeeringRoutes {route['destRange']}", int(route.get("priority", 0))
    for range_ in ranges([route["destRange"]]):
        yield Way("peering" if subnet else "beyond", range_, by, 0 if subnet else priority, str(route.get("type")))
