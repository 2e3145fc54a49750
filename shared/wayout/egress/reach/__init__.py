"""Can this job reach that address, protocol and port, and which rule, route, NAT or lack of one decides."""

from wayout.egress.reach.book import every
from wayout.egress.reach.ground import Ground
from wayout.egress.reach.judge import Judge, judge
from wayout.egress.reach.leaving import through_vpc
from wayout.egress.reach.packet import Answer, Hop, Packet, Receiver, Verdict
from wayout.egress.reach.routing import Routing

__all__ = [
    "Answer",
    "Ground",
    "Hop",
    "Judge",
    "Packet",
    "Receiver",
    "Routing",
    "Verdict",
    "every",
    "judge",
    "through_vpc",
]
