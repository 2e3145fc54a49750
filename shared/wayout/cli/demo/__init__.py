"""`wayout demo`: the whole story on a local Google Cloud, in well under a minute."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from wayout.cli.demo.screen import Screen
    from wayout.cli.demo.stage import Stage
    from wayout.cli.demo.story import Scenario, Story


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Tell the same as one JSON document.")
@click.option("--gcloud", "typed", is_flag=True, help="The same, typed into gcloud, which must be installed.")
def demo(as_json: bool, typed: bool) -> None:
    """Tell the whole story on a local Google Cloud, with our functions behind their real server.

    A job is deployed that has no way out; its audit log entry reaches a function; and a connector, tight firewall
    rules, Cloud NAT and the attachment follow, each with its reason. Then a second job, two things that somebody
    breaks, and one that is nobody's business but is reported.

    With --gcloud, people type their commands into an unmodified gcloud, whose output is shown.

    Exit codes: 0 every scenario ended whole, 1 one did not.
    """
    from wayout.cli import show
    from wayout.cli.demo.screen import Screen
    from wayout.cli.demo.stage import Stage
    from wayout.cli.demo.story import Story

    began = time.monotonic()
    console = show.console(quiet=as_json)
    console.print("[bold]Wayout[/]: starting a local Google Cloud, and four functions behind their real server …")
    with Stage(policy=_policy(typed=typed)) as stage:
        story, screen = Story(stage), Screen(console, stage)
        with _script(stage, screen, typed=typed) as told:
            _perform(told, story, screen, console)
        document = _sum_up(told, stage, screen)
        story.close()
    document["secondsReal"] = round(time.monotonic() - began, 2)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        _close(document, console)
    sys.exit(0 if document["whole"] else 1)


def _policy(*, typed: bool) -> str:
    from wayout.cli.demo.stage import POLICY
    from wayout.cli.demo.typed import POLICY_RULE, find

    if not typed:
        return POLICY
    try:
        find()
    except RuntimeError as missing:
        raise click.ClickException(str(missing)) from None
    return POLICY + POLICY_RULE


@contextmanager
def _script(stage: Stage, screen: Screen, *, typed: bool) -> Iterator[list[Scenario]]:
    """The scenarios to play."""
    from wayout.cli.demo import typed as in_gcloud
    from wayout.cli.demo.story import scenarios

    if not typed:
        yield scenarios()
        return
    terminal = in_gcloud.Terminal(stage, screen.typed)
    try:
        yield in_gcloud.scenarios(terminal)
    finally:
        terminal.close()


def _perform(told: list[Scenario], story: Story, screen: Screen, console: Console) -> None:
    story.platform.lay_the_ground()
    story.stage.settle()
    screen.start()
    for number, scenario in enumerate(told, start=1):
        console.print(f"\n[bold]{number}. {scenario.name}[/]")
        story.run(scenario)
        screen.catch_up()
        _show(scenario, story, console, first=number == 1)
    screen.stop()


def _show(scenario: Scenario, story: Story, console: Console, *, first: bool) -> None:
    from rich.markup import escape

    from wayout.cli import show
    from wayout.cli.demo.screen import rules_table, slack_panel

    if first:
        console.print(show.path("The way out", {"before": scenario.before, "after": scenario.after}), soft_wrap=False)
        console.print(rules_table(story.platform.rules()), soft_wrap=False)
    for note in dict.fromkeys(note for said in scenario.outcomes for note in said.notes if "not tight" in note):
        console.print(f"   [yellow]{escape(note)}[/]")
    for message in scenario.slack:
        console.print(slack_panel(message), soft_wrap=False)
    verdict = "[green]whole[/]" if scenario.whole else "[bold red]NOT WHOLE[/]"
    console.print(
        f"   {verdict} after {scenario.seconds:.0f} virtual seconds, "
        f"with {scenario.reads} reads and {scenario.writes} writes of Google's APIs"
    )


def _sum_up(told: list[Scenario], stage: Stage, screen: Screen) -> dict[str, Any]:
    return {
        "whole": all(scenario.whole for scenario in told) and not screen.failures,
        "scenarios": [scenario.document() for scenario in told],
        "slackMessages": [message for scenario in told for message in scenario.slack],
        "eventsSeen": screen.events,
        "apiCalls": sum(scenario.reads + scenario.writes for scenario in told),
        "failures": screen.failures,
        "secondsVirtual": round(float(stage.admin("state")["seconds"]), 1),
    }


def _close(document: dict[str, Any], console: Console) -> None:
    minutes = document["secondsVirtual"] / 60
    verdict = "[bold green]Every scenario ended whole.[/]" if document["whole"] else "[bold red]Not whole.[/]"
    console.print(
        f"\n{verdict} {document['eventsSeen']} events seen, {document['apiCalls']} API calls made by Wayout; "
        f"{minutes:.0f} minutes of waiting passed in {document['secondsReal']:.0f} s."
    )
    for failure in document["failures"]:
        console.print(failure, style="red", markup=False)
