"""The connector's own /28, with Private Google Access: firewall rules and NAT can name it, a bare range they cannot."""

from __future__ import annotations

from dataclasses import replace

from wayout.egress import naming, ranges
from wayout.egress.model import (
    Blocked,
    ConnectorsIn,
    Create,
    RoutesOf,
    Seen,
    Subnet,
    SubnetsOf,
    Update,
)
from wayout.egress.remedies.remedy import Remedy, Verdict, Want, wait_for

PREFIX_LENGTH = 28  # exactly (an API error of the connectors' service says so)


def reads(want: Want) -> tuple[SubnetsOf | RoutesOf | ConnectorsIn, ...]:
    """Everything of the network that occupies a range."""
    return (SubnetsOf(want.site.network), RoutesOf(want.site.network), want.connectors)


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """Ours as it should be, or the change that makes it so, or why there is no room for it."""
    if waits := wait_for("network", done=done, what="subnet"):
        return waits
    name = naming.subnet_of(want.site)
    ours = next((subnet for subnet in seen.get(SubnetsOf(want.site.network)) if subnet.name == name), None)
    return _mend(ours) if ours else _make(want, seen)


def _mend(ours: Subnet) -> Verdict:
    if not ours.range.endswith(f"/{PREFIX_LENGTH}") or ours.purpose != "PRIVATE":
        why = f"it has the range {ours.range} and the purpose {ours.purpose}; a connector needs a PRIVATE /28"
        return Verdict(blocked=(Blocked(f"subnet {ours.name.subnet}", why, f"delete the subnet {ours.name}"),))
    said = ("the subnet carries IPv6 too; only IPv4 is judged",) if ours.dual_stack else ()
    if not ours.google_access:
        because = "without Private Google Access the connector cannot reach Google APIs and may never get healthy"
        return Verdict(changes=(Update(replace(ours, google_access=True), ours, because),), notes=said)
    return Verdict(notes=said)


def _make(want: Want, seen: Seen) -> Verdict:
    site, pool = want.site, want.profile.pool
    start = int(naming.site_id(site), 16)
    found = ranges.free(pool, occupied(want, seen), prefix=PREFIX_LENGTH, start=start)
    if found is None:
        why = f"no /{PREFIX_LENGTH} is free in the pool {', '.join(pool)}"
        help_ = f"free a range in it, or enlarge the pool of the profile {site.profile}"
        return Verdict(blocked=(Blocked("subnet", why, help_),))
    description = f"{naming.MARK} for the connector of the profile {site.profile}; nothing else may live in it."
    subnet = Subnet(naming.subnet_of(site), site.network, found, google_access=True, description=description)
    because = (
        "a connector needs a /28 of its own; "
        f"{found} is free in the pool {', '.join(pool)}, and rules and NAT can name a subnet but no bare range"
    )
    return Verdict(changes=(Create(subnet, because),))


def occupied(want: Want, seen: Seen) -> list[str]:
    """Every range that something of the network lives in or is routed to."""
    network = want.site.network
    subnets = [text for subnet in seen.get(SubnetsOf(network)) for text in (subnet.range, *subnet.secondary)]
    routes = [route.destination for route in seen.get(RoutesOf(network)) if not route.destination.endswith("/0")]
    bare = [found.range for found in seen.get(want.connectors) if found.range and found.network == network]
    return [*subnets, *routes, *bare]


REMEDY = Remedy(
    "subnet",
    reads,
    judge,
    permissions=(
        "compute.subnetworks.list",
        "compute.routes.list",
        "compute.subnetworks.create",
        "compute.subnetworks.setPrivateIpGoogleAccess",
        "compute.networks.updatePolicy",
    ),
)
