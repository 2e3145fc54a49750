"""Automatic rules of a connector of ours that is gone: removed before it is made again."""

from __future__ import annotations

from wayout.egress import naming
from wayout.egress.model import ConnectorsIn, FirewallRule, Remove, RulesOf, Seen, SubnetsOf
from wayout.egress.remedies.remedy import CONNECTOR_ROAD, WHOLE, Remedy, Verdict, Want, wait_for


def reads(want: Want) -> tuple[RulesOf | ConnectorsIn | SubnetsOf, ...]:
    """The network's rules, whether the connector is there, and the range that it had."""
    return (RulesOf(want.site.network), want.connectors, SubnetsOf(want.site.network))


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """Such rules outlive their connector now and then, and hold the names that its successor's rules will need."""
    if waits := wait_for("network", done=done, what="leftover automatic rules"):
        return waits
    if want.own_connector(seen) is not None:
        return WHOLE
    because = f"Google made it for the connector {want.connector.connector}, which is gone"
    subnets = seen.get(SubnetsOf(want.site.network))
    ranges = {subnet.range for subnet in subnets if subnet.name == naming.subnet_of(want.site)}
    stale = [rule for rule in seen.get(RulesOf(want.site.network)) if _stale(rule, want, ranges)]
    return Verdict(changes=tuple(Remove(rule, because) for rule in stale))


def _stale(rule: FirewallRule, want: Want, ranges: set[str]) -> bool:
    """Told by its name, and confirmed by tag or range: the name alone may be somebody's own."""
    auto = naming.automatic(rule.name.rule)
    named = auto is not None and (auto.region, auto.connector) == (want.site.region, want.connector.connector)
    tagged = naming.tag_of(want.connector) in (*rule.source_tags, *rule.target_tags)
    return named and (tagged or bool(ranges & set(rule.sources)))


REMEDY = Remedy(
    "leftovers",
    reads,
    judge,
    permissions=(
        "compute.firewalls.list",
        "vpcaccess.connectors.list",
        "compute.subnetworks.list",
        "compute.firewalls.delete",
        "compute.networks.updatePolicy",
        "compute.globalOperations.get",
    ),
    roads=CONNECTOR_ROAD,
)
