"""The page about security names tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path("docs/security.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)

    assert len(named) > 6
    for file, name in named:
        text = Path(file).read_text(encoding="utf-8")
        assert not name or f"def {name}(" in text, f"{file}::{name}"
