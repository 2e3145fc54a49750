"""What ends is a real process, and what comes after it knows nothing of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.mortal import Mortal, Point
from tests.chaos.packets import ALLOWED, DENIED
from tests.chaos.wire import Key
from tests.chaos.workers import Worker, nursery
from tests.house import JOBS, POLICY


def alive(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_ended_worker_is_gone_and_another_one_serves_at_its_address(tmp_path: Path) -> None:
    worker = Worker(tmp_path / "worker.log")
    try:
        worker.start({})
        first, port = worker.pid, worker.port
        assert alive(first)
        worker.end()

        assert not alive(first)
        assert alive(worker.pid)
        assert (worker.port, worker.born) == (port, 2)
    finally:
        worker.stop()


def test_a_worker_that_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    worker = Worker(tmp_path / "worker.log")
    worker.start({})
    worker.stop()

    assert not alive(worker.pid)
    with pytest.raises(RuntimeError, match="nobody listens"):
        nursery().ask("fork", port=worker.port, environment={}, log=str(tmp_path / "worker.log"))


def test_a_call_before_whose_effect_the_worker_ends_has_none_and_one_after_has(tmp_path: Path) -> None:
    with Mortal(tmp_path, policy=POLICY) as house:
        house.end_at(Point(Key("run.projects.locations.jobs.get", f"{JOBS}/my-job"), "before"))
        house.developer.deploy("my-job")
        house.settle()

        assert house.ended
        assert house.worker.born == 2
        looks = [key for key in house.wire.keys if key.method == "run.projects.locations.jobs.get"]
        answered = [record for record in house.cloud.records if record.method == looks[0].method]
        ours = [record for record in answered if record.principal == house.wire.principal]
        assert len(ours) == len(looks) - 1, "the one that ended it was never answered"
        assert house.job("my-job")["egress"] == "ALL_TRAFFIC"


def test_the_probe_sees_what_a_step_opens_and_what_it_cuts(tmp_path: Path) -> None:
    with Mortal(tmp_path, policy=POLICY) as house:
        house.developer.deploy("my-job")
        house.settle()
        house.packets.look()
        house.packets.theirs = False
        house.stranger.widen(next(name for name in house.table("compute.firewalls") if "out-tcp443" in name))
        house.settle()

        assert any(f"newly reaches {DENIED[0]}" in breach for breach in house.packets.breaches)
        for name in list(house.cloud.table("compute.routers")):
            del house.cloud.table("compute.routers")[name]
        house.packets.look()
        assert any(f"cut off from {ALLOWED[0]}" in breach for breach in house.packets.breaches)
