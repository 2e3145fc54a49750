"""A drawn network, laid into the local Google Cloud as its API would have stored it, and asked by its probe."""

from __future__ import annotations

from typing import Any

from localcloud.core import Cloud
from localcloud.probe import probe
from tests.reach.networks import JOB, NETWORK, Drawn
from wayout.egress.model import (
    Action,
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
    Way,
)
from wayout.egress.reach import Answer, Packet

LINK = "https://www.googleapis.com/compute/v1/"
ANSWERS = {"delivered": Answer.YES, "dropped": Answer.NO, "unknown": Answer.UNKNOWN}
Document = dict[str, Any]


def lay(drawn: Drawn) -> Cloud:
    """A cloud that holds this network and the job."""
    cloud = Cloud()
    ground = drawn.ground
    order = "BEFORE_CLASSIC_FIREWALL" if ground.network.policies_first else "AFTER_CLASSIC_FIREWALL"
    cloud.table("compute.networks")[str(NETWORK)] = {
        "name": NETWORK.network,
        "networkFirewallPolicyEnforcementOrder": order,
    }
    for subnet in ground.subnets:
        cloud.table("compute.subnetworks")[str(subnet.name)] = _subnet(subnet)
    for rule in ground.rules:
        cloud.table("compute.firewalls")[str(rule.name)] = _rule(rule)
    for route in ground.routes:
        name = f"projects/{NETWORK.project}/global/routes/{route.name}"
        cloud.table("compute.routes")[name] = _route(route)
    for router in ground.routers:
        cloud.table("compute.routers")[str(router.name)] = _router(router)
    for connector in ground.connectors:
        found: Document = {"name": str(connector.name), "state": connector.state.value}
        found |= (
            {"subnet": {"name": connector.subnet.subnet}}
            if connector.subnet
            else {"network": NETWORK.network, "ipCidrRange": connector.range}
        )
        cloud.table("vpcaccess.connectors")[str(connector.name)] = found
    if ground.policies:
        effective = {"firewallPolicys": [_policy(policy) for policy in ground.policies]}
        cloud.table("compute.effective_policies")[str(NETWORK)] = effective
    cloud.table("run.jobs")[str(JOB)] = _job(drawn.way)
    return cloud


def asked(cloud: Cloud, packet: Packet) -> tuple[Answer, str]:
    """What the probe says of a packet, and its last word."""
    found = probe(cloud, str(JOB), packet.address, packet.protocol, packet.port)
    return ANSWERS[found.verdict], f"{found.hops[-1].hop}: {found.hops[-1].says} ({found.hops[-1].by})"


def _subnet(subnet: Subnet) -> Document:
    return {
        "name": subnet.name.subnet,
        "network": f"{LINK}{NETWORK}",
        "region": f"{LINK}projects/{NETWORK.project}/regions/{subnet.name.region}",
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
        "targetTags": rule.target_tags,
        "targetServiceAccounts": rule.target_accounts,
    }
    return {
        "name": rule.name.rule,
        "network": f"{LINK}{NETWORK}",
        "direction": rule.direction.value,
        "priority": rule.priority,
        "disabled": rule.disabled,
        "allowed" if rule.action == Action.ALLOW else "denied": _layer4(rule.traffic, "IPProtocol"),
        **{key: list(values) for key, values in fields.items() if values},
    }


def _route(route: Route) -> Document:
    found: Document = {"name": route.name, "network": f"{LINK}{NETWORK}", "destRange": route.destination}
    found |= {"priority": route.priority, "tags": list(route.tags)}
    if route.local:
        return found | {"nextHopNetwork": f"{LINK}{NETWORK}"}
    if route.internet:
        gateway = f"{LINK}projects/{NETWORK.project}/global/gateways/default-internet-gateway"
        return found | {"nextHopGateway": gateway}
    return found | {"nextHopIp": route.next_hop}


def _router(router: Router) -> Document:
    return {
        "name": router.name.router,
        "network": f"{LINK}{NETWORK}",
        "region": f"{LINK}projects/{NETWORK.project}/regions/{router.name.region}",
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
    kind = "HIERARCHY" if policy.layer == Layer.HIERARCHY else "NETWORK"
    rules = [_policy_rule(rule) for rule in policy.rules]
    found: Document = {"name": policy.name, "type": kind, "rules": rules}
    return found | ({} if kind == "HIERARCHY" else {"priority": policy.priority})


def _policy_rule(rule: PolicyRule) -> Document:
    match: Document = {"layer4Configs": _layer4(rule.traffic, "ipProtocol")}
    match |= {"srcIpRanges": list(rule.sources)} if rule.sources else {}
    match |= {"destIpRanges": list(rule.destinations)} if rule.destinations else {}
    match |= {"destFqdns": ["example.com"]} if rule.unclear else {}
    return {
        "priority": rule.priority,
        "direction": rule.direction.value,
        "action": rule.verb.value,
        "disabled": rule.disabled,
        "match": match,
        **({"targetServiceAccounts": list(rule.target_accounts)} if rule.target_accounts else {}),
    }


def _job(way: Way | None) -> Document:
    from tests.reach.networks import ACCOUNT

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
