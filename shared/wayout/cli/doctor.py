"""`wayout doctor`: is a deployment well, and if not, what is broken and what to do next."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from wayout.cloud.clients import Clients
    from wayout.egress.health import Deployment, Diagnosis

SENSELESS = 3
HEARD = 15.0  # seconds between two lines of progress in a pipe
EXITS = {"green": 0, "red": 1, "unknown": 2}
SIGNS = {"green": "✓", "red": "✗", "unknown": "?"}
COLOURS = {"green": "green", "red": "red", "unknown": "yellow"}


class _SenselessError(click.ClickException):
    """Nothing could be looked at: not to be taken for a finding."""

    exit_code = SENSELESS


@click.command()
@click.argument("deployment", type=click.File("r", encoding="utf-8"))
@click.option(
    "--from",
    "sources",
    metavar="PROJECT",
    multiple=True,
    help="Send the echo through the log sink from this project; more than once for several.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    help="How long to wait for the echoes; those that stay out are sent again meanwhile.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document; schema: docs/schemas.")
def doctor(deployment: Any, sources: tuple[str, ...], timeout: float, as_json: bool) -> None:
    """Examine the DEPLOYMENT that Terraform describes: green, red with the next step, or not known.

    \b
    terraform output -json deployment | wayout doctor -
    wayout doctor deployment.json --from my-jobs-project --timeout 60

    \b
    From outside, as you: APIs, log sinks and their writers, subscriptions, dead letters, who may call
    the functions. From inside: an echo goes through every function, one of them all the way from a log
    entry through the sink, and each function answers what only it can see: its version and settings,
    the policy, its own permissions in each project, and whether Slack takes the token. Nothing is
    changed; all that is written is the echoes, one of them into the log wayout-doctor.

    What you may not look at is not known, and says which permission it takes. A new sink may need minutes, and
    so may grants: silent echoes are sent again until the time is up, and what goes on is said on standard error.
    Cloud Scheduler's job is not examined and is never green: the command that shows it is.

    The settings WAYOUT_ENDPOINT_… point it at a local Google Cloud, as they do every command.

    Exit codes: 0 all green, 1 something is red, 2 nothing is red, but something is not known, 3 DEPLOYMENT or the
    settings make no sense: nothing was looked at.
    """
    from wayout import doctor as examining
    from wayout.egress import health

    try:
        described = health.parse(deployment.read())
    except health.DeploymentError as error:
        problems = "\n".join(f"  {problem}" for problem in error.problems)
        raise _SenselessError(f"{deployment.name} does not describe a deployment:\n{problems}") from error
    clients = _clients(described)
    try:
        with _progress(quiet=as_json) as tell:
            found = examining.examine(described, clients, sources=sources, timeout=timeout, tell=tell)
    finally:
        clients.close()
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    else:
        _show(found)
    sys.exit(EXITS[found.mark])


def _clients(described: Deployment) -> Clients:
    """Google's clients for whoever runs this: it is you, not the runtime account, who may lack a permission."""
    from wayout.cloud.clients import Clients
    from wayout.cloud.settings import Settings, SettingsError

    you = {"WAYOUT_PROJECT": described.project, "WAYOUT_PRINCIPAL": "you"}
    try:
        return Clients(Settings.from_env(dict(os.environ) | you))
    except SettingsError as error:
        raise _SenselessError(str(error)) from error


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[str], None]]:
    """What is going on: one line on a terminal, and in a pipe a line now and then, so that nobody takes it for hung."""
    from wayout.cli import show

    console = show.console(stderr=True, quiet=quiet)
    if quiet:
        yield lambda _: None
        return
    if not console.is_terminal:
        yield _now_and_then()
        return
    with console.status("looking") as status:
        yield status.update


def _now_and_then() -> Callable[[str], None]:
    """Says a line on standard error, unless it has just said one."""
    due = 0.0

    def tell(words: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + HEARD
            click.echo(words, err=True)

    return tell


def _show(found: Diagnosis) -> None:
    from rich.markup import escape

    from wayout.cli import show

    to = show.console()
    area = ""
    for one in found.findings:
        if one.area != area:
            area = one.area
            to.print(f"[bold]{escape(area)}[/]")
        to.print(f"  [{COLOURS[one.mark]}]{SIGNS[one.mark]}[/] {escape(f'{one.what}: {one.said}')}")
        if one.step:
            to.print(f"      [bold]→[/] {escape(one.step)}")
    counts = {mark: sum(one.mark == mark for one in found.findings) for mark in EXITS}
    words = {"green": "well", "red": "NOT WELL", "unknown": "well, as far as can be seen"}
    tally = f"{counts['green']} green, {counts['red']} red, {counts['unknown']} not known"
    to.print(f"\n[bold {COLOURS[found.mark]}]{found.project}: {words[found.mark]}[/] ({tally})")
