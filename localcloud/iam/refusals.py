"""What each service says to whoever lacks a permission, in its own words."""

from __future__ import annotations

from localcloud.calls import SERVICE_NAMES, Call, Document
from localcloud.errors import DENIED, ApiError

# The caller lacks these: permission, and the resource on which it is needed.
Missing = list[tuple[str, str]]


def refusal(call: Call, missing: Missing) -> ApiError:
    """The refusal of a call that lacks permissions: compute names all of them, the others the first."""
    return _SAID.get(call.service, _full)(call, missing)


def _compute(_: Call, missing: Missing) -> ApiError:
    """Source: two recorded refusals of firewalls.insert; networks.updatePolicy is their second error."""
    items = [
        {"domain": "global", "message": f"Required '{permission}' permission for '{resource}'", "reason": "forbidden"}
        for permission, resource in missing
    ]
    return ApiError(DENIED, items[0]["message"], reason="forbidden", items=items)


def _full(call: Call, missing: Missing) -> ApiError:
    """Cloud Run and VPC Access, and Pub/Sub, whose own text names nothing. Source: refusals quoted in reports."""
    permission, resource = missing[0]
    name = call.params.get("parent") or call.params.get("name") or resource
    service = SERVICE_NAMES.get(call.service, call.service)
    message = f"Permission '{permission}' denied on resource '//{service}/{name}' (or it may not exist)."
    return ApiError(DENIED, message, details=[_info(permission, name)])


def _unnamed(_: Call, missing: Missing) -> ApiError:
    """Logging and IAM do not name the resource in the text. Source: googleapis/google-cloud-php#7261 for the form."""
    permission, resource = missing[0]
    message = f"Permission '{permission}' denied on resource (or it may not exist)."
    return ApiError(DENIED, message, reason="forbidden", details=[_info(permission, resource)])


def _resource_manager(_: Call, __: Missing) -> ApiError:
    return ApiError(DENIED, "The caller does not have permission", reason="forbidden")


def _service_usage(call: Call, missing: Missing) -> ApiError:
    """Source: a refusal recorded in su-kaka/gcli2api#283; ours has no help token."""
    verb = missing[0][0].rpartition(".")[2]
    service = call.params.get("name", "").rpartition("/")[2] or ", ".join(call.body.get("serviceIds", []))
    about = f"service [{service}]" if service and verb != "list" else f"services for [{call.params.get('parent', '')}]"
    violation = {"type": "googleapis.com", "subject": "110002"}
    failure = {"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": [violation]}
    info = {"reason": "AUTH_PERMISSION_DENIED", "domain": "serviceusage.googleapis.com"}
    details: list[Document] = [failure, {"@type": "type.googleapis.com/google.rpc.ErrorInfo"} | info]
    return ApiError(DENIED, f"Permission denied to {verb} {about}", details=details)


def _dns(_: Call, __: Missing) -> ApiError:
    return ApiError(DENIED, "Forbidden", reason="forbidden")


def _info(permission: str, resource: str) -> Document:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "IAM_PERMISSION_DENIED",
        "domain": "iam.googleapis.com",
        "metadata": {"resource": resource, "permission": permission},
    }


_SAID = {
    "compute": _compute,
    "logging": _unnamed,
    "iam": _unnamed,
    "cloudresourcemanager": _resource_manager,
    "serviceusage": _service_usage,
    "dns": _dns,
}
