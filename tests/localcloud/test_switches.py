"""The table of switches: it names every switch that the source reads, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from localcloud.core import Cloud
from localcloud.switches import SWITCHES

READ = re.compile(r'\.switch(?:es\.setdefault)?\(f?"([a-z_.{}]+)"')
SOURCES = sorted(Path("localcloud").rglob("*.py"))


def test_every_switch_is_read_somewhere_and_none_is_read_that_is_not_in_the_table() -> None:
    read = {name for path in SOURCES for name in READ.findall(path.read_text(encoding="utf-8").replace("'", '"'))}
    quotas = {name for name in SWITCHES if name.endswith(".quota")}

    assert read - {"compute.{kind.plural}.quota"} == set(SWITCHES) - quotas
    assert "compute.{kind.plural}.quota" in read


def test_a_switch_that_is_not_set_has_its_default_and_one_that_is_not_there_is_a_mistake() -> None:
    cloud = Cloud()

    assert cloud.switch("run.audit_entries") == 2
    cloud.switches["run.audit_entries"] = 1
    assert cloud.switch("run.audit_entries") == 1
    with pytest.raises(KeyError):
        cloud.switch("run.audit_entry")
