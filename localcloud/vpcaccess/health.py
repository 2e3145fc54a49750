"""What a connector needs, found out while it is being made: ground to stand on, agents with roles, a way to Google.

Texts: as quoted in public reports of failed creations. Of a missing network or subnet, of a Shared VPC that does not
let the connector in, and of a subnet that is not free for it, no report was found: these are in compute's words.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from localcloud.access import admission
from localcloud.calls import Document
from localcloud.compute import ranges, sharedvpc
from localcloud.compute.connector_rules import hidden_subnet
from localcloud.compute.peered import canonical
from localcloud.core import Cloud
from localcloud.errors import DENIED, INTERNAL, INVALID, ApiError
from localcloud.locations import parts
from localcloud.vpcaccess import size
from localcloud.vpcaccess.flows import healthy

NETMASK = 28
SUBNET = "Operation failed: The subnetwork '{}' was not found."
UNHEALTHY = (
    "An internal error occurred: VPC Access connector failed to get healthy. "
    "Please check GCE quotas, logs and org policies and recreate."
)
CONFLICT = (
    "Operation failed: Invalid IP CIDR range was provided. It conflicts with an existing subnetwork. "
    "Please delete the connector manually."
)
FAILED = "Failed to create a VPC Access connector. Please delete the connector manually."
# What the two agents cannot do without; the roles that they lose in the reports hold all of it.
NEEDED = ("compute.instances.create", "compute.firewalls.create")


def problem(cloud: Cloud, connector: Document) -> ApiError | None:
    """What the creation of a connector fails with, None when nothing is wrong."""
    unmade = cloud.part(ranges.Unmade).connectors
    unmade.add(connector["name"])
    try:
        network, _ = ground(cloud, connector)
        size.check_processors(cloud, connector)
    except ApiError as refusal:
        return refusal
    unmade.remove(connector["name"])
    return None if healthy(cloud, connector, network) else ApiError(INTERNAL, UNHEALTHY)


def ground(cloud: Cloud, connector: Document) -> tuple[str, IPv4Network]:
    """The network (canonical name) and the range of a connector; fills in the network's bare name.

    Raises what its creation fails with when they, its size or the agents that make it are not as they have to be.
    """
    if not connector.get("maxInstances"):
        message = "Operation failed: A Connector must specify either max_throughput or max_instances."
        raise ApiError(INVALID, message)
    project, region, _ = parts(cloud, connector["name"], "connectors")
    _check_agents(cloud, project)
    network, cidr = _subnet(cloud, connector, project, region) if "subnet" in connector else _range(cloud, connector)
    if cidr.prefixlen != NETMASK:
        raise ApiError(INVALID, "Operation failed: Subnets used for VPC connectors must have a netmask of 28.")
    for other in _earlier(cloud, connector):
        if _shares(cloud, other, network, cidr):
            raise ApiError(INVALID, CONFLICT)
    return network, cidr


def agents(cloud: Cloud, project: str) -> tuple[str, str]:
    """Who makes a project's connectors: its VPC Access agent, and the one of Google's APIs (Deployment Manager)."""
    number = cloud.number(project)
    vpcaccess = f"service-{number}@gcp-sa-vpcaccess.iam.gserviceaccount.com"
    return vpcaccess, f"{number}@cloudservices.gserviceaccount.com"


def _check_agents(cloud: Cloud, project: str) -> None:
    vpcaccess, services = agents(cloud, project)
    if not all(admission.may(cloud, vpcaccess, one, f"projects/{project}") for one in NEEDED):
        message = (
            f"Serverless VPC Access service account ({vpcaccess}) needs Serverless VPC Access Service Agent role in "
            "the project."
        )
        raise ApiError(DENIED, message)
    if not all(admission.may(cloud, services, one, f"projects/{project}") for one in NEEDED):
        message = f"Operation failed: Google APIs Service Agent ({services}) needs editor role in the project."
        raise ApiError(DENIED, message)


def _earlier(cloud: Cloud, connector: Document) -> list[Document]:
    """The connectors that were asked for before this one; of two that want one range the later fails."""
    names = list(cloud.table("vpcaccess.connectors"))
    before = [cloud.table("vpcaccess.connectors")[name] for name in names[: names.index(connector["name"])]]
    holds = cloud.switch("vpcaccess.error_holds_subnet")
    return [other for other in before if holds or other["state"] != "ERROR"]


def _subnet(cloud: Cloud, connector: Document, project: str, region: str) -> tuple[str, IPv4Network]:
    subnet = connector["subnet"]
    host = cloud.project_id(subnet["projectId"])
    name = f"projects/{host}/regions/{region}/subnetworks/{subnet['name']}"
    if host != project:
        _check_shared(cloud, project, host, name)
    found = cloud.table("compute.subnetworks").get(name)
    if found is None:
        raise ApiError(INVALID, SUBNET.format(name))
    network = canonical(found["network"])
    connector["network"] = network.rsplit("/", 1)[-1]
    if found.get("purpose", "PRIVATE") != "PRIVATE" or any(_inside(cloud, name)):
        raise ApiError(INTERNAL, FAILED)
    return network, _parsed(found["ipCidrRange"])


def _check_shared(cloud: Cloud, project: str, host: str, subnet: str) -> None:
    """Another project's subnet: it must be the host's, and both agents may use it (compute.networkUser there)."""
    if not sharedvpc.may_use(cloud, project, host):
        message = f'Operation failed: Project "{project}" does not have an associated Shared-VPC host project.'
        raise ApiError(INVALID, message)
    for agent in agents(cloud, project):
        if not admission.may(cloud, agent, "compute.subnetworks.use", subnet):
            message = f"Required 'compute.subnetworks.use' permission for '{subnet}' (when acting as '{agent}')"
            raise ApiError(DENIED, f"Operation failed: {message}")


def _inside(cloud: Cloud, subnet: str) -> Iterator[str]:
    """The addresses that somebody has reserved in a subnet: a connector's has nothing else on it."""
    for name, one in cloud.table("compute.addresses").items():
        if one.get("subnetwork") and canonical(one["subnetwork"]) == subnet:
            yield name


def _range(cloud: Cloud, connector: Document) -> tuple[str, IPv4Network]:
    project, region, id_ = parts(cloud, connector["name"], "connectors")
    network = connector["network"]
    network = canonical(network) if "/" in network else f"projects/{project}/global/networks/{network}"
    if network not in cloud.table("compute.networks"):
        raise ApiError(INVALID, f"Operation failed: The network '{network}' was not found.")
    cidr = _parsed(connector["ipCidrRange"])
    own = f"projects/{project}/regions/{region}/subnetworks/{hidden_subnet(cloud, region, id_)}"
    try:
        ranges.check_free(cloud, network, own, [str(cidr)], connectors=False)
    except ApiError:
        raise ApiError(INVALID, CONFLICT) from None
    return network, cidr


def _parsed(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError:
        raise ApiError(INVALID, "Operation failed: Invalid IP CIDR range was provided.") from None


def _shares(cloud: Cloud, other: Document, network: str, cidr: IPv4Network) -> bool:
    """Whether another connector stands on the same range of the same network."""
    project, region, _ = parts(cloud, other["name"], "connectors")
    if "subnet" in other:
        host = cloud.project_id(other["subnet"]["projectId"])
        name = f"projects/{host}/regions/{region}/subnetworks/{other['subnet']['name']}"
        subnet = cloud.table("compute.subnetworks").get(name)
        return bool(
            subnet and canonical(subnet["network"]) == network and IPv4Network(subnet["ipCidrRange"]).overlaps(cidr)
        )
    where = other["network"] if "/" in other["network"] else f"projects/{project}/global/networks/{other['network']}"
    return canonical(where) == network and _parsed(other["ipCidrRange"]).overlaps(cidr)
