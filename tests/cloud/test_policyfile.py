"""The policy's file: a version that does not load leaves the last good one in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from wayout.cloud.policyfile import PolicyFile, on_disk
from wayout.egress.policy import PolicyError

GOOD = "version: 1\nprofiles: {web: {}}\n"
BAD = [
    ("version: !!int abc", "a scalar that is not what its tag says"),
    (f"version: {'9' * 5000}", "more digits than Python reads"),
    ("version: 0x_", "what YAML 1.1 takes for a number"),
    ("version: 2", "a version that nobody knows"),
    ("profiles: [", "no YAML"),
    ("\x00", "no text"),
    ("[" * 50_000, "lists in lists"),
]


@pytest.mark.parametrize(("text", "reason"), BAD, ids=[reason for _, reason in BAD])
def test_a_version_that_does_not_load_leaves_the_last_good_one_in_force(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD, encoding="utf-8")
    file = PolicyFile(path)
    good = file.policy()
    path.write_text(text, encoding="utf-8")
    assert file.policy() is good, reason
    assert on_disk(path).problems, reason


def test_a_version_that_is_no_text_leaves_it_in_force_too(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(GOOD, encoding="utf-8")
    file = PolicyFile(path)
    good = file.policy()
    path.write_bytes(b"\xff\xfe")
    assert file.policy() is good


@pytest.mark.parametrize(("text", "reason"), BAD, ids=[reason for _, reason in BAD])
def test_without_a_good_version_the_problem_names_the_file(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError) as refused:
        PolicyFile(path).policy()
    assert all(problem.startswith(f"{path}: ") for problem in refused.value.problems), reason
