"""What lies around a network: its peers and what it has from them, what is set aside in it, reserved addresses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.local import NETWORK, PROJECT, REGION, Local, local
from wayout.cloud import compute_documents as documents
from wayout.cloud.asking import REST
from wayout.egress.model import (
    Address,
    AddressesIn,
    Create,
    Nat,
    Network,
    NetworkAt,
    NetworkName,
    Peering,
    PeerRoutesOf,
    Reserved,
    ReservedIn,
    Result,
    Route,
    Router,
    RouterName,
    RoutesOf,
    Subnet,
    SubnetName,
)

PEER, THIRD = NetworkName(PROJECT, "peer"), NetworkName(PROJECT, "third")
COMPUTE = "https://www.googleapis.com/compute/v1"


@pytest.fixture(scope="module")
def shared() -> Iterator[Local]:
    with local() as one:
        yield one


@pytest.fixture
def world(shared: Local) -> Local:
    """Three networks, with a subnet in each."""
    for table in shared.cloud.tables.values():
        table.clear()
    for number, name in enumerate((NETWORK, PEER, THIRD)):
        subnet = Subnet(SubnetName(PROJECT, REGION, name.network), name, f"10.{number}.0.0/24")
        outcomes = [shared.apply(Create(thing, "test"))[0] for thing in (Network(name), subnet)]
        assert [one.result for one in outcomes] == [Result.CREATED] * 2, outcomes
    return shared


def peered(world: Local) -> Local:
    world.peer("to-peer", NETWORK, PEER, import_custom_routes=True)
    world.peer("to-main", PEER, NETWORK, export_custom_routes=True)
    return world


def route(world: Local, network: NetworkName, name: str, to: str, **hop: Any) -> None:
    from google.cloud import compute_v1

    made = compute_v1.Route(name=name, network=str(network), dest_range=to, **hop)
    started = world.theirs.routes.insert(project=PROJECT, route_resource=made, **REST)
    world.theirs.global_operations.wait(project=PROJECT, operation=started.name, **REST)


def allocate(world: Local, name: str, network: NetworkName, **said: Any) -> None:
    """Set a range of a network aside for service producers."""
    inside = {"network": str(network), "purpose": "VPC_PEERING", "address_type": "INTERNAL"}
    reserve_globally(world, name, **inside, **said)


def reserve_globally(world: Local, name: str, **said: Any) -> None:
    from google.cloud import compute_v1

    body = compute_v1.Address({"name": name} | said)
    started = world.theirs.global_addresses.insert(project=PROJECT, address_resource=body, **REST)
    world.theirs.global_operations.wait(project=PROJECT, operation=started.name, **REST)


def reserve(world: Local, name: str, region: str = REGION, **said: Any) -> None:
    from google.cloud import compute_v1

    started = world.theirs.addresses.insert(
        project=PROJECT, region=region, address_resource=compute_v1.Address({"name": name} | said), **REST
    )
    world.theirs.region_operations.wait(project=PROJECT, region=region, operation=started.name, **REST)


# peers


def test_a_peering_is_up_once_both_sides_are_made(world: Local) -> None:
    world.peer("to-peer", NETWORK, PEER)
    assert world.see(NetworkAt(NETWORK)).peerings == (Peering("to-peer", PEER, active=False),)

    world.peer("to-main", PEER, NETWORK)

    assert world.see(NetworkAt(NETWORK)).peerings == (Peering("to-peer", PEER, active=True),)


def test_a_peers_subnets_and_exported_routes_are_seen(world: Local) -> None:
    route(world, PEER, "beyond", "192.168.0.0/16", next_hop_ip="10.1.0.9", priority=70)
    peered(world)

    assert world.see(PeerRoutesOf(NETWORK, REGION)) == (
        Route("to-peer:10.1.0.0/24", NETWORK, "10.1.0.0/24", 0, next_hop="to-peer", peering="to-peer"),
        Route("to-peer:192.168.0.0/16", NETWORK, "192.168.0.0/16", 70, next_hop="to-peer"),
    )


def test_routes_that_were_not_imported_are_not_seen(world: Local) -> None:
    route(world, PEER, "beyond", "192.168.0.0/16", next_hop_ip="10.1.0.9")
    world.peer("to-peer", NETWORK, PEER, import_custom_routes=False)
    world.peer("to-main", PEER, NETWORK, export_custom_routes=True)

    assert [one.destination for one in world.see(PeerRoutesOf(NETWORK, REGION))] == ["10.1.0.0/24"]


def test_routes_of_every_peer_are_seen_each_by_its_own_peering(world: Local) -> None:
    peered(world)
    world.peer("to-third", NETWORK, THIRD)
    world.peer("to-main", THIRD, NETWORK)

    found = {one.peering: one.destination for one in world.see(PeerRoutesOf(NETWORK, REGION))}

    assert found == {"to-peer": "10.1.0.0/24", "to-third": "10.2.0.0/24"}


def test_a_peering_that_is_not_up_is_not_asked_for_routes(world: Local) -> None:
    world.peer("to-peer", NETWORK, PEER)
    world.cloud.records.clear()

    assert world.see(PeerRoutesOf(NETWORK, REGION)) == ()
    assert not world.calls("compute.networks.listPeeringRoutes")


def test_only_incoming_routes_of_the_region_are_asked_for(world: Local) -> None:
    peered(world)
    world.cloud.records.clear()

    world.see(PeerRoutesOf(NETWORK, REGION))

    (asked,) = world.calls("compute.networks.listPeeringRoutes")
    assert (asked.params["direction"], asked.params["region"]) == ("INCOMING", REGION)


# routes of its own


def test_a_subnets_own_route_is_local_and_a_static_one_leads_beyond(world: Local) -> None:
    route(world, NETWORK, "office", "192.168.0.0/16", next_hop_ip="10.0.0.9")

    seen = {one.destination: one for one in world.see(RoutesOf(NETWORK))}

    assert {to: (one.local, one.internet) for to, one in seen.items()} == {
        "10.0.0.0/24": (True, False),
        "0.0.0.0/0": (False, True),
        "192.168.0.0/16": (False, False),
    }


BY_PEERING = [
    ("", "to-peer", "as peering routes of subnets are listed"),
    ("SUBNET", "to-peer", "a subnet of the peer"),
    ("STATIC", "", "leads beyond the peer"),
    ("BGP", "", "learned by the peer"),
]


@pytest.mark.parametrize(("kind", "peering", "reason"), BY_PEERING, ids=[row[2] for row in BY_PEERING])
def test_a_listed_route_by_a_peering_is_a_peers_subnet_unless_google_says_otherwise(
    kind: str, peering: str, reason: str
) -> None:
    from google.cloud import compute_v1

    fields = {"network": f"{COMPUTE}/{NETWORK}", "dest_range": "10.1.0.0/24", "next_hop_peering": "to-peer"}
    seen = documents.route(compute_v1.Route(fields | ({"route_type": kind} if kind else {})))

    assert (seen.peering, seen.next_hop, seen.local) == (peering, "to-peer", False), reason


# ranges and addresses that are set aside


def test_ranges_allocated_to_service_producers_are_seen_in_their_network_alone(world: Local) -> None:
    allocate(world, "sql", NETWORK, address="10.64.0.0", prefix_length=16)
    allocate(world, "build", PEER, address="10.65.0.0", prefix_length=20)

    assert world.see(ReservedIn(NETWORK)) == (Reserved("sql", "10.64.0.0/16", "VPC_PEERING"),)
    assert world.see(ReservedIn(PEER)) == (Reserved("build", "10.65.0.0/20", "VPC_PEERING"),)


def test_a_global_external_address_is_set_aside_in_no_network(world: Local) -> None:
    reserve_globally(world, "balancer", address_type="EXTERNAL")
    assert world.cloud.table("compute.globalAddresses")

    assert world.see(ReservedIn(NETWORK)) == ()


def test_a_single_address_is_the_range_of_one() -> None:
    from google.cloud import compute_v1

    found = compute_v1.Address(name="apis", address="10.255.0.1", purpose="PRIVATE_SERVICE_CONNECT")

    assert documents.reserved(found) == Reserved("apis", "10.255.0.1/32", "PRIVATE_SERVICE_CONNECT")


def test_reserved_external_addresses_of_the_region_say_whether_they_are_used(world: Local) -> None:
    for name in ("out-a", "out-b"):
        reserve(world, name)
    reserve(world, "far", "us-central1")
    reserve(
        world, "inside", address_type="INTERNAL", subnetwork=f"projects/{PROJECT}/regions/{REGION}/subnetworks/main"
    )
    nat = Nat("wayout", subnets=(SubnetName(PROJECT, REGION, "main"),), addresses=("out-b",))
    router = Router(RouterName(PROJECT, REGION, "wayout"), NETWORK, (nat,))
    assert world.apply(Create(router, "test"))[0].result == Result.CREATED

    seen = world.see(AddressesIn(PROJECT, REGION))

    assert [(one.name, one.used) for one in seen] == [("out-a", False), ("out-b", True)]
    stored = world.cloud.table("compute.addresses")
    prefix = f"projects/{PROJECT}/regions/{REGION}/addresses"
    assert [one.address for one in seen] == [stored[f"{prefix}/{one.name}"]["address"] for one in seen]
    assert all(isinstance(one, Address) for one in seen)
