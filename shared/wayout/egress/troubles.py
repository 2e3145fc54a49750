"""What is wrong with the way that a job has already, judged as it is. Sources: facts.md, sections 2, 3, 5 and 6."""

from __future__ import annotations

from wayout.egress import ranges, ways
from wayout.egress.coverage import covers
from wayout.egress.model import (
    Connector,
    ConnectorName,
    ConnectorsIn,
    Egress,
    Job,
    NetworkName,
    RoutersOf,
    Seen,
    State,
    SubnetName,
    SubnetsOf,
    Way,
)

WORKING = (State.READY, State.UPDATING, State.CREATING)  # the last will be
SMALLEST = 26  # of a subnet for Direct VPC egress


def trouble(job: Job, seen: Seen) -> str:
    """In words, why the job's next execution fails or goes nowhere; empty if its way works, or if it has none.

    Raises NotLookedError for what it takes to tell, and BlindError where that cannot be seen.
    """
    way = job.way
    if way is None:
        return ""
    if way.connector and way.interface:
        return "it names a connector and a network interface at once, which Google refuses"
    return _connector(job, way, way.connector, seen) if way.connector else _interface(job, way, seen)


def _connector(job: Job, way: Way, named: ConnectorName, seen: Seen) -> str:
    if named.region != job.name.region:
        return f"it names the connector {named}, which is in another region"
    project = job.name.project if named.project.isdigit() else named.project
    there = seen.get(ConnectorsIn(project, named.region))
    found = next((one for one in there if one.name.connector == named.connector), None)
    if found is None:
        return f"it names the connector {named.connector}, which does not exist"
    if found.state not in WORKING:
        return f"it names the connector {named.connector}, which is {found.state}"
    return _uncovered(way, found.network, job.name.region, found.subnet, _called(found), seen)


def _called(found: Connector) -> str:
    return f"the connector {found.name.connector}"


def _interface(job: Job, way: Way, seen: Seen) -> str:
    ground = ways.ground(way.interface, job.name)
    if ground is None:
        return ""
    network, name = ground
    network = network or NetworkName(name.project, "default")
    subnet = next((one for one in seen.get(SubnetsOf(network)) if one.name == name), None)
    if name.region != job.name.region:
        return f"its network interface names the subnet {name.subnet}, which is in another region"
    if subnet is None:
        return f"its network interface names the subnet {name.subnet}, which is not in {network.network}"
    if ranges.is_ipv4(subnet.range) and ranges.parse(subnet.range).prefixlen > SMALLEST:
        return f"its network interface names the subnet {name.subnet}, which is smaller than a /{SMALLEST}"
    return _uncovered(way, network, job.name.region, name, f"the subnet {name.subnet}", seen)


def _uncovered(way: Way, network: NetworkName, region: str, subnet: SubnetName | None, called: str, seen: Seen) -> str:
    """All traffic through a VPC from which nothing leads to the internet."""
    if way.egress != Egress.ALL:
        return ""
    routers = seen.get(RoutersOf(network, region))
    if any(covers(nat, subnet) for router in routers for nat in router.nats):
        return ""
    return f"all its traffic goes through {called}, which no Cloud NAT covers: the internet is out of its reach"
