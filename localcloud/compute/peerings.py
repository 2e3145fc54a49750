"""VPC Network Peering: a link counts once both networks have made their side of it; ranges may not overlap.

Source of the texts about operations in progress and a second link to one network: public reports. Those about names
(taken, unknown) are assumed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from localcloud.calls import Call, Document
from localcloud.compute.common import (
    NETWORKS,
    ROUTES,
    audited,
    book,
    check_name,
    existing,
    invalid,
    link,
    named,
    repeatable,
    required,
)
from localcloud.compute.peered import canonical, check_link, relink, sides, write
from localcloud.compute.writing import settled
from localcloud.core import Cloud, serves
from localcloud.errors import DENIED, INVALID, ApiError
from localcloud.operations import start_compute

OURS: Document = {
    "autoCreateRoutes": True,
    "exchangeSubnetRoutes": True,
    "exportCustomRoutes": False,
    "importCustomRoutes": False,
    "exportSubnetRoutesWithPublicIp": True,
    "importSubnetRoutesWithPublicIp": False,
    "stackType": "IPV4_ONLY",
}
SERVER_FIELDS = {"state", "stateDetails", "connectionStatus", "peerMtu"}
BUSY = "There is a {} operation in progress on the local or peer network. Try again later."


class Linking:
    """The networks on which a peering is being changed."""

    def __init__(self, _cloud: Cloud) -> None:
        self.networks: list[str] = []


@serves(
    "compute.networks.addPeering",
    permissions=("compute.networks.addPeering",),
    audited=audited(NETWORKS, "addPeering"),
)
@repeatable
def add(cloud: Cloud, call: Call) -> Document:
    """Make this network's side of a link; that ranges overlap shows in the operation."""
    name = NETWORKS.name(cloud, call)
    peering = _asked(cloud, call, name)
    peer = canonical(peering["network"])
    for one in existing(cloud, NETWORKS, name).get("peerings", []):
        if one["name"] == peering["name"]:
            raise invalid("networkPeering.name", one["name"], "A peering with this name already exists.")
        if canonical(one["network"]) == peer:
            text = f"There is already a peering {one['name']} with the same network. Select another network."
            raise ApiError(INVALID, text, reason="invalid")

    def effect() -> None:
        check_link(cloud, name, peer)
        write(cloud, name, [*sides(cloud, name), peering])

    return _start(cloud, call, name, peer, "addPeering", effect)


def _asked(cloud: Cloud, call: Call, name: str) -> Document:
    """The side of the link that a request describes, in its new form or in its old one."""
    given = dict(call.body.get("networkPeering", {}))
    given.setdefault("name", call.body.get("name", ""))
    given.setdefault("network", call.body.get("peerNetwork", ""))
    if not given["network"]:
        raise required("networkPeering.network")
    check_name(given["name"], "networkPeering.name")
    given["network"] = link(_peer(cloud, given["network"], name.split("/")[1]))
    if canonical(given["network"]) == name:
        raise invalid("networkPeering.network", given["network"], "A network cannot be peered with itself.")
    return OURS | {key: value for key, value in given.items() if key not in SERVER_FIELDS}


def _peer(cloud: Cloud, given: str, project: str) -> str:
    """The peer's canonical name; it may lie in a project that is not of this cloud, as a service producer's does."""
    try:
        return named(cloud, given, "networkPeering.network", project)
    except ApiError as refusal:
        match = re.search(r"projects/[^/]+/global/networks/[^/]+$", given)
        if refusal.code != DENIED or match is None:
            raise
        return match[0]


@serves(
    "compute.networks.updatePeering",
    permissions=("compute.networks.updatePeering",),
    audited=audited(NETWORKS, "updatePeering"),
)
@repeatable
def update(cloud: Cloud, call: Call) -> Document:
    """Change what is imported and exported; the peer stays."""
    name = NETWORKS.name(cloud, call)
    given: Document = call.body.get("networkPeering", {})
    current = _found(cloud, name, given.get("name", ""))
    fixed = {*SERVER_FIELDS, "name", "network"}
    changed = current | {key: value for key, value in given.items() if key not in fixed}

    def effect() -> None:
        write(cloud, name, [changed if one["name"] == changed["name"] else one for one in sides(cloud, name)])

    return _start(cloud, call, name, canonical(current["network"]), "updatePeering", effect)


@serves(
    "compute.networks.removePeering",
    permissions=("compute.networks.removePeering",),
    audited=audited(NETWORKS, "removePeering"),
)
@repeatable
def remove(cloud: Cloud, call: Call) -> Document:
    """Take this network's side of a link away; the other side stays, inactive."""
    name = NETWORKS.name(cloud, call)
    current = _found(cloud, name, call.body.get("name", ""))

    def effect() -> None:
        write(cloud, name, [one for one in sides(cloud, name) if one["name"] != current["name"]])

    return _start(cloud, call, name, canonical(current["network"]), "removePeering", effect)


def _found(cloud: Cloud, network: str, name: str) -> Document:
    for one in existing(cloud, NETWORKS, network).get("peerings", []):
        if one["name"] == name:
            return dict(one)
    raise invalid("name", name, f"There is no peering with this name in the network '{network}'.")


def _start(cloud: Cloud, call: Call, name: str, peer: str, word: str, effect: Callable[[], None]) -> Document:
    busy = cloud.part(Linking).networks
    settled(cloud, NETWORKS, name)
    if name in busy or peer in busy:
        raise ApiError(INVALID, BUSY.format("peering"), reason="invalid")
    if any(network in (name, peer) for network in _routing(cloud)):
        raise ApiError(INVALID, BUSY.format("route"), reason="invalid")
    busy += [name, peer]

    def finish() -> None:
        busy.remove(name)
        busy.remove(peer)
        existing(cloud, NETWORKS, name)
        effect()
        relink(cloud, name, peer)

    return start_compute(
        cloud,
        call,
        project=name.split("/")[1],
        target=name,
        target_id=existing(cloud, NETWORKS, name)["id"],
        kind=word,
        region=None,
        seconds=cloud.duration(call.method),
        finish=finish,
    )


def check_no_linking(cloud: Cloud, network: str) -> None:
    """Refuse a change of a network's routes while one of its peerings changes."""
    if network in cloud.part(Linking).networks:
        raise ApiError(INVALID, BUSY.format("peering"), reason="invalid")


def _routing(cloud: Cloud) -> Iterator[str]:
    """The networks whose static routes are being changed."""
    for name, document in book(cloud).busy.items():
        if "/global/routes/" in name:
            found = document or cloud.table(ROUTES.table).get(name)
            if found:
                yield canonical(found["network"])
