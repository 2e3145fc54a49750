"""compute.subnetworks: ranges that don't overlap, a fingerprint that guards, routes that come and go with them."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator

from localcloud.calls import Call, Document
from localcloud.compute import routes, serverless
from localcloud.compute.common import (
    ADDRESSES,
    NETWORKS,
    ROUTERS,
    SUBNETWORKS,
    audited,
    check_name,
    dressed,
    existing,
    in_use,
    invalid,
    link,
    named,
    network_of,
    own_name,
    readable,
    repeatable,
    required,
    short,
)
from localcloud.compute.limits import late_quota
from localcloud.compute.listing import aggregated, listed
from localcloud.compute.places import auto_range
from localcloud.compute.ranges import check_auto, check_free, ranges_of, subnet_range
from localcloud.compute.writing import change, create, put, remove
from localcloud.core import Cloud, serves
from localcloud.errors import INVALID, ApiError

DEFAULTS: Document = {
    "allowSubnetCidrRoutesOverlap": False,
    "privateIpGoogleAccess": False,
    "privateIpv6GoogleAccess": "DISABLE_GOOGLE_ACCESS",
    "purpose": "PRIVATE",
    "stackType": "IPV4_ONLY",
}
FIXED = ("network", "ipCidrRange", "name", "region")


@serves(
    "compute.subnetworks.insert",
    permissions=("compute.subnetworks.create", "compute.networks.updatePolicy"),
    audited=audited(SUBNETWORKS, "insert"),
)
@repeatable
def insert(cloud: Cloud, call: Call) -> Document:
    """Make a subnet; its range must be free in the network now, and still be when the operation ends."""
    name = SUBNETWORKS.name(cloud, call, own_name(call))
    if not call.body.get("ipCidrRange"):
        raise required("ipCidrRange")
    subnet_range(call.body["ipCidrRange"], "resource.ipCidrRange")
    _check_secondary(call.body)
    network = network_of(cloud, call)
    document = _finished(dressed(cloud, SUBNETWORKS, name, DEFAULTS | call.body | {"network": link(network)}))

    def check() -> None:
        network_of(cloud, call)
        check_auto(cloud, network, document["ipCidrRange"])
        check_free(cloud, network, name, ranges_of(document), routed=document["allowSubnetCidrRoutesOverlap"])

    full = late_quota(cloud, SUBNETWORKS, name)
    ready = lambda: _add_routes(cloud, document)  # noqa: E731
    return create(cloud, call, SUBNETWORKS, name, document, check=check, late=full, then=ready)


def _check_secondary(body: Document) -> None:
    for index, one in enumerate(body.get("secondaryIpRanges", [])):
        field = f"resource.secondaryIpRanges[{index}]"
        check_name(one.get("rangeName", ""), f"{field}.rangeName")
        subnet_range(one.get("ipCidrRange", ""), f"{field}.ipCidrRange")


def _finished(document: Document) -> Document:
    """With what follows from the rest: gateway, flow logs in both spellings, fingerprint."""
    gateway = str(subnet_range(document["ipCidrRange"], "resource.ipCidrRange")[1])
    found = document | {"gatewayAddress": gateway}
    if "logConfig" in document:
        found["enableFlowLogs"] = bool(document["logConfig"].get("enable"))
    if found["purpose"] == "PRIVATE_NAT":
        found.pop("stackType", None)  # source: a recorded subnet of a private NAT
    found.pop("fingerprint", None)
    digest = hashlib.sha256(json.dumps(found, sort_keys=True).encode()).digest()[:8]
    return found | {"fingerprint": base64.b64encode(digest).decode()}


def _add_routes(cloud: Cloud, document: Document) -> None:
    for cidr in ranges_of(document):
        routes.add_local(cloud, named(cloud, document["network"], "network", ""), cidr)


def _drop_routes(cloud: Cloud, document: Document) -> None:
    for cidr in ranges_of(document):
        routes.drop_local(cloud, named(cloud, document["network"], "network", ""), cidr)


@serves("compute.subnetworks.get", permissions=("compute.subnetworks.get",))
def get(cloud: Cloud, call: Call) -> Document:
    return readable(cloud, SUBNETWORKS, SUBNETWORKS.name(cloud, call))


@serves("compute.subnetworks.list", permissions=("compute.subnetworks.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    return listed(cloud, call, SUBNETWORKS)


@serves("compute.subnetworks.aggregatedList", permissions=("compute.subnetworks.list",))
def aggregated_list(cloud: Cloud, call: Call) -> Document:
    return aggregated(cloud, call, SUBNETWORKS)


@serves(
    "compute.subnetworks.patch",
    permissions=("compute.subnetworks.update", "compute.subnetworks.get"),
    audited=audited(SUBNETWORKS, "patch"),
)
@repeatable
def patch(cloud: Cloud, call: Call) -> Document:
    """Change what is not fixed, for who shows the present fingerprint (400 without one, 412 for an old one)."""
    name = SUBNETWORKS.name(cloud, call)
    current = existing(cloud, SUBNETWORKS, name)
    given = call.body.get("fingerprint")
    if not given:
        raise required("fingerprint")
    if given.replace("-", "+").replace("_", "/") != current["fingerprint"]:
        raise ApiError(INVALID, "Invalid fingerprint.", reason="conditionNotMet", http=412)
    for field in FIXED:
        if field in call.body and short(call.body[field]) != short(current[field]):
            raise invalid(f"resource.{field}", call.body[field], "The field is immutable.")
    _check_secondary(call.body)
    body = {key: value for key, value in call.body.items() if key not in (*FIXED, "selfLink", "gatewayAddress")}
    if "enableFlowLogs" in body and "logConfig" not in body:
        body["logConfig"] = current.get("logConfig", {}) | {"enable": body["enableFlowLogs"]}
    changed = _finished(current | body)
    network = named(cloud, current["network"], "network", "")

    def check() -> None:
        check_free(cloud, network, name, ranges_of(changed), routed=changed.get("allowSubnetCidrRoutesOverlap", False))

    def reroute() -> None:
        _drop_routes(cloud, current)
        _add_routes(cloud, changed)

    return change(cloud, call, SUBNETWORKS, name, changed, word="compute.subnetworks.patch", check=check, then=reroute)


@serves(
    "compute.subnetworks.setPrivateIpGoogleAccess",
    permissions=("compute.subnetworks.setPrivateIpGoogleAccess",),
    audited=audited(SUBNETWORKS, "setPrivateIpGoogleAccess"),
)
@repeatable
def set_private_ip_google_access(cloud: Cloud, call: Call) -> Document:
    name = SUBNETWORKS.name(cloud, call)
    current = existing(cloud, SUBNETWORKS, name)
    changed = _finished(current | {"privateIpGoogleAccess": bool(call.body.get("privateIpGoogleAccess"))})
    return change(cloud, call, SUBNETWORKS, name, changed, word="setPrivateIpGoogleAccess")


@serves(
    "compute.subnetworks.delete",
    permissions=("compute.subnetworks.delete",),
    audited=audited(SUBNETWORKS, "delete"),
)
@repeatable
def delete(cloud: Cloud, call: Call) -> Document:
    """Remove a subnet that no connector, NAT or address holds."""
    name = SUBNETWORKS.name(cloud, call)
    current = existing(cloud, SUBNETWORKS, name)

    def check() -> None:
        if user := next(_users(cloud, name), None):
            raise in_use(SUBNETWORKS, name, user)

    return remove(cloud, call, SUBNETWORKS, name, check=check, then=lambda: _drop_routes(cloud, current))


def _users(cloud: Cloud, name: str) -> Iterator[str]:
    _, project, _, region, _, subnet = name.split("/")
    for connector, body in cloud.table("vpcaccess.connectors").items():
        _, own, _, where, _, id_ = connector.split("/")
        held = body.get("subnet", {})
        if (
            where == region
            and held.get("name") == subnet
            and (held.get("projectId") or own)
            in (
                project,
                cloud.projects.get(project),
            )
        ):
            vm = f"aet-{region.replace('-', '')}-{id_.replace('-', '--')}-7zxp"
            yield f"projects/{own}/zones/{region}-b/instances/{vm}"
    for router, body in cloud.table(ROUTERS.table).items():
        for nat in body.get("nats", []):
            if any(named(cloud, one["name"], "name", project) == name for one in nat.get("subnetworks", [])):
                yield router
    for address, body in cloud.table(ADDRESSES.table).items():
        if body.get("subnetwork") and named(cloud, body["subnetwork"], "subnetwork", project) == name:
            yield address
    yield from serverless.users(cloud, name)


def add_auto(cloud: Cloud, network: str, region: str) -> None:
    """The subnet that an auto-mode network has in a region: the network's name, Google's range."""
    name = f"projects/{network.split('/')[1]}/regions/{region}/subnetworks/{short(network)}"
    body = DEFAULTS | {"network": link(network), "ipCidrRange": auto_range(region)}
    document = _finished(dressed(cloud, SUBNETWORKS, name, body))
    put(cloud, SUBNETWORKS, name, document)
    _add_routes(cloud, document)


def is_auto(cloud: Cloud, document: Document) -> bool:
    """Whether a subnet came with its auto-mode network, and will go with it."""
    if document["kind"] != "compute#subnetwork":
        return False
    network = cloud.table(NETWORKS.table).get(named(cloud, document["network"], "network", ""), {})
    return bool(network.get("autoCreateSubnetworks")) and document["name"] == network.get("name")
