"""Automatic rules of a connector of ours that is gone: removed before it is made again."""

from __future__ import annotations

from wayout.egress import naming
from wayout.egress.model import ConnectorsIn, FirewallRule, Remove, RulesOf, Seen
from wayout.egress.remedies.remedy import WHOLE, Remedy, Verdict, Want, wait_for


def reads(want: Want) -> tuple[RulesOf | ConnectorsIn, ...]:
    """The network's rules, and whether the connector is there."""
    return (RulesOf(want.site.network), want.connectors)


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """Such rules outlive their connector now and then, and hold the names that its successor's rules will need."""
    if waits := wait_for("network", done=done, what="leftover automatic rules"):
        return waits
    if want.own_connector(seen) is not None:
        return WHOLE
    because = f"Google made it for the connector {want.connector.connector}, which is gone"
    stale = [rule for rule in seen.get(RulesOf(want.site.network)) if _stale(rule, want)]
    return Verdict(changes=tuple(Remove(rule, because) for rule in stale))


def _stale(rule: FirewallRule, want: Want) -> bool:
    auto = naming.automatic(rule.name.rule)
    return auto is not None and (auto.region, auto.connector) == (want.site.region, want.connector.connector)


REMEDY = Remedy("leftovers", reads, judge, permissions=("compute.firewalls.list", "compute.firewalls.delete"))
