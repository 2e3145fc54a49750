"""Which route a packet takes. Source: Google's page on routes, applicability and order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from wayout.egress import ranges
from wayout.egress.model import Route
from wayout.egress.reach.parts import parts


@dataclass(frozen=True, slots=True)
class _Lane:
    low: int
    high: int
    length: int
    route: Route


Led = frozenset[tuple[bool, bool, str]]


class Routing:
    """The routes that machines with these tags may take."""

    def __init__(self, routes: Iterable[Route], tags: frozenset[str]) -> None:
        self._known: dict[int, tuple[Route, ...]] = {}
        self._led: dict[int, Led] = {}
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

    def leads(self, destination: int) -> Led:
        """Where the routes lead that may be taken: all of them that matters to a packet."""
        if destination not in self._led:
            self._led[destination] = frozenset(map(kind, self.best(destination)))
        return self._led[destination]

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
        bounds = {one for lane in (*self._subnets, *self._others) for one in (lane.low, lane.high + 1)}
        return [self.best(one) for one in parts(ranges.ends(place), sorted(bounds))]


@lru_cache(maxsize=32)
def routing(routes: tuple[Route, ...], tags: frozenset[str]) -> Routing:
    """The same routing for the same routes and tags: most steps of a plan leave routes as they are."""
    return Routing(routes, tags)


def kind(route: Route) -> tuple[bool, bool, str]:
    """Where a route leads: to the internet, to a subnet, or to what has this name."""
    return (route.internet, route.local, route.peering or ("" if route.internet or route.local else route.next_hop))


def _lane(route: Route) -> _Lane:
    return _Lane(*ranges.ends(route.destination), ranges.parse(route.destination).prefixlen, route)


def _rank(lane: _Lane) -> tuple[int, int]:
    subnet = lane.route.local or bool(lane.route.peering)
    return (-lane.length, 0 if subnet else lane.route.priority)


def _order(lane: _Lane) -> tuple[int, int, bool]:
    return (*_rank(lane), not lane.route.local)
