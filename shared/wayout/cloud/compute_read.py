"""Looking at networks, subnets, firewall rules and policies, routers and routes. Lists are read to their end.

Each raises CloudError: GoneError where the one thing asked for is not there.
"""

from __future__ import annotations

from wayout.cloud import compute_documents as documents
from wayout.cloud.clients import REST, Clients
from wayout.egress.model import FirewallRule, Network, NetworkName, Route, Router, Subnet


def network(clients: Clients, name: NetworkName) -> Network:
    found = clients.ask(
        "compute.networks.get",
        str(name),
        lambda: clients.networks.get(project=name.project, network=name.network, **REST),
    )
    return documents.network(name, found)


def subnets(clients: Clients, of: NetworkName) -> tuple[Subnet, ...]:
    """The network's subnets in all regions."""
    pages = clients.ask(
        "compute.subnetworks.list",
        f"projects/{of.project}",
        lambda: list(clients.subnetworks.aggregated_list(project=of.project, **REST)),
    )
    found = (
        documents.subnet(of.project, scope.removeprefix("regions/"), one)
        for scope, page in pages
        for one in page.subnetworks
    )
    return tuple(sorted((one for one in found if one.network == of), key=lambda one: one.name))


def rules(clients: Clients, of: NetworkName) -> tuple[FirewallRule, ...]:
    """The network's VPC firewall rules; hierarchical and network policies are not among them."""
    listed = clients.ask(
        "compute.firewalls.list",
        f"projects/{of.project}",
        lambda: list(clients.firewalls.list(project=of.project, **REST)),
    )
    found = (documents.rule(of.project, one) for one in listed if NetworkName.parse(one.network) == of)
    return tuple(sorted(found, key=lambda one: one.name))


def policies(clients: Clients, of: NetworkName) -> tuple[str, ...]:
    """The firewall policies in force on the network, by the name that people gave them."""
    found = clients.ask(
        "compute.networks.getEffectiveFirewalls",
        str(of),
        lambda: clients.networks.get_effective_firewalls(project=of.project, network=of.network, **REST),
    )
    return tuple(one.short_name or one.display_name or one.name for one in found.firewall_policys)


def routers(clients: Clients, of: NetworkName, region: str) -> tuple[Router, ...]:
    """The network's routers in the region, with their NATs."""
    listed = clients.ask(
        "compute.routers.list",
        f"projects/{of.project}/regions/{region}",
        lambda: list(clients.routers.list(project=of.project, region=region, **REST)),
    )
    found = (documents.router(of.project, region, one) for one in listed if NetworkName.parse(one.network) == of)
    return tuple(sorted(found, key=lambda one: one.name))


def routes(clients: Clients, of: NetworkName) -> tuple[Route, ...]:
    """The network's routes: static ones, those of subnets and of peerings. Learned ones are not listed by Google."""
    listed = clients.ask(
        "compute.routes.list",
        f"projects/{of.project}",
        lambda: list(clients.routes.list(project=of.project, **REST)),
    )
    found = (documents.route(one) for one in listed if NetworkName.parse(one.network) == of)
    return tuple(sorted(found, key=lambda one: one.name))
