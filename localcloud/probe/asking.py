"""Probes and their targets on the admin surface."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from localcloud.admin.fields import Fields, WrongField
from localcloud.calls import Document
from localcloud.compute.common import named
from localcloud.core import Cloud
from localcloud.errors import ApiError
from localcloud.probe import targets as placed
from localcloud.probe.judge import NoSuchJob
from localcloud.probe.judge import probe as judged
from localcloud.probe.words import PROBED


def probe(cloud: Cloud, given: Fields) -> Document:
    """Judge one packet, or each of the list `probes`: job, to, protocol (tcp) and, but for icmp, port."""
    many: Any = given.everything().get("probes")
    if many is None:
        return _one(cloud, given)
    if not isinstance(many, list):
        raise WrongField("probes", "must be a list")
    return {"verdicts": [_one(cloud, Fields(each)) for each in many]}


def _one(cloud: Cloud, given: Fields) -> Document:
    protocol = given.text("protocol", "tcp")
    if protocol not in PROBED:
        raise WrongField("protocol", f"must be one of {', '.join(PROBED)}")
    port = 0 if protocol == "icmp" else given.whole("port")
    if protocol != "icmp" and not 1 <= port <= 65_535:
        raise WrongField("port", "must be from 1 to 65535")
    try:
        return judged(cloud, given.text("job"), _address(given, "to"), protocol, port).shown()
    except NoSuchJob as missing:
        raise WrongField("job", f"there is no job {missing}") from None
    except ApiError as refusal:
        raise WrongField("job", refusal.message) from None


def targets(cloud: Cloud, given: Fields) -> Document:
    """Place a machine: name, network, ip, and perhaps tags and serviceAccount; or with `remove` take it away."""
    name = given.text("name")
    if given.flag("remove", default=False):
        if cloud.table(placed.TABLE).pop(name, None) is None:
            raise WrongField("name", f"there is no target {name!r}")
        return shown(cloud, given)
    tags: Any = given.everything().get("tags", [])
    if not isinstance(tags, list) or not all(isinstance(one, str) for one in tags):
        raise WrongField("tags", "must be a list of strings")
    account, network, ip = given.text("serviceAccount", ""), _network(cloud, given), _address(given, "ip")
    for other in cloud.table(placed.TABLE).values():
        if (other["network"], other["ip"]) == (network, ip) and other["name"] != name:
            raise WrongField("ip", f"{other['name']} has that address")
    target: Document = {"name": name, "network": network, "ip": ip, "tags": tags, "serviceAccount": account}
    placed.place(cloud, target)
    return shown(cloud, given)


def shown(cloud: Cloud, _: Fields) -> Document:
    """The machines that were placed, by name."""
    return {"targets": [one for _, one in sorted(cloud.table(placed.TABLE).items())]}


def _network(cloud: Cloud, given: Fields) -> str:
    try:
        name = named(cloud, given.text("network"), "network", "")
    except ApiError as refusal:
        raise WrongField("network", refusal.message) from None
    if name not in cloud.table("compute.networks"):
        raise WrongField("network", f"there is no network {name}")
    return name


def _address(given: Fields, field: str) -> str:
    text = given.text(field)
    try:
        return str(IPv4Address(text))
    except ValueError:
        raise WrongField(field, f"must be an IPv4 address, not {text!r}") from None
