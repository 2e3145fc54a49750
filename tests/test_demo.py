"""The demo, as a newcomer runs it: real processes, real sockets, and what it prints."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

WAYOUT = str(Path(sys.executable).with_name("wayout"))


def test_the_demo_ends_whole_and_says_so_as_json() -> None:
    run = subprocess.run([WAYOUT, "demo", "--json"], capture_output=True, text=True, timeout=110, check=False)

    document = json.loads(run.stdout)
    assert run.returncode == 0, run.stdout + run.stderr
    assert document["whole"] is True
    assert [scenario["whole"] for scenario in document["scenarios"]] == [True] * 5
    first, second, *_, foreign = document["scenarios"]
    assert {change["kind"] for change in first["changes"]} == {"subnet", "firewall rule", "connector", "router", "job"}
    assert [change["verb"] for change in second["changes"]] == ["attach"]
    assert foreign["apiWrites"] == 0
    assert len(document["slackMessages"]) == 4
    assert document["secondsVirtual"] > document["secondsReal"]


def test_the_demo_tells_its_story_on_a_pipe() -> None:
    run = subprocess.run([WAYOUT, "demo"], capture_output=True, text=True, timeout=110, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    for words in (
        "audit log entry: dev@example.com",
        "create connector wayout-",
        "The way out",
        "The firewall",
        "Slack #egress",
        "not tight: the firewall rule legacy-allow-all",
        "Every scenario ended whole.",
    ):
        assert words in run.stdout, words


@pytest.mark.skipif(not shutil.which("gcloud"), reason="gcloud is not installed here")
def test_the_demo_in_gcloud_is_answered_by_wayout_doing_all_of_it() -> None:
    run = subprocess.run([WAYOUT, "demo", "--gcloud"], capture_output=True, text=True, timeout=110, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "--vpc" not in run.stdout
    for words in (
        "$ gcloud run jobs deploy my-job",
        "has successfully been deployed",
        "my-job needs a way out: rule 'every job' gives it the profile internet-https",
        "Connector:     projects/my-project/locations/europe-west2/connectors/wayout-",
        "has successfully completed",
        "Every scenario ended whole.",
    ):
        assert words in run.stdout, words


def test_the_demo_in_gcloud_says_what_is_missing(tmp_path: Path) -> None:
    words = [WAYOUT, "demo", "--gcloud"]
    run = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False, env={"PATH": str(tmp_path)})

    assert run.returncode == 1
    assert "gcloud is not installed: see https://" in run.stderr
