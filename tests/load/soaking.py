"""People at work, at a steady rate: jobs deployed and deleted, things changed by hand, faults; and what comes of it."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.load import ground
from tests.load.mishaps import CALL_FAULTS, EVENT_FAULTS
from tests.load.workers import PRINCIPAL, Workers
from wayout.cloud.asking import GRPC, REST
from wayout.cloud.errors import CloudError
from wayout.egress import naming
from wayout.egress.model import Cause, EverythingTarget, JobName, Site
from wayout.wiring import Wired

SWEEP = 600.0  # seconds of the cloud's clock between two sweeps
SAMPLE = 1.0  # real seconds between two looks at memory and queues
REST = {**REST, "metadata": ()}  # people have no user agent of ours


@dataclass
class Sample:
    """How it stood at a moment of the cloud's clock: memory in MB by process, and messages that wait."""

    at: float
    memory: dict[str, float]
    waiting: int


@dataclass
class Soak:
    """`rate`: actions per minute of the cloud's clock. What is drawn depends on `seed` alone. There are `least` to
    `most` jobs once it has begun: what a world takes in memory grows with them.
    """

    workers: Workers
    seed: int = 1
    rate: float = 30.0
    least: int = 30
    most: int = 60
    jobs: dict[JobName, Site] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    _number: int = 0
    _touched: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - to be the same in every run
        self._actions: dict[str, tuple[Callable[[], bool], int]] = {
            "deployed": (self._deploy, 30),
            "deleted": (self._delete, 30),
            "deployed anew, without its way": (self._redeploy, 10),
            "rule widened": (self._widen, 10),
            "rule deleted": (self._drop_rule, 8),
            "NAT deleted": (self._drop_nat, 2),
            "connector deleted": (self._drop_connector, 1),
            "fault of calls": (self._fault, 6),
            "fault of events": (self._event_fault, 6),
        }

    def run(self, seconds: float, say: Callable[[str], None] = lambda _: None) -> None:
        """Act for so many real seconds."""
        end, sampled, swept, told = time.monotonic() + seconds, 0.0, self.workers.now(), time.monotonic()
        due = self.workers.now()
        while (now := time.monotonic()) < end:
            if self.workers.now() >= due:
                due += 60.0 / self.rate
                self._act()
            if self.workers.now() - swept >= SWEEP:
                swept = self.workers.now()
                self.workers.person("platform@example.com").sweep()
            if now - sampled >= SAMPLE:
                sampled = now
                self.sample()
            if now - told >= 10.0:
                told = now
                say(self.told())
            time.sleep(max(0.0, min(0.1, (due - self.workers.now()) / self.workers.speed)))

    def sample(self) -> None:
        """Look at memory and at what waits."""
        trips = list(self.workers.trips.values())
        waiting = sum(trip.done is None for trip in trips)
        self.samples.append(Sample(self.workers.now(), self.workers.memory(), waiting))

    def come_to_rest(self, within: float) -> None:
        """No more faults; what is under way ends; a last sweep finds what was lost."""
        self.workers.admin("faults", {"clear": True})
        self.workers.admin("eventfaults", {"clear": True})
        self.workers.wait(self.workers.at_rest, within=within, what="coming to rest")
        self.workers.person("platform@example.com").sweep()
        time.sleep(1.0)
        self.workers.wait(self.workers.at_rest, within=within, what="the last sweep")
        self.sample()

    def faults(self) -> list[str]:
        """What is not as it should be in the end; empty if the world is whole."""
        world = self.workers.world()
        sites = sorted(set(self.jobs.values()) | self._made(world), key=str)
        wanted = {str(job): str(naming.connector_of(site)) for job, site in self.jobs.items()}
        found = ground.attached(world)
        wrong = [f"{job} is on {found.get(job)}" for job in wanted if found.get(job) != wanted[job]]
        wrong += [f"{job} is there all the same" for job in set(world.get("run.jobs", {})) - set(wanted)]
        return ground.faults_of(world, sites) + wrong + self._planned()

    def told(self) -> str:
        """How it stands, in one line."""
        last = self.samples[-1]
        most = max(size for name, size in last.memory.items() if name != "cloud")
        return (
            f"{last.at:6.0f} s  {sum(self.done.values()):5} actions  {last.waiting:3} waiting  {most:4.0f} MB at most"
        )

    # what people do

    def _act(self) -> None:
        names = list(self._actions)
        name = self._random.choices(names, [weight for _, weight in self._actions.values()])[0]
        if name in ("deployed", "deleted") and not self.least < len(self.jobs) < self.most:
            name = "deployed" if len(self.jobs) <= self.least else "deleted"
        with suppress(CloudError):  # their faults are theirs
            if self._actions[name][0]():
                self.done[name] += 1

    def _deploy(self) -> bool:
        site = self._random.choice(ground.SITES)
        self._number += 1
        ground.deploy(self.workers, site, self._number)
        self.jobs[ground.job_of(site, self._number)] = site
        return True

    def _one_job(self) -> JobName | None:
        return self._random.choice(sorted(self.jobs)) if self.jobs else None

    def _delete(self) -> bool:
        job = self._one_job()
        if job is None:
            return False
        jobs = self.workers.developer.jobs
        self.workers.developer.ask("", "", lambda: jobs.delete_job(name=str(job), **GRPC))
        del self.jobs[job]
        return True

    def _redeploy(self) -> bool:
        job = self._once("job", [str(one) for one in self.jobs])
        if job is None:
            return False
        clients = self.workers.developer
        found = clients.ask("", "", lambda: clients.jobs.get_job(name=job, **GRPC))
        del found.template.template.vpc_access
        found.etag = ""
        clients.ask("", "", lambda: clients.jobs.update_job(job=found, **GRPC))
        return True

    def _once(self, action: str, names: list[str]) -> str | None:
        """One that nobody has done this to: what is changed back again and again would be left alone."""
        fresh = sorted(name for name in names if (action, name) not in self._touched)
        if not fresh:
            return None
        name = self._random.choice(fresh)
        self._touched.add((action, name))
        return name

    def _rules(self) -> list[str]:
        rules = [name.rsplit("/", 1)[-1] for name in self.workers.world().get("compute.firewalls", {})]
        return [name for name in rules if name.startswith(naming.PREFIX)]

    def _widen(self) -> bool:
        rule = self._once("rule", self._rules())
        if rule is None:
            return False
        body: Any = {"priority": 150}
        clients = self.workers.developer
        clients.ask(
            "", "", lambda: clients.firewalls.patch(project="my-project", firewall=rule, firewall_resource=body, **REST)
        )
        return True

    def _drop_rule(self) -> bool:
        rule = self._once("rule", self._rules())
        if rule is None:
            return False
        clients = self.workers.developer
        clients.ask("", "", lambda: clients.firewalls.delete(project="my-project", firewall=rule, **REST))
        return True

    def _drop_nat(self) -> bool:
        router = self._once("NAT", list(self.workers.world().get("compute.routers", {})))
        if router is None:
            return False
        url = f"{self.workers.url}/compute/v1/{router}"
        self.workers.developer.fetch("", "", "PATCH", url, json={"nats": []})
        return True

    def _drop_connector(self) -> bool:
        connector = self._once("connector", list(self.workers.world().get("vpcaccess.connectors", {})))
        if connector is None:
            return False
        connectors = self.workers.developer.connectors
        self.workers.developer.ask("", "", lambda: connectors.delete_connector(name=connector, **GRPC))
        return True

    def _fault(self) -> bool:
        self.workers.admin("faults", {**self._random.choice(CALL_FAULTS), "principal": PRINCIPAL})
        return True

    def _event_fault(self) -> bool:
        self.workers.admin("eventfaults", dict(self._random.choice(EVENT_FAULTS)))
        return True

    # what became of it

    def _made(self, world: dict[str, Any]) -> set[Site]:
        """The sites that stand, needed or not."""
        there = set(world.get("vpcaccess.connectors", {}))
        return {site for site in ground.SITES if str(naming.connector_of(site)) in there}

    def _planned(self) -> list[str]:
        """What a sweep would change or is kept from changing."""
        wired = Wired(self.workers.person("judge@example.com").settings, watch=lambda *_: None)
        try:
            said = [ending.said for ending in wired.endings(EverythingTarget(), Cause("judge"), apply=False)]
        finally:
            wired.clients.close()
        return [f"{one.site}: {one.status}, {one.changes}, {one.blocked}" for one in said if one.changes or one.blocked]
