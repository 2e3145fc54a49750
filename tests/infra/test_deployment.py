"""What a deployment of ours lets whom do, and what becomes of its messages; read from what Terraform applied."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from functions import main
from tests.infra import deployed
from tests.infra.deployed import EXAMPLES, Deployed
from tests.infra.terraform import REPOSITORY, StubProvider
from wayout.cloud.settings import Settings
from wayout.egress.health import laid as health
from wayout.egress.health.deployment import parse
from wayout.egress.remedies import nat

ROLES = yaml.safe_load((REPOSITORY / "infra" / "roles.yaml").read_text(encoding="utf-8"))
IMPERSONATING = ("iam.serviceAccountUser", "iam.serviceAccountTokenCreator", "iam.workloadIdentityUser")
GRANTED = {
    "roles/iam.serviceAccountUser": "on each named account of a job",
    "roles/pubsub.publisher": "on the topic of outcomes",
    "roles/secretmanager.secretAccessor": "on the policy and on Slack's token",
}


@pytest.fixture(scope="module", params=EXAMPLES)
def deployment(
    request: pytest.FixtureRequest, stub: StubProvider, tmp_path_factory: pytest.TempPathFactory
) -> Deployed:
    return deployed.apply(request.param, tmp_path_factory.mktemp(request.param), stub)


# who may do what


def test_only_the_push_identity_may_call_the_functions(deployment: Deployed) -> None:
    invoker = deployment.one("google_service_account.invoker")["member"]
    callers = {values["member"] for values in deployment.all("google_cloud_run_v2_service_iam_member").values()}

    assert callers == {invoker}
    assert {values["role"] for _, values in deployment.members() if values["member"] == invoker} == {
        "roles/run.invoker"
    }


def test_nothing_is_granted_to_everybody(deployment: Deployed) -> None:
    assert not [at for at, values in deployment.members() if "allUsers" in values["member"] or "allAuth" in str(values)]


def test_nobody_may_act_as_every_account_of_a_project(deployment: Deployed) -> None:
    wide = ("google_project_iam_member", "google_folder_iam_member", "google_organization_iam_member")
    roles = {values["role"] for values in deployment.all(*wide).values()}

    assert not [role for role in roles if role.removeprefix("roles/") in IMPERSONATING]
    assert not [role for role in roles if role in ("roles/owner", "roles/editor", "roles/viewer")]
    for kind in ("google_project_iam_custom_role", "google_organization_iam_custom_role"):
        for values in deployment.all(kind).values():
            assert not [one for one in values["permissions"] if one.startswith("iam.")]


def test_the_runtime_account_has_its_custom_roles_and_grants_on_single_things(deployment: Deployed) -> None:
    runtime = deployment.one("google_service_account.runtime")["member"]
    roles = {values["role"] for _, values in deployment.members() if values["member"] == runtime}

    custom = {role for role in roles if not role.startswith("roles/")}
    assert roles - custom <= GRANTED.keys()
    assert {role.rsplit("/", 1)[-1] for role in custom} == {"wayout_workload", "wayout_network", "wayout_home"}


def test_the_custom_roles_hold_what_the_roles_file_lists_and_nothing_else(deployment: Deployed) -> None:
    kinds = ("google_project_iam_custom_role", "google_organization_iam_custom_role")
    for values in deployment.all(*kinds).values():
        listed = ROLES[values["role_id"].removeprefix("wayout_")]["permissions"]
        assert sorted(values["permissions"]) == sorted(listed), values["role_id"]


def test_acting_as_an_account_is_granted_on_that_account(deployment: Deployed) -> None:
    for values in deployment.all("google_service_account_iam_member").values():
        assert values["role"] == "roles/iam.serviceAccountUser"
        assert re.fullmatch(r"projects/-/serviceAccounts/[^/@]+@[^/@]+", values["service_account_id"])


def test_the_sinks_writer_and_the_pubsub_agent_may_publish_where_they_must(deployment: Deployed) -> None:
    topics = deployment.all("google_pubsub_topic_iam_member").values()
    grants = {(one["topic"], one["member"]) for one in topics if one["role"] == "roles/pubsub.publisher"}
    sinks = deployment.all("google_logging_project_sink", "google_logging_organization_sink")
    writers = {one["writer_identity"] for one in sinks.values() if one["name"] == "wayout"}

    assert writers
    assert {("wayout-events", one) for one in writers} <= grants
    (agent,) = [member for topic, member in grants if topic == "wayout-dead"]
    assert re.fullmatch(r"serviceAccount:service-[0-9]+@gcp-sa-pubsub\.iam\.gserviceaccount\.com", agent)


# what becomes of a message


def test_every_subscription_but_the_dead_letters_own_has_a_dead_letter(deployment: Deployed) -> None:
    dead = deployment.one("google_pubsub_topic.dead")["id"]
    taken = {one["subscription"] for one in deployment.all("google_pubsub_subscription_iam_member").values()}
    for values in deployment.all("google_pubsub_subscription").values():
        if values["topic"] == dead:
            continue
        (letters,) = values["dead_letter_policy"]
        assert letters == {"dead_letter_topic": dead, "max_delivery_attempts": 30}
        assert values["name"] in taken, "Pub/Sub's agent cannot acknowledge what it buries"


def test_dead_letters_are_kept_for_a_month(deployment: Deployed) -> None:
    values = deployment.one("google_pubsub_subscription.dead")

    assert values["message_retention_duration"] == "2678400s"
    assert not values["push_config"]


def test_no_subscription_expires(deployment: Deployed) -> None:
    found = deployment.all("google_pubsub_subscription").values()

    assert all(one["expiration_policy"] == [{"ttl": ""}] for one in found)


def test_pushes_are_signed_patient_and_come_again(deployment: Deployed) -> None:
    invoker = deployment.one("google_service_account.invoker")["email"]
    doors = {one["service_config"][0]["uri"] for one in deployment.all("google_cloudfunctions2_function").values()}
    pushes = [one for one in deployment.all("google_pubsub_subscription").values() if one["push_config"]]
    for values in pushes:
        (push,) = values["push_config"]
        (token,) = push["oidc_token"]
        uri = token["audience"]
        assert push["push_endpoint"] == f"{uri}/{values['topic']}?pubsub_trigger=true"
        assert token["service_account_email"] == invoker
        assert values["ack_deadline_seconds"] == 600
        assert values["retry_policy"] == [{"minimum_backoff": "10s", "maximum_backoff": "600s"}]
        doors.discard(uri)

    assert not doors, "functions that nobody delivers to"


# the functions


def test_there_is_one_function_for_each_door(deployment: Deployed) -> None:
    found = deployment.all("google_cloudfunctions2_function").values()

    assert sorted(one["build_config"][0]["entry_point"] for one in found) == sorted(main.__all__)


def test_the_settings_of_the_functions_are_ones_that_they_read(deployment: Deployed) -> None:
    known = {str(field.validation_alias) for field in Settings.model_fields.values()} | {"THREADS", "MALLOC_ARENA_MAX"}
    for values in deployment.all("google_cloudfunctions2_function").values():
        config = values["service_config"][0]
        assert config["environment_variables"].keys() <= known
        settings = Settings.from_env(config["environment_variables"])
        assert settings.principal == config["service_account_email"]
        assert settings.instances == 3 * config["max_instance_count"], "each keeps to its part of Google's quotas"
        (volume,) = config["secret_volumes"]
        (version,) = volume["versions"]
        assert settings.policy == f"{volume['mount_path']}/{version['path']}"
        assert version["version"] == "latest"


def test_the_functions_give_up_before_the_platform_does_and_that_before_pubsub(deployment: Deployed) -> None:
    for values in deployment.all("google_cloudfunctions2_function").values():
        config = values["service_config"][0]
        budget = float(config["environment_variables"]["WAYOUT_BUDGET_SECONDS"])
        assert budget < config["timeout_seconds"] == 540 < 600
        assert config["ingress_settings"] == "ALLOW_INTERNAL_ONLY"
        assert config["environment_variables"]["THREADS"] == str(config["max_instance_request_concurrency"])


def test_the_runtime_is_a_python_that_the_project_supports(deployment: Deployed) -> None:
    supported = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    low, high = re.findall(r"3\.(\d+)", supported)
    for values in deployment.all("google_cloudfunctions2_function").values():
        minor = int(values["build_config"][0]["runtime"].removeprefix("python3"))
        assert int(low) <= minor < int(high)


# secrets, and the end of the apply


def test_slacks_token_is_never_in_terraforms_state(deployment: Deployed) -> None:
    versions = deployment.all("google_secret_manager_secret_version")

    assert [at.rsplit(".", 1)[-1] for at in versions] == ["policy"]


def test_the_doctor_is_given_the_deployment_that_the_output_tells(deployment: Deployed) -> None:
    assert json.loads(deployment.doctored.read_text(encoding="utf-8")) == deployment.terraform.outputs()["deployment"]


def test_the_output_is_a_deployment_that_the_doctor_reads(deployment: Deployed) -> None:
    said = json.dumps(deployment.terraform.outputs()["deployment"])

    assert parse(said).functions.on_outcome.startswith("https://")


def test_the_doctor_wants_subscriptions_as_they_are_laid(deployment: Deployed) -> None:
    names = {one["name"]: one for one in deployment.all("google_pubsub_subscription").values()}
    pulled = {"dead": names.pop("wayout-dead"), "doctor": names.pop("wayout-doctor")}

    assert {flow: one["ack_deadline_seconds"] for flow, one in pulled.items()} == health.DEADLINES
    assert {one["ack_deadline_seconds"] for one in names.values()} == {health.DEADLINE}
    assert [pulled["doctor"]["dead_letter_policy"][0]["max_delivery_attempts"]] == [health.ATTEMPTS]
    low, high = (f"{seconds:g}s" for seconds in health.RETRY)
    for one in names.values():
        assert one["retry_policy"] == [{"minimum_backoff": low, "maximum_backoff": high}]
        assert one["dead_letter_policy"][0]["max_delivery_attempts"] == health.ATTEMPTS


def test_the_doctor_is_told_every_sink(deployment: Deployed) -> None:
    kinds = ("google_logging_project_sink", "google_logging_folder_sink", "google_logging_organization_sink")
    laid = [one for one in deployment.all(*kinds).values() if one["name"] == "wayout"]
    said = parse(json.dumps(deployment.terraform.outputs()["deployment"]))

    owners = [one.get("project") or one.get("folder") or one["org_id"] for one in laid]
    assert sorted(name.split("/")[1] for name in said.sinks) == sorted(owners)
    assert {name.rsplit("/", 1)[-1] for name in said.sinks} == {"wayout"}


def test_the_doctor_is_told_the_accounts_that_jobs_run_as(deployment: Deployed) -> None:
    granted = deployment.all("google_service_account_iam_member").values()
    told = parse(json.dumps(deployment.terraform.outputs()["deployment"])).job_service_accounts

    assert sorted(f"projects/-/serviceAccounts/{one}" for one in told) == sorted(
        one["service_account_id"] for one in granted
    )


def test_nothing_is_left_to_do_after_an_apply(deployment: Deployed) -> None:
    assert deployment.terraform.changes() == {}


def test_the_ledger_is_kept_for_four_hundred_days(deployment: Deployed) -> None:
    bucket = deployment.one("google_logging_project_bucket_config.ledger")
    sink = deployment.one("google_logging_project_sink.ledger")

    assert bucket["retention_days"] == 400
    assert sink["destination"].endswith(f"/buckets/{bucket['bucket_id']}")
    environment = deployment.one('google_cloudfunctions2_function.door["on_request"]')["service_config"][0]
    assert sink["filter"] == f'log_id("{environment["environment_variables"]["WAYOUT_LEDGER_LOG"]}")'


def test_what_matters_is_on_the_dashboard_and_alerted_on(deployment: Deployed) -> None:
    page = json.loads(deployment.one("google_monitoring_dashboard.wayout")["dashboard_json"])
    drawn = json.dumps(page)
    metrics: list[Any] = [one["name"] for one in deployment.all("google_logging_metric").values()]

    assert all(f"logging.googleapis.com/user/{name}" in drawn for name in metrics)
    for builtin in ("num_undelivered_messages", "oldest_unacked_message_age", "nat/dropped_sent_packets_count"):
        assert builtin in drawn
        assert any(builtin in json.dumps(one) for one in deployment.all("google_monitoring_alert_policy").values())


def test_no_alert_needs_a_metric_that_the_same_apply_makes(deployment: Deployed) -> None:
    """Cloud Monitoring answers 404 to a filter on one, for minutes."""
    for at, values in deployment.all("google_monitoring_alert_policy").items():
        (condition,) = values["conditions"]
        for one in condition["condition_threshold"]:
            assert "logging.googleapis.com/user" not in one["filter"], at
        for one in condition["condition_prometheus_query_language"]:
            assert one["disable_metric_validation"], at
        for _ in condition["condition_matched_log"]:
            (strategy,) = values["alert_strategy"]
            assert strategy["notification_rate_limit"], f"{at}: a log-based alert is refused without"


def test_alerts_in_promql_ask_for_metrics_that_there_are(deployment: Deployed) -> None:
    made = {re.sub(r"\W", "_", one["name"]) for one in deployment.all("google_logging_metric").values()}
    queries = [
        one["query"]
        for values in deployment.all("google_monitoring_alert_policy").values()
        for one in values["conditions"][0]["condition_prometheus_query_language"]
    ]
    asked = set(re.findall(r"logging_googleapis_com:user_(\w+?)(?:_bucket)?\{", " ".join(queries)))

    assert len(queries) == 2
    assert asked == {"wayout_outcomes", "wayout_way_out_seconds"} <= made


def test_the_lines_that_alerts_wait_for_are_ones_that_wayout_writes(deployment: Deployed) -> None:
    folders = (REPOSITORY / "shared/wayout", REPOSITORY / "functions")
    code = "".join(path.read_text(encoding="utf-8") for folder in folders for path in sorted(folder.rglob("*.py")))
    waited = " ".join(
        one["filter"]
        for values in deployment.all("google_monitoring_alert_policy").values()
        for one in values["conditions"][0]["condition_matched_log"]
    )
    for message in (
        "unexpected failure",
        "the last good version stays in force",
        "the ledger could not be written",
        "the outcome could not be published",
        "Slack refused the message",
    ):
        assert message in waited
        assert re.search(rf'log\.error\("[^"]*{message}"', code), message
    assert "severity" not in waited, "requests that are answered with 500 on purpose are errors too"


def test_networks_of_other_projects_are_watched_and_told_of_from_wayouts_own(deployment: Deployed) -> None:
    home = deployment.one('google_project_service.home["run.googleapis.com"]')["project"]
    policies = deployment.all("google_monitoring_alert_policy").values()
    networks = {one["project"] for one in deployment.all("google_logging_metric").values()} - {home}

    assert {one["project"] for one in policies} == {home}
    channels = [one["id"] for one in deployment.all("google_monitoring_notification_channel").values()]
    assert all(one["notification_channels"] == channels for one in policies)
    watched = deployment.all("google_monitoring_monitored_project").values()
    assert {one["name"] for one in watched} == networks
    assert {one["metrics_scope"] for one in watched} <= {home}


def test_a_nat_of_somebody_else_rings_nobody(deployment: Deployed) -> None:
    (condition,) = deployment.one("google_monitoring_alert_policy.nat_drops")["conditions"]

    assert f'resource.labels.gateway_name="{nat.NAME}"' in condition["condition_threshold"][0]["filter"]


def test_the_examples_policies_are_ones_that_wayout_reads(deployment: Deployed) -> None:
    from wayout.cloud.policyfile import PolicyFile

    text = deployment.one("google_secret_manager_secret_version.policy")["secret_data"]
    file = Path(deployment.terraform.folder) / "policy.yaml"
    assert file.read_text(encoding="utf-8") == text
    assert PolicyFile(file).policy().profiles
