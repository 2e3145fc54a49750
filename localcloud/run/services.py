"""Cloud Run services, of which only the IAM policies are served: a service is known from the first policy on it.

Nothing runs here: whoever serves a function elsewhere asks `may_invoke`, as Cloud Run's own front door does.
"""

from __future__ import annotations

from localcloud.calls import Call, Document
from localcloud.core import Cloud, serves
from localcloud.errors import NOT_FOUND, ApiError
from localcloud.iam import policies
from localcloud.iam.testing import tested

ID = "run.projects.locations.services"


@serves(f"{ID}.getIamPolicy", permissions=("run.services.getIamPolicy",))
def get_policy(cloud: Cloud, call: Call) -> Document:
    """Who may invoke a service, beside whom its project lets."""
    name = policies.canonical(cloud, call.params["resource"])
    if name not in cloud.table(policies.TABLE):
        raise ApiError(NOT_FOUND, f"Resource '{name.rsplit('/', 1)[-1]}' of kind 'SERVICE' does not exist.")
    return policies.read(cloud, name)


@serves(f"{ID}.setIamPolicy", permissions=("run.services.setIamPolicy",))
def set_policy(cloud: Cloud, call: Call) -> Document:
    """Set the policy on a service."""
    return policies.write(cloud, policies.canonical(cloud, call.params["resource"]), call.body.get("policy", {}))


@serves(f"{ID}.testIamPermissions")
def test_permissions(cloud: Cloud, call: Call) -> Document:
    """Those of the given permissions that the caller holds on a service."""
    return tested(cloud, call, policies.canonical(cloud, call.params["resource"]))


def may_invoke(cloud: Cloud, principal: str, service: str) -> bool:
    """Whether a principal may call a service, by its full name. A service without a policy lets everybody in."""
    name = policies.canonical(cloud, service)
    return name not in cloud.table(policies.TABLE) or policies.held(cloud, principal, "run.routes.invoke", name)
