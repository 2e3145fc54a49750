"""Every benchmark, in one table and as JSON: each line a ratio of two things measured in the same run.

    python -m benchmarks.table [--json FILE] [--only NAME ...]

A benchmark is a module beside this one with a function `rows()`. Ratios are reports, not tests: whatever they are, the
exit code is 0. It is 1 if a benchmark broke.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import platform
import re
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

NAMES = ("cold_start", "calls", "duration", "sweeping", "proving", "local_cloud")

_AIM = re.compile(r"^(?P<sign><=|>=)? ?(?P<number>[0-9.]+)x?")
_WIDTH = 150  # in a pipe


@dataclass(frozen=True)
class Row:
    """One line: what was measured, against what, the aim for their ratio, and what it was.

    An aim is text such as `<= 1.2x`, `>= 0.9x`, `1x` or `0`; an empty one: nothing was promised. `figures` are what
    the ratio is made of, or what else is worth knowing, as text or numbers by name.
    """

    what: str
    against: str
    aim: str
    ratio: float
    figures: Mapping[str, str | float] = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        """Whether the aim was reached; None where there is none."""
        match = _AIM.match(self.aim)
        if match is None:
            return None
        aim = float(match["number"])
        return {"<=": self.ratio <= aim, ">=": self.ratio >= aim}.get(match["sign"], self.ratio == aim)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        shown = {"what": self.what, "against": self.against, "aim": self.aim, "ratio": round(self.ratio, 4)}
        return shown | {"reached": self.reached, "figures": dict(self.figures)}


def show(rows: Iterable[Row]) -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "against", "aim", "ratio", "", "figures")
    for row in rows:
        word = {True: "reached", False: "missed", None: ""}[row.reached]
        figures = ", ".join(f"{name} {_text(value)}" for name, value in row.figures.items())
        table.add_row(row.what, row.against, row.aim, f"{row.ratio:.2f}x", word, figures)
    Console(width=None if sys.stdout.isatty() else _WIDTH, markup=False).print(table)


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def write(rows: Iterable[Row], file: Path) -> None:
    """Write them as JSON, with what they were measured on."""
    machine = {"python": platform.python_version(), "processors": os.cpu_count() or 0}
    file.parent.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine, "rows": [row.document() for row in rows]}
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measured(names: Sequence[str]) -> tuple[list[Row], list[str]]:
    """The lines of some benchmarks, and the names of those that broke, whose errors are printed."""
    rows: list[Row] = []
    broken: list[str] = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            rows += importlib.import_module(f"benchmarks.{name}").rows()
        except Exception:  # noqa: BLE001 - the other benchmarks' figures are worth having
            traceback.print_exc()
            broken.append(name)
    return rows, broken


def main() -> int:
    """Exits with 1 if a benchmark broke."""
    there = [name for name in NAMES if importlib.util.find_spec(f"benchmarks.{name}")]
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--json", type=Path, default=ROOT / "dist" / "bench.json", metavar="FILE")
    options.add_argument("--only", action="append", choices=there, metavar="NAME", help=", ".join(there))
    given = options.parse_args()
    rows, broken = measured(given.only or there)
    show(rows)
    write(rows, given.json)
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
