"""What a VPC's firewall does with a packet, from Google's text on rules: not from how the rules were chosen.

Priority first, at equal priority DENY before ALLOW; outwards the implied rule allows, inwards it denies.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

from wayout.egress.model import Action, Direction, FirewallRule, Traffic


@dataclass(frozen=True)
class Packet:
    """One packet to `address`; `port` is 0 where the protocol has none."""

    source: str
    address: str
    protocol: str
    port: int = 0


def egress(rules: Iterable[FirewallRule], packet: Packet, tags: frozenset[str]) -> bool:
    """Whether a machine with these tags may send it."""
    return _decide(rules, Direction.EGRESS, packet, sender=tags, receiver=frozenset(), implied=True)


def ingress(
    rules: Iterable[FirewallRule], packet: Packet, tags: frozenset[str], receiver: frozenset[str] = frozenset()
) -> bool:
    """Whether it gets into a machine with the tags `receiver` from one with `tags`."""
    return _decide(rules, Direction.INGRESS, packet, sender=tags, receiver=receiver, implied=False)


def _decide(
    rules: Iterable[FirewallRule],
    direction: Direction,
    packet: Packet,
    *,
    sender: frozenset[str],
    receiver: frozenset[str],
    implied: bool,
) -> bool:
    held = [rule for rule in rules if rule.direction == direction and _hits(rule, packet, sender, receiver)]
    if not held:
        return implied
    first = min(held, key=lambda rule: (rule.priority, rule.action != Action.DENY))
    return first.action == Action.ALLOW


def _hits(rule: FirewallRule, packet: Packet, sender: frozenset[str], receiver: frozenset[str]) -> bool:
    if rule.disabled or not any(carries(item, packet) for item in rule.traffic):
        return False
    target = sender if rule.direction == Direction.EGRESS else receiver
    if rule.target_accounts or (rule.target_tags and not target & set(rule.target_tags)):
        return False
    if rule.destinations and not lies_in(packet.address, rule.destinations):
        return False
    if rule.direction == Direction.EGRESS:
        return not rule.sources or lies_in(packet.source, rule.sources)
    return lies_in(packet.source, rule.sources) or bool(sender & set(rule.source_tags))


def carries(traffic: Traffic, packet: Packet) -> bool:
    """Whether the packet is of that protocol and port."""
    if traffic.protocol == "all":
        return True
    if traffic.protocol != packet.protocol:
        return False
    spans = [(text.split("-") * 2)[:2] for text in traffic.ports]
    return not spans or any(int(low) <= packet.port <= int(high) for low, high in spans)


def lies_in(address: str, ranges: Iterable[str]) -> bool:
    """Whether an IPv4 address lies in one of the ranges."""
    number = _number(address)
    return any(low <= number <= high for low, high in map(_ends, ranges))


@cache
def _number(address: str) -> int:
    return int(IPv4Address(address))


@cache
def _ends(text: str) -> tuple[int, int]:
    """The first and the last address of a range; of an IPv6 range none that could be met."""
    net: IPv4Network | IPv6Network = ip_network(text)
    return (int(net[0]), int(net[-1])) if isinstance(net, IPv4Network) else (-1, -1)
