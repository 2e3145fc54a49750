"""The main scenario, under each value of each thing that we do not know about Google Cloud."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.house import POLICY, House

SWITCHES: list[tuple[str, Any]] = [
    ("connector.visible_rules", False),
    ("connector.rules_editable", False),
    ("connector.rules_restored", True),
    ("connector.leaves_rules", True),
    ("run.audit_entries", 1),
    ("run.etag_refusal", "FAILED_PRECONDITION"),
    ("run.tokens_returned", False),
    ("run.replace_logged_as", "UpdateJob"),
    ("vpcaccess.needs_google_access", True),
    ("vpcaccess.get_lag", 5),
    ("vpcaccess.service_project_needs_rules", False),  # and in a Shared VPC: tests/test_roads.py
    ("compute.read_lag", 5),
    ("compute.ready_after", 5),
]


@pytest.mark.parametrize("road", ["connector", "direct"])
@pytest.mark.parametrize(("switch", "value"), SWITCHES, ids=[f"{name}={value}" for name, value in SWITCHES])
def test_the_way_out_is_whole_whatever_google_does(tmp_path: Path, switch: str, value: Any, road: str) -> None:
    policy = POLICY.replace("    labels: true", f"    road: {road}\n    labels: true")
    with House(tmp_path, policy=policy, switches={switch: value}) as house:
        house.developer.deploy("my-job")
        house.settle()
        house.developer.deploy("my-second-job")
        house.settle()

        way = house.job("my-second-job")
        assert way["egress"] == "ALL_TRAFFIC", house.say()
        assert ("connector" in way) == (road == "connector")
        said = house.plan("my-job")
        assert (said.status, said.changes) == ("whole", ())


def test_every_switch_is_listed_in_the_assumptions() -> None:
    listed = re.findall(r"`([a-z]+\.[a-z_]+)`", Path("docs/assumptions.md").read_text(encoding="utf-8"))

    assert set(listed) == {name for name, _ in SWITCHES}
