"""What was seen of a site's network and region, as `reach` judges it."""

from __future__ import annotations

from wayout.egress import troubles
from wayout.egress.model import (
    BlindError,
    ConnectorsIn,
    Job,
    JobName,
    Network,
    NetworkAt,
    NetworkName,
    PeerRoutesOf,
    PoliciesOf,
    RegionPoliciesOf,
    RoutersOf,
    RoutesOf,
    RulesOf,
    Seen,
    SubnetsOf,
    Way,
)
from wayout.egress.reach import Ground
from wayout.egress.remedies import Want


def ground(want: Want, seen: Seen) -> Ground:
    """The network of a site as it was seen. Raises NotLookedError and BlindError."""
    projects = sorted({want.connector.project, want.site.network.project, *want.projects})
    return of(want.site.network, want.site.region, tuple(projects), seen)


def of(network: NetworkName, region: str, projects: tuple[str, ...], seen: Seen, *, translated: bool = True) -> Ground:
    """A network in one region as it was seen, with the connectors of these projects. Not `translated`: nobody asks
    for what its Cloud NATs do, so that its routers need not be looked at."""
    found = seen.maybe(NetworkAt(network))
    peers = seen.get(PeerRoutesOf(network, region)) if found and found.peerings else ()
    return Ground(
        network=found or Network(network),
        region=region,
        subnets=seen.get(SubnetsOf(network)),
        rules=seen.get(RulesOf(network)),
        policies=(*seen.get(PoliciesOf(network)), *seen.get(RegionPoliciesOf(network, region))) if found else (),
        routes=(*seen.get(RoutesOf(network)), *peers),
        routers=seen.get(RoutersOf(network, region)) if translated else (),
        connectors=tuple(one for project in projects for one in seen.get(ConnectorsIn(project, region))),
    )


def elsewhere(job: JobName, way: Way | None, want: Want, seen: Seen) -> Ground | None:
    """The ground of a way that works and leads into another network than the site's; None for any other way.

    What cannot be read of it is hidden: nobody knows what that way reaches. Raises NotLookedError.
    """
    if way is None or way == want.way:
        return None
    mover, near = Job(job, way=way), want.site.network
    try:
        network = None if troubles.broken(mover, seen, near) else troubles.leads_into(mover, seen, near)
    except BlindError as blind:
        return Ground(Network(near), job.region, hidden=blind.sighting.why)
    if network is None or network == near:
        return None
    projects = {job.project, network.project, *((way.connector.project,) if way.connector else ())}
    try:
        return of(network, job.region, tuple(sorted(projects)), seen)
    except BlindError as blind:
        return Ground(Network(network), job.region, hidden=blind.sighting.why)


def inside(ground: Ground) -> tuple[str, ...]:
    """The ranges (CIDR text) that live in the network, or are routed out of it to somewhere else than the internet."""
    subnets = (text for subnet in ground.subnets for text in (subnet.range, *subnet.secondary))
    routed = (
        route.destination for route in ground.routes if not route.internet and not route.destination.endswith("/0")
    )
    return tuple(dict.fromkeys((*subnets, *routed)))
