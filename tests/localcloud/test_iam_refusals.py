"""What the door says: to no token, a wrong one, one without scopes, and to whoever lacks a permission."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1, run_v2, vpcaccess_v1
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport
from google.cloud.vpcaccess_v1.services.vpc_access_service.transports import VpcAccessServiceGrpcTransport

from localcloud.server import LocalCloud
from tests.localcloud.guarded import (
    COMPUTE,
    CRM,
    IAM,
    NUMBER,
    OWNER,
    REQUESTS,
    RULE,
    RUN,
    USAGE,
    P,
    R,
    admin,
    ask,
    call,
)

ANN = "ann@example.com"
CREDENTIAL = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
WRONG = f"Request had invalid authentication credentials. {CREDENTIAL}"
MISSING = f"Request is missing required authentication credential. {CREDENTIAL}"


@pytest.fixture
def local() -> Iterator[LocalCloud]:
    with LocalCloud(projects={P: NUMBER}) as found:
        yield found


@pytest.fixture
def guarded(local: LocalCloud) -> LocalCloud:
    admin(local, "guard", project=P, owner=f"user:{OWNER}")
    return local


def token(who: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {who}")]


def reasons(error: exceptions.GoogleAPICallError) -> tuple[str, dict[str, str]]:
    """The ErrorInfo that an official client hands on."""
    return str(error.reason), dict(error.metadata or {})


def test_vpc_access_names_the_permission_and_the_resource(guarded: LocalCloud) -> None:
    parent = f"projects/{P}/locations/{R}"
    with grpc.insecure_channel(guarded.grpc) as channel:
        client = vpcaccess_v1.VpcAccessServiceClient(transport=VpcAccessServiceGrpcTransport(channel=channel))
        with pytest.raises(exceptions.PermissionDenied) as refused:
            client.list_connectors(parent=parent, metadata=token(ANN))
        assert list(client.list_connectors(parent=parent, metadata=token(OWNER))) == []
    permission = "vpcaccess.connectors.list"
    assert refused.value.message == (
        f"Permission '{permission}' denied on resource '//vpcaccess.googleapis.com/{parent}' (or it may not exist)."
    )
    assert reasons(refused.value) == ("IAM_PERMISSION_DENIED", {"resource": parent, "permission": permission})


def test_cloud_run_names_the_first_permission_that_is_missing(guarded: LocalCloud) -> None:
    name = f"projects/{P}/locations/{R}/jobs/job"
    admin(guarded, "bind", role="roles/run.viewer", member=f"user:{ANN}", resource=f"projects/{P}")
    with grpc.insecure_channel(guarded.grpc) as channel:
        client = run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel))
        with pytest.raises(exceptions.PermissionDenied) as refused:
            client.update_job(job=run_v2.Job(name=name), metadata=token(ANN))
    assert "Permission 'run.jobs.update' denied on resource '//run.googleapis.com/" in refused.value.message


def test_compute_lists_everything_that_is_missing(guarded: LocalCloud) -> None:
    options = ClientOptions(api_endpoint=f"{guarded.url}/_svc/compute")
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    with compute_v1.FirewallsClient(client_options=options, credentials=credentials) as client:
        rule = compute_v1.Firewall(name="rule", network="global/networks/net")
        with pytest.raises(exceptions.Forbidden) as refused:
            client.insert(project=P, firewall_resource=rule, metadata=token(ANN))
    first = f"Required 'compute.firewalls.create' permission for 'projects/{P}/global/firewalls/rule'"
    second = f"Required 'compute.networks.updatePolicy' permission for 'projects/{P}/global/networks/net'"
    assert [one["message"] for one in refused.value.errors] == [first, second]
    error = call(guarded, "POST", f"{COMPUTE}/global/firewalls", RULE, ANN).json()["error"]
    items = [{"domain": "global", "message": message, "reason": "forbidden"} for message in (first, second)]
    assert error == {"code": 403, "message": first, "errors": items}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        pytest.param(
            ("POST", f"{COMPUTE}/global/operations/operation-1/wait", None),
            f"Required 'compute.globalOperations.get' permission for 'projects/{P}/global/operations/operation-1'",
            id="compute, an operation",
        ),
        pytest.param(
            ("GET", COMPUTE, None),
            f"Required 'compute.projects.get' permission for 'projects/{P}'",
            id="compute, the project",
        ),
        pytest.param(("GET", CRM, None), "The caller does not have permission", id="Resource Manager says no more"),
        pytest.param(
            ("POST", f"{IAM}/serviceAccounts", {"accountId": "wayout"}),
            "Permission 'iam.serviceAccounts.create' denied on resource (or it may not exist).",
            id="IAM leaves the resource out",
        ),
        pytest.param(
            REQUESTS["logging.entries.write"],
            "Permission 'logging.logEntries.create' denied on resource (or it may not exist).",
            id="Logging leaves the resource out",
        ),
        pytest.param(
            ("POST", f"{USAGE}/services/run.googleapis.com:enable", {}),
            "Permission denied to enable service [run.googleapis.com]",
            id="Service Usage names the service",
        ),
        pytest.param(("GET", f"dns/dns/v1/projects/{P}/managedZones", None), "Forbidden", id="DNS is short"),
    ],
)
def test_each_service_refuses_in_its_own_words(
    guarded: LocalCloud, request_: tuple[str, str, Any], message: str
) -> None:
    verb, path, body = request_
    answer = call(guarded, verb, path, body, ANN)
    assert (answer.status_code, answer.json()["error"]["message"]) == (403, message)


def test_a_strangers_project_looks_like_one_that_is_not_there(guarded: LocalCloud) -> None:
    for path in (CRM, "cloudresourcemanager/v1/projects/nowhere"):
        error = call(guarded, "GET", path, None, ANN).json()["error"]
        assert (error["code"], error["status"], error["message"]) == (
            403,
            "PERMISSION_DENIED",
            "The caller does not have permission",
        )


@pytest.mark.parametrize("wrong", ["invalid", "invalid@example.com", "ya29.abcdef", "two words@example.com"])
def test_a_token_that_names_nobody_is_refused(local: LocalCloud, wrong: str) -> None:
    error = call(local, "GET", f"{RUN}/jobs", None, wrong).json()["error"]
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        "domain": "googleapis.com",
        "metadata": {"service": "run.googleapis.com"},
    }
    assert error == {"code": 401, "message": WRONG, "status": "UNAUTHENTICATED", "details": [info]}


def test_a_wrong_token_is_refused_by_the_same_front_end_on_compute(local: LocalCloud) -> None:
    error = call(local, "POST", f"{COMPUTE}/global/firewalls", RULE, "invalid").json()["error"]
    assert (error["code"], error["status"], error["message"]) == (401, "UNAUTHENTICATED", WRONG)
    item = {"message": "Invalid Credentials", "domain": "global", "reason": "authError"}
    assert error["errors"] == [item | {"location": "Authorization", "locationType": "header"}]
    assert error["details"][0]["metadata"] == {
        "service": "compute.googleapis.com",
        "method": "compute.v1.FirewallsService.Insert",
    }


def test_a_wrong_token_is_refused_over_grpc_with_the_methods_name(local: LocalCloud) -> None:
    with grpc.insecure_channel(local.grpc) as channel:
        client = run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel))
        with pytest.raises(exceptions.Unauthenticated) as refused:
            client.create_job(
                parent=f"projects/{P}/locations/{R}", job=run_v2.Job(), job_id="j", metadata=token("invalid")
            )
    assert refused.value.message == WRONG
    metadata = {"service": "run.googleapis.com", "method": "google.cloud.run.v2.Jobs.CreateJob"}
    assert reasons(refused.value) == ("ACCESS_TOKEN_TYPE_UNSUPPORTED", metadata)


def test_a_missing_token_is_anonymous_unless_one_is_required(local: LocalCloud) -> None:
    assert call(local, "GET", f"{RUN}/jobs", who="").status_code == 200
    admin(local, "switches", **{"iam.require_token": True})
    error = call(local, "GET", f"{RUN}/jobs", who="").json()["error"]
    assert (error["code"], error["message"]) == (401, MISSING)
    assert error["details"][0]["reason"] == "CREDENTIALS_MISSING"
    compute = call(local, "GET", f"{COMPUTE}/global/networks", who="").json()["error"]
    assert (compute["message"], compute["errors"][0]["message"]) == (MISSING, "Login Required.")
    assert call(local, "GET", f"{RUN}/jobs").status_code == 200


NARROW = "Request had insufficient authentication scopes."


@pytest.mark.parametrize(
    ("scopes", "method", "message"),
    [
        pytest.param(["cloud-platform"], "compute.firewalls.insert", None, id="cloud-platform is for everything"),
        pytest.param(
            ["https://www.googleapis.com/auth/compute"], "compute.routers.insert", None, id="compute is for compute"
        ),
        pytest.param(["compute.readonly"], "compute.firewalls.list", None, id="reading with a reader's scope"),
        pytest.param(["compute.readonly"], "compute.regionOperations.wait", None, id="waiting is reading"),
        pytest.param(
            ["compute.readonly"],
            "compute.firewalls.insert",
            f"Insufficient Permission: {NARROW}",
            id="writing with a reader's scope",
        ),
        pytest.param(["compute"], "run.projects.locations.jobs.list", NARROW, id="Cloud Run takes cloud-platform"),
        pytest.param(["logging.write"], "logging.entries.write", None, id="logging.write writes"),
        pytest.param(["logging.write"], "logging.entries.list", NARROW, id="and does not read"),
        pytest.param([], "pubsub.projects.topics.publish", NARROW, id="no scope at all"),
    ],
)
def test_a_token_only_does_what_its_scopes_cover(
    local: LocalCloud, scopes: list[str], method: str, message: str | None
) -> None:
    admin(local, "switches", **{"iam.scopes": {"ann@*": scopes}})
    answer = ask(local, method, ANN)
    if message is None:
        assert answer.status_code not in (401, 403)
        return
    error = answer.json()["error"]
    assert (answer.status_code, error["message"]) == (403, message)
    if method.startswith("compute."):
        assert error["errors"][0]["reason"] == "insufficientPermissions"
    else:
        assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    assert ask(local, method, OWNER).status_code not in (401, 403), "others have all scopes"
