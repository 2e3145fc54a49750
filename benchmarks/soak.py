"""A soak: deploys, deletes, hand-made drift and faults at a steady rate, against instances that are real processes.

    python benchmarks/soak.py [--minutes 10] [--rate 30] [--seed 1] [--json FILE]

Everything is as in production but for the cloud, which is the local one, and its clock, which is real and runs faster:
`--speed` of its seconds pass in one. Latencies and ages are in seconds of that clock, memory in MB (PSS, each process
with its children). In the end the world has to be whole, every message done with, and memory flat; exit status 1 if
not. The first half is warming up: flat is what hardly rises from the middle to the end. benchmarks/plot.py draws what
--json writes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from localcloud.access.quotas import SIZES
from tests.load import ground
from tests.load.mishaps import CONNECTORS
from tests.load.soaking import Soak
from tests.load.workers import Trip, Workers

RISE = 0.05  # part of its size by which an instance may grow from the middle to the end
OLDEST = 1800.0  # seconds of the cloud's clock: three budgets of a delivery, with the pauses between
REST = 7200.0  # seconds of the cloud's clock until everything has come to rest


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def rise(sizes: Sequence[float]) -> float:
    """By how much a line through the sizes rises from its beginning to its end."""
    return statistics.linear_regression(range(len(sizes)), sizes).slope * len(sizes) if len(sizes) > 2 else 0.0


def ages(trips: Sequence[Trip], moments: Sequence[float]) -> list[float]:
    """The age of the oldest message that waits, at each moment."""
    ends = [(trip.published, float("inf") if trip.done is None else trip.done) for trip in trips]
    return [max((at - begun for begun, end in ends if begun <= at < end), default=0.0) for at in moments]


def figures(soak: Soak, given: argparse.Namespace) -> dict[str, Any]:
    """Everything that is to be told and drawn."""
    workers = soak.workers
    calls = workers.admin("calls")["calls"]
    trips = list(workers.trips.values())
    moments = [sample.at for sample in soak.samples]
    names = [name for name in workers.pids if name != "cloud"]
    settled = soak.samples[len(soak.samples) // 2 :]
    waits = sorted(ground.latencies(calls).values())
    per_minute = ground.per_minute(calls)
    return {
        "settings": {name: getattr(given, name) for name in ("minutes", "rate", "seed", "speed", "instances")},
        "at": [round(moment - moments[0], 1) for moment in moments],
        "memory": {name: [round(sample.memory[name], 2) for sample in soak.samples] for name in [*names, "cloud"]},
        "rise": {name: round(rise([one.memory[name] for one in settled]), 2) for name in names},
        "oldest": [round(age, 1) for age in ages(trips, moments)],
        "latency": [[round(at - moments[0], 1), round(seconds, 1)] for at, seconds in waits],
        "messages": len(trips),
        "tries": max(trip.tries for trip in trips),
        "oldest_done": round(max(trip.done - trip.published for trip in trips if trip.done is not None), 1),
        "actions": dict(soak.done),
        "quotas": {f"{name} {region}".strip(): [count, SIZES[name]] for (name, region), count in per_minute.items()},
        "refused": ground.refused(calls),
        "calls": len(calls),
    }


def verdict(soak: Soak, found: dict[str, Any]) -> list[str]:
    """What is not as it should be."""
    wrong = soak.faults()
    wrong += [f"a dead letter: {letter}" for letter in soak.workers.buried()]
    for name, grown in found["rise"].items():
        if grown > RISE * found["memory"][name][-1]:
            wrong.append(f"{name} has grown by {grown} MB from the middle to the end")
    if lost := sum(trip.done is None for trip in soak.workers.trips.values()):
        wrong.append(f"{lost} messages are not done with")
    if found["oldest_done"] > OLDEST:
        wrong.append(f"a message was {found['oldest_done']} s old before it was done with")
    return wrong


def told(found: dict[str, Any]) -> None:
    waits = [seconds for _, seconds in found["latency"]]
    middle, most = ground.percentile(waits, 0.5), max(waits, default=0.0)
    say(f"actions            {sum(found['actions'].values())}: {found['actions']}")
    say(f"deploy to attached {middle:.0f} s median, {ground.percentile(waits, 0.95):.0f} s p95, {most:.0f} s at most")
    say(f"messages           {found['messages']}, {found['tries']} tries at most, oldest {found['oldest_done']:.0f} s")
    say(f"calls              {found['calls']}, {found['refused']} turned away (injected ones too)")
    for name, grown in found["rise"].items():
        sizes = found["memory"][name]
        say(f"memory             {name}: {max(sizes):.0f} MB at most, {grown:+.1f} MB from the middle to the end")
    for name, (count, size) in sorted(found["quotas"].items()):
        say(f"  {name:42}{count:6} of {size} in its busiest minute")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0, help="of real time (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=30.0, help="actions per minute of the cloud's clock")
    parser.add_argument("--seed", type=int, default=1, help="what is drawn depends on it alone")
    parser.add_argument("--speed", type=float, default=6.0, help="seconds of the cloud's clock in a real one")
    parser.add_argument("--instances", type=int, default=3, help="processes of on_audit_log (default: %(default)s)")
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    given = parser.parse_args()
    with Workers(policy=ground.POLICY, instances=given.instances, doors=("on_schedule",), speed=given.speed) as workers:
        workers.admin("durations", CONNECTORS)
        ground.lay(workers)
        soak = Soak(workers, seed=given.seed, rate=given.rate)
        soak.sample()
        soak.run(given.minutes * 60, say)
        soak.come_to_rest(within=REST)
        found = figures(soak, given)
        wrong = verdict(soak, found)
    told(found)
    if given.json:
        given.json.write_text(json.dumps(found) + "\n", encoding="utf-8")
    for line in wrong:
        say(f"NOT AS IT SHOULD BE: {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
