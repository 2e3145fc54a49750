"""The clock: what is due happens in order, and time passes only when nobody is busy."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.clock import Clock

MOMENT = 0.1  # real seconds: longer than any silence that lets time pass, far shorter than the patience with a worker


@contextmanager
def running(clock: Clock) -> Iterator[Clock]:
    clock.start()
    try:
        yield clock
    finally:
        clock.stop()


def aside(act: Callable[[], object]) -> threading.Thread:
    """`act`, running in a thread."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread


def ended(*threads: threading.Thread) -> bool:
    for thread in threads:
        thread.join(timeout=10)
    return not any(thread.is_alive() for thread in threads)


DELAYS = st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0, 60.0, 3600.0]), max_size=12)


@given(DELAYS, DELAYS, st.lists(st.sampled_from([0.25, 1.0, 59.0, 5000.0]), max_size=4))
@settings(max_examples=30, deadline=None)
def test_what_is_due_happens_in_order_of_time_then_of_asking(
    first: list[float], second: list[float], steps: list[float]
) -> None:
    clock = Clock(idle=False)
    happened: list[tuple[float, int]] = []
    seen: list[float] = []
    asked = 0

    def ask(delay: float, *, spawns: list[float]) -> None:
        nonlocal asked
        asked += 1
        mine = (clock.seconds() + delay, asked)

        def act() -> None:
            happened.append(mine)
            seen.append(clock.seconds())
            for further in spawns:
                ask(further, spawns=[])

        clock.after(delay, act)

    for delay in first:
        ask(delay, spawns=second[:2])
    for step in steps:
        before = clock.seconds()
        clock.advance(step)
        assert clock.seconds() == before + step
    assert clock.settle()
    assert happened == sorted(happened)
    assert seen == [at for at, _ in happened], "each happened at its moment, so time never went back"
    assert len(happened) == asked
    assert clock.pending == 0


def test_no_time_passes_while_a_request_is_answered() -> None:
    with running(Clock()) as clock:
        happened: list[float] = []
        with clock.request():
            clock.after(1.0, lambda: happened.append(clock.seconds()))
            passing = aside(lambda: clock.advance(10.0))
            time.sleep(MOMENT)
            assert clock.seconds() == 0.0
            assert happened == []
        assert ended(passing)
        assert happened == [1.0]
        assert clock.seconds() == 10.0


def test_advance_waits_for_requests_even_when_nothing_is_due() -> None:
    clock = Clock(idle=False)
    with clock.request():
        passing = aside(lambda: clock.advance(5.0))
        time.sleep(MOMENT)
        assert clock.seconds() == 0.0
    assert ended(passing)
    assert clock.seconds() == 5.0


def test_what_is_due_now_happens_while_a_request_is_answered() -> None:
    with running(Clock()) as clock:
        happened = threading.Event()
        with clock.request():
            clock.after(0.0, happened.set)
            assert happened.wait(5)


def test_a_pushed_message_in_work_holds_time() -> None:
    with running(Clock()) as clock:
        clock.after(60.0, lambda: None)
        with clock.delivery():
            time.sleep(MOMENT)
            assert clock.seconds() == 0.0
        assert clock.settle()
        assert clock.seconds() == 60.0


def test_a_pushed_message_whose_endpoint_waits_lets_time_pass() -> None:
    with running(Clock()) as clock:
        done = threading.Event()
        clock.after(160.0, done.set)
        with clock.delivery():
            assert clock.pass_until(done.is_set)
            assert clock.seconds() == 160.0


def test_patience_with_an_endpoint_that_says_nothing_comes_to_an_end() -> None:
    clock = Clock(idle=False, patience=MOMENT)
    happened = threading.Event()
    clock.after(60.0, happened.set)
    with clock.delivery():
        assert not clock.settle(patience=MOMENT * 5)
        assert happened.is_set()


def test_one_waiting_endpoint_does_not_let_time_pass_for_another_that_works() -> None:
    clock = Clock(idle=False)
    done = threading.Event()
    clock.after(160.0, done.set)
    with clock.delivery():
        with clock.delivery():
            waiting = aside(lambda: clock.pass_until(done.is_set))
            time.sleep(MOMENT)
            assert clock.seconds() == 0.0
        assert ended(waiting)
    assert done.is_set()


def test_who_has_what_they_waited_for_is_told_before_more_time_passes() -> None:
    clock = Clock(idle=False)
    moments: dict[str, float] = {}
    early, late = threading.Event(), threading.Event()

    def wait_for(name: str, event: threading.Event) -> None:
        clock.pass_until(event.is_set)
        moments[name] = clock.seconds()

    for round_ in range(20):
        early.clear()
        late.clear()
        start = clock.seconds()
        clock.after(1.0, early.set)
        clock.after(2.0, late.set)
        with clock.request():
            waiting = aside(lambda: wait_for("late", late)), aside(lambda: wait_for("early", early))
            while len(clock._waiters) < 2:
                time.sleep(0.001)
        assert ended(*waiting)
        assert moments == {"early": start + 1.0, "late": start + 2.0}, f"round {round_}"


def test_who_waits_for_what_will_never_come_is_let_go() -> None:
    assert not Clock(idle=False).pass_until(lambda: False)


def test_a_limit_in_the_clouds_time_ends_the_waiting() -> None:
    clock = Clock(idle=False)
    clock.after(500.0, lambda: None)
    assert not clock.pass_until(lambda: False, seconds=120.0)
    assert clock.seconds() == 120.0


def test_idle_time_passes_for_what_is_due_but_not_for_background_events() -> None:
    with running(Clock()) as clock:
        happened: list[str] = []
        over = threading.Event()
        clock.after(1.0, lambda: happened.append("background"), background=True)
        time.sleep(MOMENT * 2)
        assert happened == []
        clock.after(2.0, over.set)
        assert over.wait(5)
        assert happened == ["background"], "it happens in its turn when time passes for another reason"


def test_settling_looks_behind_background_events() -> None:
    clock = Clock(idle=False)
    happened: list[float] = []
    clock.after(1.0, lambda: None, background=True)
    clock.after(2.0, lambda: happened.append(clock.seconds()))
    clock.after(1e6, lambda: happened.append(clock.seconds()))
    assert clock.settle(horizon=100.0)
    assert happened == [2.0]


def test_settling_gives_up_in_real_time_when_somebody_never_rests() -> None:
    clock = Clock(idle=False)
    with clock.delivery():
        began = time.monotonic()
        assert not clock.settle(patience=0.2)
        assert time.monotonic() - began < 3


def test_settling_waits_for_a_message_in_work_though_nothing_is_due() -> None:
    clock = Clock(idle=False)
    release = clock.hold()
    threading.Timer(MOMENT, release).start()
    assert clock.settle()
    release()
    assert clock.settle(), "letting go twice counts once"


def test_a_cancelled_event_does_not_happen_and_takes_no_time() -> None:
    clock = Clock(idle=False)
    due = clock.after(10.0, lambda: pytest.fail("cancelled"))
    due.dead = True
    assert clock.settle()
    assert clock.seconds() == 0.0
    assert clock.pending == 0


def test_a_failing_action_stops_nothing_and_is_raised_by_settle(caplog: pytest.LogCaptureFixture) -> None:
    with running(Clock()) as clock, caplog.at_level(logging.CRITICAL):
        happened: list[int] = []
        clock.after(1.0, lambda: happened.append(1 // 0))
        clock.after(2.0, lambda: happened.append(2))
        with pytest.raises(ZeroDivisionError):
            clock.settle()
        assert clock.settle()
        assert happened == [2]


def test_stopping_lets_everybody_go() -> None:
    clock = Clock()
    clock.start()
    release = clock.hold()
    clock.after(5.0, lambda: None)
    waiting = aside(lambda: clock.pass_until(lambda: False)), aside(clock.settle)
    time.sleep(MOMENT)
    clock.stop()
    assert ended(*waiting)
    release()


def test_real_time_runs_at_its_speed() -> None:
    with running(Clock(virtual=False, speed=100.0)) as clock:
        moments: list[float] = []
        over = threading.Event()
        clock.after(20.0, lambda: moments.append(clock.seconds()))
        clock.after(10.0, lambda: moments.append(clock.seconds()))
        clock.after(30.0, over.set)
        assert clock.pass_until(over.is_set, seconds=600.0)
        assert moments == sorted(moments)
        assert 10.0 <= moments[0] < 20.0
        assert clock.settle()


def test_a_burst_of_requests_is_never_starved_by_what_is_due() -> None:
    with running(Clock()) as clock:
        left = 2000

        def again() -> None:
            nonlocal left
            left -= 1
            if left > 0:
                clock.after(0.0, again)

        clock.after(0.0, again)
        began = time.monotonic()
        with clock.request(), clock.lock:
            waited = time.monotonic() - began
        assert waited < 1.0


def test_a_speed_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="speed"):
        Clock(speed=0.0)
