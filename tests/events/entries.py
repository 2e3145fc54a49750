"""Audit log entries in the real shape, for tests. Shapes: the recorded entries beside this, and Google's pages."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent.parent / "data" / "events"
OURS = "wayout@home-project.iam.gserviceaccount.com"
OUR_AGENT = "wayout/0.1.0 grpc-python/1.85.1 gax/2.44.0,gzip(gfe)"
JANE = "jane@example.com"
JOB = "projects/shop/locations/europe-west2/jobs/nightly"

Entry = dict[str, Any]


def entry(service: str, method: str, resource: str, /, **more: Any) -> Entry:
    """One entry of the activity log; `more` overrides the log entry's own fields, `payload_…` those of its payload."""
    payload = {key.removeprefix("payload_"): more.pop(key) for key in list(more) if key.startswith("payload_")}
    return {
        "protoPayload": {
            "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "authenticationInfo": {"principalEmail": JANE},
            "requestMetadata": {
                "callerIp": "203.0.113.7",
                "callerSuppliedUserAgent": "google-cloud-sdk gcloud/528.0.0",
            },
            "serviceName": service,
            "methodName": method,
            "resourceName": resource,
        }
        | payload,
        "insertId": "1abcdef2g3h4",
        "resource": {"type": "audited_resource", "labels": {"project_id": "shop"}},
        "timestamp": "2026-11-20T10:11:12.131415Z",
        "severity": "NOTICE",
        "logName": "projects/shop/logs/cloudaudit.googleapis.com%2Factivity",
        "receiveTimestamp": "2026-11-20T10:11:13.161718Z",
    } | more


def job_v1(verb: str = "CreateJob", **more: Any) -> Entry:
    """What gcloud's deploy writes: no operation, a namespace for a name, the region in labels and location."""
    labels = {"project_id": "shop", "location": "europe-west2", "job_name": "nightly"}
    return entry(
        "run.googleapis.com",
        f"google.cloud.run.v1.Jobs.{verb}",
        "namespaces/shop/jobs/nightly",
        **{
            "resource": {"type": "cloud_run_job", "labels": labels},
            "payload_resourceLocation": {"currentLocations": ["europe-west2"]},
            "payload_request": {"job": {"metadata": {"name": "nightly"}}, "region": "europe-west2"},
        }
        | more,
    )


def job_v2(verb: str = "CreateJob", *, at: str = "last", **more: Any) -> Entry:
    """What Terraform, the console and the client libraries write: an operation's first and last entry."""
    labels = {"project_id": "shop", "location": "europe-west2", "job_name": "nightly"}
    operation = {"id": f"{JOB}/operations/1", "producer": "run.googleapis.com"} | {
        flag: True for flag in at.split("+") if flag
    }
    own = {"resource": {"type": "cloud_run_job", "labels": labels}, "operation": operation}
    return entry("run.googleapis.com", f"google.cloud.run.v2.Jobs.{verb}", JOB, **own | more)


def connector(verb: str = "CreateConnector", *, at: str = "last", version: str = "v1", **more: Any) -> Entry:
    """Of Serverless VPC Access, whose methods are long-running operations."""
    name = "projects/shop/locations/europe-west2/connectors/wayout-0a1b2c3d"
    operation = {"id": "op-1", "producer": "vpcaccess.googleapis.com"} | {flag: True for flag in at.split("+") if flag}
    method = f"google.cloud.vpcaccess.{version}.VpcAccessService.{verb}"
    return entry("vpcaccess.googleapis.com", method, name, **{"operation": operation} | more)


def compute(method: str, resource: str, *, at: str = "last", **more: Any) -> Entry:
    """Of Compute Engine; the last entry of an operation carries no response and a request without content."""
    operation = {"id": "operation-1-2-3", "producer": "compute.googleapis.com"} | {
        flag: True for flag in at.split("+") if flag
    }
    return entry("compute.googleapis.com", method, resource, **{"operation": operation} | more)


def by(who: str, agent: str, **authentication: Any) -> dict[str, Any]:
    """Fields for `entry`: who called, and with which client."""
    return {
        "payload_authenticationInfo": {"principalEmail": who} | authentication,
        "payload_requestMetadata": {"callerIp": "203.0.113.7", "callerSuppliedUserAgent": agent},
    }


def failed(code: int, message: str, violated: str = "") -> dict[str, Any]:
    """Fields for `entry`: the call did not succeed. `violated`: a constraint that only the details name."""
    status: dict[str, Any] = {"code": code, "message": message}
    if violated:
        kind = "type.googleapis.com/google.rpc.PreconditionFailure"
        status["details"] = [{"@type": kind, "violations": [{"type": violated, "subject": "run.googleapis.com"}]}]
    return {"severity": "ERROR", "payload_status": status}


def eventarc(found: Entry) -> dict[str, str]:
    """The attributes of an Eventarc CloudEvent that carries an entry."""
    payload = found["protoPayload"]
    return {
        "specversion": "1.0",
        "id": "projects/shop/logs/cloudaudit.googleapis.com%2Factivity1abcdef2g3h41763633472131415",
        "source": f"//{payload['serviceName']}/projects/shop/logs/activity",
        "type": "google.cloud.audit.log.v1.written",
        "time": "2026-11-20T10:11:13.161718Z",
        "servicename": payload["serviceName"],
        "methodname": payload["methodName"],
        "resourcename": payload["resourceName"],
    }


def message(content: object, *, raw: bytes | None = None, id_: str = "9876543210") -> dict[str, Any]:
    """A Pub/Sub message in JSON, as pushed."""
    data = json.dumps(content).encode() if raw is None else raw
    return {
        "data": base64.b64encode(data).decode(),
        "messageId": id_,
        "message_id": id_,
        "publishTime": "2026-11-20T10:11:14.000Z",
        "publish_time": "2026-11-20T10:11:14.000Z",
        "attributes": {"logging.googleapis.com/timestamp": "2026-11-20T10:11:12.131415Z"},
    }


def published(id_: str = "9876543210") -> dict[str, str]:
    """The attributes of the CloudEvent that a Pub/Sub message becomes."""
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "//pubsub.googleapis.com/projects/home-project/topics/events",
        "type": "google.cloud.pubsub.topic.v1.messagePublished",
        "time": "2026-11-20T10:11:14.000Z",
    }
