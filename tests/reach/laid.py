"""A drawn network, laid into the local Google Cloud as its API would have stored it, and asked by its probe."""

from __future__ import annotations

from typing import Any

from localcloud.core import Cloud
from localcloud.probe import probe
from tests.reach.networks import ACCOUNT, JOB, Drawn
from wayout.egress.model import (
    Action,
    Connector,
    Egress,
    FirewallPolicy,
    FirewallRule,
    Layer,
    Nat,
    PolicyRule,
    Route,
    Router,
    Subnet,
    Traffic,
    Verb,
    Way,
)
from wayout.egress.reach import Answer, Ground, Packet

LINK = "https://www.googleapis.com/compute/v1/"
GATEWAY = "default-internet-gateway"
ANSWERS = {"delivered": Answer.YES, "dropped": Answer.NO, "unknown": Answer.UNKNOWN}
Document = dict[str, Any]


def lay(drawn: Drawn) -> Cloud:
    """A cloud that holds this network, the job, and the peers whose rules can be seen."""
    cloud, ground = Cloud(), drawn.ground
    for one in (ground, *ground.beyond.values()):
        _lay(cloud, one)
    unseen = [route for route in ground.routes if route.peering and not ground.beyond]
    if unseen:
        items = [{"destRange": one.destination, "type": "SUBNET_PEERING_ROUTE", "imported": True} for one in unseen]
        cloud.table("compute.peering_routes")[str(ground.network.name)] = {"items": items}
    if ground.policies:
        effective = {"firewallPolicys": [_policy(policy) for policy in ground.policies]}
        cloud.table("compute.effective_policies")[str(ground.network.name)] = effective
    for connector in ground.connectors:
        cloud.table("vpcaccess.connectors")[str(connector.name)] = _connector(connector)
    cloud.table("run.jobs")[str(JOB)] = _job(drawn.way)
    return cloud


def asked(cloud: Cloud, drawn: Drawn, packet: Packet) -> tuple[Answer, str]:
    """What the probe says of a packet to the network's receiver, and its last word."""
    cloud.table("probe.targets")["there"] = {
        "name": "there",
        "network": str(_home(drawn.ground, packet)),
        "ip": packet.address,
        "tags": sorted(drawn.receiver.tags or ()),
        "serviceAccount": drawn.receiver.account,
    }
    found = probe(cloud, str(JOB), packet.address, packet.protocol, packet.port)
    return ANSWERS[found.verdict], f"{found.hops[-1].hop}: {found.hops[-1].says} ({found.hops[-1].by})"


def _home(ground: Ground, packet: Packet) -> object:
    """The network in which a packet's destination lies."""
    peers = [name for name, one in ground.beyond.items() if any(_holds(subnet, packet) for subnet in one.subnets)]
    return peers[0] if peers else ground.network.name


def _holds(subnet: Subnet, packet: Packet) -> bool:
    return packet.address.startswith(subnet.range.removesuffix("0/24"))


def _lay(cloud: Cloud, ground: Ground) -> None:
    network = ground.network
    cloud.table("compute.networks")[str(network.name)] = {
        "name": network.name.network,
        "networkFirewallPolicyEnforcementOrder": f"{'BEFORE' if network.policies_first else 'AFTER'}_CLASSIC_FIREWALL",
        "peerings": [
            {"name": one.name, "network": f"{LINK}{one.network}", "state": "ACTIVE", "exchangeSubnetRoutes": True}
            for one in network.peerings
        ],
    }
    for subnet in ground.subnets:
        cloud.table("compute.subnetworks")[str(subnet.name)] = _subnet(subnet)
    for rule in ground.rules:
        cloud.table("compute.firewalls")[str(rule.name)] = _rule(rule)
    for route in ground.routes:
        if not route.peering:
            name = f"projects/{network.name.project}/global/routes/{route.name}"
            cloud.table("compute.routes")[name] = _route(route)
    for router in ground.routers:
        cloud.table("compute.routers")[str(router.name)] = _router(router)


def _connector(connector: Connector) -> Document:
    found: Document = {"name": str(connector.name), "state": connector.state.value}
    if connector.subnet:
        return found | {"subnet": {"name": connector.subnet.subnet}}
    return found | {"network": connector.network.network, "ipCidrRange": connector.range}


def _subnet(subnet: Subnet) -> Document:
    return {
        "name": subnet.name.subnet,
        "network": f"{LINK}{subnet.network}",
        "region": f"{LINK}projects/{subnet.name.project}/regions/{subnet.name.region}",
        "ipCidrRange": subnet.range,
        "secondaryIpRanges": [{"ipCidrRange": text} for text in subnet.secondary],
        "privateIpGoogleAccess": subnet.google_access,
    }


def _layer4(traffic: tuple[Traffic, ...], key: str) -> list[Document]:
    return [{key: one.protocol, **({"ports": list(one.ports)} if one.ports else {})} for one in traffic]


def _rule(rule: FirewallRule) -> Document:
    fields = {
        "sourceRanges": rule.sources,
        "destinationRanges": rule.destinations,
        "sourceTags": rule.source_tags,
        "sourceServiceAccounts": rule.source_accounts,
        "targetTags": rule.target_tags,
        "targetServiceAccounts": rule.target_accounts,
    }
    return {
        "name": rule.name.rule,
        "network": f"{LINK}{rule.network}",
        "direction": rule.direction.value,
        "priority": rule.priority,
        "disabled": rule.disabled,
        "allowed" if rule.action == Action.ALLOW else "denied": _layer4(rule.traffic, "IPProtocol"),
        **{key: list(values) for key, values in fields.items() if values},
    }


def _route(route: Route) -> Document:
    found: Document = {"name": route.name, "network": f"{LINK}{route.network}", "destRange": route.destination}
    found |= {"priority": route.priority, "tags": list(route.tags)}
    if route.local:
        return found | {"nextHopNetwork": f"{LINK}{route.network}"}
    if route.internet:
        project = route.network.project
        return found | {"nextHopGateway": f"{LINK}projects/{project}/global/gateways/{GATEWAY}"}
    return found | {"nextHopIp": route.next_hop}


def _router(router: Router) -> Document:
    return {
        "name": router.name.router,
        "network": f"{LINK}{router.network}",
        "region": f"{LINK}projects/{router.name.project}/regions/{router.name.region}",
        "nats": [_nat(nat) for nat in router.nats],
    }


def _nat(nat: Nat) -> Document:
    listed = [{"name": f"{LINK}{name}", "sourceIpRangesToNat": ["PRIMARY_IP_RANGE"]} for name in nat.subnets]
    return {
        "name": nat.name,
        "type": "PUBLIC" if nat.public else "PRIVATE",
        "sourceSubnetworkIpRangesToNat": nat.coverage.value,
        "subnetworks": listed,
    }


def _policy(policy: FirewallPolicy) -> Document:
    found: Document = {"name": policy.name, "type": policy.layer.value, "rules": [_ruled(one) for one in policy.rules]}
    return found | ({} if policy.layer == Layer.HIERARCHY else {"priority": policy.priority})


def _ruled(rule: PolicyRule) -> Document:
    match: Document = {"layer4Configs": _layer4(rule.traffic, "ipProtocol")}
    match |= {"srcIpRanges": list(rule.sources)} if rule.sources else {}
    match |= {"destIpRanges": list(rule.destinations)} if rule.destinations else {}
    for key in rule.unclear:
        match[key] = "INTERNET" if key.endswith("Context") else ["example.com"]
    return {
        "priority": rule.priority,
        "direction": rule.direction.value,
        "action": "apply_security_profile_group" if rule.verb == Verb.OTHER else rule.verb.value,
        "disabled": rule.disabled,
        "match": match,
        **({"targetServiceAccounts": list(rule.target_accounts)} if rule.target_accounts else {}),
    }


def _job(way: Way | None) -> Document:
    task: Document = {"containers": [{"image": "image"}], "serviceAccount": ACCOUNT}
    if way:
        access: Document = {"egress": "ALL_TRAFFIC" if way.egress == Egress.ALL else "PRIVATE_RANGES_ONLY"}
        if way.connector:
            access["connector"] = str(way.connector)
        if way.interface:
            one = way.interface
            access["networkInterfaces"] = [{"network": one.network, "subnetwork": one.subnet, "tags": list(one.tags)}]
        task["vpcAccess"] = access
    return {"name": str(JOB), "template": {"template": task}}
