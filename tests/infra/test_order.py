"""What has to be there before what: APIs before all else, the doctor after all that he looks at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra import graph
from tests.infra.graph import Graph
from tests.infra.planted import Mistake, plant
from tests.infra.terraform import StubProvider
from tests.infra.test_infra import on_copy

HOME = "google_project_service.home"
DOCTOR = "terraform_data.doctor"
ORG_POLICY_API = "google_project_service.org_policy"
# What nothing depends on that the doctor looks at: who watches a deployment may come after it.
WATCHING = ("google_logging_metric.", "google_monitoring_", "google_org_policy_", ORG_POLICY_API, "data.")


def early(drawn: Graph) -> list[str]:
    """Resources that may be made before the APIs are enabled; data is read before anything is made."""
    made = [node for node in drawn if not node.startswith(("google_project_service.", "data."))]
    return [node for node in made if HOME not in graph.reached(drawn, node)]


def unseen(drawn: Graph) -> list[str]:
    """What may not be there yet when the doctor comes."""
    late = drawn.keys() - graph.reached(drawn, DOCTOR) - {DOCTOR}
    return sorted(node for node in late if not node.startswith(WATCHING))


@pytest.fixture(scope="module")
def drawn(stub: StubProvider, tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return graph.read(on_copy(stub, tmp_path_factory.mktemp("graph"), "."))


def test_every_resource_waits_for_the_apis(drawn: Graph) -> None:
    assert len(drawn) > 40
    assert early(drawn) == []


def test_the_doctor_comes_when_everything_that_he_looks_at_is_there(drawn: Graph) -> None:
    assert unseen(drawn) == []


def test_the_functions_are_spared_before_anybody_is_held_to_vpc_egress(drawn: Graph) -> None:
    before = graph.reached(drawn, "google_org_policy_policy.vpc_egress")
    assert {ORG_POLICY_API, "google_org_policy_policy.home"} <= before
    assert ORG_POLICY_API in graph.reached(drawn, "google_org_policy_policy.home")


def test_agents_are_there_before_anything_is_granted_to_them(drawn: Graph) -> None:
    grants = [node for node, grounds in drawn.items() if "data.google_project.service" in grounds]
    assert len(grants) == 3
    assert all("google_project_service.agent" in graph.reached(drawn, node) for node in grants)


WAITS = "\n  depends_on = [google_project_service.home]\n"
TOO_EARLY = [
    Mistake(
        "an account before the API of accounts, and all that is granted to it",
        "accounts.tf",
        f'"Builds the functions\' images from the bundle."\n{WAITS}',
        '"Builds the functions\' images from the bundle."\n',
        "google_project_iam_member.build",
    ),
    Mistake(
        "a bucket before the API of buckets",
        "bundle.tf",
        f"    enabled = true\n  }}\n{WAITS}",
        "    enabled = true\n  }\n",
        "google_storage_bucket.bundle",
    ),
]
TOO_LATE = [
    Mistake(
        "jobs of a Shared VPC whose agent may not look at its network yet",
        "doctor.tf",
        "    google_project_iam_member.run_agent_looks,\n",
        "",
        "google_project_iam_member.run_agent_looks",
    ),
    Mistake(
        "echoes that the functions may not answer yet",
        "doctor.tf",
        "    google_pubsub_topic_iam_member.runtime_tells,\n",
        "",
        "google_pubsub_topic_iam_member.runtime_tells",
    ),
    Mistake(
        "jobs whose accounts may not be acted as yet",
        "doctor.tf",
        "    google_service_account_iam_member.act_as,\n",
        "",
        "google_service_account_iam_member.act_as",
    ),
]


@pytest.mark.parametrize("mistake", TOO_EARLY, ids=lambda mistake: mistake.reason)
def test_what_does_not_wait_for_the_apis_is_found(mistake: Mistake, stub: StubProvider, tmp_path: Path) -> None:
    terraform = on_copy(stub, tmp_path, ".")
    plant(terraform.folder, mistake)
    assert mistake.named in early(graph.read(terraform))


@pytest.mark.parametrize("mistake", TOO_LATE, ids=lambda mistake: mistake.reason)
def test_what_the_doctor_does_not_wait_for_is_found(mistake: Mistake, stub: StubProvider, tmp_path: Path) -> None:
    terraform = on_copy(stub, tmp_path, ".")
    plant(terraform.folder, mistake)
    assert mistake.named in unseen(graph.read(terraform))
