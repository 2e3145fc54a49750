"""Who sends a job's packets into a VPC: its connector's machines, or its own interface.

Sources: facts.md sections 1, 2 and 6 (Google's pages on connectors and on Direct VPC egress).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

from wayout.egress import naming, ways
from wayout.egress.model import Connector, ConnectorName, JobName, NetworkName, State, SubnetName, Way
from wayout.egress.reach.ground import Ground
from wayout.egress.reach.packet import Answer, Hop

UNIVERSAL_TAG = "vpc-connector"
SMALLEST = 26  # of a subnet for Direct VPC egress


@dataclass(frozen=True, slots=True)
class Sender:
    """Machines with addresses of one range (CIDR text). `tags` and `account` are what egress rules and routes know
    them by, `source_tags` what ingress rules do. `subnet` is None for a connector's hidden one."""

    hop: Hop
    range: str
    network: NetworkName
    subnet: SubnetName | None
    tags: frozenset[str]
    source_tags: frozenset[str]
    account: str
    connector: bool
    google_access: bool | None


def sender(job: JobName, way: Way, account: str, ground: Ground | None, *, machine: bool = False) -> Sender | Hop:
    """Who sends, or the hop at which the next execution fails. `machine`: any machine of the subnet, and no job."""
    if way.connector and way.interface:
        return _no("job", "it names a connector and a network interface at once, which Google refuses")
    if way.connector:
        return _connector(job, way.connector, ground)
    return _interface(job, way, account, ground, smallest=32 if machine else SMALLEST)


def _no(what: str, said: str, by: str = "") -> Hop:
    return Hop(what, said, Answer.NO, by)


def _missing(what: str, said: str, by: str, ground: Ground | None) -> Hop:
    """What was not found is not there, unless something could not be read."""
    hidden = ground.hidden if ground else ""
    return Hop(what, f"{said}, or cannot be seen: {hidden}", Answer.UNKNOWN, by) if hidden else _no(what, said, by)


def _connector(job: JobName, named: ConnectorName, ground: Ground | None) -> Sender | Hop:
    if named.region != job.region:
        return _no("connector", f"{named.connector} is in {named.region}, and the job in {job.region}", str(named))
    found = _found(named, ground)
    if ground is None or found is None:
        return _missing("connector", f"{named.connector} does not exist in {named.region}", str(named), ground)
    if found.state not in (State.READY, State.UPDATING):
        return _no("connector", f"{named.connector} is {found.state}", str(found.name))
    if found.network != ground.network.name:
        return Hop("connector", f"{named.connector} is in {found.network}, which was not looked at", Answer.UNKNOWN)
    tags = frozenset({UNIVERSAL_TAG, naming.tag_of(found.name)})
    if found.subnet is None:
        hop = Hop("connector", f"{named.connector}: READY, a bare range {found.range}", Answer.YES, str(found.name))
        return Sender(hop, found.range, found.network, None, tags, tags, "", connector=True, google_access=None)
    subnet = next((one for one in ground.subnets if one.name == found.subnet), None)
    if subnet is None:
        gone = f"the subnet {found.subnet.subnet} of {named.connector} is gone"
        return _missing("connector", gone, str(found.name), ground)
    hop = Hop(
        "connector", f"{named.connector}: {found.state}, its machines in {subnet.range}", Answer.YES, str(found.name)
    )
    return Sender(
        hop,
        subnet.range,
        found.network,
        subnet.name,
        tags,
        tags,
        "",
        connector=True,
        google_access=subnet.google_access,
    )


def _found(named: ConnectorName, ground: Ground | None) -> Connector | None:
    """A job may spell the connector's project as a number."""
    known = ground.connectors if ground else ()
    exact = next((one for one in known if one.name == named), None)
    alike = (one for one in known if (one.name.region, one.name.connector) == (named.region, named.connector))
    return exact or (next(alike, None) if named.project.isdigit() else None)


def _interface(job: JobName, way: Way, account: str, ground: Ground | None, smallest: int) -> Sender | Hop:
    what = "network interface"
    named = ways.ground(way.interface, job)
    if named is None:
        return _no(what, "it names neither a connector nor a network")
    network, name = named
    if name.region != job.region:
        return _no(what, f"the subnet {name.subnet} is in {name.region}, and the job in {job.region}", str(name))
    subnet = next((one for one in ground.subnets if one.name == name), None) if ground else None
    if ground is None or subnet is None:
        return _missing(what, f"there is no subnet {name.subnet} in {name.region}", str(name), ground)
    if network is not None and network != subnet.network:
        return _no(what, f"the subnet {name.subnet} is not in the network {network.network}", str(name))
    length = ip_network(subnet.range).prefixlen
    if length > smallest:
        return _no(what, f"the subnet {name.subnet} is a /{length}; it must be a /{smallest} or larger", str(name))
    hop = Hop(what, f"an address in {subnet.range} ({name.subnet})", Answer.YES, str(name))
    tags = ways.tags(way)
    return Sender(
        hop,
        subnet.range,
        subnet.network,
        subnet.name,
        tags,
        frozenset(),
        account,
        connector=False,
        google_access=subnet.google_access,
    )
