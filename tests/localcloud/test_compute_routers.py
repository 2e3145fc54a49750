"""Routers and NAT gateways, through google-cloud-compute and on the bare wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud import compute_v1

from tests.localcloud.served import P, R, Served, refusal, served

SUB = f"regions/{R}/subnetworks/sub"
LINK = f"https://www.googleapis.com/compute/v1/projects/{P}"
ALL = "ALL_SUBNETWORKS_ALL_IP_RANGES"
PRIMARY = "ALL_SUBNETWORKS_ALL_PRIMARY_IP_RANGES"
Nat = dict[str, Any]


def nat(name: str = "nat", **fields: Any) -> Nat:
    """A public gateway for the one subnet; a field given as None is left out."""
    subnets = [{"name": SUB, "sourceIpRangesToNat": ["PRIMARY_IP_RANGE"]}]
    usual: Nat = {
        "name": name,
        "natIpAllocateOption": "AUTO_ONLY",
        "sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS",
        "subnetworks": subnets,
    }
    return {key: one for key, one in (usual | fields).items() if one is not None}


def whole(option: str = ALL, name: str = "nat", **fields: Any) -> Nat:
    return nat(name, sourceSubnetworkIpRangesToNat=option, subnetworks=None, **fields)


def of(*options: str, name: str = "nat", **fields: Any) -> Nat:
    return nat(name, subnetworks=[{"name": SUB, "sourceIpRangesToNat": list(options), **fields}])


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    with served() as found:
        found.network()
        found.network("other")
        found.subnet("sub", "10.0.0.0/24", secondaryIpRanges=[{"rangeName": "pods", "ipCidrRange": "10.1.0.0/24"}])
        found.subnet("strange", "10.0.0.0/24", network="other")
        yield found


@pytest.fixture
def stage(shared: Served) -> Iterator[Served]:
    """The shared cloud; routers do not survive a test."""
    yield shared
    shared.cloud.table("compute.routers").clear()


def test_a_gateway_is_patched_into_a_router_with_the_client_library(stage: Served) -> None:
    router = compute_v1.Router(name="router", network="global/networks/net")
    made = stage.routers.insert(project=P, region=R, router_resource=router)
    stage.regional.wait(project=P, region=R, operation=made.name)
    found = stage.routers.get(project=P, region=R, router="router")
    assert not found.nats
    assert found.encrypted_interconnect_router is False
    subnet = compute_v1.RouterNatSubnetworkToNat(name=SUB, source_ip_ranges_to_nat=["ALL_IP_RANGES"])
    gateway = compute_v1.RouterNat(
        name="nat",
        nat_ip_allocate_option="AUTO_ONLY",
        source_subnetwork_ip_ranges_to_nat="LIST_OF_SUBNETWORKS",
        subnetworks=[subnet],
        enable_dynamic_port_allocation=True,
        min_ports_per_vm=1024,
    )
    change = compute_v1.Router(nats=[gateway])
    operation = stage.routers.patch(project=P, region=R, router="router", router_resource=change)
    assert operation.operation_type == "patch"
    stage.regional.wait(project=P, region=R, operation=operation.name)
    [found_nat] = stage.routers.get(project=P, region=R, router="router").nats
    assert (found_nat.type_, found_nat.auto_network_tier) == ("PUBLIC", "PREMIUM")
    assert list(found_nat.endpoint_types) == ["ENDPOINT_TYPE_VM"]
    assert found_nat.min_ports_per_vm == 1024


def test_a_patch_replaces_the_whole_list_of_gateways(stage: Served) -> None:
    stage.made(stage.router("router", [of("PRIMARY_IP_RANGE", name="one")]))
    path = f"./regions/{R}/routers/router"
    stage.made(stage.call("PATCH", path, {"description": "only this", "bgp": None}))
    assert [one["name"] for one in stage.call("GET", path).json()["nats"]] == ["one"]
    stage.made(stage.call("PATCH", path, {"nats": [of("PRIMARY_IP_RANGE", name="two")]}))
    assert [one["name"] for one in stage.call("GET", path).json()["nats"]] == ["two"]
    stage.made(stage.call("PATCH", path, {"nats": []}))
    assert "nats" not in stage.call("GET", path).json()
    stage.made(stage.call("PUT", path, {"name": "router", "network": "global/networks/net"}))
    assert "description" not in stage.call("GET", path).json()


def test_two_changes_of_one_router_cannot_run_side_by_side(stage: Served) -> None:
    stage.made(stage.router("router"))
    path = f"./regions/{R}/routers/router"
    first = stage.call("PATCH", path, {"nats": [nat()]})
    name = f"projects/{P}/regions/{R}/routers/router"
    refused = refusal(stage.call("PATCH", path, {"nats": []}))
    assert refused == (400, "resourceNotReady", f"The resource '{name}' is not ready")
    stage.made(first)
    stage.made(stage.call("DELETE", path))
    assert stage.call("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("there", "new", "message"),
    [
        pytest.param(
            whole(),
            of("ALL_IP_RANGES"),
            "Invalid value for field 'resource.nats[0].sourceSubnetworkIpRangesToNat': 'LIST_OF_SUBNETWORKS'. "
            f"Can not create new Nats since a Nat with option {ALL} exists.",
            id="a gateway for all excludes one for a list",
        ),
        pytest.param(
            whole(),
            whole(),
            f"Invalid value for field 'resource.nats[0].sourceSubnetworkIpRangesToNat': '{ALL}'. "
            f"Can not create new Nats since a Nat with option {ALL} exists.",
            id="and another for all",
        ),
        pytest.param(
            whole(PRIMARY), nat(), f"since a Nat with option {PRIMARY} exists.", id="as one for all primary ranges does"
        ),
        pytest.param(nat(), whole(), "another Nat exists in the network and region", id="a list excludes one for all"),
        pytest.param(
            of("ALL_IP_RANGES"),
            of("PRIMARY_IP_RANGE"),
            "Invalid value for field 'resource.nats[0].subnetworks[0].sourceIpRangesToNat': ''. The subnetwork is "
            "already configured with ALL_IP_RANGES for Nat which conflicts with the specified IpRangeToNatOption "
            "options in this Nat.",
            id="a subnet that is served whole",
        ),
        pytest.param(
            of("PRIMARY_IP_RANGE"),
            of("PRIMARY_IP_RANGE"),
            "Can not specify PRIMARY_IP_RANGE for the Subnetwork since it is already configured for Nat",
            id="a primary range that is served",
        ),
        pytest.param(
            of("PRIMARY_IP_RANGE"),
            of("ALL_IP_RANGES"),
            "already configured with PRIMARY_IP_RANGE for Nat which conflicts",
            id="the whole subnet after its primary range",
        ),
        pytest.param(
            of("PRIMARY_IP_RANGE"),
            of("LIST_OF_SECONDARY_IP_RANGES", secondaryIpRangeNames=["pods"]),
            "",
            id="another range of the same subnet",
        ),
        pytest.param(
            whole(), whole(type="PRIVATE", natIpAllocateOption=None), "", id="a private gateway is another matter"
        ),
    ],
)
def test_gateways_of_one_network_and_region_bear_or_exclude_each_other(
    stage: Served, there: Nat, new: Nat, message: str
) -> None:
    stage.made(stage.router("there", [there]))
    stage.made(stage.router("new"))
    answer = stage.call("PATCH", f"./regions/{R}/routers/new", {"nats": [new]})
    if message:
        status, reason, said = refusal(answer)
        assert (status, reason) == (400, "invalid")
        assert message in said
    else:
        stage.made(answer)


def test_a_gateway_elsewhere_does_not_count(stage: Served) -> None:
    stage.made(stage.router("far", [whole()], region="us-east1"))
    body = {"name": "strange", "network": "global/networks/other", "nats": [whole()]}
    stage.made(stage.call("POST", f"./regions/{R}/routers", body))
    stage.made(stage.router("here", [whole()]))


def test_of_two_racing_gateways_for_all_one_wins(stage: Served) -> None:
    for name in ("one", "two"):
        stage.made(stage.router(name))
    answers = [stage.call("PATCH", f"./regions/{R}/routers/{name}", {"nats": [whole()]}) for name in ("one", "two")]
    errors = ["error" in stage.done(one) for one in answers]
    assert sorted(errors) == [False, True]


@pytest.mark.parametrize(
    ("gateway", "field", "why"),
    [
        pytest.param(nat("Nat"), "name", "Must be a match of regex", id="its name"),
        pytest.param(nat(natIpAllocateOption=None), "natIpAllocateOption", "required", id="no allocation option"),
        pytest.param(nat(natIps=["regions/x/addresses/a"]), "natIps", "AUTO_ONLY", id="addresses though automatic"),
        pytest.param(nat(natIpAllocateOption="MANUAL_ONLY"), "natIps", "At least one", id="manual without addresses"),
        pytest.param(
            nat(sourceSubnetworkIpRangesToNat=None), "sourceSubnetworkIpRangesToNat", "required", id="for whom"
        ),
        pytest.param(nat(subnetworks=[]), "subnetworks", "if and only if", id="a list of none"),
        pytest.param(
            whole() | {"subnetworks": nat()["subnetworks"]}, "subnetworks", "if and only if", id="all and some"
        ),
        pytest.param(
            nat(enableDynamicPortAllocation=True, enableEndpointIndependentMapping=True),
            "enableDynamicPortAllocation",
            "cannot both",
            id="dynamic ports and endpoint-independent mapping",
        ),
        pytest.param(
            nat(enableDynamicPortAllocation=True, minPortsPerVm=1000), "minPortsPerVm", "power of two", id="1000 ports"
        ),
        pytest.param(nat(maxPortsPerVm=1024), "maxPortsPerVm", "dynamic", id="a maximum for static ports"),
        pytest.param(
            nat(enableDynamicPortAllocation=True, minPortsPerVm=1024, maxPortsPerVm=512),
            "maxPortsPerVm",
            "greater than",
            id="maximum below minimum",
        ),
        pytest.param(
            of("PRIMARY_IP_RANGE", secondaryIpRangeNames=["pods"]),
            "subnetworks[0].secondaryIpRangeNames",
            "No secondary IP ranges should be provided if the subnetwork is not configured with "
            "LIST_OF_SECONDARY_IP_RANGES.",
            id="secondary ranges without their option",
        ),
        pytest.param(
            nat(subnetworks=[{"name": f"regions/{R}/subnetworks/strange", "sourceIpRangesToNat": ["ALL_IP_RANGES"]}]),
            "subnetworks[0].name",
            "in the router's network",
            id="another network's subnet",
        ),
        pytest.param(of(), "subnetworks[0].sourceIpRangesToNat", "At least one", id="a subnet with no option"),
    ],
)
def test_a_gateway_that_cannot_be_is_refused_with_its_field(stage: Served, gateway: Nat, field: str, why: str) -> None:
    status, reason, message = refusal(stage.router("router", [gateway]))
    assert (status, reason) == (400, "invalid")
    assert message.startswith(f"Invalid value for field 'resource.nats[0].{field}': ")
    assert why in message


@pytest.mark.parametrize(
    ("gateway", "missing"),
    [
        pytest.param(
            nat(natIpAllocateOption="MANUAL_ONLY", natIps=[f"{LINK}/regions/{R}/addresses/a"]),
            f"regions/{R}/addresses/a",
            id="an address",
        ),
        pytest.param(
            nat(subnetworks=[{"name": f"regions/{R}/subnetworks/gone", "sourceIpRangesToNat": ["ALL_IP_RANGES"]}]),
            f"regions/{R}/subnetworks/gone",
            id="a subnet",
        ),
    ],
)
def test_what_a_gateway_names_must_exist(stage: Served, gateway: Nat, missing: str) -> None:
    expected = (404, "notFound", f"The resource 'projects/{P}/{missing}' was not found")
    assert refusal(stage.router("router", [gateway])) == expected


def test_a_manual_gateway_takes_reserved_addresses(stage: Served) -> None:
    address = {"name": "a", "address": "203.0.113.9", "selfLink": f"{LINK}/regions/{R}/addresses/a", "id": "1"}
    stage.cloud.table("compute.addresses")[f"projects/{P}/regions/{R}/addresses/a"] = address
    stage.made(stage.router("router", [nat(natIpAllocateOption="MANUAL_ONLY", natIps=[address["selfLink"]])]))
    used = {"status": "IN_USE", "users": [f"{LINK}/regions/{R}/routers/router"]}
    assert stage.call("GET", f"./regions/{R}/addresses").json()["items"] == [address | used]
    assert stage.call("GET", "./aggregated/addresses").json()["items"].keys() == {f"regions/{R}"}
    del stage.cloud.table("compute.addresses")[f"projects/{P}/regions/{R}/addresses/a"]


def test_routers_are_listed_by_region(stage: Served) -> None:
    assert stage.call("GET", "./aggregated/routers").json()["items"] == {}
    stage.made(stage.router("near"))
    stage.made(stage.router("far", region="us-east1"))
    found = {scope: [one.name for one in page.routers] for scope, page in stage.routers.aggregated_list(project=P)}
    assert found == {f"regions/{R}": ["near"], "regions/us-east1": ["far"]}
    assert [one.name for one in stage.routers.list(project=P, region=R)] == ["near"]


def test_router_changes_are_in_the_activity_log_with_their_region(stage: Served) -> None:
    stage.made(stage.router("logged"))
    first, last = stage.entries("v1.compute.routers.insert")[-2:]
    assert first["resource"]["type"] == "gce_router"
    assert first["resource"]["labels"].keys() == {"project_id", "router_id", "region"}
    assert first["protoPayload"]["resourceName"] == f"projects/{P}/regions/{R}/routers/logged"
    assert first["protoPayload"]["resourceLocation"] == {"currentLocations": [R]}
    assert (first["operation"].get("first"), last["operation"].get("last")) == (True, True)
