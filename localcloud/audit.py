"""Admin activity log entries in the real shape."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from localcloud.calls import SERVICE_NAMES, Audited, Call, Document, Running, visible

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
        "methodName": _method_name(cloud, audited, call),
        "authorizationInfo": _authorization(cloud, call, audited, target.resource_name, status),
        "resourceName": target.resource_name,
        "resourceLocation": {"currentLocations": [target.location]},
    }
    kind = {"@type": f"type.googleapis.com/{audited.request_type}"} if audited.request_type else {}
    said = visible(_asked(audited, call) if request is None else request)
    if call.service == "compute":
        said, response = _compute_form(said), _compute_form(response)
    payload["request"] = kind if last else kind | said
    if response is not None and not last:
        payload["response"] = visible(response)
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


def _method_name(cloud: Cloud, audited: Audited, call: Call) -> str:
    """`beta.compute.firewalls.insert` when that is the version that was called. Source: recorded entries."""
    name = audited.renamed(cloud) if audited.renamed else audited.method_name
    return re.sub(r"^(google\.cloud\.vpcaccess\.)?v1\.", rf"\g<1>{call.version}.", name)


def _asked(audited: Audited, call: Call) -> Document:
    return audited.request(call) if audited.request else call.body


def _who(call: Call) -> Document:
    who: Document = {"principalEmail": call.caller.principal}
    if call.caller.delegation:
        who["serviceAccountDelegationInfo"] = [
            {"firstPartyPrincipal": {"principalEmail": email}} for email in call.caller.delegation
        ]
    return who


def _compute_form(value: Any) -> Any:
    """A compute document as the activity log writes it: numbers as text, `allowed` and `denied` in the plural."""
    if isinstance(value, dict):
        plural = {"allowed": "alloweds", "denied": "denieds"}
        return {plural.get(key, key): _compute_form(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_compute_form(one) for one in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _authorization(
    cloud: Cloud, call: Call, audited: Audited, resource_name: str, status: Document | None
) -> list[Document]:
    granted = not (status and status["code"] == 7)
    if call.service != "compute":
        return [
            {"permission": permission, "granted": granted, "resource": resource_name, "resourceAttributes": {}}
            for permission in audited.permissions
        ]
    found: list[Document] = []
    for permission in audited.permissions:
        name = cloud.compute_target(call, permission) or resource_name
        about = {"service": "compute", "name": name, "type": permission.rpartition(".")[0]}
        found.append({"permission": permission, "granted": granted, "resourceAttributes": about})
    return found
