"""`wayout policy`: the policy file, checked before it is in force."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.group()
def policy() -> None:
    """Work on a policy file."""


@policy.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def check(context: click.Context, file: Path, as_json: bool) -> None:
    """Check FILE: every problem with its line and field.

    Exit codes: 0 the policy can be used, 1 it cannot.
    """
    from wayout.egress import policy as policies

    try:
        found = policies.parse(file.read_text(encoding="utf-8"))
    except (policies.PolicyError, UnicodeDecodeError) as error:
        problems = error.problems if isinstance(error, policies.PolicyError) else [str(error)]
        if as_json:
            click.echo(json.dumps({"valid": False, "problems": problems}))
        else:
            for problem in problems:
                click.echo(f"{file}: {problem}", err=True)
        context.exit(1)
    counts = {"profiles": len(found.profiles), "rules": len(found.rules), "exemptions": len(found.exemptions)}
    if as_json:
        click.echo(json.dumps({"valid": True, "mode": found.mode, "paused": found.paused, **counts}))
        return
    said = ", ".join(f"{number} {word if number != 1 else word[:-1]}" for word, number in counts.items())
    click.echo(f"{file}: fine; mode {found.mode}{', paused' if found.paused else ''}; {said}")
