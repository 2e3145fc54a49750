"""Which route a packet takes. Source: Google's page on routes, applicability and order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network

from wayout.egress import ranges
from wayout.egress.model import Route
from wayout.egress.reach.parts import stretches


@dataclass(frozen=True, slots=True)
class _Lane:
    low: int
    high: int
    length: int
    route: Route


class Routing:
    """The routes that machines with these tags may take."""

    def __init__(self, routes: Iterable[Route], tags: frozenset[str]) -> None:
        self._known: dict[int, tuple[Route, ...]] = {}
        fit = [route for route in routes if not route.tags or tags & set(route.tags)]
        lanes = [_lane(route) for route in fit if ranges.is_ipv4(route.destination)]
        self._subnets = sorted((one for one in lanes if one.route.local or one.route.peering), key=_order)
        self._others = sorted((one for one in lanes if not (one.route.local or one.route.peering)), key=_order)

    def best(self, destination: int) -> tuple[Route, ...]:
        """The route that is taken: a subnet's before any other, then the longest, then the lowest priority number.

        Several where they are alike; none where nothing leads there.
        """
        if destination not in self._known:
            self._known[destination] = self._best(destination)
        return self._known[destination]

    def _best(self, destination: int) -> tuple[Route, ...]:
        for lanes in (self._subnets, self._others):
            first: _Lane | None = None
            found: list[Route] = []
            for lane in lanes:
                if not lane.low <= destination <= lane.high:
                    continue
                if first is not None and _rank(lane) != _rank(first):
                    break
                first = first or lane
                found.append(lane.route)
            if found:
                return tuple(found)
        return ()

    def parts(self, place: str) -> list[tuple[Route, ...]]:
        """The route taken to each part of a range (CIDR text) that routes tell apart; an empty one where none leads."""
        net = ranges.parse(place)
        edges = [(lane.low, lane.high) for lane in (*self._subnets, *self._others)]
        whole = int(net.network_address), int(net.broadcast_address)
        return [self.best(one) for one in stretches(whole, edges)]


@lru_cache(maxsize=32)
def routing(routes: tuple[Route, ...], tags: frozenset[str]) -> Routing:
    """The same routing for the same routes and tags: most steps of a plan leave routes as they are."""
    return Routing(routes, tags)


def _lane(route: Route) -> _Lane:
    net: IPv4Network = ranges.parse(route.destination)
    return _Lane(int(net.network_address), int(net.broadcast_address), net.prefixlen, route)


def _rank(lane: _Lane) -> tuple[int, int]:
    subnet = lane.route.local or bool(lane.route.peering)
    return (-lane.length, 0 if subnet else lane.route.priority)


def _order(lane: _Lane) -> tuple[int, int, bool]:
    return (*_rank(lane), not lane.route.local)
