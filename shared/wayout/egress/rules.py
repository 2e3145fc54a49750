"""The firewall rules that a site wants.

Bands: control 101-199, allows 200-499, denies 900-989. Google's own rules for a connector sit at 100 and 1000: the
first are never out-ranked, the second always are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from wayout.egress import naming, ranges
from wayout.egress.model import (
    Action,
    Direction,
    Egress,
    FirewallRule,
    PeerRoutesOf,
    RoutesOf,
    Seen,
    Site,
    SubnetsOf,
    Traffic,
)
from wayout.egress.policy import Profile

# What keeps a connector alive. Source: Google's page on connectors in service projects, read 2026-04-10.
SERVERLESS = ("35.199.224.0/19",)
HEALTH_CHECKS = ("35.191.0.0/16", "35.191.192.0/18", "130.211.0.0/22")
CONTROL = (Traffic("icmp"), Traffic("tcp", ("667",)), Traffic("udp", ("665-666",)))
HEALTH = (Traffic("tcp", ("667",)),)

# Private Google Access; 34.126.0.0/18 is the range that both virtual addresses' clients may also be sent to.
GOOGLE_APIS = {
    "private": ("199.36.153.8/30", "34.126.0.0/18"),
    "restricted": ("199.36.153.4/30", "34.126.0.0/18"),
}
HTTPS = (Traffic("tcp", ("443",)),)
ALL = (Traffic("all"),)
UNIVERSAL_TAG = "vpc-connector"  # every connector of every project carries it

CONTROL_PRIORITY, APIS_PRIORITY, ALLOW_PRIORITY, INGRESS_PRIORITY, DENY_PRIORITY = 110, 210, 300, 310, 950


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a site's rules speak of: machines with the tag, whose addresses lie in the range (CIDR text).

    Ingress rules know a connector's machines by their tag, and jobs on the direct road by their addresses alone
    (Google's page on Direct VPC egress).
    """

    road: naming.Road
    tag: str
    range: str = ""

    @property
    def tags(self) -> frozenset[str]:
        """Every tag that the machines carry."""
        return frozenset({self.tag} if self.road == "direct" else {self.tag, UNIVERSAL_TAG})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A site's rules, by the step in which they are made: what opens, what shuts from inside, what shuts outwards."""

    opens: tuple[FirewallRule, ...]
    guards: tuple[FirewallRule, ...]
    closes: tuple[FirewallRule, ...]

    def __iter__(self) -> Iterator[FirewallRule]:
        return iter((*self.opens, *self.guards, *self.closes))


def wanted(site: Site, profile: Profile, inside: Iterable[str], scope: Scope | None = None) -> Wanted:
    """Everything that the site's machines need and may. `inside`: the ranges of the network (CIDR text)."""
    make = _Maker(site, scope or Scope("connector", naming.tag_of(naming.connector_of(site))))
    control = make.control() if make.scope.road == "connector" else ()
    return Wanted(
        opens=(*control, *make.google_apis(profile), *make.allows(profile, tuple(sorted(set(inside))))),
        guards=(make.deny("deny-in", Direction.INGRESS, "0.0.0.0/0"),),
        closes=(
            make.deny("deny-out", Direction.EGRESS, "0.0.0.0/0"),
            make.deny("deny-out-ipv6", Direction.EGRESS, "::/0"),
        ),
    )


class _Maker:
    def __init__(self, site: Site, scope: Scope) -> None:
        self.site = site
        self.scope = scope
        self.tag = scope.tag
        # The range by which Google runs connectors is nobody's internet: only control traffic has business there.
        self._never = SERVERLESS if scope.road == "connector" else ()
        self.who, self.whose = ("the connector", "its") if scope.road == "connector" else ("the jobs", "their")

    def _rule(self, role: str, direction: Direction, action: Action, priority: int, what: str) -> FirewallRule:
        by_tag = self.scope.road == "connector"
        into = direction == Direction.INGRESS
        return FirewallRule(
            name=naming.rule_of(self.site, role, self.scope.road),
            network=self.site.network,
            direction=direction,
            action=action,
            priority=priority,
            traffic=ALL,
            target_tags=() if into else (self.tag,),
            source_tags=(self.tag,) if into and by_tag else (),
            sources=(self.scope.range,) if into and not by_tag else (),
            description=f"{naming.MARK}: {what}, as the profile {self.site.profile} says.",
        )

    def control(self) -> Iterator[FirewallRule]:
        """Our own copy of what keeps the connector alive: Google's may be missing, as in a Shared VPC."""
        for role, sources, traffic, what in (
            ("control-in", SERVERLESS, CONTROL, "lets Google's serverless infrastructure reach the connector"),
            ("control-health", HEALTH_CHECKS, HEALTH, "lets Google check the connector's health"),
        ):
            rule = self._rule(role, Direction.INGRESS, Action.ALLOW, CONTROL_PRIORITY, what)
            yield replace(rule, sources=sources, traffic=traffic, source_tags=(), target_tags=(self.tag,))
        what = "lets the connector reach Google's serverless infrastructure"
        rule = self._rule("control-out", Direction.EGRESS, Action.ALLOW, CONTROL_PRIORITY, what)
        yield replace(rule, destinations=SERVERLESS, traffic=CONTROL)

    def google_apis(self, profile: Profile) -> Iterator[FirewallRule]:
        """The baseline's virtual addresses; `default-domains` is public tcp:443 and belongs to the allows."""
        if profile.google_apis in GOOGLE_APIS:
            what = f"allows Google APIs by their {profile.google_apis} virtual addresses"
            rule = self._rule("google-apis", Direction.EGRESS, Action.ALLOW, APIS_PRIORITY, what)
            yield replace(rule, destinations=GOOGLE_APIS[profile.google_apis], traffic=HTTPS)

    def allows(self, profile: Profile, inside: tuple[str, ...]) -> Iterator[FirewallRule]:
        """One EGRESS allow per distinct set of protocols and ports; its INGRESS twin for what is no internet."""
        for traffic, places in _by_traffic(profile).items():
            said = f"{', '.join(map(str, traffic))} to {_some(places)}"
            private = tuple(place for place in places if place != "internet")
            public = ranges.internet((*inside, *self._never)) if "internet" in places else ()
            if not (private or public):
                continue  # all of the internet is routed elsewhere, and a rule without destinations opens everything
            what = f"allows {said}"
            out = self._rule(f"out-{slug(traffic)}", Direction.EGRESS, Action.ALLOW, ALLOW_PRIORITY, what)
            yield replace(out, destinations=(*private, *public), traffic=traffic)
            if private:
                role, what = f"in-{slug(traffic)}", f"lets {self.who} in at {self.whose} destinations, {said}"
                twin = self._rule(role, Direction.INGRESS, Action.ALLOW, INGRESS_PRIORITY, what)
                yield replace(twin, destinations=private, traffic=traffic)

    def deny(self, role: str, direction: Direction, destination: str) -> FirewallRule:
        """Everything else, logged. The INGRESS one stops the connector wherever it knocks inside the network."""
        what = {
            "deny-in": f"denies {self.who} everything else inside the network",
            "deny-out": f"denies {self.who} everything else, and logs it",
            "deny-out-ipv6": f"denies {self.who} all IPv6, and logs it",
        }[role]
        rule = self._rule(role, direction, Action.DENY, DENY_PRIORITY, what)
        destinations = (destination,) if direction == Direction.EGRESS else ()
        return replace(rule, destinations=destinations, logged=True)


def _some(places: tuple[str, ...]) -> str:
    """The first places; descriptions are read by people, and the rule itself lists them all."""
    named = ", ".join("the internet" if place == "internet" else place for place in places[:3])
    return f"{named} and {len(places) - 3} more" if len(places) > 3 else named


def _by_traffic(profile: Profile) -> dict[tuple[Traffic, ...], tuple[str, ...]]:
    found: dict[tuple[Traffic, ...], set[str]] = {}
    for destination in profile.destinations:
        found.setdefault(destination.traffic, set()).update(destination.places)
    if profile.google_apis == "default-domains" and profile.egress == Egress.ALL:
        found.setdefault(HTTPS, set()).add("internet")
    return {traffic: tuple(sorted(places)) for traffic, places in sorted(found.items())}


def slug(traffic: tuple[Traffic, ...]) -> str:
    """A short word for a set of protocols and ports, unique among them, fit for a rule's name."""
    ports = ("-".join(port.replace("-", "to") for port in item.ports) for item in traffic)
    plain = "-".join(f"{item.protocol}{said}" for item, said in zip(traffic, ports, strict=True))
    return plain if len(plain) <= 16 else f"{plain[:7].strip('-')}-{sha256(plain.encode()).hexdigest()[:8]}"


def inside(site: Site, seen: Seen) -> list[str]:
    """The ranges that live in a site's network, or are routed out of it to elsewhere than the internet (CIDR text)."""
    network = site.network
    subnets = [text for subnet in seen.get(SubnetsOf(network)) for text in (subnet.range, *subnet.secondary)]
    return subnets + [
        route.destination
        for route in (*seen.get(RoutesOf(network)), *seen.get(PeerRoutesOf(network, site.region)))
        if not route.internet and not route.destination.endswith("/0") and ":" not in route.destination
    ]
