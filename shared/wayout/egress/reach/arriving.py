"""What arrives inside a network: at one of its own subnets, or a peer's."""

from __future__ import annotations

from collections.abc import Iterator

from wayout.egress.model import Direction, Layer
from wayout.egress.reach.firewall import End, Firewall, Target
from wayout.egress.reach.ground import Ground
from wayout.egress.reach.packet import Answer, Hop, Receiver
from wayout.egress.reach.parts import KEPT
from wayout.egress.reach.spans import spans
from wayout.egress.reach.steps import Firewalled, Step


class Arrival:
    """The machines of one network that are like the receiver.

    A regional policy speaks of its own region's machines alone; those of other regions are not looked at.
    """

    def __init__(self, ground: Ground, receiver: Receiver) -> None:
        target = Target(receiver.tags, receiver.account)
        network, book, policies = ground.network, ground.book, ground.policies
        wide = [one for one in policies if one.layer != Layer.REGIONAL]
        self._here = Firewall(network, book, policies, Direction.INGRESS, target)
        self._there = Firewall(network, book, wide, Direction.INGRESS, target)
        away = [one for one in ground.subnets if one.name.region != ground.region]
        self._away = spans(tuple(text for one in away for text in (one.range, *one.secondary)))
        # Secondary ranges have no addresses that Google keeps (Google's page on subnets).
        self._primary = [edge for one in ground.subnets for edge in spans((one.range,)).edges]

    def place(self, to: int) -> tuple[bool, ...]:
        """Everything of an address that is looked at here."""
        return (self._keeps(to), to in self._away, *self._here.place(to), *self._there.place(to))

    def kind(self, protocol: str, port: int) -> tuple[bool, ...]:
        """Everything of a (canonical) protocol and port that is looked at here."""
        return (*self._here.kind(protocol, port), *self._there.kind(protocol, port))

    def _keeps(self, to: int) -> bool:
        return any(low <= to <= high and not low + KEPT <= to <= high - KEPT for low, high in self._primary)

    def steps(self, source: End, to: int, protocol: str, port: int) -> Iterator[Step]:
        """What becomes of a packet from there."""
        if self._keeps(to):
            yield Hop("destination", "Google keeps the first two and the last two addresses of a subnet", Answer.NO)
            return
        firewall = self._there if to in self._away else self._here
        yield Firewalled("ingress firewall", firewall.decide(protocol, port, source, to), Direction.INGRESS)
