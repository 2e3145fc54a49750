"""IAM v1: custom roles of projects. Their bindings come to life and die with them."""

from __future__ import annotations

import re

from localcloud.calls import Call, Document
from localcloud.core import Cloud, serves
from localcloud.errors import ABORTED, EXISTS, INVALID, NOT_FOUND, PRECONDITION, ApiError
from localcloud.iam import policies
from localcloud.iam.roles import CUSTOM, check_permission, universe
from localcloud.paging import paged

ID = re.compile(r"[a-zA-Z0-9_.]{3,64}")
FIELDS = ("title", "description", "includedPermissions", "stage")


@serves("iam.projects.roles.create", permissions=("iam.roles.create",))
def create(cloud: Cloud, call: Call) -> Document:
    """Make a role. Source of the texts: googleapis/python-docs-samples#9388 (deleted), pulumi-google-native#209."""
    parent = policies.canonical(cloud, call.params["parent"])
    id_ = call.body.get("roleId", "")
    if call.body.get("role", {}).get("name"):
        raise ApiError(INVALID, "Must not specify role.name.", reason="badRequest")
    if not ID.fullmatch(id_):
        message = f"The role_id ({id_}) must be 3 to 64 characters of letters, digits, '_' and '.'."
        raise ApiError(INVALID, message, reason="badRequest")
    name = f"{parent}/roles/{id_}"
    before = cloud.table(CUSTOM).get(name)
    if before and before.get("deleted"):
        message = f"You can't create a role with role_id ({id_}) where there is an existing role with that role_id "
        raise ApiError(PRECONDITION, message + "in a deleted state.", reason="failedPrecondition")
    if before:
        raise ApiError(EXISTS, f"A role named {id_} in {parent} already exists.", reason="alreadyExists")
    return _kept(cloud, {"name": name} | _written(call.body.get("role", {}), FIELDS))


@serves("iam.projects.roles.get", permissions=("iam.roles.get",))
def get(cloud: Cloud, call: Call) -> Document:
    """One role, deleted or not."""
    return dict(_find(cloud, call))


@serves("iam.projects.roles.list", permissions=("iam.roles.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    """The roles of a project by name, without their permissions unless `view` is FULL."""
    prefix = policies.canonical(cloud, call.params["parent"]) + "/roles/"
    found = [one for name, one in sorted(cloud.table(CUSTOM).items()) if name.startswith(prefix)]
    if not call.flag("showDeleted"):
        found = [one for one in found if not one.get("deleted")]
    if call.params.get("view") != "FULL":
        found = [{key: value for key, value in one.items() if key != "includedPermissions"} for one in found]
    return paged(call, "roles", found, default=300)


@serves("iam.projects.roles.patch", permissions=("iam.roles.update",))
def patch(cloud: Cloud, call: Call) -> Document:
    """Change the fields that updateMask names; without one those that are sent."""
    before = _find(cloud, call)
    _check_etag(call.body.get("etag", ""), before)
    if before.get("deleted"):
        raise ApiError(PRECONDITION, f"The role named {before['name']} is deleted.", reason="failedPrecondition")
    mask = [_camel(one) for one in call.params.get("updateMask", "").split(",") if one] or list(call.body)
    fields = [one for one in FIELDS if one in mask]
    kept = {key: value for key, value in before.items() if key not in fields}
    return _kept(cloud, kept | _written(call.body, fields))


@serves("iam.projects.roles.delete", permissions=("iam.roles.delete",))
def delete(cloud: Cloud, call: Call) -> Document:
    """Delete a role: it stays for a while, holds nothing, and its id stays taken."""
    before = _find(cloud, call)
    _check_etag(call.params.get("etag", ""), before)
    return _kept(cloud, before | {"deleted": True})


@serves("iam.permissions.queryTestablePermissions")
def testable(cloud: Cloud, call: Call) -> Document:
    """The permissions that custom roles may hold, by name: gcloud asks before it makes one."""
    policies.canonical(cloud, call.body.get("fullResourceName", ""))
    return paged(call, "permissions", [{"name": one, "stage": "GA"} for one in sorted(universe())])


def _find(cloud: Cloud, call: Call) -> Document:
    name = policies.canonical(cloud, call.params["name"])
    found = cloud.table(CUSTOM).get(name)
    if found is None:
        raise ApiError(NOT_FOUND, f"The role named {name} was not found.", reason="notFound")
    return found


def _written(role: Document, fields: tuple[str, ...] | list[str]) -> Document:
    for permission in role.get("includedPermissions", []):
        check_permission(permission)
    found = {key: role[key] for key in fields if role.get(key)}
    if "includedPermissions" in found:
        found["includedPermissions"] = sorted(set(found["includedPermissions"]))
    return found


def _kept(cloud: Cloud, role: Document) -> Document:
    role["etag"] = policies.new_etag(cloud)
    cloud.table(CUSTOM)[role["name"]] = role
    return dict(role)


def _check_etag(given: str, role: Document) -> None:
    if given and not policies.same_etag(given, role["etag"]):
        raise ApiError(ABORTED, policies.CONCURRENT, reason="aborted")


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name.strip())
