"""The way out of one site as it was seen, hop by hop."""

from __future__ import annotations

from dataclasses import dataclass

from wayout.egress import naming, rules, ways
from wayout.egress.coverage import covers
from wayout.egress.model import (
    Action,
    Connector,
    Direction,
    FirewallRule,
    Present,
    Router,
    RoutersOf,
    RulesOf,
    Seen,
    Subnet,
    SubnetsOf,
)
from wayout.egress.remedies import Want


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop: what it is, how it was seen (`-` if it is not there), and whether it is as it should be."""

    what: str
    seen: str
    whole: bool


def hops(want: Want, seen: Seen) -> tuple[Hop, ...]:
    """Job, connector, subnet, rules, automatic rules, NAT: what could not be looked at is left out."""
    if want.adopted:
        found: tuple[Hop | None, ...] = (_jobs(want), _adopted(want.adopted), _nat(want, seen))
    else:
        connector = _connector(want, seen) if want.own_road == "connector" else None
        found = (_jobs(want), connector, _subnet(want, seen), *_firewall(want, seen), _nat(want, seen))
    return tuple(hop for hop in found if hop)


def _jobs(want: Want) -> Hop:
    names = ", ".join(job.name.job for job in want.jobs[:3]) + (" …" if len(want.jobs) > 3 else "")
    attached = [job for job in want.jobs if ways.same(job.way, want.way, job.name)]
    whole = len(attached) == len(want.jobs)
    state = f"attached, {want.profile.egress}" if whole and want.jobs else "not attached"
    if attached and not whole:
        state = f"{len(attached)} of {len(want.jobs)} attached"
    return Hop(f"jobs {names}".strip(), state if want.jobs else "none yet", whole)


def _adopted(found: Connector) -> Hop:
    return Hop(f"connector {found.name.connector}", f"{found.state}, adopted, not tightened by us", whole=True)


def _connector(want: Want, seen: Seen) -> Hop | None:
    if not isinstance(seen.sightings.get(want.connectors), Present):
        return None
    ours = want.own_connector(seen)
    if ours is None:
        return Hop("connector", "-", whole=False)
    size = f"{ours.min_instances} to {ours.max_instances} {ours.machine}"
    return Hop(f"connector {ours.name.connector}", f"{ours.state}, {size}", ours.state == "READY")


def own_subnet(want: Want, seen: Seen) -> Subnet | None:
    """The connector's subnet as it was seen."""
    sighting = seen.sightings.get(SubnetsOf(want.site.network))
    subnets = sighting.value if isinstance(sighting, Present) else ()
    return next((subnet for subnet in subnets if subnet.name == want.subnet), None)


def _subnet(want: Want, seen: Seen) -> Hop | None:
    if not isinstance(seen.sightings.get(SubnetsOf(want.site.network)), Present):
        return None
    ours = own_subnet(want, seen)
    if ours is None:
        return Hop("subnet", "-", whole=False)
    access = "Private Google Access on" if ours.google_access else "Private Google Access off"
    return Hop(f"subnet {ours.name.subnet}", f"{ours.range}, {access}", ours.google_access)


def own_rules(want: Want, seen: Seen) -> tuple[FirewallRule, ...]:
    """Our rules of this site as they were seen, the strongest first."""
    sighting = seen.sightings.get(RulesOf(want.site.network))
    found = sighting.value if isinstance(sighting, Present) else ()
    ours = (rule for rule in found if naming.is_rule_of(want.site, want.own_road, rule.name))
    return tuple(sorted(ours, key=lambda rule: (rule.priority, rule.name)))


def _firewall(want: Want, seen: Seen) -> tuple[Hop, ...]:
    sighting = seen.sightings.get(RulesOf(want.site.network))
    if not isinstance(sighting, Present):
        return ()
    ours = own_rules(want, seen)
    denies = [rule for rule in ours if rule.action == Action.DENY and rule.direction == Direction.EGRESS]
    state = f"{len(ours)} of ours, denies at {rules.DENY_PRIORITY}" if denies else f"{len(ours)} of ours, no deny"
    broad = [rule for rule in sighting.value if _broad(want, rule)]
    active = [rule for rule in broad if not rule.disabled]
    automatic = f"{len(active)} of {len(broad)} broad allows active"
    found = Hop("firewall", state if ours else "-", bool(denies))
    return (found, Hop("automatic rules", automatic, not active)) if broad else (found,)


def _broad(want: Want, rule: FirewallRule) -> bool:
    auto = naming.automatic(rule.name.rule)
    same = auto is not None and (auto.region, auto.connector) == (want.site.region, want.connector.connector)
    return same and rule.priority == 1000 and rule.action == Action.ALLOW


def _nat(want: Want, seen: Seen) -> Hop | None:
    if not want.profile.reaches_internet:
        return None
    sighting = seen.sightings.get(RoutersOf(want.site.network, want.site.region))
    if not isinstance(sighting, Present):
        return None
    subnet = want.adopted.subnet if want.adopted else want.subnet
    routers: tuple[Router, ...] = sighting.value
    for router in routers:
        for nat in router.nats:
            if covers(nat, subnet):
                return Hop("Cloud NAT", f"{nat.name} on {router.name.router}", whole=True)
    return Hop("Cloud NAT", "-", whole=False)
