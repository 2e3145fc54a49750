"""Quotas per minute and on running operations, as official clients meet them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
import requests
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1, run_v2
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport

from localcloud.clock import Clock
from localcloud.server import LocalCloud
from tests.localcloud.guarded import COMPUTE, CRM, NUMBER, RUN, P, R, admin, ask, call

OTHER = "other-project"
FULL = "Quota exceeded for quota metric '{}' and limit '{}' of service '{}' for consumer 'project_number:{}'."
METHODS = {
    "compute/Queries": "compute.firewalls.insert",
    "compute/Read requests": "compute.firewalls.get",
    "compute/List requests": "compute.firewalls.list",
    "compute/Operation read requests": "compute.globalOperations.wait",
    "run/Write requests": "run.projects.locations.jobs.delete",
    "run/Read requests": "run.projects.locations.jobs.get",
    "vpcaccess/Write requests": "vpcaccess.projects.locations.connectors.delete",
    "vpcaccess/Read requests": "vpcaccess.projects.locations.connectors.list",
    "pubsub/Administrator operations": "pubsub.projects.topics.create",
    "logging/Write requests": "logging.entries.write",
    "logging/Read requests": "logging.entries.list",
    "cloudresourcemanager/Read requests": "cloudresourcemanager.projects.get",
    "cloudresourcemanager/Write requests": "cloudresourcemanager.projects.setIamPolicy",
}


@pytest.fixture
def local() -> Iterator[LocalCloud]:
    """Its time stands still unless a test moves it."""
    clock = Clock(idle=False)
    with LocalCloud(projects={P: NUMBER, OTHER: "210987654321"}, clock=clock) as found:
        yield found


def limit(local: LocalCloud, quota: str, size: int | None) -> None:
    admin(local, "quotas", quota=quota, size=size)


@pytest.mark.parametrize(("quota", "method"), METHODS.items(), ids=list(METHODS))
def test_each_quota_counts_its_own_methods_and_is_full_again_at_the_next_minute(
    local: LocalCloud, quota: str, method: str
) -> None:
    limit(local, quota, 2)
    who = "dana@example.com"
    first, second, third = (ask(local, method, who) for _ in range(3))
    assert first.status_code == second.status_code
    assert first.status_code not in (403, 429)
    service, group = quota.split("/")
    per = f"{group} per minute" + (" per region" if service == "run" else "")
    assert third.json()["error"]["message"] == FULL.format(group, per, f"{service}.googleapis.com", NUMBER)
    assert third.status_code == (403 if service == "compute" else 429)
    others = [other for name, other in METHODS.items() if name != quota]
    assert not {403, 429} & {ask(local, other, who).status_code for other in others}
    admin(local, "advance", seconds=60 - local.cloud.clock.seconds() % 60 - 1)
    assert ask(local, method, who).status_code == third.status_code, "a second before the minute is over"
    admin(local, "advance", seconds=1)
    assert ask(local, method, who).status_code == first.status_code


def test_compute_says_it_in_its_own_shape_with_403(local: LocalCloud) -> None:
    limit(local, "compute/List requests", 0)
    error = call(local, "GET", f"{COMPUTE}/global/firewalls").json()["error"]
    message = FULL.format("List requests", "List requests per minute", "compute.googleapis.com", NUMBER)
    item = {
        "domain": "usageLimits",
        "message": message,
        "reason": "rateLimitExceeded",
        "extendedHelp": "https://console.developers.google.com",
    }
    assert error == {"code": 403, "message": message, "errors": [item]}
    options = ClientOptions(api_endpoint=f"{local.url}/_svc/compute")
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    with (
        compute_v1.FirewallsClient(client_options=options, credentials=credentials) as client,
        pytest.raises(exceptions.Forbidden, match="Quota exceeded for quota metric 'List requests'"),
    ):
        list(client.list(project=P))


def test_cloud_run_allows_sixty_writes_a_minute_in_each_region(local: LocalCloud) -> None:
    method = "run.projects.locations.jobs.delete"
    assert [ask(local, method, "dana@example.com").status_code for _ in range(61)] == [404] * 60 + [429]
    with grpc.insecure_channel(local.grpc) as channel:
        client = run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel))
        with pytest.raises(exceptions.ResourceExhausted) as refused:
            client.delete_job(name=f"projects/{P}/locations/{R}/jobs/job")
        with pytest.raises(exceptions.NotFound):
            client.delete_job(name=f"projects/{P}/locations/us-central1/jobs/job")
    assert refused.value.reason == "RATE_LIMIT_EXCEEDED"
    assert dict(refused.value.metadata or {}) == {
        "service": "run.googleapis.com",
        "consumer": f"projects/{NUMBER}",
        "quota_metric": "run.googleapis.com/write_regional",
        "quota_limit": "WriteRequestsPerMinutePerProjectPerRegion",
        "quota_limit_value": "60",
        "quota_location": R,
        "quota_unit": "1/min/{project}/{region}",
    }
    v1 = f"{R}-run/apis/run.googleapis.com/v1/namespaces/{P}/jobs/job"
    assert call(local, "DELETE", v1).status_code == 429, "both versions draw on one quota"
    assert call(local, "GET", f"{RUN}/jobs").status_code == 200, "reading has a quota of its own"


def test_resource_manager_says_it_as_recorded(local: LocalCloud) -> None:
    limit(local, "cloudresourcemanager/Read requests", 0)
    error = call(local, "GET", CRM).json()["error"]
    assert (error["code"], error["status"], error["errors"][0]["reason"]) == (
        429,
        "RESOURCE_EXHAUSTED",
        "rateLimitExceeded",
    )


def test_each_project_has_its_own_quota(local: LocalCloud) -> None:
    limit(local, "compute/List requests", 1)
    other = COMPUTE.replace(P, OTHER)
    answers = [call(local, "GET", f"{where}/global/firewalls").status_code for where in (COMPUTE, COMPUTE, other)]
    assert answers == [200, 403, 200]
    assert call(local, "GET", f"{COMPUTE.replace(P, NUMBER)}/global/firewalls").status_code == 403, "by number too"


def test_what_is_refused_for_lack_of_permission_has_used_the_quota(local: LocalCloud) -> None:
    admin(local, "guard", project=P)
    limit(local, "compute/List requests", 1)
    texts = [call(local, "GET", f"{COMPUTE}/global/firewalls").text for _ in range(2)]
    assert "Required 'compute.firewalls.list'" in texts[0]
    assert "Quota exceeded" in texts[1]


def test_publishing_and_pulling_are_not_counted(local: LocalCloud) -> None:
    assert call(local, "PUT", f"pubsub/v1/projects/{P}/topics/events", {}).status_code == 200
    limit(local, "pubsub/Administrator operations", 0)
    body = {"messages": [{"data": "eA=="}]}
    assert call(local, "POST", f"pubsub/v1/projects/{P}/topics/events:publish", body).status_code == 200


def test_whoever_waits_after_a_refusal_finds_the_next_minute(local: LocalCloud) -> None:
    limit(local, "compute/List requests", 1)
    path = f"{COMPUTE}/global/firewalls"
    assert [call(local, "GET", path).status_code for _ in range(2)] == [200, 403]
    admin(local, "settle")
    assert call(local, "GET", path).status_code == 200


def test_too_many_running_operations_are_refused_until_one_ends(local: LocalCloud) -> None:
    limit(local, "compute/Concurrent operations", 2)
    path = f"{COMPUTE}/global/networks"

    def made(name: str) -> tuple[int, str]:
        answer = call(local, "POST", path, {"name": name, "autoCreateSubnetworks": False})
        return answer.status_code, answer.text

    assert [made("one")[0], made("two")[0], made("three")[0]] == [200, 200, 403]
    error = call(local, "POST", path, {"name": "three", "autoCreateSubnetworks": False}).json()["error"]
    assert (error["message"], error["errors"][0]["reason"]) == ("Rate Limit Exceeded", "rateLimitExceeded")
    assert error["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED",
            "domain": "compute.googleapis.com",
            "metadatas": {"containerId": NUMBER, "containerType": "PROJECT", "location": "global"},
        }
    ]
    assert call(local, "GET", path).status_code == 200, "reading goes on"
    router = call(local, "POST", f"{COMPUTE}/regions/{R}/routers", {"name": "r", "network": "global/networks/one"})
    assert "Rate Limit Exceeded" not in router.text, "a region has its own"
    admin(local, "settle")
    assert made("three")[0] == 200


def test_quotas_are_seen_changed_and_turned_off(local: LocalCloud) -> None:
    call(local, "GET", f"{RUN}/jobs")
    shown = call_view(local)
    assert shown["sizes"]["compute/Queries"] == 1500
    assert shown["used"] == [{"project": P, "quota": "run/Read requests", "region": R, "used": 1}]
    limit(local, "run/Read requests", 1)
    assert call(local, "GET", f"{RUN}/jobs").status_code == 429
    admin(local, "quotas", enforced=False)
    assert call(local, "GET", f"{RUN}/jobs").status_code == 200
    admin(local, "quotas", enforced=True)
    limit(local, "run/Read requests", None)
    assert call_view(local)["sizes"]["run/Read requests"] == 3000
    assert call(local, "GET", f"{RUN}/jobs").status_code == 200


def call_view(local: LocalCloud) -> Any:
    return requests.get(f"{local.url}/_localcloud/quotas", timeout=10).json()
