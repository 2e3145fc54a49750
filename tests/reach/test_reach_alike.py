"""What a judge says it can tell of addresses and of kinds is all that it judges by."""

from __future__ import annotations

import pytest

from tests.reach.networks import ACCOUNT, JOB, Dice, Drawn, network, packets
from wayout.egress.reach import Answer, Judge


def classes(drawn: Drawn, seed: int) -> dict[object, set[Answer]]:
    """The answers to packets that the judge cannot tell apart, by class: each address with each kind."""
    judge = Judge(JOB, drawn.way, ACCOUNT, drawn.ground, drawn.receiver)
    some = packets(drawn, Dice(seed + 2_000_000), most=60)
    kinds = list(dict.fromkeys((one.protocol, one.port) for one in some))
    found: dict[object, set[Answer]] = {}
    for one in some:
        for kind in kinds:
            packet = type(one)(one.address, *kind)
            found.setdefault((judge.place(one.address), judge.kind(*kind)), set()).add(judge.reaches(packet))
    return found


@pytest.mark.parametrize("block", range(8))
def test_packets_that_look_alike_to_a_judge_fare_alike(block: int) -> None:
    together = 0
    for seed in range(block * 40, block * 40 + 40):
        for answers in classes(network(seed), seed).values():
            assert len(answers) == 1, f"seed {seed}"
            together += 1
    assert together > 1000, "the networks are too plain to say anything"


def test_classes_are_few_beside_the_packets_that_they_stand_for() -> None:
    found = sum(len(classes(network(seed), seed)) for seed in range(20))
    assert found < 20 * 60 * 5
