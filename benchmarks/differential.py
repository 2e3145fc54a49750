"""Holds `reach` against its independent judges on many random networks, and prints what came of it.

python benchmarks/differential.py [--networks 3000] [--kernel 300] [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.reach.kernel import kernel, why_not
from tests.reach.laid import asked, lay
from tests.reach.networks import ACCOUNT, JOB, TAGS, Dice, network, packets
from tests.reach.nft import ruleset
from tests.reach.test_reach_against_the_kernel import SENDER
from tests.reach.test_reach_against_the_kernel import asked as inside
from tests.reach.test_reach_against_the_local_cloud import explained
from wayout.egress.model import Direction
from wayout.egress.reach import Answer, Judge

SHOWN = 5


def by_the_probe(first: int, count: int) -> int:
    """Against the local Google Cloud's probe; how many disagreements are open."""
    answers: Counter[str] = Counter()
    known, open_, began = 0, 0, time.monotonic()
    for seed in range(first, first + count):
        drawn = network(seed)
        cloud, judge = lay(drawn), Judge(JOB, drawn.way, ACCOUNT, drawn.ground)
        for packet in packets(drawn, Dice(seed + 1_000_000)):
            verdict = judge.judge(packet)
            theirs, word = asked(cloud, packet)
            answers[verdict.answer.value] += 1
            if verdict.answer == theirs:
                continue
            # A sender whose addresses fare differently: the probe cannot tell, `reach` finds that none gets through.
            if explained(verdict, theirs) or (verdict.answer == Answer.NO and word.startswith("source")):
                known += 1
                continue
            open_ += 1
            if open_ <= SHOWN:
                print(f"  seed {seed}, {packet}: {verdict.answer} ({verdict.decider}), they say {theirs} ({word})")
    total, seconds = sum(answers.values()), time.monotonic() - began
    said = ", ".join(f"{number} {answer}" for answer, number in answers.most_common())
    print(f"local Google Cloud: {count} networks, {total} verdicts ({said}) in {seconds:.0f} s")
    print(f"  {known} times the probe stopped at a doubt where a later hop decides; disagreements open: {open_}")
    return open_


def by_the_kernel(first: int, count: int) -> int:
    """Against the Linux kernel, by real packets; how many disagreements are open."""
    if reason := why_not():
        print(f"Linux kernel: not asked, since {reason}")
        return 0
    answers: Counter[bool] = Counter()
    left, open_, began, tags = 0, 0, time.monotonic(), frozenset(TAGS[:2])
    with kernel(SENDER) as machine:
        for seed in range(first, first + count):
            drawn = network(seed, plain=True)
            rules = drawn.ground.rules
            machine.load(ruleset(rules, Direction.EGRESS, tags), ruleset(rules, Direction.INGRESS, tags))
            judge, sent = Judge(JOB, drawn.way, ACCOUNT, drawn.ground), inside(drawn, Dice(seed + 1_000_000))
            for packet, real in zip(sent, machine.arrive(sent), strict=True):
                verdict = judge.judge(packet)
                if verdict.decider.what == "connector" or verdict.answer == Answer.UNKNOWN:
                    left += 1
                    continue
                answers[real] += 1
                if (verdict.answer == Answer.YES) != real:
                    open_ += 1
                    print(f"  seed {seed}, {packet}: {verdict.answer} ({verdict.decider}), it arrived: {real}")
    total, seconds = sum(answers.values()), time.monotonic() - began
    print(f"Linux kernel: {count} networks, {total} packets sent, {answers[True]} arrived, in {seconds:.0f} s")
    print(f"  {left} not compared (a connector cut off, or by the sender's address); disagreements open: {open_}")
    return open_


def main() -> int:
    """Exits with 1 if any disagreement is open."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--networks", type=int, default=3000)
    options.add_argument("--kernel", type=int, default=300)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    return int(bool(by_the_probe(given.seed, given.networks) + by_the_kernel(given.seed, given.kernel)))


if __name__ == "__main__":
    sys.exit(main())
