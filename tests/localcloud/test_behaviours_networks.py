"""Ranges that are taken, routes that hide, limits, addresses of gateways, and reads that lag behind writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import compute_v1

from tests.localcloud.building import Body, Building, P, R, building, gateway

NETWORK = f"projects/{P}/global/networks/net"
LINK = f"https://www.googleapis.com/compute/v1/projects/{P}"
CONFLICT = (
    "Operation failed: Invalid IP CIDR range was provided. It conflicts with an existing subnetwork. "
    "Please delete the connector manually."
)


@pytest.fixture(scope="module")
def shared() -> Iterator[Building]:
    with building() as found:
        yield found


@pytest.fixture
def site(shared: Building) -> Building:
    """An empty cloud with one network."""
    for table in shared.cloud.tables.values():
        table.clear()
    shared.cloud.switches.clear()
    shared.network()
    return shared


def allocate(site: Building, cidr: str, name: str = "producers", **fields: Any) -> None:
    """Allocate a range to service producers with the official client."""
    address, _, length = cidr.partition("/")
    range_ = compute_v1.Address(
        name=name, purpose="VPC_PEERING", address_type="INTERNAL", network="global/networks/net", **fields
    )
    range_.prefix_length = int(length)
    if address:
        range_.address = address
    site.finished(site.ranges.insert(project=P, address_resource=range_))


# ranges


def test_an_allocated_range_is_taken(site: Building) -> None:
    allocate(site, "10.24.0.0/16")
    found = site.ranges.get(project=P, address="producers")
    assert (found.address, found.prefix_length, found.status) == ("10.24.0.0", 16, "RESERVED")
    by = f"that was allocated by resource projects/{P}/global/addresses/producers."
    message = f"Invalid IP CIDR range: 10.24.3.0/24 conflicts with IP range 10.24.0.0/16 {by}"
    assert site.refused(site.begin_subnet("new", "10.24.3.0/24")) == (400, "invalid", message)
    with pytest.raises(exceptions.InvalidArgument) as refusal:
        site.connector(network="net", ip_cidr_range="10.24.3.0/28")
    assert refusal.value.message == CONFLICT
    body = {"name": "net", "purpose": "VPC_PEERING", "network": NETWORK, "prefixLength": 16, "address": "10.24.0.0"}
    again = site.fails(site.compute("POST", "global/addresses", body))
    assert again == ("INVALID", f"Invalid IP CIDR range: 10.24.0.0/16 conflicts with IP range 10.24.0.0/16 {by}")
    held = site.fails(site.compute("DELETE", "global/networks/net"))
    user = f"'projects/{P}/global/addresses/producers'"
    assert held[1] == f"The network resource '{NETWORK}' is already being used by {user}"
    site.finished(site.ranges.delete(project=P, address="producers"))
    site.subnet("new", "10.24.3.0/24")


def test_a_range_that_nobody_chose_is_a_free_one(site: Building) -> None:
    site.subnet("low", "10.0.0.0/16")
    allocate(site, "/16")
    assert site.ranges.get(project=P, address="producers").address == "10.1.0.0"


@pytest.mark.parametrize(
    ("change", "reason", "word"),
    [
        pytest.param({"network": None}, "required", "resource.network", id="no network"),
        pytest.param({"prefixLength": None}, "required", "resource.prefixLength", id="no length"),
        pytest.param({"prefixLength": 31}, "invalid", "between 8 and 29", id="too small"),
        pytest.param({"address": "10.24.0.1"}, "invalid", "start of an IP range", id="host bits"),
        pytest.param({"network": "global/networks/gone"}, "notFound", "networks/gone", id="no such network"),
    ],
)
def test_an_allocation_that_cannot_be_is_refused(site: Building, change: Body, reason: str, word: str) -> None:
    usual = {"name": "a", "purpose": "VPC_PEERING", "network": NETWORK, "prefixLength": 16, "address": "10.24.0.0"}
    body = {key: value for key, value in (usual | change).items() if value is not None}
    found = site.refused(site.compute("POST", "global/addresses", body))
    assert found[1] == reason
    assert word in found[2]


def test_a_network_of_automatic_subnets_keeps_their_space_free(site: Building) -> None:
    site.network("auto", autoCreateSubnetworks=True)
    message = (
        "Invalid value for field 'resource.ipCidrRange': '10.200.0.0/16'. "
        "Extended subnetworks in auto subnet mode networks cannot overlap with 10.128.0.0/9."
    )
    assert site.refused(site.begin_subnet("more", "10.200.0.0/16", "auto")) == (400, "invalid", message)
    site.subnet("more", "10.120.0.0/16", "auto")


# a route's destination beside the subnet 10.0.0.0/24, and whether it hides the subnet
ROUTES = [
    pytest.param("10.0.0.0/24", True, id="the same range"),
    pytest.param("10.0.0.9/32", True, id="a narrower one"),
    pytest.param("10.0.0.0/16", False, id="a wider one"),
    pytest.param("10.0.1.0/24", False, id="a range beside it"),
]


@pytest.mark.parametrize(("to", "hides"), ROUTES)
def test_a_route_may_not_hide_a_subnet(site: Building, to: str, hides: bool) -> None:
    site.subnet("sub", "10.0.0.0/24")
    answer = route(site, to)
    if hides:
        why = "Cannot change the routing of packets destined for the network."
        message = f"Invalid value for field 'resource.destRange': '{to}'. {to} hides the address space of the network"
        assert site.refused(answer) == (400, "invalid", f"{message} (10.0.0.0/24). {why}")
    else:
        site.made(answer)


def test_a_subnet_may_let_itself_be_hidden(site: Building) -> None:
    site.subnet("sub", "10.0.0.0/24", allowSubnetCidrRoutesOverlap=True)
    site.made(route(site, "10.0.0.9/32"))


def test_a_subnet_may_not_swallow_a_route_that_is_there(site: Building) -> None:
    site.made(route(site, "10.0.0.9/32"))
    refused = site.refused(site.begin_subnet("sub", "10.0.0.0/24"))
    assert refused[2].startswith("Invalid IPCidrRange: 10.0.0.0/24 conflicts with the destination range 10.0.0.9/32")
    with pytest.raises(exceptions.InvalidArgument) as refusal:
        site.connector(network="net", ip_cidr_range="10.0.0.0/28")
    assert refusal.value.message == CONFLICT
    site.subnet("sub", "10.0.0.0/24", allowSubnetCidrRoutesOverlap=True)


def route(site: Building, to: str, name: str = "route", network: str = "net") -> Any:
    body = {"name": name, "network": f"global/networks/{network}", "destRange": to, "nextHopIp": "10.9.9.9"}
    return site.compute("POST", "global/routes", body)


# readiness and lag


def test_a_network_may_be_there_and_not_be_ready(site: Building) -> None:
    site.switch("compute.ready_after", 20)
    site.network("fresh")
    assert site.compute("GET", "global/networks/fresh").status_code == 200
    refused = (400, "resourceNotReady", f"The resource 'projects/{P}/global/networks/fresh' is not ready")
    assert site.refused(site.begin_subnet("sub", "10.0.0.0/24", "fresh")) == refused
    assert site.refused(site.router("router", network="fresh")) == refused
    assert site.refused(site.compute("DELETE", "global/networks/fresh")) == refused
    site.cloud.clock.advance(21)
    site.subnet("sub", "10.0.0.0/24", "fresh")
    gate = site.refused(site.router("router", gateway("sub"), network="fresh"))
    assert gate == (400, "resourceNotReady", f"The resource 'projects/{P}/regions/{R}/subnetworks/sub' is not ready")
    site.cloud.clock.advance(21)
    site.made(site.router("router", gateway("sub"), network="fresh"))


def test_reads_may_lag_behind_writes(site: Building) -> None:
    site.switch("compute.read_lag", 5)
    site.made(site.router("router"))
    path = f"regions/{R}/routers"
    assert site.compute("GET", f"{path}/router").status_code == 404
    assert "items" not in site.compute("GET", path).json()
    assert site.compute("GET", "aggregated/routers").json()["items"] == {}
    assert site.router("router").status_code == 409
    site.cloud.clock.advance(6)
    site.made(site.compute("PATCH", f"{path}/router", {"nats": [gateway()]}))
    assert "nats" not in site.compute("GET", f"{path}/router").json()
    site.cloud.clock.advance(6)
    assert [one["name"] for one in site.compute("GET", f"{path}/router").json()["nats"]] == ["nat"]
    site.made(site.compute("DELETE", f"{path}/router"))
    assert len(site.compute("GET", path).json()["items"]) == 1
    site.cloud.clock.advance(6)
    assert site.compute("GET", f"{path}/router").status_code == 404


def test_unless_it_is_asked_for_nothing_lags(site: Building) -> None:
    site.made(site.router("router"))
    assert site.compute("GET", f"regions/{R}/routers/router").status_code == 200


# limits


def test_a_network_has_five_routers_in_a_region(site: Building) -> None:
    for index in range(5):
        site.made(site.router(f"router-{index}"))
    status, reason, message = site.refused(site.router("one-more"))
    assert (status, reason) == (400, "limitExceeded")
    assert message == f"Exceeded limit 'ROUTERS_PER_NETWORK_AND_REGION' on resource '{NETWORK}'. Limit: 5"
    assert site.refused(site.router("router-0"))[:2] == (409, "alreadyExists")
    body = {"name": "elsewhere", "network": NETWORK}
    site.made(site.compute("POST", "regions/us-east1/routers", body))


def test_a_router_has_fifty_gateways(site: Building) -> None:
    site.subnet("sub", "10.0.0.0/24")
    nats = [gateway("sub", name=f"nat-{index}") for index in range(51)]
    assert site.refused(site.router("router", *nats))[1:] == (
        "limitExceeded",
        f"Exceeded limit 'NATS_PER_ROUTER' on resource 'projects/{P}/regions/{R}/routers/router'. Limit: 50",
    )


def test_quotas_that_are_switched_on_show_in_the_operation(site: Building) -> None:
    for kind in ("routers", "networks", "subnetworks"):
        site.switch(f"compute.{kind}.quota", 1)
    site.made(site.router("router"))
    site.subnet("sub", "10.0.0.0/24")
    network = {"name": "more", "autoCreateSubnetworks": False}
    answers = {
        "ROUTERS": site.router("more"),
        "SUBNETWORKS": site.begin_subnet("more", "10.0.1.0/24"),
        "NETWORKS": site.compute("POST", "global/networks", network),
    }
    for metric, answer in answers.items():
        assert site.fails(answer) == ("QUOTA_EXCEEDED", f"Quota '{metric}' exceeded.  Limit: 1.0 globally.")
    quotas = {one.metric: (one.limit, one.usage) for one in site.projects.get(project=P).quotas}
    assert quotas["ROUTERS"] == quotas["NETWORKS"] == (1.0, 1.0)


# addresses


def reserve(site: Building, name: str, **fields: Any) -> str:
    """Reserve a regional address with the official client; its link."""
    address = compute_v1.Address(name=name, **fields)
    site.finished(site.addresses.insert(project=P, region=R, address_resource=address))
    return f"{LINK}/regions/{R}/addresses/{name}"


def test_an_address_of_one_gateway_is_not_for_another(site: Building) -> None:
    link = reserve(site, "out")
    site.network("other")
    manual: Any = {"natIpAllocateOption": "MANUAL_ONLY", "natIps": [link]}
    site.made(site.router("router", gateway(**manual)))
    found = site.addresses.get(project=P, region=R, address="out")
    assert (found.status, list(found.users)) == ("IN_USE", [f"{LINK}/regions/{R}/routers/router"])
    name = f"projects/{P}/regions/{R}/addresses/out"
    message = f"The address resource '{name}' is already being used by 'projects/{P}/regions/{R}/routers/router'"
    expected = (400, "resourceInUseByAnotherResource", message)
    assert site.refused(site.router("second", gateway(**manual), network="other")) == expected
    assert site.refused(site.compute("DELETE", f"regions/{R}/addresses/out")) == expected
    site.made(site.compute("PATCH", f"regions/{R}/routers/router", {"nats": []}))
    assert site.addresses.get(project=P, region=R, address="out").status == "RESERVED"
    site.made(site.router("second", gateway(**manual), network="other"))


def test_an_address_in_a_subnet_is_a_free_one_of_it_and_holds_it(site: Building) -> None:
    site.subnet("sub", "10.0.0.0/24")
    inside: Body = {"address_type": "INTERNAL", "subnetwork": f"regions/{R}/subnetworks/sub"}
    reserve(site, "one", **inside)
    reserve(site, "two", **inside, address="10.0.0.9")
    found = {one.name: one.address for one in site.addresses.list(project=P, region=R)}
    assert found == {"one": "10.0.0.2", "two": "10.0.0.9"}
    body = {"name": "x", "addressType": "INTERNAL", "subnetwork": inside["subnetwork"]}
    taken = site.refused(site.compute("POST", f"regions/{R}/addresses", body | {"address": "10.0.0.9"}))
    assert taken == (400, "ipAddressInUse", "Specified IP address '10.0.0.9' is already reserved.")
    outside = site.refused(site.compute("POST", f"regions/{R}/addresses", body | {"address": "10.0.1.9"}))
    assert "not within the subnetwork's IP range" in outside[2]
    held = site.refused(site.compute("DELETE", f"regions/{R}/subnetworks/sub"))
    assert held[2].endswith(f"is already being used by 'projects/{P}/regions/{R}/addresses/one'")


def test_what_is_reserved_is_logged_by_its_own_methods(site: Building) -> None:
    reserve(site, "out")
    allocate(site, "10.24.0.0/16")
    names = {one["protoPayload"]["methodName"] for one in site.cloud.table("logging.entries").values()}
    assert {"v1.compute.addresses.insert", "v1.compute.globalAddresses.insert"} <= names
