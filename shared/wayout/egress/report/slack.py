"""An outcome as a Slack message: who deployed what, what was missing, what was done and why, what is left."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from wayout.egress.messages import OutcomeSaid
from wayout.egress.report.text import awaited, changes_said, headline, printable, undoable

SECTION = 2900  # characters; Slack refuses a section text above 3,000
SIGNS = {
    "whole": ":white_check_mark:",
    "planned": ":memo:",
    "blocked": ":no_entry:",
    "waiting": ":hourglass_flowing_sand:",
    "refused": ":no_entry:",
    "invalid": ":warning:",
    "unneeded": ":information_source:",
}


def slack(said: OutcomeSaid) -> dict[str, Any] | None:
    """`text` and `blocks` for chat.postMessage; None where nothing changed and nothing is in the way."""
    if not said.changed and said.status not in ("blocked", "refused", "invalid"):
        return None
    title = headline(said)
    blocks = [_header(title), *_context(said)]
    done = [changes_said(change) for change in said.changes if change.result != "kept"]
    blocks += _list("What was missing, and what was done", done)
    left = [f"{block.what}: {block.why}. {_bold(block.help)}" for block in _escaped(said)]
    blocks += _list("Left to you", left, raw=True)
    blocks += _list("Still under way", [f"{wait.what}, until {wait.until}" for wait in awaited(said)])
    blocks += _list("Worth knowing", said.notes)
    if said.error:
        blocks += _list("What is wrong with the request", [f"{said.error.field or 'message'}: {said.error.message}"])
    if said.way and said.status == "whole":
        blocks.append(_section(f"*The way out*\n{escape(' → '.join(said.way))}"))
    if undoable(said):
        blocks.append(_section(f"To take it back: `wayout undo {escape(said.plan)}`"))
    return {"text": f"{SIGNS[said.status]} {escape(title)}", "blocks": blocks[:50]}


def escape(text: str) -> str:
    """Slack's three control characters, so that no name or label can mark up or mention anybody; and all the others."""
    return printable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(text: str, length: int) -> str:
    """The beginning of an escaped text; an `&lt;` is never cut in two."""
    return text if len(text) <= length else re.sub(r"&[a-z]*$", "", text[:length])


def _bold(text: str) -> str:
    """Its first line; what follows is there to be copied."""
    first, *rest = text.split("\n")
    return "\n".join([f"*{first}*", *rest])


def _pieces(text: str, length: int) -> list[str]:
    """A text in pieces of at most so many characters, parted between its lines; a line that is longer is cut."""
    found: list[str] = []
    for line in text.split("\n"):
        if found and len(found[-1]) + 1 + len(line) <= length:
            found[-1] += f"\n{line}"
        else:
            found.append(_cut(line, length))
    return found


def _escaped(said: OutcomeSaid) -> Iterable[Any]:
    return (
        block.model_copy(update={name: escape(getattr(block, name)) for name in ("what", "why", "help")})
        for block in said.blocked
    )


def _header(title: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": printable(title)[:150]}}


def _context(said: OutcomeSaid) -> list[dict[str, Any]]:
    cause = said.cause
    words = [f"{cause.who} — {cause.what}" if cause.who else cause.what, cause.when]
    words += dict.fromkeys(f"{job.stance}: {job.because}" for job in said.jobs[:3])
    if said.site:
        words.append(f"profile {said.site.profile}, {said.site.network}, mode {said.mode}")
    elements = [{"type": "mrkdwn", "text": _cut(escape(word), SECTION)} for word in words if word]
    return [{"type": "context", "elements": elements[:10]}] if elements else []


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(text, SECTION)}}


def _list(title: str, items: Iterable[str], *, raw: bool = False, most: int = 10) -> list[dict[str, Any]]:
    """A titled list, in as many sections as its length takes, and no more than `most`: others need room too."""
    lines = [piece for item in items for piece in _pieces(f"• {item if raw else escape(item)}", SECTION - 100)]
    sections: list[str] = []
    for line in lines:
        if sections and len(sections[-1]) + len(line) < SECTION:
            sections[-1] += f"\n{line}"
        else:
            sections.append(f"*{title}*\n{line}" if not sections else line)
    if len(sections) > most:
        sections[most - 1 :] = ["• … and more: the outcome message and the log hold everything"]
    return [_section(text) for text in sections]
