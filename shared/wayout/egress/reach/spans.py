"""Addresses and ports as numbers, so that many packets are judged quickly."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, collapse_addresses, ip_network

from wayout.egress import ranges
from wayout.egress.model import Traffic

NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp", "50": "esp", "51": "ah", "132": "sctp"}


class Spans:
    """A set of IPv4 addresses, from CIDR text; ranges of IPv6 are left out."""

    def __init__(self, texts: Iterable[str]) -> None:
        nets = collapse_addresses(ranges.parse(text) for text in texts if ip_network(text, strict=False).version == 4)
        ordered = sorted((int(net.network_address), int(net.broadcast_address)) for net in nets)
        self._first = [low for low, _ in ordered]
        self._last = [high for _, high in ordered]
        self.edges = ordered  # first and last address of every stretch

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._first, number) - 1
        return at >= 0 and number <= self._last[at]


class Places:
    """Several sets of addresses, asked at once which of them hold an address. None stands for all addresses."""

    def __init__(self, sets: Sequence[Spans | None]) -> None:
        always, held = 0, dict[Spans, int]()
        for number, one in enumerate(sets):
            if one is None:
                always |= 1 << number
            else:
                held[one] = held.get(one, 0) | 1 << number
        flips: dict[int, int] = {}
        for one, bits in held.items():
            for low, high in one.edges:
                flips[low] = flips.get(low, 0) ^ bits
                flips[high + 1] = flips.get(high + 1, 0) ^ bits
        self._starts = sorted(flips)
        self._masks = [always]
        for start in self._starts:
            self._masks.append(self._masks[-1] ^ flips[start])

    def __getitem__(self, number: int) -> int:
        """A bit for each set that holds the address."""
        return self._masks[bisect_right(self._starts, number)]


@lru_cache(maxsize=4096)
def spans(texts: tuple[str, ...]) -> Spans:
    """The same set for the same texts."""
    return Spans(texts)


@lru_cache(maxsize=65536)
def number(address: str) -> int | None:
    """An IPv4 address as a number; None for IPv6."""
    return int(IPv4Address(address)) if ":" not in address else None


def canonical(protocol: str) -> str:
    """A protocol's name in lower case; numbers that have a name get it (IANA)."""
    return NUMBERS.get(protocol.lower(), protocol.lower())


class Kinds:
    """The protocols and ports that a rule speaks of."""

    def __init__(self, traffic: Iterable[Traffic]) -> None:
        self._all = False
        self._ports: dict[str, list[tuple[int, int]] | None] = {}
        for one in traffic:
            self._take(one)

    def _take(self, one: Traffic) -> None:
        protocol = canonical(one.protocol)
        if protocol == "all":
            self._all = True
        elif not one.ports or (protocol in self._ports and self._ports[protocol] is None):
            self._ports[protocol] = None
        else:
            found = self._ports.setdefault(protocol, [])
            assert found is not None  # noqa: S101 - the branch above has taken that case
            found += [_span(text) for text in one.ports]

    def has(self, protocol: str, port: int) -> bool:
        """Whether a canonical protocol and port are among them."""
        if self._all:
            return True
        if protocol not in self._ports:
            return False
        ports = self._ports[protocol]
        return ports is None or any(low <= port <= high for low, high in ports)


def _span(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    return int(low), int(high or low)


@lru_cache(maxsize=4096)
def kinds(traffic: tuple[Traffic, ...]) -> Kinds:
    """The same set for the same traffic."""
    return Kinds(traffic)
