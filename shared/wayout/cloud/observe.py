"""Looking: each read goes to the one reader that owns it, side by side.

What another read of the same look shows already is not asked for again: a job that its region's list holds, and a
network when its peerings are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any, cast

from wayout.cloud import compute_read, dns, log, projects, run, vpcaccess
from wayout.cloud.clients import Clients
from wayout.cloud.errors import GoneError, RefusedError
from wayout.egress import naming
from wayout.egress.model import (
    Absent,
    AddressesIn,
    ConnectorName,
    ConnectorsIn,
    Execution,
    ExecutionsIn,
    FoldersOf,
    HistoryOf,
    IdleSince,
    Job,
    JobAt,
    JobsIn,
    NetworkAt,
    PeerRoutesOf,
    PoliciesOf,
    Present,
    Read,
    RegionPoliciesOf,
    ReservedIn,
    RoutersOf,
    RoutesOf,
    RuleQuotaOf,
    RulesOf,
    Sighting,
    SitesTouched,
    SubnetsOf,
    Unreadable,
    WrittenBy,
    ZonesOf,
)

SIDE_BY_SIDE = 8

History = Callable[[HistoryOf | IdleSince | SitesTouched | WrittenBy], Sighting[Any]]
Sightings = dict[Read[Any], Sighting[Any]]


def look(reads: Iterable[Read[Any]], clients: Clients, history: History) -> Sightings:
    """What is seen, by what was looked at; every read once.

    Not there is Absent; what we may not see is Unreadable, with the permission or API that would help. Raises
    TryAgainError where Google cannot answer now.
    """
    wanted = list(dict.fromkeys(reads))
    resting = {read: ground for read in wanted if (ground := _ground(read, wanted))}
    first = list(dict.fromkeys((*(read for read in wanted if read not in resting), *resting.values())))
    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="look") as pool:
        found = dict(zip(first, pool.map(lambda read: _sight(read, clients, history), first), strict=True))
        upon = pool.map(lambda read: _upon(read, found[resting[read]], clients, history), resting)
        found |= dict(zip(resting, upon, strict=True))
    found = {read: found[read] for read in wanted}
    _learn(found, clients.numbers)
    return {read: _named(sighting, clients.numbers) for read, sighting in found.items()}


def _ground(read: Read[Any], wanted: Collection[Read[Any]]) -> Read[Any] | None:
    """What shows a part of what a read asks for, or all of it."""
    match read:
        case PeerRoutesOf(network):
            return NetworkAt(network)
        case JobAt(name) if (listed := JobsIn(name.project, name.region)) in wanted:
            return listed
    return None


def _upon(read: Read[Any], ground: Sighting[Any], clients: Clients, history: History) -> Sighting[Any]:
    """What is seen, given what its ground has shown."""
    match read, ground:
        case PeerRoutesOf(_, region), Present(network):
            return _tried(read, lambda: compute_read.peer_routes(clients, network, region))
        case PeerRoutesOf(), _:
            return ground
        case JobAt(name), Present(jobs) if job := next((one for one in jobs if one.name == name), None):
            return Present(job)
    return _sight(read, clients, history)


def _sight(read: Read[Any], clients: Clients, history: History) -> Sighting[Any]:
    if isinstance(read, HistoryOf | IdleSince | SitesTouched | WrittenBy):
        return history(read)
    return _tried(read, lambda: _READERS[type(read)](clients, read))


def _tried(read: Read[Any], call: Callable[[], object]) -> Sighting[Any]:
    try:
        return Present(call())
    except GoneError as gone:
        if isinstance(read, JobAt | NetworkAt | PoliciesOf | RegionPoliciesOf | PeerRoutesOf):
            return Absent()
        # A list without members is empty, not gone: what is gone is the project, or our sight of it.
        return Unreadable(gone.why, "check that the project exists and that its name is right")
    except RefusedError as refused:
        return Unreadable(refused.why, refused.help)
    except (ValueError, LookupError) as error:  # a name or a word of a kind that we do not know
        log.error("unexpected answer", cause=error, read=str(read))
        why = f"what Google says of {_words(read)} cannot be read: {type(error).__name__}: {error}"
        return Unreadable(why, "tell the makers of Wayout")


def _words(read: Read[Any]) -> str:
    """A read, for people: `RulesOf(network)` is "rules of NETWORK"."""
    kind = re.sub(r"(?<!^)(?=[A-Z])", " ", type(read).__name__).lower()
    return f"{kind} {', '.join(str(getattr(read, one.name)) for one in fields(cast('Any', read)))}"


_READERS: dict[type[Read[Any]], Callable[[Clients, Any], object]] = {
    JobAt: lambda clients, read: run.job(clients, read.name),
    JobsIn: lambda clients, read: run.jobs(clients, read.project, read.region),
    ConnectorsIn: lambda clients, read: vpcaccess.connectors(clients, read.project, read.region),
    NetworkAt: lambda clients, read: compute_read.network(clients, read.name),
    SubnetsOf: lambda clients, read: compute_read.subnets(clients, read.network),
    RuleQuotaOf: lambda clients, read: compute_read.rule_quota(clients, read.project),
    RulesOf: lambda clients, read: compute_read.rules(clients, read.network),
    PoliciesOf: lambda clients, read: compute_read.policies(clients, read.network),
    RegionPoliciesOf: lambda clients, read: compute_read.region_policies(clients, read.network, read.region),
    ReservedIn: lambda clients, read: compute_read.reserved(clients, read.network),
    AddressesIn: lambda clients, read: compute_read.addresses(clients, read.project, read.region),
    ExecutionsIn: lambda clients, read: run.executions(clients, read.project, read.region),
    FoldersOf: lambda clients, read: projects.folders(clients, read.project),
    RoutersOf: lambda clients, read: compute_read.routers(clients, read.network, read.region),
    RoutesOf: lambda clients, read: compute_read.routes(clients, read.network),
    ZonesOf: lambda clients, read: dns.zones(clients, read.network),
}


# A job may name its connector with the project's number, while connectors are listed under its id: learned from
# what was seen anyway, since asking for a project's number would take one more permission.


def _learn(found: Sightings, numbers: dict[str, str]) -> None:
    """A list that was asked for by a number tells whose it is; and so does a connector of ours, since its name stands
    for one site. Others' may have the same name in several projects."""
    seen: dict[tuple[str, str], set[str]] = {}
    for read, sighting in found.items():
        if isinstance(read, ConnectorsIn) and isinstance(sighting, Present):
            for one in sighting.value:
                if read.project != one.name.project:
                    numbers.setdefault(read.project, one.name.project)
                if naming.place_of(one.name):
                    seen.setdefault((one.name.region, one.name.connector), set()).add(one.name.project)
    for user in _users(found):
        name = _numbered(user)
        homes = seen.get((name.region, name.connector), set()) if name else set()
        if name and len(homes) == 1:
            numbers.setdefault(name.project, next(iter(homes)))


def _users(found: Sightings) -> list[Job | Execution]:
    values = [one.value for one in found.values() if isinstance(one, Present)]
    flat = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
    return [one for one in flat if isinstance(one, Job | Execution)]


def _numbered(user: Job | Execution) -> ConnectorName | None:
    name = user.way.connector if user.way else None
    return name if name and name.project.isdigit() else None


def _named(sighting: Sighting[Any], numbers: dict[str, str]) -> Sighting[Any]:
    """The same sighting, with connectors of jobs and executions under their project's id where that is known."""
    match sighting:
        case Present(Job() as job):
            return Present(_with_id(job, numbers))
        case Present(tuple() as many):
            return Present(tuple(_with_id(one, numbers) if isinstance(one, Job | Execution) else one for one in many))
    return sighting


def _with_id(user: Job | Execution, numbers: dict[str, str]) -> Job | Execution:
    name = _numbered(user)
    if user.way is None or name is None or name.project not in numbers:
        return user
    return replace(user, way=replace(user.way, connector=replace(name, project=numbers[name.project])))
