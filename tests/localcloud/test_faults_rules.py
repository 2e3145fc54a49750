"""Whom a fault meets, what it is counted for, and what is seen of it over gRPC and by those it does not concern."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
import requests
from google.api_core import exceptions
from google.cloud import run_v2
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport

from localcloud.clock import Clock
from localcloud.server import LocalCloud
from tests.localcloud.building import PARENT, Body, Building, P, building
from tests.localcloud.receiving import Receiver, receiving

METHOD = "v1.compute.networks.insert"


@pytest.fixture
def site() -> Iterator[Building]:
    with building() as found:
        found.network()
        found.subnet("out", "10.8.0.0/28")
        yield found


def rule_of(name: str) -> Body:
    return {"name": name, "network": "global/networks/net", "allowed": [{"IPProtocol": "tcp"}]}


def test_a_fault_by_name_is_counted_once_for_all_of_its_methods(site: Building) -> None:
    site.admin("faults", {"name": "compute-concurrent-operations", "times": 1})
    assert site.compute("POST", "global/firewalls", rule_of("a")).status_code == 403
    site.made(site.compute("POST", "global/firewalls", rule_of("a")))
    site.admin("faults", {"name": "compute-concurrent-operations", "times": 1})
    assert site.compute("DELETE", "global/firewalls/a").status_code == 403
    site.made(site.compute("DELETE", "global/firewalls/a"))
    site.made(site.compute("POST", "global/firewalls", rule_of("a")))


def test_an_operation_that_is_to_fail_waits_for_a_call_that_starts_one(site: Building) -> None:
    site.admin("faults", {"method": "compute.*", "operation": True, "code": 13, "message": "It broke."})
    assert site.compute("GET", "global/networks/net").status_code == 200
    assert site.compute("DELETE", "global/firewalls/nothing").status_code == 404
    assert site.fails(site.compute("POST", "global/firewalls", rule_of("a"))) == ("INTERNAL", "It broke.")
    site.made(site.compute("POST", "global/firewalls", rule_of("a")))


def test_who_is_refused_is_in_the_activity_log_though_an_operation_was_to_fail(site: Building) -> None:
    site.admin("faults", {"method": "compute.firewalls.insert", "operation": True, "code": 13})
    site.admin("deny", {"principal": "*", "permission": "compute.firewalls.create"})
    assert site.compute("POST", "global/firewalls", rule_of("a")).status_code == 403
    asked = {"resourceNames": [f"projects/{P}"], "filter": 'protoPayload.methodName:"firewalls.insert"'}
    entries = site.call("POST", "logging", "v2/entries:list", asked).json()["entries"]
    assert [entry["protoPayload"]["status"]["code"] for entry in entries] == [7]


def test_who_is_kept_waiting_keeps_nobody_else_waiting() -> None:
    with LocalCloud(projects={P: "1"}, clock=Clock(virtual=False)) as local:
        networks = f"{local.url}/compute/v1/projects/{P}/global/networks"
        requests.post(
            f"{local.url}/_localcloud/faults", json={"method": "compute.networks.get", "latency": 2}, timeout=9
        )
        slow: list[int] = []
        thread = threading.Thread(target=lambda: slow.append(requests.get(f"{networks}/x", timeout=9).status_code))
        thread.start()
        while local.cloud.faults[0].times:
            time.sleep(0.01)  # until the call has met its fault
        assert [requests.get(networks, timeout=9).status_code for _ in range(5)] == [200] * 5
        assert not slow
        thread.join()
        assert slow == [404]


# gRPC


def test_a_cut_connection_is_unavailable_to_a_grpc_client(site: Building) -> None:
    site.admin("faults", {"method": "run.projects.locations.jobs.get", "drop": True})
    with grpc.insecure_channel(site.local.grpc) as channel:
        jobs = run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel))
        with pytest.raises(exceptions.ServiceUnavailable, match="Socket closed"):
            jobs.get_job(name=f"{PARENT}/jobs/x", retry=None)
        with pytest.raises(exceptions.NotFound):
            jobs.get_job(name=f"{PARENT}/jobs/x", retry=None)


def test_a_grpc_client_reads_the_recorded_message_and_its_details(site: Building) -> None:
    site.admin("faults", {"name": "run-bad-token"})
    with grpc.insecure_channel(site.local.grpc) as channel:
        jobs = run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel))
        with pytest.raises(exceptions.Unauthenticated, match="Request had invalid authentication") as refusal:
            jobs.get_job(name=f"{PARENT}/jobs/x", retry=None)
    assert refusal.value.reason == "ACCESS_TOKEN_TYPE_UNSUPPORTED"


def test_an_operation_fails_for_a_grpc_client_with_the_recorded_message(site: Building) -> None:
    site.admin("faults", {"name": "connector-unhealthy"})
    with pytest.raises(exceptions.GoogleAPICallError, match="VPC Access connector failed to get healthy"):
        site.connector()
    assert site.state() == "ERROR"


# events


@pytest.fixture
def receiver(site: Building) -> Iterator[Receiver]:
    """Gets the entry of every network that is made, through a sink and a push subscription, and from a trigger."""
    with receiving() as found:
        topic = f"projects/{P}/topics/events"
        site.call("PUT", "pubsub", f"v1/{topic}", {})
        push: Body = {"topic": topic, "pushConfig": {"pushEndpoint": f"{found.url}/pushed"}}
        site.call("PUT", "pubsub", f"v1/projects/{P}/subscriptions/events", push)
        filter_ = f'protoPayload.methodName="{METHOD}" AND operation.first=true'
        sink = {"name": "events", "destination": f"pubsub.googleapis.com/{topic}", "filter": filter_}
        site.call("POST", "logging", f"v2/projects/{P}/sinks", sink)
        yield found


def begin_network(site: Building) -> None:
    """Without waiting for it: who waits may be whom messages are pushed to, so time would pass their deadlines."""
    assert site.compute("POST", "global/networks", {"name": "a", "autoCreateSubnetworks": False}).status_code == 200


def pushed(site: Building, receiver: Receiver) -> list[Body]:
    assert site.local.settle()
    return [one.json["message"] for one in receiver.received]


def test_an_entry_comes_again_as_the_same_message(site: Building, receiver: Receiver) -> None:
    site.admin("eventfaults", {"kind": "doubled", "methodName": METHOD, "sameMessage": True, "seconds": 30})
    begun = site.cloud.clock.seconds()
    begin_network(site)
    first, again = pushed(site, receiver)
    assert first == again
    assert "networks/a" in base64.b64decode(first["data"]).decode()
    assert site.cloud.clock.seconds() >= begun + 30


@pytest.mark.parametrize(
    ("service", "count"),
    [
        pytest.param("compute.*", 0, id="its own service"),
        pytest.param("run.*", 1, id="another service"),
    ],
)
def test_a_rule_for_a_service_meets_its_entries_only(
    site: Building, receiver: Receiver, service: str, count: int
) -> None:
    site.admin("eventfaults", {"kind": "lost", "serviceName": service, "times": 9})
    begin_network(site)
    assert len(pushed(site, receiver)) == count


def test_a_trigger_gets_the_same_event_again(site: Building) -> None:
    with receiving() as receiver:
        trigger = {"name": "t", "url": receiver.url, "serviceName": "compute.googleapis.com", "methodName": METHOD}
        site.admin("triggers", trigger)
        site.admin("eventfaults", {"kind": "doubled", "methodName": METHOD, "sameMessage": True, "seconds": 30})
        begin_network(site)
        assert site.local.settle()
    ids = [one.headers["ce-id"] for one in receiver.received]
    assert len(ids) == 3  # the first entry twice, the last once
    assert len(set(ids)) == 2


def test_a_probability_beyond_always_is_refused_by_name(site: Building) -> None:
    asked: Body = {"kind": "lost", "probability": 2}
    answer = requests.post(f"{site.local.url}/_localcloud/eventfaults", json=asked, timeout=10)
    assert (answer.status_code, answer.json()["field"]) == (400, "probability")


def test_what_a_failing_operation_of_cloud_run_leaves_behind() -> None:
    with LocalCloud(projects={P: "1"}, clock=Clock()) as local, grpc.insecure_channel(local.grpc) as channel:
        jobs: Any = run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel))
        name = f"{PARENT}/jobs/report"
        job: Any = {"template": {"template": {"containers": [{"image": "image"}]}}}

        def fails(verb: str) -> None:
            fault: dict[str, Any] = {"operation": True, "code": 13, "message": "It broke."}
            fault |= {"method": f"run.projects.locations.jobs.{verb}"}
            requests.post(f"{local.url}/_localcloud/faults", json=fault, timeout=9).raise_for_status()

        fails("create")
        with pytest.raises(exceptions.InternalServerError, match="It broke"):
            jobs.create_job(parent=PARENT, job=job, job_id="report").result(timeout=30)
        assert jobs.get_job(name=name).terminal_condition.state == run_v2.Condition.State.CONDITION_FAILED
        jobs.update_job(job={"name": name} | job).result(timeout=30)
        assert jobs.get_job(name=name).terminal_condition.state == run_v2.Condition.State.CONDITION_SUCCEEDED

        fails("run")
        with pytest.raises(exceptions.InternalServerError, match="It broke"):
            jobs.run_job(name=name).result(timeout=30)
        latest = jobs.get_job(name=name).latest_created_execution
        assert latest.completion_status == run_v2.ExecutionReference.CompletionStatus.EXECUTION_FAILED

        fails("delete")
        with pytest.raises(exceptions.InternalServerError, match="It broke"):
            jobs.delete_job(name=name).result(timeout=30)
        assert not jobs.get_job(name=name).delete_time
        jobs.delete_job(name=name).result(timeout=30)
        with pytest.raises(exceptions.NotFound):
            jobs.get_job(name=name)
