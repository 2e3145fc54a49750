"""Cloud Resource Manager v1: projects, and the IAM policies on them."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

from localcloud.access import admission
from localcloud.calls import Call, Document
from localcloud.core import Cloud, serves
from localcloud.errors import INVALID, ApiError
from localcloud.iam import members, policies
from localcloud.iam.testing import tested
from localcloud.paging import paged

GET = "resourcemanager.projects.get"
_TERM = re.compile(r"(?P<key>[\w.]+)\s*[:=]\s*\"?(?P<value>[^\s\"]*)\"?")


@serves("cloudresourcemanager.projects.get", permissions=(GET,))
def get(cloud: Cloud, call: Call) -> Document:
    """One project, by its id or number."""
    return _project(cloud, cloud.project_id(call.params["projectId"]))


@serves("cloudresourcemanager.projects.list")
def list_(cloud: Cloud, call: Call) -> Document:
    """The projects that the caller may see, by id."""
    seen = (
        one for one in sorted(cloud.projects) if admission.may(cloud, call.caller.principal, GET, f"projects/{one}")
    )
    terms = _terms(call.params.get("filter", ""))
    found = (_project(cloud, one) for one in seen)
    return paged(call, "projects", [one for one in found if all(_fits(one, *term) for term in terms)])


@serves("cloudresourcemanager.projects.getAncestry", permissions=(GET,))
def get_ancestry(cloud: Cloud, call: Call) -> Document:
    """A project and all that it lies in, from the inside out; its number leads to its id, as elsewhere."""
    names = policies.lineage(cloud, f"projects/{cloud.project_id(call.params['projectId'])}")
    parts = (name.partition("/") for name in names)
    return {"ancestor": [{"resourceId": {"type": kind.removesuffix("s"), "id": id_}} for kind, _, id_ in parts]}


@serves("cloudresourcemanager.projects.getIamPolicy", permissions=("resourcemanager.projects.getIamPolicy",))
def get_policy(cloud: Cloud, call: Call) -> Document:
    """The policy on a project; of one that nobody guards, with the caller as its owner."""
    return policies.read(cloud, _resource(cloud, call), members.member_of(call.caller.principal))


@serves("cloudresourcemanager.projects.setIamPolicy", permissions=("resourcemanager.projects.setIamPolicy",))
def set_policy(cloud: Cloud, call: Call) -> Document:
    """Set the policy on a project: from now on only what is bound is allowed there."""
    return policies.write(cloud, _resource(cloud, call), call.body.get("policy", {}))


@serves("cloudresourcemanager.projects.testIamPermissions")
def test_permissions(cloud: Cloud, call: Call) -> Document:
    """Those of the given permissions that the caller holds on a project."""
    return tested(cloud, call, _resource(cloud, call))


def _resource(cloud: Cloud, call: Call) -> str:
    return f"projects/{cloud.project_id(call.params['resource'])}"


def _project(cloud: Cloud, project: str) -> Document:
    found: Document = {
        "projectNumber": cloud.number(project),
        "projectId": project,
        "lifecycleState": "ACTIVE",
        "name": project,
        "createTime": cloud.clock.began.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    parent = cloud.table(policies.PARENTS).get(f"projects/{project}", {}).get("parent", "")
    kind, _, id_ = parent.partition("/")
    return found | ({"parent": {"type": kind.removesuffix("s"), "id": id_}} if parent else {})


def _terms(text: str) -> list[tuple[str, str]]:
    """The terms of a filter, all of which must hold. Source: the reference of projects.list; OR is not served."""
    words = re.sub(r"\bAND\b", " ", text).strip()
    found = [(one["key"], one["value"]) for one in _TERM.finditer(words)]
    if _TERM.sub("", words).strip():
        raise ApiError(INVALID, f"The local Google Cloud does not serve this filter: {text}", reason="badRequest")
    return found


def _fits(project: Document, key: str, value: str) -> bool:
    keys = {"id": "projectId", "number": "projectNumber"}
    found: Any = project
    for part in keys.get(key, key).split("."):
        found = found.get(part, {}) if isinstance(found, dict) else {}
    return isinstance(found, str) and fnmatchcase(found.lower(), value.lower())
