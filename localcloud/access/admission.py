"""The front door: whose token it is, which API is enabled in which project, how often, and who may do what."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from localcloud.access import quotas
from localcloud.access.used import Used
from localcloud.calls import SERVICE_NAMES, TITLES, Call, project_of
from localcloud.errors import DENIED, ApiError
from localcloud.iam import policies, tokens
from localcloud.iam.refusals import refusal

if TYPE_CHECKING:
    from localcloud.core import Cloud

ROBOT_DOMAIN = ".iam.gserviceaccount.com"


def admit(cloud: Cloud, permissions: tuple[str, ...], call: Call) -> None:
    """Token, API enabled, quota, caller permitted: in that order, as Google's front door asks. Raises the refusal."""
    tokens.authenticate(cloud, call)
    project = _project(cloud, call)
    if project is None:
        return
    service = SERVICE_NAMES.get(call.service, call.service)
    if (project, service) in cloud.disabled:
        raise _disabled(cloud, call, project, service)
    quotas.take(cloud, call, project)
    require(cloud, call, [(permission, target(cloud, call, permission, project)) for permission in permissions])


def require(cloud: Cloud, call: Call, needed: list[tuple[str, str]]) -> None:
    """Have the caller hold every permission on its resource. Raises the refusal that names what is missing."""
    missing = [(what, where) for what, where in needed if not may(cloud, call.caller.principal, what, where)]
    if missing:
        raise refusal(call, missing)
    cloud.part(Used).take(call.caller.principal, needed)


def may(cloud: Cloud, principal: str, permission: str, resource: str) -> bool:
    """Whether `principal` may use `permission` on `resource` (`projects/P/topics/T`, or a full name with `//service/`).

    Everybody may do everything, except for what `denied` (principal pattern, permission pattern) takes away; in a
    guarded project only what bindings give, on the resource or on anything that it lies in.
    """
    if _taken(cloud, principal, permission):
        return False
    name = policies.canonical(cloud, resource)
    return not policies.guarded(cloud, name) or policies.held(cloud, principal, permission, name)


def may_act_as(cloud: Cloud, principal: str, account: str, project: str) -> bool:
    """Whether `principal` may use a service account: asked on the account, which lies in its own project.

    `project` is where accounts lie whose e-mail address tells no project. Source: IAM's guide to service account
    permissions: roles/iam.serviceAccountUser on the account, or on its project for all of them.
    """
    needed = ("iam.serviceAccounts.actAs", account_name(cloud, account, project))
    if not may(cloud, principal, *needed):
        return False
    cloud.part(Used).take(principal, [needed])
    return True


def account_name(cloud: Cloud, account: str, project: str) -> str:
    """The resource name of a service account, by its e-mail address."""
    local, _, domain = account.partition("@")
    owner = domain.removesuffix(ROBOT_DOMAIN) if domain.endswith(ROBOT_DOMAIN) else local.partition("-")[0]
    if owner not in cloud.projects and owner not in cloud.projects.values():
        owner = project
    return f"projects/{cloud.project_id(owner)}/serviceAccounts/{account}"


def target(cloud: Cloud, call: Call, permission: str, project: str) -> str:
    """The resource on which a call needs `permission`, by its canonical name."""
    if call.service == "compute":
        return compute_target(cloud, call, permission)
    if call.service in ("cloudresourcemanager", "dns"):
        return f"projects/{project}"
    keys = ("parent", "name", "topic", "subscription", "resource", "sinkName")
    name = next((call.params[key] for key in keys if "/" in call.params.get(key, "")), "")
    kind, _, rest = name.partition("/")
    place = f"projects/{project}"
    if kind not in ("projects", "namespaces"):
        return place
    if kind == "namespaces" and call.region:
        place += f"/locations/{call.region}"
    rest = rest.partition("/")[2]
    return f"{place}/{rest}" if rest else place


def compute_target(cloud: Cloud, call: Call, permission: str) -> str:
    """The compute resource on which a call needs `permission`; of a rule's or router's network, its network."""
    project = cloud.project_id(call.params["project"])
    kind = call.method.split(".")[1]
    if kind == "projects":
        return f"projects/{project}"
    if kind.endswith("Operations"):
        kind = "operations"
    scope = f"regions/{call.params['region']}" if "region" in call.params else "global"
    named = next((call.params[key] for key in (kind[:-1], kind) if key in call.params), call.body.get("name"))
    name = f"projects/{project}/{scope}/{kind}/{named}" if named else f"projects/{project}"
    if permission == "compute.networks.updatePolicy":
        found = cloud.table(f"compute.{kind}").get(name, {})
        return _network(cloud, str(call.body.get("network") or found.get("network") or "default"), project)
    return name


def _network(cloud: Cloud, link: str, project: str) -> str:
    """A network by its canonical name; it may be another project's (Shared VPC)."""
    parts = link.split("/")
    if len(parts) > 4 and parts[-5] == "projects" and parts[-4] in cloud.projects:
        project = parts[-4]
    return f"projects/{project}/global/networks/{parts[-1]}"


def _taken(cloud: Cloud, principal: str, permission: str) -> bool:
    return any(fnmatchcase(principal, who) and fnmatchcase(permission, what) for who, what in cloud.denied)


def _project(cloud: Cloud, call: Call) -> str | None:
    """The id of the project that a call is about. Raises what a stranger to it is told."""
    if call.service == "cloudresourcemanager":
        given = call.params.get("projectId") or call.params.get("resource")
        if given and given not in cloud.projects and given not in cloud.projects.values():
            raise refusal(call, [])
        return cloud.project_id(given) if given else None
    project = project_of(call)
    if project == "-" and call.service == "iam":  # any project's account. Source: IAM's reference of serviceAccounts
        email = next(iter(call.params.values())).rpartition("/")[2]
        project = email.partition("@")[2].removesuffix(ROBOT_DOMAIN)
    return None if project is None else cloud.project_id(project)


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
