"""What gets through at every moment of a story, by the local Google Cloud's own probe."""

from __future__ import annotations

import json
from typing import Any

from localcloud import probe as probes
from localcloud.core import Cloud

INTERNET, DATABASE, NEIGHBOUR = "203.0.112.1", "10.20.0.5", "10.21.0.5"
Packet = tuple[str, str, int]
# What the demo's profile allows, and some of what it does not.
ALLOWED: tuple[Packet, ...] = ((INTERNET, "tcp", 443), (DATABASE, "tcp", 5432))
DENIED: tuple[Packet, ...] = (
    (INTERNET, "tcp", 80),
    (INTERNET, "udp", 443),
    (DATABASE, "tcp", 22),
    (NEIGHBOUR, "tcp", 443),
)
KINDS = ("compute.firewalls", "compute.routers", "compute.subnetworks", "vpcaccess.connectors", "run.jobs")


class Packets:
    """Looks whenever anything on a way out has changed. `breaches` are what no step of ours may do.

    While somebody else acts (`theirs`), nothing is held against us.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._was = ""
        self._through: dict[str, frozenset[Packet]] = {}
        self.theirs = True
        self.looks = 0
        self.breaches: list[str] = []
        step = cloud.clock._step

        def stepped() -> None:
            step()
            self.look()

        vars(cloud.clock)["_step"] = stepped

    def look(self) -> None:
        """Probe for every job that has a way through a network, if anything has changed."""
        with self._cloud.lock:
            now = json.dumps([self._cloud.tables.get(kind) for kind in KINDS], sort_keys=True, default=str)
            if now == self._was:
                return
            self._was = now
            self.looks += 1
            self._through = {job: self._judged(job) for job in self._jobs()}

    def arriving(self) -> dict[str, list[Packet]]:
        """What arrives now, by job."""
        with self._cloud.lock:
            return {job: sorted(self._delivered(job)) for job in self._jobs()}

    def _jobs(self) -> list[str]:
        return sorted(name for name, job in self._cloud.table("run.jobs").items() if "deleteTime" not in job)

    def _judged(self, job: str) -> frozenset[Packet]:
        """What arrives; a destination that is newly reached against the policy, or lost against it, is a breach."""
        found, was = self._delivered(job), self._through.get(job)
        wider = found & frozenset(DENIED) - (was or frozenset()) if self._attached(job) else frozenset[Packet]()
        cut = (was or frozenset()) & frozenset(ALLOWED) - found
        if not self.theirs:
            at = self._cloud.clock.seconds()
            self.breaches += [f"{at:.1f} s: {job} newly reaches {packet}" for packet in sorted(wider)]
            self.breaches += [f"{at:.1f} s: {job} is cut off from {packet}" for packet in sorted(cut)]
        return found

    def _delivered(self, job: str) -> frozenset[Packet]:
        return frozenset(
            packet for packet in (*ALLOWED, *DENIED) if probes.probe(self._cloud, job, *packet).verdict == "delivered"
        )

    def _attached(self, job: str) -> bool:
        task: Any = self._cloud.table("run.jobs")[job]["template"]["template"]
        return bool(task.get("vpcAccess"))
