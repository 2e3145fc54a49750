"""The front door: which API is enabled in which project, and who may do what."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from localcloud.calls import SERVICE_NAMES, TITLES, Call, project_of
from localcloud.errors import DENIED, ApiError

if TYPE_CHECKING:
    from localcloud.core import Cloud


def admit(cloud: Cloud, permissions: tuple[str, ...], call: Call) -> None:
    """API enabled, caller permitted: in that order, as Google's front door asks. Raises the refusal."""
    project = project_of(call)
    if project is None:
        return
    project = cloud.project_id(project)
    service = SERVICE_NAMES.get(call.service, call.service)
    if (project, service) in cloud.disabled:
        raise _disabled(cloud, call, project, service)
    for permission in permissions:
        if not permits(cloud, call.caller.principal, permission):
            raise _refused(cloud, call, project, permission)


def permits(cloud: Cloud, principal: str, permission: str) -> bool:
    """Everybody may do everything, except for what `denied` (principal pattern, permission pattern) takes away."""
    return not any(fnmatchcase(principal, who) and fnmatchcase(permission, what) for who, what in cloud.denied)


def _disabled(cloud: Cloud, call: Call, project: str, service: str) -> ApiError:
    title = TITLES.get(call.service, service)
    number = cloud.number(project)
    url = f"https://console.developers.google.com/apis/api/{service}/overview?project={number}"
    message = (
        f"{title} has not been used in project {number} before or it is disabled. Enable it by visiting {url} "
        "then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our "
        "systems and retry."
    )
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED",
        "domain": "googleapis.com",
        "metadata": {"service": service, "consumer": f"projects/{number}"},
    }
    if call.service == "compute":
        message = "Access Not Configured. " + message
    return ApiError(DENIED, message, reason="accessNotConfigured", domain="usageLimits", details=[info])


def _refused(cloud: Cloud, call: Call, project: str, permission: str) -> ApiError:
    if call.service == "compute":
        resource = compute_target(cloud, call, permission)
        return ApiError(DENIED, f"Required '{permission}' permission for '{resource}'", reason="forbidden")
    parent = call.params.get("parent") or call.params.get("name") or f"projects/{project}"
    service = SERVICE_NAMES.get(call.service, call.service)
    message = f"Permission '{permission}' denied on resource '//{service}/{parent}' (or it may not exist)."
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "IAM_PERMISSION_DENIED",
        "domain": "iam.googleapis.com",
        "metadata": {"resource": parent, "permission": permission},
    }
    return ApiError(DENIED, message, details=[info])


def compute_target(cloud: Cloud, call: Call, permission: str) -> str:
    """The compute resource on which a call needs `permission`; of a rule's or router's network, its network."""
    project = cloud.project_id(call.params["project"])
    kind = call.method.split(".")[1]
    scope = f"regions/{call.params['region']}" if "region" in call.params else "global"
    named = next((call.params[key] for key in (kind[:-1], kind) if key in call.params), call.body.get("name"))
    name = f"projects/{project}/{scope}/{kind}/{named}" if named else f"projects/{project}"
    if permission == "compute.networks.updatePolicy":
        found = cloud.table(f"compute.{kind}").get(name, {})
        network = str(call.body.get("network") or found.get("network") or "default").rsplit("/", 1)[-1]
        return f"projects/{project}/global/networks/{network}"
    return name
