"""What a person sees: rich on a terminal, plain text in a pipe, JSON for a script."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table

from wayout.egress import report
from wayout.egress.messages import OutcomeSaid
from wayout.egress.model import Plan
from wayout.egress.report import Hop

COLOURS = {
    "whole": "green",
    "unneeded": "green",
    "planned": "yellow",
    "waiting": "yellow",
    "blocked": "red",
    "refused": "red",
    "invalid": "red",
}
EXITS = {"whole": 0, "unneeded": 0, "planned": 2, "waiting": 2, "blocked": 1, "refused": 1, "invalid": 1}


class _Console(Console):
    """Shows what others wrote without letting it drive the terminal: only rich's own control codes are sent."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for one in super().render(renderable, options):
            yield one if one.control else one._replace(text=report.printable(one.text))


def console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """A console that wraps on a terminal, and never cuts or wraps a line in a pipe."""
    stream = sys.stderr if stderr else sys.stdout
    terminal = stream.isatty()
    return _Console(
        stderr=stderr, quiet=quiet, highlight=False, width=None if terminal else 160, soft_wrap=not terminal
    )


def outcome(said: OutcomeSaid, to: Console) -> None:
    """One outcome, a fact a line."""
    first, *rest = report.lines(said)
    to.print(f"[bold {COLOURS[said.status]}]{escape(first)}[/]")
    for line in rest:
        to.print(escape(line))


def as_json(said: Sequence[OutcomeSaid]) -> None:
    """The outcomes as one JSON list, as other systems get them."""
    click.echo(json.dumps([item.model_dump(mode="json") for item in said], indent=2))


def exit_code(said: Sequence[OutcomeSaid]) -> int:
    """The worst of the outcomes: 0 whole, 2 changes wanted, 1 failed or blocked."""
    codes = {EXITS[item.status] for item in said}
    return 1 if 1 in codes else 2 if 2 in codes else 0


def progress(to: Console) -> Any:
    """A watcher that says what a reconcile is doing, a line per change."""

    def watch(stage: str, *what: Any) -> None:
        match stage, what:
            case "plan", (number, Plan(changes=changes), _):
                if changes:
                    to.print(f"[dim]look {number + 1}: {report.counted(len(changes), 'change')} wanted[/]")
            case "change", (change, said):
                fields = report.change_fields(change)
                name = fields["subject"].rsplit("/", 1)[-1]
                to.print(f"[dim]  {fields['verb']} {fields['kind']} {escape(name)}: {escape(said)}[/]")
            case "site", (site,):
                to.print(f"[dim]site {escape(str(site))}[/]")

    return watch


def path(title: str, columns: dict[str, Sequence[Hop]]) -> Table:
    """The way out, a hop a row, as it was seen at several times."""
    table = Table("hop", *columns, title=title, title_justify="left", title_style="bold")
    rows: dict[str, list[str]] = {}
    for number, hops in enumerate(columns.values()):
        for hop in hops:
            key = hop.what.split(" ", 1)[0] if hop.what.startswith(("connector", "subnet", "jobs")) else hop.what
            cells = rows.setdefault(key, ["-"] * len(columns))
            name = hop.what.removeprefix(key).strip()
            colour = "green" if hop.whole else "red"
            cells[number] = f"[{colour}]{escape(f'{name}  {hop.seen}'.strip())}[/]"
    for key, cells in rows.items():
        table.add_row(escape(key), *cells)
    return table
