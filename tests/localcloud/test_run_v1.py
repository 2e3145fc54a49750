"""Cloud Run v1 on the wire, as gcloud speaks it, over the same jobs that v2 shows."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import requests

from localcloud.clock import Clock
from localcloud.core import Cloud
from localcloud.run.knative import moment_of
from localcloud.run.shape import BESIDE, micros
from localcloud.server import LocalCloud
from wayout.cloud.events import Names, Ours, read
from wayout.egress.names import JobName
from wayout.egress.targets import JobTarget

PROJECT, NUMBER, REGION = "my-project", "123456789012", "europe-west2"
PARENT = f"projects/{PROJECT}/locations/{REGION}"
NAME = f"{PARENT}/jobs/report"
CONNECTOR = f"{PARENT}/connectors/out"
JOBS = f"namespaces/{PROJECT}/jobs"
RUN = "run.googleapis.com/"
IMAGE = "us-docker.pkg.dev/cloudrun/container/job:latest"
SHORT = {f"{RUN}vpc-access-connector": "out", f"{RUN}vpc-access-egress": "all-traffic"}
FULL = {f"{RUN}vpc-access-connector": CONNECTOR, f"{RUN}vpc-access-egress": "private-ranges-only"}
DIRECT = {f"{RUN}network-interfaces": '[{"network": "net", "subnetwork": "sub", "tags": ["a", "b"]}]'}


@dataclass
class Stage:
    local: LocalCloud

    @property
    def cloud(self) -> Cloud:
        return self.local.cloud

    def v1(self, verb: str, path: str, body: Any = None, region: str = REGION, who: str = "dana") -> requests.Response:
        host = f"{region}-run" if region else "run"
        url = f"{self.local.url}/_svc/{host}/apis/run.googleapis.com/v1/{path}"
        headers = {"Authorization": f"Bearer {who}@example.com", "User-Agent": "gcloud/528"}
        return requests.request(verb, url, json=body, headers=headers, timeout=30)

    def v2(self, verb: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": "Bearer dana@example.com"}
        answer = requests.request(verb, f"{self.local.url}/_svc/run/v2/{path}", json=body, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def done(self, operation: Any) -> Any:
        return self.v2("GET", operation["name"])

    def made(self, job: Any = None, region: str = REGION) -> Any:
        answer = self.v1("POST", JOBS, a_job() if job is None else job, region)
        assert answer.status_code == 200, answer.text
        return self.ready(region=region)

    def ready(self, name: str = "report", region: str = REGION) -> Any:
        """Ask for the job, as gcloud does, until Cloud Run has caught up with it."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            found = self.v1("GET", f"{JOBS}/{name}", region=region).json()
            if found["status"].get("observedGeneration") == found["metadata"]["generation"]:
                return found
            time.sleep(0.01)
        raise AssertionError("the job did not become ready")

    def put(self, job: Any, region: str = REGION) -> requests.Response:
        return self.v1("PUT", f"{JOBS}/{job['metadata']['name']}", job, region)

    def entries(self, method: str, log: str = "activity") -> list[dict[str, Any]]:
        return [
            entry
            for entry in self.cloud.table("logging.entries").values()
            if entry["protoPayload"]["methodName"] == method and entry["logName"].endswith(log)
        ]


@pytest.fixture
def stage() -> Iterator[Stage]:
    with LocalCloud(clock=Clock(idle=False)) as local:
        local.cloud.table("vpcaccess.connectors")[CONNECTOR] = {"name": CONNECTOR, "state": "READY"}
        yield Stage(local)


def a_job(notes: dict[str, str] | None = None, **container: Any) -> Any:
    """What `gcloud run jobs deploy` sends."""
    client = {f"{RUN}client-name": "gcloud", f"{RUN}client-version": "528.0.0"}
    inner = {"containers": [{"image": IMAGE, "name": ""} | container], "nodeSelector": {}}
    metadata = {"annotations": client | (notes or {}), "labels": {"client.knative.dev/nonce": "giv_dew_zol"}}
    return {
        "apiVersion": "run.googleapis.com/v1",
        "kind": "Job",
        "metadata": {"annotations": client, "labels": {}, "name": "report", "namespace": PROJECT},
        "spec": {"template": {"metadata": metadata, "spec": {"template": {"spec": inner}}}},
        "status": {"latestCreatedExecution": {}},
    }


def notes_of(job: Any) -> Any:
    return job["spec"]["template"]["metadata"]["annotations"]


def container_of(job: Any) -> Any:
    return job["spec"]["template"]["spec"]["template"]["spec"]["containers"][0]


# create and get


def test_a_new_job_is_answered_as_recorded(stage: Stage) -> None:
    answer = stage.v1("POST", JOBS, a_job()).json()
    assert answer["status"] == {}
    found = stage.ready()
    metadata = found.pop("metadata")
    changing = {key: metadata.pop(key) for key in ("uid", "resourceVersion", "creationTimestamp")}
    assert len(changing["resourceVersion"]) == 11
    operation = metadata["annotations"].pop(f"{RUN}operation-id")
    assert len(operation) == 36
    client = {f"{RUN}client-name": "gcloud", f"{RUN}client-version": "528.0.0"}
    assert metadata == {
        "name": "report",
        "namespace": NUMBER,
        "selfLink": f"/apis/run.googleapis.com/v1/namespaces/{NUMBER}/jobs/report",
        "generation": 1,
        "labels": {
            "cloud.googleapis.com/location": REGION,
            f"{RUN}lastUpdatedTime": changing["creationTimestamp"],
        },
        "annotations": client | {f"{RUN}creator": "dana@example.com", f"{RUN}lastModifier": "dana@example.com"},
    }
    ready = found.pop("status")
    assert ready["observedGeneration"] == 1
    assert [(one["type"], one["status"]) for one in ready["conditions"]] == [("Ready", "True")]
    resources = {"limits": {"cpu": "1000m", "memory": "512Mi"}}
    assert found == {
        "apiVersion": "run.googleapis.com/v1",
        "kind": "Job",
        "spec": {
            "template": {
                "metadata": {
                    "annotations": client | {f"{RUN}execution-environment": "gen2"},
                    "labels": {"client.knative.dev/nonce": "giv_dew_zol"},
                },
                "spec": {
                    "taskCount": 1,
                    "template": {
                        "spec": {
                            "containers": [{"image": IMAGE, "resources": resources}],
                            "maxRetries": 3,
                            "serviceAccountName": f"{NUMBER}-compute@developer.gserviceaccount.com",
                            "timeoutSeconds": "600",
                        }
                    },
                },
            }
        },
    }


def test_a_resource_version_is_the_moment_at_which_a_new_job_became_ready(stage: Stage) -> None:
    assert moment_of("AAX4MGKYGq8") == str(micros("2023-03-31T11:19:39.807407Z"))  # a recorded job's
    job = stage.made()
    (condition,) = job["status"]["conditions"]
    assert moment_of(job["metadata"]["resourceVersion"]) == str(micros(condition["lastTransitionTime"]))


def test_somebody_who_asks_again_and_again_does_not_wait_for_real_seconds(stage: Stage) -> None:
    begun = time.monotonic()
    stage.made()
    assert stage.cloud.clock.seconds() >= 4
    assert time.monotonic() - begun < 3


VPCS = [
    pytest.param(SHORT, {"connector": CONNECTOR, "egress": "ALL_TRAFFIC"}, id="short name: our project and region"),
    pytest.param(FULL, {"connector": CONNECTOR, "egress": "PRIVATE_RANGES_ONLY"}, id="full name"),
    pytest.param(
        SHORT | {f"{RUN}vpc-access-egress": "all"},
        {"connector": CONNECTOR, "egress": "ALL_TRAFFIC"},
        id="the deprecated word for all traffic",
    ),
    pytest.param(
        {f"{RUN}vpc-access-connector": f"projects/{NUMBER}/locations/{REGION}/connectors/out"},
        {"connector": f"projects/{NUMBER}/locations/{REGION}/connectors/out"},
        id="project number, no egress",
    ),
    pytest.param(
        DIRECT,
        {"networkInterfaces": [{"network": "net", "subnetwork": "sub", "tags": ["a", "b"]}]},
        id="direct VPC egress",
    ),
]


@pytest.mark.parametrize(("notes", "vpc"), VPCS)
def test_the_way_out_is_annotations_in_v1_and_fields_in_v2(stage: Stage, notes: Any, vpc: Any) -> None:
    job = stage.made(a_job(notes))
    assert stage.v2("GET", NAME)["template"]["template"]["vpcAccess"] == vpc
    assert notes_of(job).items() >= notes.items()  # spelled as it was sent


def test_a_connector_that_v2_attached_shows_in_v1_next_to_what_only_v1_knows(stage: Stage) -> None:
    given = a_job({"run.googleapis.com/health-check-disabled": "true"}, imagePullPolicy="Always")
    stage.made(given)
    job = stage.v2("GET", NAME)
    job["template"]["template"]["vpcAccess"] = {"connector": CONNECTOR, "egress": "ALL_TRAFFIC"}
    stage.done(stage.v2("PATCH", NAME, job))
    found = stage.ready()
    assert notes_of(found)[f"{RUN}vpc-access-connector"] == CONNECTOR
    assert notes_of(found)[f"{RUN}vpc-access-egress"] == "all-traffic"
    assert notes_of(found)["run.googleapis.com/health-check-disabled"] == "true"
    assert container_of(found)["imagePullPolicy"] == "Always"
    assert notes_of(found)[f"{RUN}client-name"] == "gcloud"


def test_what_only_v2_knows_survives_a_replace_by_v1(stage: Stage) -> None:
    task = {"containers": [{"image": IMAGE, "baseImageUri": "base"}], "vpcAccess": {"connector": CONNECTOR}}
    body = {"template": {"template": task}, "labels": {"team": "red"}, "launchStage": "BETA"}
    stage.done(stage.v2("POST", f"{PARENT}/jobs?jobId=report", body))
    job = stage.ready()
    container_of(job)["image"] = "other"
    del notes_of(job)[f"{RUN}vpc-access-connector"]
    assert stage.put(job).status_code == 200
    found = stage.v2("GET", NAME)
    (container,) = found["template"]["template"]["containers"]
    assert (container["image"], container["baseImageUri"], found["launchStage"]) == ("other", "base", "BETA")
    assert "vpcAccess" not in found["template"]["template"]
    assert found["labels"] == {"team": "red"}


def test_v2_never_shows_what_is_kept_for_v1(stage: Stage) -> None:
    stage.made()
    run = stage.v2("POST", f"{NAME}:run", {})
    execution = stage.done(run)
    everything = [stage.v2("GET", NAME), stage.v2("GET", f"{PARENT}/jobs"), run, execution]
    everything += [stage.v2("GET", f"{NAME}/executions"), stage.v2("DELETE", NAME)]
    assert BESIDE not in str(everything)


def test_a_secret_of_another_project_goes_by_an_alias(stage: Stage) -> None:
    notes = {f"{RUN}secrets": "theirs:projects/other/secrets/token"}
    env = [
        {"name": "OURS", "valueFrom": {"secretKeyRef": {"name": "ours", "key": "latest"}}},
        {"name": "THEIRS", "valueFrom": {"secretKeyRef": {"name": "theirs", "key": "2"}}},
    ]
    job = stage.made(a_job(notes, env=env))
    (container,) = stage.v2("GET", NAME)["template"]["template"]["containers"]
    assert [one["valueSource"]["secretKeyRef"] for one in container["env"]] == [
        {"secret": "ours", "version": "latest"},
        {"secret": "projects/other/secrets/token", "version": "2"},
    ]
    assert container_of(job)["env"] == env
    assert notes_of(job)[f"{RUN}secrets"] == notes[f"{RUN}secrets"]


def test_cloud_sql_instances_are_a_volume_in_v2(stage: Stage) -> None:
    stage.made(a_job({f"{RUN}cloudsql-instances": "p:r:one,p:r:two"}))
    task = stage.v2("GET", NAME)["template"]["template"]
    assert task["volumes"] == [{"name": "cloudsql", "cloudSqlInstance": {"instances": ["p:r:one", "p:r:two"]}}]
    assert task["containers"][0]["volumeMounts"] == [{"name": "cloudsql", "mountPath": "/cloudsql"}]


# refusals


def error(answer: requests.Response) -> tuple[int, str, str]:
    found = answer.json()["error"]
    assert found["code"] == answer.status_code
    return found["code"], found["status"], found["message"]


def test_a_connector_on_the_job_itself_is_refused_in_google_s_words(stage: Stage) -> None:
    job = a_job()
    job["metadata"]["annotations"] |= SHORT
    key = f"{RUN}vpc-access-connector"
    answer = stage.v1("POST", JOBS, job)
    said = f"Annotation '{key}' is not supported on resources of kind 'Job'. Supported kinds are: Revision, Execution"
    assert error(answer) == (400, "INVALID_ARGUMENT", f"metadata.annotations[{key}]: {said}")
    (detail,) = answer.json()["error"]["details"]
    assert detail["fieldViolations"][0]["field"] == f"metadata.annotations[{key}]"


WRONG = [
    pytest.param(FULL | {f"{RUN}vpc-access-egress": "some"}, {}, "'some' is not a valid value", id="egress"),
    pytest.param({f"{RUN}execution-environment": "gen3"}, {}, "'gen3' is not a valid value", id="environment"),
    pytest.param({f"{RUN}network-interfaces": "{"}, {}, "is not valid JSON", id="interfaces"),
    pytest.param(SHORT | DIRECT, {}, "one and only one of connector and network_interfaces", id="both ways"),
    pytest.param({f"{RUN}vpc-access-egress": "all-traffic"}, {}, "one and only one of connector", id="no way"),
    pytest.param({}, {"image": ""}, "spec.template.spec.template.spec.containers[0].image: must be set", id="image"),
    pytest.param(
        {f"{RUN}vpc-access-connector": "absent"},
        {},
        f"VPC connector {PARENT}/connectors/absent does not exist, or Cloud Run does not have permission to use it.",
        id="connector",
    ),
]


@pytest.mark.parametrize(("notes", "container", "message"), WRONG)
def test_a_wrong_job_is_refused(stage: Stage, notes: Any, container: Any, message: str) -> None:
    code, status, said = error(stage.v1("POST", JOBS, a_job(notes, **container)))
    assert (code, status) == (400, "INVALID_ARGUMENT")
    assert message in said
    assert stage.cloud.table("run.jobs") == {}


NAMING = [
    pytest.param({"name": "Report_1"}, "is not a valid name", id="letters"),
    pytest.param({"name": ""}, "is not a valid name", id="none"),
    pytest.param({"namespace": "elsewhere"}, "does not match the namespace", id="namespace"),
]


@pytest.mark.parametrize(("metadata", "message"), NAMING)
def test_a_job_under_a_wrong_name_is_refused(stage: Stage, metadata: Any, message: str) -> None:
    job = a_job()
    job["metadata"] |= metadata
    assert message in error(stage.v1("POST", JOBS, job))[2]


def test_another_kind_is_refused(stage: Stage) -> None:
    assert "must be Job" in error(stage.v1("POST", JOBS, a_job() | {"kind": "Service"}))[2]


def test_a_job_that_exists_is_refused_and_logged_as_an_error(stage: Stage) -> None:
    stage.made()
    assert error(stage.v1("POST", JOBS, a_job())) == (409, "ALREADY_EXISTS", "Resource 'report' already exists.")
    entry = stage.entries("google.cloud.run.v1.Jobs.CreateJob")[-1]
    assert (entry["severity"], entry["protoPayload"]["status"]["code"]) == ("ERROR", 6)
    assert "response" not in entry["protoPayload"]
    assert entry["protoPayload"]["request"]["job"]["metadata"]["name"] == "report"


@pytest.mark.parametrize(
    ("verb", "path", "kind"),
    [
        pytest.param("GET", "jobs/absent", "JOB", id="get"),
        pytest.param("PUT", "jobs/absent", "JOB", id="replace"),
        pytest.param("DELETE", "jobs/absent", "JOB", id="delete"),
        pytest.param("POST", "jobs/absent:run", "JOB", id="run"),
        pytest.param("GET", "executions/absent", "EXECUTION", id="an execution"),
        pytest.param("POST", "executions/absent:cancel", "EXECUTION", id="cancel"),
        pytest.param("GET", "tasks/absent", "TASK", id="a task"),
    ],
)
def test_what_is_absent_is_refused_in_google_s_words(stage: Stage, verb: str, path: str, kind: str) -> None:
    said = f"Resource 'absent' of kind '{kind}' in region '{REGION}' in project '{PROJECT}' does not exist."
    body = a_job() if verb == "PUT" else None
    assert error(stage.v1(verb, f"namespaces/{PROJECT}/{path}", body)) == (404, "NOT_FOUND", said)


def test_the_global_endpoint_lists_all_regions_and_finds_no_single_job(stage: Stage) -> None:
    stage.made()
    stage.made(region="us-central1")
    found = stage.v1("GET", JOBS, region="").json()
    places = [one["metadata"]["labels"]["cloud.googleapis.com/location"] for one in found["items"]]
    assert places == [REGION, "us-central1"]
    assert error(stage.v1("GET", f"{JOBS}/report", region=""))[:2] == (404, "NOT_FOUND")
    assert error(stage.v1("POST", JOBS, a_job(), region=""))[:2] == (404, "NOT_FOUND")


def test_an_organisation_policy_refuses_by_the_name_of_the_v1_method(stage: Stage) -> None:
    job = stage.made()
    stage.cloud.switches["run.allowed_vpc_egress"] = ["all-traffic"]
    said = 'Constraint constraints/run.allowedVPCEgress violated for attempting {} with annotation "{}" set to {}.'
    key = f"{RUN}vpc-access-egress"
    assert error(stage.put(job)) == (400, "FAILED_PRECONDITION", said.format("ReplaceJob", key, "null"))
    other = a_job(FULL)
    other["metadata"]["name"] = "other"
    refused = error(stage.v1("POST", JOBS, other))
    assert refused == (400, "FAILED_PRECONDITION", said.format("CreateJob", key, "private-ranges-only"))


def test_every_write_needs_to_act_as_the_runtime_account(stage: Stage) -> None:
    job = stage.made()
    stage.cloud.denied.append(("dana@example.com", "iam.serviceAccounts.actAs"))
    code, status, message = error(stage.put(job))
    assert (code, status) == (403, "PERMISSION_DENIED")
    assert "iam.serviceaccounts.actAs" in message


# replace


def test_what_is_read_changed_and_written_back_is_what_is_read_then(stage: Stage) -> None:
    job = stage.made(a_job(SHORT))
    changed = copy.deepcopy(job)
    container_of(changed)["image"] = "other"
    answer = stage.put(changed).json()
    assert answer["metadata"]["generation"] == 2
    assert answer["status"] == job["status"]  # what was observed last, until the new generation is
    found = stage.ready()
    assert found["spec"] == changed["spec"]
    assert found["metadata"]["resourceVersion"] != job["metadata"]["resourceVersion"]
    assert found["metadata"]["annotations"].keys() == job["metadata"]["annotations"].keys()


def test_a_replace_for_an_older_version_is_refused_and_one_for_none_is_not(stage: Stage) -> None:
    job = stage.made()
    assert stage.put(job).status_code == 200
    current = stage.ready()["metadata"]["resourceVersion"]
    given, now = moment_of(job["metadata"]["resourceVersion"]), moment_of(current)
    said = f"Conflict for resource 'report': version '{given}' was specified but current version is '{now}'."
    assert error(stage.put(job)) == (409, "ABORTED", said)
    entry = stage.entries("google.cloud.run.v1.Jobs.ReplaceJob")[-1]
    assert entry["protoPayload"]["status"] == {"code": 10, "message": said}
    del job["metadata"]["resourceVersion"]
    assert stage.put(job).status_code == 200


def test_a_write_by_v2_makes_what_v1_has_read_an_older_version(stage: Stage) -> None:
    job = stage.made()
    stage.done(stage.v2("PATCH", NAME, stage.v2("GET", NAME)))
    assert error(stage.put(job))[:2] == (409, "ABORTED")


def test_a_dry_run_says_what_would_be_and_changes_nothing(stage: Stage) -> None:
    assert stage.v1("POST", f"{JOBS}?dryRun=all", a_job()).json()["metadata"]["name"] == "report"
    assert stage.cloud.table("run.jobs") == {}
    job = stage.made()
    assert stage.v1("PUT", f"{JOBS}/report?dryRun=all", job).json()["metadata"]["generation"] == 2
    assert stage.v1("DELETE", f"{JOBS}/report?dryRun=all").json()["status"] == "Success"
    assert stage.v1("GET", f"{JOBS}/report").json() == job
    assert len(stage.entries("google.cloud.run.v1.Jobs.ReplaceJob")) == 0
    assert error(stage.v1("DELETE", f"{JOBS}/report?dryRun=some"))[0] == 400


def test_a_missing_image_lets_a_job_be_and_not_be_ready(stage: Stage) -> None:
    stage.cloud.switches["run.missing_images"] = [IMAGE]
    said = f"Image '{IMAGE}' not found."
    (condition,) = stage.made()["status"]["conditions"]
    del condition["lastTransitionTime"]
    assert condition == {"type": "Ready", "status": "False", "reason": "ContainerMissing", "message": said}
    (event,) = stage.entries("/Jobs.CreateJob", "system_event")
    assert (event["severity"], event["protoPayload"]["status"]["code"]) == ("ERROR", 5)
    operation = stage.done(stage.v2("PATCH", NAME, stage.v2("GET", NAME)))
    assert operation["error"] == {"code": 5, "message": said}


# delete


def test_a_deleted_job_is_held_for_a_moment_and_then_gone(stage: Stage) -> None:
    job = stage.made()
    answer = stage.v1("DELETE", f"{JOBS}/report").json()
    del answer["reason"]
    details = {"group": "v1", "kind": "job", "name": "report", "uid": job["metadata"]["uid"]}
    assert answer == {"details": details, "status": "Success"}
    (going,) = stage.v1("GET", JOBS).json()["items"]
    metadata = going["metadata"]
    assert (metadata["generation"], metadata["finalizers"]) == (2, ["JobFinalizer"])
    assert metadata["deletionTimestamp"] > metadata["creationTimestamp"]
    del job["metadata"]["resourceVersion"]
    assert error(stage.put(job)) == (400, "FAILED_PRECONDITION", f"Job {NAME} is being deleted.")
    assert error(stage.v1("GET", f"{JOBS}/report"))[0] == 404


# list


def test_an_empty_list_has_no_items(stage: Stage) -> None:
    assert stage.v1("GET", JOBS).json() == {"apiVersion": "run.googleapis.com/v1", "kind": "JobList"}


def test_jobs_are_listed_page_by_page_by_project_number_too(stage: Stage) -> None:
    for name in ("a", "b", "c"):
        job = a_job()
        job["metadata"]["name"] = name
        assert stage.v1("POST", JOBS, job).status_code == 200
    first = stage.v1("GET", f"namespaces/{NUMBER}/jobs?limit=2").json()
    assert [one["metadata"]["name"] for one in first["items"]] == ["a", "b"]
    rest = stage.v1("GET", f"{JOBS}?limit=2&continue={first['metadata']['continue']}").json()
    assert [one["metadata"]["name"] for one in rest["items"]] == ["c"]
    assert "metadata" not in rest


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        pytest.param("team=red", ["r"], id="equal"),
        pytest.param("team==red,size=big", ["r"], id="both"),
        pytest.param("team!=red", ["b", "n"], id="not equal, absent too"),
        pytest.param("team in (red, blue)", ["b", "r"], id="one of"),
        pytest.param("team notin (red,blue)", ["n"], id="none of"),
        pytest.param("team", ["b", "r"], id="there"),
        pytest.param("!team", ["n"], id="not there"),
    ],
)
def test_a_selector_chooses_by_label(stage: Stage, selector: str, names: list[str]) -> None:
    for name, labels in {"r": {"team": "red", "size": "big"}, "b": {"team": "blue"}, "n": {}}.items():
        job = a_job()
        job["metadata"] |= {"name": name, "labels": labels}
        assert stage.v1("POST", JOBS, job).status_code == 200
    found = stage.v1("GET", f"{JOBS}?labelSelector={quote(selector)}").json()
    assert [one["metadata"]["name"] for one in found.get("items", [])] == names


# executions and tasks


def test_an_execution_starts_runs_and_ends_for_who_asks_again(stage: Stage) -> None:
    stage.made(a_job(SHORT))
    begun = stage.v1("POST", f"{JOBS}/report:run", {}).json()
    metadata = begun["metadata"]
    assert (begun["kind"], metadata["namespace"], metadata["generation"]) == ("Execution", NUMBER, 1)
    assert metadata["annotations"].items() >= SHORT.items()
    assert metadata["labels"][f"{RUN}job"] == "report"
    assert metadata["ownerReferences"][0]["name"] == "report"
    states = {one["type"]: one["status"] for one in begun["status"]["conditions"]}
    assert states == {"Completed": "Unknown", "ResourcesAvailable": "True", "Started": "True", "ContainerReady": "True"}
    assert begun["status"]["runningCount"] == 1
    path = f"namespaces/{NUMBER}/executions/{metadata['name']}"
    ended = stage.v1("GET", path).json()
    assert ended["status"]["conditions"][0]["status"] == "True"
    assert (ended["status"]["succeededCount"], "runningCount" in ended["status"]) == (1, False)
    job = stage.v1("GET", f"{JOBS}/report").json()
    assert job["status"]["executionCount"] == 1
    assert job["status"]["latestCreatedExecution"]["completionStatus"] == "EXECUTION_SUCCEEDED"
    (event,) = stage.entries("/Jobs.RunJob", "system_event")
    assert event["protoPayload"]["response"]["metadata"] == ended["metadata"]


def test_a_run_can_differ_from_its_job(stage: Stage) -> None:
    stage.made()
    env = [{"name": "A", "value": "1"}]
    overrides = {"taskCount": 3, "timeoutSeconds": 60, "containerOverrides": [{"args": ["x"], "env": env}]}
    spec = stage.v1("POST", f"{JOBS}/report:run", {"overrides": overrides}).json()["spec"]
    task = spec["template"]["spec"]
    assert (spec["taskCount"], task["timeoutSeconds"]) == (3, "60")
    assert (task["containers"][0]["args"], task["containers"][0]["env"]) == (["x"], env)


def test_a_cancelled_execution_has_failed_and_stays_so(stage: Stage) -> None:
    stage.made()
    name = stage.v1("POST", f"{JOBS}/report:run", {}).json()["metadata"]["name"]
    path = f"namespaces/{PROJECT}/executions/{name}"
    found = stage.v1("POST", f"{path}:cancel", {}).json()
    condition = found["status"]["conditions"][0]
    assert (condition["type"], condition["status"], condition["reason"]) == ("Completed", "False", "Cancelled")
    assert found["status"]["cancelledCount"] == 1
    stage.local.settle()
    assert stage.v1("GET", path).json() == found
    assert stage.entries("/Jobs.RunJob", "system_event") == []


def test_a_deleted_execution_is_gone(stage: Stage) -> None:
    stage.made()
    name = stage.v1("POST", f"{JOBS}/report:run", {}).json()["metadata"]["name"]
    path = f"namespaces/{PROJECT}/executions/{name}"
    assert stage.v1("DELETE", path).json()["details"]["kind"] == "execution"
    assert error(stage.v1("GET", path))[0] == 404
    assert stage.v1("GET", f"{JOBS}/report").json()["status"]["latestCreatedExecution"]["deletionTimestamp"]


def test_executions_and_tasks_are_found_by_label(stage: Stage) -> None:
    job = a_job()
    job["spec"]["template"]["spec"]["taskCount"] = 2
    stage.made(job)
    first = stage.v1("POST", f"{JOBS}/report:run", {}).json()["metadata"]["name"]
    second = stage.v1("POST", f"{JOBS}/report:run", {}).json()["metadata"]["name"]
    found = stage.v1("GET", f"namespaces/{PROJECT}/executions?labelSelector={RUN}job=report").json()
    assert [one["metadata"]["name"] for one in found["items"]] == [second, first]
    assert (found["kind"], found["metadata"]) == ("ExecutionList", {})
    tasks = stage.v1("GET", f"namespaces/{PROJECT}/tasks?labelSelector={RUN}execution={first}").json()
    assert [one["metadata"]["name"] for one in tasks["items"]] == [f"{first}-task0", f"{first}-task1"]
    one = stage.v1("GET", f"namespaces/{PROJECT}/tasks/{first}-task1").json()
    assert (one["kind"], one["status"]["index"], one["spec"]["containers"][0]["image"]) == ("Task", 1, IMAGE)
    assert error(stage.v1("GET", f"namespaces/{PROJECT}/tasks/{first}-task2"))[0] == 404


def test_an_execution_keeps_the_way_out_that_it_started_with(stage: Stage) -> None:
    job = stage.made(a_job(SHORT))
    name = stage.v1("POST", f"{JOBS}/report:run", {}).json()["metadata"]["name"]
    for key in SHORT:
        del notes_of(job)[key]
    job["metadata"].pop("resourceVersion")
    assert stage.put(job).status_code == 200
    found = stage.v1("GET", f"namespaces/{PROJECT}/executions/{name}").json()
    assert found["metadata"]["annotations"].items() >= SHORT.items()


# the log


def test_every_accepted_write_is_one_entry_that_names_no_operation(stage: Stage) -> None:
    job = stage.made(a_job(SHORT))
    stage.put(job)
    stage.ready()
    stage.v1("DELETE", f"{JOBS}/report")
    stage.local.settle()
    for verb in ("CreateJob", "ReplaceJob", "DeleteJob"):
        (entry,) = stage.entries(f"google.cloud.run.v1.Jobs.{verb}")
        payload = entry["protoPayload"]
        assert "operation" not in entry
        assert payload["resourceName"] == f"namespaces/{PROJECT}/jobs/report"
        assert payload["resourceLocation"] == {"currentLocations": [REGION]}
        labels = {"project_id": PROJECT, "location": REGION, "job_name": "report"}
        assert entry["resource"] == {"type": "cloud_run_job", "labels": labels}
        assert "status" not in payload
        reading = read({}, entry, ours=Ours())
        assert isinstance(reading, Names)
        assert reading.target == JobTarget(JobName(PROJECT, REGION, "report"))
    (created,) = stage.entries("google.cloud.run.v1.Jobs.CreateJob")
    request, response = created["protoPayload"]["request"], created["protoPayload"]["response"]
    assert request["@type"] == "type.googleapis.com/google.cloud.run.v1.CreateJobRequest"
    assert notes_of(request["job"]).items() >= SHORT.items()
    assert response["@type"] == "type.googleapis.com/google.cloud.run.v1.Job"
    assert response["metadata"]["generation"] == 1
    assert [len(stage.entries(f"/Jobs.{verb}", "system_event")) for verb in ("CreateJob", "UpdateJob")] == [1, 1]


def test_a_replace_may_be_logged_under_the_other_attested_name(stage: Stage) -> None:
    stage.cloud.switches["run.replace_logged_as"] = "UpdateJob"
    stage.put(stage.made())
    assert len(stage.entries("google.cloud.run.v1.Jobs.UpdateJob")) == 1
    assert stage.entries("google.cloud.run.v1.Jobs.ReplaceJob") == []


def test_a_refusal_for_want_of_permission_is_logged_with_what_was_asked(stage: Stage) -> None:
    stage.cloud.denied.append(("dana@example.com", "run.jobs.create"))
    assert error(stage.v1("POST", JOBS, a_job()))[0] == 403
    (entry,) = stage.entries("google.cloud.run.v1.Jobs.CreateJob")
    assert (entry["severity"], entry["protoPayload"]["status"]["code"]) == ("ERROR", 7)
    assert entry["resource"]["labels"]["job_name"] == "report"
