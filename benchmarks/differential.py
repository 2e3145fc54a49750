"""Holds `reach` against its independent judges on many random networks, and prints what came of it.

    python benchmarks/differential.py [--networks 3000] [--kernel 300] [--seed 0]

Judges: the probe of the local Google Cloud for whole networks, and the Linux kernel, by real packets, for firewalls.
Exits with 1 if any disagreement is open.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.reach.apart import reached, smallest, told, why_apart
from tests.reach.doubts import Laid
from tests.reach.kernel import kernel, why_not
from tests.reach.networks import ACCOUNT, JOB, Dice, network, packets
from tests.reach.test_reach_against_the_kernel import SENDERS, sent
from wayout.egress.reach import Answer, Judge

SHOWN = 5


def by_the_probe(first: int, count: int) -> int:
    """Against the local Google Cloud's probe; how many disagreements are open."""
    answers: Counter[Answer] = Counter()
    known: Counter[str] = Counter()
    open_, began = 0, time.monotonic()
    for seed in range(first, first + count):
        drawn = network(seed)
        laid, judge = Laid(drawn), Judge(JOB, drawn.way, ACCOUNT, drawn.ground, drawn.receiver)
        for packet in packets(drawn, Dice(seed + 1_000_000)):
            answer = judge.reaches(packet)
            answers[answer] += 1
            if answer == laid.told(packet)[0]:
                continue
            if name := why_apart(drawn, packet):
                known[name] += 1
                continue
            open_ += 1
            if open_ <= SHOWN:
                least = smallest(drawn, packet)
                print(f"  seed {seed}: {told(least, packet, reached(least, packet), *Laid(least).told(packet))}")
    _print("local Google Cloud", count, answers, began)
    print(f"  disagreements: {open_} open; known: {_listed(known)}")
    return open_


def by_the_kernel(first: int, count: int) -> int:
    """Against the Linux kernel, by real packets; how many disagreements are open."""
    if reason := why_not():
        print(f"Linux kernel: not asked, since {reason}")
        return 0
    answers: Counter[Answer] = Counter()
    open_, began = 0, time.monotonic()
    with kernel(SENDERS) as machine:
        for seed in range(first, first + count):
            for one in sent(machine, seed):
                answers[one.answer] += 1
                verdict = reached(one.drawn, one.packet)
                open_ += verdict.answer != one.answer
                if verdict.answer != one.answer and open_ <= SHOWN:
                    print(f"  seed {seed}: {told(one.drawn, one.packet, verdict, one.answer, 'the kernel')}")
    _print("Linux kernel", count, answers, began)
    print(f"  disagreements: {open_} open")
    return open_


def _print(judge: str, count: int, answers: Counter[Answer], began: float) -> None:
    seconds = time.monotonic() - began
    print(f"{judge}: {count} networks, {answers.total()} verdicts ({_listed(answers)}) in {seconds:.0f} s")


def _listed(counted: Counter[Answer] | Counter[str]) -> str:
    pairs: Iterable[tuple[str, int]] = counted.most_common()
    return ", ".join(f"{number} {what}" for what, number in pairs) or "none"


def main() -> int:
    """Exits with 1 if any disagreement is open."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--networks", type=int, default=3000)
    options.add_argument("--kernel", type=int, default=300, help="networks by real packets")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    return int(bool(by_the_probe(given.seed, given.networks) + by_the_kernel(given.seed, given.kernel)))


if __name__ == "__main__":
    sys.exit(main())
