"""Compute Engine, as far as networking for Cloud Run needs it. Importing this registers its handlers."""

from localcloud.compute import (
    addresses,
    firewalls,
    networks,
    peerings,
    regions,
    reservations,
    routers,
    routes,
    sharedvpc,
    subnetworks,
    waiting,
)

__all__ = [
    "addresses",
    "firewalls",
    "networks",
    "peerings",
    "regions",
    "reservations",
    "routers",
    "routes",
    "sharedvpc",
    "subnetworks",
    "waiting",
]
