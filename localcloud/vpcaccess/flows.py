"""Whether a connector's machines can be reached by Google and can reach it: firewall rules and a way to Google's APIs.

Ranges and ports: Google's list of required firewall rules (facts on connectors in Shared VPC service projects).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from localcloud.calls import Document
from localcloud.compute.peered import canonical
from localcloud.core import Cloud
from localcloud.locations import parts

CONTROL_PORT = 667
AUTOMATIC = 100  # the priority of the rules that Google makes for a connector
IMPLIED = 65_535
HEALTH_CHECKS = ("35.191.0.0/16", "35.191.192.0/18", "130.211.0.0/22")
SERVERLESS = "35.199.224.0/19"
APIS = IPv4Network("199.36.153.8/30")  # private.googleapis.com
GATEWAY = "default-internet-gateway"
SERVED = {"ALL_IP_RANGES", "PRIMARY_IP_RANGE"}


@dataclass(frozen=True)
class Flow:
    """Traffic that a connector cannot live without: tcp:667 from or to one range."""

    direction: str
    other: IPv4Network


FLOWS = (
    *(Flow("INGRESS", IPv4Network(text)) for text in (*HEALTH_CHECKS, SERVERLESS)),
    Flow("EGRESS", IPv4Network(SERVERLESS)),
)


def healthy(cloud: Cloud, connector: Document, network: str) -> bool:
    """Whether nothing cuts the connector's machines off from Google.

    They need the firewall to let their control traffic through; and, where the switch `vpcaccess.needs_google_access`
    is on, Private Google Access or a public NAT gateway. It is off unless set: public reports name the lack of both
    as a cause of failed creations, yet connectors that were made before their NAT, on subnets without Private Google
    Access, are as widely reported to work. `vpcaccess.unhealthy_machines` ([]) are machine types that never get well
    (reported of f1-micro).
    """
    if connector["machineType"] in cloud.switch("vpcaccess.unhealthy_machines"):
        return False
    if cloud.switch("vpcaccess.needs_google_access") and not _reaches_google(cloud, connector, network):
        return False
    return all(_open(cloud, connector, network, flow) for flow in FLOWS)


def _reaches_google(cloud: Cloud, connector: Document, network: str) -> bool:
    """By Private Google Access or by a NAT gateway, and either way along a route to the internet gateway."""
    project, region, _ = parts(cloud, connector["name"], "connectors")
    routes = cloud.table("compute.routes").values()
    ours = (one for one in routes if canonical(one["network"]) == network and GATEWAY in one.get("nextHopGateway", ""))
    if not any(APIS.subnet_of(IPv4Network(one["destRange"])) for one in ours if ":" not in one["destRange"]):
        return False
    subnet = ""
    if "subnet" in connector:
        host = cloud.project_id(connector["subnet"].get("projectId") or project)
        subnet = f"projects/{host}/regions/{region}/subnetworks/{connector['subnet']['name']}"
    if cloud.table("compute.subnetworks").get(subnet, {}).get("privateIpGoogleAccess"):
        return True
    return any(_serves(cloud, nat, subnet) for nat in _gateways(cloud, network, region))


def _gateways(cloud: Cloud, network: str, region: str) -> Iterator[Document]:
    for name, router in cloud.table("compute.routers").items():
        if canonical(router["network"]) == network and f"/regions/{region}/" in name:
            yield from (one for one in router.get("nats", []) if one.get("type", "PUBLIC") == "PUBLIC")


def _serves(cloud: Cloud, nat: Document, subnet: str) -> bool:
    """Whether a gateway serves a subnet's primary range; a hidden subnet ("") is served with all others only."""
    if str(nat.get("sourceSubnetworkIpRangesToNat", "")).startswith("ALL_"):
        return bool(subnet) or bool(cloud.switch("vpcaccess.hidden_subnet_has_nat"))
    if not subnet:
        return False
    place = subnet.split("/", 2)[2]
    listed = [one for one in nat.get("subnetworks", []) if str(one["name"]).endswith(place)]
    return any(SERVED & set(one.get("sourceIpRangesToNat", [])) for one in listed)


def _open(cloud: Cloud, connector: Document, network: str, flow: Flow) -> bool:
    """Whether the network's firewall rules let a flow of this connector's machines through."""
    project, region, id_ = parts(cloud, connector["name"], "connectors")
    tags = {"vpc-connector", f"vpc-connector-{region}-{id_}"}
    allowed = IMPLIED if flow.direction == "EGRESS" else IMPLIED + 1
    denied = IMPLIED + 1 if flow.direction == "EGRESS" else IMPLIED
    own = network.startswith(f"projects/{project}/")
    if own or not cloud.switch("vpcaccess.service_project_needs_rules"):
        allowed = AUTOMATIC
    for rule in cloud.table("compute.firewalls").values():
        if canonical(rule["network"]) != network or not _concerns(rule, flow, tags):
            continue
        priority = rule.get("priority", 1000)
        if "denied" in rule and _overlaps(rule, flow):
            denied = min(denied, priority)
        elif "allowed" in rule and _covers(rule, flow):
            allowed = min(allowed, priority)
    return allowed < denied


def _concerns(rule: Document, flow: Flow, tags: set[str]) -> bool:
    if rule.get("disabled") or rule.get("direction", "INGRESS") != flow.direction:
        return False
    if rule.get("targetServiceAccounts") or (rule.get("targetTags") and not tags & set(rule["targetTags"])):
        return False
    return any(_carries(one) for one in rule.get("allowed") or rule.get("denied") or [])


def _carries(one: Document) -> bool:
    """Whether a protocol with its ports holds tcp:667."""
    if one.get("IPProtocol", "all") not in ("all", "tcp", "6"):
        return False
    ports = [[int(end) for end in text.split("-")] for text in one.get("ports", [])]
    return not ports or any(port[0] <= CONTROL_PORT <= port[-1] for port in ports)


def _ranges(rule: Document, flow: Flow) -> list[IPv4Network]:
    key = "sourceRanges" if flow.direction == "INGRESS" else "destinationRanges"
    given = rule.get(key, [])
    if not given and (rule.get("sourceTags") or rule.get("sourceServiceAccounts")):
        return []
    return [IPv4Network(text, strict=False) for text in given or ["0.0.0.0/0"] if ":" not in text]


def _overlaps(rule: Document, flow: Flow) -> bool:
    return any(one.overlaps(flow.other) for one in _ranges(rule, flow))


def _covers(rule: Document, flow: Flow) -> bool:
    return any(flow.other.subnet_of(one) for one in _ranges(rule, flow))
