"""What is wrong with the way that a job has already, judged as it is. Sources: facts.md, sections 2, 3, 5 and 6."""

from __future__ import annotations

from wayout.egress import ranges, ways
from wayout.egress.coverage import covers
from wayout.egress.model import (
    BlindError,
    Connector,
    ConnectorName,
    ConnectorsIn,
    Egress,
    Job,
    NetworkName,
    RoutersOf,
    Seen,
    State,
    Subnet,
    SubnetName,
    SubnetsOf,
    Unreadable,
)

WORKING = (State.READY, State.UPDATING, State.CREATING)  # the last will be
SMALLEST = 26  # of a subnet for Direct VPC egress


def trouble(job: Job, seen: Seen) -> str:
    """In words, why the job's next execution fails or goes nowhere; empty if its way works, or if it has none.

    Raises NotLookedError for what it takes to tell, and BlindError where that cannot be seen.
    """
    return broken(job, seen) or unserved(job, seen)


def broken(job: Job, seen: Seen, near: NetworkName | None = None) -> str:
    """In words, why the job's next execution fails; empty if it does not. `near`: a network in which a subnet may lie
    that the job names without its network. Raises as `trouble` does."""
    way = job.way
    if way is None:
        return ""
    if way.connector and way.interface:
        return "it names a connector and a network interface at once, which Google refuses"
    return _connector(job, way.connector, seen) if way.connector else _interface(job, seen, near)


def unserved(job: Job, seen: Seen, near: NetworkName | None = None) -> str:
    """In words, why what a working way carries goes nowhere: all traffic through a VPC from which nothing leads to the
    internet. Raises as `trouble` does."""
    network = leads_into(job, seen, near) if job.way and job.way.egress == Egress.ALL else None
    if job.way is None or network is None:
        return ""
    found = named_connector(job.way.connector, seen) if job.way.connector else None
    subnet = found.subnet if found else _subnet_name(job)
    called = f"the connector {found.name.connector}" if found else f"the subnet {subnet.subnet if subnet else '-'}"
    routers = seen.get(RoutersOf(network, job.name.region))
    if any(covers(nat, subnet) for router in routers for nat in router.nats):
        return ""
    return f"all its traffic goes through {called}, which no Cloud NAT covers: the internet is out of its reach"


def leads_into(job: Job, seen: Seen, near: NetworkName | None = None) -> NetworkName | None:
    """The network that a job's way leads into; None if it leads into none. Raises as `trouble` does."""
    way = job.way
    if way is None or (way.connector and way.interface):
        return None
    if way.connector:
        found = named_connector(way.connector, seen)
        return found.network if found else None
    subnet = _named_subnet(job, seen, near)
    return subnet.network if subnet else None


def named_connector(named: ConnectorName, seen: Seen) -> Connector | None:
    """The connector that a job names, in whatever project it lies; Google answers to a project's number as well."""
    there = seen.get(ConnectorsIn(named.project, named.region))
    return next((one for one in there if one.name.connector == named.connector), None)


def _connector(job: Job, named: ConnectorName, seen: Seen) -> str:
    if named.region != job.name.region:
        return f"it names the connector {named}, which is in another region"
    found = named_connector(named, seen)
    if found is None:
        return f"it names the connector {_called(named, job)}, which does not exist"
    if found.state not in WORKING:
        return f"it names the connector {_called(named, job)}, which is {found.state}"
    return ""


def _called(named: ConnectorName, job: Job) -> str:
    """By its short name where it lies in the job's own project."""
    return named.connector if named.project == job.name.project else str(named)


def _interface(job: Job, seen: Seen, near: NetworkName | None) -> str:
    name = _subnet_name(job)
    if name is None:
        return ""
    if name.region != job.name.region:
        return f"its network interface names the subnet {name.subnet}, which is in another region"
    subnet = _named_subnet(job, seen, near)
    if subnet is None:
        network = _grounds(job, near)[0]
        return f"its network interface names the subnet {name.subnet}, which is not in {network.network}"
    if ranges.is_ipv4(subnet.range) and ranges.parse(subnet.range).prefixlen > SMALLEST:
        return f"its network interface names the subnet {name.subnet}, which is smaller than a /{SMALLEST}"
    return ""


def _subnet_name(job: Job) -> SubnetName | None:
    ground = ways.ground(job.way.interface, job.name) if job.way else None
    return ground[1] if ground else None


def _grounds(job: Job, near: NetworkName | None) -> tuple[NetworkName, ...]:
    """The networks in which the subnet of a job's interface may lie, as far as they can be told."""
    ground = ways.ground(job.way.interface, job.name) if job.way else None
    if ground is None:
        return ()
    network, name = ground
    default = NetworkName(name.project, "default")
    return (network,) if network else tuple(dict.fromkeys(filter(None, (near, default))))


def _named_subnet(job: Job, seen: Seen, near: NetworkName | None) -> Subnet | None:
    """The subnet that a job's interface names. Where it names no network, one that is not found may lie in another:
    that cannot be seen."""
    name, grounds = _subnet_name(job), _grounds(job, near)
    for network in grounds:
        found = (one for one in seen.get(SubnetsOf(network)) if name and _alike(one.name, name))
        if subnet := next(found, None):
            return subnet
    if name and len(grounds) and job.way and job.way.interface and not job.way.interface.network:
        why = f"its network interface names the subnet {name.subnet} and no network, and which one that is is not known"
        raise BlindError(SubnetsOf(grounds[0]), Unreadable(why, "name the network in the job, or correct its subnet"))
    return None


def _alike(found: SubnetName, named: SubnetName) -> bool:
    """A job may spell the project as a number."""
    return (found.region, found.subnet) == (named.region, named.subnet) and (
        named.project.isdigit() or found.project == named.project
    )
