"""Our own infrastructure: well written, valid, laid whole, changed in place, and gone without a trace."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.infra.deployed import made_ready
from tests.infra.terraform import REPOSITORY, StubProvider, Terraform

INFRA = REPOSITORY / "infra"
EXAMPLES = sorted(path.parent.relative_to(INFRA).as_posix() for path in INFRA.glob("examples/*/main.tf"))
ROOTS = (".", *EXAMPLES)


def on_copy(stub: StubProvider, into: Path, folder: str) -> Terraform:
    """A copy of everything, made ready as the README says: a bundle where `make bundle` puts it, and the command
    where `make setup` does, with a doctor who notes each visit."""
    made_ready(into, f"cat > /dev/null\necho visited >> {into}/visits")
    return Terraform.on_copy(INFRA, into, stub, folder)


def visits(into: Path) -> int:
    """How often the doctor came."""
    return len((into / "visits").read_text(encoding="utf-8").splitlines())


def test_there_are_examples() -> None:
    assert EXAMPLES == ["examples/one-project", "examples/organisation"]


def test_every_file_is_written_as_terraform_writes_it(stub: StubProvider, tmp_path: Path) -> None:
    on_copy(stub, tmp_path, ".").fmt()


@pytest.mark.parametrize("root", ROOTS)
def test_every_root_is_valid(root: str, stub: StubProvider, tmp_path: Path) -> None:
    on_copy(stub, tmp_path, root).validate()


def test_terraforms_own_tests_pass(stub: StubProvider, tmp_path: Path) -> None:
    on_copy(stub, tmp_path, ".").test()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_laid_stays_as_it_is_and_goes(example: str, stub: StubProvider, tmp_path: Path) -> None:
    terraform = on_copy(stub, tmp_path, example)
    assert {action for actions in terraform.changes().values() for action in actions} == {"create"}
    terraform.apply()
    assert visits(tmp_path) == 1
    assert terraform.changes() == {}
    terraform.destroy()
    assert terraform.ok("state", "list") == ""


ALL_OPTIONS: dict[str, Any] = {
    "project": "acme-egress",
    "region": "europe-west2",
    "policy": "examples/one-project/policy.yaml",
    "watch": {"folder": "5678", "organization": "1234"},
    "slack_channel": "#egress",
    "network_projects": ["acme-network", "acme-egress"],
    "job_service_accounts": ["orders@acme-orders.iam.gserviceaccount.com"],
    "shared_vpc": {"host": "acme-network", "service_projects": ["acme-orders"], "subnets": {"europe-west2": ["one"]}},
    "alerts": {"emails": ["network-team@acme.example"], "channels": ["projects/acme-ops/notificationChannels/1"]},
    "senders": ["serviceAccount:billing@acme-orders.iam.gserviceaccount.com"],
    "eventarc": True,
    "require_vpc_egress": ["all-traffic"],
    "ledger": {"days": 800, "locked": True},
    "sweep": {"paused": True},
    "labels": {"team": "network"},
}
FEWEST_OPTIONS: dict[str, Any] = {
    "project": "acme-egress",
    "region": "europe-west2",
    "policy": "examples/one-project/policy.yaml",
    "watch": {"projects": ["acme-apps"]},
    "doctor": "",
}
# Its project is not where anything belongs.
PROVIDER = 'provider "google" {\n  project = "another-project"\n}\n'
OF_WORTH = ("google_logging_project_bucket_config.", "google_pubsub_topic.", "google_secret_manager_secret.")
DOCTOR = {"terraform_data.doctor[0]": ["delete", "create"]}


@pytest.fixture(scope="module")
def options(stub: StubProvider, tmp_path_factory: pytest.TempPathFactory) -> Terraform:
    """The module by itself with every option used, applied."""
    terraform = on_copy(stub, tmp_path_factory.mktemp("options"), ".")
    (terraform.folder / "provider.tf").write_text(PROVIDER, encoding="utf-8")
    terraform.apply(**ALL_OPTIONS)
    return terraform


@pytest.fixture
def edited(options: Terraform, stub: StubProvider, tmp_path: Path) -> Terraform:
    """The same, where files may be edited."""
    terraform = on_copy(stub, tmp_path, ".")
    for name in ("provider.tf", "terraform.tfstate"):
        (terraform.folder / name).write_bytes((options.folder / name).read_bytes())
    return terraform


def test_every_option_is_one_of_the_module() -> None:
    declared = re.findall(r'^variable "(\w+)"', (INFRA / "variables.tf").read_text(encoding="utf-8"), re.MULTILINE)
    left = {"bundle", "doctor", "functions"}
    assert set(declared) == ALL_OPTIONS.keys() | left


def test_every_option_at_once_is_laid_whole(edited: Terraform) -> None:
    assert edited.changes(**ALL_OPTIONS) == {}


def test_every_resource_says_which_project_it_belongs_to(options: Terraform) -> None:
    assert "another-project" not in options.ok("show", "-json")


def test_from_every_option_to_the_fewest_nothing_of_worth_is_lost(edited: Terraform) -> None:
    changes = edited.changes(**FEWEST_OPTIONS)
    lost = {address for address, actions in changes.items() if "delete" in actions}
    assert 'google_logging_folder_sink.events["5678"]' in lost
    assert not [address for address in lost if address.startswith(OF_WORTH)]


def test_a_new_policy_takes_a_new_version_and_no_deployment(edited: Terraform) -> None:
    policy = edited.folder / ALL_OPTIONS["policy"]
    policy.write_text(policy.read_text(encoding="utf-8") + "# reviewed\n", encoding="utf-8")
    version = {"google_secret_manager_secret_version.policy": ["create", "delete"]}
    assert edited.changes(**ALL_OPTIONS) == version | DOCTOR


def test_a_new_bundle_deploys_each_function_in_place(edited: Terraform) -> None:
    (edited.folder.parent / "dist/wayout-bundle.zip").write_bytes(b"another bundle")
    changes = edited.changes(**ALL_OPTIONS)
    doors = [address for address in changes if address.startswith("google_cloudfunctions2_function.door")]
    bundle = {"google_storage_bucket_object.bundle": ["delete", "create"]}
    assert len(doors) == 4
    assert changes == bundle | DOCTOR | {address: ["update"] for address in doors}
