"""The admin surface of who may do what: guarding, binding, roles, parents, quotas, and what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from localcloud.server import LocalCloud
from tests.localcloud.guarded import NUMBER, P, admin, ask

ANN = "ann@example.com"
LIST = "run.projects.locations.jobs.list"
ROLE = f"projects/{P}/roles/mine"


@pytest.fixture(scope="module")
def shared() -> Iterator[LocalCloud]:
    with LocalCloud(projects={P: NUMBER}) as found:
        yield found


@pytest.fixture
def local() -> Iterator[LocalCloud]:
    with LocalCloud(projects={P: NUMBER}) as found:
        yield found


def view(local: LocalCloud, name: str) -> Any:
    return requests.get(f"{local.url}/_localcloud/{name}", timeout=10).json()


def status(local: LocalCloud, who: str = ANN) -> int:
    return ask(local, LIST, who).status_code


def test_guarding_starts_and_ends(local: LocalCloud) -> None:
    assert status(local) == 200
    found = admin(local, "guard", project=P, owner="user:dana@example.com")
    roles = {one["role"]: one["members"] for one in found["policies"][f"projects/{P}"]["bindings"]}
    assert roles["roles/owner"] == ["user:dana@example.com"]
    assert roles["roles/run.serviceAgent"] == [
        f"serviceAccount:service-{NUMBER}@serverless-robot-prod.iam.gserviceaccount.com"
    ]
    assert (status(local), status(local, "dana@example.com")) == (403, 200)
    admin(local, "guard", project=P, owner=f"user:{ANN}")
    assert (status(local), status(local, "dana@example.com")) == (200, 200), "one owner more"
    assert admin(local, "guard", project=P, off=True)["policies"] == {}
    assert status(local, "stranger@example.com") == 200


def test_the_first_binding_guards_without_an_owner(local: LocalCloud) -> None:
    admin(local, "bind", resource=f"projects/{P}", role="roles/run.viewer", member=f"user:{ANN}")
    assert (status(local), status(local, "dana@example.com")) == (200, 403)
    admin(local, "unbind", resource=f"projects/{P}", role="roles/run.viewer", member=f"user:{ANN}")
    assert status(local) == 403, "still guarded"


def test_a_resource_may_be_named_in_full_or_by_its_projects_number(local: LocalCloud) -> None:
    names = (f"//cloudresourcemanager.googleapis.com/projects/{P}", f"projects/{NUMBER}", f"projects/{P}")
    for resource in names:
        admin(local, "bind", resource=resource, role="roles/run.viewer", member=f"user:{ANN}")
    assert [*view(local, "policies")["policies"]] == [f"projects/{P}"]


def test_a_custom_role_is_made_and_changed(local: LocalCloud) -> None:
    admin(local, "roles", name=ROLE, permissions=["run.jobs.list"])
    admin(local, "bind", resource=f"projects/{P}", role=ROLE, member=f"user:{ANN}")
    assert status(local) == 200
    assert view(local, "roles")["roles"][ROLE] == ["run.jobs.list"]
    admin(local, "roles", name=ROLE, permissions=[])
    assert status(local) == 403
    assert view(local, "policies")["roles"][ROLE]["includedPermissions"] == []


def test_an_organizations_role_is_for_every_project_below(local: LocalCloud) -> None:
    role = "organizations/34/roles/mine"
    admin(local, "roles", name=role, permissions=["run.jobs.list"])
    wrong = {"resource": f"projects/{P}", "role": role, "member": f"user:{ANN}"}
    assert requests.post(f"{local.url}/_localcloud/bind", json=wrong, timeout=10).status_code == 400
    found = admin(local, "parents", resource=f"projects/{P}", parent="organizations/34")
    assert found["parents"] == {f"projects/{P}": "organizations/34"}
    admin(local, "bind", **wrong)
    assert status(local) == 200


def test_the_roles_that_are_shown_are_googles(shared: LocalCloud) -> None:
    roles = view(shared, "roles")["roles"]
    assert "compute.firewalls.create" not in roles["roles/compute.networkAdmin"]
    assert roles["roles/logging.logWriter"] == ["logging.logEntries.create"]
    assert set(roles["roles/viewer"]) < set(roles["roles/editor"]) < set(roles["roles/owner"])


WRONG = [
    ("guard", {"project": "nowhere"}, "project", "there is no such project"),
    ("guard", {"project": P, "owner": ANN}, "owner", "owners are members"),
    ("bind", {"resource": "projects/nowhere", "role": "roles/viewer", "member": "allUsers"}, "resource", "no project"),
    ("bind", {"resource": f"projects/{P}", "role": "roles/zork", "member": "allUsers"}, "role", "no such role"),
    ("bind", {"resource": f"projects/{P}", "role": "roles/viewer", "member": ANN}, "member", "no member"),
    ("bind", {"resource": f"projects/{P}", "role": "roles/viewer"}, "member", "nobody"),
    ("roles", {"name": "roles/mine", "permissions": []}, "name", "predefined roles are Google's"),
    ("roles", {"name": ROLE, "permissions": "run.jobs.get"}, "permissions", "one permission is no list"),
    ("roles", {"name": ROLE, "permissions": ["run.jobs.*"]}, "permissions", "roles know no wildcards"),
    ("parents", {"resource": "organizations/1", "parent": "folders/1"}, "resource", "organizations lie in nothing"),
    ("parents", {"resource": f"projects/{P}", "parent": "projects/x"}, "parent", "projects lie in no projects"),
    ("quotas", {"quota": "run/Zork", "size": 1}, "quota", "no such quota"),
    ("quotas", {"quota": "run/Write requests", "size": -1}, "size", "less than nothing"),
    ("quotas", {"enforced": "no"}, "enforced", "a text for a flag"),
]


@pytest.mark.parametrize(("action", "body", "field", "why"), WRONG, ids=[f"{row[0]}: {row[3]}" for row in WRONG])
def test_a_wrong_field_is_named(shared: LocalCloud, action: str, body: dict[str, Any], field: str, why: str) -> None:
    answer = requests.post(f"{shared.url}/_localcloud/{action}", json=body, timeout=10)
    assert (answer.status_code, answer.json()["field"]) == (400, field), why
    assert view(shared, "policies")["policies"] == {}
