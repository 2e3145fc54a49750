"""Cloud Run v1 `namespaces.executions` and `namespaces.tasks`: the same executions as v2's, in the shape of v1."""

from __future__ import annotations

from localcloud.calls import Call, Document
from localcloud.core import Cloud, not_found, serves
from localcloud.errors import ApiError
from localcloud.run.executions import TABLE, cancel, remove
from localcloud.run.keeping import picked
from localcloud.run.knative import execution_v1, tasks_v1
from localcloud.run.namespaces import listed, place_of, short_of, within
from localcloud.run.taskspec import env_v2
from localcloud.run.waiting import pending


def overrides_v2(given: Document) -> Document:
    """What one run does otherwise than its job says, in the words of v2."""
    found = picked(given, "taskCount", "delayExecution")
    if "timeoutSeconds" in given:
        found["timeout"] = f"{given['timeoutSeconds']}s"
    if "containerOverrides" in given:
        found["containerOverrides"] = [
            picked(one, "name", "args", "clearArgs")
            | ({"env": [env_v2(variable, {}) for variable in one["env"]]} if one.get("env") else {})
            for one in given["containerOverrides"]
        ]
    return found


def status_of(cloud: Cloud, kind: str, thing: Document) -> Document:
    """What a delete is answered. Source: a recorded delete of a job."""
    details = {"group": "v1", "kind": kind, "name": thing["name"].rsplit("/", 1)[-1], "uid": thing["uid"]}
    return {"details": details, "reason": cloud.new_uuid(), "status": "Success"}


def _find(cloud: Cloud, call: Call, short: str, kind: str) -> Document:
    """The execution of that name, which v1 knows without its job; or the 404 that names what was asked for."""
    place_of(cloud, call)
    table = cloud.table(TABLE)
    name = next((one for one in within(cloud, call, table) if one.endswith(f"/executions/{short}")), None)
    if name is None:
        raise _absent(cloud, call, kind)
    return table[name]


def _absent(cloud: Cloud, call: Call, kind: str) -> ApiError:
    project, region = place_of(cloud, call)
    return not_found(
        f"Resource '{short_of(call)}' of kind '{kind}' in region '{region}' in project '{project}' does not exist."
    )


@serves("run.namespaces.executions.get", permissions=("run.executions.get",), waits=pending)
def get(cloud: Cloud, call: Call) -> Document:
    """One execution; virtual time passes until it has ended."""
    return execution_v1(cloud, _find(cloud, call, short_of(call), "EXECUTION"))


@serves("run.namespaces.executions.list", permissions=("run.executions.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    """The executions of a project, newest first; the label run.googleapis.com/job selects those of one job."""
    table = cloud.table(TABLE)
    found = [execution_v1(cloud, table[name]) for name in within(cloud, call, reversed(table))]
    return listed(call, "ExecutionList", found)


@serves("run.namespaces.executions.cancel", permissions=("run.executions.cancel",))
def cancel_execution(cloud: Cloud, call: Call) -> Document:
    """Let an execution end here and now. One that has ended stays as it is (assumed: no source says)."""
    execution = _find(cloud, call, short_of(call), "EXECUTION")
    cancel(cloud, execution)
    return execution_v1(cloud, execution)


@serves("run.namespaces.executions.delete", permissions=("run.executions.delete",))
def delete(cloud: Cloud, call: Call) -> Document:
    """Take an execution away; it is stopped if it still runs."""
    execution = _find(cloud, call, short_of(call), "EXECUTION")
    remove(cloud, execution)
    return status_of(cloud, "execution", execution)


@serves("run.namespaces.tasks.get", permissions=("run.tasks.get",))
def get_task(cloud: Cloud, call: Call) -> Document:
    """One task of an execution."""
    tasks = tasks_v1(cloud, _find(cloud, call, short_of(call).rpartition("-task")[0], "TASK"))
    found = next((one for one in tasks if one["metadata"]["name"] == short_of(call)), None)
    if found is None:
        raise _absent(cloud, call, "TASK")
    return found


@serves("run.namespaces.tasks.list", permissions=("run.tasks.list",))
def list_tasks(cloud: Cloud, call: Call) -> Document:
    """The tasks of a project; the label run.googleapis.com/execution selects those of one execution."""
    table = cloud.table(TABLE)
    found = [task for name in within(cloud, call, table) for task in tasks_v1(cloud, table[name])]
    return listed(call, "TaskList", found)
