"""Mistakes that are planted in a copy of good configuration, to see whether anybody notices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.infra.terraform import TerraformError


class Mistake(NamedTuple):
    """A change of one place in one file, why somebody would make it, and what the complaint has to name."""

    reason: str
    file: str
    old: str
    new: str
    named: str


def plant(folder: Path, mistake: Mistake) -> None:
    """Makes the mistake. Fails if there is not exactly one place for it: then nothing would be planted, or too much."""
    path = folder / mistake.file
    text = path.read_text(encoding="utf-8")
    found = text.count(mistake.old)
    assert found == 1, f"{mistake.file} holds this {found} times, so the mistake cannot be planted: {mistake.old!r}"
    path.write_text(text.replace(mistake.old, mistake.new), encoding="utf-8")


def complaint(*attempts: Callable[[], object]) -> str:
    """What Terraform says when it refuses the first of these; empty if it refuses none."""
    for attempt in attempts:
        try:
            attempt()
        except TerraformError as error:
            # Terraform breaks its lines where a terminal would end, and draws a frame.
            return " ".join(error.said.replace("│", " ").split())
    return ""
