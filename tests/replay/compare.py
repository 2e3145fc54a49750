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
    (re.compile(r"1{10,}|8{10,}"), re.compile(r"\S+"), "the recorder replaced unique ids"),
    (re.compile(r"abcdef0123A=*"), re.compile(r"\S+"), "the recorder replaced etags and fingerprints"),
    (re.compile(r"12345678901234"), re.compile(r"\d+"), "the recorder replaced generations that it read"),
    (re.compile(r"user@example\.com|\$\{creatorID\}"), re.compile(r"\S+@\S+"), "the recorder replaced the caller"),
)
# Fields whose values every cloud chooses for itself, and what they look like; operation names hold such a part too.
CHOSEN: dict[str, re.Pattern[str]] = {
    "id": re.compile(r"\d+"),
    "targetId": re.compile(r"\d+"),
    "uid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "run.googleapis.com/operation-id": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    "fingerprint": re.compile(r"[A-Za-z0-9+/_-]+={0,2}"),
    "etag": re.compile(r'"?[A-Za-z0-9+/_=-]+"?'),
    "resourceVersion": re.compile(r"[A-Za-z0-9+/_-]+"),
    "internalIpv6Range": re.compile(r"fd20:[0-9a-f]{1,3}:[0-9a-f]{1,3}:0:0:0:0:0/48"),
}
OPERATION = re.compile(r"operation-[0-9a-f-]+")
PLACEHOLDER = re.compile(r"\$\{\w+\}")


@dataclass(frozen=True)
class Difference:
    """One field that differs. In `path`, `[]` is any index; `kind`: status, missing, extra, type, value, unprepared."""

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
    if recorded and not any(isinstance(one, (dict, list)) for one in (*recorded, *ours)):
        recorded, ours = _paired(recorded, ours)
    for one, other in zip(recorded, ours, strict=False):
        yield from differences(one, other, tally, f"{path}[]")
    for one in recorded[len(ours) :]:
        tally.total += 1
        yield Difference("missing", f"{path}[]", recorded=one)
    for one in ours[len(recorded) :]:
        tally.total += 1
        yield Difference("extra", f"{path}[]", ours=one)


def _paired(recorded: list[Any], ours: list[Any]) -> tuple[list[Any], list[Any]]:
    """Both lists with what they share in front: links and words come in no promised order."""
    shared: list[tuple[Any, Any]] = []
    left, alone = list(ours), []
    for one in recorded:
        match = next((other for other in left if _of_leaves(one, other, "") is None), None)
        if match is None:
            alone.append(one)
        else:
            left.remove(match)
            shared.append((one, match))
    return [one for one, _ in shared] + alone, [other for _, other in shared] + left


def _of_leaves(recorded: Any, ours: Any, path: str) -> Difference | None:
    if type(recorded) is not type(ours):
        return Difference("type", path, recorded, ours)
    if recorded == ours or (isinstance(recorded, str) and _same_text(path, recorded, ours)):
        return None
    return Difference("value", path, recorded, ours)


def _same_text(path: str, recorded: str, ours: str) -> bool:
    looks_like = CHOSEN.get(path.rsplit(".", 1)[-1]) or CHOSEN.get(path.partition("annotations.")[2])
    if looks_like and looks_like.fullmatch(recorded) and looks_like.fullmatch(ours):
        return True
    if OPERATION.sub("", recorded) == OPERATION.sub("", ours):
        return True
    if any(was.fullmatch(recorded) and looks.fullmatch(ours) for was, looks, _ in NORMALISED):
        return True
    if not PLACEHOLDER.search(recorded):
        return False
    pieces = PLACEHOLDER.split(recorded)
    return re.fullmatch("[^/']+".join(re.escape(piece) for piece in pieces), ours) is not None
