"""What arrives inside a network: at one of its own subnets, or a peer's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wayout.egress.model import Direction, FirewallPolicy, Layer
from wayout.egress.reach.firewall import End, Firewall, Target
from wayout.egress.reach.ground import Ground
from wayout.egress.reach.packet import Answer, Hop, Receiver
from wayout.egress.reach.parts import KEPT
from wayout.egress.reach.spans import spans
from wayout.egress.reach.steps import Firewalled, Step


class Arrival:
    """The machines of one network that are like the receiver. `senders`: as a `Firewall` has them.

    A regional policy speaks of its own region's machines alone; those of other regions count where they are known.
    """

    def __init__(self, ground: Ground, receiver: Receiver, senders: Sequence[End]) -> None:
        network, book, policies = ground.network, ground.book, ground.policies
        wide = [one for one in policies if one.layer != Layer.REGIONAL]
        target = Target(receiver.tags, receiver.account)

        def firewall(policies: Sequence[FirewallPolicy]) -> Firewall:
            return Firewall(network, book, policies, Direction.INGRESS, target, senders)

        self._here = firewall(policies)
        there = self._here if len(wide) == len(policies) else firewall(wide)
        away: dict[str, list[str]] = {}
        for one in ground.subnets:
            if one.name.region != ground.region:
                away.setdefault(one.name.region, []).extend((one.range, *one.secondary))
        known = {region: firewall([*wide, *found]) for region, found in ground.afar.items()}
        self._away = [(spans(tuple(texts)), known.get(region, there)) for region, texts in away.items()]
        self._all = list(dict.fromkeys((self._here, there, *known.values())))
        # Secondary ranges have no addresses that Google keeps (Google's page on subnets).
        primary = (edge for one in ground.subnets for edge in spans((one.range,)).edges)
        self._kept = {
            one for low, high in primary for one in (*range(low, low + KEPT), *range(high - KEPT + 1, high + 1))
        }

    def place(self, to: int) -> tuple[int, ...]:
        """Everything of an address that is looked at here."""
        away = (to in places for places, _ in self._away)
        return (to in self._kept, *away, *(one.place(to) for one in self._all))

    def kind(self, protocol: str, port: int) -> tuple[int, ...]:
        """Everything of a (canonical) protocol and port that is looked at here."""
        return tuple(one.kind(protocol, port) for one in self._all)

    def steps(self, source: End, to: int, protocol: str, port: int) -> Iterator[Step]:
        """What becomes of a packet from there."""
        if to in self._kept:
            yield Hop("destination", "Google keeps the first two and the last two addresses of a subnet", Answer.NO)
            return
        firewall = next((one for places, one in self._away if to in places), self._here)
        yield Firewalled("ingress firewall", firewall.decide(protocol, port, source, to), Direction.INGRESS)
