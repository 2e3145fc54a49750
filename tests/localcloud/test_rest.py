"""The REST face: what it takes, what it refuses and how, and that many may wait at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from localcloud.calls import Document
from localcloud.clock import Clock
from localcloud.documents import discovery, schema
from localcloud.errors import UNAVAILABLE, ApiError
from localcloud.faults.calls import Fault
from tests.localcloud.served import V1, P, Served, refusal, served

JOBS = f"/v2/projects/{P}/locations/europe-west2/jobs"


@pytest.fixture(scope="module")
def stage() -> Iterator[Served]:
    with served() as found:
        found.network()
        yield found


def received(verb: str, path: str, body: Any) -> Document:
    """What a handler gets to see of a body."""
    found = discovery.find(verb, path.lstrip("/"))
    assert found is not None
    return schema.checked(found[0], body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        pytest.param({"zork": 1}, "Unknown name \"zork\" at 'resource': Cannot find field.", id="an unknown field"),
        pytest.param(
            {"logConfig": {"zork": 1}},
            "Unknown name \"zork\" at 'resource.logConfig': Cannot find field.",
            id="an unknown field further in",
        ),
        pytest.param(
            {"allowed": [{}, {"ports": [80]}]},
            "Invalid value at 'resource.allowed[1].ports[0]' (TYPE_STRING), 80",
            id="a number for a text, by its path through lists",
        ),
        pytest.param(
            {"allowed": {"IPProtocol": "tcp"}},
            "Invalid value at 'resource.allowed' (list), ",
            id="no list",
        ),
        pytest.param({"priority": "high"}, "'resource.priority' (TYPE_INT32), \"high\"", id="no number"),
        pytest.param({"disabled": "false"}, "Invalid value at 'resource.disabled' (TYPE_BOOL)", id="a text for a flag"),
        pytest.param({"direction": "UP"}, "Invalid value at 'resource.direction' (TYPE_ENUM), \"UP\"", id="an enum"),
        pytest.param([], "Root element must be a message.", id="a list for a message"),
    ],
)
def test_a_body_that_the_schema_does_not_allow_is_refused_in_computes_shape(
    stage: Served, body: Any, message: str
) -> None:
    status, _, said = refusal(stage.call("POST", "./global/firewalls", body))
    assert status == 400
    assert message in said


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        pytest.param(
            {"template": {"template": {"timeout": "600"}}},
            "job.template.template.timeout",
            '(type.googleapis.com/google.protobuf.Duration), "600"',
            id="a duration without its unit",
        ),
        pytest.param(
            {"template": {"template": {"vpcAccess": {"egress": 77}}}},
            "job.template.template.vpc_access.egress",
            "(type.googleapis.com/google.cloud.run.v2.VpcAccess.VpcEgress), 77",
            id="a number that its enum lacks",
        ),
        pytest.param(
            {"template": {"template": {"maxRetries": 3.5}}},
            "job.template.template.max_retries",
            "(TYPE_INT32), 3.5",
            id="a fraction for a whole number",
        ),
        pytest.param(
            {"template": {"template": {"containers": [{"imagine": "x"}]}}},
            "job.template.template.containers[0]",
            "Unknown name \"imagine\" at 'job.template.template.containers[0]'",
            id="a field that containers lack",
        ),
    ],
)
def test_other_services_refuse_with_a_status_and_the_fields_path(
    stage: Served, body: Document, field: str, message: str
) -> None:
    error = stage.call("POST", f"{JOBS}?jobId=j", body).json()["error"]
    assert error.keys() == {"code", "message", "status", "details"}
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["details"][0]["fieldViolations"][0]["field"] == field
    assert message in error["message"]


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        pytest.param({"launch_stage": "GA"}, {"launchStage": "GA"}, id="snake case, as proto JSON may be written"),
        pytest.param({"launchStage": 4}, {"launchStage": "GA"}, id="an enum's number, not its place"),
        pytest.param({"labels": None}, {}, id="null is nothing"),
        pytest.param({"uid": "u", "reconciling": True}, {}, id="what only the server writes is ignored"),
        pytest.param({"labels": {"any_key": "v"}}, {"labels": {"any_key": "v"}}, id="the keys of a map stay"),
        pytest.param(
            {"template": {"taskCount": "3"}},
            {"template": {"taskCount": 3}},
            id="a number as text",
        ),
        pytest.param(
            {"template": {"template": {"vpcAccess": {"egress": 1}, "executionEnvironment": 2}}},
            {
                "template": {
                    "template": {
                        "vpcAccess": {"egress": "ALL_TRAFFIC"},
                        "executionEnvironment": "EXECUTION_ENVIRONMENT_GEN2",
                    }
                }
            },
            id="numbers of enums deep inside",
        ),
    ],
)
def test_bodies_reach_the_handler_in_one_form(sent: Document, seen: Document) -> None:
    assert received("POST", JOBS, sent) == seen


def test_severities_may_be_numbers_as_the_logging_library_sends_them() -> None:
    sent = {"entries": [{"severity": 200, "textPayload": "x"}], "dry_run": True}
    seen = {"entries": [{"severity": "INFO", "textPayload": "x"}], "dryRun": True}
    assert received("POST", "/v2/entries:write", sent) == seen


@pytest.mark.parametrize(
    ("verb", "path", "id_"),
    [
        pytest.param("POST", "{j}/x:run", "run.projects.locations.jobs.run", id="a custom verb is not part of a name"),
        pytest.param("GET", "{j}/x", "run.projects.locations.jobs.get", id="a job"),
        pytest.param("GET", "{j}/x/executions/e", "run.projects.locations.jobs.executions.get", id="an execution"),
        pytest.param("PUT", "/v1/projects/p/topics/t", "pubsub.projects.topics.create", id="pubsub creates with PUT"),
        pytest.param(
            "GET", "/v1/projects/p/locations/r/operations/o", "vpcaccess.projects.locations.operations.get", id="v1"
        ),
        pytest.param("GET", "/v2/projects/p/locations/r/operations/o", "run.projects.locations.operations.get"),
        pytest.param(
            "GET", "/compute/v1/projects/p/aggregated/routers", "compute.routers.aggregatedList", id="aggregated"
        ),
        pytest.param("GET", "/dns/v1/projects/p/managedZones/z/rrsets", "dns.resourceRecordSets.list", id="dns"),
        pytest.param("PUT", "/v2/projects/p/sinks/s", "logging.projects.sinks.update", id="a sink"),
    ],
)
def test_paths_lead_to_their_methods_with_and_without_the_services_prefix(verb: str, path: str, id_: str) -> None:
    path = path.format(j=JOBS).removeprefix("/")
    for service in (None, id_.split(".")[0]):
        found = discovery.find(verb, path, service)
        assert found is not None
        assert found[0].id == id_
    assert discovery.find(verb, path, "nobody") is None


def test_one_port_serves_each_service_under_its_own_prefix(stage: Served) -> None:
    assert stage.call("GET", f"/_svc/compute{V1}/global/networks/net").json()["name"] == "net"
    assert stage.call("GET", f"/_svc/run{V1}/global/networks/net").status_code == 404


@pytest.mark.parametrize(
    ("path", "known"),
    [
        pytest.param("?maxResults=1", True, id="one of the method's own"),
        pytest.param("?returnPartialSuccess=True&alt=json&prettyPrint=false", True, id="gcloud's, not in the document"),
        pytest.param("?key=k&quotaUser=q&access_token=t&uploadType=media&upload_protocol=raw", True, id="the system's"),
        pytest.param("?requestId=1", False, id="another method's"),
        pytest.param("?max_results=1", False, id="misspelt"),
    ],
)
def test_only_known_query_parameters_pass(stage: Served, path: str, known: bool) -> None:
    answer = stage.call("GET", f"./global/firewalls{path}")
    assert (answer.status_code == 200) == known
    if not known:
        status, reason, message = refusal(answer)
        assert (status, reason) == (400, "badRequest")
        assert "Cannot bind query parameter" in message


def test_an_unknown_path_is_not_found(stage: Served) -> None:
    assert stage.call("GET", "/v3/zork").json()["error"]["status"] == "NOT_FOUND"
    assert refusal(stage.call("GET", "./global/zorks"))[:2] == (404, "notFound")
    assert stage.call("DELETE", "./global/firewalls").status_code == 404


def test_a_body_that_is_no_json_is_refused(stage: Served) -> None:
    answer = stage.http.post(f"{stage.url}{V1}/global/firewalls", data=b'{"name":', timeout=10)
    assert refusal(answer)[:2] == (400, "parseError")


def test_the_caller_is_the_bearer_token_with_its_delegation(stage: Served) -> None:
    headers = {"x-localcloud-delegation": "a@x.com, b@x.com", "User-Agent": "ua/1"}
    body = {"name": "seen", "autoCreateSubnetworks": False}
    stage.made(stage.call("POST", "./global/networks", body, **headers))
    payload = stage.entries("v1.compute.networks.insert")[-1]["protoPayload"]
    who = payload["authenticationInfo"]
    assert who["principalEmail"] == "dana@example.com"
    emails = [one["firstPartyPrincipal"]["principalEmail"] for one in who["serviceAccountDelegationInfo"]]
    assert emails == ["a@x.com", "b@x.com"]
    assert payload["requestMetadata"]["callerSuppliedUserAgent"] == "ua/1"
    requests.get(f"{stage.url}{V1}/regions", timeout=10)
    assert stage.cloud.records[-1].principal == "anonymous"


def test_a_broken_answer_is_logged_and_told_in_shape(stage: Served, caplog: pytest.LogCaptureFixture) -> None:
    broken: Any = None
    stage.cloud.table("compute.routes")[f"projects/{P}/global/routes/broken"] = {"priority": broken, "x": {1, 2}}
    with caplog.at_level(logging.ERROR, "localcloud.rest"):
        answer = refusal(stage.call("GET", "./global/routes"))
    del stage.cloud.table("compute.routes")[f"projects/{P}/global/routes/broken"]
    assert answer == (500, "internalError", "Internal error encountered.")
    assert "RouteList.items[0].x is in no document" in caplog.text


def test_a_fault_on_demand_arrives_in_shape(stage: Served) -> None:
    stage.cloud.faults.append(Fault("compute.regions.list", ApiError(UNAVAILABLE, "Try later.")))
    assert refusal(stage.call("GET", "./regions")) == (503, "backendError", "Try later.")
    assert stage.call("GET", "./regions").status_code == 200


@pytest.mark.parametrize(
    ("take", "status", "reason"),
    [
        pytest.param("api", 403, "accessNotConfigured", id="the API is disabled"),
        pytest.param("permission", 403, "forbidden", id="the caller lacks a permission"),
        pytest.param("project", 403, "forbidden", id="a stranger's project"),
    ],
)
def test_the_front_door_refuses_in_computes_shape(stage: Served, take: str, status: int, reason: str) -> None:
    project = P
    if take == "api":
        stage.cloud.disabled.add((P, "compute.googleapis.com"))
    elif take == "permission":
        stage.cloud.denied.append(("dana@*", "compute.networks.list"))
    else:
        project = "strange"
    answer = stage.call("GET", f"/compute/v1/projects/{project}/global/networks")
    stage.cloud.disabled.clear()
    stage.cloud.denied.clear()
    assert refusal(answer)[:2] == (status, reason)


def test_the_project_number_is_the_projects_other_name(stage: Served) -> None:
    answer = stage.call("GET", "/compute/v1/projects/123456789012/global/networks/net")
    assert answer.json()["selfLink"].endswith(f"projects/{P}/global/networks/net")


def test_two_hundred_requests_may_wait_at_once_and_others_are_still_answered() -> None:
    with served(Clock(virtual=False)) as stage, ThreadPoolExecutor(200) as pool:
        stage.cloud.durations["compute.networks"] = 4.0
        operation = stage.call("POST", "./global/networks", {"name": "slow", "autoCreateSubnetworks": False}).json()
        url = f"{stage.url}{V1}/global/operations/{operation['name']}/wait"
        waiting = [pool.submit(requests.post, url, timeout=60) for _ in range(200)]
        while sum(one.name.startswith("rest") for one in threading.enumerate()) < 200:
            time.sleep(0.01)
        assert stage.call("GET", "./regions").status_code == 200
        assert not any(one.done() for one in waiting)
        assert {one.result().json()["status"] for one in waiting} == {"DONE"}


def test_extra_routes_come_first() -> None:
    route = Route("/hello", lambda _request: PlainTextResponse("hi"))
    with served(routes=[route]) as stage:
        assert stage.call("GET", "/hello").text == "hi"
