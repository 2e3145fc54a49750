"""What becomes of a connector: what it needs around it, what it holds, what is said of it when it goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import vpcaccess_v1

from tests.localcloud.building import HOST, NUMBER, OUT, PARENT, SIZE, Body, Building, P, R, building, gateway

UNHEALTHY = (
    "An internal error occurred: VPC Access connector failed to get healthy. "
    "Please check GCE quotas, logs and org policies and recreate."
)
MANUALLY = "Failed to create a VPC Access connector. Please delete the connector manually."
LINK = f"https://www.googleapis.com/compute/v1/projects/{P}"


@pytest.fixture
def site() -> Iterator[Building]:
    with building() as found:
        found.network()
        found.subnet("out", "10.8.0.0/28")
        yield found


def test_a_session_typed_by_hand_goes_as_it_is_told(site: Building) -> None:
    site.subnet("my-subnet", "10.10.0.0/24")
    with pytest.raises(exceptions.InvalidArgument, match="must have a netmask of 28"):
        site.connector("my-connector", subnet={"name": "my-subnet"})
    name = f"{PARENT}/connectors/my-connector"
    assert site.state(name) == "ERROR"
    site.subnet("conn-subnet", "10.10.1.0/28")
    with pytest.raises(exceptions.AlreadyExists):
        site.begin("my-connector", subnet={"name": "conn-subnet"})
    site.remove(name)
    assert site.connector("my-connector", subnet={"name": "conn-subnet"}).state.name == "READY"
    site.made(site.router("my-router"))
    patch = {"nats": [gateway()]}
    site.made(site.compute("PATCH", f"regions/{R}/routers/my-router", patch))
    assert site.job(name).status_code == 200


# what stands around the connector, whether Google is then reached, and the connector's own ground
AROUND = [
    pytest.param({}, [], "", "ERROR", id="neither access nor a gateway"),
    pytest.param({"privateIpGoogleAccess": True}, [], "", "READY", id="private access"),
    pytest.param({}, [gateway("out")], "", "READY", id="a gateway for its subnet"),
    pytest.param({}, [gateway()], "", "READY", id="a gateway for all"),
    pytest.param({}, [gateway("other")], "", "ERROR", id="a gateway for another subnet"),
    pytest.param({}, [gateway()], "10.9.0.0/28", "READY", id="a hidden subnet behind a gateway for all"),
    pytest.param({}, [gateway("out", "other")], "10.9.0.0/28", "ERROR", id="no list can name a hidden subnet"),
]


@pytest.mark.parametrize(("subnet", "nats", "cidr", "state"), AROUND)
def test_where_it_is_asked_for_machines_must_reach_google(
    site: Building, subnet: Body, nats: list[Body], cidr: str, state: str
) -> None:
    site.made(site.compute("DELETE", f"regions/{R}/subnetworks/out"))
    site.subnet("out", "10.8.0.0/28", **subnet)
    site.subnet("other", "10.8.1.0/28")
    if nats:
        site.made(site.router("router", *nats))
    site.switch("vpcaccess.needs_google_access", True)
    ground: Body = {"network": "net", "ip_cidr_range": cidr} if cidr else {"subnet": {"name": "out"}}
    if state == "READY":
        site.connector(**ground)
    else:
        with pytest.raises(exceptions.InternalServerError) as refusal:
            site.connector(**ground)
        assert refusal.value.message == UNHEALTHY
    assert site.state() == state


def test_without_a_route_to_the_internet_gateway_neither_access_nor_nat_helps(site: Building) -> None:
    site.switch("vpcaccess.needs_google_access", True)
    site.made(site.router("router", gateway()))
    [route] = [one for one in site.compute("GET", "global/routes").json()["items"] if one["destRange"] == "0.0.0.0/0"]
    site.made(site.compute("DELETE", f"global/routes/{route['name']}"))
    with pytest.raises(exceptions.InternalServerError):
        site.connector()


def test_unless_it_is_asked_for_a_connector_needs_neither_access_nor_a_gateway(site: Building) -> None:
    assert site.connector().state.name == "READY"


def test_small_machines_may_never_get_healthy(site: Building) -> None:
    site.switch("vpcaccess.unhealthy_machines", ["f1-micro"])
    with pytest.raises(exceptions.InternalServerError, match="failed to get healthy"):
        site.connector(subnet={"name": "out"}, machine_type="f1-micro")
    site.remove()
    assert site.connector().state.name == "READY"


def test_a_custom_policy_of_the_organization_is_asked_at_once(site: Building) -> None:
    site.switch(
        "vpcaccess.custom_constraints",
        [
            {
                "constraint": "customConstraints/custom.defaultNetworkConstraint",
                "description": "Require network to not be set to default.",
                "field": "network",
                "value": "default",
            }
        ],
    )
    with pytest.raises(exceptions.FailedPrecondition) as refusal:
        site.begin(network="default", ip_cidr_range="10.9.0.0/28")
    assert refusal.value.message == (
        "Operation denied by custom org policies: "
        '["customConstraints/custom.defaultNetworkConstraint": "Require network to not be set to default."]'
    )
    assert site.connector().state.name == "READY"


def test_a_range_may_not_lie_in_another_projects_network(site: Building) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=r"Request contains an invalid argument\."):
        site.begin(network=f"projects/{HOST}/global/networks/net", ip_cidr_range="10.9.0.0/28")
    found = site.connector(network=f"projects/{P}/global/networks/net", ip_cidr_range="10.9.0.0/28")
    assert (found.state.name, found.network) == ("READY", "net")


# the processors that a region has, and whether 3 e2-micro, 2 each, fit beside another connector's 6
CPUS = [
    pytest.param(12, True, id="just enough"),
    pytest.param(11, False, id="one too few"),
    pytest.param({R: 11}, False, id="one too few in this region"),
    pytest.param({"us-east1": 1}, True, id="few in another region"),
]


@pytest.mark.parametrize(("quota", "fits"), CPUS)
def test_the_processors_of_a_region_are_counted(site: Building, quota: Any, fits: bool) -> None:
    site.connector()
    site.subnet("second", "10.8.0.16/28")
    site.switch("vpcaccess.cpu_quota", quota)
    if fits:
        assert site.connector("second", subnet={"name": "second"}).state.name == "READY"
        return
    with pytest.raises(exceptions.FailedPrecondition) as refusal:
        site.connector("second", subnet={"name": "second"})
    assert refusal.value.message == "Operation failed: Insufficient CPU quota in region."
    assert site.state(f"{PARENT}/connectors/second") == "ERROR"
    assert site.state() == "READY"


AGENTS = [
    pytest.param(
        f"{NUMBER}@cloudservices.gserviceaccount.com",
        f"Operation failed: Google APIs Service Agent ({NUMBER}@cloudservices.gserviceaccount.com) needs editor role "
        "in the project.",
        id="the agent of Google's APIs",
    ),
    pytest.param(
        f"service-{NUMBER}@gcp-sa-vpcaccess.iam.gserviceaccount.com",
        f"Serverless VPC Access service account (service-{NUMBER}@gcp-sa-vpcaccess.iam.gserviceaccount.com) needs "
        "Serverless VPC Access Service Agent role in the project.",
        id="the agent of VPC Access",
    ),
]


@pytest.mark.parametrize(("agent", "message"), AGENTS)
def test_an_agent_that_lost_its_role_makes_no_connector(site: Building, agent: str, message: str) -> None:
    site.admin("deny", {"principal": agent, "permission": "*"})
    with pytest.raises(exceptions.PermissionDenied) as refusal:
        site.connector()
    assert refusal.value.message == message
    assert (site.state(), site.rules()) == ("ERROR", [])


@pytest.mark.parametrize(("remembered", "state"), [(True, "READY"), (False, "ERROR")])
def test_under_a_policy_of_the_project_the_agents_must_be_bound(site: Building, remembered: bool, state: str) -> None:
    policy = site.call("POST", "cloudresourcemanager", f"v1/projects/{P}:getIamPolicy", {}).json()
    agents = [one for one in policy["bindings"] if one["role"] != "roles/owner"]
    assert len(agents) >= 2
    bindings = [{"role": "roles/owner", "members": ["user:dana@example.com"]}, *(agents if remembered else [])]
    body = {"policy": {"bindings": bindings}}
    answer = site.call("POST", "cloudresourcemanager", f"v1/projects/{P}:setIamPolicy", body)
    assert answer.status_code == 200, answer.text
    site.begin()
    site.local.settle()
    assert site.call("GET", "vpcaccess", f"v1/{OUT}").json()["state"] == state


def test_the_ground_must_be_private_and_bare(site: Building) -> None:
    site.subnet("proxies", "10.8.1.0/28", purpose="REGIONAL_MANAGED_PROXY", role="ACTIVE")
    with pytest.raises(exceptions.InternalServerError) as refusal:
        site.connector(subnet={"name": "proxies"})
    assert refusal.value.message == MANUALLY
    site.remove()
    address = {"name": "db", "addressType": "INTERNAL", "subnetwork": f"regions/{R}/subnetworks/out"}
    site.made(site.compute("POST", f"regions/{R}/addresses", address))
    with pytest.raises(exceptions.InternalServerError) as refusal:
        site.connector()
    assert refusal.value.message == MANUALLY


def test_what_it_is_to_lie_in_must_be_there(site: Building) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="The network 'projects/my-project/global/networks/gone' was"):
        site.connector(network="gone", ip_cidr_range="10.9.0.0/28")
    parent = f"projects/{P}/locations/nowhere"
    with pytest.raises(exceptions.PermissionDenied, match=r"Permission denied on 'locations/nowhere' \(or it may not"):
        site.connectors.create_connector(parent=parent, connector=vpcaccess_v1.Connector(SIZE), connector_id="out")


def test_the_regions_that_it_may_lie_in_are_listed(site: Building) -> None:
    first = site.call("GET", "vpcaccess", f"v1/projects/{P}/locations?pageSize=30").json()
    rest = site.call("GET", "vpcaccess", f"v1/projects/{P}/locations?pageToken={first['nextPageToken']}").json()
    found = [*first["locations"], *rest["locations"]]
    assert {"name": f"projects/{P}/locations/{R}", "locationId": R} == {
        key: value for key, value in found[[one["locationId"] for one in found].index(R)].items() if key != "labels"
    }
    assert len(found) > len(first["locations"]) == 30


def test_its_name_is_taken_until_it_is_gone(site: Building) -> None:
    site.connector()
    going = site.connectors.delete_connector(name=OUT)
    assert site.state() == "DELETING"
    with pytest.raises(exceptions.AlreadyExists) as refusal:
        site.begin()
    assert refusal.value.message == "Requested entity already exists"
    going.result(timeout=30)
    assert site.connector().state.name == "READY"


def test_a_connector_in_error_holds_its_subnet(site: Building) -> None:
    site.switch("vpcaccess.unhealthy_machines", ["e2-micro"])
    with pytest.raises(exceptions.InternalServerError):
        site.connector()
    status, reason, message = site.refused(site.compute("DELETE", f"regions/{R}/subnetworks/out"))
    assert (status, reason) == (400, "resourceInUseByAnotherResource")
    start = f"The subnetwork resource 'projects/{P}/regions/{R}/subnetworks/out' is already being used by "
    assert message.startswith(f"{start}'projects/{P}/zones/{R}-b/instances/aet-europewest2-out-")
    site.remove()
    site.made(site.compute("DELETE", f"regions/{R}/subnetworks/out"))


def test_deleted_under_a_job_it_is_missed_at_the_next_deploy(site: Building) -> None:
    site.connector()
    assert site.job().status_code == 200
    site.local.settle()
    site.remove()
    job = site.call("GET", "run", f"v2/{PARENT}/jobs/job").json()
    assert job["template"]["template"]["vpcAccess"]["connector"] == OUT
    job["template"]["template"]["maxRetries"] = 1
    refused = site.call("PATCH", "run", f"v2/{PARENT}/jobs/job", job)
    message = f"VPC connector {OUT} does not exist, or Cloud Run does not have permission to use it."
    assert (refused.status_code, refused.json()["error"]["message"]) == (400, message)


def test_a_read_may_lag_behind_the_operation(site: Building) -> None:
    site.switch("vpcaccess.get_lag", 5)
    assert site.connector().state.name == "READY"
    assert site.state() == "CREATING"
    assert [one.state.name for one in site.connectors.list_connectors(parent=PARENT)] == ["CREATING"]
    site.cloud.clock.advance(6)
    assert site.state() == "READY"
    site.remove()
    assert site.state() == "DELETING"
    site.cloud.clock.advance(6)
    with pytest.raises(exceptions.NotFound):
        site.state()


def test_left_over_rules_keep_the_network_until_somebody_clears_them_away(site: Building) -> None:
    site.switch("connector.leaves_rules", True)
    site.connector()
    site.remove()
    site.made(site.compute("DELETE", f"regions/{R}/subnetworks/out"))
    names = site.rules()
    assert len(names) == 6
    message = (
        f"The network resource 'projects/{P}/global/networks/net' is already being used by "
        f"'projects/{P}/global/firewalls/{names[0]}'"
    )
    failed = site.fails(site.compute("DELETE", "global/networks/net"))
    assert failed == ("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", message)
    for name in names:
        site.made(site.compute("DELETE", f"global/firewalls/{name}"))
    gone = site.refused(site.compute("DELETE", f"global/firewalls/{names[0]}"))
    assert gone[:2] == (404, "notFound")
    site.made(site.compute("DELETE", "global/networks/net"))


# the switch, and how many rules are there 30 and 120 seconds after one was deleted under a connector that serves
REGIMES = [
    pytest.param({}, (5, 5), id="stays deleted"),
    pytest.param({"connector.rules_restored": True}, (5, 6), id="comes back after a minute"),
    pytest.param(
        {"connector.rules_restored": True, "connector.rules_restored_after": 10}, (6, 6), id="comes back sooner"
    ),
]


@pytest.mark.parametrize(("switches", "counts"), REGIMES)
def test_a_rule_deleted_under_a_connector(site: Building, switches: Body, counts: tuple[int, int]) -> None:
    site.admin("switches", switches)
    site.connector()
    site.made(site.compute("DELETE", "global/firewalls/aet-europewest2-out-sbntfw"))
    site.cloud.clock.advance(30)
    first = len(site.rules())
    site.cloud.clock.advance(90)
    assert (first, len(site.rules())) == counts


def test_rules_that_nobody_sees_let_a_connector_live_all_the_same(site: Building) -> None:
    site.switch("connector.visible_rules", False)
    assert site.connector().state.name == "READY"
    assert site.rules() == []


# what the organization allows, the egress that is asked for, and whether a job may have it
POLICIES = [
    pytest.param(["all-traffic"], "", False, id="an egress must be said"),
    pytest.param(["all-traffic"], "ALL_TRAFFIC", True, id="what is allowed everywhere"),
    pytest.param({P: ["private-ranges-only"]}, "ALL_TRAFFIC", False, id="what this project may not"),
    pytest.param({HOST: ["private-ranges-only"]}, "ALL_TRAFFIC", True, id="what another project may not"),
]


@pytest.mark.parametrize(("allowed", "egress", "fine"), POLICIES)
def test_an_organization_policy_may_be_of_one_project(site: Building, allowed: Any, egress: str, fine: bool) -> None:
    site.connector()
    site.switch("run.allowed_vpc_egress", allowed)
    answer = site.job(egress=egress)
    if fine:
        assert answer.status_code == 200
        return
    word = "all-traffic" if egress else "null"
    message = (
        "Constraint constraints/run.allowedVPCEgress violated for attempting CreateJob with annotation "
        f'"run.googleapis.com/vpc-access-egress" set to {word}.'
    )
    assert (answer.json()["error"]["status"], answer.json()["error"]["message"]) == ("FAILED_PRECONDITION", message)
