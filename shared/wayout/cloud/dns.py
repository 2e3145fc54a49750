"""Cloud DNS: which private zones a network can see. REST, since no official client of ours speaks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wayout.cloud.clients import Clients
from wayout.egress.model import NetworkName, Zone


def zones(clients: Clients, of: NetworkName) -> tuple[Zone, ...]:
    """The private zones of the network's project that the network can see. Raises CloudError."""
    found = (one for one in _all(clients, of.project) if one.get("visibility") == "private")
    return tuple(sorted((Zone(one["name"], one["dnsName"]) for one in found if _sees(one, of)), key=lambda z: z.name))


def _sees(zone: dict[str, Any], network: NetworkName) -> bool:
    networks = zone.get("privateVisibilityConfig", {}).get("networks", [])
    return any(NetworkName.parse(one["networkUrl"]) == network for one in networks)


def _all(clients: Clients, project: str) -> Iterator[dict[str, Any]]:
    url = f"{clients.dns_url}/dns/v1/projects/{project}/managedZones"
    page: dict[str, str] = {}
    while True:
        answer = clients.fetch("dns.managedZones.list", f"projects/{project}", "GET", url, params=page)
        yield from answer.get("managedZones", [])
        if not (token := answer.get("nextPageToken")):
            return
        page = {"pageToken": token}
