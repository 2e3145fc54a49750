"""With what infra/roles.yaml grants every scenario ends as it should, and it grants nothing that none of them uses."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.permissions.granting import Row, rows
from tests.permissions.scenarios import SCENARIOS
from wayout.egress.permissions import writes

MOUNTED = Row("", "secretmanager.versions.access")  # by Google, before our code runs: nothing asks for it


@cache
def used_by(name: str) -> frozenset[Row]:
    """What a scenario uses; it is played once, and must end as it should."""
    scenario = SCENARIOS[name]
    with TemporaryDirectory() as folder, scenario.house(Path(folder)) as house:
        scenario.story(house)
        assert house.refused() == []
        assert house.platform.dead_letters() == []
        return house.used()


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_ends_as_it_should_with_what_is_granted(name: str) -> None:
    assert used_by(name)


def test_a_policy_that_only_observes_takes_nothing_but_looks_and_a_word() -> None:
    taken = {row.permission for row in used_by("a policy that observes") if writes(row.permission)}
    assert taken == {"pubsub.topics.publish"}


def test_nothing_is_granted_that_no_scenario_uses() -> None:
    used = frozenset[Row]().union(*map(used_by, SCENARIOS))
    assert sorted(set(rows()) - used) == [MOUNTED]
