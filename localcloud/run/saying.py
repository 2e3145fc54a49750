"""What the log says of jobs: the activity entries' target and request, and system events in the shape of v1."""

from __future__ import annotations

from localcloud import audit
from localcloud.calls import Audited, Call, Document, Target, visible
from localcloud.core import METHODS, Cloud
from localcloud.errors import ApiError
from localcloud.locations import joined, parts

REQUEST = "google.cloud.run.v2"
V1 = "google.cloud.run.v1"
TYPE_V1 = f"type.googleapis.com/{V1}"


def audited(verb: str) -> Audited:
    """How CreateJob, UpdateJob and DeleteJob are written to the activity log."""
    return Audited(f"google.cloud.run.v2.Jobs.{verb}", _target, f"{REQUEST}.{verb}Request", _request)


def _target(cloud: Cloud, call: Call) -> Target:
    if "parent" in call.params:
        project, region = parts(cloud, call.params["parent"])
        job = call.params.get("jobId", "")
    else:
        project, region, job = parts(cloud, call.params["name"], "jobs")
    name = joined(project, region, job, kinds=("jobs",))
    return Target(project, name, "cloud_run_job", {"job_name": job, "location": region}, region)


def _request(call: Call) -> Document:
    """The request message as v2 entries hold it: the job under `job`, next to what the URL said."""
    if call.method.endswith(".delete"):
        return dict(call.params)
    others = {key: value for key, value in call.params.items() if key != "name"}
    job = call.body | ({"name": call.params["name"]} if "name" in call.params else {})
    flags = {key: value == "true" for key, value in others.items() if key in ("validateOnly", "allowMissing")}
    return {"job": job} | others | flags


def audited_v1(verb: str) -> Audited:
    """How the v1 methods on jobs are written to the activity log: resources have no region in their names.

    `run.replace_logged_as`: ReplaceJob (Google's documentation) and UpdateJob (entries in production) are attested.
    """
    renamed = _replaced if verb == "ReplaceJob" else None
    return Audited(f"{V1}.Jobs.{verb}", _target_v1, f"{V1}.{verb}Request", _request_v1, renamed=renamed)


def _replaced(cloud: Cloud) -> str:
    return f"{V1}.Jobs.{cloud.switch('run.replace_logged_as')}"


def _target_v1(cloud: Cloud, call: Call) -> Target:
    name = call.params.get("name") or f"{call.params['parent']}/jobs/{call.body.get('metadata', {}).get('name', '')}"
    _, project, _, job = name.split("/")[:4]
    project, region = cloud.project_id(project), call.region or "global"
    labels = {"job_name": job, "location": region}
    return Target(project, f"namespaces/{project}/jobs/{job}", "cloud_run_job", labels, region)


def _request_v1(call: Call) -> Document:
    """The request message as v1 entries hold it: the job under `job`, next to what the URL said, and the region."""
    return ({"job": call.body} if call.body else {}) | dict(call.params) | {"region": call.region}


def written_v1(cloud: Cloud, call: Call, response: Document) -> None:
    """Write the one entry of a v1 write that was accepted: v1 has no operations."""
    shape = METHODS[call.method].audited
    if shape is not None:
        kind = response.get("kind", "Status")
        cloud.log(audit.entry(cloud, shape, call, response={"@type": f"{TYPE_V1}.{kind}"} | response))


def ready_event(cloud: Cloud, verb: str, name: str, job: Document, failure: ApiError | None) -> None:
    """Write that Cloud Run has caught up with a job, or that it cannot."""
    short = name.rsplit("/", 1)[-1]
    message = f"Ready condition status changed to {'False' if failure else 'True'} for Job {short}"
    message += f" with message: {failure.message}" if failure else "."
    system_event(cloud, verb, name, {"@type": f"{TYPE_V1}.Job"} | job, message, failure)


def system_event(
    cloud: Cloud, verb: str, name: str, response: Document, message: str, failure: ApiError | None = None
) -> None:
    """Write what Cloud Run itself reports when a job is ready or an execution has ended. It names no principal.

    Source: queries and samples of real system_event entries; `name` is the job's or the execution's full name.
    """
    kind = "executions" if "/executions/" in name else "jobs"
    _, project, _, region, _, job = name.split("/")[:6]
    resource_name = f"namespaces/{project}/{kind}/{name.rsplit('/', 1)[-1]}"
    now = cloud.clock.stamp()
    cloud.log(
        {
            "protoPayload": {
                "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
                "status": ({"code": failure.code} if failure else {}) | {"message": message},
                "serviceName": "run.googleapis.com",
                "methodName": f"/Jobs.{verb}",
                "resourceName": resource_name,
                "response": visible(response),
            },
            "insertId": cloud.new_id()[-12:],
            "resource": {
                "type": "cloud_run_job",
                "labels": {"project_id": project, "location": region, "job_name": job},
            },
            "timestamp": now,
            "severity": "ERROR" if failure else "INFO",
            "logName": f"projects/{project}/logs/cloudaudit.googleapis.com%2Fsystem_event",
            "receiveTimestamp": now,
        }
    )
