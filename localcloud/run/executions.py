"""Executions: what a job runs as. Immutable: each keeps the template, and the way out, that it was started with."""

from __future__ import annotations

import copy
from functools import partial
from urllib.parse import quote

from localcloud import operations
from localcloud.calls import Call, Document
from localcloud.compute import serverless
from localcloud.core import Cloud, not_found, serves
from localcloud.errors import PRECONDITION, ApiError
from localcloud.locations import joined, parts
from localcloud.paging import paged
from localcloud.run.knative import execution_v1
from localcloud.run.saying import TYPE_V1, system_event
from localcloud.run.shape import BESIDE, EXECUTION, OPERATION, check_etag, etag, resource_version, seen, suffix
from localcloud.run.waiting import awaited

TABLE = "run.executions"
RUN = "run.projects.locations.jobs.run"
LABEL = "run.googleapis.com/"
BEGUN = ("ResourcesAvailable", "Started", "ContainerReady")  # true from the start here. Source: a real execution


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
    return seen(cloud, found)


@serves("run.projects.locations.jobs.executions.list", permissions=("run.executions.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    """The executions of one job, or with `-` of all jobs of the location, newest first."""
    project, region, job = parts(cloud, call.params["parent"], "jobs")
    prefix = joined(project, region) + "/jobs/" + ("" if job == "-" else f"{job}/")
    found = [seen(cloud, one) for name, one in cloud.table(TABLE).items() if name.startswith(prefix)]
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
        execution = made(cloud, call, copy.deepcopy(job), "", call.body.get("overrides", {}))
        return _operation(cloud, call, execution, 0.0, lambda: {"@type": EXECUTION} | seen(cloud, execution))
    execution = made(cloud, call, job, "", call.body.get("overrides", {}))
    doomed = _begin(cloud, job, execution) or cloud.doom()

    def end() -> Document:
        if doomed:
            _failed(cloud, execution, doomed)
            raise doomed
        _ended(cloud, execution)
        return {"@type": EXECUTION} | seen(cloud, execution)

    return _operation(cloud, call, execution, seconds(cloud), end)


def start(cloud: Cloud, call: Call, job: Document, *, token: str = "", overrides: Document | None = None) -> Document:
    """Start an execution that no operation tells of; the answer is it, as stored.

    `token`: of a job that was written with one: it is the suffix of the execution's name.
    """
    execution = made(cloud, call, job, token, overrides or {})
    lacking = _begin(cloud, job, execution)
    end = partial(_failed, cloud, execution, lacking) if lacking else partial(_ended, cloud, execution)
    awaited(cloud, execution["name"], seconds(cloud), end)
    return execution


def forget(cloud: Cloud, job_name: str) -> None:
    """Stop and remove every execution of a job that is gone."""
    table = cloud.table(TABLE)
    for name in [name for name in table if name.startswith(f"{job_name}/executions/")]:
        del table[name]
        serverless.give_back(cloud, name)


def made(cloud: Cloud, call: Call, job: Document, token: str, overrides: Document) -> Document:
    """A new execution of a job, not yet stored."""
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
        f"{LABEL}jobResourceVersion": str(resource_version(job)),
    }
    kept = job.get(BESIDE, {})
    beside = {key: copy.deepcopy(kept[key]["spec"].get("template", {})) for key in ("sent", "again") if key in kept}
    said = {key: outer[key] for key in ("client", "clientVersion") if outer.get(key)}
    return said | {
        BESIDE: beside | {OPERATION: cloud.new_uuid()},
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
        "conditions": [
            {"type": "Completed", "state": "CONDITION_RECONCILING", "lastTransitionTime": now},
            *({"type": one, "state": "CONDITION_SUCCEEDED", "lastTransitionTime": now} for one in BEGUN),
        ],
        "runningCount": count,
        "logUri": _log_uri(job["name"], name),
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


def _begin(cloud: Cloud, job: Document, execution: Document) -> ApiError | None:
    """Let an execution begin; the answer is what it will fail with, if its subnet has no room for it."""
    cloud.table(TABLE)[execution["name"]] = execution
    job["executionCount"] = job.get("executionCount", 0) + 1
    job["latestCreatedExecution"] = {
        "name": execution["name"].rsplit("/", 1)[-1],
        "createTime": execution["createTime"],
        "completionStatus": "EXECUTION_RUNNING",
    }
    return serverless.take(cloud, execution)


def _ended(cloud: Cloud, execution: Document) -> None:
    """Let an execution succeed, unless it has come to another end."""
    if "completionTime" in execution:
        return
    _over(cloud, execution, "EXECUTION_SUCCEEDED", {"state": "CONDITION_SUCCEEDED"})
    execution["succeededCount"] = execution.pop("runningCount", execution["taskCount"])
    if execution["name"] in cloud.table(TABLE):
        message = f"Execution {execution['name'].rsplit('/', 1)[-1]} has completed successfully."
        response = {"@type": f"{TYPE_V1}.Execution"} | execution_v1(cloud, execution)
        system_event(cloud, "RunJob", execution["name"], response, message)


def _failed(cloud: Cloud, execution: Document, why: ApiError) -> None:
    """Let an execution fail on demand."""
    if "completionTime" in execution:
        return
    reason = {"executionReason": "NON_ZERO_EXIT_CODE", "message": why.message}
    _over(cloud, execution, "EXECUTION_FAILED", {"state": "CONDITION_FAILED"} | reason)
    execution["failedCount"] = execution.pop("runningCount", execution["taskCount"])


def cancel(cloud: Cloud, execution: Document) -> None:
    """Let an execution end here and now; one that has ended stays as it is."""
    if "completionTime" in execution:
        return
    reason = {"executionReason": "CANCELLED", "message": "The execution was cancelled."}
    _over(cloud, execution, "EXECUTION_CANCELLED", {"state": "CONDITION_FAILED"} | reason)
    execution["cancelledCount"] = execution.pop("runningCount", execution["taskCount"])


def remove(cloud: Cloud, execution: Document) -> None:
    """Take an execution away, and stop it if it still runs."""
    cancel(cloud, execution)
    cloud.table(TABLE).pop(execution["name"], None)
    latest = _latest(cloud, execution)
    if latest:
        latest["deleteTime"] = cloud.clock.stamp()


def _over(cloud: Cloud, execution: Document, status: str, condition: Document) -> None:
    now = cloud.clock.stamp()
    serverless.give_back(cloud, execution["name"])
    execution.pop("reconciling", None)
    execution |= {"completionTime": now, "updateTime": now, "observedGeneration": "1"}
    _, *others = execution["conditions"]
    execution["conditions"] = [{"type": "Completed"} | condition | {"lastTransitionTime": now}, *others]
    execution["etag"] = etag(cloud, execution["name"])
    latest = _latest(cloud, execution)
    if latest:
        latest |= {"completionTime": now, "completionStatus": status}


def _latest(cloud: Cloud, execution: Document) -> Document:
    """What the job says of its latest execution, if that is this one."""
    job = cloud.table("run.jobs").get(execution["name"].split("/executions/")[0], {})
    latest: Document = job.get("latestCreatedExecution", {})
    return latest if latest.get("name") == execution["name"].rsplit("/", 1)[-1] else {}


def _log_uri(job: str, execution: str) -> str:
    """Where the console shows an execution's log. Source: a real execution in a system event."""
    _, project, _, region, _, short = job.split("/")
    wanted = [
        'resource.type="cloud_run_job"',
        f'resource.labels.job_name="{short}"',
        f'resource.labels.location="{region}"',
        f'labels."run.googleapis.com/execution_name"="{execution.rsplit("/", 1)[-1]}"',
    ]
    query = quote("\n".join(wanted), safe="")
    return f"https://console.cloud.google.com/logs/viewer?project={project}&advancedFilter={query}"


def _operation(cloud: Cloud, call: Call, execution: Document, duration: float, finish: operations.Finish) -> Document:
    return operations.start_lro(
        cloud,
        call,
        parent=execution["name"].split("/jobs/")[0],
        seconds=duration,
        metadata=lambda: {"@type": EXECUTION} | seen(cloud, execution),
        finish=finish,
    )
