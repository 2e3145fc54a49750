"""Looking at what Compute Engine has of networks, rules, routers, routes and addresses. Lists are read to their end.

Each raises CloudError: GoneError where the one thing asked for is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from wayout.cloud import compute_documents as documents
from wayout.cloud import compute_policies
from wayout.cloud.asking import REST
from wayout.cloud.clients import Clients
from wayout.egress.model import (
    Address,
    FirewallPolicy,
    FirewallRule,
    Network,
    NetworkName,
    Peering,
    Quota,
    Reserved,
    Route,
    Router,
    Subnet,
)


def network(clients: Clients, name: NetworkName) -> Network:
    found = clients.ask(
        "compute.networks.get",
        str(name),
        lambda: clients.networks.get(project=name.project, network=name.network, **REST),
    )
    return documents.network(name, found)


def subnets(clients: Clients, of: NetworkName) -> tuple[Subnet, ...]:
    """The network's subnets in all regions."""
    pages = clients.pages(
        "compute.subnetworks.list",
        f"projects/{of.project}",
        lambda: clients.subnetworks.aggregated_list(project=of.project, **REST),
    )
    found = (
        documents.subnet(of.project, scope.removeprefix("regions/"), one)
        for page in pages
        for scope, listed in page.items.items()
        for one in listed.subnetworks
    )
    return tuple(sorted((one for one in found if one.network == of), key=lambda one: one.name))


def rules(clients: Clients, of: NetworkName) -> tuple[FirewallRule, ...]:
    """The network's VPC firewall rules; hierarchical and network policies are not among them."""
    listed = _listed(
        clients,
        "compute.firewalls.list",
        f"projects/{of.project}",
        lambda: clients.firewalls.list(project=of.project, **REST),
    )
    found = (documents.rule(of.project, one) for one in listed if NetworkName.parse(one.network) == of)
    return tuple(sorted(found, key=lambda one: one.name))


def policies(clients: Clients, of: NetworkName) -> tuple[FirewallPolicy, ...]:
    """The hierarchical and global firewall policies in force on the network, in the order in which they are asked."""
    found = clients.ask(
        "compute.networks.getEffectiveFirewalls",
        str(of),
        lambda: clients.networks.get_effective_firewalls(project=of.project, network=of.network, **REST),
    )
    return compute_policies.policies(of, found.firewall_policys)


def region_policies(clients: Clients, of: NetworkName, region: str) -> tuple[FirewallPolicy, ...]:
    """The region's own network firewall policies, whichever others Google lists beside them."""
    found = clients.ask(
        "compute.networks.getRegionEffectiveFirewalls",
        str(of),
        lambda: clients.region_policies.get_effective_firewalls(
            project=of.project, region=region, network=str(of), **REST
        ),
    )
    return compute_policies.regional(of, found.firewall_policys)


def routers(clients: Clients, of: NetworkName, region: str) -> tuple[Router, ...]:
    """The network's routers in the region, with their NATs."""
    listed = _listed(
        clients,
        "compute.routers.list",
        f"projects/{of.project}/regions/{region}",
        lambda: clients.routers.list(project=of.project, region=region, **REST),
    )
    found = (documents.router(of.project, region, one) for one in listed if NetworkName.parse(one.network) == of)
    return tuple(sorted(found, key=lambda one: one.name))


def routes(clients: Clients, of: NetworkName) -> tuple[Route, ...]:
    """The network's routes: static ones, those of subnets and of peerings. Learned ones are not listed by Google."""
    listed = _listed(
        clients,
        "compute.routes.list",
        f"projects/{of.project}",
        lambda: clients.routes.list(project=of.project, **REST),
    )
    found = (documents.route(one) for one in listed if NetworkName.parse(one.network) == of)
    return tuple(sorted(found, key=lambda one: one.name))


def peer_routes(clients: Clients, of: Network, region: str) -> tuple[Route, ...]:
    """What a network that was looked at has imported from its peers in the region; without peerings, no call."""
    up = (one for one in of.peerings if one.active)
    return tuple(
        sorted((route for one in up for route in _imported(clients, of.name, region, one)), key=lambda one: one.name)
    )


def _imported(clients: Clients, of: NetworkName, region: str, by: Peering) -> Iterator[Route]:
    request = {"project": of.project, "network": of.network, "region": region, "peering_name": by.name}
    listed = _listed(
        clients,
        "compute.networks.listPeeringRoutes",
        str(of),
        lambda: clients.networks.list_peering_routes(request=request | {"direction": "INCOMING"}, **REST),
    )
    return (documents.peer_route(of, by, one) for one in listed if one.imported)


def reserved(clients: Clients, of: NetworkName) -> tuple[Reserved, ...]:
    """Global internal ranges and addresses of the network: those of service producers, of Private Service Connect."""
    listed = _listed(
        clients,
        "compute.globalAddresses.list",
        f"projects/{of.project}",
        lambda: clients.global_addresses.list(project=of.project, **REST),
    )
    inside = (one for one in listed if one.address_type == "INTERNAL" and one.address and one.network)
    found = (documents.reserved(one) for one in inside if NetworkName.parse(one.network) == of)
    return tuple(sorted(found, key=lambda one: one.name))


def rule_quota(clients: Clients, project: str) -> tuple[Quota, ...]:
    """How many VPC firewall rules the project may have; Google lists a quota once."""
    found = clients.ask(
        "compute.projects.get",
        f"projects/{project}",
        lambda: clients.projects.get(project=project, **REST),
    )
    return tuple(Quota(int(one.limit), int(one.usage)) for one in found.quotas if one.metric == "FIREWALLS")


def addresses(clients: Clients, project: str, region: str) -> tuple[Address, ...]:
    """The reserved external addresses of the project in the region."""
    listed = _listed(
        clients,
        "compute.addresses.list",
        f"projects/{project}/regions/{region}",
        lambda: clients.addresses.list(project=project, region=region, **REST),
    )
    external = (one for one in listed if one.address_type in ("", "EXTERNAL"))
    return tuple(sorted(map(documents.address, external), key=lambda one: one.name))


def _listed(clients: Clients, permission: str, resource: str, call: Callable[[], Any]) -> Iterator[Any]:
    return (one for page in clients.pages(permission, resource, call) for one in page.items)
