"""`reach` against the probe of the local Google Cloud: two readings of Google's text, by different hands."""

from __future__ import annotations

import pytest

from tests.reach.laid import asked, lay
from tests.reach.networks import ACCOUNT, JOB, Dice, network, packets
from wayout.egress.reach import Answer, Judge, Verdict

NETWORKS = 300
BATCH = 50


def explained(verdict: Verdict, theirs: Answer) -> str:
    """Why the two may differ, by name; empty where they must not.

    The probe stops at the first hop that it cannot know. `reach` goes on, and if a later hop stops the packet for
    sure, then it does not arrive, whatever the first one does.
    """
    doubted = any(hop.answer == Answer.UNKNOWN for hop in verdict.hops)
    if verdict.answer == Answer.NO and theirs == Answer.UNKNOWN and doubted:
        return "the probe stops at the first doubt"
    return ""


@pytest.mark.parametrize("first", range(0, NETWORKS, BATCH))
def test_both_say_the_same_of_every_packet(first: int) -> None:
    compared = 0
    for seed in range(first, first + BATCH):
        drawn = network(seed)
        cloud, judge = lay(drawn), Judge(JOB, drawn.way, ACCOUNT, drawn.ground)
        for packet in packets(drawn, Dice(seed + 1_000_000)):
            verdict = judge.judge(packet)
            theirs, word = asked(cloud, packet)
            compared += 1
            assert judge.reaches(packet) == verdict.answer, (seed, packet)
            if verdict.answer != theirs and not explained(verdict, theirs):
                pytest.fail(f"seed {seed}, {packet}: {verdict.answer} ({verdict.decider}), they say {theirs} ({word})")
    assert compared > BATCH * 20


def test_the_networks_are_not_all_alike() -> None:
    """Every answer is given often, and every kind of hop decides: else nothing would be compared."""
    answers: dict[Answer, int] = {}
    deciders: set[str] = set()
    for seed in range(120):
        drawn = network(seed)
        for packet in packets(drawn, Dice(seed), most=20):
            verdict = Judge(JOB, drawn.way, ACCOUNT, drawn.ground).judge(packet)
            answers[verdict.answer] = answers.get(verdict.answer, 0) + 1
            deciders.add(verdict.decider.what)
    assert min(answers.values()) > 30
    assert {"connector", "network interface", "egress firewall", "ingress firewall", "route", "Cloud NAT"} <= deciders
    assert {"Private Google Access", "Google's own path", "internet gateway", "destination"} <= deciders
