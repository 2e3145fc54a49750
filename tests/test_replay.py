"""The local Google Cloud answers as the real services were recorded to, and the harness that says so can say no."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.replay.allowed import ALLOWED, Allowance, allowance
from tests.replay.compare import Difference, Tally, differences
from tests.replay.player import Score, play
from tests.replay.recordings import Recording, read

DATA = Path(__file__).parent / "data" / "recordings"
RECORDINGS = {recording.name: recording for recording in read(DATA)}


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    return {name: play(recording) for name, recording in RECORDINGS.items()}


@pytest.mark.parametrize("name", sorted(RECORDINGS))
def test_every_recorded_exchange_is_answered_as_the_real_service_did(scores: dict[str, Score], name: str) -> None:
    score = scores[name]
    assert [f"{where}: {one}" for where, one in score.found] == []
    assert score.matched == score.exchanges > 0


def test_what_is_not_served_is_known_by_name(scores: dict[str, Score]) -> None:
    assert {name for score in scores.values() for name in score.unserved} == {"networkconnectivity"}


@pytest.mark.parametrize("line", ALLOWED, ids=lambda line: f"{line.recording} {line.kind} {line.path}")
def test_every_allowance_is_needed_and_has_a_reason(scores: dict[str, Score], line: Allowance) -> None:
    assert len(line.reason) > 20
    assert line in [used for score in scores.values() for used, _ in score.allowed]


def broken(name: str, index: int, change: Any) -> Recording:
    """A recording in which the real service said something else."""
    found = copy.deepcopy(RECORDINGS[name])
    change(found.exchanges[index])
    return found


PLANTED = [
    pytest.param(lambda one: setattr(one, "status", 201), "status status", id="another status"),
    pytest.param(lambda one: one.answer.update(colour="red"), "missing colour", id="a field that we do not have"),
    pytest.param(lambda one: one.answer.pop("kind"), "extra kind", id="a field that only we have"),
    pytest.param(lambda one: one.answer.update(kind=7), "type kind", id="another type"),
    pytest.param(lambda one: one.answer.update(kind="compute#net"), "value kind", id="another value"),
    pytest.param(
        lambda one: one.answer["routingConfig"].update(routingMode="GLOBAL"),
        "value routingConfig.routingMode",
        id="deep",
    ),
    pytest.param(lambda one: one.answer.update(id="x"), "value id", id="an id that is no number"),
]


@pytest.mark.parametrize(("change", "found"), PLANTED)
def test_a_planted_difference_is_found(change: Any, found: str) -> None:
    score = play(broken("compute_network_basic", 3, change))
    assert [f"{one.kind} {one.path}" for _, one in score.found] == [found]
    assert (score.matched, score.exchanges) == (8, 9)


@pytest.mark.parametrize(
    ("recorded", "ours", "kinds"),
    [
        pytest.param(["b", "a"], ["a", "b"], [], id="words in another order are the same"),
        pytest.param(["a", "a"], ["a"], ["missing"], id="but not fewer of them"),
        pytest.param(
            [{"x": 1}, {"x": 2}], [{"x": 2}, {"x": 1}], ["value", "value"], id="objects in another order are not"
        ),
        pytest.param("${projectId}/x", "my-project/x", [], id="what the recorder replaced is anything"),
        pytest.param("${projectId}/x", "my/project/x", ["value"], id="but one part of a name"),
        pytest.param("2024-04-01T12:34:56.123456Z", "2026-11-23T01:00:00.000-08:00", [], id="a time is a time"),
        pytest.param("2024-04-01T12:34:56.123456Z", "now", ["value"], id="and nothing else"),
        pytest.param(True, 1, ["type"], id="a flag is no number"),
        pytest.param(None, {}, ["type"], id="nothing is not empty"),
    ],
)
def test_values_are_compared_as_the_recorder_left_them(recorded: Any, ours: Any, kinds: list[str]) -> None:
    tally = Tally()
    assert [one.kind for one in differences(recorded, ours, tally, "field")] == kinds
    assert tally.total - tally.matched == len(kinds)


def test_an_allowance_covers_its_own_place_only() -> None:
    line = next(one for one in ALLOWED if one.path == "gatewayAddress")
    there = Difference("value", "gatewayAddress", "10.0.0.1", "10.2.0.1")
    assert allowance("compute_router_nat_private", "15 GET /x", there) is line
    assert allowance("compute_subnetwork_2024", "15 GET /x", there) is None
    assert allowance("compute_router_nat_private", "15 GET /x", Difference("value", "ipCidrRange", "a", "b")) is None


def test_the_command_prints_scores_and_every_difference(tmp_path: Path) -> None:
    document = json.loads((DATA / "http" / "run_job_basic.json").read_text(encoding="utf-8"))
    document["exchanges"][3]["response"]["body"]["launchStage"] = "BETA"
    (tmp_path / "planted.json").write_text(json.dumps(document), encoding="utf-8")
    command = [sys.executable, "-m", "tests.replay", str(tmp_path)]
    root = Path(__file__).parent.parent
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=100, check=False)
    assert run.returncode == 1
    assert "planted" in run.stdout.splitlines()[1]
    assert "8/9" in run.stdout.splitlines()[1]
    assert "value launchStage: recorded 'BETA', ours 'GA'" in run.stdout


def test_what_cannot_be_prepared_is_told_and_the_rest_is_played() -> None:
    recording = copy.deepcopy(RECORDINGS["firewall-get"])
    recording.exchanges[0].answer["priority"] = 99_999_999
    score = play(recording)
    assert score.found[0][1].kind == "unprepared"
    assert score.exchanges == 1


def test_a_method_that_is_not_served_is_told_by_name() -> None:
    recording = copy.deepcopy(RECORDINGS["firewall-get"])
    recording.exchanges[0].path = "/compute/v1/projects/cloud-custodian/global/images/mine"
    score = play(recording)
    assert (score.unserved, score.exchanges) == ({"compute GET mine": 1}, 0)


def test_the_command_names_a_file_that_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    command = [sys.executable, "-m", "tests.replay", str(tmp_path / "other.json")]
    root = Path(__file__).parent.parent
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 2
    assert "other.json holds no recording" in run.stderr
