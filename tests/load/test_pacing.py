"""Our calls keep to our part of Google's quotas, whoever makes them, and wait for nobody else's."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wayout.cloud.errors import TryAgainError
from wayout.cloud.pacing import MOST, Key, Pacing, key, sizes

UPDATE, LIST = "run.jobs.update", "compute.firewalls.list"
JOB = "projects/p/locations/europe-west1/jobs/j"
FOREVER = float("inf")


@dataclass
class Time:
    """A clock that moves when somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def pacing(self, quota: str = "run/write=3", *, instances: int = 1) -> Pacing:
        return Pacing(instances=instances, sizes=sizes(quota), clock=lambda: self.now, sleep=self.sleep)


# --- what a call counts against -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("permission", "resource", "wanted"),
    [
        (UPDATE, JOB, Key("run/write", "p", "europe-west1")),
        ("run.operations.get", "projects/p/locations/r/operations/o", Key("run/read", "p", "r")),
        ("run.jobs.list", "projects/p/locations/r", Key("run/read", "p", "r")),
        (LIST, "projects/p", Key("compute/list", "p")),
        ("compute.networks.getEffectiveFirewalls", "projects/p/global/networks/n", Key("compute/read", "p")),
        ("compute.networks.listPeeringRoutes", "projects/p/global/networks/n", Key("compute/read", "p")),
        (
            "compute.subnetworks.setPrivateIpGoogleAccess",
            "projects/p/regions/r/subnetworks/s",
            Key("compute/write", "p"),
        ),
        ("compute.regionOperations.get", "projects/p", Key("compute/operation", "p")),
        ("vpcaccess.connectors.create", "projects/p/locations/r", Key("vpcaccess/write", "p")),
        ("logging.logEntries.list", "projects/p", Key("logging/read", "p")),
        ("logging.logEntries.create", "projects/p", None),
        ("pubsub.topics.publish", "projects/p/topics/t", None),
        ("dns.managedZones.list", "projects/p", None),
        ("", "compute/v1/projects/p", None),
        (LIST, "", None),
    ],
)
def test_a_call_counts_against_the_quota_of_its_method_project_and_region(
    permission: str, resource: str, wanted: Key | None
) -> None:
    assert key(permission, resource) == wanted


def test_each_instance_has_its_part_and_never_less_than_one_call() -> None:
    part = Pacing(instances=8).part

    assert (part("run/write"), part("compute/list"), part("logging/read")) == (7, 187, 15)
    assert Pacing(instances=1000).part("run/write") == 1
    assert Pacing(sizes={"run/write": 600}).part("run/write") == 600


@pytest.mark.parametrize("text", ["run/writes=5", "run/write", "run/write=", "run/write=0", "run/write=-1"])
def test_a_wrong_quota_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(ValueError, match="run/write"):
        sizes(text)


# --- waiting ---------------------------------------------------------------------------------------------------------


def test_calls_within_our_part_do_not_wait_and_the_next_waits_until_a_minute_after_the_first() -> None:
    clock = Time()
    pacing = clock.pacing()
    for _ in range(3):
        pacing.wait(UPDATE, JOB, until=FOREVER)
        clock.now += 10

    pacing.wait(UPDATE, JOB, until=FOREVER)

    assert clock.slept == [30.0]


def test_other_regions_projects_and_quotas_do_not_wait() -> None:
    clock = Time()
    pacing = clock.pacing("run/write=1")
    pacing.wait(UPDATE, JOB, until=FOREVER)

    for permission, resource in (
        (UPDATE, JOB.replace("europe-west1", "europe-west2")),
        (UPDATE, JOB.replace("projects/p/", "projects/q/")),
        ("run.jobs.get", JOB),
        (LIST, "projects/p"),
    ):
        pacing.wait(permission, resource, until=clock.now)

    assert clock.slept == []


def test_who_would_wait_beyond_its_time_is_put_off_at_once_and_takes_nobodys_turn() -> None:
    clock = Time()
    pacing = clock.pacing("run/write=1")
    pacing.wait(UPDATE, JOB, until=FOREVER)

    with pytest.raises(TryAgainError, match=r"1 calls a minute of run/write in p in europe-west1"):
        pacing.wait(UPDATE, JOB, until=clock.now + 59)

    assert clock.slept == []
    pacing.wait(UPDATE, JOB, until=clock.now + 60)
    assert clock.slept == [60.0]


def test_a_call_that_need_not_wait_begins_even_when_time_is_up() -> None:
    clock = Time()
    clock.pacing().wait(UPDATE, JOB, until=clock.now - 5)

    assert clock.slept == []


def test_without_a_minute_nothing_is_paced() -> None:
    clock = Time()
    pacing = Pacing(minute=0.0, sizes={"run/write": 1}, clock=lambda: clock.now, sleep=clock.sleep)
    pacing.rest(UPDATE, JOB, 60.0)

    for _ in range(5):
        pacing.wait(UPDATE, JOB, until=0.0)

    assert clock.slept == []


def test_a_token_whose_call_was_not_made_is_the_next_ones() -> None:
    clock = Time()
    pacing = clock.pacing("run/write=1")
    taken = pacing.wait(UPDATE, JOB, until=FOREVER)
    pacing.give_back(UPDATE, JOB, taken)

    pacing.wait(UPDATE, JOB, until=clock.now)

    assert clock.slept == []


def test_after_a_refusal_nobody_calls_until_the_time_that_was_asked_for() -> None:
    clock = Time()
    pacing = clock.pacing()
    pacing.rest(UPDATE, JOB, 20.0)
    pacing.rest(UPDATE, JOB, 5.0)

    pacing.wait(UPDATE, JOB, until=FOREVER)
    pacing.wait(UPDATE, JOB, until=FOREVER)

    assert clock.slept == [20.0]


def test_a_refusal_holds_back_those_who_wait_already() -> None:
    clock = Time()

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.slept) == 1:
            pacing.rest(UPDATE, JOB, 7.0)

    pacing = Pacing(sizes={"run/write": 1}, clock=lambda: clock.now, sleep=sleep)
    pacing.wait(UPDATE, JOB, until=FOREVER)
    pacing.wait(UPDATE, JOB, until=FOREVER)

    assert clock.slept == [60.0, 7.0]


def test_a_refusal_puts_off_who_has_no_time_to_wait_it_out() -> None:
    clock = Time()
    pacing = clock.pacing()
    pacing.rest(UPDATE, JOB, 20.0)

    with pytest.raises(TryAgainError):
        pacing.wait(UPDATE, JOB, until=clock.now + 19)


@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.floats(0, 40), st.booleans(), st.floats(0, 200)), min_size=1, max_size=60),
)
def test_no_minute_ever_holds_more_calls_than_our_part_nor_is_anybody_late(
    part: int, asked: list[tuple[float, bool, float]]
) -> None:
    clock = Time()
    pacing = clock.pacing(f"run/write={part}")
    made: list[float] = []
    for pause, refused, patience in asked:
        clock.now += pause
        until = clock.now + patience
        try:
            pacing.wait(UPDATE, JOB, until=until)
        except TryAgainError:
            continue
        assert clock.now <= until + 1e-6
        made.append(clock.now)
        if refused:
            pacing.rest(UPDATE, JOB, 3.0)

    for begin in made:
        assert sum(begin <= one < begin + 60 - 1e-6 for one in made) <= part


def test_many_threads_share_one_part_and_each_gets_its_turn() -> None:
    lock = threading.Lock()
    begun: list[float] = []
    pacing = Pacing(minute=0.4, sizes={"run/write": 10})

    def work() -> None:
        for _ in range(5):
            pacing.wait(UPDATE, JOB, until=FOREVER)
            with lock:
                begun.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert len(begun) == 40
    assert max(begun) - min(begun) >= 3 * 0.4 - 0.1, "forty calls of ten a minute take more than three minutes"


def test_buckets_that_rest_are_forgotten() -> None:
    clock = Time()
    pacing = clock.pacing()
    for number in range(MOST):
        pacing.wait(UPDATE, f"projects/p{number}/locations/r/jobs/j", until=FOREVER)
    clock.now += 120
    pacing.wait(UPDATE, JOB, until=FOREVER)

    assert len(pacing._buckets) == 1
