"""`wayout plan`, `apply`, `sweep` and `replay`: the same reconcile as the functions', asked for by a person."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from wayout.egress.messages import OutcomeSaid
    from wayout.egress.model import JobName, Target
    from wayout.reconcile import Ending
    from wayout.wiring import Wired

Command = Callable[..., Any]


def common(command: Command) -> Command:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the outcomes as one JSON list."),
        click.option("--policy", "policy_file", metavar="FILE", help="The policy file.  [env: WAYOUT_POLICY]"),
        click.option("--project", metavar="PROJECT", help="The home project.  [env: WAYOUT_PROJECT]"),
    ):
        command = option(command)
    return command


def job_argument(command: Command) -> Command:
    region = click.option("--region", metavar="REGION", help="The region of a job that is named by its short name.")
    return click.argument("job")(region(command))


@click.command()
@job_argument
@common
def plan(job: str, region: str | None, project: str | None, policy_file: str | None, as_json: bool) -> None:
    """Show what is missing on the way out of JOB, and why; change nothing.

    JOB is a job's short name (with --region) or projects/PROJECT/locations/REGION/jobs/JOB.
    Exit codes: 0 whole, 2 changes wanted, 1 blocked or failed.
    """
    _reconcile_job(job, region, project, policy_file, as_json=as_json, apply_=False)


@click.command()
@job_argument
@common
def apply(job: str, region: str | None, project: str | None, policy_file: str | None, as_json: bool) -> None:
    """Give JOB its way out, if the policy enforces one for it.

    JOB is a job's short name (with --region) or projects/PROJECT/locations/REGION/jobs/JOB.
    Exit codes: 0 whole, 2 changes wanted (mode observe, or still under way), 1 blocked or failed.
    """
    _reconcile_job(job, region, project, policy_file, as_json=as_json, apply_=True)


@click.command()
@click.option("--plan", "only_plan", is_flag=True, help="Change nothing.")
@common
def sweep(only_plan: bool, project: str | None, policy_file: str | None, as_json: bool) -> None:
    """Reconcile every job of every project and region that the policy lists.

    Exit codes: 0 all whole, 2 changes wanted, 1 something is blocked or failed.
    """
    from wayout.egress.model import EverythingTarget

    wired = built(project, policy_file, quiet=as_json)
    _show(_endings(wired, EverythingTarget(), "sweep", apply_=not only_plan), as_json=as_json)


@click.command()
@click.argument("file", type=click.File("r", encoding="utf-8"))
@click.option("--plan", "only_plan", is_flag=True, help="Change nothing.")
@common
def replay(file: Any, only_plan: bool, project: str | None, policy_file: str | None, as_json: bool) -> None:
    """Handle the event in FILE as the function would: a LogEntry, a Pub/Sub message or a CloudEvent, as JSON.

    FILE may be - for standard input. An event that is set aside says why, and exits with 0.
    """
    from wayout.cloud import echoes, events

    try:
        document = json.load(file)
    except ValueError as error:
        raise click.ClickException(f"{file.name}: not JSON: {error}") from error
    attributes, data = _envelope(document)
    reading = events.read(attributes, data, ours=events.Ours(os.environ.get("WAYOUT_PRINCIPAL", "")))
    if not isinstance(reading, events.Names):
        verdict = "cannot be read" if isinstance(reading, events.Unclear) else "set aside"
        why = "an echo of wayout doctor" if isinstance(reading, echoes.Wanted) else reading.why
        said = {"id": reading.id, "verdict": verdict, "why": why}
        click.echo(json.dumps(said) if as_json else f"{reading.id}: {verdict}: {why}")
        sys.exit(0 if verdict == "set aside" else 1)
    wired = built(project, policy_file, quiet=as_json)
    _show(_endings(wired, reading.target, reading.cause.id, apply_=not only_plan, cause=reading.cause), as_json=as_json)


def _envelope(document: Any) -> tuple[dict[str, str], Any]:
    """A CloudEvent in JSON holds its data beside its attributes; everything else is data."""
    if isinstance(document, dict) and "specversion" in document:
        attributes = {key: str(value) for key, value in document.items() if key not in ("data", "data_base64")}
        return attributes, document.get("data", document.get("data_base64"))
    if isinstance(document, dict) and "message" in document:
        return {"type": "google.cloud.pubsub.topic.v1.messagePublished"}, document
    return {}, document


def _reconcile_job(
    text: str, region: str | None, project: str | None, policy_file: str | None, *, as_json: bool, apply_: bool
) -> None:
    from wayout.egress.model import JobTarget

    job, wired = named_job(text, region, project, policy_file, quiet=as_json)
    _show(_endings(wired, JobTarget(job), "command", apply_=apply_), as_json=as_json)


def named_job(
    text: str, region: str | None, project: str | None, policy_file: str | None, *, quiet: bool
) -> tuple[JobName, Wired]:
    """The job that a person means, and the parts to reach it with. Raises click.UsageError."""
    from wayout.egress.model import JobName

    home = project or os.environ.get("WAYOUT_PROJECT", "")
    if "/" not in text:
        if not (region and home):
            raise click.UsageError(
                f"{text} is a short name: add --region and --project, or write projects/…/jobs/{text}"
            )
        text = f"projects/{home}/locations/{region}/jobs/{text}"
    try:
        job = JobName.parse(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return job, built(project or home or job.project, policy_file, quiet=quiet)


def built(project: str | None, policy_file: str | None, *, quiet: bool) -> Wired:
    """The parts of a command, settings from the environment but for what is given. Raises click.ClickException."""
    from wayout.cli import show
    from wayout.cloud.settings import Settings, SettingsError
    from wayout.wiring import Wired

    environment = dict(os.environ)
    environment |= {"WAYOUT_PROJECT": project} if project else {}
    environment |= {"WAYOUT_POLICY": policy_file} if policy_file else {}
    if not environment.get("WAYOUT_POLICY"):
        raise click.UsageError("which policy? Give --policy FILE or set WAYOUT_POLICY")
    try:
        settings = Settings.from_env(environment)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    return Wired(settings, watch=(lambda *_: None) if quiet else show.progress(show.console(stderr=True)))


def _endings(wired: Wired, target: Target, id_: str, *, apply_: bool, cause: Any = None) -> Iterator[Ending]:
    import getpass
    import uuid

    from wayout.egress.model import Cause

    cause = cause or Cause(f"{id_}-{uuid.uuid4().hex[:12]}", getpass.getuser(), f"wayout {id_}")
    try:
        yield from wired.endings(target, cause, apply=apply_)
    finally:
        wired.clients.close()


def _show(endings: Iterable[Ending], *, as_json: bool) -> None:
    """Print outcomes as they come (or all as JSON) and exit with what they amount to."""
    from wayout.cli import show
    from wayout.cloud.errors import CloudError
    from wayout.egress.policy import PolicyError

    said: list[OutcomeSaid] = []
    to = show.console()
    try:
        for ending in endings:
            said.append(ending.said)
            if not as_json:
                show.outcome(ending.said, to)
                if ending.again:
                    to.print(f"  unfinished: {ending.again}; run the same again")
    except (PolicyError, CloudError) as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        show.as_json(said)
    elif not said:
        to.print("nothing here needs a way out")
    sys.exit(show.exit_code(said))
