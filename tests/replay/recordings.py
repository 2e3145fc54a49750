"""Recorded traffic of the real services, in the two forms there are, as one list of exchanges.

`http/*.json`: {"source", "exchanges": [{method, url, request, response}]}; names in `${...}` were put there by the
recorder. `flights/DIR/*.json`: {headers, body} of one answer each; the request is told by the file's name, the answer's
content-location or the link in it, and the order by the answers' dates.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Document = dict[str, Any]
STAMP = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


@dataclass
class Exchange:
    """One request and what the real service answered. `body` is None where nobody recorded it."""

    verb: str
    host: str
    path: str
    query: str
    status: int
    answer: Any
    body: Any = None
    told: bool = True  # whether the request's body was recorded
    when: datetime = STAMP
    where: str = ""

    @property
    def service(self) -> str:
        return self.host.partition(".")[0]


@dataclass
class Recording:
    """The exchanges of one session, in their order."""

    name: str
    exchanges: list[Exchange] = field(default_factory=list)


def read(path: Path) -> Iterator[Recording]:
    """The recordings in a file or folder. Raises ValueError for a file of neither form."""
    if path.is_dir():
        answers = sorted(path.glob("*.json"))
        if answers and all(_is_flight(one) for one in answers):
            yield _flight(path, answers)
            return
        for one in sorted(path.iterdir()):
            if one.is_dir() or one.suffix == ".json":
                yield from read(one)
    elif _is_flight(path):
        yield _flight(path, [path])
    else:
        yield _session(path)


def _load(path: Path) -> Document:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise TypeError(f"{path} holds no recording: it is not an object")
    return found


def _is_flight(path: Path) -> bool:
    return {"headers", "body"} <= _load(path).keys()


def _session(path: Path) -> Recording:
    document = _load(path)
    if "exchanges" not in document:
        raise ValueError(f"{path} holds no recording: neither `exchanges` nor `headers` and `body`")
    found = Recording(path.stem)
    for number, one in enumerate(document["exchanges"]):
        url = urlsplit(one["url"])
        said = one["response"]
        found.exchanges.append(
            Exchange(
                one["method"],
                url.netloc,
                url.path,
                url.query,
                int(said["status"]),
                said.get("body"),
                body=one["request"].get("body"),
                where=f"{number} {one['method']} {url.path}",
            )
        )
    return found


def _flight(folder: Path, paths: list[Path]) -> Recording:
    exchanges = [_answered(path) for path in paths]
    return Recording(folder.stem, sorted(exchanges, key=lambda one: one.when))


def _answered(path: Path) -> Exchange:
    document = _load(path)
    headers, body = document["headers"], document["body"]
    verb, _, rest = path.stem.partition("-")
    stem = re.sub(r"_\d+$", "", rest)
    url = urlsplit(headers.get("content-location") or _target(body, stem))
    when = parsedate_to_datetime(headers["date"]) if "date" in headers else STAMP
    status = int(headers.get("status", 200))
    known = verb in ("get", "delete")
    host = _host(url.netloc, url.path)
    return Exchange(verb.upper(), host, url.path, url.query, status, body, told=known, when=when, where=path.name)


def _target(body: Any, stem: str) -> str:
    """The URL of a mutation: the operation's target, and what the file's name has beyond it."""
    link = str(body.get("targetLink") or body.get("selfLink") or "") if isinstance(body, dict) else ""
    dashed = urlsplit(link).path.strip("/").replace("/", "-")
    beyond = stem.removeprefix(dashed).strip("-") if stem.startswith(dashed) else ""
    return f"{link}/{beyond}" if beyond else link


def _host(host: str, path: str) -> str:
    return "compute.googleapis.com" if path.startswith("/compute/") else host
