"""compute.firewalls."""

from __future__ import annotations

from localcloud.calls import Call, Document
from localcloud.compute import connector_rules
from localcloud.compute.common import (
    FIREWALLS,
    absent,
    audited,
    book,
    dressed,
    existing,
    invalid,
    link,
    network_of,
    own_name,
    readable,
    repeatable,
    required,
    short,
)
from localcloud.compute.limits import check_quota
from localcloud.compute.listing import listed
from localcloud.compute.rulechecks import completed
from localcloud.compute.writing import change, create, remove
from localcloud.core import Cloud, serves
from localcloud.errors import NOT_FOUND, ApiError

POLICY = "compute.networks.updatePolicy"
SERVER_FIELDS = ("id", "kind", "creationTimestamp", "selfLink")
DEFAULT_NETWORK = "global/networks/default"


@serves(
    "compute.firewalls.insert", permissions=("compute.firewalls.create", POLICY), audited=audited(FIREWALLS, "insert")
)
@repeatable
def insert(cloud: Cloud, call: Call) -> Document:
    """Make a rule. One rule too many is refused at once."""
    name = FIREWALLS.name(cloud, call, own_name(call))
    network = _network(cloud, call)
    document = dressed(cloud, FIREWALLS, name, _completed(cloud, call.body | {"network": link(network)}))
    if name not in cloud.table(FIREWALLS.table) and name not in book(cloud).busy:
        check_quota(cloud, FIREWALLS, name.split("/")[1])
    return create(cloud, call, FIREWALLS, name, document, check=lambda: _still(cloud, call))


def _completed(cloud: Cloud, rule: Document) -> Document:
    return completed(rule, ingress_destinations=bool(cloud.switch("compute.ingress_destinations")))


def _still(cloud: Cloud, call: Call) -> None:
    _network(cloud, call)


def _network(cloud: Cloud, call: Call) -> str:
    """The rule's network, by default the one called `default`."""
    given = call.body.get("network") or DEFAULT_NETWORK
    try:
        return network_of(cloud, Call(call.method, call.params, call.body | {"network": given}, call.caller))
    except ApiError as refusal:
        if refusal.code != NOT_FOUND:
            raise
        raise invalid("resource.network", given, "The referenced network resource cannot be found.") from None


@serves("compute.firewalls.get", permissions=("compute.firewalls.get",))
def get(cloud: Cloud, call: Call) -> Document:
    return readable(cloud, FIREWALLS, FIREWALLS.name(cloud, call))


@serves("compute.firewalls.list", permissions=("compute.firewalls.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    return listed(cloud, call, FIREWALLS)


@serves(
    "compute.firewalls.patch",
    permissions=("compute.firewalls.update", "compute.firewalls.get", POLICY),
    audited=audited(FIREWALLS, "patch"),
)
@repeatable
def patch(cloud: Cloud, call: Call) -> Document:
    """JSON merge patch: lists are replaced whole, the rest stays."""
    name = FIREWALLS.name(cloud, call)
    current = existing(cloud, FIREWALLS, name)
    merged = current | call.body
    if "logConfig" in call.body:
        merged["logConfig"] = current.get("logConfig", {}) | call.body["logConfig"]
    return _change(cloud, call, name, current, merged, "patch")


@serves(
    "compute.firewalls.update",
    permissions=("compute.firewalls.update", "compute.firewalls.get", POLICY),
    audited=audited(FIREWALLS, "update"),
)
@repeatable
def update(cloud: Cloud, call: Call) -> Document:
    """PUT: what is not said goes back to its default."""
    name = FIREWALLS.name(cloud, call)
    current = existing(cloud, FIREWALLS, name)
    fixed = {key: current[key] for key in ("name", "network", "direction")}
    return _change(cloud, call, name, current, fixed | call.body, "update")


def _change(cloud: Cloud, call: Call, name: str, current: Document, wanted: Document, word: str) -> Document:
    if wanted["name"] != current["name"]:
        raise invalid("resource.name", wanted["name"], "The name of a firewall rule cannot be changed.")
    if wanted.get("direction", current["direction"]) != current["direction"]:
        raise invalid("resource.direction", wanted["direction"], "The direction of a firewall rule cannot be changed.")
    if not wanted.get("network"):
        raise required("network")
    if short(wanted["network"]) != short(current["network"]):
        raise invalid("resource.network", wanted["network"], "The network of a firewall rule cannot be changed.")
    connector_rules.guard(cloud, call, name)
    kept = {key: current[key] for key in (*SERVER_FIELDS, "network")}
    document = _completed(cloud, wanted | kept)
    return change(cloud, call, FIREWALLS, name, document, word=word, then=lambda: connector_rules.touched(cloud, name))


@serves(
    "compute.firewalls.delete", permissions=("compute.firewalls.delete", POLICY), audited=audited(FIREWALLS, "delete")
)
@repeatable
def delete(cloud: Cloud, call: Call) -> Document:
    name = FIREWALLS.name(cloud, call)
    if name not in cloud.table(FIREWALLS.table) and name not in book(cloud).busy:
        raise absent(name)
    connector_rules.guard(cloud, call, name)
    return remove(cloud, call, FIREWALLS, name, then=lambda: connector_rules.touched(cloud, name))
