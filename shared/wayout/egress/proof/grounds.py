"""What was seen of a site's network and region, as `reach` judges it."""

from __future__ import annotations

from wayout.egress.model import (
    ConnectorsIn,
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
)
from wayout.egress.reach import Ground
from wayout.egress.remedies import Want


def ground(want: Want, seen: Seen) -> Ground:
    """The network of a site as it was seen. Raises NotLookedError and BlindError."""
    projects = sorted({want.connector.project, want.site.network.project, *want.projects})
    return of(want.site.network, want.site.region, tuple(projects), seen)


def of(network: NetworkName, region: str, projects: tuple[str, ...], seen: Seen) -> Ground:
    """A network in one region as it was seen, with the connectors of these projects."""
    found = seen.maybe(NetworkAt(network))
    peers = seen.get(PeerRoutesOf(network, region)) if found and found.peerings else ()
    return Ground(
        network=found or Network(network),
        region=region,
        subnets=seen.get(SubnetsOf(network)),
        rules=seen.get(RulesOf(network)),
        policies=(*seen.get(PoliciesOf(network)), *seen.get(RegionPoliciesOf(network, region))) if found else (),
        routes=(*seen.get(RoutesOf(network)), *peers),
        routers=seen.get(RoutersOf(network, region)),
        connectors=tuple(one for project in projects for one in seen.get(ConnectorsIn(project, region))),
    )


def inside(ground: Ground) -> tuple[str, ...]:
    """The ranges (CIDR text) that live in the network, or are routed out of it to somewhere else than the internet."""
    subnets = (text for subnet in ground.subnets for text in (subnet.range, *subnet.secondary))
    routed = (
        route.destination for route in ground.routes if not route.internet and not route.destination.endswith("/0")
    )
    return tuple(dict.fromkeys((*subnets, *routed)))
