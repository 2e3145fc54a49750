"""IAM policies: bindings of roles to members, on organizations, folders, projects and single resources.

A project is *guarded* once a policy is set on it: then only what is bound is allowed. What is bound above covers what
lies below. Names are canonical: `projects/P`, `projects/P/serviceAccounts/E`, `projects/P/topics/T`, `folders/F`.

Switches: `iam.checks_members` True: a policy must not name a service account that its project, one of this cloud's,
lacks; `iam.groups` {}: who is in which group.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from localcloud.calls import Document
from localcloud.errors import ABORTED, INVALID, UNIMPLEMENTED, ApiError
from localcloud.iam import members, roles

if TYPE_CHECKING:
    from localcloud.core import Cloud

TABLE = "iam.policies"
PARENTS = "iam.parents"  # what a project or folder lies in: {"parent": "folders/1"}
ACCOUNTS = "iam.serviceAccounts"
_ALPHABET = str.maketrans("-_", "+/")
NONE = "ACAB"  # the etag of a resource on which no policy was ever set. Source: gcloud's output for such resources
CONCURRENT = "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."
# Service agents and what Google grants them when an API is enabled. Source: Google's list of service agents.
AGENTS = {
    "run.googleapis.com": ("roles/run.serviceAgent", "service-{}@serverless-robot-prod.iam.gserviceaccount.com"),
    "vpcaccess.googleapis.com": ("roles/vpcaccess.serviceAgent", "service-{}@gcp-sa-vpcaccess.iam.gserviceaccount.com"),
    "compute.googleapis.com": ("roles/editor", "{}@cloudservices.gserviceaccount.com"),
}


def project_in(resource: str) -> str:
    """The id of the project that a resource lies in; empty for organizations and folders."""
    parts = resource.split("/")
    return parts[1] if len(parts) > 1 and parts[0] == "projects" else ""


def canonical(cloud: Cloud, resource: str) -> str:
    """The name under which policies know a resource: without its service, with its project's id."""
    name = resource.removeprefix("//").split("/", 1)[-1] if resource.startswith("//") else resource
    parts = name.split("/")
    if len(parts) > 1 and parts[0] == "projects":
        parts[1] = cloud.project_id(parts[1])
    return "/".join(parts)


def lineage(cloud: Cloud, resource: str) -> Iterator[str]:
    """A resource and all that it lies in, from the inside out."""
    yield resource
    project = project_in(resource)
    name = f"projects/{project}" if project else resource
    if name != resource:
        yield name
    parents, seen = cloud.table(PARENTS), {name}
    while name in parents and (name := parents[name]["parent"]) not in seen:
        seen.add(name)
        yield name


def guarded(cloud: Cloud, resource: str) -> bool:
    """Whether only what is bound is allowed there."""
    project = project_in(resource)
    return (f"projects/{project}" if project else resource) in cloud.table(TABLE)


def held(cloud: Cloud, principal: str, permission: str, resource: str) -> bool:
    """Whether a binding on the resource, or on what it lies in, gives the principal this permission."""
    table = cloud.table(TABLE)
    bindings = (one for name in lineage(cloud, resource) if name in table for one in table[name].get("bindings", []))
    return any(
        roles.grants(cloud, one["role"], permission)
        and any(members.includes(cloud, member, principal) for member in one["members"])
        for one in bindings
    )


def initial(cloud: Cloud, project: str, owner: str = "") -> Document:
    """The policy of a project that nobody guards: its owner's, and the service agents' of its enabled APIs."""
    number = cloud.number(project)
    found = [{"role": "roles/owner", "members": [owner]}] if owner else []
    for service, (role, agent) in AGENTS.items():
        if (project, service) not in cloud.disabled:
            found.append({"role": role, "members": [f"serviceAccount:{agent.format(number)}"]})
    return {"version": 1, "etag": "BwAAAAAAAAA=", "bindings": sorted(found, key=lambda one: str(one["role"]))}


def read(cloud: Cloud, resource: str, owner: str = "") -> Document:
    """The policy on a resource. Whoever asks for that of a project that nobody guards is shown as its owner."""
    found = cloud.table(TABLE).get(resource)
    if found is not None:
        return dict(found)
    if resource.startswith("projects/") and resource.count("/") == 1:
        return initial(cloud, project_in(resource), owner)
    return {"etag": NONE}


def write(cloud: Cloud, resource: str, policy: Document, *, checks_members: bool = True) -> Document:
    """Set the policy on a resource; with an etag only over the policy that it belongs to.

    Raises ABORTED in the words of pulumi/pulumi-google-native#862, INVALID_ARGUMENT for roles and members.
    """
    current = read(cloud, resource)
    given = policy.get("etag")
    if given and not same_etag(given, current["etag"]):
        why = f"The request's ETag '{given}' did not match the current policy's ETag '{current['etag']}'."
        raise ApiError(ABORTED, f"{CONCURRENT} {why}", reason="aborted")
    before = {member for one in current.get("bindings", []) for member in one["members"]}
    bindings = _merged(policy.get("bindings", []))
    for role, named in bindings.items():
        _check_role(cloud, role, resource)
        for member in named:
            _check_member(cloud, member, exists=checks_members and member not in before)
    found: Document = {"version": 1, "etag": new_etag(cloud)}
    if bindings:
        found["bindings"] = [{"role": role, "members": sorted(named)} for role, named in sorted(bindings.items())]
    if policy.get("auditConfigs"):
        found["auditConfigs"] = policy["auditConfigs"]
    cloud.table(TABLE)[resource] = found
    return dict(found)


def bind(cloud: Cloud, resource: str, role: str, member: str) -> Document:
    """Add one member to one role; a project that nobody guarded is guarded from now on, without an owner."""
    policy = read(cloud, resource)
    bindings = [*policy.get("bindings", []), {"role": role, "members": [member]}]
    return write(cloud, resource, policy | {"bindings": bindings}, checks_members=False)


def unbind(cloud: Cloud, resource: str, role: str, member: str) -> Document:
    """Take one member from one role."""
    policy = read(cloud, resource)
    bindings = [
        one | {"members": [name for name in one["members"] if (one["role"], name) != (role, member)]}
        for one in policy.get("bindings", [])
    ]
    return write(cloud, resource, policy | {"bindings": bindings}, checks_members=False)


def forget_account(cloud: Cloud, email: str, unique_id: str) -> None:
    """Have a deleted service account's bindings name nobody. Source: IAM's guide to policies with deleted accounts."""
    gone = f"serviceAccount:{email}"
    for policy in cloud.table(TABLE).values():
        for one in policy.get("bindings", []):
            one["members"] = [f"deleted:{name}?uid={unique_id}" if name == gone else name for name in one["members"]]


def _merged(bindings: list[Document]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in bindings:
        if one.get("condition"):
            role = one.get("role", "")
            message = f"The local Google Cloud does not serve conditions in IAM policies ({role} has one)."
            raise ApiError(UNIMPLEMENTED, message, http=501)
        if one.get("members"):
            found.setdefault(one.get("role", ""), set()).update(one["members"])
    return found


def _check_role(cloud: Cloud, role: str, resource: str) -> None:
    if role.startswith("roles/") and roles.known(cloud, role):
        return
    owner = role.partition("/roles/")[0]
    if not role.startswith("roles/") and roles.known(cloud, role) and owner in lineage(cloud, resource):
        return
    message = f"Role {role} is not supported for this resource."  # Source: googleapis/google-cloud-go#1586
    if "/roles/" in role:
        message = f"Role ({role}) does not exist in the resource's hierarchy."
    raise ApiError(INVALID, message, reason="badRequest")


def _check_member(cloud: Cloud, member: Any, *, exists: bool) -> None:
    if not isinstance(member, str) or not members.is_member(member):
        message = f"The member {member} is of an unknown type. Please set a valid type prefix for the member."
        raise ApiError(INVALID, message, reason="badRequest")
    kind, _, email = member.partition(":")
    project = email.partition("@")[2].removesuffix(".iam.gserviceaccount.com")
    ours = kind == "serviceAccount" and project in cloud.projects
    checks = exists and cloud.switch("iam.checks_members")
    if checks and ours and f"projects/{project}/serviceAccounts/{email}" not in cloud.table(ACCOUNTS):
        # Source: GoogleCloudPlatform/generative-ai#944
        raise ApiError(INVALID, f"Service account {email} does not exist.", reason="badRequest")


def same_etag(one: str, other: str) -> bool:
    """Etags are bytes, and may come in either alphabet of base64: gcloud sends the URL-safe one."""
    return one.translate(_ALPHABET) == other.translate(_ALPHABET)


def new_etag(cloud: Cloud) -> str:
    """An etag that was never given before, of the form of real ones: eight bytes, the first of them 7."""
    return base64.b64encode(b"\x07" + int(cloud.new_id()).to_bytes(9, "big")[-7:]).decode()
