"""Cloud Run v2 through its official client over gRPC, and on the bare REST wire where the JSON itself matters."""

from __future__ import annotations

import base64
import json
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
from google.protobuf.timestamp_pb2 import Timestamp

from localcloud.clock import Clock
from localcloud.core import Cloud
from localcloud.server import LocalCloud

PROJECT = "my-project"
REGION = "europe-west2"
PARENT = f"projects/{PROJECT}/locations/{REGION}"
NAME = f"{PARENT}/jobs/report"
CONNECTOR = f"{PARENT}/connectors/out"
ACCOUNT = "123456789012-compute@developer.gserviceaccount.com"
DANA = [("authorization", "Bearer dana@example.com")]


@dataclass
class Stage:
    local: LocalCloud
    jobs: Any  # its operations' result() has no types
    executions: Any  # its operations' result() has no types

    @property
    def cloud(self) -> Cloud:
        return self.local.cloud

    def rest(self, verb: str, path: str, body: Any = None) -> requests.Response:
        headers = {"Authorization": "Bearer dana@example.com"}
        return requests.request(verb, f"{self.local.url}/_svc/run/v2/{path}", json=body, headers=headers, timeout=30)

    def made(self, job: run_v2.Job | None = None, id_: str = "report") -> Any:
        operation = self.jobs.create_job(parent=PARENT, job=a_job() if job is None else job, job_id=id_, metadata=DANA)
        return operation.result(timeout=30)

    def changed(self, job: run_v2.Job) -> Any:
        return self.jobs.update_job(job=job, metadata=DANA).result(timeout=30)

    def entries(self, method: str, log: str = "activity") -> list[dict[str, Any]]:
        return [
            entry
            for entry in self.cloud.table("logging.entries").values()
            if entry["protoPayload"]["methodName"].endswith(method) and entry["logName"].endswith(log)
        ]


@pytest.fixture
def stage() -> Iterator[Stage]:
    with LocalCloud(clock=Clock()) as local, grpc.insecure_channel(local.grpc) as channel:
        jobs = run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel))
        executions = run_v2.ExecutionsClient(transport=ExecutionsGrpcTransport(channel=channel))
        local.cloud.table("vpcaccess.connectors")[CONNECTOR] = {"name": CONNECTOR, "state": "READY"}
        yield Stage(local, jobs, executions)


def a_job(vpc: dict[str, Any] | None = None, **fields: Any) -> Any:
    task: dict[str, Any] = {"containers": [{"image": "us-docker.pkg.dev/cloudrun/container/hello"}]}
    if vpc is not None:
        task["vpc_access"] = vpc
    return run_v2.Job(template={"template": task}, **fields)


# create


def test_a_new_job_is_answered_as_recorded_first_pending_then_ready(stage: Stage) -> None:
    body = {
        "launchStage": "GA",
        "template": {
            "template": {"containers": [{"image": "us-docker.pkg.dev/cloudrun/container/hello"}], "maxRetries": 3}
        },
    }
    first = stage.rest("POST", f"{PARENT}/jobs?jobId=report", body).json()
    metadata = first["metadata"]
    etag = metadata.pop("etag")
    assert set(first) == {"name", "metadata"}
    assert re.fullmatch(rf"{PARENT}/operations/[0-9a-f-]{{36}}", first["name"])
    assert metadata == {
        "@type": "type.googleapis.com/google.cloud.run.v2.Job",
        "createTime": metadata["createTime"],
        "updateTime": metadata["createTime"],
        "creator": "dana@example.com",
        "lastModifier": "dana@example.com",
        "generation": "1",
        "latestCreatedExecution": {},
        "launchStage": "GA",
        "name": NAME,
        "reconciling": True,
        "template": {
            "taskCount": 1,
            "template": {
                "containers": [
                    {
                        "image": "us-docker.pkg.dev/cloudrun/container/hello",
                        "resources": {"limits": {"cpu": "1000m", "memory": "512Mi"}},
                    }
                ],
                "executionEnvironment": "EXECUTION_ENVIRONMENT_GEN2",
                "maxRetries": 3,
                "serviceAccount": ACCOUNT,
                "timeout": "600s",
            },
        },
        "terminalCondition": {"state": "CONDITION_PENDING"},
    }

    done = stage.rest("GET", first["name"]).json()
    assert done["done"] is True
    assert "uid" not in done["metadata"]
    response = done["response"]
    assert response["uid"]
    assert response["observedGeneration"] == "1"
    assert "reconciling" not in response
    condition = dict(response["terminalCondition"])
    assert condition.pop("lastTransitionTime") > metadata["createTime"]
    assert condition == {"type": "Ready", "state": "CONDITION_SUCCEEDED"}
    assert response["etag"] == etag
    assert stage.rest("GET", NAME).json() == {key: value for key, value in response.items() if key != "@type"}


def test_an_etag_holds_the_time_of_the_write_and_the_name_of_the_job(stage: Stage) -> None:
    etag = stage.made().etag
    assert etag[0] == etag[-1] == '"'
    time, name = (base64.urlsafe_b64decode(one + "=" * (-len(one) % 4)) for one in etag.strip('"').split("/"))
    assert name.decode() == NAME
    stamp = Timestamp()
    stamp.ParseFromString(time)
    assert stamp.ToDatetime().year == 2026


def test_a_probe_that_is_given_gets_its_defaults(stage: Stage) -> None:
    job = a_job()
    job.template.template.containers[0].startup_probe = {"http_get": {"path": "/", "port": 8080}}
    probe = stage.made(job).template.template.containers[0].startup_probe
    assert (probe.failure_threshold, probe.period_seconds, probe.timeout_seconds) == (3, 10, 1)


def test_what_is_given_is_kept_zero_retries_too(stage: Stage) -> None:
    job = a_job(labels={"team": "red"})
    job.template.template.max_retries = 0
    job.template.template.service_account = "runner@my-project.iam.gserviceaccount.com"
    job.template.task_count = 7
    found = stage.made(job)
    task = found.template.template
    assert (task.max_retries, task.service_account) == (0, "runner@my-project.iam.gserviceaccount.com")
    assert (found.template.task_count, dict(found.labels)) == (7, {"team": "red"})


def test_a_project_may_be_named_by_its_number(stage: Stage) -> None:
    stage.made()
    assert stage.jobs.get_job(name=NAME.replace(PROJECT, "123456789012")).name == NAME


def test_a_job_that_exists_is_refused_and_logged_as_an_error(stage: Stage) -> None:
    stage.made()
    with pytest.raises(exceptions.AlreadyExists, match=f"Job {NAME} already exists"):
        stage.made()
    refused = stage.entries("Jobs.CreateJob")[-1]
    assert (refused["severity"], refused["protoPayload"]["status"]["code"]) == ("ERROR", 6)
    assert "operation" not in refused


def test_a_job_that_is_absent_is_refused_in_google_s_words(stage: Stage) -> None:
    answer = stage.rest("GET", NAME)
    message = f"Resource 'report' of kind 'JOB' in region '{REGION}' in project '{PROJECT}' does not exist."
    assert answer.status_code == 404
    assert answer.json() == {"error": {"code": 404, "message": message, "status": "NOT_FOUND"}}


# what is sent and what it is refused with; the job variants of the texts in public reports
REFUSED = [
    pytest.param(
        a_job({"egress": "ALL_TRAFFIC"}), "report", "vpc_access.connector: one and only one", id="neither way"
    ),
    pytest.param(
        a_job({"connector": CONNECTOR, "network_interfaces": [{"network": "default"}]}),
        "report",
        r"Violation in CreateJobRequest\.job\.template\.template\.vpc_access\.connector: one and only one of connector "
        "and network_interfaces must be set",
        id="both ways",
    ),
    pytest.param(
        a_job({"network_interfaces": [{"network": "a"}, {"network": "b"}]}), "report", "single", id="two interfaces"
    ),
    pytest.param(run_v2.Job(template={"template": {}}), "report", "containers", id="nothing to run"),
    pytest.param(run_v2.Job(template={"template": {"containers": [{}]}}), "report", "image", id="no image"),
    pytest.param(a_job(), "Report_1", "job_id", id="a name that is none"),
    pytest.param(a_job(annotations={"run.googleapis.com/x": "y"}), "report", "annotations", id="Google's annotation"),
]


@pytest.mark.parametrize(("job", "id_", "message"), REFUSED)
def test_a_wrong_job_is_refused(stage: Stage, job: run_v2.Job, id_: str, message: str) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=message):
        stage.made(job, id_)
    assert stage.cloud.table("run.jobs") == {}


# the connector that is named, the state of the one that exists; why it cannot be used
UNUSABLE = [
    pytest.param(f"{PARENT}/connectors/none", "READY", id="there is none of that name"),
    pytest.param(CONNECTOR, "CREATING", id="it is not ready yet"),
    pytest.param(CONNECTOR, "ERROR", id="it never came up"),
    pytest.param(CONNECTOR.replace(REGION, "us-east1"), "READY", id="it is in another region"),
    pytest.param("out", "READY", id="it is not named in full"),
    pytest.param(CONNECTOR.replace(PROJECT, "stranger"), "READY", id="it belongs to a project that we may not see"),
]


@pytest.mark.parametrize(("connector", "state"), UNUSABLE)
def test_a_connector_that_cannot_be_used_is_refused(stage: Stage, connector: str, state: str) -> None:
    table = stage.cloud.table("vpcaccess.connectors")
    table[CONNECTOR]["state"] = state
    other = CONNECTOR.replace(REGION, "us-east1")
    table[other] = {"name": other, "state": "READY"}
    with pytest.raises(exceptions.InvalidArgument) as refusal:
        stage.made(a_job({"connector": connector}))
    assert refusal.value.message == (
        f"VPC connector {connector} does not exist, or Cloud Run does not have permission to use it."
    )
    stage.cloud.switches["run.checks_connector"] = False
    assert stage.made(a_job({"connector": connector})).template.template.vpc_access.connector == connector


def test_a_connector_may_be_named_with_the_project_number(stage: Stage) -> None:
    named = CONNECTOR.replace(PROJECT, "123456789012")
    assert stage.made(a_job({"connector": named})).template.template.vpc_access.connector == named


# what the organisation policy allows, the egress that is sent, and the word of the refusal
POLICY = [
    pytest.param(["all-traffic"], None, "null", id="no way at all"),
    pytest.param(["ALL_TRAFFIC"], "PRIVATE_RANGES_ONLY", "private-ranges-only", id="the other egress"),
    pytest.param(["private-ranges-only"], "ALL_TRAFFIC", "all-traffic", id="too much egress"),
]


@pytest.mark.parametrize(("allowed", "egress", "word"), POLICY)
def test_an_organisation_policy_refuses_other_egress(
    stage: Stage, allowed: list[str], egress: str | None, word: str
) -> None:
    stage.cloud.switches["run.allowed_vpc_egress"] = allowed
    vpc = {"connector": CONNECTOR, "egress": egress} if egress else None
    with pytest.raises(exceptions.FailedPrecondition) as refusal:
        stage.made(a_job(vpc))
    assert refusal.value.message == (
        "Constraint constraints/run.allowedVPCEgress violated for attempting CreateJob with annotation "
        f'"run.googleapis.com/vpc-access-egress" set to {word}.'
    )
    right = "ALL_TRAFFIC" if "all" in allowed[0].lower() else "PRIVATE_RANGES_ONLY"
    assert stage.made(a_job({"connector": CONNECTOR, "egress": right})).generation == 1


def test_every_write_needs_to_act_as_the_runtime_account(stage: Stage) -> None:
    job = stage.made()
    stage.cloud.denied.append(("dana@example.com", "iam.serviceAccounts.actAs"))
    with pytest.raises(exceptions.PermissionDenied, match=rf"actAs' denied on service account {ACCOUNT}"):
        stage.changed(job)
    with pytest.raises(exceptions.PermissionDenied):
        stage.made(id_="other")


# list


def test_jobs_are_listed_page_by_page(stage: Stage) -> None:
    for index in range(5):
        stage.made(id_=f"job-{index}")
    pages = [
        [job.name[-5:] for job in page.jobs]
        for page in stage.jobs.list_jobs(request={"parent": PARENT, "page_size": 2}).pages
    ]
    assert pages == [["job-0", "job-1"], ["job-2", "job-3"], ["job-4"]]
    assert list(stage.jobs.list_jobs(parent=f"projects/{PROJECT}/locations/us-east1")) == []


# patch


def test_an_update_replaces_the_whole_job(stage: Stage) -> None:
    before = stage.made(a_job({"connector": CONNECTOR}, labels={"team": "red"}))
    after = stage.changed(run_v2.Job(name=NAME, template={"template": {"containers": [{"image": "other"}]}}))
    assert dict(after.labels) == {}
    assert "vpc_access" not in after.template.template
    assert (after.generation, after.observed_generation) == (2, 2)
    assert (after.uid, after.create_time, after.creator) == (before.uid, before.create_time, before.creator)
    assert after.etag != before.etag


def test_while_an_update_runs_the_old_generation_is_the_observed_one(stage: Stage) -> None:
    stage.made()
    body = {"template": {"template": {"containers": [{"image": "other"}]}}}
    metadata = stage.rest("PATCH", NAME, body).json()["metadata"]
    assert (metadata["generation"], metadata["observedGeneration"]) == ("2", "1")
    assert metadata["reconciling"] is True
    assert metadata["terminalCondition"]["state"] == "CONDITION_PENDING"
    assert metadata["terminalCondition"]["type"] == "Ready"


def test_an_update_during_the_creation_is_observed_in_the_end(stage: Stage) -> None:
    creation = stage.jobs.create_job(parent=PARENT, job=a_job(), job_id="report")
    job = a_job()
    job.name = NAME
    update = stage.jobs.update_job(job=job)
    assert update.result(timeout=30).observed_generation == 2
    assert creation.result(timeout=30).observed_generation == 2
    assert not stage.jobs.get_job(name=NAME).reconciling


# the switch and the exception: which of the two Google uses is not known
REFUSALS = [
    pytest.param(None, exceptions.Aborted, 409, id="assumed"),
    pytest.param("FAILED_PRECONDITION", exceptions.FailedPrecondition, 400, id="the other possibility"),
]


@pytest.mark.parametrize(("switch", "kind", "status"), REFUSALS)
def test_an_update_made_for_an_older_version_is_refused(
    stage: Stage, switch: str | None, kind: type[Exception], status: int
) -> None:
    if switch:
        stage.cloud.switches["run.etag_refusal"] = switch
    mine = stage.made()
    theirs = stage.jobs.get_job(name=NAME)
    theirs.labels["team"] = "blue"
    stage.changed(theirs)
    with pytest.raises(
        kind, match=r"^\d+ Conflict for resource 'report': version '\d+' was specified but current version is '\d+'\.$"
    ):
        stage.changed(mine)
    answer = stage.rest("PATCH", NAME, {"etag": mine.etag, "template": {"template": {"containers": [{"image": "x"}]}}})
    assert answer.status_code == status
    assert dict(stage.jobs.get_job(name=NAME).labels) == {"team": "blue"}


def test_two_writes_of_one_moment_have_different_etags(stage: Stage) -> None:
    job = stage.made()
    body = {"etag": job.etag, "template": {"template": {"containers": [{"image": "x"}]}}}
    first, second = stage.rest("PATCH", NAME, body), stage.rest("PATCH", NAME, body)
    assert (first.status_code, second.status_code) == (200, 409)


def test_an_update_without_etag_is_accepted(stage: Stage) -> None:
    job = stage.made()
    job.etag = ""
    assert stage.changed(job).generation == 2


def test_an_update_of_nothing_is_refused_unless_it_may_create(stage: Stage) -> None:
    job = a_job()
    job.name = NAME
    with pytest.raises(exceptions.NotFound, match="of kind 'JOB'"):
        stage.changed(job)
    created = stage.jobs.update_job(request={"job": job, "allow_missing": True}).result(timeout=30)
    assert (created.name, created.generation) == (NAME, 1)


def test_validating_only_changes_nothing(stage: Stage) -> None:
    request = {"parent": PARENT, "job": a_job(), "job_id": "report", "validate_only": True}
    assert stage.jobs.create_job(request=request).result(timeout=30).name == NAME
    assert stage.cloud.table("run.jobs") == {}
    request["job"] = a_job({"egress": "ALL_TRAFFIC"})
    with pytest.raises(exceptions.InvalidArgument):
        stage.jobs.create_job(request=request)


# delete


def test_a_deleted_job_is_held_for_a_moment_and_then_gone(stage: Stage) -> None:
    stage.made()
    operation = stage.rest("DELETE", NAME).json()
    assert operation["metadata"]["generation"] == "2"
    going = stage.rest("GET", NAME).json()
    assert going["deleteTime"]
    assert going["reconciling"] is True
    with pytest.raises(exceptions.AlreadyExists):
        stage.made()
    done = stage.rest("GET", operation["name"]).json()
    gone = done["response"]
    assert gone["expireTime"][:10] == "2026-12-23"
    assert (gone["generation"], gone["observedGeneration"]) == ("2", "2")
    assert stage.rest("GET", NAME).status_code == 404
    assert list(stage.jobs.list_jobs(parent=PARENT)) == []
    assert stage.made().generation == 1


def test_a_delete_made_for_an_older_version_is_refused(stage: Stage) -> None:
    job = stage.made()
    stage.changed(job)
    with pytest.raises(exceptions.Aborted):
        stage.jobs.delete_job(request={"name": NAME, "etag": job.etag})


# executions


def test_an_execution_keeps_the_way_out_that_it_started_with(stage: Stage) -> None:
    job = stage.made()
    running = stage.jobs.run_job(name=NAME)
    job = stage.jobs.get_job(name=NAME)
    job.template.template.vpc_access = {"connector": CONNECTOR}
    stage.changed(job)
    first = running.result(timeout=30)
    assert "vpc_access" not in first.template
    second = stage.jobs.run_job(name=NAME).result(timeout=30)
    assert second.template.vpc_access.connector == CONNECTOR
    assert second.labels["run.googleapis.com/jobGeneration"] == "2"
    listed = list(stage.executions.list_executions(parent=NAME))
    assert [one.name for one in listed] == [second.name, first.name]
    assert [one.name for one in stage.executions.list_executions(parent=f"{PARENT}/jobs/-")] == [
        second.name,
        first.name,
    ]
    assert stage.executions.get_execution(name=first.name) == first
    with pytest.raises(exceptions.NotFound, match="of kind 'EXECUTION'"):
        stage.executions.get_execution(name=f"{NAME}/executions/none")


def test_an_execution_runs_and_comes_to_its_end(stage: Stage) -> None:
    stage.made()
    begun = stage.rest("POST", f"{NAME}:run", {}).json()["metadata"]
    assert (begun["runningCount"], begun["reconciling"]) == (1, True)
    latest = stage.rest("GET", NAME).json()["latestCreatedExecution"]
    assert latest["completionStatus"] == "EXECUTION_RUNNING"
    assert begun["name"] == f"{NAME}/executions/{latest['name']}"
    stage.local.settle()
    ended = stage.rest("GET", begun["name"]).json()
    assert (ended["succeededCount"], ended["conditions"][0]["state"]) == (1, "CONDITION_SUCCEEDED")
    assert ended["completionTime"] > ended["startTime"]
    job = stage.jobs.get_job(name=NAME)
    assert job.execution_count == 1
    assert job.latest_created_execution.completion_status.name == "EXECUTION_SUCCEEDED"
    event = stage.entries("/Jobs.RunJob", "system_event")[0]["protoPayload"]
    assert event["resourceName"] == f"namespaces/{PROJECT}/executions/{latest['name']}"
    assert event["response"]["kind"] == "Execution"


def test_an_execution_can_be_started_with_other_arguments(stage: Stage) -> None:
    stage.made()
    overrides = {"task_count": 3, "container_overrides": [{"args": ["now"], "env": [{"name": "A", "value": "1"}]}]}
    found = stage.jobs.run_job(request={"name": NAME, "overrides": overrides}).result(timeout=30)
    container = found.template.containers[0]
    assert (found.task_count, list(container.args), container.env[0].value) == (3, ["now"], "1")
    assert not stage.jobs.get_job(name=NAME).template.template.containers[0].args


def test_a_token_starts_an_execution_at_every_write_that_carries_it(stage: Stage) -> None:
    job = stage.made(a_job(start_execution_token="first"))
    assert [one.name for one in stage.executions.list_executions(parent=NAME)] == [f"{NAME}/executions/report-first"]
    assert job.start_execution_token == "first"
    stage.changed(job)
    assert len(list(stage.executions.list_executions(parent=NAME))) == 2
    stage.cloud.switches["run.tokens_returned"] = False
    hidden = stage.jobs.get_job(name=NAME)
    assert hidden.start_execution_token == ""
    stage.changed(hidden)
    assert len(list(stage.executions.list_executions(parent=NAME))) == 2


def test_a_job_with_a_run_token_is_ready_when_the_execution_is_over(stage: Stage) -> None:
    job = stage.made(a_job(run_execution_token="once"))
    assert job.latest_created_execution.completion_status.name == "EXECUTION_SUCCEEDED"


def test_a_deleted_job_takes_its_executions_along(stage: Stage) -> None:
    stage.made()
    stage.jobs.run_job(name=NAME)
    stage.jobs.delete_job(name=NAME).result(timeout=30)
    stage.local.settle()
    assert stage.cloud.table("run.executions") == {}
    assert stage.entries("/Jobs.RunJob", "system_event") == []


# what recorded updates and deletes show


def test_a_condition_that_stays_as_it_was_keeps_its_time(stage: Stage) -> None:
    job = stage.made()
    since = job.terminal_condition.last_transition_time
    stage.local.settle()
    changed = stage.changed(job)
    assert changed.generation == 2
    assert changed.terminal_condition.last_transition_time == since


def test_a_deleted_job_has_a_new_etag_when_it_is_gone(stage: Stage) -> None:
    stage.made()
    first = stage.rest("DELETE", NAME).json()
    last = stage.rest("GET", first["name"]).json()
    assert last["metadata"]["etag"] != first["metadata"]["etag"]
    assert last["response"]["etag"] == last["metadata"]["etag"]


def test_a_missing_image_fails_the_operation_and_leaves_a_job_that_is_not_ready(stage: Stage) -> None:
    stage.cloud.switches["run.missing_images"] = ["us-docker.pkg.dev/cloudrun/container/hello"]
    with pytest.raises(exceptions.NotFound, match=r"Image 'us-docker\.pkg\.dev/cloudrun/container/hello' not found"):
        stage.made()
    condition = stage.rest("GET", NAME).json()["terminalCondition"]
    assert (condition["state"], condition["reason"]) == ("CONDITION_FAILED", "CONTAINER_MISSING")
    stage.cloud.switches["run.missing_images"] = []
    assert stage.changed(stage.jobs.get_job(name=NAME)).terminal_condition.reason == 0


# the log


def test_a_create_writes_two_activity_entries_and_a_system_event(stage: Stage) -> None:
    stage.made(a_job({"connector": CONNECTOR, "egress": "ALL_TRAFFIC"}))
    first, last = stage.entries("Jobs.CreateJob")
    payload = first["protoPayload"]
    assert payload["methodName"] == "google.cloud.run.v2.Jobs.CreateJob"
    assert payload["serviceName"] == "run.googleapis.com"
    assert payload["resourceName"] == NAME
    assert payload["authenticationInfo"]["principalEmail"] == "dana@example.com"
    assert payload["resourceLocation"] == {"currentLocations": [REGION]}
    request = payload["request"]
    assert request["@type"] == "type.googleapis.com/google.cloud.run.v2.CreateJobRequest"
    assert (request["parent"], request["jobId"]) == (PARENT, "report")
    assert request["job"]["template"]["template"]["vpcAccess"] == {"connector": CONNECTOR, "egress": "ALL_TRAFFIC"}
    labels = {"project_id": PROJECT, "job_name": "report", "location": REGION}
    assert first["resource"] == {"type": "cloud_run_job", "labels": labels}
    assert first["operation"]["first"]
    assert last["operation"] == {"id": first["operation"]["id"], "producer": "run.googleapis.com", "last": True}

    (event,) = stage.entries("/Jobs.CreateJob", "system_event")
    assert "authenticationInfo" not in event["protoPayload"]
    assert event["resource"]["labels"] == labels
    response = event["protoPayload"]["response"]
    assert (response["kind"], response["metadata"]["namespace"]) == ("Job", "123456789012")
    annotations = response["spec"]["template"]["metadata"]["annotations"]
    assert annotations["run.googleapis.com/vpc-access-connector"] == CONNECTOR
    assert annotations["run.googleapis.com/vpc-access-egress"] == "all-traffic"
    json.dumps(event)


def test_with_one_activity_entry_there_is_no_operation_to_name(stage: Stage) -> None:
    stage.cloud.switches["run.audit_entries"] = 1
    stage.changed(stage.made())
    (created,), (updated,) = stage.entries("v2.Jobs.CreateJob"), stage.entries("v2.Jobs.UpdateJob")
    assert "operation" not in created
    assert "operation" not in updated
    assert updated["protoPayload"]["request"]["job"]["name"] == NAME
    assert len(stage.entries("/Jobs.UpdateJob", "system_event")) == 1


def test_a_refusal_for_want_of_permission_is_logged_with_what_was_asked(stage: Stage) -> None:
    stage.cloud.denied.append(("dana@example.com", "run.jobs.create"))
    with pytest.raises(exceptions.PermissionDenied):
        stage.made()
    (entry,) = stage.entries("Jobs.CreateJob")
    assert entry["protoPayload"]["status"]["code"] == 7
    assert entry["protoPayload"]["request"]["jobId"] == "report"
    assert entry["protoPayload"]["authorizationInfo"][0]["granted"] is False
