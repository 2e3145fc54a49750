"""Jobs and their executions: read with what may speak for a need; jobs attached, and nothing else of them touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.cloud.local import DEPLOYER, JOB, NETWORK, NUMBER, PROJECT, REGION, SUBNET, Local, local
from wayout.cloud import observe
from wayout.cloud.asking import GRPC
from wayout.egress.model import (
    Absent,
    Attach,
    Connector,
    ConnectorName,
    ConnectorsIn,
    Create,
    Egress,
    Execution,
    ExecutionsIn,
    Interface,
    Job,
    JobAt,
    JobName,
    JobsIn,
    Network,
    NetworkName,
    Present,
    Result,
    State,
    Way,
    Word,
)

NAME = ConnectorName(PROJECT, REGION, "wayout-0a1b2c3d")
WAY = Way(Egress.ALL, NAME)


@pytest.fixture
def world() -> Iterator[Local]:
    with local() as one:
        yield one


@pytest.fixture
def connected(world: Local) -> Local:
    """A world with a connector in it."""
    for thing in (Network(NETWORK), SUBNET, Connector(NAME, NETWORK, State.READY, SUBNET.name)):
        assert world.apply(Create(thing, "test"))[0].result == Result.CREATED
    return world


def raw(world: Local) -> Any:
    return world.theirs.jobs.get_job(name=str(JOB), **GRPC)


def test_a_job_is_read_with_its_words_in_their_places(world: Local) -> None:
    secret = {"name": "PASSWORD", "value_source": {"secret_key_ref": {"secret": "db", "version": "1"}}}
    first = {
        "image": "a",
        "env": [{"name": "DATABASE_HOST", "value": "10.0.0.5"}, secret],
        "args": ["--to", "db.internal"],
    }
    world.deploy(containers=[first, {"image": "b", "name": "side", "command": ["run"]}])

    seen = world.see(JobAt(JOB))

    assert seen.words == (
        Word("container 1, env DATABASE_HOST", "10.0.0.5"),
        Word("container 1, env PASSWORD", "", secret=True),
        Word("container 1, args[0]", "--to"),
        Word("container 1, args[1]", "db.internal"),
        Word("container 2, command[0]", "run"),
    )
    assert (seen.name, seen.way, seen.running, seen.deleted) == (JOB, None, False, False)
    assert seen.etag
    assert seen.generation == 1
    assert (seen.creator, seen.last_modifier) == (DEPLOYER, DEPLOYER)
    assert seen.service_account == f"{NUMBER}-compute@developer.gserviceaccount.com"


def test_a_job_says_what_deployed_it_and_what_was_noted_on_it(world: Local) -> None:
    from google.cloud import run_v2

    task = run_v2.TaskTemplate(containers=[{"image": "a"}])
    job = run_v2.Job(
        template=run_v2.ExecutionTemplate(template=task),
        client="gcloud",
        annotations={"team.example/owner": "shop", "a.example/b": "c"},
    )
    operation: Any = world.theirs.jobs.create_job(parent=f"projects/{PROJECT}/locations/{REGION}", job=job, job_id="j")
    operation.result()

    seen = world.see(JobAt(JobName(PROJECT, REGION, "j")))

    assert seen.client == "gcloud"
    assert seen.annotations == (("a.example/b", "c"), ("team.example/owner", "shop"))


TASKS = [
    ({}, 1, "a job has one task unless it says otherwise"),
    ({"task_count": 20}, 20, "as many as there are, unless it says otherwise"),
    ({"task_count": 20, "parallelism": 5}, 5, "no more side by side than it says"),
]


@pytest.mark.parametrize(("said", "tasks", "reason"), TASKS, ids=[row[2] for row in TASKS])
def test_a_job_says_how_many_tasks_may_run_side_by_side(
    world: Local, said: dict[str, int], tasks: int, reason: str
) -> None:
    world.deploy()
    (document,) = world.cloud.table("run.jobs").values()
    names = {"task_count": "taskCount", "parallelism": "parallelism"}
    document["template"] |= {names[key]: value for key, value in said.items()}

    assert world.see(JobAt(JOB)).tasks == tasks, reason


def start(world: Local, name: JobName = JOB) -> Any:
    """Run a job and leave it running, however long this machine takes for what follows."""
    world.cloud.clock.idle = False
    return world.theirs.jobs.run_job(name=str(name))


def test_running_executions_of_every_job_are_seen_with_the_way_that_they_began_with(connected: Local) -> None:
    bare = JobName(PROJECT, REGION, "bare")
    connected.deploy(vpc_access={"connector": str(NAME), "egress": "ALL_TRAFFIC"})
    connected.deploy(bare)
    connected.deploy(JobName(PROJECT, "us-central1", "far"))
    for name in (JOB, bare, JobName(PROJECT, "us-central1", "far")):
        start(connected, name)
    started = dict(one.split("/executions/") for one in executions(connected))

    assert connected.see(ExecutionsIn(PROJECT, REGION)) == (
        Execution(bare, started[str(bare)], None),
        Execution(JOB, started[str(JOB)], WAY),
    )


def executions(world: Local) -> list[str]:
    return list(world.cloud.table("run.executions"))


def test_an_execution_keeps_the_way_that_its_job_had(connected: Local) -> None:
    connected.deploy()
    start(connected)
    before = connected.see(JobAt(JOB))

    connected.apply(Attach(JOB, before.etag, WAY, None, "test"))

    assert connected.see(JobAt(JOB)).way == WAY
    assert [one.way for one in connected.see(ExecutionsIn(PROJECT, REGION))] == [None]


def test_an_execution_that_has_ended_is_not_seen(world: Local) -> None:
    world.deploy()
    start(world).result()

    assert executions(world)
    assert world.see(ExecutionsIn(PROJECT, REGION)) == ()


def test_executions_of_every_job_cost_one_call(world: Local) -> None:
    for name in ("a", "b", "c"):
        world.deploy(JobName(PROJECT, REGION, name))
        start(world, JobName(PROJECT, REGION, name))
    world.cloud.records.clear()

    assert [one.job.job for one in world.see(ExecutionsIn(PROJECT, REGION))] == ["a", "b", "c"]
    assert [one.method for one in world.cloud.records] == ["run.projects.locations.jobs.executions.list"]


def test_an_executions_connector_named_by_project_number_is_known_by_its_project(connected: Local) -> None:
    from tests.cloud.local import nothing
    from wayout.cloud.observe import look

    connected.deploy(vpc_access={"connector": str(NAME)})
    start(connected)
    (document,) = connected.cloud.table("run.executions").values()
    document["template"]["vpcAccess"]["connector"] = str(NAME).replace(PROJECT, NUMBER)
    read = ExecutionsIn(PROJECT, REGION)

    found: Any = look([read, ConnectorsIn(PROJECT, REGION)], connected.clients, nothing)

    assert [one.way for one in found[read].value] == [Way(Egress.PRIVATE, NAME)]


def test_a_job_that_is_not_there_is_absent(world: Local) -> None:
    assert world.look(JobAt(JOB)) == Absent()


def test_jobs_of_one_region_are_listed(world: Local) -> None:
    for name in ("b", "a"):
        world.deploy(JobName(PROJECT, REGION, name))
    world.deploy(JobName(PROJECT, "us-central1", "far"))

    assert [one.name.job for one in world.see(JobsIn(PROJECT, REGION))] == ["a", "b"]


def test_a_job_with_an_interface_of_its_own_is_seen_so(connected: Local) -> None:
    interface = {"network": "main", "subnetwork": SUBNET.name.subnet, "tags": ["db-client"]}
    connected.deploy(vpc_access={"network_interfaces": [interface]})

    way = connected.see(JobAt(JOB)).way

    assert way == Way(Egress.PRIVATE, interface=Interface("main", SUBNET.name.subnet, ("db-client",)))


def test_attaching_sets_vpc_access_and_nothing_else(connected: Local) -> None:
    connected.deploy(containers=[{"image": "a", "env": [{"name": "A", "value": "1"}]}], max_retries=5)
    before = raw(connected)

    (outcome,) = connected.apply(Attach(JOB, before.etag, WAY, None, "test"))

    assert outcome.result == Result.UPDATED, outcome
    after = raw(connected)
    assert connected.see(JobAt(JOB)).way == WAY
    assert after.generation == before.generation + 1
    assert after.template.template.containers == before.template.template.containers
    assert after.template.template.max_retries == 5


def test_fields_that_our_library_does_not_know_survive(connected: Local) -> None:
    connected.deploy()
    (document,) = connected.cloud.table("run.jobs").values()
    document["functionalType"] = "TASK_JOB"
    document["template"]["delayExecution"] = True
    document["template"]["template"]["containers"][0]["buildConfig"] = {"name": "x"}
    etag = connected.see(JobAt(JOB)).etag

    (outcome,) = connected.apply(Attach(JOB, etag, WAY, None, "test"))

    assert outcome.result == Result.UPDATED, outcome
    (document,) = connected.cloud.table("run.jobs").values()
    assert document["functionalType"] == "TASK_JOB"
    assert document["template"]["delayExecution"] is True
    assert document["template"]["template"]["containers"][0]["buildConfig"] == {"name": "x"}


def test_a_job_deployed_again_since_we_looked_is_kept(connected: Local) -> None:
    connected.deploy()
    stale = connected.see(JobAt(JOB)).etag
    again = raw(connected)
    again.labels["team"] = "b"
    operation: Any = connected.theirs.jobs.update_job(job=again)
    operation.result()

    (outcome,) = connected.apply(Attach(JOB, stale, WAY, None, "test"))

    assert (outcome.result, outcome.detail) == (Result.KEPT, "the job has changed since we looked")
    assert connected.see(JobAt(JOB)).way is None
    assert not connected.calls("run.projects.locations.jobs.patch")


def test_a_job_that_is_gone_is_kept_with_the_reason(connected: Local) -> None:
    (outcome,) = connected.apply(Attach(JOB, "etag", WAY, None, "test"))

    assert outcome.result == Result.KEPT
    assert "does not exist" in outcome.detail


def test_start_tokens_are_not_echoed(connected: Local) -> None:
    connected.deploy()
    (document,) = connected.cloud.table("run.jobs").values()
    document["startExecutionToken"] = "go"
    etag = connected.see(JobAt(JOB)).etag

    (outcome,) = connected.apply(Attach(JOB, etag, WAY, None, "test"))

    assert outcome.result == Result.UPDATED, outcome
    (document,) = connected.cloud.table("run.jobs").values()
    assert not {"startExecutionToken", "runExecutionToken"} & set(document)
    assert not raw(connected).latest_created_execution.name


def test_a_connector_named_by_project_number_is_known_by_its_project(connected: Local) -> None:
    connected.deploy(vpc_access={"connector": str(NAME)})
    (document,) = connected.cloud.table("run.jobs").values()
    document["template"]["template"]["vpcAccess"]["connector"] = str(NAME).replace(PROJECT, NUMBER)
    numbered = ConnectorName(NUMBER, REGION, NAME.connector)
    assert connected.see(JobAt(JOB)).way == Way(Egress.PRIVATE, numbered)

    from tests.cloud.local import nothing
    from wayout.cloud.observe import look

    found: Any = look([JobAt(JOB), ConnectorsIn(PROJECT, REGION)], connected.clients, nothing)

    assert found[JobAt(JOB)].value.way == Way(Egress.PRIVATE, NAME)
    assert connected.see(JobAt(JOB)).way == Way(Egress.PRIVATE, NAME)


def test_a_list_asked_for_by_a_projects_number_tells_its_id(connected: Local) -> None:
    found = connected.see(ConnectorsIn(NUMBER, REGION))

    assert [one.name for one in found] == [NAME]
    assert {one.network.project for one in found} == {PROJECT}
    assert connected.clients.numbers == {NUMBER: PROJECT}


def test_a_name_that_others_may_have_too_tells_nothing_of_a_number() -> None:
    theirs = ConnectorName(PROJECT, REGION, "theirs")
    stranger = Way(Egress.PRIVATE, replace(theirs, project="999999999999"))
    numbers: dict[str, str] = {}
    found: dict[Any, Any] = {
        ConnectorsIn(PROJECT, REGION): Present((Connector(theirs, NetworkName(PROJECT, "default"), State.READY),)),
        JobAt(JOB): Present(Job(JOB, way=stranger)),
    }

    observe._learn(found, numbers)

    assert numbers == {}
