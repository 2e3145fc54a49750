"""Where a job's packets enter a VPC: its connector's machines, or its own interface (Direct VPC egress).

Source: facts.md sections 1, 2 and 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from localcloud.calls import Document
from localcloud.compute import connector_rules
from localcloud.compute.common import named
from localcloud.core import Cloud
from localcloud.errors import ApiError
from localcloud.locations import joined, parts
from localcloud.probe.firewall import Machine
from localcloud.probe.words import Step, canonical, dropped, passed

SMALLEST = 26  # a subnet for Direct VPC egress has this netmask or a shorter one


@dataclass(frozen=True)
class Sender:
    """Machines of one range in a network. `machine` is what egress rules and routes see of them.

    `tags` are those that ingress rules know them by as a source. `subnet` is None for a connector's hidden one.
    """

    step: Step
    region: str
    range: IPv4Network
    machine: Machine
    tags: frozenset[str]
    subnet: str | None
    connector: bool
    unseen: tuple[tuple[str, Document], ...] = ()


def sender(cloud: Cloud, job: Document) -> Sender | Step | None:
    """Who sends for a job into a VPC; the step at which its next execution fails; None if it has no VPC access."""
    access: Document = job["template"]["template"].get("vpcAccess", {})
    project, region, _ = parts(cloud, job["name"], "jobs")
    if access.get("connector"):
        return _connector(cloud, access["connector"], region)
    if access.get("networkInterfaces"):
        return _interface(cloud, access["networkInterfaces"][0], project, region, job)
    return None


def _connector(cloud: Cloud, reference: str, region: str) -> Sender | Step:
    try:
        project, place, id_ = parts(cloud, reference, "connectors")
    except ApiError as refusal:
        return dropped("connector", f"the next execution fails: {refusal.message}", reference)
    name = joined(project, place, id_, kinds=("connectors",))
    found = cloud.table("vpcaccess.connectors").get(name)
    if found is None:
        return dropped("connector", "the next execution fails: the connector does not exist", name)
    if place != region:
        return dropped("connector", f"the next execution fails: the connector is in {place}, the job in {region}", name)
    if found["state"] not in ("READY", "UPDATING"):
        return dropped("connector", f"the next execution fails: the connector is {found['state']}", name)
    ground = _ground(cloud, found, project, region)
    if ground is None:
        return dropped("connector", "the connector's network or subnet is gone", name)
    network, range_, subnet = ground
    tags = frozenset({connector_rules.UNIVERSAL, connector_rules.unique_tag(region, id_)})
    unseen = _unseen(cloud, project, region, id_, network, range_)
    step = passed("connector", f"{found['state']}, its machines are in {range_}", name)
    return Sender(step, region, range_, Machine(network, tags), tags, subnet, True, unseen)


def _ground(cloud: Cloud, connector: Document, project: str, region: str) -> tuple[str, IPv4Network, str | None] | None:
    """Network, range, and subnet unless that is hidden."""
    if connector.get("subnet"):
        host = cloud.project_id(connector["subnet"].get("projectId") or project)
        name = f"projects/{host}/regions/{region}/subnetworks/{connector['subnet']['name']}"
        found = cloud.table("compute.subnetworks").get(name)
        return (canonical(found["network"]), IPv4Network(found["ipCidrRange"]), name) if found else None
    network = connector.get("network", "default")
    network = canonical(network) if "/" in network else f"projects/{project}/global/networks/{network}"
    if network not in cloud.table("compute.networks"):
        return None
    return network, IPv4Network(connector["ipCidrRange"]), None


def _unseen(
    cloud: Cloud, project: str, region: str, id_: str, network: str, range_: IPv4Network
) -> tuple[tuple[str, Document], ...]:
    """Google's own rules for the connector where they act without being in the list of rules."""
    own = network.startswith(f"projects/{project}/")
    listed = cloud.switch("connector.visible_rules")
    if (own and listed) or (not own and cloud.switch("vpcaccess.service_project_needs_rules")):
        return ()
    prefix = f"projects/{network.split('/')[1]}/global/firewalls"
    bodies = connector_rules.bodies(cloud, connector_rules.unique_tag(region, id_), str(range_))
    return tuple(
        (f"{prefix}/{connector_rules.rule_name(cloud, region, id_, suffix)}", body | {"network": network})
        for suffix, body in bodies.items()
    )


def _interface(cloud: Cloud, interface: Document, project: str, region: str, job: Document) -> Sender | Step:
    """A job with an address of its own in a subnet; if only a network is named, its subnet has the same name."""
    where = "network interface"
    given = interface.get("subnetwork") or interface.get("network", "").rsplit("/", 1)[-1]
    host = interface.get("network", "").split("/")[1] if "projects/" in interface.get("network", "") else project
    try:
        reference = given if "/" in given else f"projects/{host}/regions/{region}/subnetworks/{given}"
        name = named(cloud, reference, "subnetwork", project)
    except ApiError as refusal:
        return dropped(where, f"the next execution fails: {refusal.message}", given)
    found = cloud.table("compute.subnetworks").get(name)
    if found is None or f"/regions/{region}/" not in name:
        return dropped(where, f"the next execution fails: there is no such subnet in {region}", name)
    network, range_ = canonical(found["network"]), IPv4Network(found["ipCidrRange"])
    wanted = interface.get("network", "")
    if wanted and wanted.rsplit("/", 1)[-1] != network.rsplit("/", 1)[-1]:
        return dropped(where, f"the next execution fails: the subnet is not in the network {wanted}", name)
    if range_.prefixlen > SMALLEST:
        return dropped(where, f"the next execution fails: a subnet must be /{SMALLEST} or larger", name)
    # Its tags and service account count in egress rules only. Source: limitations of Direct VPC egress.
    account = job["template"]["template"].get("serviceAccount")
    machine = Machine(network, frozenset(interface.get("tags", [])), account)
    step = passed(where, f"an address in {range_}", name)
    return Sender(step, region, range_, machine, frozenset(), name, False)
