"""Steps on a packet's way that are put in words only when somebody reads them."""

from __future__ import annotations

from dataclasses import dataclass

from wayout.egress.model import Direction, Route
from wayout.egress.reach import words
from wayout.egress.reach.firewall import Decision
from wayout.egress.reach.packet import Answer, Hop


@dataclass(frozen=True, slots=True)
class Firewalled:
    """What a firewall decided."""

    what: str
    decision: Decision
    direction: Direction

    @property
    def answer(self) -> Answer:
        """Whether the packet passes."""
        return self.decision.answer

    def told(self) -> Hop:
        """The hop, in words."""
        said, by = words.decided(self.decision, self.direction)
        return Hop(self.what, said, self.answer, by)


@dataclass(frozen=True, slots=True)
class Routed:
    """Which route is taken. UNKNOWN: it leads to where nobody here can look."""

    route: Route
    answer: Answer = Answer.YES

    def told(self) -> Hop:
        """The hop, in words."""
        beyond = "" if self.answer == Answer.YES else "; what lies beyond cannot be seen"
        return Hop("route", words.routed(self.route) + beyond, self.answer, self.route.name)


Step = Hop | Firewalled | Routed
