"""What was seen of one network and region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wayout.egress.model import (
    Connector,
    FirewallPolicy,
    FirewallRule,
    Network,
    NetworkName,
    Route,
    Router,
    Subnet,
)
from wayout.egress.reach.book import Book


@dataclass(frozen=True, slots=True)
class Ground:
    """What was seen of one network and region. `routes`: its own and those from its peers; `connectors`: of every
    project that matters; `beyond`: the peers whose rules can be seen; `afar`: the regional policies of other regions,
    as far as somebody has looked; `hidden`: what could not be read, in words."""

    network: Network
    region: str
    subnets: tuple[Subnet, ...] = ()
    rules: tuple[FirewallRule, ...] = ()
    policies: tuple[FirewallPolicy, ...] = ()
    routes: tuple[Route, ...] = ()
    routers: tuple[Router, ...] = ()
    connectors: tuple[Connector, ...] = ()
    beyond: Mapping[NetworkName, Ground] = field(default_factory=dict)
    afar: Mapping[str, tuple[FirewallPolicy, ...]] = field(default_factory=dict)
    hidden: str = ""
    _book: list[Book] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def learning(self) -> tuple[str, ...]:
        """The region's routers that learn routes which no list shows, by their short names."""
        return tuple(one.name.router for one in self.routers if one.dynamic)

    @property
    def book(self) -> Book:
        """The rules, sorted at the first asking."""
        if not self._book:
            self._book.append(Book(self.rules, self.policies))
        return self._book[0]
