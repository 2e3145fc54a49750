"""What measures is run by `make bench` alone, so the parts of it that have gone stale unseen are run here."""

from __future__ import annotations

from benchmarks import sweeping
from benchmarks.ground import cloud

LATENCY = 1.0  # seconds; a sweep of one project takes a fraction of that by itself


def test_a_sweep_is_measured_where_each_call_takes_its_time() -> None:
    with cloud([sweeping.__file__, "--serve", "1"]) as at:
        found = sweeping.measured_far_away(at, 1, LATENCY)

    assert found["calls"] > 0
    assert found["time"] >= LATENCY, "at least one of them was waited for"
