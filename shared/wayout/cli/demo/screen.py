"""What the demo shows while it happens: the functions' own log lines, in words."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from wayout.cli.demo.stage import Stage
from wayout.egress import naming
from wayout.egress.report import counted

EVENTS = ("event", "event set aside", "event could not be read")


class Screen:
    """Prints log lines as they come. `events` counts what reached on_audit_log; `failures` holds every ERROR line."""

    def __init__(self, console: Console, stage: Stage) -> None:
        self._console = console
        self._lines = stage.lines
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="screen", daemon=True)
        self.events = 0
        self.failures: list[str] = []
        self._operations: dict[str, str] = {}

    def start(self) -> None:
        """Begin to follow the functions."""
        self._thread.start()

    def stop(self) -> None:
        """Stop once every line that has come is shown."""
        self._stop.set()
        self._thread.join(timeout=10)

    def catch_up(self) -> None:
        """Show what has been said so far; lines of other processes take a moment to arrive."""
        time.sleep(0.15)
        self._lines.join()

    def typed(self, words: str) -> None:
        """A command that somebody typed, beginning with `$`, or what it printed."""
        style = "bold" if words.startswith("$ ") else "dim"
        for line in words.splitlines():
            self._console.print(Text("   ").append_text(Text.from_ansi(line)), style=style, soft_wrap=True)

    def _follow(self) -> None:
        while not (self._stop.is_set() and self._lines.empty()):
            try:
                name, line = self._lines.get(timeout=0.05)
            except queue.Empty:
                continue
            self.events += name == "on_audit_log" and line["message"] in EVENTS
            if line.get("severity") in ("ERROR", "CRITICAL"):
                self.failures.append(f"{name}: {line['message']} {line.get('stack_trace', '')}")
            if line["message"] == "change" and line["stage"].startswith("operation"):
                self._operations[line["subject"]] = line["stage"]
            for text in _words(line, self._operations):
                self._console.print(f"   {text}")
            self._lines.task_done()


def _words(line: dict[str, Any], operations: dict[str, str]) -> Iterable[str]:
    match line["message"]:
        case "event":
            said = f"{line['who']} — {line['what']} {_short(line['target'])}"
            yield f"[magenta]audit log entry[/]: {escape(said)}"
        case "intent":
            name, because = escape(_short(line["job"])), escape(line["because"])
            yield f"[bold]{name}[/] {escape(line['stance'])} a way out: {because}"
        case "plan" if line["changes"]:
            yield f"[cyan]plan[/], look {line['pass'] + 1}: {counted(len(line['changes']), 'change')}"
            for change in line["changes"]:
                name, because = escape(_short(change["subject"])), escape(change["because"])
                yield f"   [cyan]{change['verb']}[/] {change['kind']} [bold]{name}[/] [dim]{because}[/]"
        case "plan" if line["pass"]:
            yield f"[green]look {line['pass'] + 1}[/]: {_rest(line)}"
        case "outcome":
            colour = "red" if line["result"] in ("refused", "put off") else "green"
            name = escape(_short(line["subject"]))
            rest = escape(line["detail"] or operations.pop(line["subject"], ""))
            yield f"   [{colour}]{line['result']}[/] {line['kind']} {name} [dim]{rest}[/]"
    if line.get("severity") in ("ERROR", "CRITICAL"):
        yield f"[red]{escape(line['message'])}[/] {escape(str(line.get('stack_trace', ''))[-400:])}"


def _rest(line: dict[str, Any]) -> str:
    left = [f"blocked: {item['what']}" for item in line["blocked"]]
    left += [f"waiting: {item['what']}" for item in line["waiting"]]
    return escape("; ".join(left)) if left else "nothing left to do"


def _short(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def rules_table(rules: Iterable[dict[str, Any]]) -> Table:
    """The firewall of the network, the strongest rule first: Google's, ours, and those of others."""
    table = Table("priority", "rule", "whose", "direction", "says", title="The firewall", title_justify="left")
    for rule in rules:
        whose = _whose(rule)
        verb = "allows" if rule.get("allowed") else "denies"
        traffic = ", ".join(_traffic(item) for item in rule.get("allowed") or rule.get("denied", []))
        state = " (disabled)" if rule.get("disabled") else ""
        style = "dim" if rule.get("disabled") else {"ours": "green", "Google": "blue"}.get(whose, "yellow")
        said = f"{verb} {traffic} {_ends(rule)}{state}"
        table.add_row(str(rule["priority"]), rule["name"], whose, rule["direction"], escape(said), style=style)
    return table


def _whose(rule: dict[str, Any]) -> str:
    if naming.automatic(rule["name"]):
        return "Google"
    return "ours" if rule.get("description", "").startswith(naming.MARK) else "somebody"


def _traffic(item: dict[str, Any]) -> str:
    ports = ",".join(item.get("ports", []))
    return f"{item['IPProtocol']}:{ports}" if ports else str(item["IPProtocol"])


def _ends(rule: dict[str, Any]) -> str:
    sources = [*rule.get("sourceTags", []), *rule.get("sourceRanges", [])]
    places = rule.get("destinationRanges", [])
    some = f"to {len(places)} ranges" if len(places) > 4 else f"to {', '.join(places)}" if places else ""
    return " ".join(filter(None, [f"from {', '.join(sources)}" if sources else "", some]))


def slack_panel(message: dict[str, Any]) -> Panel:
    """A Slack message, as plain text in a frame."""
    parts: list[str] = []
    for block in message.get("blocks", []):
        elements = block.get("elements") or [block.get("text", {})]
        parts.append("\n".join(_plain(element.get("text", "")) for element in elements))
    return Panel(
        escape("\n\n".join(parts)), title=f"Slack {message['channel']}", title_align="left", border_style="magenta"
    )


def _plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").replace("*", "")
