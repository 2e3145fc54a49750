"""What gets through at every moment of a story, by the local Google Cloud's own probe."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from localcloud import probe as probes
from localcloud.core import Cloud

Packet = tuple[str, str, int]

INTERNET, DATABASE, NEIGHBOUR = "203.0.112.1", "10.20.0.5", "10.21.0.5"
# The subnets that stories lay: the one that the first profile opens, and those on either side of it. Their first and
# last addresses that a machine can have.
BELOW, FIRST, LAST, ABOVE = "10.19.255.253", "10.20.0.2", "10.20.255.253", "10.21.0.2"
# On either side of every private range, where the internet begins and ends.
EDGES = ("9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0")
PRIVATE = ("10.0.0.1", "10.255.255.253", "172.16.0.1", "172.31.255.253", "192.168.0.1", "192.168.255.253")


@dataclass(frozen=True)
class Reach:
    """What a profile lets through and what it does not, on both sides of each boundary of its ranges and ports."""

    allowed: tuple[Packet, ...]
    denied: tuple[Packet, ...]


REACHES = {
    # The demo's: tcp:443 of the internet, tcp:5432 of 10.20.0.0/16.
    "internet-https": Reach(
        allowed=(
            (INTERNET, "tcp", 443),
            (DATABASE, "tcp", 5432),
            *((edge, "tcp", 5432) for edge in (FIRST, LAST)),
            *((edge, "tcp", 443) for edge in EDGES),
        ),
        denied=(
            (INTERNET, "tcp", 80),
            (INTERNET, "udp", 443),
            (DATABASE, "tcp", 22),
            (NEIGHBOUR, "tcp", 443),
            *((INTERNET, "tcp", port) for port in (1, 442, 444, 5432, 65535)),
            *((DATABASE, "tcp", port) for port in (443, 5431, 5433)),
            (DATABASE, "udp", 5432),
            *((edge, "tcp", 5432) for edge in (BELOW, ABOVE)),
            *((edge, "tcp", 443) for edge in (FIRST, LAST, *PRIVATE)),
        ),
    ),
    # Beside it in some stories: tcp:8080-8090 of 10.21.0.0/16, and tcp:8443 of the internet.
    "batch": Reach(
        allowed=(*((ABOVE, "tcp", port) for port in (8080, 8085, 8090)), (INTERNET, "tcp", 8443)),
        denied=(
            *((ABOVE, "tcp", port) for port in (443, 8079, 8091)),
            (ABOVE, "udp", 8080),
            *((edge, "tcp", port) for edge in (DATABASE, LAST) for port in (443, 5432, 8080)),
            *((INTERNET, "tcp", port) for port in (443, 8080, 8442, 8444)),
        ),
    ),
}
ALLOWED, DENIED = REACHES["internet-https"].allowed, REACHES["internet-https"].denied
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
        reach, found, was = self._reach(job), self._delivered(job), self._through.get(job)
        wider = found & frozenset(reach.denied) - (was or frozenset()) if self._attached(job) else frozenset[Packet]()
        cut = (was or frozenset()) & frozenset(reach.allowed) - found
        if not self.theirs:
            at = self._cloud.clock.seconds()
            self.breaches += [f"{at:.1f} s: {job} newly reaches {packet}" for packet in sorted(wider)]
            self.breaches += [f"{at:.1f} s: {job} is cut off from {packet}" for packet in sorted(cut)]
        return found

    def _delivered(self, job: str) -> frozenset[Packet]:
        reach = self._reach(job)
        return frozenset(
            packet
            for packet in (*reach.allowed, *reach.denied)
            if probes.probe(self._cloud, job, *packet).verdict == "delivered"
        )

    def _reach(self, job: str) -> Reach:
        """Of the profile that the job's label asks for."""
        return REACHES[self._cloud.table("run.jobs")[job]["labels"]["wayout"]]

    def _attached(self, job: str) -> bool:
        task: Any = self._cloud.table("run.jobs")[job]["template"]["template"]
        return bool(task.get("vpcAccess"))
