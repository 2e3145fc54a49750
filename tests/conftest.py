"""Fixtures that more than one folder of tests shares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """The whole house, with the demo's policy and an empty network. No story may end with a dead letter."""
    with House(tmp_path) as found:
        yield found
        assert found.platform.dead_letters() == []
