"""Plan and proof of a large site, beside reading it.

    python benchmarks/proving.py

500 firewall rules of others and 300 jobs that wait for their way out; and 120 subnets with 200 rules that each let one
into another on a port of its own, which no two packets look alike to. All passes of the plan, to its end, and their
proof; beside one look at everything that they are judged on, by the official clients, at a local Google Cloud in a
process of its own. Both in processor time: of both processes, and then of ours alone, since the cloud's own serving is
in the first. The two take turns, and medians are compared.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.ground import NETWORK, PROJECT, REGION, Cloud, cloud, wired
from benchmarks.table import Row, show
from wayout import reconcile
from wayout.egress.model import Cause, NetworkName, Read, Sighting, Site
from wayout.parts import Parts
from wayout.wiring import Wired

TURNS = 9
POLICY = f"""\
version: 1
mode: enforce
projects: [{PROJECT}]
regions: [{REGION}]
profiles:
  web:
    network: {NETWORK}
    egress: all-traffic
    destinations:
      - {{to: internet, ports: ["tcp:443"]}}
      - {{to: 10.20.0.0/16, ports: ["tcp:5432"]}}
    pool: [10.8.0.0/20]
    labels: true
"""
PORTS = ("22", "80", "443", "3306", "5432", "6379", "8080", "8443", "9000-9100")


@dataclass(frozen=True)
class Ground:
    """How large a network is, and what rules stand in it."""

    subnets: int
    jobs: int
    rules: tuple[dict[str, Any], ...]


def teams(count: int) -> Iterator[dict[str, Any]]:
    """Rules as teams make them: for their own machines, by tag, account or range."""
    dice = random.Random(7)  # noqa: S311 - a world, no secret
    for number in range(count):
        place = {"sourceRanges": [f"10.{100 + number // 16}.{number * 16 % 256}.0/24"]}
        target: dict[str, Any] = {"targetTags": [f"app-{number % 40}"]}
        kind = number % 4
        if kind == 1:
            place = {"sourceTags": [f"app-{(number + 1) % 40}"]}
        elif kind == 2:
            place = {"destinationRanges": place["sourceRanges"]}
        elif kind == 3:
            target = {"targetServiceAccounts": [f"app-{number % 40}@{PROJECT}.iam.gserviceaccount.com"]}
        yield {
            "name": f"rule-{number:03}",
            "network": f"projects/{PROJECT}/global/networks/{NETWORK}",
            "direction": "EGRESS" if kind == 2 else "INGRESS",
            "priority": dice.choice([1000, 1100, 2000]),
            "allowed": [{"IPProtocol": "tcp", "ports": [dice.choice(PORTS)]}],
            **place,
            **target,
        }


def neighbours(count: int, subnets: int) -> Iterator[dict[str, Any]]:
    """Rules that each let one subnet into others, or all, or a team's machines, on a port that no other has."""
    for number in range(count):
        there = [{"destinationRanges": [subnet(number * 7 + 3, subnets)]}, {"targetTags": [f"app-{number}"]}, {}]
        yield {
            "name": f"rule-{number:03}",
            "network": f"projects/{PROJECT}/global/networks/{NETWORK}",
            "direction": "INGRESS",
            "priority": 1000,
            "allowed": [{"IPProtocol": "tcp", "ports": [str(3000 + number)]}],
            "sourceRanges": [subnet(number, subnets)],
            **there[number % 3],
        }


def subnet(number: int, of: int) -> str:
    """The range of one of so many."""
    return f"10.{30 + number % of}.0.0/20"


def lay(at: Cloud, ground: Ground) -> None:
    """The network with its subnets and rules, and the jobs."""
    compute = f"compute/v1/projects/{PROJECT}"
    at.ask("POST", f"{compute}/global/networks", {"name": NETWORK, "autoCreateSubnetworks": False})
    at.settle()
    for number in range(ground.subnets):
        body = {
            "name": f"subnet-{number}",
            "network": f"projects/{PROJECT}/global/networks/{NETWORK}",
            "ipCidrRange": subnet(number, ground.subnets),
        }
        at.ask("POST", f"{compute}/regions/{REGION}/subnetworks", body)
    for rule in ground.rules:
        at.ask("POST", f"{compute}/global/firewalls", rule)
    for number in range(ground.jobs):
        account = f"app-{number % 7}@{PROJECT}.iam.gserviceaccount.com"
        task = {"containers": [{"image": "gcr.io/my-project/my-image"}], "serviceAccount": account}
        job = {"labels": {"wayout": "web"}, "template": {"template": task}}
        at.ask("POST", f"v2/projects/{PROJECT}/locations/{REGION}/jobs?jobId=job-{number:03}", job)
    at.settle()


class Memory:
    """Real parts that look once, and from then on see what they remember."""

    def __init__(self, parts: Wired) -> None:
        self._parts = parts
        self.seen: dict[Read[Any], Sighting[Any]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parts, name)

    def look(self, reads: Iterable[Read[Any]]) -> Mapping[Read[Any], Sighting[Any]]:
        wanted = set(reads)
        if missing := wanted - self.seen.keys():
            self.seen.update(self._parts.look(missing))
        return {read: self.seen[read] for read in wanted}


def plan_and_proof(parts: Memory, jobs: int) -> None:
    """All that `wayout plan` does with what it has seen, its words included."""
    site = Site(NetworkName(PROJECT, NETWORK), REGION, "web")
    ending = reconcile.whole_site(site, Cause("benchmark"), cast("Parts", parts), apply=False)
    assert ending, "nothing is wanted"  # noqa: S101 - a figure of a failure would be none
    said = ending.said
    assert said.status == "planned" and len(said.jobs) == jobs and not said.blocked, said  # noqa: S101, PT018


def seconds(at: Cloud, act: Callable[[], object]) -> tuple[float, float]:
    """Processor time that something takes: here and at the cloud, and here alone."""
    cloud_began, began = at.processor_seconds(), time.process_time()
    act()
    here = time.process_time() - began
    return here + at.processor_seconds() - cloud_began, here


def lines(what: str, ground: Ground) -> list[Row]:
    """One network: reading it, and planning and proving on what was read."""
    with cloud() as at, wired(at, POLICY) as parts:
        lay(at, ground)
        memory = Memory(parts)
        plan_and_proof(memory, ground.jobs)

        def once() -> tuple[float, float, float]:
            proof = seconds(at, lambda: plan_and_proof(memory, ground.jobs))[1]
            return *seconds(at, lambda: parts.look(memory.seen)), proof

        times = [once() for _ in range(TURNS)]
    reading, here, proving = (statistics.median(one) for one in zip(*times, strict=True))
    said = f"plan and proof of a site with {what}"

    def line(against: str, aim: str, taken: float) -> Row:
        return Row(said, against, aim, proving / taken, {"reading s": taken, "plan and proof s": proving})

    return [
        line("reading that site from the local Google Cloud, the cloud's own serving included", "<= 0.5x", reading),
        line("the same without the cloud's serving: what reading costs our process alone", "", here),
    ]


def rows() -> list[Row]:
    """The lines of this benchmark."""
    crowded = Ground(10, 300, tuple(teams(500)))
    rich = Ground(120, 300, tuple(neighbours(200, 120)))
    return [
        *lines("500 firewall rules and 300 jobs", crowded),
        *lines("200 firewall rules with ports of their own, 120 subnets and 300 jobs", rich),
    ]


if __name__ == "__main__":
    show(rows())
