"""`wayout demo`: the whole story on a local Google Cloud, in well under a minute."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from wayout.cli.demo.screen import Screen
    from wayout.cli.demo.stage import Stage
    from wayout.cli.demo.story import Scenario, Story


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Tell the same as one JSON document.")
def demo(as_json: bool) -> None:
    """Tell the whole story on a local Google Cloud, with our functions behind their real server.

    A job is deployed that has no way out; its audit log entry reaches a function; and a connector, tight firewall
    rules, Cloud NAT and the attachment follow, each with its reason. Then a second job, two things that somebody
    breaks, and one that is nobody's business but is reported.

    Exit codes: 0 every scenario ended whole, 1 one did not.
    """
    from wayout.cli import show
    from wayout.cli.demo.screen import Screen
    from wayout.cli.demo.stage import Stage
    from wayout.cli.demo.story import Story

    began = time.monotonic()
    console = show.console(quiet=as_json)
    console.print("[bold]Wayout[/]: starting a local Google Cloud, and four functions behind their real server …")
    with Stage() as stage:
        story, screen = Story(stage), Screen(console, stage)
        told = _perform(story, screen, console)
        document = _sum_up(told, stage, screen)
        story.close()
    document["secondsReal"] = round(time.monotonic() - began, 2)
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        _close(document, console)
    sys.exit(0 if document["whole"] else 1)


def _perform(story: Story, screen: Screen, console: Console) -> list[Scenario]:
    from wayout.cli.demo.story import scenarios

    story.platform.lay_the_ground()
    story.stage.settle()
    screen.start()
    told = scenarios()
    for number, scenario in enumerate(told, start=1):
        console.print(f"\n[bold]{number}. {scenario.name}[/]")
        story.run(scenario)
        screen.catch_up()
        _show(scenario, story, console, first=number == 1)
    screen.stop()
    return told


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
