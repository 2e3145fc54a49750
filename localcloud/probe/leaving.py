"""The way out of a VPC to the internet and to Google's APIs, for machines without an external address.

Source: facts.md section 5; Google's "Configure Private Google Access" and "Cloud NAT product interactions".
"""

from __future__ import annotations

from collections.abc import Iterator

from localcloud.calls import Document
from localcloud.compute.common import named
from localcloud.core import Cloud
from localcloud.errors import ApiError
from localcloud.probe.sender import Sender
from localcloud.probe.words import (
    GOOGLE_APIS,
    GOOGLE_DNS,
    VIPS,
    Packet,
    Step,
    canonical,
    delivered,
    dropped,
    passed,
    public,
    unknown,
    within,
)

ACCESS = "private google access"
SMTP = 25
VM = "ENDPOINT_TYPE_VM"


def directly(packet: Packet) -> Iterator[Step]:
    """Google's own path, without a VPC: it leads to the internet and nowhere else."""
    if within(packet.to, VIPS):
        yield unknown("internet", "no text says whether Google's own path leads to the Private Google Access addresses")
    elif not public(packet.to):
        yield dropped("internet", "not an address of the internet, and this packet enters no VPC")
    elif _smtp(packet):
        yield dropped("always blocked", "Google blocks tcp:25 to external addresses")
    else:
        yield delivered("internet", "by Google's own path")


def leave(cloud: Cloud, sender: Sender, packet: Packet) -> Iterator[Step]:
    """What the default internet gateway does with a packet."""
    gateway = nat(cloud, sender)
    if _smtp(packet) and public(packet.to):
        yield dropped("always blocked", "Google blocks tcp:25 to external addresses")
    elif within(packet.to, (*VIPS, *GOOGLE_APIS)) and (found := _google(cloud, sender, packet, gateway)):
        yield found
    elif within(packet.to, VIPS):
        yield dropped(ACCESS, "off for the subnet, and no public NAT serves it", sender.subnet)
    elif not public(packet.to):
        yield dropped("internet", "the default internet gateway leads to no private address")
    elif gateway:
        yield passed("nat", "translated to an address of the gateway", gateway)
        yield delivered("internet", "through the default internet gateway")
    elif within(packet.to, GOOGLE_DNS) and private_access(cloud, sender) is not False:
        yield unknown(ACCESS, "no text says whether it reaches Google's resolvers", sender.subnet)
    else:
        yield dropped("nat", "the machine has no external address and no public NAT serves its range")


def _google(cloud: Cloud, sender: Sender, packet: Packet, gateway: str | None) -> Step | None:
    """What Private Google Access does with a packet to Google; None where it is off."""
    if within(packet.to, VIPS) and packet.protocol != "tcp":
        # "only HTTP-based protocols over TCP": Google's page on API bundles and their virtual addresses.
        said = f"Google APIs answer there by HTTP over TCP, not by {packet.protocol}"
        return dropped(ACCESS, said, sender.subnet)
    if private_access(cloud, sender):
        return delivered(ACCESS, "on for the subnet: Google APIs are reached without NAT", sender.subnet)
    if gateway:
        return delivered(ACCESS, "in effect for every range that a public NAT serves", gateway)
    if sender.subnet is None:
        return unknown(ACCESS, "no text says whether it is on for a connector's hidden subnet")
    return None


def _smtp(packet: Packet) -> bool:
    return (packet.protocol, packet.port) == ("tcp", SMTP)


def private_access(cloud: Cloud, sender: Sender) -> bool | None:
    """Whether the sender's subnet has Private Google Access; None for a hidden subnet."""
    if sender.subnet is None:
        return None
    return bool(cloud.table("compute.subnetworks")[sender.subnet].get("privateIpGoogleAccess"))


def nat(cloud: Cloud, sender: Sender) -> str | None:
    """The public NAT gateway that serves the sender's primary range, as `ROUTER/NAME`."""
    for router, body in cloud.table("compute.routers").items():
        if f"/regions/{sender.region}/" in router and canonical(body["network"]) == sender.machine.network:
            for gateway in body.get("nats", []):
                if _serves(cloud, router, gateway, sender.subnet):
                    return f"{router}/{gateway['name']}"
    return None


def _serves(cloud: Cloud, router: str, gateway: Document, subnet: str | None) -> bool:
    if gateway.get("type", "PUBLIC") != "PUBLIC" or VM not in gateway.get("endpointTypes", [VM]):
        return False
    if gateway.get("sourceSubnetworkIpRangesToNat", "").startswith("ALL_SUBNETWORKS_"):
        return subnet is not None or bool(cloud.switch("vpcaccess.hidden_subnet_has_nat"))
    primary = {"PRIMARY_IP_RANGE", "ALL_IP_RANGES"}
    return any(
        _same(cloud, one["name"], router, subnet) and primary & set(one.get("sourceIpRangesToNat", []))
        for one in gateway.get("subnetworks", [])
    )


def _same(cloud: Cloud, reference: str, router: str, subnet: str | None) -> bool:
    """Whether a gateway's reference, perhaps a partial one or with a project's number, is the subnet."""
    try:
        return named(cloud, reference, "subnetworks", router.split("/")[1]) == subnet
    except ApiError:
        return False
