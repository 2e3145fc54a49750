"""Compute Engine's documents and the model's values, both ways. Names and defaults: compute's discovery document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from wayout.egress.model import (
    Action,
    Address,
    Coverage,
    Direction,
    FirewallRule,
    Nat,
    Network,
    NetworkName,
    Peering,
    Reserved,
    Route,
    Router,
    RouterName,
    RuleName,
    Subnet,
    SubnetName,
    Traffic,
)

if TYPE_CHECKING:
    from google.cloud import compute_v1

Document = dict[str, Any]

MAX_PORTS = 65536  # per VM, the most that dynamic port allocation may give, and its default

_NEXT_HOPS = (
    "next_hop_gateway",
    "next_hop_ip",
    "next_hop_instance",
    "next_hop_ilb",
    "next_hop_vpn_tunnel",
    "next_hop_peering",
    "next_hop_network",
    "next_hop_hub",
    "next_hop_interconnect_attachment",
)


# documents -> model


def network(name: NetworkName, found: compute_v1.Network) -> Network:
    return Network(
        name,
        auto_subnets=found.auto_create_subnetworks,
        description=found.description,
        policies_first=found.network_firewall_policy_enforcement_order == "BEFORE_CLASSIC_FIREWALL",
        peerings=tuple(peering(one) for one in found.peerings),
    )


def peering(found: compute_v1.NetworkPeering) -> Peering:
    return Peering(found.name, NetworkName.parse(found.network), active=found.state == "ACTIVE")


def subnet(project: str, region: str, found: compute_v1.Subnetwork) -> Subnet:
    """A subnet without an IPv4 range has its IPv6 range for `range`, so that text is never empty."""
    ipv6 = found.ipv6_cidr_range or found.internal_ipv6_prefix or found.external_ipv6_prefix or "::/0"
    return Subnet(
        name=SubnetName(project, region, found.name),
        network=NetworkName.parse(found.network),
        range=found.ip_cidr_range or ipv6,
        secondary=tuple(part.ip_cidr_range for part in found.secondary_ip_ranges),
        google_access=found.private_ip_google_access,
        purpose=found.purpose or "PRIVATE",
        dual_stack=found.stack_type not in ("", "IPV4_ONLY"),
        description=found.description,
        fingerprint=found.fingerprint,
    )


def rule(project: str, found: compute_v1.Firewall) -> FirewallRule:
    parts: Iterable[Any] = found.denied or found.allowed
    return FirewallRule(
        name=RuleName(project, found.name),
        network=NetworkName.parse(found.network),
        direction=Direction(found.direction or "INGRESS"),
        action=Action.DENY if found.denied else Action.ALLOW,
        priority=found.priority if "priority" in found else 1000,
        traffic=tuple(Traffic(part.I_p_protocol.lower(), tuple(part.ports)) for part in parts),
        sources=_ranges(found.source_ranges),
        destinations=_ranges(found.destination_ranges),
        source_tags=tuple(found.source_tags),
        source_accounts=tuple(found.source_service_accounts),
        target_tags=tuple(found.target_tags),
        target_accounts=tuple(found.target_service_accounts),
        disabled=found.disabled,
        logged=found.log_config.enable,
        description=found.description,
    )


def _ranges(texts: Iterable[str]) -> tuple[str, ...]:
    """CIDR text; a single address is taken for the range of one."""
    return tuple(str(ip_network(text, strict=False)) for text in texts)


def router(project: str, region: str, found: compute_v1.Router) -> Router:
    return Router(
        name=RouterName(project, region, found.name),
        network=NetworkName.parse(found.network),
        nats=tuple(nat(one) for one in found.nats),
        description=found.description,
        dynamic=bool(found.bgp_peers),
    )


def nat(found: compute_v1.RouterNat) -> Nat:
    """Listed subnets count if their primary range is served; `addresses` are the reserved ones, by short name."""
    primary = {"PRIMARY_IP_RANGE", "ALL_IP_RANGES"}
    listed = (one for one in found.subnetworks if primary & set(one.source_ip_ranges_to_nat))
    coverage = found.source_subnetwork_ip_ranges_to_nat
    dynamic = found.enable_dynamic_port_allocation
    return Nat(
        name=found.name,
        coverage=Coverage(coverage) if coverage in set(Coverage) else Coverage.LISTED,
        subnets=tuple(SubnetName.parse(one.name) for one in listed),
        public=found.type_ != "PRIVATE",
        addresses=tuple(url.rsplit("/", 1)[-1] for url in found.nat_ips),
        min_ports=found.min_ports_per_vm or (32 if dynamic else 64),
        dynamic_ports=dynamic,
        endpoint_independent=found.enable_endpoint_independent_mapping,
        logged=found.log_config.enable,
        max_ports=0 if found.max_ports_per_vm == MAX_PORTS else found.max_ports_per_vm,
    )


def route(found: compute_v1.Route) -> Route:
    """A peer's subnet comes by its peering; a static or learned route of a peer, if Google says so, leads beyond it."""
    hop = next((text for text in (str(getattr(found, hop)) for hop in _NEXT_HOPS) if text), "")
    return Route(
        name=found.name,
        network=NetworkName.parse(found.network),
        destination=found.dest_range,
        priority=found.priority if "priority" in found else 1000,
        internet=found.next_hop_gateway.endswith("/default-internet-gateway"),
        next_hop=hop.rsplit("/", 1)[-1],
        tags=tuple(found.tags),
        local=bool(found.next_hop_network),
        peering=found.next_hop_peering if found.route_type in ("", "SUBNET") else "",
    )


def peer_route(of: NetworkName, by: Peering, found: compute_v1.ExchangedPeeringRoute) -> Route:
    """A route that came by a peering. Google gives it no name: the peering's stands for it, with the destination."""
    return Route(
        name=f"{by.name}:{found.dest_range}",
        network=of,
        destination=found.dest_range,
        priority=found.priority,
        next_hop=by.name,
        peering=by.name if found.type_ == "SUBNET_PEERING_ROUTE" else "",
    )


def reserved(found: compute_v1.Address) -> Reserved:
    """A single address is the range of one."""
    length = f"/{found.prefix_length}" if found.prefix_length else ""
    return Reserved(found.name, str(ip_network(f"{found.address}{length}", strict=False)), found.purpose)


def address(found: compute_v1.Address) -> Address:
    return Address(found.name, found.address, used=found.status == "IN_USE")


# model -> documents


def rule_document(wanted: FirewallRule) -> Document:
    """Every field that we own, empty lists too: in a patch they take away what somebody added."""
    traffic = [_traffic_document(one) for one in wanted.traffic]
    allows = wanted.action == Action.ALLOW
    return {
        "name": wanted.name.rule,
        "network": str(wanted.network),
        "direction": wanted.direction.value,
        "priority": wanted.priority,
        "allowed": traffic if allows else [],
        "denied": [] if allows else traffic,
        "sourceRanges": list(wanted.sources),
        "destinationRanges": list(wanted.destinations),
        "sourceTags": list(wanted.source_tags),
        "sourceServiceAccounts": list(wanted.source_accounts),
        "targetTags": list(wanted.target_tags),
        "targetServiceAccounts": list(wanted.target_accounts),
        "disabled": wanted.disabled,
        "logConfig": {"enable": wanted.logged},
        "description": wanted.description,
    }


def _traffic_document(traffic: Traffic) -> Document:
    return {"IPProtocol": traffic.protocol} | ({"ports": list(traffic.ports)} if traffic.ports else {})


def router_document(wanted: Router) -> Document:
    nats = [nat_document(wanted.name, one) for one in wanted.nats]
    found = {"name": wanted.name.router, "network": str(wanted.network), "description": wanted.description}
    return found | {"nats": nats}


def nat_document(on: RouterName, wanted: Nat) -> Document:
    """Cloud NAT in Google's terms; times out as Google's defaults do."""
    ports: Document = {"minPortsPerVm": wanted.min_ports, "enableDynamicPortAllocation": wanted.dynamic_ports}
    if wanted.dynamic_ports:
        ports["maxPortsPerVm"] = wanted.max_ports or MAX_PORTS
    addresses = [f"projects/{on.project}/regions/{on.region}/addresses/{name}" for name in wanted.addresses]
    listed = [{"name": str(name), "sourceIpRangesToNat": ["PRIMARY_IP_RANGE"]} for name in wanted.subnets]
    return ports | {
        "name": wanted.name,
        "type": "PUBLIC" if wanted.public else "PRIVATE",
        "sourceSubnetworkIpRangesToNat": wanted.coverage.value,
        "subnetworks": listed,
        "natIpAllocateOption": "MANUAL_ONLY" if addresses else "AUTO_ONLY",
        "natIps": addresses,
        "enableEndpointIndependentMapping": wanted.endpoint_independent,
        "logConfig": {"enable": wanted.logged, "filter": "ERRORS_ONLY"},
    }


def same_nats(some: Iterable[Nat], others: Iterable[Nat]) -> bool:
    """Whether two lists of NATs mean the same; order means nothing in them."""
    return _ordered(some) == _ordered(others)


def _ordered(nats: Iterable[Nat]) -> list[Nat]:
    def inside(one: Nat) -> Nat:
        return replace(one, subnets=tuple(sorted(one.subnets)), addresses=tuple(sorted(one.addresses)))

    return sorted(map(inside, nats), key=lambda one: one.name)
