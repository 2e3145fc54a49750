"""Firewall, first half: what keeps the connector alive, what it may reach, and the shutter inside the network."""

from __future__ import annotations

from fnmatch import fnmatchcase

from wayout.egress import naming, precedence, rules
from wayout.egress.model import (
    Blocked,
    Change,
    FirewallRule,
    PeerRoutesOf,
    Remove,
    RoutesOf,
    RulesOf,
    Seen,
    SubnetsOf,
)
from wayout.egress.remedies.remedy import OWN_ROADS, Remedy, Verdict, Want, wait_for


def reads(want: Want) -> tuple[RulesOf | SubnetsOf | RoutesOf | PeerRoutesOf, ...]:
    """The network's rules, and the ranges that are not the internet."""
    network = want.site.network
    return (RulesOf(network), SubnetsOf(network), RoutesOf(network), PeerRoutesOf(network, want.site.region))


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """Allows first; the INGRESS deny with them only while there is no connector yet that somebody could be using."""
    if waits := wait_for("network", done=done, what="firewall"):
        return waits
    if want.own_road == "direct" and (waits := wait_for("subnet", done=done, what="firewall")):
        return waits  # its ingress rules name the subnet's range
    existing = seen.get(RulesOf(want.site.network))
    blocked = tuple(_conflicts(want, seen, existing))
    if blocked:
        return Verdict(blocked=blocked)
    wanted = rules.wanted(want.site, want.profile, rules.inside(want.site, seen), want.scope(seen))
    opens = precedence.missing(wanted.opens, existing)
    guards = precedence.missing(wanted.guards, existing)
    if opens and _in_use(want, seen):
        return Verdict(changes=tuple(opens))
    return Verdict(changes=(*opens, *guards, *(_surplus(want, existing, wanted) if not opens else ())))


def _in_use(want: Want, seen: Seen) -> bool:
    """Whether somebody could be on this road already, so that an allow must stand before a deny does."""
    if want.own_road == "connector":
        return want.own_connector(seen) is not None
    return any(rule.name == naming.rule_of(want.site, "deny-out", "direct") for rule in seen.get(_rules(want)))


def _rules(want: Want) -> RulesOf:
    return RulesOf(want.site.network)


def _surplus(want: Want, existing: tuple[FirewallRule, ...], wanted: rules.Wanted) -> list[Change]:
    """Rules of ours for this site that the policy no longer wants."""
    names = {rule.name for rule in wanted}
    because = f"the profile {want.site.profile} no longer has what it allows"
    return [
        Remove(rule, because)
        for rule in existing
        if naming.is_rule_of(want.site, want.own_road, rule.name) and rule.name not in names
    ]


def _conflicts(want: Want, seen: Seen, existing: tuple[FirewallRule, ...]) -> list[Blocked]:
    """Denies of others that an allow of ours would out-rank, and that the policy does not name."""
    scope = want.scope(seen)
    places = (scope.range,) if scope.range else want.profile.pool
    accounts = want.own_road == "direct"
    foreign = [
        rule
        for rule in existing
        if not naming.place_of(rule.name)
        and not any(fnmatchcase(rule.name.rule, glob) for glob in want.profile.outranks)
        and any(precedence.speaks_of(rule, scope.tags, place, accounts=accounts) for place in places)
    ]
    allows = [
        rule
        for rule in rules.wanted(want.site, want.profile, rules.inside(want.site, seen), scope).opens
        if "control" not in rule.name.rule
    ]
    denies = {deny.name.rule: allow for allow in allows for deny in precedence.outranked(allow, foreign)}
    return [
        Blocked(
            f"firewall rule {name}",
            f"our {allow.name.rule} at {allow.priority} would out-rank this deny, which is not ours",
            f"if that is wanted, let {want.site.profile} say outranks: [{name}]; else change its destinations",
        )
        for name, allow in denies.items()
    ]


REMEDY = Remedy(
    "firewall",
    reads,
    judge,
    permissions=(
        "compute.firewalls.list",
        "compute.subnetworks.list",
        "compute.routes.list",
        "compute.networks.get",
        "compute.networks.listPeeringRoutes",
        "vpcaccess.connectors.list",
        "compute.firewalls.get",
        "compute.firewalls.create",
        "compute.firewalls.update",
        "compute.firewalls.delete",
        "compute.networks.updatePolicy",
        "compute.globalOperations.get",
    ),
    roads=OWN_ROADS,
)
