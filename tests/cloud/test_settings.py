"""Settings come from the environment, and mistakes in it are told by the variable's name."""

from __future__ import annotations

import pytest

from wayout.cloud.settings import Settings, SettingsError


def test_only_the_home_project_must_be_set() -> None:
    settings = Settings.from_env({"WAYOUT_PROJECT": " my-project "})

    assert settings.project == "my-project"
    assert (settings.budget_seconds, settings.poll_seconds, settings.slack_patience_seconds) == (480.0, 5.0, 60.0)
    assert (settings.ledger_log, settings.slack_base_url) == ("wayout-ledger", "https://slack.com/api/")
    assert settings.endpoint_run == settings.endpoint_compute == settings.token.get_secret_value() == ""


@pytest.mark.parametrize("given", ["outcomes", "projects/my-project/topics/outcomes"])
def test_a_short_topic_is_one_of_the_home_project(given: str) -> None:
    settings = Settings.from_env({"WAYOUT_PROJECT": "my-project", "WAYOUT_OUTCOME_TOPIC": given})

    assert settings.outcome_topic == "projects/my-project/topics/outcomes"


def test_blank_variables_count_as_unset() -> None:
    settings = Settings.from_env({"WAYOUT_PROJECT": "p", "WAYOUT_BUDGET_SECONDS": " ", "WAYOUT_ENDPOINT_RUN": ""})

    assert settings.budget_seconds == 480.0


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("WAYOUT_BUDGET_SECONDS", "soon"),
        ("WAYOUT_POLL_SECONDS", "-1"),
        ("WAYOUT_BACKOFF_SECONDS", "nan"),
        ("WAYOUT_INSTANCES", "0"),
        ("WAYOUT_QUOTAS", "run/writes=120"),
        ("WAYOUT_QUOTA_MINUTE_SECONDS", "-60"),
        ("WAYOUT_OUTCOME_TOPIC", "projects/p/subscriptions/x"),
        ("WAYOUT_ENDPOINT_COMPUTE", "localhost:8080"),
        ("WAYOUT_ENDPOINT_RUN", "https://run.googleapis.com"),
        ("SLACK_BASE_URL", "slack.com"),
    ],
)
def test_a_mistake_names_its_variable(variable: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"WAYOUT_PROJECT": "p", variable: text})

    assert [problem.split(":")[0] for problem in caught.value.problems] == [variable]


def test_a_missing_home_project_is_told_with_everything_else_that_is_wrong() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"WAYOUT_POLL_SECONDS": "x"})

    assert caught.value.problems[0] == "WAYOUT_PROJECT: is not set"
    assert len(caught.value.problems) == 2


def test_quotas_that_google_has_raised_are_told_by_name() -> None:
    settings = Settings.from_env({"WAYOUT_PROJECT": "p", "WAYOUT_QUOTAS": "run/write=600, compute/list=3000"})

    assert settings.quotas == {"run/write": 600, "compute/list": 3000}
    assert (settings.instances, settings.quota_minute_seconds) == (1, 60.0)


def test_tokens_never_show() -> None:
    settings = Settings.from_env({"WAYOUT_PROJECT": "p", "WAYOUT_TOKEN": "hush", "SLACK_TOKEN": "hush"})

    assert "hush" not in repr(settings) + str(settings) + settings.model_dump_json()
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"WAYOUT_TOKEN": "hush"})
    assert "hush" not in str(caught.value)
