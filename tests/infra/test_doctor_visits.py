"""After an apply the doctor comes: from where `make setup` put him, twice if need be, and never fails what is laid."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.infra.deployed import made_ready
from tests.infra.terraform import StubProvider, Terraform
from tests.infra.test_infra import INFRA

ONE_VISIT = 'cat > /dev/null; echo "$*" >> {0}/visits'
RED_AT_FIRST = f"{ONE_VISIT}; [ $(wc -l < {{0}}/visits) -gt 1 ]"
RED = f"{ONE_VISIT}; exit 1"
NOT_KNOWN = f"{ONE_VISIT}; exit 2"
LOOK_AGAIN = "terraform output -json deployment | wayout doctor -"


def applied(doctor: str, into: Path, stub: StubProvider) -> tuple[Terraform, str]:
    """The smaller example with this doctor, on a day when nobody sleeps; and what was said."""
    made_ready(into, doctor.format(into))
    bed = into / "bin/sleep"
    bed.parent.mkdir()
    bed.write_text("#!/bin/sh\n", encoding="utf-8")
    bed.chmod(0o755)
    path = f"{bed.parent}:/usr/bin:/bin"
    terraform = Terraform.on_copy(INFRA, into, stub, "examples/one-project", PATH=path)
    return terraform, terraform.apply()


@pytest.mark.parametrize(("doctor", "times"), [(ONE_VISIT, 1), (NOT_KNOWN, 1), (RED_AT_FIRST, 2)])
def test_what_is_well_in_the_end_is_not_spoken_of(doctor: str, times: int, stub: StubProvider, tmp_path: Path) -> None:
    _, said = applied(doctor, tmp_path, stub)

    assert (tmp_path / "visits").read_text(encoding="utf-8").splitlines() == ["doctor - --timeout 300"] * times
    assert LOOK_AGAIN not in said


def test_what_stays_red_is_told_and_fails_nothing(stub: StubProvider, tmp_path: Path) -> None:
    terraform, said = applied(RED, tmp_path, stub)

    assert len((tmp_path / "visits").read_text(encoding="utf-8").splitlines()) == 2
    assert "NOT WELL" in said
    assert LOOK_AGAIN in said
    assert terraform.changes() == {}


def test_a_command_that_is_nowhere_is_told_and_fails_nothing(stub: StubProvider, tmp_path: Path) -> None:
    terraform, _ = applied(ONE_VISIT, tmp_path, stub)
    (tmp_path / ".venv/bin/wayout").unlink()
    said = terraform.ok("apply", "-auto-approve", "-no-color", "-replace=module.wayout.terraform_data.doctor[0]")

    assert "NOBODY LOOKED: the doctor's command ended with 127. After make setup:" in said
