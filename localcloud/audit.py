"""Admin activity log entries in the real shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from localcloud.calls import SERVICE_NAMES, Audited, Call, Document, Running

if TYPE_CHECKING:
    from localcloud.core import Cloud


def entry(
    cloud: Cloud,
    audited: Audited,
    call: Call,
    *,
    request: Document | None = None,
    response: Document | None = None,
    status: Document | None = None,
    operation: Running | None = None,
    last: bool = False,
) -> Document:
    """A LogEntry for one call. With `operation`: its first entry, or (with `last`) the one that says it has ended.

    Shapes: recorded entries of real projects; the last entry of a compute operation carries no response and no
    more than the type of its request.
    """
    target = audited.target(cloud, call)
    service = SERVICE_NAMES[call.service]
    payload: dict[str, Any] = {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "authenticationInfo": _who(call),
        "requestMetadata": {
            "callerIp": "203.0.113.7",
            "callerSuppliedUserAgent": call.caller.user_agent,
            "requestAttributes": {"time": cloud.clock.stamp(), "auth": {}},
            "destinationAttributes": {},
        },
        "serviceName": service,
        "methodName": audited.method_name,
        "authorizationInfo": _authorization(audited, target.resource_name, status),
        "resourceName": target.resource_name,
        "resourceLocation": {"currentLocations": [target.location]},
    }
    kind = {"@type": f"type.googleapis.com/{audited.request_type}"} if audited.request_type else {}
    payload["request"] = kind if last else kind | (call.body if request is None else request)
    if response is not None and not last:
        payload["response"] = response
    if status:
        payload["status"] = status
    found: Document = {
        "protoPayload": payload,
        "insertId": f"-{cloud.new_id()[-12:]}",
        "resource": {"type": target.resource_type, "labels": {"project_id": target.project} | dict(target.labels)},
        "timestamp": cloud.clock.stamp(),
        "severity": "ERROR" if status else "NOTICE",
        "logName": f"projects/{target.project}/logs/cloudaudit.googleapis.com%2Factivity",
        "receiveTimestamp": cloud.clock.stamp(),
    }
    if operation:
        found["operation"] = {"id": operation.id, "producer": service} | ({"last": True} if last else {"first": True})
    return found


def _who(call: Call) -> Document:
    who: Document = {"principalEmail": call.caller.principal}
    if call.caller.delegation:
        who["serviceAccountDelegationInfo"] = [
            {"firstPartyPrincipal": {"principalEmail": email}} for email in call.caller.delegation
        ]
    return who


def _authorization(audited: Audited, resource_name: str, status: Document | None) -> list[Document]:
    granted = not (status and status["code"] == 7)
    return [
        {"permission": permission, "granted": granted, "resource": resource_name, "resourceAttributes": {}}
        for permission in audited.permissions
    ]
