"""What the Google APIs baseline needs beside rules: the Cloud DNS zone, and the routes. Looked at, never made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wayout.egress.model import Blocked, Egress, PeerRoutesOf, Read, RoutesOf, Seen, SubnetsOf, ZonesOf
from wayout.egress.reach import Routing
from wayout.egress.remedies.remedy import WHOLE, Remedy, Verdict, Want, wait_for
from wayout.egress.rules import GOOGLE_APIS

ZONE = "googleapis.com."
VIRTUAL = ("199.36.153.4/30", "199.36.153.8/30")  # the ones that enter the VPC under private-ranges-only, too


def reads(want: Want) -> tuple[Read[Any], ...]:
    """The network's private zones and routes, and only for a baseline by virtual addresses."""
    if want.profile.google_apis not in GOOGLE_APIS:
        return ()
    network = want.site.network
    return (ZonesOf(network), RoutesOf(network), PeerRoutesOf(network, want.site.region), SubnetsOf(network))


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """Without the zone, names of Google APIs resolve to public addresses that the rules shut off; without the routes,
    what is sent to the virtual ones goes elsewhere."""
    if want.profile.google_apis not in GOOGLE_APIS:
        return WHOLE
    if waits := wait_for("network", done=done, what="DNS zone"):
        return waits
    return Verdict(blocked=(*_no_zone(want, seen), *_no_route(want, seen)))


def _no_zone(want: Want, seen: Seen) -> tuple[Blocked, ...]:
    network = want.site.network
    if any(zone.dns_name == ZONE for zone in seen.get(ZonesOf(network))):
        return ()
    addresses = GOOGLE_APIS[want.profile.google_apis][0]
    help_ = (
        f"make a private Cloud DNS zone {ZONE} for the network {network.network}: "
        f"A record of {want.profile.google_apis}.googleapis.com. in {addresses}, CNAME *.googleapis.com. to it"
    )
    why = f"google_apis: {want.profile.google_apis} needs names of Google APIs to resolve to {addresses}"
    return (Blocked(f"DNS zone {ZONE}", why, help_),)


def _no_route(want: Want, seen: Seen) -> Iterator[Blocked]:
    """Private Google Access takes what the default internet gateway gets (Google's page on its configuration)."""
    network, region = want.site.network, want.site.region
    routes = (*seen.get(RoutesOf(network)), *seen.get(PeerRoutesOf(network, region)))
    routing, apis = Routing(routes, want.scope(seen).tags), want.profile.google_apis
    for place in GOOGLE_APIS[apis]:
        if want.profile.egress != Egress.ALL and place not in VIRTUAL:
            continue  # it never enters the VPC
        astray = next(
            (part for part in routing.parts(place) if not all(one.internet for one in part) or not part), None
        )
        if astray is None:
            continue
        other = next((one for one in astray if not one.internet), None)
        took = f"the route {other.name} takes it to {other.next_hop or 'a subnet'}" if other else "no route leads there"
        why = f"google_apis: {apis} needs a route for {place} to the default internet gateway, and {took}"
        slug = place.replace(".", "-").replace("/", "-")
        make = (
            f"gcloud compute routes create google-apis-{slug} --project={network.project} --network={network.network} "
            f"--destination-range={place} --next-hop-gateway=default-internet-gateway"
        )
        yield Blocked(f"route to {place}", why, make)


REMEDY = Remedy(
    "DNS zone",
    reads,
    judge,
    permissions=(
        "dns.managedZones.list",
        "compute.routes.list",
        "compute.networks.get",
        "compute.networks.listPeeringRoutes",
        "compute.subnetworks.list",
    ),
)
