"""Taking down what nobody uses any more: connector, rules, NAT entry, router, subnet, in this order, and only ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from wayout.egress import cost, naming, ways
from wayout.egress.model import (
    Attach,
    BlindError,
    Blocked,
    Change,
    ConnectorName,
    ExecutionsIn,
    FirewallRule,
    Job,
    JobName,
    JobsIn,
    Plan,
    Remove,
    RoutersOf,
    RulesOf,
    Seen,
    State,
    SubnetsOf,
    Update,
    Waiting,
    Way,
)
from wayout.egress.remedies import Want

PERMISSIONS = ("compute.subnetworks.delete", "compute.routers.delete", "run.executions.list")


def users(want: Want, seen: Seen) -> tuple[str, ...]:
    """In words, who uses the site's own road still: jobs on it, whatever the policy says of them, and executions."""
    places = [(project, want.site.region) for project in _projects(want)]
    jobs = [job.name.job for place in places for job in seen.get(JobsIn(*place)) if on(job.way, job.name, want)]
    running = [
        f"{one.name}, an execution of {one.job.job}"
        for place in places
        for one in seen.get(ExecutionsIn(*place))
        if on(one.way, one.job, want)
    ]
    return (*jobs, *running)


def _projects(want: Want) -> tuple[str, ...]:
    return want.projects or (want.site.home or want.site.network.project,)


def on(way: Way | None, job: JobName, want: Want) -> bool:
    """Whether a way is by the site's own connector or subnet, however its project is spelled."""
    if way is None:
        return False
    if want.own_road == "direct":
        ground = ways.ground(way.interface, job)
        return ground is not None and ground[1] == want.subnet
    named: ConnectorName | None = way.connector
    ours = want.connector
    return named is not None and (named.region, named.connector) == (ours.region, ours.connector)


def astray(want: Want, seen: Seen) -> tuple[Job, ...]:
    """Jobs on the site that need it no longer, as the policy has it."""
    known = {job.name for job in want.known_jobs}
    jobs = (job for project in _projects(want) for job in seen.get(JobsIn(project, want.site.region)))
    return tuple(job for job in jobs if job.name not in known and not job.deleted and on(job.way, job.name, want))


def detached(want: Want, jobs: Iterable[Job]) -> tuple[Attach, ...]:
    """The changes that take jobs off the site. An execution that runs keeps the way that it began with."""
    because = f"the policy gives it no need for {want.site.profile}, and says to detach such jobs"
    return tuple(Attach(job.name, job.etag, None, job.way, because) for job in jobs)


def due(want: Want, days: float | None) -> bool:
    """Whether a site that has been idle for so many days is to be taken down."""
    return want.profile.idle == "remove" and days is not None and days >= want.profile.idle_days


def other_road(want: Want) -> Want:
    """The same site by the road that its profile does not take (any more)."""
    road = "direct" if want.own_road == "connector" else "connector"
    return replace(want, profile=want.profile.model_copy(update={"road": road}), adopted=None)


def words(want: Want, seen: Seen, days: float | None) -> tuple[str, ...]:
    """What idles, since when, what it costs, and what will become of it."""
    profile = want.profile
    connector = want.own_connector(seen) if want.own_road == "connector" else None
    what = f"the connector {connector.name.connector}" if connector else f"the subnet {want.subnet.subnet}"
    since = f" for {days:.0f} days" if days and days >= 1 else ""
    costs = f"; {cost.monthly(connector)}" if connector else "; a subnet by itself costs nothing"
    if profile.idle == "report":
        then = f"let {want.site.profile} say idle: remove to have it taken down"
    else:
        left = max(0.0, profile.idle_days - (days or 0.0))
        then = f"it is taken down after {profile.idle_days} idle days, in {left:.0f}"
    return (f"no job and no execution uses {what}{since}{costs}; {then}",)


# --- the plan ---------------------------------------------------------------------------------------------------


def plan(want: Want, seen: Seen) -> Plan:
    """The next step of taking the site's own road down; empty when nothing of it is left.

    Raises NotLookedError. Users, and whatever cannot be read, block it.
    """
    try:
        found = users(want, seen)
        if found:
            why = f"it is used by {', '.join(found[:5])}"
            return Plan(blocked=(Blocked(f"site {want.site}", why, "detach them first, or let them end"),))
        return _next(want, seen)
    except BlindError as blind:
        return Plan(blocked=(Blocked(f"site {want.site}", blind.sighting.why, blind.sighting.grant),))


def _next(want: Want, seen: Seen) -> Plan:
    if want.own_road == "connector" and (ours := want.own_connector(seen)):
        if ours.state in (State.CREATING, State.UPDATING, State.DELETING):
            until = f"it is no longer {ours.state}"
            return Plan(waiting=(Waiting(f"connector {ours.name.connector}", until, elsewhere=True),))
        return Plan((Remove(ours, f"nobody has used it for {want.profile.idle_days} days and more"),))
    for stage in (_rules(want, seen), _nat(want, seen), _subnet(want, seen)):
        if stage:
            return Plan(tuple(stage))
    return Plan()


def _rules(want: Want, seen: Seen) -> list[Change]:
    """Ours of this road, and those of Google's for the connector that have outlived it."""
    because = f"it belongs to the {want.own_road} road of {want.site.profile}, which nobody uses any more"
    return [Remove(rule, because) for rule in seen.get(RulesOf(want.site.network)) if _belongs(rule, want, seen)]


def _belongs(rule: FirewallRule, want: Want, seen: Seen) -> bool:
    if naming.is_rule_of(want.site, want.own_road, rule.name):
        return True
    auto = naming.automatic(rule.name.rule)
    if want.own_road == "direct" or auto is None:
        return False
    named = (auto.region, auto.connector) == (want.site.region, want.connector.connector)
    tagged = naming.tag_of(want.connector) in (*rule.source_tags, *rule.target_tags)
    subnet = want.own_subnet(seen)
    return named and (tagged or (subnet is not None and subnet.range in rule.sources))


def _nat(want: Want, seen: Seen) -> list[Change]:
    """Our NAT's entry for the subnet; the router with it if nothing else is on it."""
    name = naming.router_of(want.site.network, want.site.region)
    router = next((one for one in seen.get(RoutersOf(want.site.network, want.site.region)) if one.name == name), None)
    ours = next((nat for nat in router.nats if want.subnet in nat.subnets), None) if router else None
    if router is None or ours is None:
        return []
    alive = {subnet.name for subnet in seen.get(SubnetsOf(want.site.network))}
    left = tuple(subnet for subnet in ours.subnets if subnet != want.subnet and subnet in alive)
    others = tuple(nat for nat in router.nats if nat != ours)
    because = f"it serves {want.subnet.subnet}, which nobody uses any more"
    if not left and not others:
        return [Remove(router, because)]
    nats = (*others, replace(ours, subnets=left)) if left else others
    return [Update(replace(router, nats=nats), router, because)]


def _subnet(want: Want, seen: Seen) -> list[Change]:
    ours = want.own_subnet(seen)
    if ours is None:
        return []
    because = "nobody uses it any more"
    if want.own_road == "direct":
        because += "; Google frees the addresses of Direct VPC egress an hour or two after their last use"
    return [Remove(ours, because)]
