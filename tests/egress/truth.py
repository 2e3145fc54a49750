"""What becomes of packets in a world of many networks: from Google's text alone, and apart from `reach`.

Rules by tag, range and service account, firewall policies on every layer, routes, peers, Cloud NAT, and Private Google
Access. A machine at the other end has no tags and no account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from tests.egress.arrival import GOOGLE, NOWHERE, PRIVATE, VIRTUAL
from tests.egress.packets import Packet, carries, lies_in
from tests.egress.world import World, tag_of
from wayout.egress.model import (
    Action,
    Coverage,
    Direction,
    Egress,
    FirewallPolicy,
    FirewallRule,
    Job,
    Layer,
    Nat,
    NetworkName,
    PolicyRule,
    State,
    Subnet,
    SubnetName,
    Verb,
)

Ruled = FirewallRule | PolicyRule


@dataclass(frozen=True)
class Sender:
    """Machines that send: where they are, and what rules know them by. `named`: ingress rules know their tags, too."""

    subnet: Subnet
    tags: frozenset[str]
    account: str
    named: bool

    @property
    def address(self) -> str:
        """One of theirs."""
        return str(IPv4Address(int(IPv4Network(self.subnet.range).network_address) + 2))


class Truth:
    """A world at one moment."""

    def __init__(self, world: World) -> None:
        self._world = world

    def arrives(self, job: Job, packets: list[Packet]) -> list[bool | None]:
        """Whether each arrives; None where the way leads out of what can be seen."""
        found = _sender(self._world, job)
        inside = _Inside(self._world, found) if found else None
        return [self._arrives(job, inside, packet) for packet in packets]

    def _arrives(self, job: Job, inside: _Inside | None, packet: Packet) -> bool | None:
        private = lies_in(packet.address, (*PRIVATE, *VIRTUAL))
        if job.way is None or (job.way.egress == Egress.PRIVATE and not private):
            return not private and not lies_in(packet.address, NOWHERE)
        return inside.arrives(packet) if inside else False


class _Inside:
    """What becomes of a sender's packets in its network; what cannot concern it is put aside once."""

    def __init__(self, world: World, sender: Sender) -> None:
        self._sender, self._address = sender, sender.address
        network = sender.subnet.network
        self._subnets = [one for one in world.subnets.values() if one.network == network]
        self._routes = [one for one in world.routes if one.network == network]
        self._peers = [one for one in world.peer_routes if one.network == network]
        self._nats = list(_nats(world, network, sender.subnet.name))
        self._out = _Wall(world, network, Direction.EGRESS, sender)
        self._in = _Wall(world, network, Direction.INGRESS, sender)

    def arrives(self, packet: Packet) -> bool | None:
        sent = Packet(self._address, packet.address, packet.protocol, packet.port)
        if not self._out.passes(sent):
            return False
        at = [one for one in self._subnets if lies_in(packet.address, (one.range, *one.secondary))]
        if at:
            return not any(_kept(packet.address, one.range) for one in at) and self._in.passes(sent)
        if any(lies_in(packet.address, (route.destination,)) for route in self._peers):
            return None
        routes = [route for route in self._routes if lies_in(packet.address, (route.destination,))]
        if any(not route.internet for route in routes):
            return None
        if not routes or lies_in(packet.address, (*PRIVATE, *NOWHERE)):
            return False
        return self._leaves(packet)

    def _leaves(self, packet: Packet) -> bool:
        """By the default internet gateway. A public NAT puts Private Google Access into effect (Google's page)."""
        access = self._sender.subnet.google_access or bool(self._nats)
        if lies_in(packet.address, VIRTUAL):
            return access and packet.protocol == "tcp"
        if access and packet.protocol == "tcp" and lies_in(packet.address, GOOGLE):
            return True
        return bool(self._nats) and packet.protocol in ("tcp", "udp", "icmp")


class _Wall:
    """One direction of a network's firewall, for one sender and machines without tags at the other end."""

    def __init__(self, world: World, network: NetworkName, direction: Direction, sender: Sender) -> None:
        self._sender, self._direction, self._address = sender, direction, sender.address
        rules = (one for one in world.rules.values() if one.network == network and one.direction == direction)
        meant = [one for one in rules if self._means(one)]
        vpc: list[Ruled] = [*sorted(meant, key=lambda one: (one.priority, one.action != Action.DENY))]
        policies = world.policies_of(network)
        above = [self._of(policy) for policy in policies if policy.layer == Layer.HIERARCHY]
        beside = [self._of(policy) for policy in policies if policy.layer in (Layer.NETWORK, Layer.REGIONAL)]
        first = world.networks[network].policies_first
        self._blocks = [*above, *beside, vpc] if first else [*above, vpc, *beside]

    def _of(self, policy: FirewallPolicy) -> list[Ruled]:
        return [*sorted((one for one in policy.rules if self._means(one)), key=lambda one: one.priority)]

    def _means(self, rule: Ruled) -> bool:
        """Whether a rule can be about what this sender sends."""
        if rule.disabled or rule.direction != self._direction:
            return False
        out = rule.direction == Direction.EGRESS
        tags, account = (self._sender.tags, self._sender.account) if out else (frozenset[str](), "")
        if rule.target_accounts and account not in rule.target_accounts:
            return False
        if isinstance(rule, PolicyRule):
            return not rule.sources or lies_in(self._address, rule.sources)
        if rule.target_tags and not tags & set(rule.target_tags):
            return False
        named = self._sender.tags if self._sender.named else frozenset[str]()
        anybody = not (rule.sources or rule.source_tags or rule.source_accounts)
        return anybody or bool(named & set(rule.source_tags)) or lies_in(self._address, rule.sources)

    def passes(self, packet: Packet) -> bool:
        for block in self._blocks:
            verb = next((_verb(rule) for rule in block if _matches(rule, packet)), Verb.NEXT)
            if verb != Verb.NEXT:
                return verb == Verb.ALLOW
        return self._direction == Direction.EGRESS


def _verb(rule: Ruled) -> Verb:
    return rule.verb if isinstance(rule, PolicyRule) else Verb(rule.action.lower())


def _matches(rule: Ruled, packet: Packet) -> bool:
    there = not rule.destinations or lies_in(packet.address, rule.destinations)
    return there and any(carries(one, packet) for one in rule.traffic)


def _kept(address: str, range_: str) -> bool:
    net, number = IPv4Network(range_), int(IPv4Address(address))
    first, last = int(net.network_address), int(net.broadcast_address)
    return first <= number <= last and not first + 2 <= number <= last - 2


def _sender(world: World, job: Job) -> Sender | None:
    if job.way is None:
        return None
    if named := job.way.connector:
        stands = world.connectors.get(named)
        subnet = world.subnets.get(stands.subnet) if stands and stands.subnet else None
        if stands is None or subnet is None or stands.state != State.READY:
            return None
        return Sender(subnet, frozenset({"vpc-connector", tag_of(named)}), "", named=True)
    interface = job.way.interface
    subnet = world.subnets.get(SubnetName.parse(interface.subnet)) if interface else None
    return Sender(subnet, frozenset(interface.tags), job.service_account, named=False) if interface and subnet else None


def _nats(world: World, network: NetworkName, subnet: SubnetName) -> Iterator[Nat]:
    for router in world.routers.values():
        if router.network == network and router.name.region == subnet.region:
            for nat in router.nats:
                if nat.public and (nat.coverage != Coverage.LISTED or subnet in nat.subnets):
                    yield nat
