"""The admin surface of who may do what, and how often: actions and views."""

from __future__ import annotations

from typing import Any

from localcloud.access import quotas
from localcloud.admin.fields import Fields, WrongField
from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.errors import ApiError
from localcloud.iam import members, policies, roles


def guard(cloud: Cloud, given: Fields) -> Document:
    """Have `project` allow only what is bound, with `owner` (a member) as its owner; `off` allows everything again."""
    name = f"projects/{_project(cloud, given.text('project'))}"
    owner = given.text("owner", "")
    if owner and not members.is_member(owner):
        raise WrongField("owner", "must be a member such as user:dana@example.com")
    if given.flag("off", default=False):
        cloud.table(policies.TABLE).pop(name, None)
    elif not policies.guarded(cloud, name):
        policies.write(cloud, name, policies.initial(cloud, policies.project_in(name), owner), checks_members=False)
    elif owner:
        policies.bind(cloud, name, "roles/owner", owner)
    return shown(cloud, given)


def bind(cloud: Cloud, given: Fields) -> Document:
    """Give `role` to `member` on `resource`: a project, a resource in one, a folder or an organization."""
    return _changed(cloud, given, add=True)


def unbind(cloud: Cloud, given: Fields) -> Document:
    """Take `role` on `resource` from `member`."""
    return _changed(cloud, given, add=False)


def set_parent(cloud: Cloud, given: Fields) -> Document:
    """Have `resource` (a project or folder) lie in `parent` (a folder or organization); an empty one: in none."""
    resource, parent = given.text("resource"), given.text("parent", "")
    if resource.partition("/")[0] not in ("projects", "folders"):
        raise WrongField("resource", "must be projects/P or folders/F")
    if parent and parent.partition("/")[0] not in ("folders", "organizations"):
        raise WrongField("parent", "must be folders/F or organizations/O")
    cloud.table(policies.PARENTS).pop(resource, None)
    if parent:
        cloud.table(policies.PARENTS)[resource] = {"parent": parent}
    return shown(cloud, given)


def set_role(cloud: Cloud, given: Fields) -> Document:
    """Make or change the custom role `name` (projects/P/roles/ID or organizations/O/roles/ID) with `permissions`."""
    name, permissions = given.text("name"), given.everything().get("permissions", [])
    if "/roles/" not in name or name.partition("/")[0] not in ("projects", "organizations"):
        raise WrongField("name", "must be projects/P/roles/ID or organizations/O/roles/ID")
    if not isinstance(permissions, list):
        raise WrongField("permissions", "must be a list")
    try:
        for permission in permissions:
            roles.check_permission(str(permission))
    except ApiError as error:
        raise WrongField("permissions", error.message) from None
    role = {"name": name, "includedPermissions": sorted(set(permissions)), "etag": policies.new_etag(cloud)}
    cloud.table(roles.CUSTOM)[name] = role
    return role


def set_quotas(cloud: Cloud, given: Fields) -> Document:
    """Turn quotas on or off (`enforced`), or set the size of one: `quota` (run/Write requests), `size`; null resets."""
    if "enforced" in given.everything():
        cloud.switches["quotas.enforced"] = given.flag("enforced")
    name = given.text("quota", "")
    if name:
        if name not in quotas.SIZES:
            raise WrongField("quota", f"must be one of {', '.join(quotas.SIZES)}")
        limits: dict[str, Any] = cloud.switches.setdefault("quotas.limits", {})
        limits.pop(name, None)
        if given.everything().get("size") is not None:
            limits[name] = given.whole("size")
    return shown_quotas(cloud, given)


def shown(cloud: Cloud, _: Fields) -> Document:
    """Every policy, custom role, and what lies in what."""
    return {
        "policies": dict(sorted(cloud.table(policies.TABLE).items())),
        "roles": dict(sorted(cloud.table(roles.CUSTOM).items())),
        "parents": {name: one["parent"] for name, one in sorted(cloud.table(policies.PARENTS).items())},
    }


def shown_roles(cloud: Cloud, _: Fields) -> Document:
    """Every role, and which of the known permissions it grants."""
    every = sorted({*roles.predefined(), *cloud.table(roles.CUSTOM)})
    known = sorted(roles.universe())
    return {"roles": {role: [one for one in known if roles.grants(cloud, role, one)] for role in every}}


def shown_quotas(cloud: Cloud, _: Fields) -> Document:
    """The size of every quota, and what is used of it this minute."""
    return {
        "enforced": cloud.switch("quotas.enforced"),
        "sizes": {name: quotas.size_of(cloud, name) for name in quotas.SIZES},
        "used": cloud.part(quotas.Windows).shown(quotas.minute_of(cloud)),
    }


def _changed(cloud: Cloud, given: Fields, *, add: bool) -> Document:
    role, member, resource = given.text("role"), given.text("member"), given.text("resource")
    try:
        name = policies.canonical(cloud, resource)
        return (policies.bind if add else policies.unbind)(cloud, name, role, member)
    except ApiError as error:
        field = "resource" if error.reason == "forbidden" else "member" if "member" in error.message else "role"
        raise WrongField(field, error.message) from None


def _project(cloud: Cloud, project: str) -> str:
    if project not in cloud.projects:
        raise WrongField("project", f"there is no project {project!r}")
    return project


ACTIONS = {
    "guard": guard,
    "bind": bind,
    "unbind": unbind,
    "parents": set_parent,
    "roles": set_role,
    "quotas": set_quotas,
}
VIEWS = {"policies": shown, "roles": shown_roles, "quotas": shown_quotas}
