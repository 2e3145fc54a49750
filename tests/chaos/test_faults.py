"""Every call may meet a fault: a story converges by itself, or says why not and who can help; the next sweep ends it.

Here some faults at some calls; the long form, `benchmarks/chaos.py`, has all of them at all calls, and pairs.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.chaos.drawn import calm, draw
from tests.chaos.faulting import SLACK, WIRE, Faulted, Struck, meets, strike, strikes, unexplained
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.wire import Key
from wayout.egress.messages import OutcomeSaid

# The worst of each kind, with the reason: a fault, the call that meets it in a green field, how long.
WORST = [
    ("made, and nobody heard so", Struck("lost", Key("compute.subnetworks.insert"))),
    ("a refusal in the middle", Struck("firewall-quota", Key("compute.firewalls.insert"), "long")),
    (
        "a connector that never gets well",
        Struck("connector-unhealthy", Key("vpcaccess.projects.locations.connectors.create")),
    ),
    ("blind for a while", Struck("compute-read-quota", Key("compute.firewalls.list"), "long")),
    ("its operation cannot be asked for", Struck("run-bad-token", Key("run.projects.locations.operations.get"))),
    ("the ledger is down", Struck("broken", Key("logging.entries.write"), "long")),
    ("Slack is down for a while", Struck("slack-down", Key("slack.chat.postMessage"), "long")),
    ("Slack refuses the message", Struck("slack-refused", Key("slack.chat.postMessage"), "long")),
]


def first(method: str) -> Key:
    """The first call of a method in a green field."""
    return min(key for key in calm("greenfield").keys if key.method == method)


@pytest.mark.parametrize("struck", [row[1] for row in WORST], ids=[row[0] for row in WORST])
def test_the_worst_fault_of_a_kind_is_made_good_or_told_with_who_can_help(struck: Struck) -> None:
    here = Struck(struck.fault, first(struck.key.method), struck.long)
    found = strike(SCENARIOS["greenfield"], here)

    assert found.met
    assert found.unlike(calm("greenfield")) == [], found.after.told


@pytest.mark.parametrize("number", range(3))
def test_a_fault_that_is_drawn_is_made_good_or_told_with_who_can_help(number: int) -> None:
    struck = draw("fault", strikes(calm("greenfield")), 3)[number]
    found = strike(SCENARIOS["greenfield"], struck)

    assert found.unlike(calm("greenfield")) == [], (str(struck), found.after.told)


@pytest.mark.parametrize("number", range(3))
def test_two_faults_that_are_drawn_are_made_good_or_told_with_who_can_help(number: int) -> None:
    every = draw("pair", strikes(calm("heal")), 6)
    pair = every[2 * number : 2 * number + 2]
    found = strike(SCENARIOS["heal"], *pair)

    assert found.unlike(calm("heal")) == [], (list(map(str, pair)), found.after.told)


def test_every_call_meets_the_wires_faults_and_only_those_of_the_catalogue_that_name_it() -> None:
    key = Key("compute.routers.list", "my-project europe-west2")
    assert all(meets(fault, key) for fault in WIRE)
    assert meets("compute-read-quota", key)
    assert not meets("firewall-quota", key)
    assert not meets("job-absent", key)
    assert not any(meets(fault, key) for fault in SLACK)


def test_slack_meets_what_slack_may_answer_and_no_fault_of_the_cloud() -> None:
    key = Key("slack.chat.postMessage")
    assert all(meets(fault, key) for fault in SLACK)
    assert not any(meets(fault, key) for fault in (*WIRE, "compute-read-quota", "job-absent"))


def said(status: str, *, job: str = "a", **more: Any) -> OutcomeSaid:
    """An outcome about one job, or about none."""
    jobs = [{"job": job, "stance": "needs", "because": "x"}] if job else []
    return OutcomeSaid.model_validate({"status": status, "cause": {"id": "1"}, "jobs": jobs, **more})


HELPED: dict[str, Any] = {"blocked": [{"what": "the subnet", "why": "no range is free", "help": "give the pool more"}]}
HELPLESS: dict[str, Any] = {"blocked": [{"what": "the subnet", "why": "no range is free", "help": ""}]}
REFUSED = {"verb": "create", "kind": "router", "subject": "r", "because": "b", "result": "refused", "detail": "no"}

# (why the row is here, what was said of a world that is half-done, how many complaints)
WORDS = [
    ("nobody said anything", (), 1),
    ("the last word says why and who can help", (said("whole"), said("blocked", **HELPED)), 0),
    ("it was said, and taken back since", (said("blocked", **HELPED), said("whole")), 1),
    ("what was said of another job still stands", (said("blocked", **HELPED), said("whole", job="b")), 0),
    ("blocked without help", (said("blocked", **HELPLESS),), 1),
    ("refused without help", (said("refused", changes=[REFUSED]),), 1),
    ("refused, and nothing is named", (said("refused"),), 1),
    ("of no job, and the last word", (said("whole"), said("blocked", job="", **HELPED)), 0),
    ("of no job, and others followed", (said("blocked", job="", **HELPED), said("whole")), 1),
]


@pytest.mark.parametrize(("words", "complaints"), [row[1:] for row in WORDS], ids=[row[0] for row in WORDS])
def test_a_half_done_world_is_explained_by_the_last_words_about_it(
    words: tuple[OutcomeSaid, ...], complaints: int
) -> None:
    assert len(unexplained(words)) == complaints


def test_two_faults_have_come_about_only_if_both_have() -> None:
    one, other = Struck("lost", Key("a"), "long"), Struck("lost", Key("b"))
    ran = calm("greenfield")
    assert not Faulted(ran, ran, (), {one: 12, other: 0}).met
    assert Faulted(ran, ran, (), {one: 1, other: 1}).met
