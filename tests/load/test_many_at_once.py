"""Many jobs at once, worked on by several processes: each thing is there once, and nobody is lost.

Here 24 jobs over four sites and three processes; with `--long`, as `make soak` has it, 200 over ten and eight.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest

from localcloud.access.quotas import SIZES
from tests.load import ground
from tests.load.ground import SITES
from tests.load.mishaps import CONNECTORS
from tests.load.workers import Workers
from wayout.egress import naming
from wayout.egress.model import Site

BOUND = 3600.0  # seconds of the cloud's clock until all are attached: an hour, where a busy machine takes ten minutes


@dataclass(frozen=True)
class Size:
    """`each`: jobs of a site. `speed`: seconds of the cloud's clock in a real one."""

    sites: tuple[Site, ...]
    each: int
    processes: int
    speed: float


# Two sites that share a network, so a router and a NAT, and two that share a region alone.
SHORT = Size((*SITES[:2], *SITES[-2:]), each=6, processes=3, speed=10.0)
LONG = Size(SITES, each=20, processes=8, speed=6.0)


@pytest.mark.timeout(600)
def test_many_jobs_at_once_make_one_of_each_and_keep_to_the_quotas(request: pytest.FixtureRequest) -> None:
    size = LONG if request.config.getoption("--long") else SHORT
    sites, each = size.sites, size.each
    with Workers(policy=ground.POLICY, instances=size.processes, speed=size.speed) as workers:
        workers.admin("durations", CONNECTORS)
        ground.lay(workers)
        began = workers.now()

        ground.deploy_all(workers, sites, each)
        workers.wait(
            lambda: len(ground.attached(workers.world())) == each * len(sites),
            within=BOUND,
            what="attaching all jobs",
        )
        took = workers.now() - began
        workers.wait(workers.at_rest, within=BOUND, what="coming to rest")

        world, calls = workers.world(), workers.admin("calls")["calls"]
        sys.stdout.write(told(workers, calls, took))
        assert ground.faults_of(world, sites) == [], workers.story()
        assert ground.attached(world) == {
            str(ground.job_of(site, number)): str(naming.connector_of(site)) for site in sites for number in range(each)
        }
        for (quota, region), count in ground.per_minute(calls).items():
            assert count <= SIZES[quota] * 1.1, f"{count} calls in one minute against {quota} {region}"
        assert ground.refused(calls) <= len(calls) / 100, "what is turned away for being too much is the exception"
        assert workers.buried() == [], workers.story()


def told(workers: Workers, calls: list[dict[str, object]], took: float) -> str:
    """The figures, for whoever runs it with -s."""
    waits = [seconds for _, seconds in ground.latencies(calls).values()]
    lines = [f"attached after {took:.0f} s of the cloud's clock, {len(calls)} calls, {ground.refused(calls)} refused"]
    lines.append(f"deploy to attached: {ground.percentile(waits, 0.5):.0f} s median, {max(waits):.0f} s at most")
    lines += [
        f"{name:40}{count:6} of {SIZES[name]} a minute" for (name, _), count in sorted(ground.per_minute(calls).items())
    ]
    tries = max(trip.tries for trip in workers.trips.values())
    ages = [trip.done - trip.published for trip in workers.trips.values() if trip.done is not None]
    lines.append(f"{len(ages)} messages, {tries} tries at most, the oldest {max(ages):.0f} s old when it was done with")
    return "\n".join(["", *lines, ""])
