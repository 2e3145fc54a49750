"""What a profile allows, packet by packet: read from the profile alone, never from the rules that we make of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from wayout.egress import ranges
from wayout.egress.model import Egress, Traffic
from wayout.egress.policy import Profile
from wayout.egress.reach import Packet
from wayout.egress.reach.spans import Places, canonical, kinds, number, spans

# The virtual addresses of Google APIs, and what keeps a connector alive: facts.md sections 1a, 1c and 2.
APIS = {"private": ("199.36.153.8/30", "34.126.0.0/18"), "restricted": ("199.36.153.4/30", "34.126.0.0/18")}
HTTPS = (Traffic("tcp", ("443",)),)
SERVERLESS = ("35.199.224.0/19",)
CONTROL = (Traffic("tcp", ("667",)), Traffic("udp", ("665-666",)), Traffic("icmp"))
PLATFORM = ("169.254.169.254/32",)  # metadata and Cloud DNS, which no rule can shut
_PLATFORM = spans(PLATFORM)


class Allowance:
    """What one profile allows. `inside`: the ranges of the network (CIDR text), which are never the internet.

    Nor is, for a connector, the range by which Google runs it: a rule of Google's own shuts all of it but the control
    traffic, above every other.
    """

    def __init__(self, profile: Profile, inside: Iterable[str]) -> None:
        known = [text for text in inside if ranges.is_ipv4(text)]
        connector = profile.taken_road == "connector"
        internet = ranges.internet([*known, *(SERVERLESS if connector else ())])
        self._allowed: list[tuple[tuple[str, ...], tuple[Traffic, ...]]] = [(SERVERLESS, CONTROL)] if connector else []
        for destination in profile.destinations:
            places = (place for place in destination.places if place != "internet")
            self._allowed.append(((*places, *(internet if destination.to == "internet" else ())), destination.traffic))
        if profile.google_apis in APIS:
            self._allowed.append((APIS[profile.google_apis], HTTPS))
        elif profile.google_apis == "default-domains" and profile.egress == Egress.ALL:
            self._allowed.append((internet, HTTPS))
        self._ready = [(spans(places), kinds(traffic)) for places, traffic in self._allowed]
        self._promised = self._ready[1:] if connector else self._ready
        self._places = Places([_PLATFORM, *(places for places, _ in self._ready)])

    def __call__(self, packet: Packet) -> bool:
        """Whether the profile allows it."""
        to, protocol = number(packet.address), canonical(packet.protocol)
        if to is None:
            return False
        return to in _PLATFORM or any(kind.has(protocol, packet.port) and to in place for place, kind in self._ready)

    def promises(self, packet: Packet) -> bool:
        """Whether the profile itself says so. What only keeps a connector alive is none of its jobs' business."""
        to, protocol = number(packet.address), canonical(packet.protocol)
        return to is not None and any(kind.has(protocol, packet.port) and to in place for place, kind in self._promised)

    def place(self, address: str) -> Hashable:
        """What it can tell of an address: packets of one kind to addresses of one place are allowed alike."""
        to = number(address)
        return to if to is None else self._places[to]

    def kind(self, protocol: str, port: int) -> Hashable:
        """What it can tell of a protocol and port."""
        name = canonical(protocol)
        return tuple(kind.has(name, port) for _, kind in self._ready)

    @property
    def places(self) -> Iterable[str]:
        """Every range that it speaks of."""
        return (place for places, _ in self._allowed for place in places)

    @property
    def traffic(self) -> Iterable[Traffic]:
        """All traffic that it speaks of."""
        return (one for _, traffic in self._allowed for one in traffic)
