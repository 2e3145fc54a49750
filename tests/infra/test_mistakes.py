"""Mistakes in configuration that the stub provider knows by heart: each is noticed, in words that name it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra.planted import Mistake, complaint, plant
from tests.infra.terraform import StubProvider, Terraform

EVERYTHING = Path(__file__).parent / "everything"

MISTAKES = [
    Mistake(
        "an argument that does not exist is a typing error",
        "messages.tf",
        "ack_deadline_seconds ",
        "ack_deadline_second ",
        '"ack_deadline_second"',
    ),
    Mistake(
        "a block where an argument belongs",
        "messages.tf",
        'labels = { kind = "events" }',
        'labels {\n    kind = "events"\n  }',
        '"labels"',
    ),
    Mistake(
        "an argument where a block belongs",
        "service.tf",
        "versioning {\n    enabled = true\n  }",
        "versioning = { enabled = true }",
        '"versioning"',
    ),
    Mistake("a block that does not exist", "messages.tf", "retry_policy {", "retry_policies {", "retry_policies"),
    Mistake(
        "a word for a number",
        "messages.tf",
        "max_delivery_attempts = 30",
        'max_delivery_attempts = "many"',
        "max_delivery_attempts",
    ),
    Mistake(
        "a number for a truth value",
        "messages.tf",
        "unique_writer_identity = true",
        "unique_writer_identity = 3",
        "unique_writer_identity",
    ),
    Mistake(
        "one text where a list belongs",
        "identity.tf",
        'method_types   = ["CREATE"]',
        'method_types   = "CREATE"',
        "method_types",
    ),
    Mistake(
        "a list where a map belongs",
        "service.tf",
        'labels       = { email_address = "network-team@acme.example" }',
        'labels       = ["network-team@acme.example"]',
        "labels",
    ),
    Mistake(
        "a required argument is forgotten",
        "messages.tf",
        "  topic                      = google_pubsub_topic.events.id\n",
        "",
        '"topic"',
    ),
    Mistake(
        "a required argument is null, which reads as if it were given",
        "messages.tf",
        "topic                      = google_pubsub_topic.events.id",
        "topic                      = null",
        "topic",
    ),
    Mistake(
        "a required argument of a block is forgotten",
        "messages.tf",
        "    push_endpoint = google_cloudfunctions2_function.door.service_config[0].uri\n",
        "",
        '"push_endpoint"',
    ),
    Mistake(
        "a required block is forgotten",
        "service.tf",
        "  replication {\n    auto {}\n  }\n",
        "",
        "replication",
    ),
    Mistake(
        "a block twice that may be there once",
        "messages.tf",
        '  expiration_policy {\n    ttl = ""\n  }',
        '  expiration_policy {\n    ttl = ""\n  }\n  expiration_policy {\n    ttl = "86400s"\n  }',
        "expiration_policy",
    ),
    Mistake(
        "a resource that is not there",
        "messages.tf",
        "topic_name = google_pubsub_topic.events.id",
        "topic_name = google_pubsub_topic.event.id",
        '"google_pubsub_topic" "event"',
    ),
    Mistake(
        "an attribute that the type has not",
        "messages.tf",
        "dead_letter_topic     = google_pubsub_topic.dead.id",
        "dead_letter_topic     = google_pubsub_topic.dead.self_link",
        '"self_link"',
    ),
    Mistake(
        "a block's attribute without saying which of its blocks",
        "service.tf",
        "google_cloudfunctions2_function.door.service_config[0].service",
        "google_cloudfunctions2_function.door.service_config.service",
        "service_config",
    ),
    Mistake("a variable that is not declared", "service.tf", "WORDS = var.words", "WORDS = var.word", '"word"'),
    Mistake(
        "a type that does not exist",
        "service.tf",
        'resource "google_monitoring_dashboard"',
        'resource "google_monitoring_page"',
        "google_monitoring_page",
    ),
    Mistake(
        "what only the provider may decide",
        "messages.tf",
        'filter                 = "severity>=NOTICE"',
        'writer_identity        = "serviceAccount:me@acme.example"',
        "writer_identity",
    ),
    Mistake(
        "what only the provider may decide, in a block",
        "service.tf",
        'ingress_settings      = "ALLOW_INTERNAL_ONLY"',
        'uri                   = "https://door.acme.example"',
        "uri",
    ),
    Mistake(
        "a value that is not documented",
        "service.tf",
        '"ALLOW_INTERNAL_ONLY"',
        '"ALLOW_INTERNALLY"',
        "ingress_settings: 'ALLOW_INTERNALLY'",
    ),
    Mistake(
        "a documented value of another argument, deep inside",
        "service.tf",
        'comparison = "COMPARISON_GT"',
        'comparison = "OR"',
        "comparison: 'OR'",
    ),
    Mistake(
        "two ways to say what is uploaded",
        "service.tf",
        "source = data.archive_file.source.output_path",
        'source = data.archive_file.source.output_path\n  content = "hello"',
        "only one of content, source",
    ),
    Mistake(
        "no way to say what is uploaded",
        "service.tf",
        "source = data.archive_file.source.output_path",
        'content_type = "application/zip"',
        "one of content, source",
    ),
    Mistake(
        "a member without its kind",
        "identity.tf",
        '"user:somebody@acme.example"',
        '"somebody@acme.example"',
        "member: 'somebody@acme.example'",
    ),
    Mistake(
        "an account's name that is too long",
        "identity.tf",
        '"my-account"',
        '"the-account-that-everything-runs-as"',
        "account_id",
    ),
    Mistake(
        "a role's name with a hyphen",
        "identity.tf",
        'role_id     = "reader"\n  title       = "Reader"\n  permissions = ["run.jobs.get"]\n}\n\n'
        'resource "google_project_iam_member"',
        'role_id     = "the-reader"\n  title       = "Reader"\n  permissions = ["run.jobs.get"]\n}\n\n'
        'resource "google_project_iam_member"',
        "role_id: 'the-reader'",
    ),
    Mistake(
        "a secret in an output that everybody can read",
        "service.tf",
        "account  = google_service_account.runtime.email",
        "account  = google_secret_manager_secret_version.token.secret_data",
        "sensitive",
    ),
    Mistake(
        "no project, neither in the provider nor here",
        "main.tf",
        '  project        = "my-project"\n',
        "",
        "project: required field is not set",
    ),
    Mistake(
        "a circle: the topic waits for the subscription that waits for it",
        "messages.tf",
        'name = "dead"',
        "name = google_pubsub_subscription.events.name\n  labels = { of = google_pubsub_subscription.events.id }",
        "Cycle",
    ),
]


def test_without_a_mistake_nobody_complains(stub: StubProvider, tmp_path: Path) -> None:
    terraform = Terraform.on_copy(EVERYTHING, tmp_path, stub)
    assert complaint(terraform.validate, terraform.plan) == ""


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.reason)
def test_a_mistake_is_noticed_and_named(mistake: Mistake, stub: StubProvider, tmp_path: Path) -> None:
    terraform = Terraform.on_copy(EVERYTHING, tmp_path, stub)
    plant(terraform.folder, mistake)
    assert mistake.named in complaint(terraform.validate, terraform.plan)


def test_what_only_an_apply_can_know_is_refused_then(stub: StubProvider, tmp_path: Path) -> None:
    terraform = Terraform.on_copy(EVERYTHING, tmp_path, stub)
    email = 'google_service_account.runtime.email\n}\n\nresource "google_organization_iam_custom_role"'
    member = email.replace("email", "member")
    plant(terraform.folder, Mistake("an address for a member", "identity.tf", member, email, ""))
    assert complaint(terraform.validate, terraform.plan) == ""
    assert "member: 'my-account@" in complaint(terraform.apply)


def test_a_mistake_that_finds_no_place_is_no_test(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("# nothing\n")
    with pytest.raises(AssertionError, match="0 times"):
        plant(tmp_path, Mistake("", "main.tf", "something", "anything", ""))


def test_a_mistake_that_finds_two_places_is_no_test(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("# one one\n")
    with pytest.raises(AssertionError, match="2 times"):
        plant(tmp_path, Mistake("", "main.tf", "one", "two", ""))
