"""Fixtures that more than one folder of tests shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.house import House

# CI judges a change, so it draws the same examples every time; everywhere else new ones are drawn at each run.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="try every pair of assumption and scenario: many minutes")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The whole house, with the demo's policy and an empty network. No story may end with a dead letter."""
    with House(tmp_path) as found:
        yield found
        assert found.platform.dead_letters() == []


# Every answer of a local Google Cloud, in this process or another, is held against Google's own documents.
os.environ["LOCALCLOUD_CHECKS_ANSWERS"] = "1"
