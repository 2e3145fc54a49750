"""What the log says of jobs: the activity entries' target and request, and system events in the shape of v1."""

from __future__ import annotations

from typing import Any

from localcloud.calls import Audited, Call, Document, Target, visible
from localcloud.core import Cloud
from localcloud.locations import joined, parts
from localcloud.run.checks import EGRESS

REQUEST = "google.cloud.run.v2"
ANNOTATION = "run.googleapis.com/"


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


def system_event(cloud: Cloud, verb: str, name: str, response: Document, message: str) -> None:
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
                "status": {"message": message},
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
            "severity": "INFO",
            "logName": f"projects/{project}/logs/cloudaudit.googleapis.com%2Fsystem_event",
            "receiveTimestamp": now,
        }
    )


def job_v1(cloud: Cloud, job: Document) -> Document:
    """A job in the shape of the v1 API."""
    outer = job["template"]
    spec: Document = {"taskCount": outer["taskCount"], "template": {"spec": _task_v1(outer["template"])}}
    spec |= {"parallelism": outer["parallelism"]} if outer.get("parallelism") else {}
    template = {"metadata": {"annotations": _annotations(outer["template"])}, "spec": spec}
    template["metadata"] |= {"labels": outer["labels"]} if outer.get("labels") else {}
    return {
        "@type": "type.googleapis.com/google.cloud.run.v1.Job",
        "apiVersion": "run.googleapis.com/v1",
        "kind": "Job",
        "metadata": _metadata(cloud, job, "jobs")
        | {"annotations": {f"{ANNOTATION}creator": job["creator"], f"{ANNOTATION}lastModifier": job["lastModifier"]}},
        "spec": {"template": template},
        "status": {"observedGeneration": int(job["generation"]), "conditions": [_condition(job, "Ready")]},
    }


def execution_v1(cloud: Cloud, execution: Document) -> Document:
    """An execution in the shape of the v1 API."""
    task = execution["template"]
    status = {
        "observedGeneration": 1,
        "conditions": [{"type": "Completed", "status": "True", "lastTransitionTime": execution["completionTime"]}],
        "startTime": execution["startTime"],
        "completionTime": execution["completionTime"],
        "succeededCount": execution["succeededCount"],
    }
    return {
        "@type": "type.googleapis.com/google.cloud.run.v1.Execution",
        "apiVersion": "run.googleapis.com/v1",
        "kind": "Execution",
        "metadata": _metadata(cloud, execution, "executions") | {"annotations": _annotations(task)},
        "spec": {"taskCount": execution["taskCount"], "template": {"spec": _task_v1(task)}},
        "status": status,
    }


def _metadata(cloud: Cloud, thing: Document, kind: str) -> Document:
    _, project, _, region, *_ = thing["name"].split("/")
    name, number = thing["name"].rsplit("/", 1)[-1], cloud.number(project)
    return {
        "name": name,
        "namespace": number,
        "selfLink": f"/apis/run.googleapis.com/v1/namespaces/{number}/{kind}/{name}",
        "uid": thing["uid"],
        "generation": int(thing["generation"]),
        "creationTimestamp": thing["createTime"],
        "labels": thing.get("labels", {}) | {"cloud.googleapis.com/location": region},
    }


def _annotations(task: Document) -> dict[str, str]:
    """Where v1 keeps what v2 has fields for: on the execution template."""
    found = {
        f"{ANNOTATION}execution-environment": "gen1" if str(task["executionEnvironment"]).endswith("GEN1") else "gen2"
    }
    vpc = task.get("vpcAccess", {})
    if "connector" in vpc:
        found[f"{ANNOTATION}vpc-access-connector"] = vpc["connector"]
    if vpc.get("egress") in EGRESS:
        found[f"{ANNOTATION}vpc-access-egress"] = EGRESS[vpc["egress"]]
    if "networkInterfaces" in vpc:
        found[f"{ANNOTATION}network-interfaces"] = str(vpc["networkInterfaces"]).replace("'", '"')
    return found


def _task_v1(task: Document) -> Document:
    return {
        "containers": task["containers"],
        "maxRetries": task["maxRetries"],
        "timeoutSeconds": task["timeout"].removesuffix("s"),
        "serviceAccountName": task["serviceAccount"],
    }


def _condition(job: Document, kind: str) -> dict[str, Any]:
    return {"type": kind, "status": "True", "lastTransitionTime": job["terminalCondition"]["lastTransitionTime"]}
