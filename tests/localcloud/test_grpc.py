"""The gRPC face: fields nobody here knows survive, refusals arrive whole, routes are what Google publishes."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
import requests
from google.api_core import exceptions
from google.cloud import run_v2
from google.cloud.run_v2.services.executions.transports import ExecutionsGrpcTransport
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.unknown_fields import UnknownFieldSet

from localcloud.clock import Clock
from localcloud.core import Cloud
from localcloud.documents import discovery
from localcloud.errors import DENIED, UNAVAILABLE, ApiError
from localcloud.faults.calls import Fault
from localcloud.server import LocalCloud
from localcloud.wire import grpc_face
from localcloud.wire.grpc_routes import routes

PARENT = "projects/my-project/locations/europe-west2"
NAME = f"{PARENT}/jobs/report"


@dataclass
class Stage:
    local: LocalCloud
    channel: grpc.Channel
    jobs: Any  # its operations' result() has no types
    executions: Any  # its operations' result() has no types

    @property
    def cloud(self) -> Cloud:
        return self.local.cloud

    def rest(self, verb: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = requests.request(verb, f"{self.local.url}/_svc/run/v2/{path}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def stage() -> Iterator[Stage]:
    with LocalCloud(clock=Clock()) as local, grpc.insecure_channel(local.grpc) as channel:
        jobs = run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel))
        executions = run_v2.ExecutionsClient(transport=ExecutionsGrpcTransport(channel=channel))
        yield Stage(local, channel, jobs, executions)


def job(**task: Any) -> run_v2.Job:
    return run_v2.Job(template={"template": {"containers": [{"image": "image"}], **task}})


def create(stage: Stage, sent: run_v2.Job) -> Any:
    operation = stage.jobs.create_job(parent=PARENT, job=sent, job_id="report")
    return operation.result(timeout=30)


# (path to a message, field number, wire bytes): every wire type, and every kind of place
UNKNOWN_FIELDS = [
    pytest.param("", b"\xa2\x3f\x05hello", id="text on the job itself"),
    pytest.param("template", b"\xa0\x3f\x96\x01", id="a number on the execution template"),
    pytest.param("template.template", b"\xa1\x3f12345678", id="eight bytes on the task template"),
    pytest.param("template.template.containers", b"\xa5\x3f1234", id="four bytes on a container in a list"),
    pytest.param("template.template.vpc_access", b"\xa3\x3f\x08\x01\xa4\x3f", id="a group in what Wayout changes"),
    pytest.param("binary_authorization", b"\xa2\x3f\x00\xa2\x3f\x01x", id="the same field twice"),
]


def place(pb: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        pb = getattr(pb, name)
    return pb[0] if isinstance(getattr(pb, "__len__", None), object) and hasattr(pb, "add") else pb


@pytest.mark.parametrize(("path", "raw"), UNKNOWN_FIELDS)
def test_a_field_that_the_library_does_not_know_is_kept_and_comes_back_over_grpc(
    stage: Stage, path: str, raw: bytes
) -> None:
    sent = job(vpc_access={"network_interfaces": [{"network": "default"}]})
    sent.binary_authorization = run_v2.BinaryAuthorization(use_default=True)
    place(run_v2.Job.pb(sent), path).MergeFromString(raw)

    created = create(stage, sent)
    read = stage.jobs.get_job(name=NAME)
    listed = next(iter(stage.jobs.list_jobs(parent=PARENT)))

    for found in (created, read, listed):
        assert place(run_v2.Job.pb(found), path).SerializeToString().endswith(raw)
    assert "@unknown" not in str(stage.rest("GET", NAME))
    assert "@unknown" not in str(list(stage.cloud.table("logging.entries").values()))


def test_a_field_that_only_rest_knows_survives_a_read_modify_write_over_grpc(stage: Stage) -> None:
    body = {
        "functionalType": "FUNCTIONAL_TYPE_UNSPECIFIED",
        "template": {"delayExecution": True, "template": {"containers": [{"image": "image", "sandboxLauncher": True}]}},
    }
    known = discovery.apis()["run.v2"].schemas["GoogleCloudRunV2Job"]["properties"]["functionalType"]["enum"]
    body["functionalType"] = known[-1]
    stage.rest("POST", f"{PARENT}/jobs?jobId=report", body)
    stage.local.settle()

    read = stage.jobs.get_job(name=NAME)
    assert len(UnknownFieldSet(run_v2.Job.pb(read))) == 1, "the field travels as one that the library does not know"
    read.template.template.timeout = {"seconds": 77}
    stage.jobs.update_job(job=read).result(timeout=30)

    found = stage.rest("GET", NAME)
    assert found["functionalType"] == known[-1]
    assert found["template"]["delayExecution"] is True
    assert found["template"]["template"]["containers"][0]["sandboxLauncher"] is True
    assert found["template"]["template"]["timeout"] == "77s"


def test_an_enum_value_newer_than_the_library_survives_a_read_modify_write_over_grpc(stage: Stage) -> None:
    create(stage, job())
    stage.cloud.table("run.jobs")[NAME]["template"]["template"]["executionEnvironment"] = "EXECUTION_ENVIRONMENT_GEN9"
    stage.jobs.update_job(job=stage.jobs.get_job(name=NAME)).result(timeout=30)
    task = stage.cloud.table("run.jobs")[NAME]["template"]["template"]
    assert task["executionEnvironment"] == "EXECUTION_ENVIRONMENT_GEN9"


def test_an_enum_number_newer_than_the_library_is_kept(stage: Stage) -> None:
    sent = job()
    run_v2.Job.pb(sent).template.template.execution_environment = 99
    create(stage, sent)
    assert run_v2.Job.pb(stage.jobs.get_job(name=NAME)).template.template.execution_environment == 99


def test_what_the_api_only_says_itself_is_ignored_in_a_request(stage: Stage) -> None:
    sent = job()
    pb = run_v2.Job.pb(sent)
    pb.uid, pb.generation, pb.creator, pb.reconciling = "mine", 77, "me", True
    found = create(stage, sent)
    assert (found.generation, found.creator, found.reconciling) == (1, "anonymous", False)
    assert found.uid != "mine"


def test_a_refusal_arrives_as_the_exception_with_its_details(stage: Stage) -> None:
    stage.cloud.denied.append(("dana@example.com", "run.jobs.get"))
    with pytest.raises(exceptions.PermissionDenied) as refusal:
        stage.jobs.get_job(name=NAME, metadata=[("authorization", "Bearer dana@example.com")])
    assert refusal.value.reason == "IAM_PERMISSION_DENIED"
    assert refusal.value.domain == "iam.googleapis.com"
    assert refusal.value.metadata == {"resource": NAME, "permission": "run.jobs.get"}
    assert refusal.value.details[0].reason == "IAM_PERMISSION_DENIED"


def test_a_disabled_api_says_so_with_its_service(stage: Stage) -> None:
    stage.cloud.disabled.add(("my-project", "run.googleapis.com"))
    with pytest.raises(exceptions.PermissionDenied, match="Cloud Run Admin API has not been used") as refusal:
        stage.jobs.get_job(name=NAME)
    assert refusal.value.reason == "SERVICE_DISABLED"
    assert refusal.value.metadata["service"] == "run.googleapis.com"


# rpc code and the exception that google-api-core makes of it
CODES = [
    pytest.param(UNAVAILABLE, exceptions.ServiceUnavailable, id="a passing weakness, worth another try"),
    pytest.param(DENIED, exceptions.PermissionDenied, id="a refusal that no try will change"),
    pytest.param(8, exceptions.ResourceExhausted, id="a quota that is used up"),
    pytest.param(10, exceptions.Aborted, id="somebody else was faster"),
    pytest.param(9, exceptions.FailedPrecondition, id="the world is not ready for it"),
]


@pytest.mark.parametrize(("code", "kind"), CODES)
def test_every_rpc_code_becomes_its_exception(stage: Stage, code: int, kind: type[Exception]) -> None:
    stage.cloud.faults.append(Fault("run.projects.locations.jobs.get", ApiError(code, "as asked")))
    with pytest.raises(kind, match="as asked"):
        stage.jobs.get_job(name=NAME, retry=None)


def test_what_breaks_inside_is_an_internal_error_that_tells_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    create(stage, job())
    stage.cloud.table("run.jobs")[NAME] = {"etag": {1, 2}, "name": NAME, "template": {3}}
    with pytest.raises(exceptions.InternalServerError, match=r"Internal error encountered\."):
        stage.jobs.get_job(name=NAME)
    assert "google.cloud.run.v2.Jobs/GetJob failed" in caplog.text


def test_the_caller_is_who_the_metadata_say(stage: Stage) -> None:
    metadata = [
        ("authorization", "Bearer dana@example.com"),
        ("x-localcloud-delegation", "a@example.com, b@example.com"),
    ]
    stage.jobs.create_job(parent=PARENT, job=job(), job_id="report", metadata=metadata).result(timeout=30)
    record = next(one for one in stage.cloud.records if one.method.endswith("jobs.create"))
    assert record.principal == "dana@example.com"
    assert record.user_agent.startswith("grpc-python/")
    entry = next(iter(stage.cloud.table("logging.entries").values()))
    who = entry["protoPayload"]["authenticationInfo"]
    assert [one["firstPartyPrincipal"]["principalEmail"] for one in who["serviceAccountDelegationInfo"]] == [
        "a@example.com",
        "b@example.com",
    ]


def test_an_operation_can_be_asked_for_and_waited_for(stage: Stage) -> None:
    operations = operations_pb2_grpc.OperationsStub(stage.channel)
    started = stage.jobs.create_job(parent=PARENT, job=job(), job_id="report").operation
    assert not started.done
    waited = operations.WaitOperation(operations_pb2.WaitOperationRequest(name=started.name))
    assert waited.done
    asked = operations.GetOperation(operations_pb2.GetOperationRequest(name=started.name))
    assert asked == waited
    with pytest.raises(grpc.RpcError) as refusal:
        operations.GetOperation(operations_pb2.GetOperationRequest(name=f"{PARENT}/operations/none"))
    assert refusal.value.code() == grpc.StatusCode.NOT_FOUND


def test_a_method_that_is_not_served_is_unimplemented(stage: Stage) -> None:
    name = f"{NAME}/executions/report-x"
    with pytest.raises(exceptions.MethodNotImplemented):
        stage.executions.cancel_execution(name=name)


def test_a_port_that_is_taken_is_an_os_error(stage: Stage) -> None:
    port = int(stage.local.grpc.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="bind"):
        grpc_face.serve(stage.cloud, "127.0.0.1", port)


def test_every_route_in_the_discovery_documents_has_the_path_parameter_that_they_say() -> None:
    published = discovery.methods()
    found = [route for route in routes() if route.id in published]
    assert {"Jobs", "VpcAccessService", "Publisher"} <= {route.service.rsplit(".", 1)[-1] for route in found}
    for route in found:
        first, *rest = route.path.rsplit(".", 1)[-1].split("_")
        named = first + "".join(one.capitalize() for one in rest)
        assert list(published[route.id].pattern.groupindex) == ([named] if named else []), route.name


# The libraries' own REST transports hold copies of the google.api.http annotations.
ANNOTATED = [
    pytest.param("google.cloud.run_v2.services.jobs", "Jobs", id="jobs"),
    pytest.param("google.cloud.run_v2.services.executions", "Executions", id="executions"),
    pytest.param("google.cloud.vpcaccess_v1.services.vpc_access_service", "VpcAccessService", id="connectors"),
    pytest.param("google.pubsub_v1.services.publisher", "Publisher", id="topics"),
    pytest.param("google.pubsub_v1.services.subscriber", "Subscriber", id="subscriptions"),
]


@pytest.mark.parametrize(("module", "service"), ANNOTATED)
def test_paths_and_bodies_are_as_annotated(module: str, service: str) -> None:
    transport = getattr(importlib.import_module(f"{module}.transports.rest_base"), f"_Base{service}RestTransport")
    checked = 0
    for route in routes():
        if route.service.rsplit(".", 1)[-1] == service:
            option = getattr(transport, f"_Base{route.name}")._get_http_options()[0]
            assert re.findall(r"\{([^=}]+)", option["uri"]) == [route.path]
            assert option.get("body", "") == route.body
            checked += 1
    assert checked


def test_a_cut_connection_is_unavailable(stage: Stage) -> None:
    stage.cloud.faults.append(Fault("run.projects.locations.jobs.get", drop=True))
    with pytest.raises(exceptions.ServiceUnavailable, match="Socket closed"):
        stage.jobs.get_job(name=NAME, retry=None)
