"""What Google says when it says no, over both wires, as recorded or quoted in public, and what we make of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud import run_v2
from google.longrunning import operations_pb2
from google.rpc import status_pb2

from tests.cloud.scripted import Scripted, scripted
from wayout.cloud.asking import GRPC, REST, TRIES
from wayout.cloud.clients import Clients
from wayout.cloud.compute_read import rules
from wayout.cloud.errors import CloudError, ConflictError, GoneError, RefusedError, TryAgainError
from wayout.cloud.operations import Turn, finish, finish_compute
from wayout.cloud.pacing import Pacing
from wayout.cloud.run import jobs
from wayout.egress.model import NetworkName

P, US = "projects/p", "wayout@p.iam.gserviceaccount.com"
CONNECTORS = "projects/p/locations/europe-west2"


@pytest.fixture(scope="module")
def told() -> Iterator[Scripted]:
    with scripted() as one:
        yield one


@pytest.fixture
def clients(told: Scripted) -> Iterator[Clients]:
    told.rest.clear()
    told.rpc.clear()
    told.heard.clear()
    one = Clients(told.settings())
    yield one
    one.close()


def compute_body(http: int, reason: str, message: str, **more: Any) -> dict[str, Any]:
    """compute's refusal as recorded: no `status` key."""
    errors = [{"domain": "global", "message": message, "reason": reason}]
    return {"error": {"code": http, "errors": errors, "message": message} | more}


def on_firewalls(clients: Clients, permission: str = "compute.firewalls.create") -> CloudError:
    with pytest.raises(CloudError) as caught:
        clients.ask(
            permission,
            P,
            lambda: list(clients.firewalls.list(project="p", **REST)),
        )
    return caught.value


def on_connectors(clients: Clients) -> CloudError:
    with pytest.raises(CloudError) as caught:
        clients.ask(
            "vpcaccess.connectors.create",
            CONNECTORS,
            lambda: clients.connectors.get_connector(name=f"{CONNECTORS}/connectors/c", **GRPC),
        )
    return caught.value


def on_jobs(clients: Clients) -> CloudError:
    with pytest.raises(CloudError) as caught:
        clients.ask("run.jobs.update", "projects/p/locations/r/jobs/j", lambda: clients.jobs.get_job(name="x", **GRPC))
    return caught.value


DISABLED = "Compute Engine API has not been used in project 1111111 before or it is disabled. Enable it by visiting x"
CONCURRENT = {
    "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED"}]
}
OTHER_NAT = "Can not create new Nats since a Nat with option ALL_SUBNETWORKS_ALL_IP_RANGES exists."

# (why the row is here, HTTP status, reason, message, kind, what the help must say)
COMPUTE: list[tuple[str, int, str, str, type[CloudError], str]] = [
    ("absent", 404, "notFound", "The resource 'projects/p/regions/r/routers/x' was not found", GoneError, ""),
    ("exists: adopt", 409, "alreadyExists", "The resource 'x' already exists", ConflictError, ""),
    ("busy", 400, "resourceNotReady", "The resource 'projects/p/global/networks/n' is not ready", TryAgainError, ""),
    ("busy, in an operation's word", 400, "RESOURCE_NOT_READY", "not now", TryAgainError, ""),
    ("another operation runs", 409, "operationInProgress", "operationInProgress", TryAgainError, ""),
    ("too many operations, 403", 403, "rateLimitExceeded", "Rate Limit Exceeded", TryAgainError, ""),
    ("too many reads, 403", 403, "rateLimitExceeded", "Quota exceeded for quota metric 'm'", TryAgainError, ""),
    ("too many reads, by message only", 403, "x", "limit 'Reads per minute' of service 's'", TryAgainError, ""),
    ("too many reads, 429", 429, "rateLimitExceeded", "Quota exceeded for quota metric 'm'", TryAgainError, ""),
    ("our side of a broken server", 500, "internalError", "Internal error encountered.", TryAgainError, ""),
    ("bad gateway", 502, "badGateway", "Bad Gateway", TryAgainError, ""),
    ("unavailable", 503, "backendError", "Service unavailable", TryAgainError, ""),
    ("gateway timeout", 504, "timeout", "Timeout", TryAgainError, ""),
    ("new project", 400, "x", "policy not propagated: retry this operation", TryAgainError, ""),
    ("parallel enable", 400, "x", "Another activation or deactivation is in progress", TryAgainError, ""),
    ("not served here", 501, "notImplemented", "no such method", RefusedError, ""),
    (
        "permission, named by Google",
        403,
        "forbidden",
        "Required 'compute.firewalls.create' permission for 'projects/p/global/firewalls/f'",
        RefusedError,
        f"grant compute.firewalls.create on projects/p/global/firewalls/f to {US}",
    ),
    (
        "permission, unnamed",
        403,
        "forbidden",
        "Forbidden",
        RefusedError,
        f"compute.firewalls.create on projects/p to {US}",
    ),
    (
        "scope",
        403,
        "insufficientPermissions",
        "Insufficient Permission: Request had insufficient authentication scopes.",
        RefusedError,
        "scope https://www.googleapis.com/auth/cloud-platform",
    ),
    ("quota", 403, "QUOTA_EXCEEDED", "Quota 'FIREWALLS' exceeded. Limit: 500.0 globally.", RefusedError, "more quota"),
    ("disabled", 403, "accessNotConfigured", DISABLED, RefusedError, "enable compute.googleapis.com in project p"),
    ("disabled, by message only", 403, "x", DISABLED, RefusedError, "enable compute.googleapis.com in project p"),
    ("bad CIDR", 400, "invalid", "Invalid value for field 'resource.sourceRanges[0]'", RefusedError, ""),
    ("cross project", 400, "invalid", "Cross-project references for this resource type", RefusedError, ""),
    ("another NAT serves all", 400, "invalid", OTHER_NAT, RefusedError, ""),
    (
        "somebody else uses it",
        400,
        "resourceInUseByAnotherResource",
        "The network resource 'n' is already being used by 'aet-uscentral1-tamshai--prod--conn-egrfw'",
        RefusedError,
        "",
    ),
    (
        "no fingerprint: read again",
        400,
        "required",
        "Required field 'resource.fingerprint' not specified",
        ConflictError,
        "",
    ),
    ("stale fingerprint", 412, "conditionNotMet", "Invalid fingerprint.", ConflictError, ""),
    (
        "custom organisation policy, also 412",
        412,
        "conditionNotMet",
        "Constraint custom.computeFirewallLogging violated",
        RefusedError,
        "change the organisation policy custom.computeFirewallLogging for project p",
    ),
    ("bad token", 401, "authError", "Invalid Credentials", RefusedError, f"renew the credentials of {US}"),
]


@pytest.mark.parametrize(
    ("why", "http", "reason", "message", "kind", "help_"), COMPUTE, ids=[row[0] for row in COMPUTE]
)
def test_a_refusal_of_compute_is_sorted_by_what_can_be_done_about_it(
    told: Scripted, clients: Clients, why: str, http: int, reason: str, message: str, kind: type[CloudError], help_: str
) -> None:
    told.rest += [(http, compute_body(http, reason, message))] * TRIES

    error = on_firewalls(clients)

    assert type(error) is kind
    assert error.__cause__ is not None or http == 401
    assert help_ in getattr(error, "help", "")
    if http != 401:
        assert error.why == message


DENIED = f"Permission 'vpcaccess.connectors.create' denied on resource '//vpcaccess.googleapis.com/{CONNECTORS}'"
VPCA_DISABLED = "Serverless VPC Access API has not been used in project 123 before or it is disabled. Enable it"
IN_OTHER_WORDS = "The caller does not have permission"
CUSTOM = 'Operation denied by custom org policies: ["customConstraints/custom.defaultNetworkConstraint": "Require"]'
ALLOWED_EGRESS = (
    "Constraint constraints/run.allowedVPCEgress violated for attempting CreateJob with annotation "
    '"run.googleapis.com/vpc-access-egress" set to null.'
)
NO_CONNECTOR = (
    "VPC connector projects/p/locations/r/connectors/c does not exist, or Cloud Run does not have permission to use it."
)
NEEDS_PERMISSION = {"permission": "vpcaccess.connectors.create", "resource": CONNECTORS}

# (why the row is here, rpc code, message, ErrorInfo reason, ErrorInfo metadata, kind, what the help must say)
VPCACCESS: list[tuple[str, int, str, str, dict[str, str], type[CloudError], str]] = [
    ("absent", 5, "The connector is not found.", "", {}, GoneError, ""),
    ("exists: adopt", 6, "Requested entity already exists", "", {}, ConflictError, ""),
    ("bad id", 3, "Connector ID must follow the pattern ^[a-z][-a-z0-9]{0,23}[a-z0-9]$.", "", {}, RefusedError, ""),
    ("bad argument", 3, "Request contains an invalid argument.", "", {}, RefusedError, ""),
    ("too few", 3, "The minimum amount of instances underlying the connector must be", "", {}, RefusedError, ""),
    ("denied", 7, DENIED, "IAM_PERMISSION_DENIED", NEEDS_PERMISSION, RefusedError, f"on {CONNECTORS} to {US}"),
    (
        "denied, by message",
        7,
        DENIED,
        "",
        {},
        RefusedError,
        f"grant vpcaccess.connectors.create on {CONNECTORS} to {US}",
    ),
    ("denied, older wording", 7, IN_OTHER_WORDS, "", {}, RefusedError, "grant vpcaccess.connectors.create on"),
    (
        "disabled",
        7,
        VPCA_DISABLED,
        "SERVICE_DISABLED",
        {"service": "vpcaccess.googleapis.com", "consumer": "projects/123"},
        RefusedError,
        "enable vpcaccess.googleapis.com in project p",
    ),
    ("disabled, by message", 7, VPCA_DISABLED, "", {}, RefusedError, "enable vpcaccess.googleapis.com in project p"),
    ("organisation policy", 9, CUSTOM, "", {}, RefusedError, "customConstraints/custom.defaultNetworkConstraint"),
    ("unavailable", 14, "The service is currently unavailable.", "", {}, TryAgainError, ""),
    ("too slow", 4, "Deadline Exceeded", "", {}, TryAgainError, ""),
    ("broken", 13, "Internal error encountered.", "", {}, TryAgainError, ""),
    ("too many", 8, "Quota exceeded for quota metric 'x' and limit 'y per minute'", "", {}, TryAgainError, ""),
    ("too many, by reason", 7, "no", "RATE_LIMIT_EXCEEDED", {}, TryAgainError, ""),
]
RUN: list[tuple[str, int, str, str, dict[str, str], type[CloudError], str]] = [
    ("absent", 5, "Resource 'j' of kind 'JOB' in region 'r' in project 'p' does not exist.", "", {}, GoneError, ""),
    ("changed meanwhile", 10, "Conflict for resource 'j': version '1' was specified but", "", {}, ConflictError, ""),
    ("the same by the other code", 9, "Conflict for resource 'j': version '1' was", "", {}, ConflictError, ""),
    ("stale etag", 9, "The etag provided does not match.", "", {}, ConflictError, ""),
    ("exists", 6, "Job projects/p/locations/r/jobs/j already exists.", "", {}, ConflictError, ""),
    ("connector unusable", 3, NO_CONNECTOR, "", {}, RefusedError, "let Cloud Run's service agent of project p use"),
    ("organisation policy", 9, ALLOWED_EGRESS, "", {}, RefusedError, "policy constraints/run.allowedVPCEgress"),
    ("image", 3, "Image 'x' not found.", "", {}, RefusedError, ""),
    (
        "act as",
        7,
        "Permission 'iam.serviceaccounts.actAs' denied on service account sa@p.iam.gserviceaccount.com (or it may not)",
        "",
        {},
        RefusedError,
        f"grant iam.serviceAccounts.actAs on sa@p.iam.gserviceaccount.com to {US}",
    ),
    ("bad token", 16, "Request had invalid authentication credentials.", "", {}, RefusedError, "renew the credentials"),
]


@pytest.mark.parametrize("row", [*VPCACCESS, *RUN], ids=lambda row: row[0])
def test_a_refusal_over_grpc_is_sorted_the_same_way(told: Scripted, clients: Clients, row: Any) -> None:
    _, code, message, reason, metadata, kind, help_ = row
    told.rpc += [(code, message, reason, metadata)] * TRIES

    error = (on_jobs if row in RUN else on_connectors)(clients)

    assert type(error) is kind
    assert error.why == message
    assert help_ in getattr(error, "help", "")
    assert error.__cause__ is not None


SERVICE_AGENT = (
    "Operation failed: Serverless VPC Access service account "
    "(service-123@gcp-sa-vpcaccess.iam.gserviceaccount.com) needs Serverless VPC Access Service Agent role "
    "in the project."
)
UNHEALTHY = (
    "An internal error occurred: VPC Access connector failed to get healthy. "
    "Please check GCE quotas, logs and org policies and recreate."
)

# (why the row is here, rpc code of the operation's error, message, kind, what the help must say)
OPERATIONS: list[tuple[str, int, str, type[CloudError], str]] = [
    ("not a /28", 3, "Operation failed: Subnets used for VPC connectors must have a netmask of 28.", RefusedError, ""),
    ("overlap", 3, "Operation failed: Invalid IP CIDR range was provided. It conflicts with", RefusedError, ""),
    ("sizes", 3, "Operation failed: A Connector must specify either max_throughput or", RefusedError, ""),
    (
        "agent's role",
        7,
        SERVICE_AGENT,
        RefusedError,
        "grant service-123@gcp-sa-vpcaccess.iam.gserviceaccount.com the Ser",
    ),
    ("CPU quota", 9, "Operation failed: Insufficient CPU quota in region.", RefusedError, "more quota in project p"),
    ("unhealthy: it stays behind as ERROR", 13, UNHEALTHY, RefusedError, ""),
    ("stays behind", 13, "Failed to create a VPC Access connector. Please delete the connector", RefusedError, ""),
    ("zone full: it stays behind as ERROR", 8, "ZONE_RESOURCE_POOL_EXHAUSTED", RefusedError, "another machine type"),
    ("unavailable, and it stays behind as ERROR", 14, "try later", RefusedError, "look at the quotas"),
    ("somebody else's change, and it stays behind as ERROR", 10, "aborted", RefusedError, "tell the makers"),
]


@pytest.mark.parametrize(("why", "code", "message", "kind", "help_"), OPERATIONS, ids=[row[0] for row in OPERATIONS])
def test_an_operation_that_failed_is_sorted_by_its_status(
    told: Scripted, clients: Clients, why: str, code: int, message: str, kind: type[CloudError], help_: str
) -> None:
    failed = operations_pb2.Operation(name="o", done=True, error=status_pb2.Status(code=code, message=message))
    told.rpc.append(failed.SerializeToString())
    running = operations_pb2.Operation(name="projects/p/locations/r/operations/o")

    with pytest.raises(CloudError) as caught:
        finish(
            Turn(clients, float("inf"), ""),
            clients.connector_operations,
            running,
            "vpcaccess.connectors.create",
            CONNECTORS,
        )

    assert type(caught.value) is kind
    assert caught.value.why == message
    assert help_ in getattr(caught.value, "help", "")


IN_USE = "The network resource 'n' is already being used by 'projects/p/global/firewalls/n-odm2l5xrgkhkgaqqdwsg4qbt'"

# (why the row is here, httpErrorStatusCode, error code, message, kind)
COMPUTE_OPERATIONS: list[tuple[str, int, str, str, type[CloudError]]] = [
    ("somebody uses it", 400, "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", IN_USE, RefusedError),
    ("busy", 400, "RESOURCE_NOT_READY", "The resource 'x' is not ready", TryAgainError),
    ("went meanwhile", 404, "RESOURCE_NOT_FOUND", "The resource 'x' was not found", GoneError),
    ("came meanwhile", 409, "RESOURCE_ALREADY_EXISTS", "The resource 'x' already exists", ConflictError),
    ("quota", 403, "QUOTA_EXCEEDED", "Quota 'FIREWALLS' exceeded. Limit: 100.0 globally.", RefusedError),
    ("broken", 500, "INTERNAL_ERROR", "Internal error. Please try again", TryAgainError),
    (
        "range taken",
        400,
        "INVALID",
        "Invalid IPCidrRange: 10.0.0.0/28 conflicts with existing subnetwork",
        ConflictError,
    ),
]


@pytest.mark.parametrize("region", [None, "europe-west2"])
@pytest.mark.parametrize(("why", "http", "code", "message", "kind"), COMPUTE_OPERATIONS)
def test_a_compute_operation_that_is_done_and_failed_is_not_taken_for_a_success(
    told: Scripted, clients: Clients, region: str | None, why: str, http: int, code: str, message: str, kind: Any
) -> None:
    running = {"name": "operation-1", "status": "RUNNING", "progress": 0}
    errors = {"errors": [{"code": code, "message": message}]}
    failed = {"name": "operation-1", "status": "DONE", "progress": 100, "error": errors, "httpErrorStatusCode": http}
    told.rest += [(200, running), (200, failed)]

    with pytest.raises(CloudError) as caught:
        finish_compute(Turn(clients, float("inf"), ""), "p", region, "operation-1", "compute.firewalls.create", P)

    assert type(caught.value) is kind
    assert caught.value.why == message
    scope = f"regions/{region}" if region else "global"
    assert told.heard[0][0] == f"POST /compute/v1/projects/p/{scope}/operations/operation-1/wait"


def test_too_many_operations_is_read_from_the_details_where_the_reason_says_forbidden(
    told: Scripted, clients: Clients
) -> None:
    told.rest += [(403, compute_body(403, "forbidden", "no", **CONCURRENT))] * TRIES

    assert isinstance(on_firewalls(clients), TryAgainError)


def test_a_dropped_connection_is_tried_again(told: Scripted, clients: Clients) -> None:
    told.rest += [(0, ""), (0, ""), (200, {"items": []})]

    assert clients.ask("compute.firewalls.list", P, lambda: list(clients.firewalls.list(project="p", **REST))) == []
    assert len(told.heard) == 3


def test_a_connection_that_keeps_dropping_is_a_passing_failure_after_four_tries(
    told: Scripted, clients: Clients
) -> None:
    told.rest += [(0, "")] * TRIES

    assert isinstance(on_firewalls(clients), TryAgainError)
    assert len(told.heard) == TRIES


@pytest.mark.parametrize("body", ["<html>", b"\xff\xfe{"], ids=["a page", "bytes of no text"])
def test_an_answer_that_is_not_json_is_a_passing_failure(told: Scripted, clients: Clients, body: str | bytes) -> None:
    told.rest += [(200, body)] * TRIES

    assert isinstance(on_firewalls(clients), TryAgainError)


def test_a_server_error_without_a_body_is_a_passing_failure(told: Scripted, clients: Clients) -> None:
    told.rest += [(503, "upstream connect error")] * TRIES

    assert isinstance(on_firewalls(clients), TryAgainError)


def test_nothing_but_a_passing_failure_is_tried_again(told: Scripted, clients: Clients) -> None:
    told.rest += [(403, compute_body(403, "forbidden", "no"))]

    assert isinstance(on_firewalls(clients), RefusedError)
    assert len(told.heard) == 1


# --- lists of several pages -----------------------------------------------------------------------------------------


def rule(name: str) -> dict[str, Any]:
    network = "https://www.googleapis.com/compute/v1/projects/p/global/networks/main"
    return {"name": name, "network": network, "direction": "INGRESS", "priority": 1000, "allowed": []}


FIRST, LAST = {"items": [rule("a")], "nextPageToken": "two"}, {"items": [rule("b")]}


def test_a_page_that_fails_is_asked_for_again_and_none_before_it(told: Scripted, clients: Clients) -> None:
    told.rest += [(200, FIRST), (503, "upstream connect error"), (200, LAST)]

    assert [one.name.rule for one in rules(clients, NetworkName("p", "main"))] == ["a", "b"]
    assert ["pageToken=two" in path for path, _ in told.heard] == [False, True, True]


def test_each_page_takes_its_turn_in_the_quota(told: Scripted, clients: Clients) -> None:
    told.rest += [(200, FIRST), (200, FIRST), (200, LAST)]
    now, slept = 1000.0, list[float]()

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        slept.append(seconds)

    clients.pacing = Pacing(sizes={"compute/list": 2}, clock=lambda: now, sleep=sleep)

    assert len(rules(clients.within(2000.0 + time.monotonic()), NetworkName("p", "main"))) == 3
    assert slept == [60.0], "the third call waits until a minute after the first"


def test_a_list_for_whose_rest_no_time_is_left_is_not_taken_for_a_whole_one(told: Scripted, clients: Clients) -> None:
    told.rest += [(200, FIRST), (200, LAST)]

    with pytest.raises(TryAgainError, match=r"rest of a list: compute\.firewalls\.list"):
        rules(clients.within(time.monotonic()), NetworkName("p", "main"))
    assert len(told.heard) == 1


def test_every_page_of_what_speaks_grpc_is_read(told: Scripted, clients: Clients) -> None:
    names = [f"{CONNECTORS}/jobs/{name}" for name in "abc"]
    pages = [run_v2.ListJobsResponse(jobs=[{"name": name}], next_page_token=name) for name in names]
    pages[-1].next_page_token = ""
    told.rpc += [run_v2.ListJobsResponse.serialize(page) for page in pages]
    told.rpc.insert(1, (14, "The service is currently unavailable.", "", {}))

    assert [one.name.job for one in jobs(clients, "p", "europe-west2")] == ["a", "b", "c"]
    assert len(told.heard) == 4


def test_a_conflict_at_a_read_is_a_passing_failure(told: Scripted, clients: Clients) -> None:
    told.rest += [(409, compute_body(409, "conflict", "operationInProgress"))] * TRIES
    assert isinstance(on_firewalls(clients, "compute.firewalls.list"), TryAgainError)
    assert len(told.heard) == TRIES


def test_a_mistake_of_ours_is_not_dressed_up_as_googles(clients: Clients) -> None:
    def mistake() -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        clients.ask("compute.firewalls.list", P, mistake)


def test_our_user_agent_and_token_arrive_on_every_wire(told: Scripted, clients: Clients) -> None:
    told.rest += [(200, {"items": []}), (200, {})]
    told.rpc += [b"", b""]

    list(clients.firewalls.list(project="p", **REST))
    clients.fetch("dns.managedZones.list", P, "GET", f"{clients.dns_url}/dns/v1/projects/p/managedZones")
    clients.jobs.get_job(name="x", **GRPC)
    operations: Any = clients.connector_operations
    operations.get_operation("x", **GRPC)

    for _, headers in told.heard:
        lower = {name.lower(): value for name, value in headers.items()}
        assert lower["user-agent"].startswith("wayout/")
        assert lower["authorization"] == "Bearer someone@example.com"
    assert len(told.heard) == 4
