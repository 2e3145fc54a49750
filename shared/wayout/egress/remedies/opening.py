"""Firewall, first half: what keeps the connector alive, what it may reach, and the shutter inside the network."""

from __future__ import annotations

from fnmatch import fnmatchcase

from wayout.egress import naming, precedence, rules
from wayout.egress.model import (
    Blocked,
    Change,
    FirewallRule,
    Remove,
    RoutesOf,
    RulesOf,
    Seen,
    SubnetsOf,
)
from wayout.egress.remedies.remedy import Remedy, Verdict, Want, wait_for


def reads(want: Want) -> tuple[RulesOf | SubnetsOf | RoutesOf, ...]:
    """The network's rules, and the ranges that are not the internet."""
    network = want.site.network
    return (RulesOf(network), SubnetsOf(network), RoutesOf(network))


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """Allows first; the INGRESS deny with them only while there is no connector yet that somebody could be using."""
    if waits := wait_for("network", done=done, what="firewall"):
        return waits
    existing = seen.get(RulesOf(want.site.network))
    blocked = tuple(_conflicts(want, seen, existing))
    if blocked:
        return Verdict(blocked=blocked)
    wanted = rules.wanted(want.site, want.profile, rules.inside(want.site.network, seen))
    opens = precedence.missing(wanted.opens, existing)
    guards = precedence.missing(wanted.guards, existing)
    if opens and want.own_connector(seen) is not None:
        return Verdict(changes=tuple(opens))
    return Verdict(changes=(*opens, *guards, *(_surplus(want, existing, wanted) if not opens else ())))


def _surplus(want: Want, existing: tuple[FirewallRule, ...], wanted: rules.Wanted) -> list[Change]:
    """Rules of ours for this site that the policy no longer wants."""
    prefix = naming.rule_of(want.site, "").rule
    names = {rule.name for rule in wanted}
    because = f"the profile {want.site.profile} no longer has what it allows"
    return [Remove(rule, because) for rule in existing if rule.name.rule.startswith(prefix) and rule.name not in names]


def _conflicts(want: Want, seen: Seen, existing: tuple[FirewallRule, ...]) -> list[Blocked]:
    """Denies of others that an allow of ours would out-rank, and that the policy does not name."""
    subnet = next(
        (found for found in seen.get(SubnetsOf(want.site.network)) if found.name == naming.subnet_of(want.site)), None
    )
    places = (subnet.range,) if subnet else want.profile.pool
    foreign = [
        rule
        for rule in existing
        if not naming.place_of(rule.name)
        and not any(fnmatchcase(rule.name.rule, glob) for glob in want.profile.outranks)
        and any(precedence.speaks_of(rule, want.connector, place) for place in places)
    ]
    allows = [
        rule
        for rule in rules.wanted(want.site, want.profile, rules.inside(want.site.network, seen)).opens
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
        "compute.firewalls.get",
        "compute.firewalls.create",
        "compute.firewalls.update",
        "compute.firewalls.delete",
        "compute.networks.updatePolicy",
    ),
)
