"""Firewall, first half: what keeps the connector alive, what it may reach, and the shutter inside the network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from wayout.egress import automatics, naming, precedence, rules
from wayout.egress.model import (
    Blocked,
    Change,
    Create,
    FirewallPolicy,
    FirewallRule,
    NetworkAt,
    PeerRoutesOf,
    PoliciesOf,
    Read,
    RegionPoliciesOf,
    Remove,
    RoutesOf,
    RuleQuotaOf,
    RulesOf,
    Seen,
    SubnetsOf,
)
from wayout.egress.remedies.remedy import OWN_ROADS, Remedy, Verdict, Want, wait_for


def reads(want: Want) -> tuple[Read[Any], ...]:
    """The network's rules and policies, and the ranges that are not the internet."""
    network, region = want.site.network, want.site.region
    ranges = (SubnetsOf(network), RoutesOf(network), PeerRoutesOf(network, region))
    policies = (NetworkAt(network), PoliciesOf(network), RegionPoliciesOf(network, region))
    return (RulesOf(network), *ranges, *policies, RuleQuotaOf(network.project))


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
    # Those that come once the connector stands are counted with the first, and not once more.
    closes = precedence.missing(wanted.closes, existing) if opens or guards else []
    if blocked := tuple(_no_room(want, seen, (*opens, *guards, *closes))):
        return Verdict(blocked=blocked)
    if opens and _in_use(want, seen):
        return Verdict(changes=tuple(opens))
    return Verdict(changes=(*opens, *guards, *(_surplus(want, existing, wanted) if not opens else ())))


def _no_room(want: Want, seen: Seen, changes: Iterable[Change]) -> Iterator[Blocked]:
    """The quota is looked at only where rules are to be made: for all of them, and those that Google makes itself."""
    needed = sum(isinstance(change, Create) for change in changes)
    if not needed:
        return
    project = want.site.network.project
    if want.own_road == "connector" and want.connector.project == project and want.own_connector(seen) is None:
        needed += automatics.HOW_MANY
    for quota in seen.get(RuleQuotaOf(project)):
        if quota.usage + needed > quota.limit:
            why = f"{project} has {quota.usage} of {quota.limit} firewall rules, and {needed} more are needed"
            help_ = (
                "have the quota FIREWALLS raised (https://console.cloud.google.com/iam-admin/quotas?project="
                f"{project}), or remove rules that nobody needs: gcloud compute firewall-rules list --project={project}"
            )
            yield Blocked("firewall rules", why, help_)


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


def _conflicts(want: Want, seen: Seen, existing: tuple[FirewallRule, ...]) -> Iterator[Blocked]:
    """Denies of others that an allow of ours would out-rank, and that the policy does not name."""
    scope = want.scope(seen)
    places = (scope.range,) if scope.range else want.profile.pool
    accounts = want.own_road == "direct"
    foreign = [
        rule
        for rule in existing
        if not naming.place_of(rule.name)
        and any(precedence.speaks_of(rule, scope.tags, place, accounts=accounts) for place in places)
    ]
    allows = [
        rule
        for rule in rules.wanted(want.site, want.profile, rules.inside(want.site, seen), scope).opens
        if "control" not in rule.name.rule
    ]
    later = _asked_later(want, seen)
    denies: dict[tuple[str, str], FirewallRule] = {}
    for allow in allows:
        denies |= {("rule", deny.name.rule): allow for deny in precedence.outranked(allow, foreign)}
        names = precedence.stood_before(allow, later, places, accounts=accounts)
        denies |= {("policy rule", name): allow for name in names}
    for (kind, name), allow in denies.items():
        if not any(fnmatchcase(name, glob) for glob in want.profile.outranks):
            yield _conflict(kind, name, allow, want.site.profile)


def _conflict(kind: str, name: str, allow: FirewallRule, profile: str) -> Blocked:
    why = f"our {allow.name.rule} at {allow.priority} would out-rank this deny, which is not ours"
    if kind == "policy rule":
        why += ": the network asks its firewall policies after VPC firewall rules"
    help_ = f"if that is wanted, let {profile} say outranks: [{name}]; else change its destinations"
    return Blocked(f"firewall {kind} {name}", why, help_)


def _asked_later(want: Want, seen: Seen) -> tuple[FirewallPolicy, ...]:
    """The policies that get to see only what no VPC firewall rule has decided; hierarchical ones are asked first."""
    network = seen.maybe(NetworkAt(want.site.network))
    if network is None or network.policies_first:
        return ()
    return (*seen.get(PoliciesOf(network.name)), *seen.get(RegionPoliciesOf(network.name, want.site.region)))


REMEDY = Remedy(
    "firewall",
    reads,
    judge,
    permissions=(
        "compute.firewalls.list",
        "compute.projects.get",
        "compute.subnetworks.list",
        "compute.routes.list",
        "compute.networks.get",
        "compute.networks.getEffectiveFirewalls",
        "compute.networks.getRegionEffectiveFirewalls",
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
