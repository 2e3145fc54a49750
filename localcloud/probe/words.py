"""What a probe is about and what it says: packets, hops, verdicts, and the addresses that are special to Google."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from localcloud.calls import Document

Answer = Literal["delivered", "dropped", "unknown"]
PROTOCOLS = {"icmp": 1, "ipip": 94, "tcp": 6, "udp": 17, "esp": 50, "ah": 51, "sctp": 132}
PROBED = ("tcp", "udp", "icmp")
WITH_PORTS = {6, 17, 132}

METADATA = IPv4Address("169.254.169.254")
# private.googleapis.com and restricted.googleapis.com. Source: "Configure Private Google Access".
VIPS = (IPv4Network("199.36.153.8/30"), IPv4Network("199.36.153.4/30"))
# What PRIVATE_RANGES_ONLY sends through the VPC besides VIPS. Source: facts.md section 9, row 10 (G-AE, SDK).
PRIVATE = tuple(IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
# Blocks of goog.json outside cloud.json: the default domains of Google APIs resolve to addresses among these; and the
# range of direct connectivity.
GOOGLE_APIS = tuple(
    IPv4Network(text)
    for text in (
        "34.126.0.0/18",
        "74.125.0.0/16",
        "142.250.0.0/15",
        "172.217.0.0/16",
        "173.194.0.0/16",
        "216.239.32.0/19",
    )
)
# Google's resolvers are in goog.json too, and no API: no text says whether Private Google Access reaches them.
GOOGLE_DNS = (IPv4Network("8.8.8.0/24"), IPv4Network("8.8.4.0/24"))


@dataclass(frozen=True)
class Packet:
    """The first packet of a new connection. `port` is the destination's; 0 for icmp, which has none."""

    source: IPv4Address
    to: IPv4Address
    protocol: str
    port: int


@dataclass(frozen=True)
class Hop:
    """One place on the way and what it does with the packet; `by` names the resource that decides there."""

    hop: str
    says: str
    by: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What becomes of the packet; the last hop is the one that decided."""

    verdict: Answer
    hops: tuple[Hop, ...]

    def shown(self) -> Document:
        """As JSON."""
        hops = [{"hop": one.hop, "says": one.says, "by": one.by} for one in self.hops]
        return {"verdict": self.verdict, "hops": hops}


@dataclass(frozen=True)
class Step:
    """A hop, and the answer if the way ends there."""

    hop: Hop
    answer: Answer | None = None


def passed(hop: str, says: str, by: str | None = None) -> Step:
    """The packet goes on."""
    return Step(Hop(hop, says, by))


def delivered(hop: str, says: str, by: str | None = None) -> Step:
    return Step(Hop(hop, says, by), "delivered")


def dropped(hop: str, says: str, by: str | None = None) -> Step:
    return Step(Hop(hop, says, by), "dropped")


def unknown(hop: str, says: str, by: str | None = None) -> Step:
    return Step(Hop(hop, says, by), "unknown")


def collected(steps: Iterable[Step]) -> Verdict:
    """The way as far as it goes. Every way ends in a step with an answer."""
    hops: list[Hop] = []
    for step in steps:
        hops.append(step.hop)
        if step.answer is not None:
            return Verdict(step.answer, tuple(hops))
    raise AssertionError("a way without an end")


def within(address: IPv4Address, ranges: Iterable[IPv4Network]) -> bool:
    return any(address in one for one in ranges)


def ranges(texts: Iterable[str]) -> Iterator[IPv4Network]:
    """The IPv4 ranges among CIDR texts; only IPv4 packets are judged."""
    return (_range(text) for text in texts if ":" not in text)


@lru_cache(4096)
def _range(text: str) -> IPv4Network:
    """A probe reads the ranges of every rule over and over, and reading them is most of its time."""
    return IPv4Network(text, strict=False)


def public(address: IPv4Address) -> bool:
    """Whether an address is one of the internet's."""
    return address.is_global and not address.is_multicast and not address.is_reserved


def canonical(link: str) -> str:
    """`projects/P/...`, from that or from a full link."""
    return "projects/" + link.rpartition("projects/")[2]


def samples(range_: IPv4Network, cuts: Iterable[IPv4Network], *, reserved: int = 0) -> list[IPv4Address]:
    """One address of each part into which `cuts` divide a range, without `reserved` addresses at either end."""
    first, last = int(range_.network_address) + reserved, int(range_.broadcast_address) - reserved
    ends = {edge for cut in cuts for edge in (int(cut.network_address), int(cut.broadcast_address) + 1)}
    return [IPv4Address(one) for one in sorted({first} | {edge for edge in ends if first < edge <= last})]
