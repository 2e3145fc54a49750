"""The demo, as a newcomer runs it: real processes, real sockets, and what it prints."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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
