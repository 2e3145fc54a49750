"""Taking down what nobody uses any more: connector, rules, NAT entry, router, subnet, in this order, and only ours."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil, floor

from wayout.egress import cost, hosting, naming, ways
from wayout.egress.model import (
    Attach,
    BlindError,
    Blocked,
    Change,
    Connector,
    Execution,
    ExecutionsIn,
    FirewallRule,
    Job,
    JobName,
    JobsIn,
    Plan,
    Remove,
    Router,
    RoutersOf,
    RulesOf,
    Seen,
    State,
    Subnet,
    SubnetsOf,
    Update,
    Waiting,
    Way,
)
from wayout.egress.remedies import Want
from wayout.egress.remedies.nat import NAME

# Beyond what the remedies take for the same things.
PERMISSIONS = ("compute.subnetworks.delete", "compute.routers.delete", "run.executions.list", "run.jobs.list")
AWAITED = (State.CREATING, State.UPDATING, State.DELETING)


# --- who uses it ------------------------------------------------------------------------------------------------


def users(want: Want, seen: Seen) -> tuple[str, ...]:
    """In words, who uses the site's own road still: jobs, whatever the policy says of them, and running executions.

    A job on another subnet that carries the site's tag counts too: our rules are what holds it. Raises
    NotLookedError and BlindError.
    """
    jobs = [job.name.job for job in _jobs(want, seen) if _leans_on(job.way, job.name, want)]
    running = [
        f"{one.name}, an execution of {one.job.job}"
        for one in _executions(want, seen)
        if _leans_on(one.way, one.job, want)
    ]
    return (*jobs, *running)


def astray(want: Want, seen: Seen) -> tuple[Job, ...]:
    """Jobs on the site that are not among those that need it, as the policy has it."""
    known = {job.name for job in want.known_jobs}
    return tuple(job for job in _jobs(want, seen) if job.name not in known and on(job.way, job.name, want))


def detached(want: Want, jobs: Iterable[Job]) -> tuple[Attach, ...]:
    """The changes that take jobs off the site. An execution that runs keeps the way that it began with."""
    because = (
        f"the policy gives it no need for {want.site.profile}, and says to detach such jobs; "
        "an execution that runs keeps its way"
    )
    return tuple(Attach(job.name, job.etag, None, job.way, because) for job in jobs)


def on(way: Way | None, job: JobName, want: Want) -> bool:
    """Whether a way is by the site's own connector or subnet. Its project may be spelled as a number: our names are
    compared without it, since they stand for one site."""
    if way is None:
        return False
    if want.own_road == "connector":
        ours, named = want.connector, way.connector
        return named is not None and (named.region, named.connector) == (ours.region, ours.connector)
    ground = ways.ground(way.interface, job)
    return ground is not None and (ground[1].region, ground[1].subnet) == (want.subnet.region, want.subnet.subnet)


def _leans_on(way: Way | None, job: JobName, want: Want) -> bool:
    tagged = want.own_road == "direct" and way is not None and naming.direct_tag_of(want.site) in ways.tags(way)
    return tagged or on(way, job, want)


def _jobs(want: Want, seen: Seen) -> tuple[Job, ...]:
    found = (job for project in want.user_projects for job in seen.get(JobsIn(project, want.site.region)))
    return tuple(job for job in found if not job.deleted)


def _executions(want: Want, seen: Seen) -> tuple[Execution, ...]:
    return tuple(one for project in want.user_projects for one in seen.get(ExecutionsIn(project, want.site.region)))


# --- when, and in which words -----------------------------------------------------------------------------------


def due(want: Want, days: float | None) -> bool:
    """Whether a site that has been idle for so many days is to be taken down."""
    return want.profile.idle == "remove" and days is not None and days >= want.profile.idle_days


def other_road(want: Want) -> Want:
    """The same site by the road that its profile does not take (any more)."""
    road = "direct" if want.own_road == "connector" else "connector"
    return replace(want, profile=want.profile.model_copy(update={"road": road}), adopted=None)


def words(want: Want, seen: Seen, days: float | None) -> tuple[str, ...]:
    """What idles, since when, what it costs, and what will become of it. Raises NotLookedError and BlindError."""
    connector = want.own_connector(seen) if want.own_road == "connector" else None
    what = f"the connector {connector.name.connector}" if connector else f"the subnet {want.subnet.subnet}"
    since = f" for {_days(floor(days))}" if days and days >= 1 else ""
    costs = cost.words(connector) if connector else "a subnet by itself costs nothing"
    return (f"no job and no execution uses {what}{since}; {costs}; {_then(want, days)}",)


def _then(want: Want, days: float | None) -> str:
    profile, name = want.profile, want.site.profile
    if profile.idle == "report":
        return f"it stays: let the profile {name} say idle: remove to have it taken down"
    if due(want, days):
        return f"it is taken down now, after {_days(profile.idle_days)}, as {name} says"
    left = ceil(profile.idle_days - (days or 0.0))
    return f"it is taken down after {_days(profile.idle_days)} without users, in {_days(left)}"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


# --- the plan ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Remains:
    """Everything that has to be looked at: nothing is begun while a part of it cannot be read."""

    connector: Connector | None
    rules: tuple[FirewallRule, ...]
    routers: tuple[Router, ...]
    subnets: tuple[Subnet, ...]


def plan(want: Want, seen: Seen) -> Plan:
    """The next step of taking the site's own road down; empty when nothing of it is left.

    Users, and whatever cannot be read, block it; in a Shared VPC's host project only what the policy lets us write is
    removed. Raises NotLookedError.
    """
    site = f"site {want.site.profile} in {want.site.region}"
    try:
        found, left = users(want, seen), _remains(want, seen)
    except BlindError as blind:
        why = f"whether it is still used cannot be judged: {blind.sighting.why}"
        return Plan(blocked=(Blocked(site, why, blind.sighting.grant),))
    if found:
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        why = f"it is used by {', '.join(found[:5])}{more}"
        return Plan(blocked=(Blocked(site, why, "detach the jobs, and let the executions end"),))
    step = _next(want, left)
    changes, held = hosting.held_back(want, step.changes)
    return replace(step, changes=tuple(changes), blocked=(*step.blocked, *held))


def _remains(want: Want, seen: Seen) -> _Remains:
    network = want.site.network
    return _Remains(
        want.own_connector(seen) if want.own_road == "connector" else None,
        seen.get(RulesOf(network)),
        seen.get(RoutersOf(network, want.site.region)),
        seen.get(SubnetsOf(network)),
    )


def _next(want: Want, left: _Remains) -> Plan:
    """Each stage begins when the one before is seen to be gone."""
    if left.connector:
        return _connector(left.connector, want)
    if rules := [Remove(rule, _because(want)) for rule in left.rules if _belongs(rule, want, left.subnets)]:
        return Plan(tuple(rules))
    if change := _nat(want, left):
        return Plan((change,))
    return _subnet(want, left)


def _because(want: Want) -> str:
    return f"no job and no execution uses it, and the profile {want.site.profile} says idle: remove"


def _connector(ours: Connector, want: Want) -> Plan:
    what = f"connector {ours.name.connector}"
    if ours.state in AWAITED:
        return Plan(waiting=(Waiting(what, f"it is no longer {ours.state}", elsewhere=True),))
    network = want.site.network.network
    if ours.network.network != network or not ours.subnet or ours.subnet.subnet != want.subnet.subnet:
        why = f"it is not in the network {network} and the subnet {want.subnet.subnet}, so it is not what we made"
        return Plan(blocked=(Blocked(what, why, f"delete {ours.name} if nobody needs it"),))
    return Plan((Remove(ours, _because(want)),))


def _belongs(rule: FirewallRule, want: Want, subnets: Iterable[Subnet]) -> bool:
    """Ours of this road, and those of Google's for the connector that have outlived it: told by their name, and
    confirmed by tag or range."""
    if naming.is_rule_of(want.site, want.own_road, rule.name):
        return True
    auto = naming.automatic(rule.name.rule)
    if want.own_road == "direct" or auto is None:
        return False
    named = (auto.region, auto.connector) == (want.site.region, want.connector.connector)
    tagged = naming.tag_of(want.connector) in (*rule.source_tags, *rule.target_tags)
    ranged = any(subnet.name == want.subnet and subnet.range in rule.sources for subnet in subnets)
    return named and (tagged or ranged)


def _nat(want: Want, left: _Remains) -> Change | None:
    """Our NAT without the subnet; our router without our NAT if that would list nothing; no router if it was all."""
    name = naming.router_of(want.site.network, want.site.region)
    router = next((one for one in left.routers if one.name == name), None)
    if router is None:
        return None
    ours = next((nat for nat in router.nats if nat.name == NAME), None)
    alive = {subnet.name for subnet in left.subnets}
    rest = tuple(subnet for subnet in ours.subnets if subnet != want.subnet and subnet in alive) if ours else ()
    others = tuple(nat for nat in router.nats if nat != ours)
    because = f"{_because(want)}: it serves no other subnet than {want.subnet.subnet}"
    if not rest and not others:
        return Remove(router, because)
    if ours is None or (rest and want.subnet not in ours.subnets):
        return None
    if not rest:
        return Update(replace(router, nats=others), router, f"{because}; the router stays, it has another NAT")
    nats = tuple(replace(nat, subnets=rest) if nat == ours else nat for nat in router.nats)
    return Update(replace(router, nats=nats), router, f"our NAT lists {want.subnet.subnet}, which nobody uses any more")


def _subnet(want: Want, left: _Remains) -> Plan:
    ours = next((subnet for subnet in left.subnets if subnet.name == want.subnet), None)
    if ours is None:
        return Plan()
    what = f"subnet {ours.name.subnet}"
    if not ours.description.startswith(naming.MARK):
        why = "nobody uses it, but its description does not say that it was made by Wayout"
        return Plan(blocked=(Blocked(what, why, f"delete {ours.name} if nobody needs it"),))
    lists = ((nat, one) for one in left.routers for nat in one.nats if ours.name in nat.subnets)
    if found := next(lists, None):
        why = f"nobody uses it, but Cloud NAT {found[0].name} on {found[1].name.router}, not ours, lists it"
        return Plan(blocked=(Blocked(what, why, f"take {ours.name.subnet} off the list of {found[0].name}"),))
    return Plan((Remove(ours, _because(want) + _patience(want)),))


def _patience(want: Want) -> str:
    """Google frees the addresses of Direct VPC egress slowly (its page on it)."""
    if want.own_road == "connector":
        return ""
    refused = "Google refuses for an hour or two after the last use, until its addresses are free"
    return f"; {refused}: a later sweep tries again"
