"""Mistakes that somebody may make in our infrastructure: Terraform, or its own tests, notice each before an apply."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra.planted import Mistake, complaint, plant
from tests.infra.terraform import StubProvider
from tests.infra.test_infra import on_copy

# Noticed when the bigger example is validated and planned.
MISTAKES = [
    Mistake(
        "a deadline by another name: deliveries would be given up after ten seconds",
        "subscriptions.tf",
        "ack_deadline_seconds       = 600",
        "ack_deadline               = 600",
        '"ack_deadline"',
    ),
    Mistake(
        "pushes without an identity: the functions refuse them",
        "subscriptions.tf",
        "      service_account_email = google_service_account.invoker.email\n",
        "",
        '"service_account_email"',
    ),
    Mistake(
        "a topic that is not there",
        "subscriptions.tf",
        "topic   = google_pubsub_topic.flow[each.key].id",
        "topic   = google_pubsub_topic.flows[each.key].id",
        '"flows"',
    ),
    Mistake(
        "a flow that is not there",
        "schedule.tf",
        'google_pubsub_topic.flow["sweep"].id',
        'google_pubsub_topic.flow["sweeps"].id',
        "google_pubsub_topic.flow",
    ),
    Mistake(
        "an account by its address where its full name belongs: nobody could act as it",
        "accounts.tf",
        '"projects/-/serviceAccounts/${each.key}"',
        "each.key",
        "service_account_id",
    ),
    Mistake(
        "a member without its kind",
        "dead_letters.tf",
        '"serviceAccount:service-',
        '"service-',
        "member: 'service-",
    ),
    Mistake(
        "an attribute that a sink has not",
        "sink.tf",
        "each.value.writer_identity",
        "each.value.writer",
        "writer",
    ),
    Mistake(
        "doors open to what Google has no word for",
        "functions.tf",
        '"ALLOW_INTERNAL_ONLY"',
        '"INTERNAL_ONLY"',
        "ingress_settings: 'INTERNAL_ONLY'",
    ),
    Mistake(
        "a block's attribute without saying which of its blocks",
        "functions.tf",
        "each.value.service_config[0].service",
        "each.value.service_config.service",
        "service_config",
    ),
    Mistake(
        "a setting that is a list",
        "functions.tf",
        "SLACK_CHANNEL         = var.slack_channel",
        "SLACK_CHANNEL         = [var.slack_channel]",
        "environment_variables",
    ),
    Mistake(
        "a custom role with a hyphen, which IAM refuses",
        "roles.tf",
        'role_id     = "wayout_${each.value.role}"',
        'role_id     = "wayout-${each.value.role}"',
        "role_id",
    ),
    Mistake(
        "a role that the file of roles has not",
        "roles.tf",
        'role = "network" }',
        'role = "networks" }',
        "networks",
    ),
    Mistake("a secret that is kept nowhere", "slack.tf", "  replication {\n    auto {}\n  }\n", "", "replication"),
    Mistake(
        "a ledger of as many days as nobody said",
        "ledger.tf",
        "retention_days = var.ledger.days",
        "retention_days = var.ledger.day",
        '"day"',
    ),
    Mistake(
        "an alert that compares in its own words",
        "alerts.tf",
        'comparison      = "COMPARISON_GT"\n      threshold_value = each',
        'comparison      = "GREATER"\n      threshold_value = each',
        "comparison: 'GREATER'",
    ),
    Mistake(
        "a grant on no subnet in particular",
        "shared_vpc.tf",
        "  subnetwork = each.value.subnet\n",
        "",
        '"subnetwork"',
    ),
    Mistake(
        "an agent that nobody has",
        "shared_vpc.tf",
        'for agent in ["vpcaccess", "apis", "run"]',
        'for agent in ["vpcaccess", "apis", "gcf"]',
        "local._agents",
    ),
    Mistake(
        "a variable that the examples don't give any more",
        "variables.tf",
        "  type        = string\n  default     = null\n",
        "  type        = string\n",
        '"doctor"',
    ),
    Mistake(
        "a provider that does not exist",
        "versions.tf",
        '"hashicorp/google"',
        '"hashicorp/gogle"',
        "gogle",
    ),
    Mistake(
        "an example that watches nobody",
        "examples/organisation/terraform.tfvars",
        'watch         = { organization = "123456789012" }',
        "watch         = {}",
        "name at least one project",
    ),
    Mistake(
        "a value that nobody filled in",
        "examples/organisation/terraform.tfvars",
        'region        = "europe-west2"\n',
        "",
        '"region"',
    ),
    Mistake(
        "a value by a name that the example has not",
        "examples/organisation/terraform.tfvars",
        "slack_channel = ",
        "channel       = ",
        '"slack_channel"',
    ),
    Mistake(
        "an example with a variable that the module has not",
        "examples/organisation/main.tf",
        "network_projects     = ",
        "host_projects        = ",
        '"host_projects"',
    ),
    Mistake(
        "an example that tells what the module does not",
        "examples/organisation/main.tf",
        "module.wayout.next_step",
        "module.wayout.next_steps",
        '"next_steps"',
    ),
]

# Valid, and wrong: Terraform's own tests of our module notice these.
BLUNDERS = [
    Mistake(
        "only the folder's own jobs would be seen, and none below it",
        "sink.tf",
        "  folder           = each.value\n  name             = local._sink.name\n"
        "  description      = local._sink.description\n  destination      = local._sink.destination\n"
        "  filter           = local._filter\n  include_children = true\n",
        "  folder           = each.value\n  name             = local._sink.name\n"
        "  description      = local._sink.description\n  destination      = local._sink.destination\n"
        "  filter           = local._filter\n  include_children = false\n",
        "the folder's sink, with its children",
    ),
    Mistake(
        "every function would hold Slack's token",
        "functions.tf",
        'each.key == "on_outcome" && var.slack_channel',
        "var.slack_channel",
        "only on_outcome holds the token",
    ),
    Mistake(
        "the organisation's policy would refuse Wayout's own functions",
        "org_policy.tf",
        'allow_all = "TRUE"',
        'allow_all = "FALSE"',
        "Wayout's functions would be refused",
    ),
    Mistake(
        "the networks' role would be missing where the networks are",
        "roles.tf",
        "for project in local._network_projects :",
        "for project in local._projects :",
        "the network's role where the networks are",
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.reason)
def test_a_mistake_is_noticed_and_named(mistake: Mistake, stub: StubProvider, tmp_path: Path) -> None:
    terraform = on_copy(stub, tmp_path, "examples/organisation")
    plant(tmp_path / "infra", mistake)
    assert mistake.named in complaint(terraform.validate, terraform.plan)


@pytest.fixture(scope="module")
def noticed(stub: StubProvider, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What our tests say to all blunders at once: each is another test's, and one run of them takes seconds."""
    terraform = on_copy(stub, tmp_path_factory.mktemp("blunders"), ".")
    for mistake in BLUNDERS:
        plant(terraform.folder, mistake)
    terraform.validate()
    return complaint(lambda: terraform.test("-filter=tests/scopes.tftest.hcl"))


@pytest.mark.parametrize("mistake", BLUNDERS, ids=lambda mistake: mistake.reason)
def test_a_blunder_is_noticed_by_terraforms_own_tests(mistake: Mistake, noticed: str) -> None:
    assert mistake.named in noticed
