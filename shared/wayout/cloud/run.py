"""Cloud Run jobs and their executions: looked at, and jobs attached to their way out.

Facts: Run's v2 discovery document.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from wayout.cloud.asking import GRPC
from wayout.cloud.clients import Clients
from wayout.cloud.errors import GoneError, UnaskedError
from wayout.cloud.operations import Turn, finish
from wayout.egress.model import ConnectorName, Egress, Execution, Interface, Job, JobName, Way, Word

if TYPE_CHECKING:
    from google.cloud import run_v2


def job(clients: Clients, name: JobName) -> Job:
    """One job. Raises CloudError; GoneError if it is not there."""
    return _job(name, _read(clients, name))


def jobs(clients: Clients, project: str, region: str) -> tuple[Job, ...]:
    """The jobs of one project and region. Raises CloudError."""
    parent = f"projects/{project}/locations/{region}"
    pages = clients.pages("run.jobs.list", parent, lambda: clients.jobs.list_jobs(parent=parent, **GRPC))
    listed = (one for page in pages for one in page.jobs)
    named = ((JobName(project, region, one.name.rsplit("/", 1)[-1]), one) for one in listed)
    return tuple(sorted((_job(name, one) for name, one in named), key=lambda one: one.name))


def executions(clients: Clients, project: str, region: str) -> tuple[Execution, ...]:
    """The executions of one project and region that have not ended, with the way that each has. Raises CloudError."""
    parent = f"projects/{project}/locations/{region}/jobs/-"  # `-` is every job. Source: Run's v2 reference
    pages = clients.pages(
        "run.executions.list",
        f"projects/{project}/locations/{region}",
        lambda: clients.executions.list_executions(parent=parent, **GRPC),
    )
    listed = (one for page in pages for one in page.executions)
    running = (_execution(project, region, one) for one in listed if not one.completion_time)
    return tuple(sorted(running, key=lambda one: (one.job, one.name)))


def _execution(project: str, region: str, found: run_v2.Execution) -> Execution:
    """Google may answer with the project's number; its short name is unique in its job."""
    *_, job, _, name = found.name.split("/")
    return Execution(JobName(project, region, job), name, _way(found.template.vpc_access))


def attach(turn: Turn, name: JobName, etag: str, way: Way | None) -> None:
    """Set the job's `vpcAccess` (or clear it) and nothing else, if its etag still is `etag`; wait for the update.

    UpdateJob replaces the whole job, so it goes back as it came, with fields that our library does not know (they
    survive on gRPC). Start tokens are not echoed: they would run the job. Raises CloudError.
    """
    permission, resource = "run.jobs.update", str(name)
    started = turn.ask(permission, resource, lambda: _update(turn, name, etag, way))
    finish(turn, turn.clients.job_operations, started.operation, permission, resource)


def _update(turn: Turn, name: JobName, etag: str, way: Way | None) -> Any:
    """Begin the update of a job that is as it was. It is read now: writes are few, so that their turn comes late, and
    one that others have made meanwhile would be wasted."""
    from google.cloud import run_v2

    found = _read(turn.clients, name, until=turn.deadline)
    if found.delete_time:
        raise GoneError("the job has been deleted")
    if found.etag != etag:
        raise UnaskedError("the job has changed since we looked")
    if way:
        found.template.template.vpc_access = _document(way)
    else:
        del found.template.template.vpc_access
    plain = run_v2.Job.pb(found)
    for token in ("start_execution_token", "run_execution_token"):
        plain.ClearField(token)  # they share a oneof: even an empty one would count as set
    return turn.clients.jobs.update_job(run_v2.UpdateJobRequest(job=found), **GRPC)


def _read(clients: Clients, name: JobName, *, until: float | None = None) -> run_v2.Job:
    return clients.ask("run.jobs.get", str(name), lambda: clients.jobs.get_job(name=str(name), **GRPC), until=until)


def _job(name: JobName, found: run_v2.Job) -> Job:
    """The job as `name` calls it; Google may answer with the project's number."""
    task = found.template.template
    last = found.latest_created_execution
    return Job(
        name=name,
        etag=found.etag,
        generation=found.generation,
        labels=tuple(sorted(found.labels.items())),
        service_account=task.service_account,
        way=_way(task.vpc_access),
        words=tuple(_words(task)),
        creator=found.creator,
        last_modifier=found.last_modifier,
        running=bool(last.name and not last.completion_time and not last.delete_time),
        deleted=bool(found.delete_time),
        client=found.client,
        annotations=tuple(sorted(found.annotations.items())),
        tasks=max(1, found.template.parallelism or found.template.task_count),
    )


def _way(found: run_v2.VpcAccess) -> Way | None:
    all_traffic = found.egress.name == "ALL_TRAFFIC"
    egress = Egress.ALL if all_traffic else Egress.PRIVATE
    if found.connector:
        return Way(egress, connector=ConnectorName.parse(found.connector))
    if found.network_interfaces:
        one = found.network_interfaces[0]  # Google allows one
        return Way(egress, interface=Interface(one.network, one.subnetwork, tuple(one.tags)))
    return None


def _words(task: run_v2.TaskTemplate) -> Iterator[Word]:
    """What may speak for a need, of every container. The text of a secret stays where it is."""
    for number, container in enumerate(task.containers, start=1):
        place = f"container {number}"
        for one in container.env:
            secret = bool(one.value_source.secret_key_ref.secret)
            yield Word(f"{place}, env {one.name}", "" if secret else one.value, secret)
        for field in ("command", "args"):
            for index, text in enumerate(getattr(container, field)):
                yield Word(f"{place}, {field}[{index}]", text)


def _document(way: Way) -> Any:
    from google.cloud import run_v2

    egress = run_v2.VpcAccess.VpcEgress
    found = run_v2.VpcAccess(egress=egress.ALL_TRAFFIC if way.egress == Egress.ALL else egress.PRIVATE_RANGES_ONLY)
    if way.connector:
        found.connector = str(way.connector)
    if way.interface:
        one = way.interface
        found.network_interfaces = [
            run_v2.VpcAccess.NetworkInterface(network=one.network, subnetwork=one.subnet, tags=list(one.tags))
        ]
    return found
