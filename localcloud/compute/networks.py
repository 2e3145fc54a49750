"""compute.networks: made with their default route, gone only when nothing lies on them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from itertools import chain

from localcloud import lag
from localcloud.calls import Call, Document
from localcloud.compute import peered, routes, subnetworks
from localcloud.compute.common import (
    FIREWALLS,
    NETWORKS,
    ROUTERS,
    ROUTES,
    SUBNETWORKS,
    audited,
    book,
    dressed,
    existing,
    in_use,
    invalid,
    link,
    own_name,
    readable,
    repeatable,
    required,
)
from localcloud.compute.limits import late_quota
from localcloud.compute.listing import envelope, listed
from localcloud.compute.peered import canonical
from localcloud.compute.peerings import check_no_linking
from localcloud.compute.places import REGIONS
from localcloud.compute.ranges import allocated, hidden
from localcloud.compute.writing import change, create, remove
from localcloud.core import Cloud, serves
from localcloud.operations import COMPUTE

PEERING_ROUTES = "compute.peering_routes"  # network -> what networks.listPeeringRoutes says of its peers' routes
POLICIES = "compute.effective_policies"  # network -> {"firewallPolicys": [...]} for getEffectiveFirewalls


@serves("compute.networks.insert", permissions=("compute.networks.create",), audited=audited(NETWORKS, "insert"))
@repeatable
def insert(cloud: Cloud, call: Call) -> Document:
    """Make a network; its default route, and the subnets of an auto-mode one, come with it."""
    name = NETWORKS.name(cloud, call, own_name(call))
    if "autoCreateSubnetworks" not in call.body:
        raise required("autoCreateSubnetworks")
    document = dressed(cloud, NETWORKS, name, _defaults(call.body))
    document["selfLinkWithId"] = link(f"{name.rsplit('/', 1)[0]}/{document['id']}")

    def furnish() -> None:
        routes.add_default(cloud, name)
        if document["autoCreateSubnetworks"]:
            for region in REGIONS:
                subnetworks.add_auto(cloud, name, region)

    full = late_quota(cloud, NETWORKS, name)
    return create(cloud, call, NETWORKS, name, document, check=lambda: None, late=full, then=furnish)


def _defaults(body: Document) -> Document:
    routing = {"routingMode": "REGIONAL", "bgpBestPathSelectionMode": "LEGACY"} | body.get("routingConfig", {})
    order = body.get("networkFirewallPolicyEnforcementOrder", "AFTER_CLASSIC_FIREWALL")
    found = body | {"routingConfig": routing, "networkFirewallPolicyEnforcementOrder": order}
    if "networkProfile" in body:
        found["networkProfile"] = COMPUTE + "/projects/" + str(body["networkProfile"]).rpartition("projects/")[2]
    return _with_ula(found)


def _with_ula(network: Document) -> Document:
    """With a /48 of its own when internal IPv6 is on. A plain no is not shown. Source: recorded."""
    if not network.get("enableUlaInternalIpv6"):
        return {key: value for key, value in network.items() if key != "enableUlaInternalIpv6"}
    if "internalIpv6Range" in network:
        return network
    digits = hashlib.sha256(json.dumps(network, sort_keys=True).encode()).hexdigest()
    return network | {"internalIpv6Range": f"fd20:{digits[:3]}:{digits[3:6]}:0:0:0:0:0/48"}


@serves("compute.networks.get", permissions=("compute.networks.get",))
def get(cloud: Cloud, call: Call) -> Document:
    name = NETWORKS.name(cloud, call)
    return shown(cloud, name, readable(cloud, NETWORKS, name))


@serves("compute.networks.list", permissions=("compute.networks.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    prefix = NETWORKS.scope(cloud, call) + "/networks/"
    table = lag.seen(cloud, NETWORKS.table)
    return listed(
        cloud,
        call,
        NETWORKS,
        [(name, shown(cloud, name, one)) for name, one in table.items() if name.startswith(prefix)],
    )


def shown(cloud: Cloud, name: str, document: Document) -> Document:
    """The network with the links of its subnets."""
    subnets = cloud.table(SUBNETWORKS.table).values()
    links = sorted(one["selfLink"] for one in subnets if one["network"] == link(name))
    return document | ({"subnetworks": links} if links else {})


@serves(
    "compute.networks.patch",
    permissions=("compute.networks.update", "compute.networks.get"),
    audited=audited(NETWORKS, "patch"),
)
@repeatable
def patch(cloud: Cloud, call: Call) -> Document:
    """Change routing mode, MTU, ULA or the order of firewall policies; the rest is fixed."""
    name = NETWORKS.name(cloud, call)
    check_no_linking(cloud, name)
    current = existing(cloud, NETWORKS, name)
    for field in ("autoCreateSubnetworks", "name"):
        if field in call.body and call.body[field] != current.get(field):
            raise invalid(f"resource.{field}", call.body[field], "The field is immutable.")
    routing = current["routingConfig"] | call.body.get("routingConfig", {})
    changed = current | {key: value for key, value in call.body.items() if key not in ("selfLink", "subnetworks")}
    word = "updateNetwork" if "enableUlaInternalIpv6" in call.body else "patch"
    return change(cloud, call, NETWORKS, name, _with_ula(changed | {"routingConfig": routing}), word=word)


@serves("compute.networks.delete", permissions=("compute.networks.delete",), audited=audited(NETWORKS, "delete"))
@repeatable
def delete(cloud: Cloud, call: Call) -> Document:
    """Remove a network on which nothing lies. What holds it fails the operation, not the call. Source: recorded."""
    name = NETWORKS.name(cloud, call)
    check_no_linking(cloud, name)

    def late() -> None:
        if user := next(chain(_users(cloud, name), _coming(cloud, name)), None):
            raise in_use(NETWORKS, name, user)

    def sweep() -> None:
        for kind in (ROUTES, SUBNETWORKS):
            table = cloud.table(kind.table)
            for mine in [one for one, document in table.items() if document["network"] == link(name)]:
                del table[mine]
        peered.forget(cloud, name)

    return remove(cloud, call, NETWORKS, name, late=late, then=sweep)


def _users(cloud: Cloud, network: str) -> Iterator[str]:
    """What holds a network: not the routes and subnets that came with it."""
    for kind in (FIREWALLS, SUBNETWORKS, ROUTERS, ROUTES):
        for name, one in sorted(cloud.table(kind.table).items()):
            if one["network"] == link(network) and not routes.came_along(one) and not subnetworks.is_auto(cloud, one):
                yield name
    for name, _ in (*allocated(cloud, network), *hidden(cloud, network)):
        yield name


def _coming(cloud: Cloud, network: str) -> Iterator[str]:
    for plural in ("firewalls", "subnetworks", "routers", "routes"):
        for name, one in book(cloud).being_made(plural):
            if one["network"] == link(network):
                yield name


@serves("compute.networks.getEffectiveFirewalls", permissions=("compute.networks.getEffectiveFirewalls",))
def get_effective_firewalls(cloud: Cloud, call: Call) -> Document:
    """The network's rules, and the policies that somebody laid in the table of effective policies."""
    name = NETWORKS.name(cloud, call)
    existing(cloud, NETWORKS, name)
    rules = [one for _, one in sorted(cloud.table(FIREWALLS.table).items()) if one["network"] == link(name)]
    found: Document = {"firewalls": rules} if rules else {}
    laid = cloud.table(POLICIES).get(name, {})
    policies = [one for one in laid.get("firewallPolicys", []) if not _regional(one)]
    return found | ({"firewallPolicys": policies} if policies else {})


@serves(
    "compute.regionNetworkFirewallPolicies.getEffectiveFirewalls",
    permissions=("compute.networks.getRegionEffectiveFirewalls",),
)
def get_region_effective_firewalls(cloud: Cloud, call: Call) -> Document:
    """The region's own policies among those that somebody laid; one that names no `region` is every region's."""
    name = canonical(call.params["network"])
    existing(cloud, NETWORKS, name)
    region = call.params["region"]
    laid = cloud.table(POLICIES).get(name, {}).get("firewallPolicys", [])
    mine = [one for one in laid if _regional(one) and one.get("region", region) == region]
    policies = [{key: value for key, value in one.items() if key not in ("region", "shortName")} for one in mine]
    return {"firewallPolicys": policies} if policies else {}


def _regional(policy: Document) -> bool:
    return str(policy.get("type", "")).endswith("_REGIONAL")


@serves("compute.networks.listPeeringRoutes", permissions=("compute.networks.listPeeringRoutes",))
def list_peering_routes(cloud: Cloud, call: Call) -> Document:
    """Routes exchanged with peers, and those that somebody laid in the table of peering routes."""
    name = NETWORKS.name(cloud, call)
    existing(cloud, NETWORKS, name)
    laid = cloud.table(PEERING_ROUTES).get(name, {}).get("items", [])
    flow = peered.outgoing if call.params.get("direction") == "OUTGOING" else peered.incoming
    items = [*laid, *flow(cloud, name, call.params.get("peeringName", ""))]
    numbered = [(f"{index:06}", one) for index, one in enumerate(items)]
    return envelope(call, "compute#exchangedPeeringRoutesList", f"{name}/listPeeringRoutes", numbered)
