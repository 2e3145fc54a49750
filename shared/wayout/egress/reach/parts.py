"""The parts of a range of addresses that rules may tell apart, with one address of each."""

from __future__ import annotations

from collections.abc import Iterable

from wayout.egress import ranges
from wayout.egress.reach.firewall import cuts, every
from wayout.egress.reach.ground import Ground
from wayout.egress.reach.spans import spans

KEPT = 2  # addresses at either end of a subnet's range that no machine has (Google's page on subnets)


def edges(ground: Ground) -> list[tuple[int, int]]:
    """Every stretch of addresses that a rule or policy names."""
    named = [spans(rule.destinations) for rule in every(ground.rules, ground.policies) if rule.destinations]
    return [*cuts(ground.rules, ground.policies), *(edge for one in named for edge in one.edges)]


def samples(range_: str, ground: Ground) -> list[int]:
    """An address of every part of a sender's range; none where no machine fits into it."""
    net = ranges.parse(range_)
    low, high = int(net.network_address) + KEPT, int(net.broadcast_address) - KEPT
    peers = [edge for peer in ground.beyond.values() for edge in edges(peer)]
    return stretches((low, high), [*edges(ground), *peers]) if low <= high else []


def stretches(whole: tuple[int, int], named: Iterable[tuple[int, int]]) -> list[int]:
    """The first address of every part into which the named stretches cut the whole."""
    low, high = whole
    starts = {low}
    for first, last in named:
        starts |= {one for one in (first, last + 1) if low < one <= high}
    return sorted(starts)
