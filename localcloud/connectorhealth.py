"""What a connector needs of its network, found out while it is being made: ground to stand on, and a way to Google.

Texts: as quoted in public reports of failed creations. Ranges and ports: Google's list of required firewall rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.errors import INTERNAL, INVALID, ApiError
from localcloud.locations import parts

NETMASK = 28
CONTROL_PORT = 667
AUTOMATIC = 100  # the priority of the rules that Google makes for a connector
IMPLIED = 65_535
HEALTH_CHECKS = ("35.191.0.0/16", "35.191.192.0/18", "130.211.0.0/22")
SERVERLESS = "35.199.224.0/19"
UNHEALTHY = (
    "An internal error occurred: VPC Access connector failed to get healthy. "
    "Please check GCE quotas, logs and org policies and recreate."
)
CONFLICT = (
    "Operation failed: Invalid IP CIDR range was provided. It conflicts with an existing subnetwork. "
    "Please delete the connector manually."
)


@dataclass(frozen=True)
class Flow:
    """Traffic that a connector cannot live without: tcp:667 from or to one range."""

    direction: str
    other: IPv4Network


FLOWS = (
    *(Flow("INGRESS", IPv4Network(text)) for text in (*HEALTH_CHECKS, SERVERLESS)),
    Flow("EGRESS", IPv4Network(SERVERLESS)),
)


def problem(cloud: Cloud, connector: Document) -> ApiError | None:
    """What the creation of a connector fails with, None when nothing is wrong."""
    try:
        network, _ = ground(cloud, connector)
    except ApiError as refusal:
        return refusal
    if all(_open(cloud, connector, network, flow) for flow in FLOWS):
        return None
    return ApiError(INTERNAL, UNHEALTHY)


def ground(cloud: Cloud, connector: Document) -> tuple[str, IPv4Network]:
    """The network (canonical name) and the range of a connector; fills in the network's bare name.

    Raises what its creation fails with when they, or its size, are not as they have to be.
    """
    if not connector.get("maxInstances"):
        message = "Operation failed: A Connector must specify either max_throughput or max_instances."
        raise ApiError(INVALID, message)
    project, region, _ = parts(cloud, connector["name"], "connectors")
    if "subnet" in connector:
        network, cidr = _subnet(cloud, connector, region)
    else:
        network = connector["network"]
        network = network if "/" in network else f"projects/{project}/global/networks/{network}"
        cidr = _range(connector["ipCidrRange"])
        _check_free(cloud, network, cidr)
    if cidr.prefixlen != NETMASK:
        raise ApiError(INVALID, "Operation failed: Subnets used for VPC connectors must have a netmask of 28.")
    for other in _earlier(cloud, connector):
        if _shares(cloud, other, network, cidr):
            raise ApiError(INVALID, CONFLICT)
    return network, cidr


def _earlier(cloud: Cloud, connector: Document) -> list[Document]:
    """The connectors that were asked for before this one; of two that want one range the later fails."""
    names = list(cloud.table("vpcaccess.connectors"))
    before = [cloud.table("vpcaccess.connectors")[name] for name in names[: names.index(connector["name"])]]
    holds = cloud.switches.get("vpcaccess.error_holds_subnet", True)
    return [other for other in before if holds or other["state"] != "ERROR"]


def _subnet(cloud: Cloud, connector: Document, region: str) -> tuple[str, IPv4Network]:
    subnet = connector["subnet"]
    name = f"projects/{cloud.project_id(subnet['projectId'])}/regions/{region}/subnetworks/{subnet['name']}"
    found = cloud.table("compute.subnetworks").get(name)
    if found is None:
        raise ApiError(INVALID, f"Operation failed: The subnetwork '{name}' was not found.")
    network = _canonical(found["network"])
    connector["network"] = network.rsplit("/", 1)[-1]
    return network, _range(found["ipCidrRange"])


def _range(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError:
        raise ApiError(INVALID, "Operation failed: Invalid IP CIDR range was provided.") from None


def _check_free(cloud: Cloud, network: str, cidr: IPv4Network) -> None:
    for subnet in cloud.table("compute.subnetworks").values():
        ranges = [subnet["ipCidrRange"], *(one["ipCidrRange"] for one in subnet.get("secondaryIpRanges", []))]
        if _canonical(subnet["network"]) == network and any(IPv4Network(one).overlaps(cidr) for one in ranges):
            raise ApiError(INVALID, CONFLICT)


def _shares(cloud: Cloud, other: Document, network: str, cidr: IPv4Network) -> bool:
    """Whether another connector stands on the same range of the same network."""
    project, region, _ = parts(cloud, other["name"], "connectors")
    if "subnet" in other:
        name = f"projects/{other['subnet']['projectId']}/regions/{region}/subnetworks/{other['subnet']['name']}"
        subnet = cloud.table("compute.subnetworks").get(name)
        return bool(
            subnet and _canonical(subnet["network"]) == network and IPv4Network(subnet["ipCidrRange"]).overlaps(cidr)
        )
    where = other["network"] if "/" in other["network"] else f"projects/{project}/global/networks/{other['network']}"
    return where == network and _range(other["ipCidrRange"]).overlaps(cidr)


def _canonical(link: str) -> str:
    """`projects/P/global/networks/N`, from that or from a full link."""
    return "projects/" + link.split("/projects/")[-1].removeprefix("projects/")


def _open(cloud: Cloud, connector: Document, network: str, flow: Flow) -> bool:
    """Whether the network's firewall rules let a flow of this connector's machines through."""
    project, region, id_ = parts(cloud, connector["name"], "connectors")
    tags = {"vpc-connector", f"vpc-connector-{region}-{id_}"}
    allowed = IMPLIED if flow.direction == "EGRESS" else IMPLIED + 1
    denied = IMPLIED + 1 if flow.direction == "EGRESS" else IMPLIED
    own = network.startswith(f"projects/{project}/")
    if own or not cloud.switches.get("vpcaccess.service_project_needs_rules", True):
        allowed = AUTOMATIC
    for rule in cloud.table("compute.firewalls").values():
        if _canonical(rule["network"]) != network or not _concerns(rule, flow, tags):
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
