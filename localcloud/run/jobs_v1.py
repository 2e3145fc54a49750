"""Cloud Run v1 `namespaces.jobs`, which gcloud uses: the same jobs as v2's, in the shape of v1.

A write is answered at once and has no operation: the job becomes ready a moment later, and who wants to know asks
again. It takes as long as v2's write does (`durations` of run.projects.locations.jobs).
"""

from __future__ import annotations

import contextlib

from localcloud.calls import Call, Document
from localcloud.core import Cloud, serves
from localcloud.errors import EXISTS, ApiError
from localcloud.locations import joined
from localcloud.run import executions
from localcloud.run.checks import JOB_ID, check_job
from localcloud.run.executions_v1 import overrides_v2, status_of
from localcloud.run.jobs import TABLE, Work, born, check_stays, find, gone, leaving, signed, stored, succeeding
from localcloud.run.knative import API, beside, body_v2, execution_v1, job_v1, moment_of, replaced, sent_v1
from localcloud.run.namespaces import dry, listed, place_of, short_of, within
from localcloud.run.saying import audited_v1, written_v1
from localcloud.run.shape import BESIDE, OPERATION, conflict, filled, resource_version
from localcloud.run.taskspec import CONNECTOR, EGRESS, INTERFACES
from localcloud.run.waiting import awaited, pending
from localcloud.run.words import violation, words_v1

SECONDS = "run.projects.locations.jobs."


def _found(cloud: Cloud, call: Call) -> Document:
    project, region = place_of(cloud, call)
    return find(cloud, joined(project, region, short_of(call), kinds=("jobs",)))


@serves("run.namespaces.jobs.get", permissions=("run.jobs.get",), waits=pending)
def get(cloud: Cloud, call: Call) -> Document:
    """One job; virtual time passes until Cloud Run has caught up with it."""
    return job_v1(cloud, _found(cloud, call))


@serves("run.namespaces.jobs.list", permissions=("run.jobs.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    """The jobs of a project: of one region, or at the global endpoint of all."""
    table = cloud.table(TABLE)
    return listed(call, "JobList", [job_v1(cloud, table[name]) for name in within(cloud, call, sorted(table))])


@serves("run.namespaces.jobs.create", permissions=("run.jobs.create",), audited=audited_v1("CreateJob"))
def create(cloud: Cloud, call: Call) -> Document:
    """Make a job."""
    project, region = place_of(cloud, call)
    id_ = call.body.get("metadata", {}).get("name", "")
    _check_document(cloud, call.body, project, id_)
    if not JOB_ID.fullmatch(id_):
        raise violation("metadata.name", f"'{id_}' is not a valid name of a job.")
    sent = sent_v1(call.body)
    job = filled(cloud, project, body_v2(sent, project, region))
    check_job(cloud, call, words_v1("CreateJob"), job, region)
    name = joined(project, region, id_, kinds=("jobs",))
    if name in cloud.table(TABLE):
        raise ApiError(EXISTS, f"Resource '{id_}' already exists.")
    return _written(cloud, call, born(cloud, call, job, name), sent, "create", "CreateJob")


@serves(
    "run.namespaces.jobs.replaceJob",
    permissions=("run.jobs.update", "run.jobs.get"),
    audited=audited_v1("ReplaceJob"),
)
def replace_job(cloud: Cloud, call: Call) -> Document:
    """Replace a job by what is sent, if it is still of the version that was sent (or none was)."""
    project, region = place_of(cloud, call)
    before = _found(cloud, call)
    _check_document(cloud, call.body, project, short_of(call))
    given = call.body.get("metadata", {}).get("resourceVersion", "")
    current = resource_version(before)
    if given and moment_of(given) != str(current):
        raise conflict(cloud, before, moment_of(given), str(current))
    check_stays(before)
    sent = sent_v1(call.body)
    job = filled(cloud, project, replaced(before, sent, project, region))
    check_job(cloud, call, words_v1("ReplaceJob"), job, region)
    return _written(cloud, call, succeeding(before, job), sent, "patch", "UpdateJob")


def _check_document(cloud: Cloud, body: Document, project: str, id_: str) -> None:
    """What a v1 job must be before it is looked at: of this kind, of this name, with its annotations in their places.

    Source: prefect-gcp#169 for the annotations, in Google's words; the other texts are in their style.
    """
    if body.get("apiVersion", API) != API or body.get("kind", "Job") != "Job":
        raise violation("kind", f"must be Job, and apiVersion {API}")
    metadata = body.get("metadata", {})
    if metadata.get("name", id_) != id_:
        raise violation("metadata.name", f"'{metadata['name']}' does not match the name of the request: '{id_}'")
    if metadata.get("namespace") and metadata["namespace"] not in (project, cloud.number(project)):
        raise violation("metadata.namespace", f"'{metadata['namespace']}' does not match the namespace of the request")
    for key in (CONNECTOR, EGRESS, INTERFACES):
        if key in metadata.get("annotations", {}):
            said = f"Annotation '{key}' is not supported on resources of kind 'Job'. "
            raise violation(f"metadata.annotations[{key}]", said + "Supported kinds are: Revision, Execution")


def _written(cloud: Cloud, call: Call, job: Document, sent: Document, takes: str, event: str) -> Document:
    """Store a job that has passed all checks. `takes`: the v2 write that takes as long; `event`: the system event."""
    signed(cloud, call, job)
    job[BESIDE] = beside(job, sent) | {OPERATION: cloud.new_uuid()}
    if dry(call):
        return job_v1(cloud, job)
    work = stored(cloud, call, job, event, cloud.duration(SECONDS + takes))
    _later(cloud, job["name"], work)
    answer = job_v1(cloud, job)
    written_v1(cloud, call, answer)
    return answer


def _later(cloud: Cloud, name: str, work: Work) -> None:
    def finish() -> None:
        with contextlib.suppress(ApiError):  # what failed is in the job's conditions, and in the log
            work.finish()

    awaited(cloud, name, work.seconds, finish)


@serves("run.namespaces.jobs.delete", permissions=("run.jobs.delete",), audited=audited_v1("DeleteJob"))
def delete(cloud: Cloud, call: Call) -> Document:
    """Take a job and its executions away. Until that is done it is still there, with a deletionTimestamp."""
    job = _found(cloud, call)
    check_stays(job)
    answer = status_of(cloud, "job", job)
    if dry(call):
        return answer
    going = leaving(cloud, job)
    cloud.table(TABLE)[job["name"]] = going
    awaited(cloud, job["name"], cloud.duration(f"{SECONDS}delete"), lambda: gone(cloud, going))
    written_v1(cloud, call, answer)
    return answer


@serves("run.namespaces.jobs.run", permissions=("run.jobs.run",))
def run(cloud: Cloud, call: Call) -> Document:
    """Start an execution, and answer with it."""
    job = _found(cloud, call)
    check_stays(job)
    overrides = overrides_v2(call.body.get("overrides", {}))
    return execution_v1(cloud, executions.start(cloud, call, job, overrides=overrides))
