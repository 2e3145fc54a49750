"""Which subnets a Cloud NAT serves, and which route leads to the internet."""

from __future__ import annotations

from collections.abc import Iterable

from wayout.egress.model import Coverage, Nat, Route, SubnetName

MOST_PORTS = 64_512  # of one NAT address, for TCP and for UDP each (Google's page on Cloud NAT addresses and ports)


def covers(nat: Nat, subnet: SubnetName | None) -> bool:
    """Whether a NAT gives this subnet's primary range a way to the internet. Private NATs don't count.

    None: the hidden subnet of a connector with a bare range, which no list can name (Google's page on connectors).
    """
    return nat.public and (nat.coverage != Coverage.LISTED or (subnet is not None and subnet in nat.subnets))


def internet_route(routes: Iterable[Route], tags: frozenset[str]) -> Route | None:
    """The default route that machines with these tags take; None if there is none.

    Among routes of one length the lowest priority number wins (Google's page on routes); of equal ones we name the
    one that leads elsewhere, since traffic is spread over both.
    """
    default = [
        route for route in routes if route.destination == "0.0.0.0/0" and (not route.tags or tags & set(route.tags))
    ]
    return min(default, key=lambda route: (route.priority, route.internet), default=None)
