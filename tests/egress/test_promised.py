"""The page of promises names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HOME = Path(__file__).parent.parent.parent
PAGE = (HOME / "docs" / "promises.md").read_text()
NAMED = re.findall(r"`(tests/\S+\.py)::(\w+)`", PAGE)


def test_every_promise_has_tests_and_every_named_test_exists() -> None:
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    assert [section.split(".")[0] for section in sections] == list("1234567")
    assert all("::test_" in section for section in sections)
    for file, name in NAMED:
        tree = ast.parse((HOME / file).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"
