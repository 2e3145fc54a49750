"""Executions: what a job runs as. Immutable: each keeps the template, and the way out, that it was started with."""

from __future__ import annotations

import copy

from localcloud import operations
from localcloud.calls import Call, Document
from localcloud.core import Cloud, not_found, serves
from localcloud.errors import PRECONDITION, ApiError
from localcloud.locations import joined, parts
from localcloud.paging import paged
from localcloud.run.saying import execution_v1, system_event
from localcloud.run.shape import EXECUTION, check_etag, etag, suffix, version

TABLE = "run.executions"
RUN = "run.projects.locations.jobs.run"
LABEL = "run.googleapis.com/"


def seconds(cloud: Cloud) -> float:
    """How long an execution takes."""
    return cloud.duration(RUN)


@serves("run.projects.locations.jobs.executions.get", permissions=("run.executions.get",))
def get(cloud: Cloud, call: Call) -> Document:
    """One execution."""
    project, region, job, id_ = parts(cloud, call.params["name"], "jobs", "executions")
    found = cloud.table(TABLE).get(joined(project, region, job, id_, kinds=("jobs", "executions")))
    if found is None:
        raise not_found(
            f"Resource '{id_}' of kind 'EXECUTION' in region '{region}' in project '{project}' does not exist."
        )
    return copy.deepcopy(found)


@serves("run.projects.locations.jobs.executions.list", permissions=("run.executions.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    """The executions of one job, or with `-` of all jobs of the location, newest first."""
    project, region, job = parts(cloud, call.params["parent"], "jobs")
    prefix = joined(project, region) + "/jobs/" + ("" if job == "-" else f"{job}/")
    found = [copy.deepcopy(one) for name, one in cloud.table(TABLE).items() if name.startswith(prefix)]
    return paged(call, "executions", found[::-1])


@serves(RUN, permissions=("run.jobs.run",))
def run(cloud: Cloud, call: Call) -> Document:
    """Start an execution; the operation is done when it has come to its end."""
    project, region, id_ = parts(cloud, call.params["name"], "jobs")
    job = cloud.table("run.jobs").get(joined(project, region, id_, kinds=("jobs",)))
    if job is None:
        raise not_found(f"Resource '{id_}' of kind 'JOB' in region '{region}' in project '{project}' does not exist.")
    check_etag(cloud, call.body.get("etag", ""), job)
    if "deleteTime" in job:
        raise ApiError(PRECONDITION, f"Job {job['name']} is being deleted.")
    if call.body.get("validateOnly"):
        job = copy.deepcopy(job)
    execution = _made(cloud, call, job, "", call.body.get("overrides", {}))
    if call.body.get("validateOnly"):
        return _operation(cloud, call, execution, 0.0, lambda: {"@type": EXECUTION} | execution)
    _begin(cloud, job, execution)
    return _operation(cloud, call, execution, seconds(cloud), lambda: _ended(cloud, execution))


def start(cloud: Cloud, call: Call, job: Document, *, token: str) -> None:
    """Start an execution because a job was written with a token: it is the suffix of the execution's name."""
    execution = _made(cloud, call, job, token, {})
    _begin(cloud, job, execution)

    def end() -> None:
        _ended(cloud, execution)

    cloud.after(seconds(cloud), end)


def forget(cloud: Cloud, job_name: str) -> None:
    """Stop and remove every execution of a job that is gone."""
    table = cloud.table(TABLE)
    for name in [name for name in table if name.startswith(f"{job_name}/executions/")]:
        del table[name]


def _made(cloud: Cloud, call: Call, job: Document, token: str, overrides: Document) -> Document:
    short = job["name"].rsplit("/", 1)[-1]
    name = f"{job['name']}/executions/{short}-{token or suffix(cloud)}"
    if name in cloud.table(TABLE):
        name = f"{job['name']}/executions/{short}-{suffix(cloud)}"
    now, outer = cloud.clock.stamp(), job["template"]
    task = _overridden(outer["template"], overrides)
    count = overrides.get("taskCount") or outer["taskCount"]
    labels = outer.get("labels", {}) | {
        f"{LABEL}job": short,
        f"{LABEL}jobUid": job["uid"],
        f"{LABEL}jobGeneration": job["generation"],
        f"{LABEL}jobResourceVersion": version(job["etag"]),
    }
    return {
        "name": name,
        "uid": cloud.new_uuid(),
        "generation": "1",
        "labels": labels,
        "annotations": copy.deepcopy(outer.get("annotations", {})),
        "creator": call.caller.principal,
        "createTime": now,
        "startTime": now,
        "updateTime": now,
        "launchStage": job["launchStage"],
        "job": short,
        "parallelism": outer.get("parallelism") or count,
        "taskCount": count,
        "template": task,
        "reconciling": True,
        "conditions": [{"type": "Completed", "state": "CONDITION_RECONCILING", "lastTransitionTime": now}],
        "runningCount": count,
        "etag": etag(cloud, name),
    }


def _overridden(task: Document, overrides: Document) -> Document:
    """The task as this one execution runs it."""
    found: Document = copy.deepcopy(task)
    if "timeout" in overrides:
        found["timeout"] = overrides["timeout"]
    for change in overrides.get("containerOverrides", []):
        for container in found["containers"]:
            if change.get("name", container.get("name", "")) == container.get("name", ""):
                _override(container, change)
    return found


def _override(container: Document, change: Document) -> None:
    if change.get("args") or change.get("clearArgs"):
        container["args"] = change.get("args", [])
    if change.get("env"):
        named = {one["name"]: one for one in container.get("env", [])} | {one["name"]: one for one in change["env"]}
        container["env"] = list(named.values())


def _begin(cloud: Cloud, job: Document, execution: Document) -> None:
    cloud.table(TABLE)[execution["name"]] = execution
    job["executionCount"] = job.get("executionCount", 0) + 1
    job["latestCreatedExecution"] = {
        "name": execution["name"].rsplit("/", 1)[-1],
        "createTime": execution["createTime"],
        "completionStatus": "EXECUTION_RUNNING",
    }


def _ended(cloud: Cloud, execution: Document) -> Document:
    """Let an execution succeed; the answer is what its operation responds with."""
    now = cloud.clock.stamp()
    execution.pop("reconciling", None)
    execution["succeededCount"] = execution.pop("runningCount", execution["taskCount"])
    execution |= {"completionTime": now, "updateTime": now, "observedGeneration": "1"}
    execution["conditions"] = [{"type": "Completed", "state": "CONDITION_SUCCEEDED", "lastTransitionTime": now}]
    latest = (
        cloud.table("run.jobs").get(execution["name"].split("/executions/")[0], {}).get("latestCreatedExecution", {})
    )
    short = execution["name"].rsplit("/", 1)[-1]
    if latest.get("name") == short:
        latest |= {"completionTime": now, "completionStatus": "EXECUTION_SUCCEEDED"}
    if execution["name"] in cloud.table(TABLE):
        message = f"Execution {short} has completed successfully."
        system_event(cloud, "RunJob", execution["name"], execution_v1(cloud, execution), message)
    return {"@type": EXECUTION} | copy.deepcopy(execution)


def _operation(cloud: Cloud, call: Call, execution: Document, duration: float, finish: operations.Finish) -> Document:
    return operations.start_lro(
        cloud,
        call,
        parent=execution["name"].split("/jobs/")[0],
        seconds=duration,
        metadata=lambda: {"@type": EXECUTION} | copy.deepcopy(execution),
        finish=finish,
    )
