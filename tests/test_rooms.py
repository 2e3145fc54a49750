"""The floor plan: who may know whom, and what the pure room never loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HOME = Path(__file__).parent.parent
WAYOUT, LOCALCLOUD, FUNCTIONS = HOME / "shared" / "wayout", HOME / "localcloud", HOME / "functions"

WALK = """
import importlib, pkgutil, sys
before = set(sys.modules)
import wayout.egress
for found in pkgutil.walk_packages(wayout.egress.__path__, "wayout.egress."):
    importlib.import_module(found.name)
print("\\n".join(set(sys.modules) - before))
"""


def test_the_pure_room_loads_no_client_library_and_no_window() -> None:
    done = subprocess.run([sys.executable, "-c", WALK], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.split())
    assert "wayout.egress.planner" in loaded
    strangers = ("google", "grpc", "proto", "requests", "urllib3", "slack_sdk", "cloudevents", "functions_framework")
    rooms = ("wayout.cloud", "wayout.cli", "wayout.wiring", "wayout.reconcile", "functions", "localcloud")
    assert not [name for name in loaded if name.split(".")[0] in strangers or name.startswith(rooms)]


def imported(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (found.name for found in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports name their module in full"
            yield node.module or ""
            yield from (f"{node.module}.{found.name}" for found in node.names)


def files(room: Path) -> list[Path]:
    found = sorted(room.rglob("*.py"))
    assert found
    return found


def within(module: str, *rooms: str) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


@pytest.mark.parametrize(
    ("room", "never"),
    [
        (WAYOUT, ("localcloud", "functions", "tests")),
        (LOCALCLOUD, ("wayout", "functions", "tests")),
        (FUNCTIONS, ("localcloud", "tests", "wayout.cli")),
        (WAYOUT / "egress", ("wayout.cloud", "wayout.cli", "wayout.reconcile", "wayout.sweep", "wayout.wiring")),
        (WAYOUT / "cloud", ("wayout.cli", "wayout.reconcile", "wayout.sweep", "wayout.wiring")),
    ],
    ids=["wayout", "localcloud", "functions", "egress", "cloud"],
)
def test_rooms_know_only_what_lies_below_them(room: Path, never: tuple[str, ...]) -> None:
    found = {(file.name, name) for file in files(room) for name in imported(file) if within(name, *never)}
    assert not found


def test_remedies_do_not_know_each_other() -> None:
    common = {"__init__", "remedy", "elsewhere"}  # what every remedy is made of; neither is one
    for file in files(WAYOUT / "egress" / "remedies"):
        if file.stem not in common:
            others = {name.split(".")[3] for name in imported(file) if name.startswith("wayout.egress.remedies.")}
            assert others <= common, file.name


def test_the_pure_room_has_no_clock_no_environment_and_no_log() -> None:
    banned = ("os", "time", "logging", "socket", "random", "threading", "subprocess", "pathlib")
    found = {(file.name, name) for file in files(WAYOUT / "egress") for name in imported(file) if within(name, *banned)}
    assert not found
    calls = ("datetime.now", "date.today", "open(", "print(")
    assert not [file.name for file in files(WAYOUT / "egress") for call in calls if call in file.read_text()]


def test_only_the_windows_load_client_libraries_and_only_when_they_are_used() -> None:
    strangers = ("google", "requests", "slack_sdk", "grpc")
    for file in files(WAYOUT):
        top = [node for node in ast.parse(file.read_text()).body if isinstance(node, (ast.Import, ast.ImportFrom))]
        names = {
            found.name if isinstance(node, ast.Import) else str(node.module) for node in top for found in node.names
        }
        assert not [name for name in names if within(name, *strangers)], f"{file.name} loads it for everybody"
        if WAYOUT / "cloud" not in file.parents:
            assert not [name for name in imported(file) if within(name, *strangers)], file.name
