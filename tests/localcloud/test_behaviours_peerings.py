"""Networks that are linked: both sides have to be made, routes are exchanged, ranges exclude each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import compute_v1

from tests.localcloud.building import HOST, Body, Building, P, R, building

LINK = "https://www.googleapis.com/compute/v1"


@pytest.fixture
def site() -> Iterator[Building]:
    with building() as found:
        found.network("a")
        found.network("b", HOST)
        found.subnet("left", "10.1.0.0/24", "a")
        found.subnet("right", "10.2.0.0/24", "b", HOST)
        yield found


def peering(name: str, project: str, network: str, **fields: Any) -> Any:
    link = f"{LINK}/projects/{project}/global/networks/{network}"
    side = compute_v1.NetworkPeering(name=name, network=link, exchange_subnet_routes=True, **fields)
    return compute_v1.NetworksAddPeeringRequest(network_peering=side)


def add(site: Building, project: str, network: str, request: Any) -> None:
    site.finished(
        site.networks.add_peering(project=project, network=network, networks_add_peering_request_resource=request)
    )


def link(site: Building, **fields: Any) -> None:
    """a and b are linked; `fields` say what a imports and b exports."""
    add(site, P, "a", peering("to-b", HOST, "b", import_custom_routes=bool(fields)))
    add(site, HOST, "b", peering("to-a", P, "a", export_custom_routes=bool(fields)))


def sides(site: Building, project: str = P, network: str = "a") -> list[tuple[str, str]]:
    found = site.networks.get(project=project, network=network).peerings
    return [(one.name, one.state) for one in found]


def routes(site: Building, **params: str) -> list[tuple[str, str, bool]]:
    request = compute_v1.ListPeeringRoutesNetworksRequest(
        project=P, network="a", peering_name="to-b", region=R, **{"direction": "INCOMING", **params}
    )
    return [(one.dest_range, one.type_, one.imported) for one in site.networks.list_peering_routes(request=request)]


def test_a_link_counts_when_both_sides_are_made(site: Building) -> None:
    add(site, P, "a", peering("to-b", HOST, "b"))
    assert sides(site) == [("to-b", "INACTIVE")]
    assert "Waiting for peer network to connect." in site.networks.get(project=P, network="a").peerings[0].state_details
    assert routes(site) == []
    add(site, HOST, "b", peering("to-a", P, "a"))
    assert (sides(site), sides(site, HOST, "b")) == ([("to-b", "ACTIVE")], [("to-a", "ACTIVE")])
    assert routes(site) == [("10.2.0.0/24", "SUBNET_PEERING_ROUTE", True)]
    assert routes(site, direction="OUTGOING") == [("10.1.0.0/24", "SUBNET_PEERING_ROUTE", True)]
    request = compute_v1.NetworksRemovePeeringRequest(name="to-a")
    site.finished(
        site.networks.remove_peering(project=HOST, network="b", networks_remove_peering_request_resource=request)
    )
    assert (sides(site), sides(site, HOST, "b")) == ([("to-b", "INACTIVE")], [])


def test_the_old_form_of_a_request_does_the_same(site: Building) -> None:
    body = {"name": "to-b", "peerNetwork": f"projects/{HOST}/global/networks/b", "autoCreateRoutes": True}
    site.made(site.compute("POST", "global/networks/a/addPeering", body))
    assert sides(site) == [("to-b", "INACTIVE")]


def test_static_routes_come_if_one_exports_and_the_other_imports_them(site: Building) -> None:
    link(site)
    body = {"name": "vpn", "network": "global/networks/b", "destRange": "172.16.0.0/12", "nextHopIp": "10.2.0.9"}
    site.made(site.compute("POST", "global/routes", body, HOST))
    subnet = ("10.2.0.0/24", "SUBNET_PEERING_ROUTE", True)
    assert routes(site) == [subnet]
    update(site, HOST, "b", name="to-a", export_custom_routes=True)
    assert routes(site) == [subnet, ("172.16.0.0/12", "STATIC_PEERING_ROUTE", False)]
    update(site, P, "a", name="to-b", import_custom_routes=True)
    assert routes(site) == [subnet, ("172.16.0.0/12", "STATIC_PEERING_ROUTE", True)]


def update(site: Building, project: str, network: str, **fields: Any) -> None:
    side = compute_v1.NetworkPeering(**fields)
    request = compute_v1.NetworksUpdatePeeringRequest(network_peering=side)
    site.finished(
        site.networks.update_peering(project=project, network=network, networks_update_peering_request_resource=request)
    )


def test_networks_with_one_range_are_not_linked(site: Building) -> None:
    site.subnet("clash", "10.2.0.128/28", "a")
    body = {"networkPeering": {"name": "to-b", "network": f"projects/{HOST}/global/networks/b"}}
    failed = site.fails(site.compute("POST", "global/networks/a/addPeering", body))
    assert failed[1] == (
        "An IP range in the peer network (10.2.0.0/24) overlaps with an IP range in the local network (10.2.0.128/28) "
        f"allocated by resource (projects/{P}/regions/{R}/subnetworks/clash)."
    )
    assert sides(site) == []


def test_nor_with_a_network_whose_other_peer_has_the_range(site: Building) -> None:
    link(site)
    site.network("c")
    site.subnet("third", "10.1.0.0/28", "c")
    body = {"networkPeering": {"name": "to-b", "network": f"projects/{HOST}/global/networks/b"}}
    failed = site.fails(site.compute("POST", "global/networks/c/addPeering", body))
    assert failed[1] == (
        f"An IP range in the local network (10.1.0.0/28) allocated by resource (projects/{P}/regions/{R}/subnetworks/"
        "third) overlaps with an IP range (10.1.0.0/24) in an active peer of the peer network."
    )


def test_what_a_peer_has_is_not_free(site: Building) -> None:
    link(site)
    refused = site.refused(site.begin_subnet("new", "10.2.0.0/28", "a"))
    assert refused[2].startswith("An IP range in the peer network (10.2.0.0/24) overlaps with an IP range in the local")
    with pytest.raises(exceptions.InvalidArgument, match="It conflicts with an existing subnetwork"):
        site.connector(network="a", ip_cidr_range="10.2.0.0/28")
    body: Body = {"name": "hide", "network": "global/networks/a", "destRange": "10.2.0.7/32", "nextHopIp": "10.1.0.9"}
    hidden = site.refused(site.compute("POST", "global/routes", body))
    assert hidden[2] == (
        "Invalid value for field 'resource.destRange': '10.2.0.7/32'. 10.2.0.7/32 hides the address space of the peer "
        "network from peering (to-b). Cannot change the routing of packets destined for the peer network."
    )


def test_one_change_of_a_link_at_a_time(site: Building) -> None:
    body = {"networkPeering": {"name": "to-b", "network": f"projects/{HOST}/global/networks/b"}}
    first = site.compute("POST", "global/networks/a/addPeering", body)
    back = {"networkPeering": {"name": "to-a", "network": f"projects/{P}/global/networks/a"}}
    message = "There is a peering operation in progress on the local or peer network. Try again later."
    assert site.refused(site.compute("POST", "global/networks/b/addPeering", back, HOST))[2] == message
    route = {"name": "r", "network": "global/networks/a", "destRange": "172.16.0.0/12", "nextHopIp": "10.1.0.9"}
    assert site.refused(site.compute("POST", "global/routes", route))[2] == message
    assert site.refused(site.compute("DELETE", "global/networks/a"))[2] == message
    site.made(first)
    routing = site.compute("POST", "global/routes", route)
    message = "There is a route operation in progress on the local or peer network. Try again later."
    assert site.refused(site.compute("POST", "global/networks/b/addPeering", back, HOST))[2] == message
    site.made(routing)
    site.made(site.compute("POST", "global/networks/b/addPeering", back, HOST))


@pytest.mark.parametrize(
    ("name", "network", "word"),
    [
        pytest.param("to-b", "projects/my-project/global/networks/c", "name already exists", id="one name twice"),
        pytest.param(
            "again",
            "projects/host-project/global/networks/b",
            "There is already a peering to-b with the same network.",
            id="one network twice",
        ),
        pytest.param("self", "global/networks/a", "cannot be peered with itself", id="itself"),
        pytest.param("Bad", "global/networks/c", "Must be a match of regex", id="a name that cannot be"),
    ],
)
def test_a_link_that_cannot_be_is_refused(site: Building, name: str, network: str, word: str) -> None:
    link(site)
    answer = site.compute(
        "POST", "global/networks/a/addPeering", {"networkPeering": {"name": name, "network": network}}
    )
    assert answer.status_code == 400
    assert word in site.refused(answer)[2]


def test_a_producers_network_that_is_not_of_this_cloud_waits(site: Building) -> None:
    far = "projects/tenant-of-google/global/networks/servicenetworking"
    site.made(site.compute("POST", "global/networks/a/addPeering", {"networkPeering": {"name": "far", "network": far}}))
    assert sides(site) == [("far", "INACTIVE")]
    gone = site.compute("POST", "global/networks/a/removePeering", {"name": "nothing"})
    assert "There is no peering with this name" in site.refused(gone)[2]


def test_a_network_that_goes_leaves_its_peer_alone(site: Building) -> None:
    link(site)
    site.made(site.compute("DELETE", f"regions/{R}/subnetworks/right", project=HOST))
    site.made(site.compute("DELETE", "global/networks/b", project=HOST))
    [side] = site.networks.get(project=P, network="a").peerings
    assert side.state == "INACTIVE"
    assert side.state_details.endswith("The peer network has been deleted.")
