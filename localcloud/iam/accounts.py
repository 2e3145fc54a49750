"""IAM v1: service accounts of projects, and the policies on them. Bodies, texts: recorded by k8s-config-connector."""

from __future__ import annotations

import re

from localcloud.calls import Call, Document
from localcloud.core import Cloud, serves
from localcloud.errors import EXISTS, INVALID, NOT_FOUND, ApiError
from localcloud.iam import policies
from localcloud.iam.policies import ACCOUNTS
from localcloud.iam.testing import tested
from localcloud.paging import paged

ID = re.compile(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])")
NEEDS = "iam.serviceAccounts"


@serves("iam.projects.serviceAccounts.create", permissions=(f"{NEEDS}.create",))
def create(cloud: Cloud, call: Call) -> Document:
    """Make a service account."""
    project = cloud.project_id(call.params["name"].split("/")[1])
    id_ = call.body.get("accountId", "")
    if not ID.fullmatch(id_):
        message = f'The account ID "{id_}" must match {ID.pattern.replace("?:", "")}, 6 to 30 characters.'
        raise ApiError(INVALID, message, reason="badRequest")
    email = f"{id_}@{project}.iam.gserviceaccount.com"
    name = f"projects/{project}/serviceAccounts/{email}"
    if name in cloud.table(ACCOUNTS):
        message = f"Service account {id_} already exists within project projects/{project}."
        raise ApiError(EXISTS, message, reason="alreadyExists")
    account = {
        "name": name,
        "projectId": project,
        "uniqueId": _decimal(cloud),
        "email": email,
        "etag": policies.new_etag(cloud),
        "oauth2ClientId": _decimal(cloud),
    }
    given = call.body.get("serviceAccount", {})
    account |= {key: given[key] for key in ("displayName", "description") if given.get(key)}
    cloud.table(ACCOUNTS)[name] = account
    return dict(account)


@serves("iam.projects.serviceAccounts.get", permissions=(f"{NEEDS}.get",))
def get(cloud: Cloud, call: Call) -> Document:
    """One service account."""
    return dict(_find(cloud, call.params["name"]))


@serves("iam.projects.serviceAccounts.list", permissions=(f"{NEEDS}.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    """A project's service accounts, by e-mail address."""
    prefix = policies.canonical(cloud, call.params["name"]) + "/serviceAccounts/"
    found = [dict(one) for name, one in sorted(cloud.table(ACCOUNTS).items()) if name.startswith(prefix)]
    return paged(call, "accounts", found, default=20, most=100)


@serves("iam.projects.serviceAccounts.delete", permissions=(f"{NEEDS}.delete",))
def delete(cloud: Cloud, call: Call) -> Document:
    """Remove a service account: its policy goes with it, and its bindings name nobody any more."""
    account = _find(cloud, call.params["name"])
    del cloud.table(ACCOUNTS)[account["name"]]
    cloud.table(policies.TABLE).pop(account["name"], None)
    policies.forget_account(cloud, account["email"], account["uniqueId"])
    return {}


@serves("iam.projects.serviceAccounts.getIamPolicy", permissions=(f"{NEEDS}.getIamPolicy",))
def get_policy(cloud: Cloud, call: Call) -> Document:
    """Who may do what with a service account, beside whom its project lets."""
    return policies.read(cloud, _find(cloud, call.params["resource"])["name"])


@serves("iam.projects.serviceAccounts.setIamPolicy", permissions=(f"{NEEDS}.setIamPolicy",))
def set_policy(cloud: Cloud, call: Call) -> Document:
    """Set the policy on a service account."""
    return policies.write(cloud, _find(cloud, call.params["resource"])["name"], call.body.get("policy", {}))


@serves("iam.projects.serviceAccounts.testIamPermissions")
def test_permissions(cloud: Cloud, call: Call) -> Document:
    """Those of the given permissions that the caller holds on a service account."""
    return tested(cloud, call, _find(cloud, call.params["resource"])["name"])


def _find(cloud: Cloud, name: str) -> Document:
    """An account, by its e-mail address or its unique id; the project may be a wildcard."""
    project, account = name.split("/")[1], name.rsplit("/", 1)[1]
    for one in cloud.table(ACCOUNTS).values():
        mine = project == "-" or one["projectId"] == cloud.project_id(project)
        if mine and account in (one["email"], one["uniqueId"]):
            return one
    raise ApiError(NOT_FOUND, "Unknown service account", reason="notFound")


def _decimal(cloud: Cloud) -> str:
    """Twenty-one digits, as recorded ids have."""
    return f"10{cloud.new_id()}"
