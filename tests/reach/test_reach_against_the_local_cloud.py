"""`reach` against the probe of the local Google Cloud: two readings of Google's text, by different hands."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reach.apart import differences, reached, smallest, told, why_apart
from tests.reach.doubts import Laid
from tests.reach.networks import ACCOUNT, JOB, OUT, Dice, Drawn, network, packets
from tests.reach.rules_drawn import NETWORK, REGION, alive
from wayout.egress.model import Connector, Egress, Network, Route, State, Subnet, SubnetName, Way
from wayout.egress.reach import Answer, Ground, Judge, Packet

NETWORKS = 300
BATCH = 50


@pytest.mark.parametrize("first", range(0, NETWORKS, BATCH))
def test_both_say_the_same_of_every_packet(first: int) -> None:
    for seed in range(first, first + BATCH):
        for drawn, packet in differences(seed):
            if not why_apart(drawn, packet):
                least = smallest(drawn, packet)
                pytest.fail(f"seed {seed}: {told(least, packet, reached(least, packet), *Laid(least).told(packet))}")


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(NETWORKS, 1 << 32))
def test_both_say_the_same_in_networks_that_nobody_has_seen_before(seed: int) -> None:
    found = [(drawn, packet) for drawn, packet in differences(seed) if not why_apart(drawn, packet)]
    assert found == []


def outside(address: str, port: int) -> tuple[Drawn, Packet]:
    """A connector that stands, and a way to the internet gateway with Private Google Access and without NAT."""
    out = Subnet(SubnetName(NETWORK.project, REGION, "out"), NETWORK, "10.8.0.0/28", google_access=True)
    ground = Ground(
        Network(NETWORK),
        REGION,
        (out,),
        alive(),
        routes=(Route("to-internet", NETWORK, "0.0.0.0/0", internet=True, next_hop="default-internet-gateway"),),
        connectors=(Connector(OUT, NETWORK, State.READY, out.name),),
    )
    return Drawn(ground, Way(Egress.ALL, OUT)), Packet(address, "tcp", port)


EXAMPLES = {
    "direct connectivity": outside("34.126.0.9", 443),
    "mail to Google's APIs": outside("142.250.0.9", 25),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_what_they_once_said_differently_they_agree_on(name: str) -> None:
    drawn, packet = EXAMPLES[name]
    assert reached(drawn, packet).answer == Laid(drawn).told(packet)[0]


def test_the_quick_answer_is_the_one_that_is_explained() -> None:
    for seed in range(120):
        drawn = network(seed)
        judge = Judge(JOB, drawn.way, ACCOUNT, drawn.ground, drawn.receiver)
        for packet in packets(drawn, Dice(seed), most=20):
            assert judge.reaches(packet) == judge.judge(packet).answer, (seed, packet)


def test_the_networks_are_not_all_alike() -> None:
    """Every answer is given often, and every kind of hop decides: else nothing would be compared."""
    answers: Counter[Answer] = Counter()
    deciders: set[str] = set()
    for seed in range(120):
        drawn = network(seed)
        for packet in packets(drawn, Dice(seed), most=30):
            verdict = reached(drawn, packet)
            answers[verdict.answer] += 1
            deciders.add(verdict.decider.what)
    assert min(answers[one] for one in Answer) > 100, answers
    assert {"connector", "network interface", "egress firewall", "ingress firewall", "route", "Cloud NAT"} <= deciders
    assert {"Private Google Access", "Google's own path", "internet gateway", "destination"} <= deciders
