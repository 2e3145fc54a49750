"""Cloud DNS, as far as the Google APIs baseline needs it: looked at, never made."""

from __future__ import annotations

from typing import Any

from wayout.egress.model import Blocked, Read, Seen, ZonesOf
from wayout.egress.remedies.remedy import WHOLE, Remedy, Verdict, Want, wait_for
from wayout.egress.rules import GOOGLE_APIS

ZONE = "googleapis.com."


def reads(want: Want) -> tuple[Read[Any], ...]:
    """The network's private zones, and only for a baseline by virtual addresses."""
    return (ZonesOf(want.site.network),) if want.profile.google_apis in GOOGLE_APIS else ()


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """Without the zone, names of Google APIs resolve to public addresses that the rules shut off."""
    if want.profile.google_apis not in GOOGLE_APIS:
        return WHOLE
    if waits := wait_for("network", done=done, what="DNS zone"):
        return waits
    network = want.site.network
    if any(zone.dns_name == ZONE for zone in seen.get(ZonesOf(network))):
        return WHOLE
    addresses = GOOGLE_APIS[want.profile.google_apis][0]
    help_ = (
        f"make a private Cloud DNS zone {ZONE} for the network {network.network}: "
        f"A record of {want.profile.google_apis}.googleapis.com. in {addresses}, CNAME *.googleapis.com. to it"
    )
    why = f"google_apis: {want.profile.google_apis} needs names of Google APIs to resolve to {addresses}"
    return Verdict(blocked=(Blocked(f"DNS zone {ZONE}", why, help_),))


REMEDY = Remedy("DNS zone", reads, judge, permissions=("dns.managedZones.list",))
