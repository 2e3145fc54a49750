"""How firewall rules stand to each other: the same, missing, or out-ranked by another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wayout.egress import naming, ranges
from wayout.egress.model import (
    Action,
    Change,
    Create,
    Direction,
    FirewallPolicy,
    FirewallRule,
    Layer,
    PolicyRule,
    Remove,
    Traffic,
    Update,
    Verb,
)
from wayout.egress.reach.spans import canonical


def missing(wanted: tuple[FirewallRule, ...], existing: tuple[FirewallRule, ...]) -> list[Change]:
    """The changes that bring our rules to what is wanted."""
    known = {rule.name: rule for rule in existing}
    changes: list[Change] = []
    for rule in wanted:
        was = known.get(rule.name)
        if was is None:
            changes.append(Create(rule, _why(rule)))
        elif was.direction != rule.direction:
            changes.append(
                Remove(was, "somebody made it anew in the other direction, which cannot be changed in place")
            )
        elif not same(rule, was):
            changes.append(Update(rule, was, f"it was changed ({_difference(rule, was)}); {_why(rule)}"))
    return changes


def _why(rule: FirewallRule) -> str:
    said = rule.description.removeprefix(f"{naming.MARK}: ").split(", as the profile ")[0]
    return f"{said} (priority {rule.priority})"


def _difference(rule: FirewallRule, was: FirewallRule) -> str:
    fields = ("priority", "action", "traffic", "destinations", "sources", "disabled", "logged", "source_tags")
    found = [field for field in (*fields, "target_tags", "description") if getattr(rule, field) != getattr(was, field)]
    return ", ".join(found)


def same(rule: FirewallRule, other: FirewallRule) -> bool:
    """Whether two rules say the same, whatever the order that Google lists ranges and ports in."""
    return _canonical(rule) == _canonical(other)


def _canonical(rule: FirewallRule) -> FirewallRule:
    return replace(
        rule,
        traffic=_merged(rule.traffic),
        sources=tuple(sorted(rule.sources)),
        destinations=tuple(sorted(rule.destinations)),
        source_tags=tuple(sorted(rule.source_tags)),
        target_tags=tuple(sorted(rule.target_tags)),
    )


def _merged(traffic: Iterable[Traffic]) -> tuple[Traffic, ...]:
    """One entry a protocol: gcloud makes one for every port."""
    found: dict[str, set[str]] = {}
    whole = {item.protocol.lower() for item in traffic if not item.ports}
    for item in traffic:
        found.setdefault(item.protocol.lower(), set()).update(item.ports)
    return tuple(Traffic(name, () if name in whole else tuple(sorted(ports))) for name, ports in sorted(found.items()))


def speaks_of(rule: FirewallRule, tags: frozenset[str], range_: str, *, accounts: bool = False) -> bool:
    """Whether a rule of somebody else decides on traffic that leaves machines with these tags and addresses in this
    range (CIDR text). `accounts`: they run as some service account, which egress rules may name.
    """
    if rule.disabled:
        return False
    if rule.direction == Direction.EGRESS:
        if rule.target_accounts:
            return accounts
        return not rule.target_tags or bool(tags & set(rule.target_tags))
    by_range = bool(range_) and ranges.overlap(rule.sources, (range_,))
    return by_range or bool(tags & set(rule.source_tags))


def _traffic_overlaps(some: Iterable[Traffic], others: Iterable[Traffic]) -> bool:
    return any(
        "all" in (canonical(one.protocol), canonical(other.protocol))
        or (canonical(one.protocol) == canonical(other.protocol) and _ports_overlap(one.ports, other.ports))
        for one in some
        for other in others
    )


def _ports_overlap(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    if not some or not others:
        return True
    spans = [tuple(map(int, (text.split("-") * 2)[:2])) for text in some]
    return any(
        low <= int((text.split("-") * 2)[1]) and int(text.split("-")[0]) <= high
        for text in others
        for low, high in spans
    )


def meets(rule: FirewallRule, other: FirewallRule | PolicyRule) -> bool:
    """Whether two rules of one direction can decide on the same packet, by traffic and destination ranges."""
    if rule.direction != other.direction or not _traffic_overlaps(rule.traffic, other.traffic):
        return False
    return not rule.destinations or not other.destinations or ranges.overlap(rule.destinations, other.destinations)


def outranked(ours: FirewallRule, others: Iterable[FirewallRule]) -> list[FirewallRule]:
    """The denies of others that an allow of ours would out-rank."""
    return [
        other
        for other in others
        if ours.action == Action.ALLOW
        and other.action == Action.DENY
        and other.priority > ours.priority
        and meets(ours, other)
    ]


def stood_before(
    ours: FirewallRule, policies: Iterable[FirewallPolicy], places: tuple[str, ...], *, accounts: bool
) -> list[str]:
    """The rules of network firewall policies, as POLICY:PRIORITY, that are asked after VPC firewall rules and so never
    get to deny what an allow of ours lets out of these places (CIDR text). `accounts`: as in `speaks_of`.
    """
    return [
        f"{policy.name}:{rule.priority}"
        for policy in policies
        if policy.layer in (Layer.NETWORK, Layer.REGIONAL) and ours.action == Action.ALLOW
        for rule in policy.rules
        if _may_deny(rule, places, accounts=accounts) and meets(ours, rule)
    ]


def _may_deny(rule: PolicyRule, places: tuple[str, ...], *, accounts: bool) -> bool:
    """A rule whose match is unclear may be about us, and an inspection may deny."""
    if rule.disabled or rule.verb not in (Verb.DENY, Verb.OTHER):
        return False
    if rule.direction == Direction.EGRESS and rule.target_accounts and not accounts:
        return False
    return not rule.sources or ranges.overlap(rule.sources, places)
