"""Serverless VPC Access through its official client over gRPC; PATCH, which that client lacks, on the REST wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import requests
from google.api_core import exceptions
from google.cloud import vpcaccess_v1
from google.cloud.vpcaccess_v1.services.vpc_access_service.transports import VpcAccessServiceGrpcTransport

from localcloud.clock import Clock
from localcloud.core import Cloud
from localcloud.server import LocalCloud

PROJECT, HOST, REGION = "my-project", "host-project", "europe-west2"
PARENT = f"projects/{PROJECT}/locations/{REGION}"
NAME = f"{PARENT}/connectors/out"
NETWORK = f"projects/{PROJECT}/global/networks/net"
LINK = "https://www.googleapis.com/compute/v1"
DANA = [("authorization", "Bearer dana@example.com")]
SIZE = {"min_instances": 2, "max_instances": 3}
SUBNET = {"subnet": {"name": "small"}, **SIZE}
UNHEALTHY = "VPC Access connector failed to get healthy"


@dataclass
class Stage:
    local: LocalCloud
    connectors: Any  # its operations' result() has no types

    @property
    def cloud(self) -> Cloud:
        return self.local.cloud

    def begun(self, body: dict[str, Any] | None = None, id_: str = "out") -> Any:
        connector = vpcaccess_v1.Connector(SUBNET if body is None else body)
        return self.connectors.create_connector(parent=PARENT, connector=connector, connector_id=id_, metadata=DANA)

    def made(self, body: dict[str, Any] | None = None, id_: str = "out") -> Any:
        return self.begun(body, id_).result(timeout=30)

    def state(self, name: str = NAME) -> str:
        found: str = self.connectors.get_connector(name=name).state.name
        return found

    def rest(self, verb: str, path: str, body: Any = None) -> requests.Response:
        return requests.request(verb, f"{self.local.url}/_svc/vpcaccess/v1/{path}", json=body, timeout=30)

    def subnet(self, name: str, cidr: str, project: str = PROJECT, network: str = NETWORK, **fields: Any) -> None:
        canonical = f"projects/{project}/regions/{REGION}/subnetworks/{name}"
        document = {"name": name, "ipCidrRange": cidr, "network": f"{LINK}/{network}", **fields}
        self.cloud.table("compute.subnetworks")[canonical] = document

    def rule(self, name: str, network: str = NETWORK, **fields: Any) -> None:
        project = network.split("/")[1]
        document = {"name": name, "network": f"{LINK}/{network}", "direction": "INGRESS", "priority": 1000, **fields}
        self.cloud.table("compute.firewalls")[f"projects/{project}/global/firewalls/{name}"] = document

    def automatic(self) -> list[str]:
        names = (name.rsplit("/", 1)[-1] for name in self.cloud.table("compute.firewalls"))
        return sorted(name for name in names if name.startswith("aet-"))


@pytest.fixture
def stage() -> Iterator[Stage]:
    projects = {PROJECT: "123456789012", HOST: "210987654321"}
    with LocalCloud(projects=projects, clock=Clock()) as local, grpc.insecure_channel(local.grpc) as channel:
        connectors = vpcaccess_v1.VpcAccessServiceClient(transport=VpcAccessServiceGrpcTransport(channel=channel))
        local.cloud.clock.idle = False  # nothing moves but what a test waits for
        found = Stage(local, connectors)
        local.cloud.table("compute.networks")[NETWORK] = {"name": "net", "autoCreateSubnetworks": False}
        found.subnet("small", "10.8.0.0/28")
        yield found


def test_a_connector_takes_minutes_and_is_then_ready(stage: Stage) -> None:
    operation = stage.begun()
    assert stage.state() == "CREATING"
    started = stage.cloud.clock.seconds()
    connector = operation.result(timeout=30)
    assert stage.cloud.clock.seconds() - started == 160.0
    assert connector == vpcaccess_v1.Connector(
        name=NAME,
        network="net",
        state="READY",
        machine_type="e2-micro",
        min_instances=2,
        max_instances=3,
        min_throughput=200,
        max_throughput=300,
        connected_projects=[PROJECT],
        subnet={"name": "small", "project_id": PROJECT},
    )
    assert stage.connectors.get_connector(name=NAME) == connector
    assert operation.metadata.method == "google.cloud.vpcaccess.v1.VpcAccessService.CreateConnector"
    assert operation.metadata.target == NAME
    assert operation.metadata.end_time > operation.metadata.create_time


def test_an_operation_over_rest_looks_like_the_recorded_ones(stage: Stage) -> None:
    body = {"subnet": {"name": "small"}, "minInstances": 2, "maxInstances": 3, "network": "default"}
    first = stage.rest("POST", f"{PARENT}/connectors?connectorId=out", body).json()
    assert set(first) == {"name", "metadata"}
    assert set(first["metadata"]) == {"@type", "method", "createTime", "target"}
    done = stage.rest("GET", first["name"]).json()
    assert done["metadata"]["endTime"] > first["metadata"]["createTime"]
    assert done["response"]["@type"] == "type.googleapis.com/google.cloud.vpcaccess.v1.Connector"
    assert done["response"]["network"] == "net", "gcloud sends network=default along with a subnet: the subnet decides"
    listed = stage.rest("GET", f"{PARENT}/operations").json()
    assert listed["operations"] == [done]


# what is sent, the connector's id, and the text of the refusal at once
AT_ONCE = [
    pytest.param(
        {}, "Out", "Connector ID must follow the pattern ^[a-z][-a-z0-9]{0,23}[a-z0-9]$.", id="capital letter"
    ),
    pytest.param({}, "a" * 26, "Connector ID must follow the pattern ^[a-z][-a-z0-9]{0,23}[a-z0-9]$.", id="too long"),
    pytest.param({"name": NAME}, "out", "Connector name must not be set.", id="a name in the body"),
    pytest.param(
        {"min_instances": 1},
        "out",
        "The minimum amount of instances underlying the connector must be at least 2.",
        id="too small",
    ),
    pytest.param(
        {"min_instances": 3},
        "out",
        "The specified minimum instances value must be less than the specified maximum instances value.",
        id="no room to grow",
    ),
    pytest.param({"max_instances": 11}, "out", "Request contains an invalid argument.", id="too big"),
    pytest.param({"machine_type": "n1"}, "out", "Request contains an invalid argument.", id="unknown machine"),
    pytest.param(
        {"ip_cidr_range": "10.9.0.0/28"}, "out", "Request contains an invalid argument.", id="range and subnet"
    ),
]


@pytest.mark.parametrize(("change", "id_", "message"), AT_ONCE)
def test_what_is_wrong_in_the_request_itself_is_refused_at_once(
    stage: Stage, change: dict[str, Any], id_: str, message: str
) -> None:
    with pytest.raises(exceptions.InvalidArgument) as refusal:
        stage.begun(SUBNET | change, id_)
    assert refusal.value.message == message
    assert stage.cloud.table("vpcaccess.connectors") == {}


# the connector, and the text that its operation ends with minutes later
LATER = [
    pytest.param(
        {"subnet": {"name": "small"}},
        "Operation failed: A Connector must specify either max_throughput or max_instances.",
        id="no size: no longer filled in since 2026",
    ),
    pytest.param(
        {"subnet": {"name": "large"}, **SIZE},
        "Operation failed: Subnets used for VPC connectors must have a netmask of 28.",
        id="a subnet that is not a /28",
    ),
    pytest.param({"subnet": {"name": "none"}, **SIZE}, "was not found", id="no such subnet"),
    pytest.param(
        {"network": "net", "ip_cidr_range": "10.8.0.0/28", **SIZE},
        "Operation failed: Invalid IP CIDR range was provided. It conflicts with an existing subnetwork. "
        "Please delete the connector manually.",
        id="a range that a subnet holds",
    ),
    pytest.param(
        {"network": "net", "ip_cidr_range": "10.7.0.16/28", **SIZE},
        "It conflicts with an existing subnetwork.",
        id="a range that a secondary range of a subnet holds",
    ),
]


@pytest.mark.parametrize(("body", "message"), LATER)
def test_what_is_wrong_with_the_network_shows_later_and_leaves_an_error(
    stage: Stage, body: dict[str, Any], message: str
) -> None:
    stage.subnet("large", "10.9.0.0/24", secondaryIpRanges=[{"rangeName": "x", "ipCidrRange": "10.7.0.0/24"}])
    with pytest.raises(exceptions.InvalidArgument) as refusal:
        stage.made(body)
    assert message in refusal.value.message
    assert stage.state() == "ERROR"
    assert stage.automatic() == []
    with pytest.raises(exceptions.AlreadyExists):
        stage.begun()
    stage.connectors.delete_connector(name=NAME).result(timeout=30)
    assert stage.made().state.name == "READY"


def test_a_subnet_serves_one_connector_only(stage: Stage) -> None:
    stage.made()
    with pytest.raises(exceptions.InvalidArgument, match="conflicts with an existing subnetwork"):
        stage.made(id_="second")


def test_of_two_connectors_that_want_one_subnet_the_later_fails(stage: Stage) -> None:
    first, second = stage.begun(), stage.begun(id_="second")
    assert first.result(timeout=30).state.name == "READY"
    with pytest.raises(exceptions.InvalidArgument):
        second.result(timeout=30)


def test_a_connector_in_error_holds_its_subnet_until_it_is_deleted(stage: Stage) -> None:
    stage.cloud.switches["vpcaccess.create_error"] = {"code": 9, "message": "Insufficient CPU quota in region."}
    with pytest.raises(exceptions.FailedPrecondition):
        stage.made()
    del stage.cloud.switches["vpcaccess.create_error"]
    with pytest.raises(exceptions.InvalidArgument, match="conflicts"):
        stage.made(id_="second")
    stage.cloud.switches["vpcaccess.error_holds_subnet"] = False
    assert stage.made(id_="third").state.name == "READY"


def test_a_connector_can_be_made_from_a_free_range(stage: Stage) -> None:
    found = stage.made({"network": "net", "ip_cidr_range": "10.8.0.16/28", **SIZE})
    assert (found.network, found.ip_cidr_range) == ("net", "10.8.0.16/28")
    assert "subnet" not in found
    assert len(stage.automatic()) == 6


# machine type and what is given, and the size that comes of it: Mbit/s per instance as Google's table has it
SIZES = [
    pytest.param({"max_instances": 10}, (2, 10, 200, 1000), id="the least is 2"),
    pytest.param({"machine_type": "e2-standard-4", **SIZE}, (2, 3, 3200, 4800), id="bigger machines"),
    pytest.param({"max_throughput": 500}, (2, 5, 200, 500), id="throughput alone"),
    pytest.param({"max_throughput": 500, **SIZE}, (2, 3, 200, 300), id="instances win"),
]


@pytest.mark.parametrize(("given", "size"), SIZES)
def test_throughput_follows_from_instances(stage: Stage, given: dict[str, Any], size: tuple[int, ...]) -> None:
    found = stage.made({"subnet": {"name": "small"}, **given})
    assert (found.min_instances, found.max_instances, found.min_throughput, found.max_throughput) == size


# automatic firewall rules


def test_google_s_rules_come_while_the_connector_is_being_made_and_go_with_it(stage: Stage) -> None:
    stage.begun()
    stage.cloud.clock.advance(60.0)
    assert stage.automatic() == []
    stage.cloud.clock.advance(60.0)
    assert stage.state() == "CREATING"
    suffixes = ["earfw", "egrfw", "hcfw", "rsgfw", "sbntfw", "tagfw"]
    assert stage.automatic() == [f"aet-europewest2-out-{suffix}" for suffix in suffixes]
    stage.local.settle()
    assert stage.state() == "READY"
    stage.connectors.delete_connector(name=NAME).result(timeout=30)
    assert stage.automatic() == []


# a rule, and why it keeps a connector from getting healthy
TCP_667 = [{"IPProtocol": "tcp", "ports": ["600-700"]}]
TAG = f"vpc-connector-{REGION}-out"
HARMFUL = [
    pytest.param(
        {"priority": 99, "denied": TCP_667, "sourceRanges": ["35.191.0.0/16"], "targetTags": [TAG]},
        id="health checks denied to its tag above the automatic allow",
    ),
    pytest.param(
        {"priority": 100, "denied": [{"IPProtocol": "all"}], "sourceRanges": ["0.0.0.0/0"]},
        id="everything denied at the same number: deny wins",
    ),
    pytest.param(
        {"priority": 50, "direction": "EGRESS", "denied": [{"IPProtocol": "all"}], "targetTags": ["vpc-connector"]},
        id="all egress denied to every connector",
    ),
    pytest.param(
        {"priority": 0, "denied": TCP_667, "sourceRanges": ["130.211.1.0/24"]}, id="a part of one range denied"
    ),
]


@pytest.mark.parametrize("rule", HARMFUL)
def test_a_rule_that_cuts_the_control_path_keeps_a_connector_from_getting_healthy(
    stage: Stage, rule: dict[str, Any]
) -> None:
    stage.rule("deny", **rule)
    with pytest.raises(exceptions.InternalServerError, match=UNHEALTHY):
        stage.made()
    assert stage.state() == "ERROR"


# a rule, and why it does no harm
HARMLESS = [
    pytest.param({"priority": 101, "denied": [{"IPProtocol": "all"}]}, id="the automatic allow is stronger"),
    pytest.param({"priority": 1, "denied": TCP_667, "disabled": True}, id="it is disabled"),
    pytest.param({"priority": 1, "denied": TCP_667, "targetTags": ["web"]}, id="it is for other machines"),
    pytest.param({"priority": 1, "denied": [{"IPProtocol": "tcp", "ports": ["443"]}]}, id="another port"),
    pytest.param({"priority": 1, "denied": [{"IPProtocol": "udp"}]}, id="another protocol"),
    pytest.param(
        {"priority": 1, "direction": "EGRESS", "denied": TCP_667, "destinationRanges": ["10.0.0.0/8", "::/0"]},
        id="another destination",
    ),
    pytest.param(
        {"priority": 1, "denied": TCP_667, "network": f"{LINK}/projects/{PROJECT}/global/networks/other"},
        id="another network",
    ),
]


@pytest.mark.parametrize("rule", HARMLESS)
def test_other_rules_do_a_connector_no_harm(stage: Stage, rule: dict[str, Any]) -> None:
    stage.rule("deny")
    stage.cloud.table("compute.firewalls")[f"projects/{PROJECT}/global/firewalls/deny"].update(rule)
    assert stage.made().state.name == "READY"


def test_a_service_project_s_connector_needs_rules_that_somebody_made(stage: Stage) -> None:
    network = f"projects/{HOST}/global/networks/shared"
    stage.subnet("theirs", "10.20.0.0/28", HOST, network)
    body = {"subnet": {"name": "theirs", "project_id": HOST}, **SIZE}
    with pytest.raises(exceptions.InternalServerError, match=UNHEALTHY):
        stage.made(body)
    assert stage.automatic() == []
    stage.connectors.delete_connector(name=NAME).result(timeout=30)

    ranges = ["35.199.224.0/19", "35.191.0.0/16", "35.191.192.0/18", "130.211.0.0/22"]
    allow = {"allowed": [{"IPProtocol": "tcp", "ports": ["667"]}], "targetTags": ["vpc-connector"]}
    stage.rule("control", network, **allow, sourceRanges=ranges)
    assert stage.made(body).network == "shared"
    stage.connectors.delete_connector(name=NAME).result(timeout=30)

    stage.rule("deny", network, direction="EGRESS", priority=900, denied=[{"IPProtocol": "all"}])
    with pytest.raises(exceptions.InternalServerError, match=UNHEALTHY):
        stage.made(body)


def test_a_failure_can_be_asked_for(stage: Stage) -> None:
    message = "Operation failed: Insufficient CPU quota in region."
    stage.cloud.switches["vpcaccess.create_error"] = {"code": 9, "message": message}
    with pytest.raises(exceptions.FailedPrecondition) as refusal:
        stage.made()
    assert refusal.value.message == message
    assert stage.state() == "ERROR"


# get, list, delete, patch


def test_what_is_absent_is_not_found(stage: Stage) -> None:
    for call in (stage.connectors.get_connector, stage.connectors.delete_connector):
        with pytest.raises(exceptions.NotFound) as refusal:
            call(name=NAME)
        assert refusal.value.message == "The connector is not found."


def test_connectors_are_listed_by_location_page_by_page(stage: Stage) -> None:
    for index in range(3):
        stage.subnet(f"s{index}", f"10.30.0.{16 * index}/28")
        stage.made({"subnet": {"name": f"s{index}"}, **SIZE}, f"out-{index}")
    request = {"parent": PARENT, "page_size": 2}
    pages = [[one.name[-5:] for one in page.connectors] for page in stage.connectors.list_connectors(request).pages]
    assert pages == [["out-0", "out-1"], ["out-2"]]
    assert list(stage.connectors.list_connectors(parent=f"projects/{PROJECT}/locations/us-east1")) == []


def test_a_connector_in_use_is_deleted_all_the_same(stage: Stage) -> None:
    stage.made()
    task = {"vpcAccess": {"connector": NAME}}
    stage.cloud.table("run.jobs")[f"{PARENT}/jobs/j"] = {"template": {"template": task}}
    operation = stage.connectors.delete_connector(name=NAME)
    assert stage.state() == "DELETING"
    with pytest.raises(exceptions.FailedPrecondition):
        stage.connectors.delete_connector(name=NAME)
    assert operation.result(timeout=30) is not None
    assert list(stage.connectors.list_connectors(parent=PARENT)) == []


def test_a_connector_grows_while_it_serves(stage: Stage) -> None:
    stage.made()
    mask = "min_instances,maxInstances"
    operation = stage.rest("PATCH", f"{NAME}?updateMask={mask}", {"minInstances": 3, "maxInstances": 6}).json()
    assert operation["metadata"]["method"].endswith("UpdateConnector")
    assert stage.state() == "UPDATING"
    grown = stage.rest("GET", operation["name"]).json()["response"]
    assert (grown["state"], grown["minInstances"], grown["maxThroughput"]) == ("READY", 3, 600)


# the query, the body, and a word of the refusal
SHRINKING = [
    pytest.param("minInstances,maxInstances", {"minInstances": 2, "maxInstances": 4}, "decreased", id="smaller"),
    pytest.param("maxInstances", {"maxInstances": 7}, "Both", id="one bound alone"),
    pytest.param("ipCidrRange", {"ipCidrRange": "10.0.0.0/28"}, "invalid argument", id="what never changes"),
    pytest.param("minInstances,maxInstances", {"minInstances": 7, "maxInstances": 7}, "less than", id="no room"),
]


@pytest.mark.parametrize(("mask", "body", "word"), SHRINKING)
def test_a_connector_never_shrinks_nor_moves(stage: Stage, mask: str, body: dict[str, Any], word: str) -> None:
    stage.made({"subnet": {"name": "small"}, "min_instances": 3, "max_instances": 5})
    answer = stage.rest("PATCH", f"{NAME}?updateMask={mask}", body)
    assert answer.status_code == 400
    assert word in answer.json()["error"]["message"]
    assert stage.state() == "READY"


# the log


def test_every_change_writes_its_first_and_its_last_entry(stage: Stage) -> None:
    stage.made()
    stage.connectors.delete_connector(name=NAME).result(timeout=30)
    entries = list(stage.cloud.table("logging.entries").values())
    ours = [one for one in entries if one["protoPayload"]["serviceName"] == "vpcaccess.googleapis.com"]
    service = "google.cloud.vpcaccess.v1.VpcAccessService"
    assert [one["protoPayload"]["methodName"] for one in ours] == [
        f"{service}.CreateConnector",
        f"{service}.CreateConnector",
        f"{service}.DeleteConnector",
        f"{service}.DeleteConnector",
    ]
    first, last = ours[:2]
    assert first["resource"] == {
        "type": "audited_resource",
        "labels": {
            "project_id": PROJECT,
            "service": "vpcaccess.googleapis.com",
            "method": f"{service}.CreateConnector",
        },
    }
    payload = first["protoPayload"]
    assert payload["resourceName"] == NAME
    assert payload["authenticationInfo"]["principalEmail"] == "dana@example.com"
    assert payload["request"] == {
        "@type": "type.googleapis.com/google.cloud.vpcaccess.v1.CreateConnectorRequest",
        "parent": PARENT,
        "connectorId": "out",
        "connector": {"subnet": {"name": "small"}, "minInstances": 2, "maxInstances": 3},
    }
    assert first["operation"]["first"]
    assert last["operation"]["last"]
    assert last["timestamp"] > first["timestamp"]


def test_a_failed_creation_ends_with_an_error_entry(stage: Stage) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        stage.made({"subnet": {"name": "none"}, **SIZE})
    last = list(stage.cloud.table("logging.entries").values())[-1]
    assert (last["severity"], last["protoPayload"]["status"]["code"]) == ("ERROR", 3)
    assert last["operation"]["last"]
