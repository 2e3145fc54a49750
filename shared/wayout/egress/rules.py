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
    NetworkName,
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

CONTROL_PRIORITY, APIS_PRIORITY, ALLOW_PRIORITY, INGRESS_PRIORITY, DENY_PRIORITY = 110, 210, 300, 310, 950


@dataclass(frozen=True, slots=True)
class Wanted:
    """A site's rules, by the step in which they are made: what opens, what shuts from inside, what shuts outwards."""

    opens: tuple[FirewallRule, ...]
    guards: tuple[FirewallRule, ...]
    closes: tuple[FirewallRule, ...]

    def __iter__(self) -> Iterator[FirewallRule]:
        return iter((*self.opens, *self.guards, *self.closes))


def wanted(site: Site, profile: Profile, inside: Iterable[str]) -> Wanted:
    """Everything that the site's connector needs and may. `inside`: the ranges of the network (CIDR text)."""
    make = _Maker(site)
    return Wanted(
        opens=(*make.control(), *make.google_apis(profile), *make.allows(profile, tuple(sorted(set(inside))))),
        guards=(make.deny("deny-in", Direction.INGRESS, "0.0.0.0/0"),),
        closes=(
            make.deny("deny-out", Direction.EGRESS, "0.0.0.0/0"),
            make.deny("deny-out-ipv6", Direction.EGRESS, "::/0"),
        ),
    )


class _Maker:
    def __init__(self, site: Site) -> None:
        self.site = site
        self.tag = naming.tag_of(naming.connector_of(site))

    def _rule(self, role: str, direction: Direction, action: Action, priority: int, what: str) -> FirewallRule:
        return FirewallRule(
            name=naming.rule_of(self.site, role),
            network=self.site.network,
            direction=direction,
            action=action,
            priority=priority,
            traffic=ALL,
            target_tags=(self.tag,) if direction == Direction.EGRESS else (),
            source_tags=(self.tag,) if direction == Direction.INGRESS else (),
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
            public = ranges.internet(inside) if "internet" in places else ()
            what = f"allows {said}"
            out = self._rule(f"out-{slug(traffic)}", Direction.EGRESS, Action.ALLOW, ALLOW_PRIORITY, what)
            yield replace(out, destinations=(*private, *public), traffic=traffic)
            if private:
                role, what = f"in-{slug(traffic)}", f"lets the connector in at its destinations, {said}"
                twin = self._rule(role, Direction.INGRESS, Action.ALLOW, INGRESS_PRIORITY, what)
                yield replace(twin, destinations=private, traffic=traffic)

    def deny(self, role: str, direction: Direction, destination: str) -> FirewallRule:
        """Everything else, logged. The INGRESS one stops the connector wherever it knocks inside the network."""
        what = {
            "deny-in": "denies the connector everything else inside the network",
            "deny-out": "denies the connector everything else, and logs it",
            "deny-out-ipv6": "denies the connector all IPv6, and logs it",
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
        found.setdefault(destination.traffic, set()).add(destination.to)
    if profile.google_apis == "default-domains" and profile.egress == Egress.ALL:
        found.setdefault(HTTPS, set()).add("internet")
    return {traffic: tuple(sorted(places)) for traffic, places in sorted(found.items())}


def slug(traffic: tuple[Traffic, ...]) -> str:
    """A short word for a set of protocols and ports, unique among them, fit for a rule's name."""
    ports = ("-".join(port.replace("-", "to") for port in item.ports) for item in traffic)
    plain = "-".join(f"{item.protocol}{said}" for item, said in zip(traffic, ports, strict=True))
    return plain if len(plain) <= 16 else f"{plain[:7].strip('-')}-{sha256(plain.encode()).hexdigest()[:8]}"


def reaches_internet(profile: Profile) -> bool:
    """Whether the profile lets traffic out to the internet through the VPC, so that a NAT is needed."""
    public = any(not ranges.within((place,), ranges.PRIVATE) for place in profile.ranges)
    return profile.egress == Egress.ALL and (profile.internet or public or profile.google_apis == "default-domains")


def inside(network: NetworkName, seen: Seen) -> list[str]:
    """The ranges that live in a network, or are routed out of it to somewhere else than the internet (CIDR text)."""
    subnets = [text for subnet in seen.get(SubnetsOf(network)) for text in (subnet.range, *subnet.secondary)]
    return subnets + [
        route.destination
        for route in seen.get(RoutesOf(network))
        if not route.internet and not route.destination.endswith("/0") and ":" not in route.destination
    ]
