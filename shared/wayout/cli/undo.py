"""`wayout undo`: what was done for one plan, taken back."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from wayout.cli.jobs import built, common

if TYPE_CHECKING:
    from wayout.undo import TakenBack
    from wayout.wiring import Wired


@click.command()
@click.argument("plan")
@click.option("--apply", "apply_", is_flag=True, help="Take it back. Without this, only say what would be done.")
@common
def undo(plan: str, apply_: bool, project: str | None, policy_file: str | None, as_json: bool) -> None:
    """Take back what was done for PLAN: jobs first, then what nobody uses any more; nothing that others changed since.

    PLAN is the plan id that an outcome, a Slack message and every entry of the ledger name. The ledger of the home
    project tells what was done, for 30 days. Each step is proven as any plan is: it opens nothing that the policy does
    not allow, and cuts nobody off. While something is in the way of any of it, nothing is begun.

    \b
    A policy that still wants it has it made again at the next event or sweep: exempt the job, or say
    `paused: true`, first.
    Exit codes: 0 taken back (or nothing to take back), 2 it would be taken back, 1 something is in the way, or failed.
    """
    parts = built(project, policy_file, quiet=as_json)
    try:
        found = _taken(plan, parts, apply=apply_)
    finally:
        parts.clients.close()
    from wayout.cli import show

    said = [one.said for one in found]
    if as_json:
        show.as_json(said)
    else:
        _show(plan, found)
    sys.exit(1 if any(one.again for one in found) else show.exit_code(said))


def _taken(plan: str, parts: Wired, *, apply: bool) -> list[TakenBack]:
    import getpass
    import uuid

    from wayout import undo as undoing
    from wayout.cloud.errors import CloudError
    from wayout.egress.model import Cause
    from wayout.egress.policy import PolicyError

    cause = Cause(f"undo-{uuid.uuid4().hex[:12]}", getpass.getuser(), f"wayout undo {plan}")
    try:
        return list(undoing.undo(plan, cause, parts, apply=apply))
    except undoing.NotKnownError as error:
        raise click.ClickException(f"{error} → {error.help}") from error
    except (CloudError, PolicyError) as error:
        raise click.ClickException(str(error)) from error


def _show(plan: str, found: list[TakenBack]) -> None:
    from rich.markup import escape

    from wayout.cli import show
    from wayout.egress import report

    to = show.console()
    for one in found:
        site = one.said.site
        where = f" of {site.profile} in {site.region}" if site else ""
        colour = "red" if one.again else show.COLOURS[one.said.status]
        to.print(f"[bold {colour}]{escape(f'plan {plan}{where}: {_word(one)}')}[/]")
        for line in list(report.lines(one.said))[1:]:
            to.print(escape(line))
        if one.again:
            to.print(escape(f"  unfinished: {one.again}; run the same again"))


def _word(one: TakenBack) -> str:
    if one.plan.blocked:
        return "it cannot be taken back as things are" + (", and nothing was changed" if not one.outcomes else "")
    if one.said.status == "planned":
        return "it would be taken back; run it with --apply"
    return "it has been taken back" if one.outcomes else "there is nothing to take back"
