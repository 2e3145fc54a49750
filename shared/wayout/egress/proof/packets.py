"""The packets that tell two states of a network apart: one for each side of every edge that something draws."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import chain, pairwise
from typing import Protocol, TypeVar

from wayout.egress import naming, ranges, ways
from wayout.egress.model import (
    Attach,
    Change,
    Connector,
    Direction,
    FirewallRule,
    Interface,
    PolicyRule,
    Subnet,
    Traffic,
    Update,
    Way,
)
from wayout.egress.proof.allowance import Allowance
from wayout.egress.reach import Ground, Packet, every
from wayout.egress.reach.leaving import TOLD_APART

# Edges that Google draws: what leaves is told apart by these, and a connector is run from the last.
PLATFORM = (*TOLD_APART, "35.199.224.0/19")
_LAST = (1 << 32) - 1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Field:
    """Packets: to every address, of every kind (protocol and port)."""

    addresses: tuple[str, ...]
    kinds: tuple[tuple[str, int], ...]

    def packet(self, row: int, column: int) -> Packet:
        """One of them, by the numbers of its address and kind."""
        return Packet(self.addresses[row], *self.kinds[column])


def field(
    was: Way | None, becomes: Way, grounds: Sequence[Ground], changes: Sequence[Change], allowed: Allowance
) -> Field:
    """One packet for every class of packets that rules, routes, subnets and the profile cannot tell apart.

    Rules that can never speak of the sender's packets draw no edge.
    """
    ways_ = [way for way in (was, becomes) if way]
    tags = frozenset(chain.from_iterable(map(tags_of, ways_)))
    own = tuple(sorted({text for way in ways_ for text in _ranges(way, grounds, changes)}))
    known = (rule for ground in grounds for rule in ground.rules)
    rules = [rule for rule in (*known, *things(changes, FirewallRule)) if _speaks(rule, tags, own)]
    policies = every((), tuple(policy for ground in grounds for policy in ground.policies))
    deciding = [*rules, *(rule for rule in policies if _speaks(rule, tags, own))]
    places = chain(
        PLATFORM,
        allowed.places,
        (text for rule in deciding for text in rule.destinations),
        (text for rule in rules if rule.direction == Direction.EGRESS for text in rule.sources),
        (text for ground in grounds for subnet in ground.subnets for text in (subnet.range, *subnet.secondary)),
        (route.destination for ground in grounds for route in ground.routes),
    )
    traffic = (*(one for rule in deciding for one in rule.traffic), *allowed.traffic)
    return Field(tuple(_addresses(places)), tuple(_kinds(traffic)))


class Eye(Protocol):
    """Who judges packets, and can say what of an address and of a kind it looks at."""

    def place(self, address: str) -> Hashable: ...
    def kind(self, protocol: str, port: int) -> Hashable: ...


class Sight:
    """A field as one eye sees it: addresses that it cannot tell apart have one number among `rows`, and kinds among
    `columns`."""

    def __init__(self, eye: Eye, of: Field) -> None:
        self.rows = _numbered(map(eye.place, of.addresses))
        self.columns = _numbered(eye.kind(*kind) for kind in of.kinds)


def _numbered(seen: Iterable[Hashable]) -> list[int]:
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(one, len(numbers)) for one in seen]


def classes(*sights: Sight) -> Iterator[tuple[list[int], list[int]]]:
    """The classes of packets that none of them can tell apart: the numbers of their addresses, and of their kinds.

    Whoever asks the first packet of each in turn meets whatever there is as early as who asks all packets in turn.
    """
    rows = _grouped(zip(*(sight.rows for sight in sights), strict=True))
    columns = _grouped(zip(*(sight.columns for sight in sights), strict=True))
    return ((row, column) for row in rows for column in columns)


def _grouped(keys: Iterable[Hashable]) -> list[list[int]]:
    found: dict[Hashable, list[int]] = {}
    for number, key in enumerate(keys):
        found.setdefault(key, []).append(number)
    return list(found.values())


def things(changes: Iterable[Change], kind: type[T]) -> Iterator[T]:
    """Everything of one kind that changes make, or change from."""
    for change in changes:
        if not isinstance(change, Attach):
            both = (change.thing, change.was) if isinstance(change, Update) else (change.thing,)
            yield from (one for one in both if isinstance(one, kind))


def _ranges(way: Way, grounds: Sequence[Ground], changes: Sequence[Change]) -> Iterator[str]:
    """Where the machines that send a way's packets may stand, at whatever step; more than that does no harm."""
    subnets = [*(one for ground in grounds for one in ground.subnets), *things(changes, Subnet)]
    named = way.connector
    if named is None:
        where = way.interface or Interface()
        short = (where.subnet or where.network or "default").rsplit("/", 1)[-1]
        yield from (one.range for one in subnets if one.name.subnet == short)
        return
    known = [*(one for ground in grounds for one in ground.connectors), *things(changes, Connector)]
    # A job may spell the connector's project as a number.
    alike = [one for one in known if (one.name.region, one.name.connector) == (named.region, named.connector)]
    under = {one.subnet for one in alike}
    yield from (one.range for one in alike if one.range)
    yield from (one.range for one in subnets if one.name in under)


def _speaks(rule: FirewallRule | PolicyRule, tags: frozenset[str], own: tuple[str, ...]) -> bool:
    """Whether a rule can decide on packets from these ranges, of machines with these tags, to machines without any."""
    targets = rule.target_tags if isinstance(rule, FirewallRule) else ()
    if rule.direction == Direction.INGRESS and (targets or rule.target_accounts):
        return False
    if targets and tags.isdisjoint(targets):
        return False
    senders = (rule.source_tags, rule.source_accounts) if isinstance(rule, FirewallRule) else ((), ())
    if not rule.sources and not any(senders):
        return True
    return ranges.overlap(rule.sources, own) or any(senders[1:]) or not tags.isdisjoint(senders[0])


def tags_of(way: Way) -> frozenset[str]:
    """The network tags of the machines that send a way's packets."""
    if way.connector:
        return frozenset({"vpc-connector", naming.tag_of(way.connector)})
    return ways.tags(way)


def _addresses(places: Iterable[str]) -> list[str]:
    """An address of every stretch between two edges: its third, since a subnet's first two are nobody's."""
    edges = {0, _LAST + 1}
    for text in set(places):
        if ranges.is_ipv4(text):
            first, last = ranges.ends(text)
            edges |= {first, last + 1}
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
