"""The parts of a range of addresses that rules may tell apart, with one address of each."""

from __future__ import annotations

from collections.abc import Iterable

from wayout.egress import ranges
from wayout.egress.reach.ground import Ground

KEPT = 2  # addresses at either end of a subnet's range that no machine has (Google's page on subnets)


def samples(range_: str, ground: Ground) -> list[int]:
    """An address of every part of a sender's range; none where no machine fits into it."""
    net = ranges.parse(range_)
    low, high = int(net.network_address) + KEPT, int(net.broadcast_address) - KEPT
    peers = [edge for peer in ground.beyond.values() for edge in peer.book.edges]
    return stretches((low, high), [*ground.book.edges, *peers]) if low <= high else []


def stretches(whole: tuple[int, int], named: Iterable[tuple[int, int]]) -> list[int]:
    """The first address of every part into which the named stretches cut the whole."""
    low, high = whole
    starts = {low}
    for first, last in named:
        starts |= {one for one in (first, last + 1) if low < one <= high}
    return sorted(starts)
