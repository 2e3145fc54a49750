"""The site's own Serverless VPC Access connector."""

from __future__ import annotations

from dataclasses import replace

from wayout.egress import naming
from wayout.egress.model import (
    Blocked,
    Connector,
    ConnectorsIn,
    Create,
    HistoryOf,
    JobsIn,
    Remove,
    Seen,
    State,
    Update,
    Waiting,
)
from wayout.egress.remedies.remedy import CONNECTOR_ROAD, WHOLE, Remedy, Verdict, Want, wait_for

TRIES = 3  # creations that may fail within a day before somebody has to look


def reads(want: Want) -> tuple[ConnectorsIn, ...]:
    """The connectors of the site's region."""
    return (want.connectors,)


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """Ours, whatever its state; else made, once subnet and rules stand."""
    ours = want.own_connector(seen)
    if ours is None:
        waits = wait_for("subnet", "firewall", "leftovers", done=done, what="connector")
        return _too_many(want, seen) or waits or _make(want)
    network = ours.network.network or want.site.network.network  # Google fills it in while it makes the connector
    if network != want.site.network.network or not ours.subnet or ours.subnet.subnet != _subnet(want):
        what = f"connector {ours.name.connector}"
        why = (
            f"it is not in the network {want.site.network.network} and the subnet {_subnet(want)}, where our rules hold"
        )
        return Verdict(blocked=(Blocked(what, why, f"delete {ours.name}; it is then made again"),))
    match ours.state:
        case State.READY:
            return _grow(ours, want)
        case State.ERROR:
            return _replace(ours, want, seen)
        case _:
            return Verdict(
                waiting=(Waiting(f"connector {ours.name.connector}", f"it is no longer {ours.state}", elsewhere=True),)
            )


def _subnet(want: Want) -> str:
    return naming.subnet_of(want.site).subnet


def _too_many(want: Want, seen: Seen) -> Verdict | None:
    """A connector is billed around the clock: the policy bounds how many profiles get one side by side."""
    network = want.site.network
    others = [found for found in seen.get(want.connectors) if naming.place_of(found.name) and found.network == network]
    if len(others) < want.most_connectors:
        return None
    why = f"{len(others)} profiles have a connector in {network.network} and {want.site.region} already"
    help_ = (
        f"give its jobs a profile that is there, let {want.site.profile} take the direct road, "
        f"or raise profiles_per_network (now {want.most_connectors})"
    )
    return Verdict(blocked=(Blocked("connector", why, help_),))


def _make(want: Want) -> Verdict:
    size = want.profile.connector
    connector = Connector(
        name=want.connector,
        network=want.site.network,
        state=State.READY,
        subnet=naming.subnet_of(want.site),
        machine=size.machine,
        min_instances=size.min_instances,
        max_instances=size.max_instances,
    )
    because = (
        f"the profile {want.site.profile} has no connector in {want.site.region} yet; "
        f"{size.min_instances} to {size.max_instances} {size.machine} carry all its jobs"
    )
    return Verdict(changes=(Create(connector, because),))


def _grow(ours: Connector, want: Want) -> Verdict:
    size = want.profile.connector
    if ours.min_instances >= size.min_instances and ours.max_instances >= size.max_instances:
        return WHOLE
    bigger = replace(
        ours,
        min_instances=max(ours.min_instances, size.min_instances),
        max_instances=max(ours.max_instances, size.max_instances),
    )
    because = f"the profile {want.site.profile} wants {size.min_instances} to {size.max_instances} instances"
    return Verdict(changes=(Update(bigger, ours, because),))


def _replace(ours: Connector, want: Want, seen: Seen) -> Verdict:
    """A connector in ERROR holds its name and subnet: it goes first, if nobody is on it and it is worth a try."""
    what = f"connector {ours.name.connector}"
    jobs = [job for project in want.user_projects for job in seen.get(JobsIn(project, ours.name.region))]
    users = [job.name.job for job in jobs if job.way and job.way.connector == ours.name]
    if users:
        why = f"it is in state ERROR, and {', '.join(sorted(users)[:5])} are attached to it"
        return Verdict(blocked=(Blocked(what, why, f"detach them and delete {ours.name}; it is then made again"),))
    failures = [
        past
        for past in seen.get(HistoryOf(want.site))
        if past.verb == "create" and past.subject == str(ours.name) and past.result == "refused"
    ]
    if len(failures) >= TRIES:
        why = f"it failed {len(failures)} times within a day, last with: {failures[0].detail}"
        return Verdict(blocked=(Blocked(what, why, f"mend the cause and delete {ours.name}; it is then made again"),))
    because = "it is in state ERROR, nobody is attached to it, and its name and subnet are needed for a new one"
    return Verdict(changes=(Remove(ours, because),))


REMEDY = Remedy(
    "connector",
    reads,
    judge,
    permissions=(
        "vpcaccess.connectors.list",
        "run.jobs.list",
        "logging.logEntries.list",
        "vpcaccess.connectors.create",
        "vpcaccess.connectors.update",
        "vpcaccess.connectors.delete",
        "vpcaccess.operations.get",
    ),
    roads=CONNECTOR_ROAD,
)
