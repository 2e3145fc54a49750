"""Plays a recording against a fresh local Google Cloud, and tells what was different."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import requests

from localcloud.clock import Clock
from localcloud.documents import discovery
from localcloud.projects import numbered
from localcloud.server import LocalCloud
from localcloud.wire.addresses import address, served
from tests.replay import laying
from tests.replay.allowed import Allowance, allowance
from tests.replay.bindings import Bindings
from tests.replay.compare import Difference, Tally, differences
from tests.replay.recordings import Exchange, Recording

CALLER = "user@example.com"
PROJECT = re.compile(r"/(?:projects|namespaces)/([^/?:]+)")
NUMBER = re.compile(r'"namespace": "(\d+)"')
HELD_BY = re.compile(r"already being used by '([^']+)'")
STILL_BUSY = "is not ready"


@dataclass
class Score:
    """What came of one recording."""

    recording: str
    exchanges: int = 0
    matched: int = 0
    fields: Tally = field(default_factory=Tally)
    found: list[tuple[str, Difference]] = field(default_factory=list)
    allowed: list[tuple[Allowance, Difference]] = field(default_factory=list)
    unserved: dict[str, int] = field(default_factory=dict)

    @property
    def whole(self) -> bool:
        """Nothing is different but what is allowed."""
        return not self.found


def play(recording: Recording) -> Score:
    """Send every request of a recording, and compare every answer."""
    with LocalCloud(projects=_projects(recording), clock=Clock(idle=False)) as local:
        return _Player(recording, local).play()


def _projects(recording: Recording) -> dict[str, str]:
    """The projects that a recording names, with the number that it shows: there has to be one of each."""
    found = {match[1] for one in recording.exchanges for match in PROJECT.finditer(one.path)}
    projects = numbered(sorted("my-project" if "${" in name else name for name in found))
    numbers = [match[1] for one in recording.exchanges for match in NUMBER.finditer(json.dumps(one.answer))]
    return projects | dict(zip(projects, numbers[:1], strict=False))


class _Player:
    def __init__(self, recording: Recording, local: LocalCloud) -> None:
        self.recording = recording
        self.local = local
        self.http = requests.Session()
        self.bindings = Bindings(next(iter(local.cloud.projects)), local.cloud.projects)
        self.score = Score(recording.name)
        self.intruders: set[str] = set()

    def play(self) -> Score:
        with self.http:
            for index, exchange in enumerate(self.recording.exchanges):
                if (missing := _unserved(exchange)) is not None:
                    self.score.unserved[missing] = self.score.unserved.get(missing, 0) + 1
                    continue
                self._play(index, exchange)
        return self.score

    def _play(self, index: int, exchange: Exchange) -> None:
        if not self._busy(index):
            self.local.settle()
        try:
            self._prepare(index, exchange)
        except laying.NotLaidError as problem:
            self.score.found.append((exchange.where, Difference("unprepared", str(problem))))
        self.bindings.choose(exchange, self._exists, self._shown)
        path = self.bindings.filled(exchange.path)
        body = self.bindings.filled(exchange.body if exchange.told else self._untold(index, exchange))
        status, ours = self.send(exchange.verb, exchange.host, path, body, CALLER, exchange.query)
        self.bindings.learn(exchange, ours)
        self._judge(exchange, status, ours)

    def _judge(self, exchange: Exchange, status: int, ours: Any) -> None:
        found = [Difference("status", "status", exchange.status, status)] if status != exchange.status else []
        found += differences(exchange.answer, ours, self.score.fields)
        self.score.exchanges += 1
        self.score.fields.total += 1
        self.score.fields.matched += status == exchange.status
        rest: list[Difference] = []
        for one in found:
            line = allowance(self.recording.name, exchange.where, one)
            if line:
                self.score.allowed.append((line, one))
            else:
                rest.append(one)
        self.score.matched += not rest
        self.score.found += [(exchange.where, one) for one in rest]

    # what a recording presupposes

    def _prepare(self, index: int, exchange: Exchange) -> None:
        if not any(one.verb in ("POST", "PUT") for one in self.recording.exchanges[:index] if _about(one, exchange)):
            laying.laid(self._send_laying, exchange)
            self.local.settle()
        if exchange.verb == "DELETE":
            self._third_parties(index)

    def _third_parties(self, index: int) -> None:
        """Who holds what the recording cannot delete, and is gone when it can."""
        holders = set(_holders(self.recording))
        failed = bool(holders) and not self._succeeds(index)
        for holder in sorted(holders):
            name = self.bindings.filled(holder)
            path = f"/compute/v1/{name}"
            network = f"global/networks/{self.bindings.filled('${networkID}')}"
            if failed and name not in self.intruders and "/firewalls/" in name:
                body = {"name": name.rsplit("/", 1)[-1], "network": network, "allowed": [{"IPProtocol": "all"}]}
                self.send("POST", "compute.googleapis.com", path.rpartition("/")[0], body, "enforcer@example.com")
                self.intruders.add(name)
            elif not failed and name in self.intruders:
                self.send("DELETE", "compute.googleapis.com", path, None, "enforcer@example.com")
                self.intruders.discard(name)
        if holders and not self._busy(index):
            self.local.settle()

    def _busy(self, index: int) -> bool:
        """Whether what was begun before is still under way here: the next write, or this one, says so."""
        rest = self.recording.exchanges[index:]
        writes = next((one for one in rest if one.verb != "GET"), None)
        return writes is not None and STILL_BUSY in json.dumps(writes.answer)

    def _succeeds(self, index: int) -> bool:
        """Whether the deletion at `index` came through: what its operation, or the next look, says."""
        deleted = self.recording.exchanges[index]
        for one in self.recording.exchanges[index + 1 :]:
            if "/operations/" in one.path and isinstance(one.answer, dict):
                return "error" not in one.answer
            if one.path == deleted.path and one.verb == "GET":
                return one.status == 404
        return True

    def _untold(self, index: int, exchange: Exchange) -> Any:
        """The body of a mutation whose request nobody recorded: what the resource was read as afterwards."""
        later = [one for one in self.recording.exchanges[index:] if one.verb == "GET" and one.path in exchange.path]
        return laying.writable(later[0].answer, exchange) if later else {}

    # the wire

    def send(self, verb: str, host: str, path: str, body: Any, principal: str, query: str = "") -> tuple[int, Any]:
        url = f"{self.local.url}{path}" + (f"?{self.bindings.filled(query)}" if query else "")
        headers = {"Host": host, "Authorization": f"Bearer {principal}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        answer = self.http.request(verb, url, data=data, headers=headers, timeout=60)
        return answer.status_code, answer.json() if answer.content else None

    def _send_laying(self, verb: str, host: str, path: str, body: Any, principal: str) -> tuple[int, Any]:
        found = self.send(verb, host, self.bindings.filled(path), self.bindings.filled(body), principal)
        if verb != "GET":
            self.local.settle()
        return found

    def _exists(self, exchange: Exchange, path: str) -> bool:
        return self.send("GET", exchange.host, path, None, "judge@example.com")[0] == 200

    def _shown(self, exchange: Exchange, path: str) -> Any:
        return self.send("GET", exchange.host, path, None, "judge@example.com", exchange.query)[1]


def _about(made: Exchange, exchange: Exchange) -> bool:
    """Whether one exchange made what the other reads."""
    return made.host == exchange.host and exchange.path.startswith(made.path)


def _holders(recording: Recording) -> Iterator[str]:
    """The resources that held others in a recording and that nobody in it made."""
    for one in recording.exchanges:
        yield from HELD_BY.findall(json.dumps(one.answer))


def _unserved(exchange: Exchange) -> str | None:
    """What is not served here of an exchange: its service, or the method that it calls; None if it is."""
    if exchange.service not in served():
        return exchange.service
    where = address(exchange.path, exchange.host)
    if discovery.find(exchange.verb, where.path, exchange.service):
        return None
    return f"{exchange.service} {exchange.verb} {exchange.path.rstrip('/').rsplit('/', 1)[-1]}"
