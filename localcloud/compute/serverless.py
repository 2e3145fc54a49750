"""The addresses that executions on Direct VPC egress have in a subnet, and for how long they hold it.

Source: facts.md section 6: they come in blocks of 16 and are freed slowly, so that whoever wants to delete the subnet
waits for one or two hours. How many a job's task takes, and how long they are held, is not known.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from ipaddress import IPv4Network

from localcloud.calls import Document
from localcloud.compute.common import SUBNETWORKS, named
from localcloud.core import Cloud
from localcloud.errors import EXHAUSTED, ApiError

BLOCK = 16


class Held:
    """What is taken: by execution, the subnet, how many addresses, and until when; None while it runs."""

    def __init__(self, _cloud: Cloud) -> None:
        self.by: dict[str, tuple[str, int, float | None]] = {}


def take(cloud: Cloud, execution: Document) -> ApiError | None:
    """Give an execution its addresses, or say what it fails with; nothing where it has no interface of its own."""
    subnet = _subnet(cloud, execution)
    if subnet is None:
        return None
    each = int(cloud.switch("run.direct_addresses_per_task"))
    wanted = BLOCK * math.ceil(each * int(execution["parallelism"]) / BLOCK)
    held = cloud.part(Held).by
    taken = sum(count for name, count, _ in _holding(cloud) if name == subnet)
    size = IPv4Network(cloud.table(SUBNETWORKS.table)[subnet]["ipCidrRange"]).num_addresses
    if taken + wanted > size:
        return ApiError(EXHAUSTED, f"The subnetwork '{subnet}' has no addresses left for this execution.")
    held[execution["name"]] = (subnet, wanted, None)
    return None


def give_back(cloud: Cloud, execution: str) -> None:
    """An execution is over: its addresses are held for a while still."""
    held = cloud.part(Held).by
    if execution in held and held[execution][2] is None:
        subnet, count, _ = held[execution]
        until = cloud.clock.seconds() + float(cloud.switch("run.direct_addresses_held"))
        held[execution] = (subnet, count, until)


def users(cloud: Cloud, subnet: str) -> Iterator[str]:
    """The addresses that keep a subnet from being deleted, by name."""
    place = subnet.rsplit("/subnetworks/", 1)[0]
    for number, (name, _, _) in enumerate(_holding(cloud)):
        if name == subnet:
            yield f"{place}/addresses/serverless-ipv4-{1_700_000_000 + number}"


def _holding(cloud: Cloud) -> list[tuple[str, int, float | None]]:
    now, held = cloud.clock.seconds(), cloud.part(Held).by
    return [one for one in held.values() if one[2] is None or one[2] > now]


def _subnet(cloud: Cloud, execution: Document) -> str | None:
    """The subnet of an execution's own interface; if only a network is named, its subnet has the same name."""
    interfaces = execution["template"].get("vpcAccess", {}).get("networkInterfaces", [])
    if not interfaces:
        return None
    _, project, _, region = execution["name"].split("/")[:4]
    given = interfaces[0].get("subnetwork") or interfaces[0].get("network", "").rsplit("/", 1)[-1]
    reference = given if "/" in given else f"projects/{project}/regions/{region}/subnetworks/{given}"
    try:
        name = named(cloud, reference, "subnetwork", project)
    except ApiError:
        return None
    return name if name in cloud.table(SUBNETWORKS.table) else None
