"""Cloud Run v2 jobs: create, get, list, patch, delete, and their operations."""

from __future__ import annotations

from datetime import timedelta

from localcloud import operations
from localcloud.calls import Call, Document, Running
from localcloud.core import Cloud, not_found, serves
from localcloud.errors import DENIED, EXISTS, PRECONDITION, ApiError
from localcloud.locations import joined, parts
from localcloud.paging import paged
from localcloud.run import executions
from localcloud.run.checks import check_job, check_new
from localcloud.run.saying import audited, job_v1, system_event
from localcloud.run.shape import JOB, check_etag, etag, filled, pending, ready, seen, suffix

TABLE = "run.jobs"
KEPT_DAYS = 30  # a deleted job's expireTime; source: recorded delete
KEPT = ("uid", "createTime", "creator", "latestCreatedExecution", "executionCount", "observedGeneration")


def find(cloud: Cloud, name: str) -> Document:
    """The job of that name, or the 404 that Cloud Run answers."""
    project, region, job = parts(cloud, name, "jobs")
    found = cloud.table(TABLE).get(joined(project, region, job, kinds=("jobs",)))
    if found is None:
        raise not_found(f"Resource '{job}' of kind 'JOB' in region '{region}' in project '{project}' does not exist.")
    return found


@serves("run.projects.locations.jobs.get", permissions=("run.jobs.get",))
def get(cloud: Cloud, call: Call) -> Document:
    """One job."""
    return seen(cloud, find(cloud, call.params["name"]))


@serves("run.projects.locations.jobs.list", permissions=("run.jobs.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    """The jobs of one location, by name."""
    prefix = joined(*parts(cloud, call.params["parent"])) + "/jobs/"
    found = [seen(cloud, job) for name, job in sorted(cloud.table(TABLE).items()) if name.startswith(prefix)]
    return paged(call, "jobs", found)


@serves("run.projects.locations.jobs.create", permissions=("run.jobs.create",), audited=audited("CreateJob"))
def create(cloud: Cloud, call: Call) -> Document:
    """Make a job; done when Cloud Run has it ready."""
    project, region = parts(cloud, call.params["parent"])
    job_id = call.params.get("jobId") or f"job-{suffix(cloud)}"
    return _create(cloud, call, project, region, job_id, "CreateJob")


def _create(cloud: Cloud, call: Call, project: str, region: str, job_id: str, verb: str) -> Document:
    check_new(job_id, call.body)
    job = filled(cloud, project, call.body)
    check_job(cloud, call, verb, job, region)
    name = joined(project, region, job_id, kinds=("jobs",))
    if name in cloud.table(TABLE):
        raise ApiError(EXISTS, f"Job {name} already exists.")
    job |= {
        "name": name,
        "uid": cloud.new_uuid(),
        "generation": "1",
        "createTime": cloud.clock.stamp(),
        "creator": call.caller.principal,
        "latestCreatedExecution": {},
    }
    return _written(cloud, call, job, verb)


@serves(
    "run.projects.locations.jobs.patch",
    permissions=("run.jobs.update", "run.jobs.get"),
    audited=audited("UpdateJob"),
)
def patch(cloud: Cloud, call: Call) -> Document:
    """Replace a job by what is sent: what is not sent is dropped, or back to its default."""
    project, region, job_id = parts(cloud, call.params["name"], "jobs")
    missing = joined(project, region, job_id, kinds=("jobs",)) not in cloud.table(TABLE)
    if missing and call.flag("allowMissing"):
        if not cloud.permits(call.caller.principal, "run.jobs.create"):
            where = f"//run.googleapis.com/{joined(project, region)}"
            raise ApiError(DENIED, f"Permission 'run.jobs.create' denied on resource '{where}' (or it may not exist).")
        return _create(cloud, call, project, region, job_id, "UpdateJob")
    before = find(cloud, call.params["name"])
    check_etag(cloud, call.body.get("etag", ""), before)
    if "deleteTime" in before:
        raise ApiError(PRECONDITION, f"Job {before['name']} is being deleted.")
    job = filled(cloud, project, call.body)
    check_job(cloud, call, "UpdateJob", job, region)
    job |= {key: before[key] for key in KEPT if key in before}
    job |= {"name": before["name"], "generation": str(int(before["generation"]) + 1)}
    job["terminalCondition"] = before["terminalCondition"]
    return _written(cloud, call, job, "UpdateJob")


def _written(cloud: Cloud, call: Call, job: Document, verb: str) -> Document:
    """Store a job that has passed all checks, start what its tokens ask for, and answer with the operation."""
    job |= {"lastModifier": call.caller.principal, "updateTime": cloud.clock.stamp(), "etag": etag(cloud, job["name"])}
    pending(job)
    if call.flag("validateOnly"):
        return _validated(cloud, job)
    cloud.table(TABLE)[job["name"]] = job
    seconds = cloud.duration(call.method)
    if token := job.get("startExecutionToken") or job.get("runExecutionToken"):
        executions.start(cloud, call, job, token=token)
        seconds += executions.seconds(cloud) if job.get("runExecutionToken") else 0.0
    uid, generation = job["uid"], job["generation"]

    def now() -> Document:
        current = cloud.table(TABLE).get(job["name"])
        return current if current is not None and current["uid"] == uid else job

    def finish() -> Document:
        current = now()
        if current["generation"] == generation:
            ready(cloud, current)
            if current is cloud.table(TABLE).get(job["name"]):
                system_event(cloud, verb, job["name"], job_v1(cloud, current), _ready_message(job["name"]))
        elif int(current.get("observedGeneration", 0)) < int(generation):
            current["observedGeneration"] = generation
        return {"@type": JOB} | seen(cloud, current)

    return _operation(cloud, call, now, finish, job["name"], seconds)


def _operation(
    cloud: Cloud, call: Call, now: operations.Finish, finish: operations.Finish, name: str, seconds: float
) -> Document:
    return operations.start_lro(
        cloud,
        call,
        parent=name.split("/jobs/")[0],
        seconds=seconds,
        metadata=lambda: {"@type": JOB} | seen(cloud, now(), uid=False),
        finish=finish,
        entries=cloud.switches.get("run.audit_entries", 2),
    )


def _ready_message(name: str) -> str:
    return f"Ready condition status changed to True for Job {name.rsplit('/', 1)[-1]}."


def _validated(cloud: Cloud, job: Document) -> Document:
    """What a request to validate only is answered: an operation that is done and has changed nothing."""
    id_ = cloud.new_uuid()
    name = f"{job['name'].split('/jobs/')[0]}/operations/{id_}"
    response = {"@type": JOB} | seen(cloud, job)
    body = {"name": name, "done": True, "metadata": {"@type": JOB} | seen(cloud, job, uid=False), "response": response}
    cloud.operations[id_] = Running(id_, name, body, done=True)
    return dict(body)


@serves("run.projects.locations.jobs.delete", permissions=("run.jobs.delete",), audited=audited("DeleteJob"))
def delete(cloud: Cloud, call: Call) -> Document:
    """Take a job and its executions away. Until that is done it is still there, with a `deleteTime`."""
    job = find(cloud, call.params["name"])
    check_etag(cloud, call.params.get("etag", ""), job)
    if "deleteTime" in job:
        raise ApiError(PRECONDITION, f"Job {job['name']} is being deleted.")
    going = seen(cloud, job) | {
        "generation": str(int(job["generation"]) + 1),
        "deleteTime": cloud.clock.stamp(),
        "expireTime": _later(cloud),
        "etag": etag(cloud, job["name"]),
    }
    pending(going)
    if call.flag("validateOnly"):
        return _validated(cloud, going)
    cloud.table(TABLE)[job["name"]] = going

    def finish() -> Document:
        ready(cloud, going)
        cloud.table(TABLE).pop(job["name"], None)
        executions.forget(cloud, job["name"])
        return {"@type": JOB} | seen(cloud, going)

    return _operation(cloud, call, lambda: going, finish, job["name"], cloud.duration(call.method))


def _later(cloud: Cloud) -> str:
    moment = cloud.clock.now() + timedelta(days=KEPT_DAYS)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


@serves("run.projects.locations.operations.get", permissions=("run.operations.get",), waits=True)
def get_operation(cloud: Cloud, call: Call) -> Document:
    """An operation as it stands."""
    return operations.read(cloud, call.params["name"])


@serves("run.projects.locations.operations.wait", permissions=("run.operations.get",), waits=True)
def wait_operation(cloud: Cloud, call: Call) -> Document:
    """An operation, once it is done or the wait is over."""
    return operations.read(cloud, call.params["name"])
