"""The packets that tell two states of a network apart: one for each side of every edge that something draws."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address
from itertools import chain, pairwise

from wayout.egress import naming, ranges, ways
from wayout.egress.model import Attach, Change, Direction, FirewallRule, Traffic, Way
from wayout.egress.proof.allowance import Allowance
from wayout.egress.reach import Ground, Packet, every

# Edges that Google draws: private ranges, its virtual addresses, the connectors' control range, the metadata server.
VIRTUAL = ("199.36.153.4/30", "199.36.153.8/30", "34.126.0.0/18")
PLATFORM = (
    *ranges.PRIVATE,
    "199.36.153.4/30",
    "199.36.153.8/30",
    "34.126.0.0/18",
    "35.199.224.0/19",
    "169.254.169.254/32",
)
_LAST = (1 << 32) - 1


def packets(
    was: Way | None, becomes: Way, ground: Ground, changes: Sequence[Change], allowed: Allowance
) -> tuple[Packet, ...]:
    """One packet for every class of packets that rules, routes, subnets and the profile cannot tell apart.

    Rules that can never speak of the sender's packets draw no edge.
    """
    rules = [rule for rule in (*ground.rules, *_rules(changes)) if _speaks(rule, was, becomes)]
    deciding = every(rules, ground.policies)
    places = chain(
        PLATFORM,
        allowed.places,
        (text for rule in deciding for text in rule.destinations),
        (text for rule in rules if rule.direction == Direction.EGRESS for text in rule.sources),
        (text for subnet in ground.subnets for text in (subnet.range, *subnet.secondary)),
        (route.destination for route in ground.routes),
    )
    traffic = (*(one for rule in deciding for one in rule.traffic), *allowed.traffic)
    kinds = tuple(_kinds(traffic))
    return tuple(Packet(address, *kind) for address in _addresses(places) for kind in kinds)


def _rules(changes: Iterable[Change]) -> Iterator[FirewallRule]:
    for change in changes:
        if not isinstance(change, Attach) and isinstance(change.thing, FirewallRule):
            yield change.thing


def _speaks(rule: FirewallRule, *possible: Way | None) -> bool:
    """Whether a rule can decide on packets of one of these ways; ingress rules by range may always."""
    tags = frozenset(chain.from_iterable(_tags(way) for way in possible if way))
    named = rule.target_tags if rule.direction == Direction.EGRESS else rule.source_tags
    by_range = rule.direction == Direction.INGRESS and bool(rule.sources)
    return not named or by_range or bool(tags & set(named))


def _tags(way: Way) -> frozenset[str]:
    if way.connector:
        return frozenset({"vpc-connector", naming.tag_of(way.connector)})
    return ways.tags(way)


def _addresses(places: Iterable[str]) -> list[str]:
    """An address of every stretch between two edges: its third, since a subnet's first two are nobody's."""
    edges = {0, _LAST + 1}
    for text in set(places):
        if ranges.is_ipv4(text):
            net = ranges.parse(text)
            edges |= {int(net.network_address), int(net.broadcast_address) + 1}
    ordered = sorted(edges)
    return [str(IPv4Address(low + min(2, (high - low - 1) // 2))) for low, high in pairwise(ordered)]


def _kinds(traffic: Iterable[Traffic]) -> Iterator[tuple[str, int]]:
    """A port of every stretch between two edges, for each protocol that has ports; and one of each other protocol."""
    edges: dict[str, set[int]] = {"tcp": {1, 25, 26, 65536}, "udp": {1, 65536}}
    others = {"icmp", "esp"}
    for one in traffic:
        for text in one.ports:
            low, high = (text.split("-") * 2)[:2]
            edges.setdefault(one.protocol, {1, 65536}).update({int(low), int(high) + 1})
        if not one.ports and one.protocol not in (*edges, "all"):
            others.add(one.protocol)
    for protocol, ports in edges.items():
        yield from ((protocol, max(port, 1)) for port in sorted(ports) if port < 65536)
    yield from ((protocol, 0) for protocol in sorted(others - edges.keys()))
