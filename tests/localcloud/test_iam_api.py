"""Policies, custom roles and service accounts through the APIs of Resource Manager and IAM."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.access import admission
from localcloud.clock import Clock
from localcloud.server import LocalCloud
from tests.localcloud.guarded import CRM, IAM, NUMBER, OWNER, RUN, P, admin, ask, bind, call
from tests.test_gcloud import Shell

ANN = "ann@example.com"
EMAIL = f"wayout@{P}.iam.gserviceaccount.com"
ACCOUNT = f"{IAM}/serviceAccounts/{EMAIL}"
CONCURRENT = "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff."
DELETED = (
    "You can't create a role with role_id (wayout) where there is an existing role with that role_id "
    "in a deleted state."
)


@pytest.fixture
def local() -> Iterator[LocalCloud]:
    with LocalCloud(projects={P: NUMBER, "other": "210987654321"}) as found:
        found.cloud.checks_answers = True
        yield found


def ok(local: LocalCloud, verb: str, path: str, body: Any = None, who: str = OWNER) -> Any:
    answer = call(local, verb, path, body, who)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(local: LocalCloud, verb: str, path: str, body: Any = None, who: str = OWNER) -> tuple[int, str, str]:
    """Status, name and message; checks that `errors` say the same."""
    error = call(local, verb, path, body, who).json()["error"]
    assert [one["message"] for one in error["errors"]] == [error["message"]]
    return error["code"], error["status"], error["message"]


def policy_with(local: LocalCloud, role: str, member: str, who: str = OWNER) -> Any:
    """The project's policy with one more binding, as a client makes it."""
    policy = ok(local, "POST", f"{CRM}:getIamPolicy", {}, who)
    policy["bindings"].append({"role": role, "members": [member]})
    return policy


# projects and their policies


def test_projects_are_read_and_listed(local: LocalCloud) -> None:
    admin(local, "parents", resource=f"projects/{P}", parent="folders/12")
    project = ok(local, "GET", f"cloudresourcemanager/v1/projects/{NUMBER}")
    assert (project["projectId"], project["projectNumber"], project["lifecycleState"]) == (P, NUMBER, "ACTIVE")
    assert project["parent"] == {"type": "folder", "id": "12"}
    every = "cloudresourcemanager/v1/projects"
    assert [one["projectId"] for one in ok(local, "GET", every)["projects"]] == [P, "other"]
    for text, found in {
        "lifecycleState:ACTIVE": [P, "other"],
        "id:my-*": [P],
        "parent.type:folder AND parent.id:12": [P],
        "projectId=other": ["other"],
        "lifecycleState:DELETE_REQUESTED": [],
    }.items():
        listed = ok(local, "GET", f"{every}?filter={text}").get("projects", [])
        assert [one["projectId"] for one in listed] == found, text
    page = ok(local, "GET", f"{every}?pageSize=1")
    assert ok(local, "GET", f"{every}?pageToken={page['nextPageToken']}")["projects"][0]["projectId"] == "other"


def test_the_ancestry_of_a_project_is_told_from_the_inside_out(local: LocalCloud) -> None:
    path = f"cloudresourcemanager/v1/projects/{P}:getAncestry"
    itself = {"resourceId": {"type": "project", "id": P}}
    assert ok(local, "POST", path, {}) == {"ancestor": [itself]}
    admin(local, "parents", resource=f"projects/{P}", parent="folders/12")
    admin(local, "parents", resource="folders/12", parent="organizations/9")
    above = [{"resourceId": {"type": "folder", "id": "12"}}, {"resourceId": {"type": "organization", "id": "9"}}]
    assert ok(local, "POST", path, {}) == {"ancestor": [itself, *above]}
    admin(local, "guard", project=P)
    assert refused(local, "POST", path, {})[:2] == (403, "PERMISSION_DENIED")


def test_only_projects_that_one_may_see_are_listed(local: LocalCloud) -> None:
    admin(local, "guard", project=P)
    assert [one["projectId"] for one in ok(local, "GET", "cloudresourcemanager/v1/projects")["projects"]] == ["other"]


def test_whoever_sets_the_first_policy_keeps_what_others_lose(local: LocalCloud) -> None:
    assert ok(local, "GET", f"{RUN}/jobs", who=ANN) == {}
    policy = policy_with(local, "roles/run.viewer", "user:bob@example.com")
    assert {"role": "roles/owner", "members": [f"user:{OWNER}"]} in policy["bindings"]
    agent = f"serviceAccount:service-{NUMBER}@gcp-sa-vpcaccess.iam.gserviceaccount.com"
    assert {"role": "roles/vpcaccess.serviceAgent", "members": [agent]} in policy["bindings"]
    written = ok(local, "POST", f"{CRM}:setIamPolicy", {"policy": policy})
    assert written["etag"] != policy["etag"]
    assert ok(local, "POST", f"{CRM}:getIamPolicy", {}) == written
    assert ok(local, "GET", f"{RUN}/jobs") == {}
    assert ok(local, "GET", f"{RUN}/jobs", who="bob@example.com") == {}
    assert call(local, "GET", f"{RUN}/jobs", who=ANN).status_code == 403
    assert call(local, "POST", f"{CRM}:getIamPolicy", {}, ANN).status_code == 403


def test_a_policy_that_somebody_else_has_changed_is_not_overwritten(local: LocalCloud) -> None:
    mine = policy_with(local, "roles/run.viewer", f"user:{ANN}")
    theirs = ok(local, "POST", f"{CRM}:setIamPolicy", {"policy": policy_with(local, "roles/viewer", f"user:{ANN}")})
    why = f"The request's ETag '{mine['etag']}' did not match the current policy's ETag '{theirs['etag']}'."
    error = (409, "ABORTED", f"{CONCURRENT} {why}")
    assert refused(local, "POST", f"{CRM}:setIamPolicy", {"policy": mine}) == error
    urlsafe = theirs["etag"].replace("+", "-").replace("/", "_")
    again = ok(local, "POST", f"{CRM}:setIamPolicy", {"policy": theirs | {"etag": urlsafe}})
    assert again["bindings"] == theirs["bindings"], "gcloud sends etags in the other alphabet of base64"
    del mine["etag"]
    assert ok(local, "POST", f"{CRM}:setIamPolicy", {"policy": mine})["etag"] != again["etag"]


@pytest.mark.parametrize(
    ("binding", "status", "message"),
    [
        pytest.param(
            {"role": "roles/zork", "members": [f"user:{ANN}"]},
            "INVALID_ARGUMENT",
            "Role roles/zork is not supported for this resource.",
            id="no such role",
        ),
        pytest.param(
            {"role": f"projects/{P}/roles/zork", "members": [f"user:{ANN}"]},
            "INVALID_ARGUMENT",
            f"Role (projects/{P}/roles/zork) does not exist in the resource's hierarchy.",
            id="no such custom role",
        ),
        pytest.param(
            {"role": "projects/other/roles/theirs", "members": [f"user:{ANN}"]},
            "INVALID_ARGUMENT",
            "Role (projects/other/roles/theirs) does not exist in the resource's hierarchy.",
            id="another project's custom role",
        ),
        pytest.param(
            {"role": "roles/viewer", "members": [ANN]},
            "INVALID_ARGUMENT",
            f"The member {ANN} is of an unknown type. Please set a valid type prefix for the member.",
            id="a member without its type",
        ),
        pytest.param(
            {"role": "roles/viewer", "members": [f"serviceAccount:{EMAIL}"]},
            "INVALID_ARGUMENT",
            f"Service account {EMAIL} does not exist.",
            id="a service account that is not there",
        ),
        pytest.param(
            {"role": "roles/viewer", "members": [f"user:{ANN}"], "condition": {"expression": "true"}},
            "UNIMPLEMENTED",
            "The local Google Cloud does not serve conditions in IAM policies (roles/viewer has one).",
            id="a condition",
        ),
    ],
)
def test_bindings_that_are_refused(local: LocalCloud, binding: Any, status: str, message: str) -> None:
    admin(local, "roles", name="projects/other/roles/theirs", permissions=["run.jobs.get"])
    answer = refused(local, "POST", f"{CRM}:setIamPolicy", {"policy": {"bindings": [binding]}})
    assert answer[1:] == (status, message)
    assert ok(local, "GET", f"{RUN}/jobs", who=ANN) == {}, "nothing has been set"


def test_bindings_are_merged_by_role_and_empty_ones_vanish(local: LocalCloud) -> None:
    one, other = (
        {"role": "roles/viewer", "members": ["user:b@x.com"]},
        {"role": "roles/viewer", "members": ["user:a@x.com"]},
    )
    bindings = [one, {"role": "roles/editor", "members": []}, other]
    found = ok(local, "POST", f"{CRM}:setIamPolicy", {"policy": {"bindings": bindings}})
    assert found["bindings"] == [{"role": "roles/viewer", "members": ["user:a@x.com", "user:b@x.com"]}]


def test_permissions_are_tested_for_the_caller(local: LocalCloud) -> None:
    bind(local, "roles/run.viewer", f"user:{ANN}")
    body = {"permissions": ["run.jobs.get", "run.jobs.update"]}
    assert ok(local, "POST", f"{CRM}:testIamPermissions", body, ANN) == {"permissions": ["run.jobs.get"]}
    assert ok(local, "POST", f"{CRM}:testIamPermissions", body, "bob@example.com") == {}
    wrong = refused(local, "POST", f"{CRM}:testIamPermissions", {"permissions": ["run.jobs.*"]})
    assert wrong == (400, "INVALID_ARGUMENT", "Permission run.jobs.* is not valid for this resource.")


# custom roles

ROLE = {"title": "Wayout", "stage": "GA", "includedPermissions": ["run.jobs.list", "run.jobs.get"]}


def test_a_custom_role_lives_with_its_bindings(local: LocalCloud) -> None:
    made = ok(local, "POST", f"{IAM}/roles", {"roleId": "wayout", "role": ROLE})
    name = f"projects/{P}/roles/wayout"
    assert made | {"etag": ""} == ROLE | {
        "name": name,
        "includedPermissions": ["run.jobs.get", "run.jobs.list"],
        "etag": "",
    }
    bind(local, "roles/owner", f"user:{OWNER}")
    bind(local, name, f"user:{ANN}")
    method = "run.projects.locations.jobs.list"
    assert ask(local, method, ANN).status_code == 200
    changed = ok(
        local, "PATCH", f"iam/v1/{name}?updateMask=included_permissions", {"includedPermissions": ["run.jobs.get"]}
    )
    assert (changed["title"], changed["includedPermissions"]) == ("Wayout", ["run.jobs.get"])
    assert ask(local, method, ANN).status_code == 403
    ok(local, "PATCH", f"iam/v1/{name}?updateMask=includedPermissions", {"includedPermissions": ["run.jobs.list"]})
    assert ask(local, method, ANN).status_code == 200
    assert ok(local, "DELETE", f"iam/v1/{name}")["deleted"] is True
    assert ask(local, method, ANN).status_code == 403, "a deleted role's bindings are dead"


def test_custom_roles_are_listed_without_permissions_unless_asked_for(local: LocalCloud) -> None:
    for id_ in ("b_role", "a_role"):
        ok(local, "POST", f"{IAM}/roles", {"roleId": id_, "role": ROLE})
    ok(local, "DELETE", f"{IAM}/roles/b_role")
    found = ok(local, "GET", f"{IAM}/roles")["roles"]
    assert [one["name"] for one in found] == [f"projects/{P}/roles/a_role"]
    assert "includedPermissions" not in found[0]
    every = ok(local, "GET", f"{IAM}/roles?showDeleted=true&view=FULL")["roles"]
    assert [one.get("deleted", False) for one in every] == [False, True]
    assert every[0]["includedPermissions"] == ["run.jobs.get", "run.jobs.list"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(
            {"roleId": "there"},
            (409, "ALREADY_EXISTS", f"A role named there in projects/{P} already exists."),
            id="exists",
        ),
        pytest.param(
            {"roleId": "wayout"}, (400, "FAILED_PRECONDITION", DELETED), id="its id is taken while it is deleted"
        ),
        pytest.param(
            {"roleId": "new", "role": {"name": "roles/new"}},
            (400, "INVALID_ARGUMENT", "Must not specify role.name."),
            id="a name of one's own",
        ),
        pytest.param(
            {"roleId": "new", "role": {"includedPermissions": ["vpcaccess.connectors.use"]}},
            (400, "INVALID_ARGUMENT", "Permission vpcaccess.connectors.use is not valid."),
            id="the permission that old documents still list",
        ),
        pytest.param(
            {"roleId": "new", "role": {"includedPermissions": ["run.jobs.*"]}},
            (400, "INVALID_ARGUMENT", "Permission run.jobs.* is not valid."),
            id="roles know no wildcards",
        ),
    ],
)
def test_custom_roles_that_are_refused(local: LocalCloud, body: Any, error: tuple[int, str, str]) -> None:
    for id_ in ("there", "wayout"):
        ok(local, "POST", f"{IAM}/roles", {"roleId": id_, "role": ROLE})
    ok(local, "DELETE", f"{IAM}/roles/wayout")
    assert refused(local, "POST", f"{IAM}/roles", body) == error


def test_a_role_that_somebody_else_has_changed_is_not_overwritten(local: LocalCloud) -> None:
    made = ok(local, "POST", f"{IAM}/roles", {"roleId": "wayout", "role": ROLE})
    ok(local, "PATCH", f"{IAM}/roles/wayout", {"title": "Theirs"})
    mine = {"title": "Mine", "etag": made["etag"]}
    assert refused(local, "PATCH", f"{IAM}/roles/wayout", mine) == (409, "ABORTED", CONCURRENT)
    missing = f"The role named projects/{P}/roles/zork was not found."
    assert refused(local, "GET", f"{IAM}/roles/zork") == (404, "NOT_FOUND", missing)


# service accounts


def test_a_service_account_looks_as_recorded(local: LocalCloud) -> None:
    made = ok(local, "POST", f"{IAM}/serviceAccounts", {"accountId": "wayout", "serviceAccount": {}})
    assert made.keys() == {"email", "etag", "name", "oauth2ClientId", "projectId", "uniqueId"}
    assert (made["email"], made["projectId"]) == (EMAIL, P)
    assert made["name"] == f"projects/{P}/serviceAccounts/{EMAIL}"
    assert len(made["uniqueId"]) == len(made["oauth2ClientId"]) == 21
    assert ok(local, "GET", ACCOUNT) == made
    assert ok(local, "GET", f"iam/v1/projects/-/serviceAccounts/{EMAIL}") == made
    assert ok(local, "GET", f"{IAM}/serviceAccounts/{made['uniqueId']}") == made
    assert ok(local, "GET", f"{IAM}/serviceAccounts") == {"accounts": [made]}
    exists = f"Service account wayout already exists within project projects/{P}."
    again = refused(local, "POST", f"{IAM}/serviceAccounts", {"accountId": "wayout"})
    assert again == (409, "ALREADY_EXISTS", exists)
    assert ok(local, "DELETE", ACCOUNT) == {}
    assert refused(local, "GET", ACCOUNT) == (404, "NOT_FOUND", "Unknown service account")
    assert call(local, "GET", ACCOUNT).json()["error"]["errors"][0]["reason"] == "notFound"


@pytest.mark.parametrize("id_", ["short", "Upper-case", "ends-with-", "x" * 31])
def test_account_ids_have_a_form(local: LocalCloud, id_: str) -> None:
    assert refused(local, "POST", f"{IAM}/serviceAccounts", {"accountId": id_})[:2] == (400, "INVALID_ARGUMENT")


def test_the_policy_of_an_account_is_its_own(local: LocalCloud) -> None:
    ok(local, "POST", f"{IAM}/serviceAccounts", {"accountId": "wayout"})
    admin(local, "guard", project=P, owner=f"user:{OWNER}")
    assert ok(local, "POST", f"{ACCOUNT}:getIamPolicy") == {"etag": "ACAB"}
    bindings = [{"role": "roles/iam.serviceAccountUser", "members": [f"user:{ANN}"]}]
    body = {"policy": {"etag": "ACAB", "bindings": bindings}}
    assert ok(local, "POST", f"{ACCOUNT}:setIamPolicy", body)["bindings"] == bindings
    assert refused(local, "POST", f"{ACCOUNT}:setIamPolicy", body)[:2] == (409, "ABORTED")
    asked = {"permissions": ["iam.serviceAccounts.actAs", "iam.serviceAccounts.delete"]}
    found = ok(local, "POST", f"{ACCOUNT}:testIamPermissions", asked, ANN)
    assert found == {"permissions": ["iam.serviceAccounts.actAs"]}
    assert ok(local, "POST", f"{CRM}:testIamPermissions", {"permissions": ["run.jobs.get"]}, ANN) == {}


def test_a_deleted_accounts_bindings_name_nobody_even_if_its_name_comes_back(local: LocalCloud) -> None:
    made = ok(local, "POST", f"{IAM}/serviceAccounts", {"accountId": "wayout"})
    policy = policy_with(local, "roles/run.viewer", f"serviceAccount:{EMAIL}")
    ok(local, "POST", f"{CRM}:setIamPolicy", {"policy": policy})
    assert ok(local, "GET", f"{RUN}/jobs", who=EMAIL) == {}
    ok(local, "DELETE", ACCOUNT)
    ok(local, "POST", f"{IAM}/serviceAccounts", {"accountId": "wayout"})
    assert call(local, "GET", f"{RUN}/jobs", who=EMAIL).status_code == 403
    left = ok(local, "POST", f"{CRM}:getIamPolicy", {})["bindings"]
    gone = [f"deleted:serviceAccount:{EMAIL}?uid={made['uniqueId']}"]
    assert {"role": "roles/run.viewer", "members": gone} in left


@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not installed here")
def test_gcloud_makes_accounts_roles_and_bindings(tmp_path: Path) -> None:
    with LocalCloud(projects={P: NUMBER}, clock=Clock()) as local:
        shell = Shell(tmp_path / "gcloud", local, OWNER)
        shell.ok("iam service-accounts create wayout")
        shell.ok(f"iam roles create wayout --project={P} --title=Wayout --permissions=run.jobs.get,run.jobs.list")
        for role in (f"projects/{P}/roles/wayout", "roles/vpcaccess.viewer"):
            shell.ok(f"projects add-iam-policy-binding {P} --member=serviceAccount:{EMAIL} --role={role}")
        assert ask(local, "run.projects.locations.jobs.list", EMAIL).status_code == 200
        assert ask(local, "vpcaccess.projects.locations.connectors.create", EMAIL).status_code == 403
        user = "--member=user:ann@example.com --role=roles/iam.serviceAccountUser"
        shell.ok(f"iam service-accounts add-iam-policy-binding {EMAIL} {user}")
        assert admission.may_act_as(local.cloud, ANN, EMAIL, P)
        assert not admission.may_act_as(local.cloud, ANN, f"other@{P}.iam.gserviceaccount.com", P)
