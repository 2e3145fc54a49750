"""`reach` against the Linux kernel: the same rules as nftables, real packets between two network namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

import pytest

from tests.reach.kernel import Kernel, kernel, why_not
from tests.reach.networks import ACCOUNT, JOB, TAGS, Dice, Drawn, network
from tests.reach.nft import ruleset
from wayout.egress.model import Direction
from wayout.egress.reach import Answer, Judge, Packet

NETWORKS = 60
SENDER = "10.8.0.2"
KINDS = (("tcp", 22), ("tcp", 443), ("tcp", 444), ("tcp", 667), ("tcp", 5432), ("udp", 53), ("udp", 665), ("icmp", 0))


@pytest.fixture(scope="module")
def machine() -> Iterator[Kernel]:
    """Skipped where the machine does not allow it; set up by .ci/run."""
    if reason := why_not():
        pytest.skip(reason)
    with kernel(SENDER) as made:
        yield made


def asked(drawn: Drawn, dice: Dice) -> list[Packet]:
    """Packets into the network's own subnets: there, nothing but its firewall decides."""
    found = []
    for subnet in drawn.ground.subnets:
        net = IPv4Network(subnet.range)
        if subnet.name.subnet != "out":
            offsets = (2, 3, 127, 128, net.num_addresses - 3)
            found += [str(IPv4Address(int(net.network_address) + offset)) for offset in offsets]
    return [Packet(dice.one(*found), *dice.one(*KINDS)) for _ in range(30)]


def test_the_kernel_lets_through_what_reach_says(machine: Kernel) -> None:
    compared = arrived = 0
    tags = frozenset(TAGS[:2])
    for seed in range(NETWORKS):
        drawn = network(seed, plain=True)
        rules = drawn.ground.rules
        machine.load(ruleset(rules, Direction.EGRESS, tags), ruleset(rules, Direction.INGRESS, tags))
        judge = Judge(JOB, drawn.way, ACCOUNT, drawn.ground)
        packets = asked(drawn, Dice(seed + 1_000_000))
        verdicts = [judge.judge(packet) for packet in packets]
        for packet, verdict, real in zip(packets, verdicts, machine.arrive(packets), strict=True):
            # What keeps a connector alive is no packet of the job, and one sender has one address only.
            if verdict.decider.what == "connector" or verdict.answer == Answer.UNKNOWN:
                continue
            compared += 1
            arrived += real
            assert (verdict.answer == Answer.YES) == real, (seed, packet, verdict.decider)
    assert compared > NETWORKS * 10
    assert arrived > NETWORKS // 2
