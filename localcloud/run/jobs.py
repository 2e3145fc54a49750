"""Cloud Run v2 jobs: create, get, list, patch, delete, and their operations."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from localcloud import operations
from localcloud.access import admission
from localcloud.calls import Call, Document, Running
from localcloud.core import Cloud, not_found, serves
from localcloud.errors import DENIED, EXISTS, PRECONDITION, ApiError
from localcloud.locations import joined, parts
from localcloud.paging import paged
from localcloud.run import executions
from localcloud.run.checks import check_job, check_new
from localcloud.run.knative import job_v1
from localcloud.run.saying import audited, ready_event
from localcloud.run.shape import BESIDE, JOB, OPERATION, check_etag, etag, filled, pending, seen, settle, suffix
from localcloud.run.words import words_v2

TABLE = "run.jobs"
KEPT_DAYS = 30  # a deleted job's expireTime; source: recorded delete
KEPT = ("uid", "createTime", "creator", "latestCreatedExecution", "executionCount", "observedGeneration", BESIDE)


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
    check_job(cloud, call, words_v2(verb), job, region)
    name = joined(project, region, job_id, kinds=("jobs",))
    if name in cloud.table(TABLE):
        raise ApiError(EXISTS, f"Job {name} already exists.")
    return _written(cloud, call, born(cloud, call, job, name), verb)


def born(cloud: Cloud, call: Call, job: Document, name: str) -> Document:
    """A job that is new, under that name."""
    return job | {
        "name": name,
        "uid": cloud.new_uuid(),
        "generation": "1",
        "createTime": cloud.clock.stamp(),
        "creator": call.caller.principal,
        "latestCreatedExecution": {},
    }


def succeeding(before: Document, job: Document) -> Document:
    """A job that takes the place of `before`: what Cloud Run has said of it stays."""
    job |= {key: before[key] for key in KEPT if key in before and key not in job}
    job |= {"name": before["name"], "generation": str(int(before["generation"]) + 1)}
    return job | {"terminalCondition": before["terminalCondition"]}


def check_stays(job: Document) -> None:
    """Refuses to touch a job that is on its way out."""
    if "deleteTime" in job:
        raise ApiError(PRECONDITION, f"Job {job['name']} is being deleted.")


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
        where = f"//run.googleapis.com/{joined(project, region)}"
        if not admission.may(cloud, call.caller.principal, "run.jobs.create", where):
            raise ApiError(DENIED, f"Permission 'run.jobs.create' denied on resource '{where}' (or it may not exist).")
        return _create(cloud, call, project, region, job_id, "UpdateJob")
    before = find(cloud, call.params["name"])
    check_etag(cloud, call.body.get("etag", ""), before)
    check_stays(before)
    job = filled(cloud, project, call.body)
    check_job(cloud, call, words_v2("UpdateJob"), job, region)
    return _written(cloud, call, succeeding(before, job), "UpdateJob")


def _written(cloud: Cloud, call: Call, job: Document, verb: str) -> Document:
    """Store a job that has passed all checks, and answer with the operation."""
    signed(cloud, call, job)
    if call.flag("validateOnly"):
        return _validated(cloud, job)
    work = stored(cloud, call, job, verb, cloud.duration(call.method))

    def finish() -> Document:
        work.finish()
        return {"@type": JOB} | seen(cloud, work.now())

    operation = _operation(cloud, call, work.now, finish, job["name"], work.seconds)
    job[BESIDE] = job.get(BESIDE, {}) | {OPERATION: operation["name"].rsplit("/", 1)[-1]}
    return operation


def signed(cloud: Cloud, call: Call, job: Document) -> None:
    """Say in a job who has written it and when, and that Cloud Run has not caught up with it."""
    job |= {"lastModifier": call.caller.principal, "updateTime": cloud.clock.stamp(), "etag": etag(cloud, job["name"])}
    pending(job)


@dataclass(frozen=True)
class Work:
    """What follows a write: `now` is the job as it stands, `finish` is due in `seconds`, and raises what failed."""

    seconds: float
    now: Callable[[], Document]
    finish: Callable[[], None]


def stored(cloud: Cloud, call: Call, job: Document, verb: str, seconds: float) -> Work:
    """Put a job in the table, and start what its tokens ask for. `verb` is what its system event will name."""
    cloud.table(TABLE)[job["name"]] = job
    if token := job.get("startExecutionToken") or job.get("runExecutionToken"):
        executions.start(cloud, call, job, token=token)
        seconds += executions.seconds(cloud) if job.get("runExecutionToken") else 0.0
    uid, generation, doomed = job["uid"], job["generation"], cloud.doom()

    def now() -> Document:
        current = cloud.table(TABLE).get(job["name"])
        return current if current is not None and current["uid"] == uid else job

    def finish() -> None:
        current = now()
        if current["generation"] == generation:
            failure = settle(cloud, current, doomed)
            if current is cloud.table(TABLE).get(job["name"]):
                ready_event(cloud, verb, job["name"], job_v1(cloud, current), failure)
            if failure:
                raise failure
        elif int(current.get("observedGeneration", 0)) < int(generation):
            current["observedGeneration"] = generation

    return Work(seconds, now, finish)


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
        entries=cloud.switch("run.audit_entries"),
    )


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
    check_stays(job)
    going = leaving(cloud, job)
    if call.flag("validateOnly"):
        return _validated(cloud, going)
    cloud.table(TABLE)[job["name"]] = going
    doomed = cloud.doom()

    def finish() -> Document:
        if doomed:
            stays(cloud, going)
            raise doomed
        gone(cloud, going)
        return {"@type": JOB} | seen(cloud, going)

    return _operation(cloud, call, lambda: going, finish, job["name"], cloud.duration(call.method))


def leaving(cloud: Cloud, job: Document) -> Document:
    """A copy of a job, on its way out."""
    going = copy.deepcopy(job) | {
        "generation": str(int(job["generation"]) + 1),
        "deleteTime": cloud.clock.stamp(),
        "expireTime": _later(cloud),
        "etag": etag(cloud, job["name"]),
    }
    pending(going)
    return going


def gone(cloud: Cloud, going: Document) -> None:
    """Take a job out of the table, and its executions with it. Its etag is a new one. Source: a recorded delete."""
    settle(cloud, going)
    going["etag"] = etag(cloud, going["name"])
    cloud.table(TABLE).pop(going["name"], None)
    executions.forget(cloud, going["name"])


def stays(cloud: Cloud, going: Document) -> None:
    """A delete that failed: the job is as it was, one generation later."""
    for key in ("deleteTime", "expireTime"):
        going.pop(key, None)
    settle(cloud, going)


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
