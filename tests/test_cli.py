"""The command, against the local Google Cloud, as a person or a script calls it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.house import PROJECT, REGION, House
from tests.test_way_out import entries

WAYOUT = str(Path(sys.executable).with_name("wayout"))


def wayout(house: House | None, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command with the settings of the house, or with none."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(("WAYOUT_", "SLACK_"))}
    settings = house.environment() if house else {}
    return subprocess.run(
        [WAYOUT, *words],
        env={**inherited, **settings, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def quiet(house: House) -> House:
    """A house whose functions hear nothing, so that only the command works in it; one job is deployed."""
    house.cloud.table("logging.sinks").clear()
    house.developer.deploy("my-job")
    house.settle()
    return house


def test_plan_shows_what_is_wanted_changes_nothing_and_exits_with_2(quiet: House) -> None:
    run = wayout(quiet, "plan", "my-job", "--region", REGION)

    assert run.returncode == 2, run.stderr
    assert "the subnet wayout-" in run.stdout
    assert "would be created" in run.stdout
    assert quiet.writes() == []


def test_apply_makes_it_so_and_a_plan_then_exits_with_0(quiet: House) -> None:
    applied = wayout(quiet, "apply", "my-job", "--region", REGION)
    planned = wayout(quiet, "plan", f"projects/{PROJECT}/locations/{REGION}/jobs/my-job", "--json")

    assert applied.returncode == 0, applied.stdout + applied.stderr
    assert "the job my-job has been attached" in applied.stdout
    assert "create connector" in applied.stderr, "progress is told on standard error"
    assert planned.returncode == 0
    [said] = json.loads(planned.stdout)
    assert (said["status"], said["changes"]) == ("whole", [])


def test_what_was_done_is_taken_back_by_the_id_that_its_outcome_names(quiet: House) -> None:
    before = quiet.world()
    applied = wayout(quiet, "apply", "my-job", "--region", REGION)
    plan = applied.stdout.rsplit("wayout undo ", 1)[1].split()[0]

    planned = wayout(quiet, "undo", plan)
    taken = wayout(quiet, "undo", plan, "--apply")
    again = wayout(quiet, "undo", plan, "--json")

    assert planned.returncode == 2, planned.stdout + planned.stderr
    assert "it would be taken back; run it with --apply" in planned.stdout
    assert "the policy still wants internet-https for my-job" in planned.stdout
    assert taken.returncode == 0, taken.stdout + taken.stderr
    assert "it has been taken back" in taken.stdout
    assert again.returncode == 0
    assert [(said["status"], said["changes"]) for said in json.loads(again.stdout)] == [("whole", [])]
    assert without_passing(quiet.world()) == without_passing(before)


def without_passing(world: dict[str, Any]) -> dict[str, Any]:
    """Without what differs once a job has been written at all."""
    jobs = {name: job["template"] for name, job in world["run.jobs"].items()}
    return {kind: things for kind, things in world.items() if kind != "run.jobs" and things} | {"jobs": jobs}


def test_a_plan_that_the_ledger_does_not_know_cannot_be_taken_back(quiet: House) -> None:
    run = wayout(quiet, "undo", "0123456789ab")

    assert run.returncode == 1
    assert "the ledger knows of nothing done for the plan 0123456789ab" in run.stderr


def test_sweep_finds_the_job_that_no_event_told_of(quiet: House) -> None:
    run = wayout(quiet, "sweep", "--json")

    assert run.returncode == 0, run.stderr
    [said] = json.loads(run.stdout)
    assert said["jobs"][0]["attached"] is True


def test_replay_handles_a_recorded_entry_as_the_function_would(quiet: House, tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps(entries(quiet, "dev@example.com")[-1]), encoding="utf-8")

    run = wayout(quiet, "replay", str(event), "--plan")

    assert run.returncode == 2, run.stdout + run.stderr
    assert "my-job" in run.stdout


def test_replay_says_why_an_event_is_set_aside(tmp_path: Path) -> None:
    event = Path("tests/data/events").glob("*Firewall*.json")
    run = wayout(None, "replay", str(next(iter(event))), "--json")

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["verdict"] == "set aside"


def test_policy_check_names_line_and_field(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nprofiles:\n  web: {egress: sideways}\n", encoding="utf-8")

    run = wayout(None, "policy", "check", str(policy))

    assert run.returncode == 1
    assert "line 3: profiles.web.egress" in run.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan", "my-job"], "add --region and --project"),
        (["plan", "projects/p/jobs/j"], "projects/PROJECT/locations/REGION/jobs/JOB"),
        (["plan", "projects/p/locations/r/jobs/j"], "Give --policy FILE or set WAYOUT_POLICY"),
        (["replay", "no-such-file"], "no-such-file"),
    ],
    ids=["a short name needs a region", "a wrong name", "no policy", "no such file"],
)
def test_a_wrong_call_says_what_to_type_instead(words: list[str], said: str) -> None:
    run = wayout(None, *words)

    assert run.returncode == 2
    assert said in run.stderr


def test_a_missing_policy_file_is_named_without_a_traceback(quiet: House) -> None:
    run = wayout(quiet, "plan", "my-job", "--region", REGION, "--policy", "nowhere.yaml")

    assert run.returncode == 1
    assert "nowhere.yaml" in run.stderr
    assert "Traceback" not in run.stderr


def test_every_command_has_help_that_says_how_it_exits_or_what_it_does() -> None:
    for words in (
        [],
        ["demo"],
        ["localcloud"],
        ["plan"],
        ["apply"],
        ["sweep"],
        ["replay"],
        ["policy"],
        ["policy", "check"],
    ):
        run = wayout(None, *words, "--help")
        assert run.returncode == 0
        assert len(run.stdout) > 150, words
