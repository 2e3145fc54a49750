"""Chaos in its long form: every crash, every fault and every kind of delivery, in every story.

    python -m benchmarks.chaos [--seed N] [--scenario NAME ...] [--kind KIND ...] [--share 0.1] [--methods]
                               [--pairs N]

For each story one undisturbed run, and then, by kind:

- `crash`: the process ends for good before and after each call that leaves it;
- `fault`: each call meets each fault of the local Google Cloud's catalogue that it can meet, once and for a long while;
- `pair`: two of those at a time, drawn from the seed;
- `delivery`: log entries meet every kind of mishap on their way, and mixtures of them.

Prints a line for each finding, and a table. The exit code is 1 if there was a finding.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.chaos.crashing import Ran, points, run
from tests.chaos.delivering import Way, deliver, ways
from tests.chaos.faulting import Struck, strike, strikes
from tests.chaos.mortal import Point
from tests.chaos.scenarios import SCENARIOS

KINDS = ("crash", "fault", "pair", "delivery")
PAIRS, MIXTURES = 100, 10
HEARD = 30.0  # seconds between two lines of progress
# Stories that are undisturbed ones told in other words: their crashes and faults are those of the others.
DELIVERED_ONLY = ("oversized",)

Work = Point | tuple[Struck, ...] | Way
Like = tuple[str, str, str]  # a fault, the method that meets it, how long


@dataclass(frozen=True)
class Done:
    """One run: what it was, what was found, and whether the disturbance came about at all."""

    what: str
    findings: list[str]
    met: bool = True


@dataclass
class Line:
    """One line of the table."""

    scenario: str
    kind: str
    points: int = 0
    runs: int = 0
    unmet: int = 0
    findings: int = 0
    seconds: float = 0.0


def main() -> int:
    """Run what is asked for; print what was found."""
    asked = _asked()
    lines: list[Line] = []
    struck: set[Like] = set()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(asked.processes, mp_context=context) as pool:
        for name in asked.scenario or SCENARIOS:
            calm = pool.submit(_calm, name).result()
            for kind in asked.kind or KINDS:
                if kind == "delivery" or name not in DELIVERED_ONLY:
                    lines.append(_line(pool, name, kind, calm, asked, struck))
                    _say(_told(lines[-1]))
    _table(lines)
    return 1 if any(line.findings for line in lines) else 0


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1, help="of whatever is drawn (default: 1)")
    parser.add_argument("--scenario", action="append", choices=sorted(SCENARIOS), help="repeatable (default: all)")
    parser.add_argument("--kind", action="append", choices=KINDS, help="repeatable (default: all)")
    parser.add_argument("--share", type=float, default=1.0, help="part of the crash and fault points (default: 1)")
    parser.add_argument(
        "--methods", action="store_true", help="each fault at one call of each method, in the first story that makes it"
    )
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"for each story (default: {PAIRS})")
    parser.add_argument("--mixtures", type=int, default=MIXTURES, help=f"of deliveries (default: {MIXTURES})")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    return parser.parse_args()


def _line(pool: Executor, name: str, kind: str, calm: Ran, asked: argparse.Namespace, struck: set[Like]) -> Line:
    draw = random.Random(f"{asked.seed} {name} {kind}")  # noqa: S311 - to be the same in every run
    works = list(_works(kind, calm, draw, asked))
    chosen = works if kind in ("pair", "delivery") else [work for work in works if draw.random() < asked.share]
    if kind == "fault" and asked.methods:
        chosen = list(_unlike(strikes(calm), draw, struck))
    line, began, told = Line(name, kind, len(works)), time.monotonic(), time.monotonic()
    for done in pool.map(_one, [(name, work, calm) for work in chosen]):
        line.runs += 1
        if time.monotonic() - told > HEARD:
            told = time.monotonic()
            left = (told - began) / line.runs * (len(chosen) - line.runs)
            sys.stderr.write(f"{name} {kind}: {line.runs} of {len(chosen)}, about {left / 60:.0f} min left\n")
        line.unmet += not done.met
        line.findings += bool(done.findings)
        for finding in done.findings:
            _say(f"FOUND {name}: {done.what}: {finding}")
    line.seconds = time.monotonic() - began
    return line


def _unlike(every: Iterable[Struck], draw: random.Random, struck: set[Like]) -> Iterator[tuple[Struck]]:
    """Of faults that differ only in which call of a method they strike, one; none that was struck before."""
    drawn = list(every)
    draw.shuffle(drawn)
    for one in drawn:
        like = (one.fault, one.key.method, one.long)
        if like not in struck:
            struck.add(like)
            yield (one,)


def _works(kind: str, calm: Ran, draw: random.Random, asked: argparse.Namespace) -> Iterator[Work]:
    if kind == "crash":
        yield from points(calm)
    elif kind == "fault":
        yield from ((one,) for one in strikes(calm))
    elif kind == "pair":
        every = list(strikes(calm))
        yield from (tuple(draw.sample(every, 2)) for _ in range(asked.pairs))
    else:
        yield from ways(asked.seed, asked.mixtures)


def _calm(name: str) -> Ran:
    found = run(SCENARIOS[name])
    if found.breaches or found.dead:
        raise RuntimeError(f"{name} breaks even undisturbed: {found.breaches}, {found.dead} dead letters")
    return found


def _one(asked: tuple[str, Work, Ran]) -> Done:
    """One disturbed run, in a process of the pool."""
    name, work, calm = asked
    what = " + ".join(map(str, work)) if isinstance(work, tuple) else str(work)
    try:
        return _judged(name, work, calm, what)
    except Exception:  # noqa: BLE001 - a run that breaks is a finding, and the others go on
        return Done(what, [f"the run broke: {traceback.format_exc(limit=-2)}"])


def _judged(name: str, work: Work, calm: Ran, what: str) -> Done:
    scenario = SCENARIOS[name]
    match work:
        case Point():
            ended = run(scenario, work)
            return Done(what, ended.unlike(calm), ended.ended)
        case Way():
            return Done(what, deliver(scenario, work).unlike(calm, work))
        case _:
            struck = strike(scenario, *work)
            return Done(what, struck.unlike(calm), struck.met)


def _told(line: Line) -> str:
    return f"{line.scenario} {line.kind}: {line.runs} runs, {line.unmet} not met, {line.findings} findings"


def _table(lines: list[Line]) -> None:
    columns: tuple[tuple[str, Callable[[Line], Any]], ...] = (
        ("scenario", lambda line: line.scenario),
        ("kind", lambda line: line.kind),
        ("points", lambda line: line.points),
        ("runs", lambda line: line.runs),
        ("not met", lambda line: line.unmet),
        ("findings", lambda line: line.findings),
        ("seconds", lambda line: round(line.seconds)),
    )
    _say("  ".join(f"{title:>11}" for title, _ in columns))
    for line in lines:
        _say("  ".join(f"{value(line)!s:>11}" for _, value in columns))
    runs, unmet, findings = (sum(getattr(line, of) for line in lines) for of in ("runs", "unmet", "findings"))
    _say(f"{runs} runs, {unmet} in which not all that was to disturb came about, {findings} with a finding")


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
