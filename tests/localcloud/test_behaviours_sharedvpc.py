"""Shared VPC: hosts, their service projects, and connectors and jobs across the border."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import compute_v1

from tests.localcloud.building import HOST, HOST_NUMBER, NUMBER, OUT, Body, Building, P, R, building

SUBNET: Body = {"subnet": {"name": "out", "project_id": HOST}}
THERE = f"projects/{HOST}/locations/{R}/connectors/out"
CONTROL = [
    {"IPProtocol": "tcp", "ports": ["667"]},
    {"IPProtocol": "udp", "ports": ["665-666"]},
    {"IPProtocol": "icmp"},
]
HEALTH = ["35.191.0.0/16", "35.191.192.0/18", "130.211.0.0/22"]
TAGGED: Body = {"targetTags": ["vpc-connector"]}
# the rules that Google tells the host's admin to make, by name
MANUAL: dict[str, Body] = {
    "serverless-to-vpc-connector": {"sourceRanges": ["35.199.224.0/19"], "allowed": CONTROL, **TAGGED},
    "vpc-connector-to-serverless": {
        "direction": "EGRESS",
        "destinationRanges": ["35.199.224.0/19"],
        "allowed": CONTROL,
        **TAGGED,
    },
    "vpc-connector-health-checks": {"sourceRanges": HEALTH, "allowed": CONTROL[:1], **TAGGED},
}


@pytest.fixture
def site() -> Iterator[Building]:
    with building() as found:
        found.network("net", HOST)
        found.subnet("out", "10.8.0.0/28", project=HOST)
        yield found


def enable(site: Building, project: str = HOST) -> None:
    site.finished(site.projects.enable_xpn_host(project=project))


def attach(site: Building, service: str = P) -> None:
    resource = compute_v1.ProjectsEnableXpnResourceRequest(
        xpn_resource=compute_v1.XpnResourceId(id=service, type_="PROJECT")
    )
    site.finished(
        site.projects.enable_xpn_resource(project=HOST, projects_enable_xpn_resource_request_resource=resource)
    )


def prepare(site: Building, *without: str) -> None:
    """The host shares its networks, and has Google's rules but for some."""
    enable(site)
    attach(site)
    for name, body in MANUAL.items():
        if name not in without:
            site.rule(name, HOST, **body)


# the projects


def test_a_host_shares_with_the_projects_that_are_attached(site: Building) -> None:
    assert site.projects.get(project=HOST).xpn_project_status == ""
    assert site.call("GET", "compute", f"compute/v1/projects/{P}/getXpnHost").json() == {}
    enable(site)
    attach(site, NUMBER)
    assert site.projects.get(project=HOST).xpn_project_status == "HOST"
    assert site.projects.get_xpn_host(project=P).name == HOST
    [resource] = site.projects.get_xpn_resources(project=HOST)
    assert (resource.id, resource.type_) == (P, "PROJECT")
    request = compute_v1.ProjectsListXpnHostsRequest()
    hosts = site.projects.list_xpn_hosts(project=P, projects_list_xpn_hosts_request_resource=request)
    assert [one.name for one in hosts] == [HOST]
    resource = compute_v1.ProjectsDisableXpnResourceRequest(xpn_resource=resource)
    site.finished(
        site.projects.disable_xpn_resource(project=HOST, projects_disable_xpn_resource_request_resource=resource)
    )
    site.finished(site.projects.disable_xpn_host(project=HOST))
    assert site.projects.get(project=HOST).xpn_project_status == ""


def test_what_is_no_host_can_attach_and_tell_nothing(site: Building) -> None:
    body = {"xpnResource": {"id": P, "type": "PROJECT"}}
    message = f"Invalid resource usage: ''projects/{HOST}' is not a shared VPC host project.'."
    refused = site.refused(site.compute("POST", "enableXpnResource", body, HOST))
    assert refused == (400, "invalidResourceUsage", message)
    told = f"Invalid resource usage: 'The resource 'projects/{HOST}' is not a shared VPC host project.'."
    assert site.refused(site.compute("GET", "getXpnResources", project=HOST))[2] == told


def test_nobody_is_host_and_service_project_at_once(site: Building) -> None:
    enable(site)
    attach(site)
    assert "is a shared VPC service project" in site.refused(site.compute("POST", "enableXpnHost"))[2]
    status, reason, message = site.refused(site.compute("POST", "disableXpnHost", project=HOST))
    assert (status, reason) == (400, "resourceInUseByAnotherResource")
    assert message == f"The project resource 'projects/{HOST}' is already being used by 'projects/{P}'"


# a connector of the service project


def test_it_lives_by_the_rules_that_the_host_makes_for_it(site: Building) -> None:
    prepare(site)
    found = site.connector(**SUBNET)
    assert (found.state.name, found.network, found.subnet.project_id) == ("READY", "net", HOST)
    assert sorted(site.rules(HOST)) == sorted(MANUAL)
    assert site.rules() == []
    assert site.job().status_code == 200


@pytest.mark.parametrize("missing", ["serverless-to-vpc-connector", "vpc-connector-health-checks"])
def test_without_one_of_the_ingress_rules_it_gets_never_healthy(site: Building, missing: str) -> None:
    prepare(site, missing)
    with pytest.raises(exceptions.InternalServerError, match="failed to get healthy"):
        site.connector(**SUBNET)
    assert site.state() == "ERROR"


def test_an_egress_deny_cuts_it_off_unless_the_control_rule_is_stronger(site: Building) -> None:
    prepare(site)
    everything: list[Any] = [{"IPProtocol": "all"}]
    site.rule("deny", HOST, direction="EGRESS", priority=900, denied=everything, **TAGGED)
    with pytest.raises(exceptions.InternalServerError, match="failed to get healthy"):
        site.connector(**SUBNET)
    site.remove()
    site.made(site.compute("PATCH", "global/firewalls/vpc-connector-to-serverless", {"priority": 800}, HOST))
    assert site.connector(**SUBNET).state.name == "READY"


def test_a_project_that_is_not_attached_may_not_use_the_subnet(site: Building) -> None:
    prepare(site)
    site.admin("shared_vpc", {"host": HOST, "service": P, "remove": True})
    with pytest.raises(exceptions.InvalidArgument) as refusal:
        site.connector(**SUBNET)
    message = f'Operation failed: Project "{P}" does not have an associated Shared-VPC host project.'
    assert refusal.value.message == message
    site.remove()
    site.admin("shared_vpc", {"host": HOST, "service": P})
    assert site.connector(**SUBNET).state.name == "READY"


@pytest.mark.parametrize(
    "agent",
    [f"{NUMBER}@cloudservices.gserviceaccount.com", f"service-{NUMBER}@gcp-sa-vpcaccess.iam.gserviceaccount.com"],
)
def test_both_agents_need_the_network_users_role(site: Building, agent: str) -> None:
    prepare(site)
    site.admin("deny", {"principal": agent, "permission": "compute.subnetworks.use"})
    with pytest.raises(exceptions.PermissionDenied) as refusal:
        site.connector(**SUBNET)
    name = f"projects/{HOST}/regions/{R}/subnetworks/out"
    message = f"Operation failed: Required 'compute.subnetworks.use' permission for '{name}' (when acting as '{agent}')"
    assert refusal.value.message == message


@pytest.mark.parametrize("bound", [True, False])
def test_in_a_host_with_a_policy_the_agents_must_be_bound(site: Building, bound: bool) -> None:
    prepare(site)
    agents = [
        f"{NUMBER}@cloudservices.gserviceaccount.com",
        f"service-{NUMBER}@gcp-sa-vpcaccess.iam.gserviceaccount.com",
    ]
    bindings: list[Body] = [{"role": "roles/owner", "members": ["user:dana@example.com"]}]
    if bound:
        members = [f"serviceAccount:{agent}" for agent in agents]
        bindings.append({"role": "roles/compute.networkUser", "members": members})
    answer = site.call(
        "POST", "cloudresourcemanager", f"v1/projects/{HOST}:setIamPolicy", {"policy": {"bindings": bindings}}
    )
    assert answer.status_code == 200, answer.text
    if bound:
        assert site.connector(**SUBNET).state.name == "READY"
    else:
        with pytest.raises(exceptions.PermissionDenied, match=r"compute\.subnetworks\.use"):
            site.connector(**SUBNET)


def test_it_holds_the_hosts_subnet(site: Building) -> None:
    prepare(site)
    site.connector(**SUBNET)
    held = site.refused(site.compute("DELETE", f"regions/{R}/subnetworks/out", project=HOST))
    assert f"is already being used by 'projects/{P}/zones/" in held[2]


# a connector of the host


def test_a_hosts_connector_serves_the_jobs_of_its_service_projects(site: Building) -> None:
    site.connector(project=HOST)
    assert len(site.rules(HOST)) == 6
    assert site.job(THERE).status_code == 200
    by_number = THERE.replace(HOST, HOST_NUMBER)
    assert site.job(by_number, HOST, "own").status_code == 200
    assert list(site.connectors.get_connector(name=THERE).connected_projects) == [HOST, P]
    missing = site.job(OUT, name="other")
    assert "does not exist, or Cloud Run does not have permission to use it" in missing.json()["error"]["message"]
