"""Writes the tables of infra/README.md from what they are about: python -m tools.infra_docs [--check]

`--check` writes nothing, and fails where a table is stale.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

INFRA = Path(__file__).parents[1] / "infra"
PAGE = INFRA / "README.md"

# terraform fmt, which CI checks, leaves no other shape than this.
_BLOCK = re.compile(r'^(?P<kind>variable|output) "(?P<name>\w+)" \{\n(?P<body>.*?)^\}', re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^  (?P<key>\w+) += (?P<value>.*?)(?=^  \w|\n\n|\Z)", re.MULTILINE | re.DOTALL)


def _blocks(file: str) -> Iterator[tuple[str, dict[str, str]]]:
    for block in _BLOCK.finditer((INFRA / file).read_text(encoding="utf-8")):
        fields = {one["key"]: one["value"].strip() for one in _FIELD.finditer(block["body"])}
        yield block["name"], fields


def variables() -> str:
    """A row per variable; those that have to be given come first."""
    rows = [
        (name, json.loads(fields["description"]), _type(fields["type"]), _default(fields))
        for name, fields in _blocks("variables.tf")
    ]
    rows.sort(key=lambda row: row[3] != "required")
    return _table(("variable", "what it says", "type", "default"), rows)


def outputs() -> str:
    """A row per output."""
    return _table(
        ("output", "what it tells"),
        [(name, json.loads(fields["description"])) for name, fields in _blocks("outputs.tf")],
    )


def permissions() -> str:
    """A row per permission of each custom role, and per grant on a single thing, with what it is for."""
    roles: dict[str, Any] = yaml.safe_load((INFRA / "roles.yaml").read_text(encoding="utf-8"))
    parts = []
    for key, role in roles.items():
        if key == "grants":
            continue
        parts.append(f"**{role['title']}** (`wayout_{key}`)\n")
        parts.append(_table(("permission", "what it is for"), sorted(role["permissions"].items())) + "\n")
    grants = [(one["role"], one["on"], one["reason"]) for one in roles.get("grants", [])]
    if grants:
        parts.append("**On single things**\n")
        parts.append(_table(("role", "on", "what it is for"), grants))
    return "\n".join(parts).rstrip()


def _type(text: str) -> str:
    return f"`{' '.join(text.split())}`" if "\n" not in text else f"`{text.split('(')[0]}`"


def _default(fields: dict[str, str]) -> str:
    return f"`{' '.join(fields['default'].split())}`" if "default" in fields else "required"


def _table(heads: tuple[str, ...], rows: list[Any]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ").strip() for cell in line] for line in lines]
    names = [[f"`{line[0]}`", *line[1:]] if number > 1 else line for number, line in enumerate(cells)]
    return "\n".join(f"| {' | '.join(line)} |" for line in names)


TABLES: dict[str, Callable[[], str]] = {"variables": variables, "outputs": outputs, "permissions": permissions}


def written(page: str) -> str:
    """The page with its tables made anew. Raises ValueError where a table's place is not marked."""
    for name, make in TABLES.items():
        place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
        if not place.search(page):
            raise ValueError(f"{PAGE.name} does not mark the place of the table {name!r}")
        table = make()
        page = place.sub(lambda found, table=table: f"{found[1]}\n{table}\n\n{found[2]}", page)  # type: ignore[misc]
    return page


def main(words: list[str]) -> int:
    """Exit code: 1 where --check finds a stale table."""
    old = PAGE.read_text(encoding="utf-8")
    new = written(old)
    if "--check" in words:
        if new != old:
            print("infra/README.md is stale; write it anew with: python -m tools.infra_docs", file=sys.stderr)
        return int(new != old)
    PAGE.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
