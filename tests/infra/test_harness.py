"""Terraform's own tests run with the stub provider and without any, and a test that fails is heard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra.terraform import StubProvider, Terraform, TerraformError

EVERYTHING = Path(__file__).parent / "everything"

APPLIED = """
run "with_the_stub_provider" {
  assert {
    condition     = output.told.account == "my-account@my-project.iam.gserviceaccount.com"
    error_message = "The account is called ${output.told.account}."
  }
}
"""
MOCKED = """
mock_provider "google" {
  mock_resource "google_service_account" {
    defaults = { email = "mock@my-project.iam.gserviceaccount.com", member = "serviceAccount:mock" }
  }
  mock_data "google_storage_project_service_account" {
    defaults = { member = "serviceAccount:mock" }
  }
}

run "without_any_provider" {
  command = plan

  assert {
    condition     = google_pubsub_topic.dead.name == "dead"
    error_message = "The topic is called ${google_pubsub_topic.dead.name}."
  }
}
"""
CALLING = """
module "inner" {
  source = "../.."
  words  = "from outside"
}

output "told" {
  value = module.inner.told
}
"""


@pytest.fixture
def terraform(stub: StubProvider, tmp_path: Path) -> Terraform:
    """One of everything, not applied yet."""
    return Terraform.on_copy(EVERYTHING, tmp_path, stub)


def test_terraforms_own_tests_run_with_the_stub_and_with_a_mock(terraform: Terraform) -> None:
    (terraform.folder / "applied.tftest.hcl").write_text(APPLIED)
    (terraform.folder / "mocked.tftest.hcl").write_text(MOCKED)
    assert "2 passed, 0 failed" in terraform.test()


def test_a_test_that_fails_is_heard_in_its_own_words(terraform: Terraform) -> None:
    (terraform.folder / "applied.tftest.hcl").write_text(APPLIED.replace("my-account@", "other@"))
    with pytest.raises(TerraformError, match="The account is called my-account@"):
        terraform.test()


def test_no_test_at_all_is_no_success(terraform: Terraform) -> None:
    with pytest.raises(TerraformError, match="no test ran"):
        terraform.test()


def test_what_is_not_formatted_is_told(terraform: Terraform) -> None:
    (terraform.folder / "loose.tf").write_text('output "loose" { value=1 }\n')
    with pytest.raises(TerraformError, match=r"loose\.tf"):
        terraform.fmt()


def test_a_module_two_folders_up_is_found_without_a_network(stub: StubProvider, tmp_path: Path) -> None:
    example = tmp_path / EVERYTHING.name / "examples/one"
    example.mkdir(parents=True)
    (example / "main.tf").write_text(CALLING)
    terraform = Terraform.on_copy(EVERYTHING, tmp_path, stub, "examples/one")
    terraform.validate()
    assert terraform.plan()["planned_values"]["root_module"]["child_modules"]


def test_a_variable_that_nobody_declared_is_an_error(terraform: Terraform) -> None:
    with pytest.raises(TerraformError, match="undeclared variable"):
        terraform.apply(nobody="declared this")


def test_two_folders_have_a_cloud_each(stub: StubProvider, tmp_path: Path) -> None:
    for name in ("one", "two"):
        Terraform.on_copy(EVERYTHING, tmp_path / name, stub).apply()
