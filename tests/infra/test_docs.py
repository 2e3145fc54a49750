"""The page about deploying says what is there."""

from __future__ import annotations

import re

from tests.infra.terraform import REPOSITORY
from tools import infra_docs

PAGE = infra_docs.PAGE.read_text(encoding="utf-8")


def test_the_tables_are_those_that_the_files_give() -> None:
    assert infra_docs.written(PAGE) == PAGE, "write it anew with: python -m tools.infra_docs"


def test_a_stale_table_is_found() -> None:
    stale = PAGE.replace("| `labels` |", "| `tags` |")

    assert stale != PAGE
    assert infra_docs.written(stale) == PAGE


def test_every_variable_and_output_is_in_a_table() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(infra_docs.INFRA.glob("*.tf")))
    for kind in ("variable", "output"):
        for name in re.findall(rf'^{kind} "(\w+)"', text, re.MULTILINE):
            assert f"| `{name}` |" in PAGE, name


def test_what_the_page_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE):
        assert (infra_docs.INFRA / target).exists(), target


def test_the_diagram_draws_every_flow_that_terraform_lays() -> None:
    diagram = PAGE.split("```mermaid")[1].split("```")[0]
    topics = (infra_docs.INFRA / "topics.tf").read_text(encoding="utf-8")
    flows = re.findall(r"^    (\w+) += \"(on_\w+)\"", topics, re.MULTILINE)

    assert len(flows) == 4
    for topic, door in flows:
        assert f"wayout-{topic}" in diagram
        assert door in diagram


def test_the_sums_of_the_cost_table_are_right() -> None:
    """Each formula that is written out is reckoned again."""
    second = 1 * 0.000024 + 0.5 * 0.0000025
    reckoned = {
        "an event that is set aside": 1e6 * 0.1 * second,
        "an event that finds a whole site": 1e6 * 2 * second,
        "hourly sweep": 730 * 5 * second,
        "what Wayout builds": 2 * 0.00838 * 730,
        "Pub/Sub, entries": 2 * 8 * 1024 * 1e6 * 40 / 2**40,
    }
    for words, dollars in reckoned.items():
        (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| {words}")]
        assert abs(float(row.split("|")[-2].strip().lstrip("$")) - dollars) < 0.01, words


def test_the_repository_is_where_the_tool_looks() -> None:
    assert infra_docs.INFRA == REPOSITORY / "infra"
