"""Cloud NAT, where traffic to the internet is allowed: recognised, or a router of our own for exactly our subnets."""

from __future__ import annotations

from dataclasses import replace

from wayout.egress import naming, rules
from wayout.egress.model import (
    Blocked,
    Coverage,
    Create,
    Nat,
    Router,
    RoutersOf,
    RoutesOf,
    Seen,
    SubnetName,
    SubnetsOf,
    Update,
)
from wayout.egress.remedies.remedy import WHOLE, Remedy, Verdict, Want, wait_for

NAME = "wayout"


def reads(want: Want) -> tuple[RoutersOf | RoutesOf | SubnetsOf, ...]:
    """The routers and routes of the network, and only where traffic to the internet is allowed."""
    if not rules.reaches_internet(want.profile):
        return ()
    network = want.site.network
    return (RoutersOf(network, want.site.region), RoutesOf(network), SubnetsOf(network))


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """Covered already, or the change that covers it, or why it cannot be covered."""
    if not rules.reaches_internet(want.profile):
        return WHOLE
    if waits := wait_for("network", done=done, what="Cloud NAT"):
        return waits
    network, region = want.site.network, want.site.region
    if not any(
        route.internet and route.destination == "0.0.0.0/0" and not route.tags for route in seen.get(RoutesOf(network))
    ):
        help_ = f"add a route for 0.0.0.0/0 with the next hop default-internet-gateway to {network.network}"
        return Verdict(blocked=(Blocked("Cloud NAT", "no route leads to the default internet gateway", help_),))
    if waits := wait_for("subnet", done=done, what="Cloud NAT"):
        return waits
    routers = seen.get(RoutersOf(network, region))
    subnet = naming.subnet_of(want.site)
    for router in routers:
        for found in router.nats:
            own = router.name == naming.router_of(network, region) and found.name == NAME
            if not own and covers(found, subnet):
                return Verdict(notes=tuple(_words(found, router)))
    return _ours(want, seen, next((r for r in routers if r.name == naming.router_of(network, region)), None))


def covers(nat: Nat, subnet: SubnetName) -> bool:
    """Whether a NAT gives this subnet's primary range a way to the internet. Private NATs don't count."""
    return nat.public and (nat.coverage != Coverage.LISTED or subnet in nat.subnets)


def _words(nat: Nat, router: Router) -> list[str]:
    said = [f"Cloud NAT {nat.name} on {router.name.router}, not ours, covers the subnet already"]
    if not nat.dynamic_ports and nat.min_ports < 1024:
        said.append(f"its {nat.min_ports} ports per VM look short for a connector that carries many jobs")
    return said


def _ours(want: Want, seen: Seen, router: Router | None) -> Verdict:
    subnet = naming.subnet_of(want.site)
    alive = {found.name for found in seen.get(SubnetsOf(want.site.network))}
    was = next((nat for nat in router.nats if nat.name == NAME), None) if router else None
    listed = {name for name in (was.subnets if was else ()) if name in alive} | {subnet}
    wish = want.profile.nat
    nat = Nat(
        name=NAME,
        subnets=tuple(sorted(listed)),
        addresses=was.addresses if was and not wish.addresses else wish.addresses,
        min_ports=max(wish.min_ports, was.min_ports if was else 0),
        dynamic_ports=True,
        logged=wish.log == "errors" or bool(was and was.logged),
    )
    if router is None:
        description = f"{naming.MARK}: the way to the internet of its connectors in {want.site.region}."
        because = (
            f"{want.site.profile} allows the internet, and no Cloud NAT covers {subnet.subnet} in {want.site.region}"
        )
        made = Router(naming.router_of(want.site.network, want.site.region), want.site.network, (nat,), description)
        notes = ("while our NAT lists its subnets, no NAT for all subnets can be added to this network and region",)
        return Verdict(changes=(Create(made, because),), notes=notes)
    if was is not None and replace(was, subnets=tuple(sorted(was.subnets))) == nat:
        return WHOLE
    others = tuple(found for found in router.nats if found.name != NAME)
    because = (
        f"our router no longer has its NAT, and {want.site.profile} allows the internet"
        if was is None
        else f"our NAT should list {', '.join(name.subnet for name in nat.subnets)}, with dynamic ports, errors logged"
    )
    return Verdict(changes=(Update(replace(router, nats=(*others, nat)), router, because),))


REMEDY = Remedy(
    "Cloud NAT",
    reads,
    judge,
    permissions=(
        "compute.routers.list",
        "compute.routers.get",
        "compute.routers.create",
        "compute.routers.update",
        "compute.networks.updatePolicy",
        "compute.subnetworks.use",
    ),
)
