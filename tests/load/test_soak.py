"""The short form of the soak: people at work, drift and faults for a while, and in the end a world that is whole."""

from __future__ import annotations

import sys

import pytest

from tests.load import ground
from tests.load.mishaps import CONNECTORS
from tests.load.soaking import Soak
from tests.load.workers import Workers

SECONDS = 10.0  # of real time; `make soak` takes minutes
OLDEST = 3600.0  # seconds of the cloud's clock that a message may wait, on however busy a machine
MOST = 256.0  # MB that an instance may take: half of what infra gives it; the long form looks at its rise


@pytest.mark.timeout(600)
def test_after_deploys_deletes_drift_and_faults_the_world_is_whole_and_no_message_is_lost_or_old() -> None:
    with Workers(policy=ground.POLICY, instances=2, doors=("on_schedule",), speed=8.0) as workers:
        workers.admin("durations", CONNECTORS)
        ground.lay(workers)
        soak = Soak(workers, seed=1, rate=20.0)
        soak.sample()

        soak.run(SECONDS)
        soak.come_to_rest(within=3600.0)

        sys.stdout.write(f"\n{soak.told()}\n{dict(soak.done)}\n")
        assert soak.faults() == [], workers.story()
        assert workers.buried() == [], workers.story()
        ages = [trip.done - trip.published for trip in workers.trips.values() if trip.done is not None]
        assert len(ages) == len(workers.trips), "every message has been acknowledged"
        assert max(ages) <= OLDEST
        sizes = [size for sample in soak.samples for name, size in sample.memory.items() if name != "cloud"]
        assert max(sizes) <= MOST
