"""The scenarios, under each value of each thing that we do not know about Google Cloud.

A usual run tries each value once, in the scenario where it bites most; `--long` tries every pair that can make a
difference (`make assumptions`).
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from localcloud.core import DURATIONS
from localcloud.switches import SWITCHES
from tests.assumptions.endings import ENDINGS
from tests.assumptions.scenarios import SCENARIOS, ground
from tests.assumptions.values import VALUES, Value
from tests.house import House

TIMED = ("wayout.wiring", "wayout.cloud.operations", "wayout.cloud.apply", "wayout.cloud.asking")
SOURCE = Path("docs/assumptions.md").read_text(encoding="utf-8")
MARKS = ("CONFIRMED", "LIKELY", "UNKNOWN")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "value" in metafunc.fixturenames:
        every = metafunc.config.getoption("--long")
        pairs = [(value, name) for value in VALUES for name in SCENARIOS if name in _chosen(value, every)]
        metafunc.parametrize(("value", "name"), pairs, ids=[f"{value}-{name}" for value, name in pairs])


def _chosen(value: Value, every: bool) -> frozenset[str]:
    return value.scenarios if every else frozenset({value.first})


def test_it_ends_well_whatever_google_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: Value, name: str
) -> None:
    scenario = SCENARIOS[name]
    with House(tmp_path, policy=scenario.policy) as house:
        ground(house)
        _set(house, value, monkeypatch)
        scenario.story(house)
        ends = ENDINGS.get((str(value), name), scenario.ends)
        ends(house)
        assert house.platform.dead_letters() == []


def _set(house: House, value: Value, monkeypatch: pytest.MonkeyPatch) -> None:
    house.cloud.switches |= value.beside
    if value.switch not in DURATIONS:
        house.cloud.switches[value.switch] = value.value
        return
    house.cloud.durations[value.switch] = value.value
    # Our time runs with the cloud's, so that what takes it long takes us as long.
    ours = SimpleNamespace(monotonic=lambda: time.monotonic() + house.cloud.clock.seconds(), sleep=time.sleep)
    for module in TIMED:
        monkeypatch.setattr(f"{module}.time", ours)


# --- what is written of them ------------------------------------------------------------------------------------


def _tables() -> list[list[list[str]]]:
    """The cells of the document's two tables, without their heads."""
    blocks = re.findall(r"(?:^\|.*\n)+", SOURCE, re.MULTILINE)
    return [[[cell.strip() for cell in line.strip("|").split("|")] for line in one.splitlines()[2:]] for one in blocks]


ASSUMED, OTHERS = _tables()


def _switch(row: list[str]) -> str:
    return row[2].strip("`")


def test_every_switch_is_an_assumption_or_said_to_be_none() -> None:
    assumed, none = [_switch(row) for row in ASSUMED], [row[0].strip("`") for row in OTHERS]

    assert sorted([*assumed, *none]) == sorted([*SWITCHES, *(name for name in assumed if name in DURATIONS)])
    assert all(why for _, why in OTHERS)


@pytest.mark.parametrize("row", ASSUMED, ids=[_switch(row) for row in ASSUMED])
def test_an_assumption_says_how_sure_we_are_and_all_its_values_are_tried(row: list[str]) -> None:
    _, sure, _, values, why = row
    name = _switch(row)
    default = DURATIONS[name] if name in DURATIONS else SWITCHES[name].default

    assert sure.startswith(MARKS)
    assert why
    tried = [default, *(one.value for one in VALUES if one.switch == name)]
    assert re.findall(r"`([^`]+)`", values) == [_spelled(one) for one in tried]


def _spelled(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)


def test_every_scenario_is_told_in_a_usual_run_and_what_is_skipped_has_a_reason() -> None:
    assert {value.first for value in VALUES} == set(SCENARIOS)
    assert all(value.first in value.scenarios for value in VALUES)
    assert all(bool(value.others) == (value.scenarios != set(SCENARIOS)) for value in VALUES)
