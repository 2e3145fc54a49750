"""Which APIs are enabled, asked and changed through Service Usage, and what calls then meet."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from localcloud.clock import Clock
from localcloud.server import LocalCloud
from localcloud.serviceusage import KNOWN, SERVED
from tests.localcloud.guarded import CRM, NUMBER, OWNER, RUN, USAGE, P, admin, call
from tests.test_gcloud import Shell

SERVICES = f"{USAGE}/services"
PARENT = f"projects/{NUMBER}"
TYPE = "type.googleapis.com/google.api.serviceusage.v1"


@pytest.fixture
def local() -> Iterator[LocalCloud]:
    """Its time stands still unless somebody waits for it."""
    with LocalCloud(projects={P: NUMBER, "other": "210987654321"}, clock=Clock(idle=False)) as found:
        found.cloud.checks_answers = True
        yield found


def ok(local: LocalCloud, verb: str, path: str, body: Any = None) -> Any:
    answer = call(local, verb, path, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def done(local: LocalCloud, path: str, body: Any) -> Any:
    """A switching, waited for: its last body."""
    begun = ok(local, "POST", f"{SERVICES}{path}", body)
    found = ok(local, "GET", f"serviceusage/v1/{begun['name']}")
    assert found["done"]
    return found


def state(local: LocalCloud, service: str) -> str:
    found: str = ok(local, "GET", f"{SERVICES}/{service}")["state"]
    return found


def test_a_service_is_read_by_project_id_or_number(local: LocalCloud) -> None:
    found = ok(local, "GET", f"{SERVICES}/run.googleapis.com")
    assert found == {
        "name": f"{PARENT}/services/run.googleapis.com",
        "parent": PARENT,
        "config": {"name": "run.googleapis.com", "title": "Cloud Run Admin API"},
        "state": "ENABLED",
    }
    assert ok(local, "GET", f"serviceusage/v1/{found['name']}") == found


def test_services_are_listed_by_state_page_by_page(local: LocalCloud) -> None:
    done(local, "/dns.googleapis.com:disable", {})

    def names(query: str) -> list[str]:
        return [one["config"]["name"] for one in ok(local, "GET", f"{SERVICES}{query}")["services"]]

    assert names("") == sorted(KNOWN)
    assert set(names("?filter=state:ENABLED")) == set(SERVED) - {"dns.googleapis.com"}
    assert set(names("?filter=state:DISABLED")) == set(KNOWN) - set(SERVED) | {"dns.googleapis.com"}
    page = ok(local, "GET", f"{SERVICES}?pageSize=3")
    rest = names(f"?pageToken={page['nextPageToken']}")
    assert [one["config"]["name"] for one in page["services"]] + rest == sorted(KNOWN)
    assert call(local, "GET", f"{SERVICES}?filter=name:run").status_code == 400


def test_a_disabled_service_refuses_until_it_is_enabled_again(local: LocalCloud) -> None:
    switched = done(local, "/run.googleapis.com:disable", {})
    assert switched["response"]["@type"] == f"{TYPE}.DisableServiceResponse"
    assert switched["response"]["service"]["state"] == "DISABLED"
    assert switched["metadata"]["resourceNames"] == [f"{PARENT}/services/run.googleapis.com"]
    error = call(local, "GET", f"{RUN}/jobs").json()["error"]
    assert (error["code"], error["details"][0]["reason"]) == (403, "SERVICE_DISABLED")
    assert error["message"].startswith(f"Cloud Run Admin API has not been used in project {NUMBER} before or it is dis")
    assert call(local, "GET", RUN.replace(P, "other") + "/jobs").status_code == 200, "in this project only"
    assert done(local, "/run.googleapis.com:enable", {})["response"]["service"]["state"] == "ENABLED"
    assert call(local, "GET", f"{RUN}/jobs").status_code == 200


def test_the_admin_surface_and_the_api_say_the_same(local: LocalCloud) -> None:
    admin(local, "services", project=P, service="compute", enabled=False)
    assert state(local, "compute.googleapis.com") == "DISABLED"
    done(local, "/compute.googleapis.com:enable", {})
    assert call(local, "GET", f"compute/compute/v1/projects/{P}/global/networks").status_code == 200


def test_what_is_enabled_already_is_done_at_once(local: LocalCloud) -> None:
    found = ok(local, "POST", f"{SERVICES}/run.googleapis.com:enable", {})
    assert (found["name"], found["done"]) == ("operations/noop.DONE_OPERATION", True)
    assert found["response"]["service"]["state"] == "ENABLED"
    assert ok(local, "GET", "serviceusage/v1/operations/noop.DONE_OPERATION")["done"]


def test_several_services_are_enabled_in_one_operation(local: LocalCloud) -> None:
    for service in ("dns.googleapis.com", "pubsub.googleapis.com"):
        done(local, f"/{service}:disable", {})
    services = ["dns.googleapis.com", "pubsub.googleapis.com", "eventarc.googleapis.com"]
    found = done(local, ":batchEnable", {"serviceIds": services})
    assert found["response"]["@type"] == f"{TYPE}.BatchEnableServicesResponse"
    assert [one["state"] for one in found["response"]["services"]] == ["ENABLED"] * 3
    names = "&".join(f"names=projects/{P}/services/{one}" for one in services)
    read = ok(local, "GET", f"{SERVICES}:batchGet?{names}")["services"]
    assert [(one["config"]["name"], one["state"]) for one in read] == [(one, "ENABLED") for one in services]


def test_a_service_that_is_not_served_has_a_state_all_the_same(local: LocalCloud) -> None:
    assert state(local, "secretmanager.googleapis.com") == "DISABLED"
    done(local, "/secretmanager.googleapis.com:enable", {})
    assert state(local, "secretmanager.googleapis.com") == "ENABLED"
    done(local, "/secretmanager.googleapis.com:disable", {})
    assert state(local, "secretmanager.googleapis.com") == "DISABLED"


def test_one_switching_at_a_time_in_each_project(local: LocalCloud) -> None:
    begun = ok(local, "POST", f"{SERVICES}/run.googleapis.com:disable", {})
    assert "done" not in begun
    assert state(local, "run.googleapis.com") == "ENABLED", "not yet"
    error = call(local, "POST", f"{SERVICES}/dns.googleapis.com:disable", {}).json()["error"]
    assert (error["code"], error["message"]) == (400, "Another activation or deactivation is in progress")
    elsewhere = "serviceusage/v1/projects/other/services/dns.googleapis.com:disable"
    assert call(local, "POST", elsewhere, {}).status_code == 200
    assert ok(local, "GET", f"serviceusage/v1/{begun['name']}")["done"]
    assert state(local, "run.googleapis.com") == "DISABLED"
    assert call(local, "POST", f"{SERVICES}/dns.googleapis.com:disable", {}).status_code == 200


@pytest.mark.parametrize(
    ("verb", "path", "body", "error"),
    [
        pytest.param(
            "GET",
            "/zork.googleapis.com",
            None,
            (403, "Not found or permission denied for service(s): zork.googleapis.com."),
            id="no such service",
        ),
        pytest.param(
            "POST",
            ":batchEnable",
            {"serviceIds": ["run.googleapis.com", "zork.googleapis.com"]},
            (403, "Not found or permission denied for service(s): zork.googleapis.com."),
            id="one of several",
        ),
        pytest.param(
            "POST",
            "/eventarc.googleapis.com:disable",
            {},
            (400, f"The service eventarc.googleapis.com is not enabled for project {NUMBER} so it cannot be disabled."),
            id="not enabled",
        ),
        pytest.param(
            "POST",
            ":batchEnable",
            {"serviceIds": ["run.googleapis.com"] * 21},
            (400, "service_ids: 1 to 20 services can be enabled in one batch, not 21."),
            id="too many",
        ),
    ],
)
def test_switchings_that_are_refused(
    local: LocalCloud, verb: str, path: str, body: Any, error: tuple[int, str]
) -> None:
    answer = call(local, verb, f"{SERVICES}{path}", body)
    assert (answer.status_code, answer.json()["error"]["message"]) == error


def test_an_operation_that_was_never_started_is_not_found(local: LocalCloud) -> None:
    assert call(local, "GET", "serviceusage/v1/operations/acf.none").status_code == 404


def test_a_disabled_resource_manager_says_so_in_its_shape(local: LocalCloud) -> None:
    done(local, "/cloudresourcemanager.googleapis.com:disable", {})
    error = call(local, "GET", CRM).json()["error"]
    assert error["message"].startswith("Cloud Resource Manager API has not been used in project")
    assert error["errors"][0]["reason"] == "accessNotConfigured"


@pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not installed here")
def test_gcloud_lists_disables_and_enables(tmp_path: Path) -> None:
    with LocalCloud(projects={P: NUMBER}, clock=Clock()) as local:
        shell = Shell(tmp_path / "gcloud", local, OWNER)
        shell.ok("services disable dns.googleapis.com")
        enabled = shell.ok("services list --enabled --format=value(config.name)").split()
        assert set(enabled) == set(SERVED) - {"dns.googleapis.com"}
        assert "finished successfully" in shell.ok("services enable dns.googleapis.com eventarc.googleapis.com")
        assert local.cloud.disabled == set()
