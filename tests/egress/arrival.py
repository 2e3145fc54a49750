"""Whether a job's packet arrives in a world: the whole way, judged from Google's text and apart from `reach`."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from tests.egress.packets import Packet, egress, ingress, lies_in
from tests.egress.world import World, tag_of
from wayout.egress.model import Coverage, Egress, Job, State, Subnet, SubnetName

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
VIRTUAL = ("199.36.153.4/30", "199.36.153.8/30")
GOOGLE = ("34.126.0.0/18",)  # where clients of the virtual addresses may be sent to; Private Google Access leads there
_NEVER = ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24")
NOWHERE = (*_NEVER, "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4")


def arrives(world: World, job: Job, packet: Packet) -> bool | None:
    """Whether it arrives at a machine without tags; None where the way leads out of what can be seen."""
    private = lies_in(packet.address, (*PRIVATE, *VIRTUAL))
    if job.way is None or (job.way.egress == Egress.PRIVATE and not private):
        return not private and not lies_in(packet.address, NOWHERE)
    found = _sender(world, job)
    if found is None:
        return False
    subnet, tags, by_tag = found
    sent = replace(packet, source=str(IPv4Address(int(IPv4Network(subnet.range).network_address) + 2)))
    rules = list(world.rules.values())
    if not egress(rules, sent, tags):
        return False
    inside = [one for one in world.subnets.values() if lies_in(packet.address, (one.range, *one.secondary))]
    if inside:
        kept = any(_kept(packet.address, one.range) for one in inside)
        return not kept and ingress(rules, sent, tags if by_tag else frozenset())
    routes = [route for route in world.routes if lies_in(packet.address, (route.destination,))]
    if any(not route.internet for route in routes):
        return None
    if not routes or private or lies_in(packet.address, NOWHERE):
        return False
    google = subnet.google_access and packet.protocol == "tcp" and lies_in(packet.address, GOOGLE)
    return google or _translated(world, subnet.name)


def _kept(address: str, range_: str) -> bool:
    """Of a subnet's primary range, Google keeps the first two and the last two addresses."""
    net, number = IPv4Network(range_), int(IPv4Address(address))
    first, last = int(net.network_address), int(net.broadcast_address)
    return first <= number <= last and not first + 2 <= number <= last - 2


def _sender(world: World, job: Job) -> tuple[Subnet, frozenset[str], bool] | None:
    assert job.way
    if job.way.connector:
        connector = world.connectors.get(job.way.connector)
        subnet = world.subnets.get(connector.subnet) if connector and connector.subnet else None
        if connector is None or subnet is None or connector.state != State.READY:
            return None
        return subnet, frozenset({"vpc-connector", tag_of(connector.name)}), True
    interface = job.way.interface
    subnet = world.subnets.get(SubnetName.parse(interface.subnet)) if interface and "/" in interface.subnet else None
    return (subnet, frozenset(interface.tags), False) if interface and subnet else None


def _translated(world: World, subnet: SubnetName) -> bool:
    nats = (nat for router in world.routers.values() if router.name.region == subnet.region for nat in router.nats)
    return any(nat.public and (nat.coverage != Coverage.LISTED or subnet in nat.subnets) for nat in nats)
