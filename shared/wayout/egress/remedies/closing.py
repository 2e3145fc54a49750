"""Firewall, second half: once the connector stands, whatever its profile does not allow is shut, outwards too."""

from __future__ import annotations

from wayout.egress import naming, precedence, rules
from wayout.egress.model import Action, ConnectorsIn, FirewallRule, RoutesOf, RulesOf, Seen, SubnetsOf
from wayout.egress.remedies.remedy import OWN_ROADS, Remedy, Verdict, Want, wait_for


def reads(want: Want) -> tuple[RulesOf | SubnetsOf | RoutesOf | ConnectorsIn, ...]:
    """What the first half looks at, and the connector."""
    network = want.site.network
    return (RulesOf(network), SubnetsOf(network), RoutesOf(network), want.connectors)


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """The EGRESS denies, after the connector is READY: what it needs to come up is never shut on the way."""
    if waits := wait_for("subnet", "firewall", "connector", done=done, what="firewall denies"):
        return waits
    existing = seen.get(RulesOf(want.site.network))
    wanted = rules.wanted(want.site, want.profile, rules.inside(want.site, seen), want.scope(seen))
    changes = precedence.missing((*wanted.guards, *wanted.closes), existing)
    return Verdict(changes=tuple(changes), notes=tuple(_not_tight(want, seen, existing)))


def _not_tight(want: Want, seen: Seen, existing: tuple[FirewallRule, ...]) -> list[str]:
    """Allows of others that stand above our denies: reported, never touched."""
    scope = want.scope(seen)
    return [
        f"not tight: the firewall rule {rule.name.rule} at {rule.priority}, not ours, allows "
        f"{', '.join(map(str, rule.traffic))} above our denies at {rules.DENY_PRIORITY}"
        for rule in existing
        if rule.action == Action.ALLOW
        and rule.priority < rules.DENY_PRIORITY
        and not naming.place_of(rule.name)
        and precedence.speaks_of(rule, scope.tags, scope.range, accounts=want.own_road == "direct")
    ]


REMEDY = Remedy(
    "firewall denies",
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
        "compute.networks.updatePolicy",
        "compute.globalOperations.get",
    ),
    roads=OWN_ROADS,
)
