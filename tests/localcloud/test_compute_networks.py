"""Networks, subnets and routes, through google-cloud-compute and on the bare wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import compute_v1

from tests.localcloud.served import P, R, Served, refusal, served

LINK = f"https://www.googleapis.com/compute/v1/projects/{P}"


@pytest.fixture
def stage() -> Iterator[Served]:
    with served() as found:
        found.network()
        yield found


def test_a_network_is_there_when_its_operation_is_done_and_not_before(stage: Served) -> None:
    wanted = compute_v1.Network(name="new", auto_create_subnetworks=False)
    operation = stage.networks.insert(project=P, network_resource=wanted)
    with pytest.raises(exceptions.NotFound):
        stage.networks.get(project=P, network="new")
    done = stage.everywhere.wait(project=P, operation=operation.name)
    assert done.status == compute_v1.Operation.Status.DONE
    assert not done.error.errors
    found = stage.networks.get(project=P, network="new")
    assert found.routing_config.routing_mode == "REGIONAL"
    assert [one.name for one in stage.networks.list(project=P)] == ["net", "new"]


def test_asking_for_an_operation_lets_its_time_pass(stage: Served) -> None:
    started = stage.call("POST", "./global/networks", {"name": "new", "autoCreateSubnetworks": False}).json()
    found = stage.call("GET", f"./global/operations/{started['name']}").json()
    assert (started["status"], found["status"], found["progress"]) == ("RUNNING", "DONE", 100)
    assert stage.cloud.clock.seconds() >= 24
    assert stage.call("GET", f"./regions/{R}/operations/{started['name']}").status_code == 404
    assert started["name"] in {one["name"] for one in stage.call("GET", "./global/operations").json()["items"]}


@pytest.mark.parametrize(
    ("body", "status", "reason", "message"),
    [
        pytest.param(
            {"name": "net"}, 409, "alreadyExists", "'projects/my-project/global/networks/net' already", id="taken"
        ),
        pytest.param({"name": "Net"}, 400, "invalid", "Must be a match of regex", id="a capital letter"),
        pytest.param({"name": "a" * 64}, 400, "invalid", "Must be a match of regex", id="too long"),
        pytest.param({}, 400, "required", "Required field 'resource.name' not specified", id="no name"),
    ],
)
def test_a_network_that_cannot_be_is_refused(
    stage: Served, body: dict[str, Any], status: int, reason: str, message: str
) -> None:
    found = refusal(stage.call("POST", "./global/networks", {"autoCreateSubnetworks": False} | body))
    assert found[:2] == (status, reason)
    assert message in found[2]


def test_the_same_request_id_starts_one_operation_only(stage: Served) -> None:
    path = "./global/networks?requestId=7d3a5c3e-0000-4000-8000-000000000001"
    body = {"name": "once", "autoCreateSubnetworks": False}
    first, second = (stage.call("POST", path, body).json() for _ in range(2))
    assert first["name"] == second["name"]
    stage.call("POST", f"./global/operations/{first['name']}/wait")
    assert stage.call("POST", path, body).json()["status"] == "DONE"
    assert refusal(stage.call("POST", "./global/networks", body))[0] == 409
    assert refusal(stage.call("POST", "./global/networks?requestId=1", body))[:2] == (400, "invalid")


def test_while_something_is_under_way_on_it_a_resource_is_not_ready(stage: Served) -> None:
    deletion = stage.call("DELETE", "./global/networks/net")
    name = f"projects/{P}/global/networks/net"
    again = refusal(stage.call("DELETE", "./global/networks/net"))
    assert again == (400, "resourceNotReady", f"The resource '{name}' is not ready")
    assert refusal(stage.rule())[1] == "resourceNotReady"
    assert stage.call("GET", "./global/networks/net").status_code == 200
    stage.made(deletion)
    assert refusal(stage.call("GET", "./global/networks/net"))[1:] == (
        "notFound",
        f"The resource '{name}' was not found",
    )


@pytest.mark.parametrize("kind", ["firewall", "subnetwork", "router", "route"])
def test_a_network_with_things_on_it_stays(stage: Served, kind: str) -> None:
    if kind == "firewall":
        stage.made(stage.rule("thing"))
    elif kind == "subnetwork":
        stage.subnet("thing", "10.0.0.0/24")
    elif kind == "router":
        stage.made(stage.router("thing"))
    else:
        body = {"name": "thing", "network": "global/networks/net", "destRange": "1.0.0.0/8", "nextHopIp": "10.0.0.5"}
        stage.made(stage.call("POST", "./global/routes", body))
    ended = stage.done(stage.call("DELETE", "./global/networks/net"))
    assert (ended["httpErrorStatusCode"], ended["httpErrorMessage"]) == (400, "BAD REQUEST")
    [error] = ended["error"]["errors"]
    assert error["code"] == "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"
    held = f"The network resource 'projects/{P}/global/networks/net' is already being used by"
    assert error["message"].startswith(held)
    assert error["message"].endswith(f"/{kind}s/thing'")


def test_a_rule_that_is_being_made_fails_the_removal_of_its_network_later(stage: Served) -> None:
    stage.cloud.durations["compute.firewalls"] = 60.0
    rule = stage.rule("late")
    ended = stage.done(stage.call("DELETE", "./global/networks/net"))
    assert ended["error"]["errors"][0]["code"] == "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE"
    stage.made(rule)


def test_a_network_comes_with_its_way_out_and_takes_it_along(stage: Served) -> None:
    [route] = stage.routes.list(project=P)
    assert route.name.startswith("default-route-")
    assert route.next_hop_gateway == f"{LINK}/global/gateways/default-internet-gateway"
    assert (route.dest_range, route.priority) == ("0.0.0.0/0", 1000)
    stage.made(stage.call("DELETE", "./global/networks/net"))
    assert not list(stage.routes.list(project=P))


def test_the_way_out_can_be_removed_but_a_subnets_own_route_cannot(stage: Served) -> None:
    stage.subnet("sub", "10.0.0.0/24")
    by_range = {one.dest_range: one for one in stage.routes.list(project=P)}
    assert by_range["10.0.0.0/24"].next_hop_network == f"{LINK}/global/networks/net"
    refused = stage.call("DELETE", f"./global/routes/{by_range['10.0.0.0/24'].name}")
    assert refusal(refused)[2] == "The local route cannot be deleted."
    stage.made(stage.call("DELETE", f"./global/routes/{by_range['0.0.0.0/0'].name}"))
    stage.made(stage.call("DELETE", f"./regions/{R}/subnetworks/sub"))
    assert not list(stage.routes.list(project=P))


def test_an_auto_network_has_a_subnet_per_region(stage: Served) -> None:
    stage.network("auto", autoCreateSubnetworks=True)
    links = stage.networks.get(project=P, network="auto").subnetworks
    assert f"{LINK}/regions/us-central1/subnetworks/auto" in links
    found = stage.subnets.get(project=P, region="us-central1", subnetwork="auto")
    assert (found.ip_cidr_range, found.gateway_address) == ("10.128.0.0/20", "10.128.0.1")
    stage.made(stage.call("DELETE", "./global/networks/auto"))
    assert not list(stage.subnets.list(project=P, region="us-central1"))


@pytest.mark.parametrize(
    ("cidr", "wrong"),
    [
        pytest.param(
            "10.0.0.16/28", "conflicts with existing subnetwork 'sub' in region 'us-east1'", id="inside another"
        ),
        pytest.param("10.0.0.0/8", "conflicts with existing subnetwork 'sub'", id="around another"),
        pytest.param("10.9.0.0/28", "conflicts with existing subnetwork 'sub'", id="on a secondary range"),
        pytest.param(
            "10.20.0.0/28", "conflicts with existing subnetwork 'aet-europewest1-c--1-sbnt'", id="a hidden one"
        ),
        pytest.param("10.0.1.1/28", "Must be a valid CIDR", id="host bits"),
        pytest.param("10.0.1.0/30", "prefix length", id="too small"),
        pytest.param("199.36.153.8/29", "reserved", id="Google's own"),
        pytest.param("10.0.1.0/28", "", id="free"),
    ],
)
def test_a_subnets_range_must_be_free_in_its_whole_network(stage: Served, cidr: str, wrong: str) -> None:
    second = [{"rangeName": "pods", "ipCidrRange": "10.9.0.0/24"}]
    stage.subnet("sub", "10.0.0.0/24", region="us-east1", secondaryIpRanges=second)
    hidden = {"network": "net", "ipCidrRange": "10.20.0.0/28", "state": "READY"}
    stage.cloud.table("vpcaccess.connectors")[f"projects/{P}/locations/europe-west1/connectors/c-1"] = hidden
    body = {"name": "new", "ipCidrRange": cidr, "network": "global/networks/net"}
    answer = stage.call("POST", f"./regions/{R}/subnetworks", body)
    if wrong:
        assert wrong in refusal(answer)[2]
        assert answer.status_code == 400
    else:
        stage.made(answer)


def test_of_two_racing_subnets_one_wins(stage: Served) -> None:
    body = {"name": "new", "ipCidrRange": "10.1.0.0/28", "network": "global/networks/net"}
    first = stage.call("POST", f"./regions/{R}/subnetworks", body)
    second = stage.call("POST", "./regions/us-east1/subnetworks", body)
    assert "conflicts with existing subnetwork 'new'" in refusal(second)[2]
    stage.made(first)


def test_a_subnet_patch_needs_the_present_fingerprint(stage: Served) -> None:
    stage.subnet("sub", "10.0.0.0/24")
    path = f"./regions/{R}/subnetworks/sub"
    old = stage.subnets.get(project=P, region=R, subnetwork="sub")
    missing = refusal(stage.call("PATCH", path, {"privateIpGoogleAccess": True}))
    assert missing == (400, "required", "Required field 'resource.fingerprint' not specified")
    wanted = compute_v1.Subnetwork(fingerprint=old.fingerprint, private_ip_google_access=True)
    for stale in (False, True):
        try:
            operation = stage.subnets.patch(project=P, region=R, subnetwork="sub", subnetwork_resource=wanted)
        except exceptions.PreconditionFailed:
            assert stale
        else:
            assert operation.operation_type == "compute.subnetworks.patch"
            stage.regional.wait(project=P, region=R, operation=operation.name)
    found = stage.subnets.get(project=P, region=R, subnetwork="sub")
    assert found.private_ip_google_access
    assert found.fingerprint != old.fingerprint


def test_private_google_access_is_set_by_a_call_of_its_own(stage: Served) -> None:
    stage.subnet("sub", "10.0.0.0/24")
    path = f"./regions/{R}/subnetworks/sub"
    ended = stage.done(stage.call("POST", f"{path}/setPrivateIpGoogleAccess", {"privateIpGoogleAccess": True}))
    assert ended["operationType"] == "setPrivateIpGoogleAccess"
    assert stage.call("GET", path).json()["privateIpGoogleAccess"] is True


@pytest.mark.parametrize("user", ["connector", "gateway", "address"])
def test_a_subnet_in_use_stays(stage: Served, user: str) -> None:
    stage.subnet("sub", "10.0.0.0/28")
    if user == "connector":
        body = {"subnet": {"name": "sub"}, "state": "ERROR"}
        stage.cloud.table("vpcaccess.connectors")[f"projects/{P}/locations/{R}/connectors/c"] = body
    elif user == "address":
        body = {"name": "serverless-ipv4-1", "subnetwork": f"{LINK}/regions/{R}/subnetworks/sub"}
        stage.cloud.table("compute.addresses")[f"projects/{P}/regions/{R}/addresses/serverless-ipv4-1"] = body
    else:
        subnets = [{"name": f"regions/{R}/subnetworks/sub", "sourceIpRangesToNat": ["ALL_IP_RANGES"]}]
        nat = {"name": "n", "natIpAllocateOption": "AUTO_ONLY", "sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS"}
        stage.made(stage.router("r", [nat | {"subnetworks": subnets}]))
    refused = refusal(stage.call("DELETE", f"./regions/{R}/subnetworks/sub"))
    assert refused[:2] == (400, "resourceInUseByAnotherResource")
    assert "is already being used by" in refused[2]


@pytest.mark.parametrize(
    "network",
    [
        pytest.param("global/networks/net", id="partial"),
        pytest.param(f"projects/{P}/global/networks/net", id="from the project on"),
        pytest.param("projects/123456789012/global/networks/net", id="by the project's number"),
        pytest.param(f"{LINK}/global/networks/net", id="full"),
        pytest.param(f"http://127.0.0.1:9/_svc/compute/compute/v1/projects/{P}/global/networks/net", id="any host"),
        pytest.param(f"https://compute.googleapis.com/compute/beta/projects/{P}/global/networks/net", id="beta"),
    ],
)
def test_a_network_may_be_named_in_many_ways(stage: Served, network: str) -> None:
    stage.made(stage.rule(network=network))
    assert stage.call("GET", "./global/firewalls/rule").json()["network"] == f"{LINK}/global/networks/net"


def test_lists_come_in_pages_filtered_and_empty_without_items(stage: Served) -> None:
    assert "items" not in stage.call("GET", f"./regions/{R}/subnetworks").json()
    for index in range(5):
        stage.subnet(f"s{index}", f"10.{index}.0.0/24", region=R if index % 2 else "us-east1")
    first = stage.call("GET", "./regions/us-east1/subnetworks?maxResults=2").json()
    rest = stage.call("GET", f"./regions/us-east1/subnetworks?pageToken={first['nextPageToken']}").json()
    assert [one["name"] for page in (first, rest) for one in page["items"]] == ["s0", "s2", "s4"]
    assert "nextPageToken" not in rest
    request = compute_v1.AggregatedListSubnetworksRequest(project=P, max_results=2)
    found = [(scope, one.name) for scope, page in stage.subnets.aggregated_list(request) for one in page.subnetworks]
    assert sorted(found) == [
        *((f"regions/{R}", name) for name in ("s1", "s3")),
        *(("regions/us-east1", name) for name in ("s0", "s2", "s4")),
    ]
    for text, names in (
        ('name eq ".*\\bs1\\b.*"', ["s1"]),
        ('name = "s3"', ["s3"]),
        ("(name != s3) (privateIpGoogleAccess = false)", ["s1"]),
    ):
        page = stage.call("GET", f"./regions/{R}/subnetworks?filter={text}").json()
        assert [one["name"] for one in page["items"]] == names
    assert stage.call("GET", f"./regions/{R}/subnetworks?filter=name~").status_code == 400


def test_an_unknown_region_is_refused(stage: Served) -> None:
    refused = refusal(stage.call("GET", "./regions/moon-1/subnetworks"))
    assert refused == (400, "invalid", "Invalid value for field 'region': 'moon-1'. Unknown region.")
