"""Arithmetic on IPv4 ranges, as CIDR text in and out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Network, collapse_addresses, ip_network

# Where a job's traffic enters the VPC under private-ranges-only: RFC 1918 and RFC 6598 (Google's page on connectors).
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")

# Never on the internet (IANA's special-purpose registry).
SPECIAL = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)


@lru_cache(maxsize=4096)
def parse(text: str) -> IPv4Network:
    """An IPv4 range from CIDR text. Raises ValueError for anything else, host bits included."""
    return IPv4Network(text)


def is_ipv4(text: str) -> bool:
    """Whether the text is an IPv4 range; IPv6 ranges of foreign rules are looked at by nobody here."""
    return _version(text) == 4


@lru_cache(maxsize=4096)
def ends(text: str) -> tuple[int, int]:
    """The first and the last address of an IPv4 range, as numbers."""
    net = parse(text)
    return int(net.network_address), int(net.broadcast_address)


@lru_cache(maxsize=4096)
def _version(text: str) -> int:
    return ip_network(text, strict=False).version


def overlap(some: Iterable[str], others: Iterable[str]) -> bool:
    """Whether any range of the one overlaps any of the other."""
    return _overlap(tuple(some), tuple(others))


@lru_cache(maxsize=65536)
def _overlap(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    second = [parse(text) for text in others if is_ipv4(text)]
    return any(parse(text).overlaps(other) for text in some if is_ipv4(text) for other in second)


def within(inner: Iterable[str], outer: Iterable[str]) -> bool:
    """Whether every range of `inner` lies in one range of `outer`."""
    bounds = [parse(text) for text in outer if is_ipv4(text)]
    return all(any(parse(text).subnet_of(bound) for bound in bounds) for text in inner)


def without(whole: str, taken: Iterable[str]) -> tuple[str, ...]:
    """What is left of a range when others are taken out, as few ranges as possible, in order."""
    left = [parse(whole)]
    for gone in collapse_addresses(parse(text) for text in taken):
        left = [rest for piece in left for rest in _minus(piece, gone)]
    return tuple(str(piece) for piece in collapse_addresses(left))


def _minus(piece: IPv4Network, gone: IPv4Network) -> Iterator[IPv4Network]:
    if not piece.overlaps(gone):
        yield piece
    elif gone.subnet_of(piece) and gone != piece:
        yield from piece.address_exclude(gone)


def internet(inside: Iterable[str]) -> tuple[str, ...]:
    """The internet: everything but private and special ranges, and but what is `inside` the network."""
    return _internet(tuple(sorted(set(inside))))


@lru_cache(maxsize=256)
def _internet(inside: tuple[str, ...]) -> tuple[str, ...]:
    return without("0.0.0.0/0", (*PRIVATE, *SPECIAL, *inside))


def free(pool: Iterable[str], taken: Iterable[str], *, prefix: int, start: int) -> str | None:
    """A free range of the given prefix length in the pool, or None. Deterministic; `start` spreads the first try."""
    used = [parse(text) for text in taken if is_ipv4(text)]
    places = [(parse(text), 1 << (prefix - parse(text).prefixlen)) for text in pool]
    total = sum(count for _, count in places)
    index = start % total
    for _ in range(total):
        found = _nth(places, index, prefix)
        blocker = next((range_ for range_ in used if range_.overlaps(found)), None)
        if blocker is None:
            return str(found)
        # Skip to the end of what is in the way: a pool of thousands behind one large subnet stays quick.
        skip = max(1, (int(blocker.broadcast_address) + 1 - int(found.network_address)) >> (32 - prefix))
        index = (index + 1) % total if skip == 1 else _after(places, index, skip, total)
    return None


def _nth(places: list[tuple[IPv4Network, int]], index: int, prefix: int) -> IPv4Network:
    for place, count in places:
        if index < count:
            return IPv4Network((int(place.network_address) + (index << (32 - prefix)), prefix))
        index -= count
    raise IndexError(index)


def _after(places: list[tuple[IPv4Network, int]], index: int, skip: int, total: int) -> int:
    """The index after a jump, which stays inside the pool range that it started in."""
    before = 0
    for _, count in places:
        if index < before + count:
            return min(index + skip, before + count) % total
        before += count
    raise IndexError(index)
