"""What the names in a recording that its recorder replaced stand for here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.replay.compare import Tally, differences
from tests.replay.recordings import Exchange

NAMED = re.compile(r"\$\{(\w+)\}")
OPERATION = "operationID"
UNIQUE = "abc123xyz0"
Exists = Callable[[Exchange, str], bool]
Shown = Callable[[Exchange, str], Any]


class Bindings:
    """The present value of every placeholder. One placeholder may have stood for several resources, one after another.

    A read that was answered with 404 although the present one exists means the next one.
    """

    def __init__(self, project: str, projects: Mapping[str, str]) -> None:
        self.now = {"projectId": project, "projectNumber": projects[project], "uniqueId": UNIQUE}
        self.all: dict[str, list[str]] = {}

    def filled(self, value: Any) -> Any:
        """A value with every placeholder replaced."""
        if isinstance(value, dict):
            return {key: self.filled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self.filled(one) for one in value]
        return NAMED.sub(lambda match: self._value(match[1]), value) if isinstance(value, str) else value

    def _value(self, name: str) -> str:
        if name not in self.now:
            self._next(name)
        return self.now[name]

    def _next(self, name: str) -> None:
        many = self.all.setdefault(name, [])
        word = re.sub(r"ID$", "", name).lower()
        many.append(f"{word}-{len(many) + 1}-{UNIQUE}")
        self.now[name] = many[-1]

    def choose(self, exchange: Exchange, exists: Exists, shown: Shown) -> None:
        """Settle on what the last placeholder of the exchange's path stands for now."""
        self._hear(exchange)
        last = NAMED.findall(exchange.path.rsplit("/", 1)[-1])
        if not last or last[0] in ("projectId", "uniqueId", OPERATION):
            return
        name, many = last[0], self.all.get(last[0], [])
        if exchange.verb == "GET" and exchange.status == 404:
            if exists(exchange, self.filled(exchange.path)):
                self._next(name)
        elif exchange.verb == "GET" and len(many) > 1:
            self.now[name] = min(many, key=lambda one: self._unlike(exchange, name, one, shown))

    def _hear(self, exchange: Exchange) -> None:
        """Where the answer says a name that the recorder replaced in the path only, that is what it stands for."""
        for found in NAMED.finditer(exchange.path):
            name = found[1]
            if name in self.now or name in ("projectId", "uniqueId", OPERATION):
                continue
            before = exchange.path[: found.start()].rstrip("/").rsplit("/", 1)[-1]
            said = re.search(rf"{before}/([\w${{}}-]+)|Resource '([\w${{}}-]+)'", _words(exchange.answer))
            text = (said[1] or said[2]) if said else ""
            if text and text != f"${{{name}}}":
                self.now[name] = str(self.filled(text))
                self.all[name] = [self.now[name]]

    def _unlike(self, exchange: Exchange, name: str, value: str, shown: Shown) -> tuple[int, bool]:
        """How much one candidate differs from what was recorded."""
        before, self.now[name] = self.now.get(name, value), value
        found = shown(exchange, self.filled(exchange.path))
        self.now[name] = before
        return len(list(differences(exchange.answer, found, Tally()))), value != before

    def learn(self, exchange: Exchange, ours: Any) -> None:
        """Take the operation's name from our own answer."""
        recorded = exchange.answer
        if isinstance(recorded, dict) and isinstance(ours, dict) and f"${{{OPERATION}}}" in str(recorded.get("name")):
            self.now[OPERATION] = str(ours.get("name", "")).rsplit("/", 1)[-1]


def _words(answer: Any) -> str:
    """What an answer says of the thing itself: its links, its name or why it is not there."""
    if not isinstance(answer, dict):
        return ""
    error = answer.get("error")
    said = [error.get("message")] if isinstance(error, dict) else []
    return " ".join(
        str(one) for one in (*said, answer.get("targetLink"), answer.get("selfLink"), answer.get("name")) if one
    )
