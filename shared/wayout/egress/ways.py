"""A job's ways into a VPC: when two of them are the same, and where one leads."""

from __future__ import annotations

from wayout.egress.model import Interface, JobName, NetworkName, SubnetName, Way


def same(some: Way | None, other: Way | None, job: JobName) -> bool:
    """Whether two ways of one job mean the same, however networks and subnets are spelled."""
    if some is None or other is None:
        return some is other
    return (some.egress, some.connector, ground(some.interface, job), tags(some)) == (
        other.egress,
        other.connector,
        ground(other.interface, job),
        tags(other),
    )


def retagged(was: Way, now: Way, job: JobName) -> str:
    """What becomes of the network tags of a job that stays in its subnet, and why; empty if they stay as they are.

    Foreign tags are not kept: rules and routes of others that name them would open what the profile does not allow.
    """
    if was.interface is None or now.interface is None or ground(was.interface, job) != ground(now.interface, job):
        return ""
    extra, missing = sorted(tags(was) - tags(now)), sorted(tags(now) - tags(was))
    lacks = f"it lacks the network tag {', '.join(missing)}, by which our rules know it" if missing else ""
    by = "rules and routes of others could give it ways out that its profile does not speak of"
    loses = f"its network tag {', '.join(extra)} is taken off, since by it {by}" if extra else ""
    return "; ".join(filter(None, (lacks, loses)))


def flags(way: Way) -> tuple[str, ...]:
    """What to give `gcloud run jobs deploy` for this way."""
    egress = f"--vpc-egress={way.egress.value}"
    if way.connector:
        return (f"--vpc-connector={way.connector}", egress)
    if way.interface is None:
        return ()
    one = way.interface
    named = (("--network", one.network), ("--subnet", one.subnet), ("--network-tags", ",".join(one.tags)))
    return (*(f"{flag}={text}" for flag, text in named if text), egress)


def tags(way: Way) -> frozenset[str]:
    """The network tags of its interface."""
    return frozenset(way.interface.tags) if way.interface else frozenset()


def ground(interface: Interface | None, job: JobName) -> tuple[NetworkName | None, SubnetName] | None:
    """The network, if it is named, and the subnet of an interface.

    If only a network is named, its subnet has the network's name (Run v2 discovery document, NetworkInterface).
    """
    if interface is None:
        return None
    network = _network(interface.network, job.project) if interface.network else None
    project = network.project if network else job.project
    given = interface.subnet or (network.network if network else "default")
    subnet = SubnetName.parse(given) if "/" in given else SubnetName(project, job.region, given)
    return network, subnet


def _network(text: str, project: str) -> NetworkName:
    return NetworkName.parse(text) if "/" in text else NetworkName(project, text)
