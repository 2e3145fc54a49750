"""`wayout policy`: the policy file checked before it is in force, and explained for one job."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wayout.cli.jobs import common, job_argument, named_job

if TYPE_CHECKING:
    from wayout.egress.need import Intent, Step
    from wayout.egress.policy import Policy


@click.group()
def policy() -> None:
    """Check a policy file, or explain what it says of a job."""


@policy.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def check(context: click.Context, file: Path, as_json: bool) -> None:
    """Check FILE: every problem with its line and field, and what it says in short.

    A policy that contradicts itself is refused, such as the internet as a destination under private-ranges-only.
    What it hardly can mean, such as a rule that never decides, is a warning.

    Exit codes: 0 the policy can be used (with warnings or without), 1 it cannot.
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
    doubts = policies.warnings(found, datetime.now(UTC).date())
    counts = {"profiles": len(found.profiles), "rules": len(found.rules), "exemptions": len(found.exemptions)}
    if as_json:
        head = {"valid": True, "mode": found.mode, "paused": found.paused}
        click.echo(json.dumps({**head, **counts, "warnings": doubts}))
        return
    said = ", ".join(f"{number} {word if number != 1 else word[:-1]}" for word, number in counts.items())
    click.echo(f"{file}: fine; mode {found.mode}{', paused' if found.paused else ''}; {said}")
    for line in _in_short(found):
        click.echo(f"  {line}")
    for doubt in doubts:
        click.echo(f"  warning: {doubt}")


def _in_short(found: Policy) -> list[str]:
    """The rules in their order, and what each profile means."""
    lines = []
    for number, rule in enumerate(found.rules, start=1):
        given = rule.match.model_dump(exclude_defaults=True)
        given |= {f"label {key}": value for key, value in given.pop("labels", {}).items()}
        whom = ", ".join(f"{key} {value}" for key, value in given.items()) or "every job"
        mode = rule.mode or (found.profiles[rule.profile].mode if rule.profile in found.profiles else None)
        lines.append(
            f"rule {number}{f' {rule.name!r}' if rule.name else ''}: {whom} → {rule.profile} ({mode or found.mode})"
        )
    from wayout.egress import report

    return [*lines, *(f"profile {name}: {report.profile_said(profile)}" for name, profile in found.profiles.items())]


@policy.command()
@job_argument
@common
def explain(job: str, region: str | None, project: str | None, policy_file: str | None, as_json: bool) -> None:
    """Walk the policy for JOB: who was asked, what each said, which one decided and why.

    JOB is a job's short name (with --region) or projects/PROJECT/locations/REGION/jobs/JOB. Nothing is changed.
    Exit codes: 0 it was decided, 1 unclear, or failed.
    """
    name, wired = named_job(job, region, project, policy_file, quiet=True)
    from wayout import explain as explaining
    from wayout.cloud.errors import CloudError
    from wayout.egress.need import Stance
    from wayout.egress.policy import PolicyError

    try:
        steps = explaining.walk(name, wired)
        found = wired.policy()
    except explaining.NotKnownError as error:
        raise click.ClickException(f"{error}" + (f" → {error.help}" if error.help else "")) from error
    except (CloudError, PolicyError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        wired.clients.close()
    intent = next(step.intent for step in steps if step.intent)
    if as_json:
        click.echo(json.dumps(_document(steps, intent), indent=2))
    else:
        _show(steps, intent, found)
    sys.exit(1 if intent.stance == Stance.UNCLEAR else 0)


def _show(steps: tuple[Step, ...], intent: Intent, found: Policy) -> None:
    from wayout.egress import report

    click.echo(f"{intent.job}: {intent.stance}")
    for step in steps:
        sign = "→" if step.intent else "·"
        click.echo(f"  {sign} {step.what}: {step.said}{'  ← decides' if step.intent else ''}")
    if intent.help:
        click.echo(f"  → {intent.help}")
    if intent.profile and intent.site:
        click.echo(f"  profile {intent.site.profile}: {report.profile_said(intent.profile)}")
        source = "the rule or profile" if intent.mode != found.mode else "the policy"
        click.echo(f"  site {intent.site}; mode {intent.mode}, as {source} says{', paused' if found.paused else ''}")


def _document(steps: tuple[Step, ...], intent: Intent) -> dict[str, Any]:
    return {
        "job": str(intent.job),
        "stance": intent.stance.value,
        "because": intent.because,
        "help": intent.help,
        "site": str(intent.site) if intent.site else None,
        "mode": intent.mode,
        "steps": [{"what": step.what, "said": step.said, "decides": step.intent is not None} for step in steps],
    }
