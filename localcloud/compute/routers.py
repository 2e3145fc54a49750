"""compute.routers. A router has no fingerprint; NAT gateways are a list inside it that a patch replaces whole."""

from __future__ import annotations

from localcloud.calls import Call, Document
from localcloud.compute import nats
from localcloud.compute.common import (
    ROUTERS,
    audited,
    dressed,
    existing,
    invalid,
    link,
    network_of,
    own_name,
    readable,
    repeatable,
    short,
)
from localcloud.compute.limits import check_room, late_quota
from localcloud.compute.listing import aggregated, listed
from localcloud.compute.writing import change, create, remove
from localcloud.core import Cloud, serves

POLICY = "compute.networks.updatePolicy"
SERVER_FIELDS = ("id", "kind", "creationTimestamp", "selfLink", "region")
UPDATE = ("compute.routers.update", "compute.routers.get", POLICY)


@serves("compute.routers.insert", permissions=("compute.routers.create", POLICY), audited=audited(ROUTERS, "insert"))
@repeatable
def insert(cloud: Cloud, call: Call) -> Document:
    """Make a router, perhaps with gateways in it at once."""
    name = ROUTERS.name(cloud, call, own_name(call))
    nats.check_use(cloud, call, name)
    network = network_of(cloud, call)
    document = dressed(cloud, ROUTERS, name, _completed(call.body | {"network": link(network)}))

    def check() -> None:
        network_of(cloud, call)
        nats.check(cloud, name, document)

    check_room(cloud, name, document)
    return create(cloud, call, ROUTERS, name, document, check=check, late=late_quota(cloud, ROUTERS, name))


def _completed(body: Document) -> Document:
    found: Document = {"encryptedInterconnectRouter": False} | body
    if found.get("nats"):
        found["nats"] = [nats.completed(nat) for nat in found["nats"]]
    else:
        found.pop("nats", None)
    if found.get("bgp"):
        found["bgp"] = {"advertiseMode": "DEFAULT", "keepaliveInterval": 20} | found["bgp"]
    return found


@serves("compute.routers.get", permissions=("compute.routers.get",))
def get(cloud: Cloud, call: Call) -> Document:
    return readable(cloud, ROUTERS, ROUTERS.name(cloud, call))


@serves("compute.routers.list", permissions=("compute.routers.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    return listed(cloud, call, ROUTERS)


@serves("compute.routers.aggregatedList", permissions=("compute.routers.list",))
def aggregated_list(cloud: Cloud, call: Call) -> Document:
    return aggregated(cloud, call, ROUTERS)


@serves("compute.routers.patch", permissions=UPDATE, audited=audited(ROUTERS, "patch"))
@repeatable
def patch(cloud: Cloud, call: Call) -> Document:
    """JSON merge patch: `nats`, when sent, is the whole list from now on; an empty one removes them all."""
    name = ROUTERS.name(cloud, call)
    current = existing(cloud, ROUTERS, name)
    merged = current | call.body
    if "bgp" in call.body:
        merged["bgp"] = current.get("bgp", {}) | call.body["bgp"]
    return _change(cloud, call, name, current, merged, "patch")


@serves("compute.routers.update", permissions=UPDATE, audited=audited(ROUTERS, "update"))
@repeatable
def update(cloud: Cloud, call: Call) -> Document:
    """PUT: what is not said is gone."""
    name = ROUTERS.name(cloud, call)
    current = existing(cloud, ROUTERS, name)
    fixed = {key: current[key] for key in ("name", "network")}
    return _change(cloud, call, name, current, fixed | call.body, "update")


def _change(cloud: Cloud, call: Call, name: str, current: Document, wanted: Document, word: str) -> Document:
    for field in ("name", "network"):
        if short(wanted[field]) != short(current[field]):
            raise invalid(f"resource.{field}", wanted[field], "The field is immutable.")
    nats.check_use(cloud, call, name)
    kept = {key: current[key] for key in (*SERVER_FIELDS, "network")}
    document = _completed(wanted | kept)
    return change(cloud, call, ROUTERS, name, document, word=word, check=lambda: nats.check(cloud, name, document))


@serves("compute.routers.delete", permissions=("compute.routers.delete", POLICY), audited=audited(ROUTERS, "delete"))
@repeatable
def delete(cloud: Cloud, call: Call) -> Document:
    return remove(cloud, call, ROUTERS, ROUTERS.name(cloud, call))
