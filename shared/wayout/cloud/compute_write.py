"""Writing networks, subnets, firewall rules and routers; each returns when Google has done it, or raises CloudError.

Patches are written as JSON: the library leaves empty lists out, so that nothing could ever be taken away, and drops
fields that it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from wayout.cloud import compute_documents as documents
from wayout.cloud.asking import REST
from wayout.cloud.compute_documents import Document
from wayout.cloud.errors import ConflictError, RefusedError, UnaskedError
from wayout.cloud.operations import Turn, finish_compute
from wayout.egress.model import FirewallRule, Nat, Network, Router, RouterName, RuleName, Subnet, SubnetName


def create_network(turn: Turn, wanted: Network) -> None:
    """A network without automatic subnets, whatever the default."""
    from google.cloud import compute_v1

    name = wanted.name
    resource = compute_v1.Network(
        name=name.network, description=wanted.description, auto_create_subnetworks=wanted.auto_subnets
    )
    _write(
        turn,
        "compute.networks.create",
        str(name),
        lambda how: turn.clients.networks.insert(
            compute_v1.InsertNetworkRequest(project=name.project, network_resource=resource, **how), **REST
        ),
    )


def create_subnet(turn: Turn, wanted: Subnet) -> None:
    from google.cloud import compute_v1

    name = wanted.name
    resource = compute_v1.Subnetwork(
        name=name.subnet,
        network=str(wanted.network),
        ip_cidr_range=wanted.range,
        private_ip_google_access=wanted.google_access,
        description=wanted.description,
    )
    request = {"project": name.project, "region": name.region, "subnetwork_resource": resource}
    _write(
        turn,
        "compute.subnetworks.create",
        str(name),
        lambda how: turn.clients.subnetworks.insert(compute_v1.InsertSubnetworkRequest(**request, **how), **REST),
    )


def update_subnet(turn: Turn, wanted: Subnet) -> None:
    """Sets Private Google Access, by the call that can touch nothing else."""
    from google.cloud import compute_v1

    name = wanted.name
    resource = compute_v1.SubnetworksSetPrivateIpGoogleAccessRequest(private_ip_google_access=wanted.google_access)
    request = {
        "project": name.project,
        "region": name.region,
        "subnetwork": name.subnet,
        "subnetworks_set_private_ip_google_access_request_resource": resource,
    }
    _write(
        turn,
        "compute.subnetworks.setPrivateIpGoogleAccess",
        str(name),
        lambda how: turn.clients.subnetworks.set_private_ip_google_access(
            compute_v1.SetPrivateIpGoogleAccessSubnetworkRequest(**request, **how), **REST
        ),
    )


def remove_subnet(turn: Turn, name: SubnetName) -> None:
    from google.cloud import compute_v1

    request = {"project": name.project, "region": name.region, "subnetwork": name.subnet}
    _write(
        turn,
        "compute.subnetworks.delete",
        str(name),
        lambda how: turn.clients.subnetworks.delete(compute_v1.DeleteSubnetworkRequest(**request, **how), **REST),
    )


def create_rule(turn: Turn, wanted: FirewallRule) -> None:
    from google.cloud import compute_v1

    name = wanted.name
    resource = compute_v1.Firewall.from_json(json.dumps(documents.rule_document(wanted)))
    _write(
        turn,
        "compute.firewalls.create",
        str(name),
        lambda how: turn.clients.firewalls.insert(
            compute_v1.InsertFirewallRequest(project=name.project, firewall_resource=resource, **how), **REST
        ),
    )


def update_rule(turn: Turn, wanted: FirewallRule, was: FirewallRule) -> None:
    """Patches what differs, and nothing else: of a rule that Google made, we may set no more than that.

    Read again just before: what others have put right meanwhile is not put right twice, or our own ledger would tell
    of a fight. Raises ConflictError then.
    """
    name, before = wanted.name, documents.rule_document(was)
    changed = {key: value for key, value in documents.rule_document(wanted).items() if value != before[key]}

    def first() -> None:
        now = documents.rule_document(_rule(turn, name))
        if all(now[key] == value for key, value in changed.items()):
            raise UnaskedError("others have put it right meanwhile")

    if changed:
        _patch(turn, "compute.firewalls.update", name, f"global/firewalls/{name.rule}", changed, first)


def remove_rule(turn: Turn, name: RuleName) -> None:
    from google.cloud import compute_v1

    _write(
        turn,
        "compute.firewalls.delete",
        str(name),
        lambda how: turn.clients.firewalls.delete(
            compute_v1.DeleteFirewallRequest(project=name.project, firewall=name.rule, **how), **REST
        ),
    )


def create_router(turn: Turn, wanted: Router) -> None:
    from google.cloud import compute_v1

    name = wanted.name
    resource = compute_v1.Router.from_json(json.dumps(documents.router_document(wanted)))
    request = {"project": name.project, "region": name.region, "router_resource": resource}
    _write(
        turn,
        "compute.routers.create",
        str(name),
        lambda how: turn.clients.routers.insert(compute_v1.InsertRouterRequest(**request, **how), **REST),
    )


def update_router(turn: Turn, wanted: Router, was: Router) -> None:
    """Replaces the list of NATs, which no fingerprint guards: read again just before, and verified just after.

    NATs that were to stay as they are go back as they came, field for field. Raises ConflictError if somebody else
    wrote before or after.
    """
    name = wanted.name
    before = _as_seen(turn, was)
    theirs = {one["name"]: one for one in before.get("nats", [])}
    stays = {one.name for one in was.nats if one in wanted.nats}
    nats = [
        theirs[one.name] if one.name in stays else theirs.get(one.name, {}) | documents.nat_document(name, one)
        for one in wanted.nats
    ]
    path = f"regions/{name.region}/routers/{name.router}"
    _patch(turn, "compute.routers.update", name, path, {"nats": nats}, lambda: _as_seen(turn, was))
    if not documents.same_nats(_nats(name, _router(turn, name)), wanted.nats):
        raise ConflictError("its NATs are not what was asked for: somebody wrote at the same time")


def remove_router(turn: Turn, was: Router) -> None:
    """Removes a router that still is what was seen, read again just before: no fingerprint guards it.

    Raises ConflictError if somebody changed its NATs, and RefusedError if it serves more than NAT.
    """
    from google.cloud import compute_v1

    name = was.name
    before = _as_seen(turn, was)
    if more := [word for word in ("interfaces", "bgpPeers") if before.get(word)]:
        raise RefusedError(
            f"somebody gave it {' and '.join(more)}, so it serves more than NAT", f"take them off {name}"
        )
    request = {"project": name.project, "region": name.region, "router": name.router}
    _write(
        turn,
        "compute.routers.delete",
        str(name),
        lambda how: turn.clients.routers.delete(compute_v1.DeleteRouterRequest(**request, **how), **REST),
    )


def _rule(turn: Turn, name: RuleName) -> FirewallRule:
    found = turn.ask(
        "compute.firewalls.get",
        str(name),
        lambda: turn.clients.firewalls.get(project=name.project, firewall=name.rule, **REST),
    )
    return documents.rule(name.project, found)


def _as_seen(turn: Turn, was: Router) -> Document:
    """A router as it is now. Raises ConflictError if its NATs are not those that were seen."""
    found = _router(turn, was.name)
    if not documents.same_nats(_nats(was.name, found), was.nats):
        raise UnaskedError("somebody changed its NATs since we looked")
    return found


def _router(turn: Turn, name: RouterName) -> Document:
    return turn.fetch("compute.routers.get", str(name), "GET", f"{turn.clients.compute_url}/compute/v1/{name}")


def _nats(name: RouterName, document: Document) -> tuple[Nat, ...]:
    from google.cloud import compute_v1

    found = compute_v1.Router.from_json(json.dumps(document), ignore_unknown_fields=True)
    return documents.router(name.project, name.region, found).nats


def _write(turn: Turn, permission: str, resource: str, call: Callable[[dict[str, Any]], Any]) -> None:
    """Make one write of the library and wait for its operation."""
    started = turn.ask(permission, resource, lambda: call({"request_id": turn.request_id}))
    _finish(turn, permission, resource, started.name)


def _patch(
    turn: Turn, permission: str, name: RuleName | RouterName, path: str, body: Document, first: Callable[[], object]
) -> None:
    """Patch with a body of our own, `first` being done before each try, and wait for the operation."""
    url = f"{turn.clients.compute_url}/compute/v1/projects/{name.project}/{path}"
    params = {"requestId": turn.request_id}
    started = turn.fetch(permission, str(name), "PATCH", url, params=params, json=body, first=first)
    _finish(turn, permission, str(name), started["name"])


def _finish(turn: Turn, permission: str, resource: str, operation: str) -> None:
    _, project, scope, *rest = resource.split("/")
    finish_compute(turn, project, rest[0] if scope == "regions" else None, operation, permission, resource)
