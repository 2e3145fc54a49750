"""Cloud NAT, where traffic to the internet is allowed: recognised, or a router of our own for exactly our subnets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from wayout.egress import naming, ranges
from wayout.egress.coverage import MOST_PORTS, covers
from wayout.egress.model import (
    AddressesIn,
    Blocked,
    Connector,
    ConnectorsIn,
    Create,
    Nat,
    PeerRoutesOf,
    Read,
    Route,
    Router,
    RouterName,
    RoutersOf,
    RoutesOf,
    Seen,
    SubnetName,
    SubnetsOf,
    Update,
)
from wayout.egress.reach import Routing
from wayout.egress.remedies.remedy import WHOLE, Remedy, Verdict, Want, wait_for

NAME = "wayout"
EVERYWHERE = "0.0.0.0/0"
SHORTEST = 8  # of a route for some network; a route for more is a part of a default route


def reads(want: Want) -> tuple[Read[Any], ...]:
    """The routers and routes of the network, and only where traffic to the internet is allowed."""
    if not want.profile.reaches_internet:
        return ()
    network, region = want.site.network, want.site.region
    manual = (AddressesIn(network.project, region),) if want.profile.nat.addresses else ()
    routes = (RoutesOf(network), PeerRoutesOf(network, region))
    return (RoutersOf(network, region), *routes, SubnetsOf(network), *manual)


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """Covered already, or the change that covers it, or why it cannot be covered."""
    if not want.profile.reaches_internet:
        return WHOLE
    if waits := wait_for("network", done=done, what="Cloud NAT"):
        return waits
    lanes = tuple(_lanes(want, seen))
    if blocked := _no_way_there(lanes, want):
        return Verdict(blocked=(blocked,))
    if not any(route.internet for _, part in lanes for route in part):
        return WHOLE  # what it allows is routed to elsewhere
    routers = seen.get(RoutersOf(want.site.network, want.site.region))
    subnet = want.adopted.subnet if want.adopted else want.subnet
    if want.road != "adopted" and (waits := wait_for("subnet", done=done, what="Cloud NAT")):
        return waits
    for router in routers:
        for found in router.nats:
            own = router.name == _router(want) and found.name == NAME
            if not own and covers(found, subnet):
                return Verdict(notes=tuple(_words(found, router)))
    if want.adopted:
        return _adopted(want, routers)
    # A NAT before the denies would open the internet to whoever uses the connector first.
    return wait_for("firewall denies", done=done, what="Cloud NAT") or _ours(
        want, seen, next((router for router in routers if router.name == _router(want)), None)
    )


def _router(want: Want) -> RouterName:
    return naming.router_of(want.site.network, want.site.region)


def _lanes(want: Want, seen: Seen) -> Iterator[tuple[str, tuple[Route, ...]]]:
    """What of the profile lies on the internet (CIDR text), part by part, with the route that each part takes."""
    network, profile = want.site.network, want.profile
    routes = (*seen.get(RoutesOf(network)), *seen.get(PeerRoutesOf(network, want.site.region)))
    tags = want.scope(seen).tags
    if profile.internet or profile.google_apis == "default-domains":
        # The ranges of longer routes that lead elsewhere are no internet to us.
        defaults = Routing((route for route in routes if _default(route)), tags)
        yield from ((EVERYWHERE, part) for part in defaults.parts(EVERYWHERE))
    every = Routing(routes, tags)
    for text in profile.ranges:
        public = ranges.without(text, (*ranges.PRIVATE, *ranges.SPECIAL))
        yield from ((place, part) for place in public for part in every.parts(place))


def _default(route: Route) -> bool:
    """Whether it is a default route, or one of the halves or so into which somebody has divided that."""
    return int(route.destination.rsplit("/", 1)[-1]) < SHORTEST


def _no_way_there(lanes: Iterable[tuple[str, tuple[Route, ...]]], want: Want) -> Blocked | None:
    """A NAT is of no use where no route leads to the internet gateway, or a default route leads elsewhere."""
    for place, part in lanes:
        if not part:
            network = want.site.network.network
            help_ = f"add a route for {place} with the next hop default-internet-gateway to {network}"
            to = "" if place == EVERYWHERE else f" for {place}"
            return Blocked("Cloud NAT", f"no route leads to the default internet gateway{to}", help_)
        if past := next((one for one in part if _default(one) and not one.internet), None):
            return _past(past, want)
    return None


def _past(route: Route, want: Want) -> Blocked:
    sends = f"the route {route.name} (priority {route.priority}) sends {route.destination}"
    why = f"{sends} to {route.next_hop or 'elsewhere'}, past any Cloud NAT"
    help_ = (
        f"let the default internet gateway win over {route.name}, or give {want.site.profile} destinations that "
        "need no internet"
    )
    return Blocked("Cloud NAT", why, help_)


def _words(nat: Nat, router: Router) -> list[str]:
    said = [f"Cloud NAT {nat.name} on {router.name.router}, not ours, covers the subnet already"]
    if not nat.dynamic_ports and nat.min_ports < 1024:
        said.append(f"its {nat.min_ports} ports per VM look short for a connector that carries many jobs")
    if nat.addresses:
        said.append(f"it has the addresses {', '.join(nat.addresses)} only; whether they suffice is its owner's affair")
    return said


def _adopted(want: Want, routers: tuple[Router, ...]) -> Verdict:
    """An adopted connector gets nothing from us, no NAT either: others use it."""
    assert want.adopted  # noqa: S101 - its only caller has asked
    named = ", ".join(f"{nat.name} on {router.name.router}" for router in routers for nat in router.nats) or "none"
    why = f"no Cloud NAT covers the adopted connector {want.adopted.name.connector} (there: {named})"
    help_ = f"let its owner add its subnet to one, or let {want.site.profile} adopt no connector and make its own"
    return Verdict(blocked=(Blocked("Cloud NAT", why, help_),))


def _ours(want: Want, seen: Seen, router: Router | None) -> Verdict:
    if blocked := _addresses_amiss(want, seen):
        return Verdict(blocked=(blocked,))
    was = next((nat for nat in router.nats if nat.name == NAME), None) if router else None
    nat = _wished(want, seen, was)
    if blocked := _run_out(want, seen, nat):
        return Verdict(blocked=(blocked,))
    if router is None:
        return _new_router(want, nat)
    if was is not None and replace(was, subnets=tuple(sorted(was.subnets)), max_ports=0) == nat:
        return WHOLE
    others = tuple(found for found in router.nats if found.name != NAME)
    because = (
        f"our router no longer has its NAT, and {want.site.profile} allows the internet"
        if was is None
        else f"our NAT should list {', '.join(name.subnet for name in nat.subnets)}, with dynamic ports, errors logged"
    )
    return Verdict(changes=(Update(replace(router, nats=(*others, nat)), router, because),))


def _wished(want: Want, seen: Seen, was: Nat | None) -> Nat:
    alive = {found.name for found in seen.get(SubnetsOf(want.site.network))}
    listed = {name for name in (was.subnets if was else ()) if name in alive} | {want.subnet}
    wish = want.profile.nat
    return Nat(
        name=NAME,
        subnets=tuple(sorted(listed)),
        addresses=was.addresses if was and not wish.addresses else wish.addresses,
        min_ports=max(wish.min_ports, was.min_ports if was else 0),
        dynamic_ports=True,
        logged=wish.log == "errors" or bool(was and was.logged),
    )


def _new_router(want: Want, nat: Nat) -> Verdict:
    region, subnet = want.site.region, want.subnet.subnet
    description = f"{naming.MARK}: the way to the internet of its subnets in {region}."
    because = f"{want.site.profile} allows the internet, and no Cloud NAT covers {subnet} in {region}"
    made = Router(_router(want), want.site.network, (nat,), description)
    notes = ("while our NAT lists its subnets, no NAT for all subnets can be added to this network and region",)
    return Verdict(changes=(Create(made, because),), notes=notes)


def _addresses_amiss(want: Want, seen: Seen) -> Blocked | None:
    """Reserved addresses that do not exist, or that something else holds."""
    wished = want.profile.nat.addresses
    if not wished:
        return None
    project, region = want.site.network.project, want.site.region
    known = {found.name: found for found in seen.get(AddressesIn(project, region))}
    missing = [name for name in wished if name not in known]
    if missing:
        help_ = "; ".join(
            f"gcloud compute addresses create {name} --region={region} --project={project}" for name in missing
        )
        return Blocked("Cloud NAT", f"the reserved addresses {', '.join(missing)} do not exist in {region}", help_)
    routers = seen.get(RoutersOf(want.site.network, region))
    held = {name for router in routers if router.name == _router(want) for nat in router.nats for name in nat.addresses}
    taken = [name for name in wished if known[name].used and name not in held]
    if not taken:
        return None
    nats = ((nat, one) for one in routers for nat in one.nats if set(taken) & set(nat.addresses))
    holder = next((f"Cloud NAT {nat.name} on {one.name.router}" for nat, one in nats), "something else")
    why = f"the reserved addresses {', '.join(taken)} are in use by {holder}"
    return Blocked("Cloud NAT", why, f"reserve other addresses and name them in the profile {want.site.profile}")


def _run_out(want: Want, seen: Seen, nat: Nat) -> Blocked | None:
    """With addresses of its own a NAT refuses machines that it has no ports for (compute's discovery document)."""
    if not nat.addresses:
        return None
    connectors = {found.subnet: found for found in seen.get(ConnectorsIn(want.connector.project, want.site.region))}
    machines = sum(_machines(subnet, connectors.get(subnet), want) for subnet in nat.subnets)
    room = len(nat.addresses) * (MOST_PORTS // nat.min_ports)
    if machines <= room:
        return None
    needed = -(-machines * nat.min_ports // MOST_PORTS)
    why = (
        f"{len(nat.addresses)} reserved addresses have ports for {room} machines at {nat.min_ports} each, "
        f"and {machines} may run"
    )
    help_ = f"reserve {needed} addresses, or lower nat.min_ports of the profile {want.site.profile}"
    return Blocked(f"Cloud NAT {nat.name}", why, help_)


def _machines(subnet: SubnetName, connector: Connector | None, want: Want) -> int:
    """How many machines a subnet may hold at once: a connector's, or on the direct road one for each task."""
    if connector:
        return connector.max_instances
    if subnet == want.subnet:
        tasks = sum(job.tasks for job in want.known_jobs)
        return tasks if want.own_road == "direct" else want.profile.connector.max_instances
    # The tasks of another profile's jobs are not looked at here: one at least.
    return 1 if naming.road_of(subnet) == "direct" else want.profile.connector.max_instances


REMEDY = Remedy(
    "Cloud NAT",
    reads,
    judge,
    permissions=(
        "compute.routers.list",
        "compute.routes.list",
        "compute.networks.get",
        "compute.networks.listPeeringRoutes",
        "compute.subnetworks.list",
        "compute.addresses.list",
        "vpcaccess.connectors.list",
        "compute.routers.get",
        "compute.routers.create",
        "compute.routers.update",
        "compute.networks.updatePolicy",
        "compute.subnetworks.use",
        "compute.addresses.use",
        "compute.regionOperations.get",
    ),
)
