"""What is different between a recorded answer and ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# What recorders put in the place of a value that changes from run to run, and what ours must look like there.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
NORMALISED: tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...] = (
    (TIME, TIME, "times are those of the run"),
    (re.compile(r"0{10,}"), re.compile(r"\d+"), "the recorder replaced numeric ids"),
    (re.compile(r"1{10,}"), re.compile(r"\S+"), "the recorder replaced unique ids"),
    (re.compile(r"abcdef0123A=*"), re.compile(r"\S+"), "the recorder replaced etags and fingerprints"),
    (re.compile(r"12345678901234"), re.compile(r"\d+"), "the recorder replaced generations that it read"),
    (re.compile(r"user@example\.com|\$\{creatorID\}"), re.compile(r"\S+@\S+"), "the recorder replaced the caller"),
)
PLACEHOLDER = re.compile(r"\$\{\w+\}")


@dataclass(frozen=True)
class Difference:
    """One field that differs. `path` has `[]` for any index; `kind` is status, missing, extra, type or value."""

    kind: str
    path: str
    recorded: Any = None
    ours: Any = None

    def __str__(self) -> str:
        said = {"missing": f"recorded {self.recorded!r}", "extra": f"ours {self.ours!r}"}
        return f"{self.kind} {self.path}: " + said.get(self.kind, f"recorded {self.recorded!r}, ours {self.ours!r}")


@dataclass
class Tally:
    """How many leaves were compared and were as recorded."""

    matched: int = 0
    total: int = 0


def differences(recorded: Any, ours: Any, tally: Tally, path: str = "") -> Iterator[Difference]:
    """Every leaf that differs; counts all of them."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        yield from _of_objects(recorded, ours, tally, path)
    elif isinstance(recorded, list) and isinstance(ours, list):
        yield from _of_lists(recorded, ours, tally, path)
    else:
        tally.total += 1
        found = _of_leaves(recorded, ours, path)
        tally.matched += found is None
        if found:
            yield found


def _of_objects(recorded: Any, ours: Any, tally: Tally, path: str) -> Iterator[Difference]:
    for key in [*recorded, *(key for key in ours if key not in recorded)]:
        where = f"{path}.{key}" if path else key
        if key not in ours:
            tally.total += 1
            yield Difference("missing", where, recorded=recorded[key])
        elif key not in recorded:
            tally.total += 1
            yield Difference("extra", where, ours=ours[key])
        else:
            yield from differences(recorded[key], ours[key], tally, where)


def _of_lists(recorded: list[Any], ours: list[Any], tally: Tally, path: str) -> Iterator[Difference]:
    for one, other in zip(recorded, ours, strict=False):
        yield from differences(one, other, tally, f"{path}[]")
    for one in recorded[len(ours) :]:
        tally.total += 1
        yield Difference("missing", f"{path}[]", recorded=one)
    for one in ours[len(recorded) :]:
        tally.total += 1
        yield Difference("extra", f"{path}[]", ours=one)


def _of_leaves(recorded: Any, ours: Any, path: str) -> Difference | None:
    if type(recorded) is not type(ours):
        return Difference("type", path, recorded, ours)
    if recorded == ours or (isinstance(recorded, str) and _same_text(recorded, ours)):
        return None
    return Difference("value", path, recorded, ours)


def _same_text(recorded: str, ours: str) -> bool:
    if any(was.fullmatch(recorded) and looks.fullmatch(ours) for was, looks, _ in NORMALISED):
        return True
    if not PLACEHOLDER.search(recorded):
        return False
    pieces = PLACEHOLDER.split(recorded)
    return re.fullmatch("[^/']+".join(re.escape(piece) for piece in pieces), ours) is not None
