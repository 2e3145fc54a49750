"""The site's own subnet, with Private Google Access: firewall rules and NAT can name it, a bare range they cannot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from wayout.egress import naming, ranges
from wayout.egress.model import (
    Blocked,
    ConnectorsIn,
    Create,
    PeerRoutesOf,
    Read,
    ReservedIn,
    Route,
    RoutersOf,
    RoutesOf,
    Seen,
    Subnet,
    SubnetsOf,
    Update,
)
from wayout.egress.remedies.remedy import OWN_ROADS, Remedy, Verdict, Want, wait_for

CONNECTOR_PREFIX = 28  # exactly (an API error of the connectors' service says so)
WIDEST = 8  # of a private range; a route for more is a part of a default route
DIRECT_PREFIX = 26  # or larger (Google's page on Direct VPC egress)


def reads(want: Want) -> tuple[Read[Any], ...]:
    """Everything of the network that occupies a range."""
    network = want.site.network
    return (SubnetsOf(network), RoutesOf(network), ReservedIn(network), _peers(want), *_connectors(want))


def _peers(want: Want) -> PeerRoutesOf:
    return PeerRoutesOf(want.site.network, want.site.region)


def _connectors(want: Want) -> tuple[ConnectorsIn, ...]:
    """A connector with a bare range lives in a subnet that no list shows."""
    projects = sorted({want.connector.project, want.site.network.project})
    regions = sorted({want.site.region, *want.regions})
    return tuple(ConnectorsIn(project, region) for project in projects for region in regions)


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """Ours as it should be, or the change that makes it so, or why there is no room for it."""
    if waits := wait_for("network", done=done, what="subnet"):
        return waits
    ours = want.own_subnet(seen)
    return _mend(ours, want) if ours else _make(want, seen)


def _fits(ours: Subnet, want: Want) -> bool:
    length = int(ours.range.rsplit("/", 1)[-1])
    sized = length == CONNECTOR_PREFIX if want.own_road == "connector" else length <= DIRECT_PREFIX
    return sized and ours.purpose == "PRIVATE" and ranges.is_ipv4(ours.range)


def _mend(ours: Subnet, want: Want) -> Verdict:
    if not _fits(ours, want):
        needed = "a connector needs a PRIVATE /28" if want.own_road == "connector" else "a job needs a PRIVATE /26"
        why = f"it has the range {ours.range} and the purpose {ours.purpose}; {needed}"
        return Verdict(blocked=(Blocked(f"subnet {ours.name.subnet}", why, f"delete the subnet {ours.name}"),))
    said = ("the subnet carries IPv6 too; only IPv4 is judged",) if ours.dual_stack else ()
    if not ours.google_access:
        because = "without Private Google Access it cannot reach Google APIs, and a connector may never get healthy"
        return Verdict(changes=(Update(replace(ours, google_access=True), ours, because),), notes=said)
    return Verdict(notes=said)


def _make(want: Want, seen: Seen) -> Verdict:
    site, pool = want.site, want.profile.pool
    length = CONNECTOR_PREFIX if want.own_road == "connector" else want.profile.direct.prefix
    start = int(naming.site_id(site), 16)  # spread, so that sites and regions rarely try the same range at once
    taken = occupied(want, seen)
    found = ranges.free(pool, [each.range for each in taken], prefix=length, start=start)
    if found is None:
        return Verdict(blocked=(_full(want, taken, length),))
    user = "the connector" if want.own_road == "connector" else "jobs on the direct road"
    description = f"{naming.MARK} for {user} of the profile {site.profile}; nothing else may live in it."
    subnet = Subnet(want.subnet, site.network, found, google_access=True, description=description)
    needs = "a connector needs a /28" if want.own_road == "connector" else f"the direct road needs a /{length}"
    because = (
        f"{needs} of its own; {found} is free in the pool {', '.join(pool)}, "
        "and rules and NAT can name a subnet but no bare range"
    )
    return Verdict(
        changes=(Create(subnet, because),), notes=(*_swallowed(want, seen, found), *_learned(want, seen, found))
    )


@dataclass(frozen=True, slots=True)
class Occupied:
    """A range (CIDR text) that is not free, and who holds it."""

    range: str
    by: str
    ours: bool = False


def occupied(want: Want, seen: Seen) -> list[Occupied]:
    """Every range that something of the network lives in, is routed to, or is set aside for."""
    network = want.site.network
    found = [
        Occupied(text, f"the subnet {subnet.name.subnet} in {subnet.name.region}", bool(naming.place_of(subnet.name)))
        for subnet in seen.get(SubnetsOf(network))
        for text in (subnet.range, *subnet.secondary)
    ]
    subnets = {each.range for each in found}
    found += [
        Occupied(route.destination, f"the route {route.name}" + (" of a subnet that no list shows" * route.local))
        for route in _routes(want, seen)
        if not (route.local and route.destination in subnets) and not _wide(route, want.profile.pool)
    ]
    found += [Occupied(kept.range, f"the reserved range {kept.name}") for kept in seen.get(ReservedIn(network))]
    found += [
        Occupied(bare.range, f"the connector {bare.name.connector} in {bare.name.region}")
        for read in _connectors(want)
        for bare in seen.get(read)
        if bare.range and bare.network == network
    ]
    return found


def _routes(want: Want, seen: Seen) -> list[Route]:
    """The network's routes, and its peers': of IPv4."""
    routes = (*seen.get(RoutesOf(want.site.network)), *seen.get(_peers(want)))
    return [route for route in routes if ranges.is_ipv4(route.destination)]


def _wide(route: Route, pool: tuple[str, ...]) -> bool:
    """Whether a route says only where addresses go that nobody here knows, and not that somebody has them.

    The policy gives us its pool to use, and `reserved` names who lives elsewhere. A route that ends inside the pool, or
    with it, knows better; a wider one, such as 10.0.0.0/8 to a VPN, or a half of everything, would leave no room at
    all. Google lets the route of a subnet win over it. A subnet, ours or a peer's, does have its addresses.
    """
    if route.local or route.peering:
        return False
    return int(route.destination.rsplit("/", 1)[-1]) < WIDEST or (
        route.destination not in pool and ranges.within(pool, (route.destination,))
    )


def _swallowed(want: Want, seen: Seen, chosen: str) -> tuple[str, ...]:
    """What a wide route means for a range that is taken out of it."""
    return tuple(
        f"the route {route.name} sends {route.destination} to {route.next_hop or 'elsewhere'}, and {chosen} lies in "
        "it: what has an address there behind it is no longer reached from the network; let the policy say reserved if "
        "somebody has"
        for route in _routes(want, seen)
        if not route.internet and not route.destination.endswith("/0") and _wide(route, want.profile.pool)
        if ranges.within((chosen,), (route.destination,))
    )


def _learned(want: Want, seen: Seen, chosen: str) -> tuple[str, ...]:
    """A router with BGP peers learns routes that no list shows; it is looked at only when a range is chosen."""
    routers = seen.get(RoutersOf(want.site.network, want.site.region))
    names = ", ".join(router.name.router for router in routers if router.dynamic)
    said = f"routers learn routes by BGP that are not listed ({names}): see that nobody has {chosen} behind them"
    return (said,) if names else ()


def _full(want: Want, taken: list[Occupied], length: int) -> Blocked:
    """A full pool: who holds it, and what would free a range."""
    pool = want.profile.pool
    holders = [each for each in taken if ranges.overlap((each.range,), pool)]
    named = ", ".join(f"{each.range} by {each.by}" for each in holders[:4])
    more = f" and {len(holders) - 4} more" if len(holders) > 4 else ""
    why = f"no /{length} is free in the pool {', '.join(pool)}: it is taken up by {named}{more}"
    idle = " of a profile that nobody uses any more" if any(each.ours for each in holders) else ""
    help_ = f"delete one of these{idle}, or enlarge the pool of the profile {want.site.profile}"
    return Blocked("subnet", why, help_)


REMEDY = Remedy(
    "subnet",
    reads,
    judge,
    permissions=(
        "compute.subnetworks.list",
        "compute.routes.list",
        "compute.routers.list",
        "compute.networks.get",
        "compute.networks.listPeeringRoutes",
        "compute.globalAddresses.list",
        "vpcaccess.connectors.list",
        "compute.subnetworks.create",
        "compute.subnetworks.setPrivateIpGoogleAccess",
        "compute.networks.updatePolicy",
        "compute.regionOperations.get",
    ),
    roads=OWN_ROADS,
)
