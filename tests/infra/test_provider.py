"""The stub provider does what the real one does: what it plans, makes, changes, replaces and refuses."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.infra.provider import schema, subset
from tests.infra.provider.schema import Document
from tests.infra.terraform import StubProvider, Terraform, TerraformError

EVERYTHING = Path(__file__).parent / "everything"
AGENT = "gcp-sa-logging.iam.gserviceaccount.com"


@pytest.fixture(scope="module")
def laid(stub: StubProvider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terraform]:
    """One of everything, applied. Who changes it works on a copy of their own."""
    terraform = Terraform.on_copy(EVERYTHING, tmp_path_factory.mktemp("laid"), stub)
    terraform.apply()
    yield terraform
    terraform.destroy()
    assert terraform.ok("state", "list") == ""


@pytest.fixture
def edited(laid: Terraform, stub: StubProvider, tmp_path: Path) -> Terraform:
    """What is laid, in a folder where it may be edited; plan there, and don't apply: its cloud knows of nothing."""
    terraform = Terraform.on_copy(EVERYTHING, tmp_path, stub)
    (terraform.folder / "terraform.tfstate").write_bytes((laid.folder / "terraform.tfstate").read_bytes())
    return terraform


def write(terraform: Terraform, file: str, old: str, new: str) -> None:
    """Edits a file; what it should hold, it has to hold."""
    path = terraform.folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_one_of_everything_is_laid() -> None:
    """Else a type could be in the schema that no test has ever seen applied."""
    text = "".join(path.read_text() for path in sorted(EVERYTHING.glob("*.tf")))
    known = [schema.read(path) for path in (schema.GOOGLE, schema.ARCHIVE)]
    assert set(re.findall(r'^resource "(\w+)"', text, re.MULTILINE)) == {t for each in known for t in each["resources"]}
    assert set(re.findall(r'^data "(\w+)"', text, re.MULTILINE)) == {t for each in known for t in each["data"]}


def test_everything_is_written_as_terraform_writes_it(laid: Terraform) -> None:
    laid.fmt()
    laid.validate()


def test_what_is_laid_stays_as_it_is(laid: Terraform) -> None:
    assert laid.second_plan_is_empty()


def test_values_of_the_cloud_have_the_form_of_the_real_ones(laid: Terraform) -> None:
    told = laid.outputs()["told"]
    assert told["account"] == "my-account@my-project.iam.gserviceaccount.com"
    assert told["folder"] == f"serviceAccount:service-folder-123456789012@{AGENT}"
    assert told["home"] == "my-project"
    assert told["labels"] == {"goog-terraform-provisioned": "true", "kind": "events", "owner": "network"}
    assert told["secret"] == "projects/my-project/secrets/token/versions/1"
    assert told["service"] == "projects/my-project/locations/europe-west2/services/door"
    assert told["topic"] == "projects/my-project/topics/events"
    assert re.fullmatch(r"https://door-[a-z0-9]+\.a\.run\.app", told["endpoint"])
    assert re.fullmatch(r"organizations/\d{12}/roles/reader", told["role"])
    assert re.fullmatch(r"serviceAccount:service-\d{12}@gcp-sa-pubsub\.iam\.gserviceaccount\.com", told["agent"])


def test_no_value_of_the_cloud_is_made_of_what_nobody_said(laid: Terraform) -> None:
    assert "any-" not in laid.ok("show", "-json")


def test_an_archive_really_is_one(laid: Terraform) -> None:
    path = laid.folder / "made/source.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.read("main.py") == b"hello"
    objects = [each for each in resources(laid) if each["type"] == "google_storage_bucket_object"]
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    assert [each["values"]["name"] for each in objects] == [f"source-{md5}.zip"]


def resources(terraform: Terraform) -> list[dict[str, Any]]:
    """What the state holds."""
    found: list[dict[str, Any]] = json.loads(terraform.ok("show", "-json"))["values"]["root_module"]["resources"]
    return found


class Edit(NamedTuple):
    """An edit of what is laid, what it does to whom, and why."""

    reason: str
    file: str
    old: str
    new: str
    done: dict[str, list[str]]


UPDATED, REPLACED, REMOVED = ["update"], ["delete", "create"], ["delete"]
EDITS = [
    Edit(
        "a deadline can be changed in place",
        "messages.tf",
        "= 600",
        "= 60",
        {"google_pubsub_subscription.events": UPDATED},
    ),
    Edit(
        "so can an argument of a block",
        "messages.tf",
        "max_delivery_attempts = 30",
        "max_delivery_attempts = 5",
        {"google_pubsub_subscription.events": UPDATED},
    ),
    Edit(
        "a block that goes is a change of its resource",
        "messages.tf",
        '  retry_policy {\n    minimum_backoff = "10s"\n  }\n',
        "",
        {"google_pubsub_subscription.events": UPDATED},
    ),
    Edit(
        "a subscription's filter cannot be changed, as Pub/Sub documents",
        "messages.tf",
        'name                       = "events"',
        'name                       = "events"\n  filter = "attributes.kind"',
        {"google_pubsub_subscription.events": REPLACED},
    ),
    Edit(
        "another dashboard is the same one, drawn anew",
        "service.tf",
        'displayName = "Door"',
        'displayName = "Doors"',
        {"google_monitoring_dashboard.page": UPDATED},
    ),
    Edit(
        "whoever names something else means something else",
        "service.tf",
        'repository_id = "images"',
        'repository_id = "pictures"',
        {"google_artifact_registry_repository.images": REPLACED},
    ),
    Edit(
        "a grant is who, what and where: no part of it changes without the others",
        "identity.tf",
        '"roles/compute.networkUser"',
        '"roles/compute.networkViewer"',
        {"google_compute_subnetwork_iam_member.use": REPLACED},
    ),
    Edit(
        "a label changes what all labels together are, and that is told at once",
        "messages.tf",
        'labels = { kind = "events" }',
        'labels = { kind = "entries" }',
        {"google_pubsub_topic.events": UPDATED, "output.told": UPDATED},
    ),
    Edit(
        "what is not there any more is removed",
        "service.tf",
        'resource "google_artifact_registry_repository" "images" {\n  repository_id = "images"\n'
        '  format        = "DOCKER"\n}\n',
        "",
        {"google_artifact_registry_repository.images": REMOVED},
    ),
    Edit(
        "whoever refers to what is replaced is replaced with it, where it cannot be changed",
        "service.tf",
        'secret_id = "token"',
        'secret_id = "key"',
        {
            "google_secret_manager_secret.token": REPLACED,
            "google_secret_manager_secret_version.token": REPLACED,
            "google_secret_manager_secret_iam_member.reads": REPLACED,
            "google_cloudfunctions2_function.door": UPDATED,
            "output.told": UPDATED,
        },
    ),
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.reason)
def test_an_edit_does_what_it_would_do_in_earnest(edit: Edit, edited: Terraform) -> None:
    write(edited, edit.file, edit.old, edit.new)
    assert edited.changes() == edit.done


def test_the_providers_own_labels_reach_whatever_takes_labels(edited: Terraform) -> None:
    write(edited, "main.tf", 'owner = "network"', 'owner = "platform"')
    changes = edited.changes()
    assert changes["google_pubsub_topic.dead"] == UPDATED
    assert "google_service_account.runtime" not in changes


def test_a_new_version_of_a_secret_has_the_next_number(stub: StubProvider, tmp_path: Path) -> None:
    terraform = Terraform.on_copy(EVERYTHING, tmp_path, stub)
    write(
        terraform, "service.tf", "= var.words\n", "= var.words\n  lifecycle {\n    create_before_destroy = true\n  }\n"
    )
    terraform.apply()
    terraform.apply(words="something else")
    assert terraform.outputs()["told"]["secret"] == "projects/my-project/secrets/token/versions/2"
    assert terraform.second_plan_is_empty()


def test_what_is_there_already_is_not_made_again(stub: StubProvider, tmp_path: Path) -> None:
    terraform = Terraform.on_copy(EVERYTHING, tmp_path, stub)
    (terraform.folder / "again.tf").write_text('resource "google_pubsub_topic" "again" {\n  name = "dead"\n}\n')
    with pytest.raises(TerraformError, match="409: google_pubsub_topic projects/my-project/topics/dead already exists"):
        terraform.apply()


def test_a_subset_holds_what_it_is_asked_for_and_nothing_else() -> None:
    kept: Document = {"block": {"attributes": {}}}
    left: Document = {"block": {}}
    provider = {
        "provider": {"block": {}},
        "resource_schemas": {"a_kept": kept, "a_left": left},
        "data_source_schemas": {"a_kept": left, "a_read": kept},
    }
    cut = subset.cut({"x_provider_version": "1.2.3", "provider_schemas": {"a": provider}}, ["a_kept", "data.a_read"])
    assert cut["resources"] == {"a_kept": kept}
    assert cut["data"] == {"a_read": kept}
    assert subset.types_of(cut) == ["a_kept", "data.a_read"]
