"""The parts of a range of addresses that rules may tell apart, with one address of each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from wayout.egress import ranges
from wayout.egress.reach.ground import Ground

KEPT = 2  # addresses at either end of a subnet's range that no machine has (Google's page on subnets)


def samples(range_: str, ground: Ground) -> list[int]:
    """An address of every part of a sender's range; none where no machine fits into it."""
    first, last = ranges.ends(range_)
    low, high = first + KEPT, last - KEPT
    peers = (peer.book.bounds for peer in ground.beyond.values())
    return parts((low, high), ground.book.bounds, *peers) if low <= high else []


def parts(whole: tuple[int, int], *bounds: Sequence[int]) -> list[int]:
    """The first address of every part into which bounds, each in order, cut the whole."""
    low, high = whole
    inner = (one for each in bounds for one in each[bisect_right(each, low) : bisect_right(each, high)])
    return sorted({low, *inner})
