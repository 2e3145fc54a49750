"""`reach` against the Linux kernel: the same rules as nftables, real packets between two network namespaces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

import pytest

from tests.reach.apart import reached, told
from tests.reach.doubts import Laid
from tests.reach.kernel import Kernel, kernel, why_not
from tests.reach.networks import SERVICES, Dice, Drawn, network
from tests.reach.nft import rulesets
from wayout.egress.reach import Answer, Packet

NETWORKS, PACKETS = 60, 20
SENDERS = "10.8.0.0/26"
# Both ends of every part into which drawn rules divide a sender's range, without the addresses that Google keeps.
CONNECTED = ("10.8.0.2", "10.8.0.7", "10.8.0.8", "10.8.0.13")
DIRECT = ("10.8.0.2", "10.8.0.7", "10.8.0.8", "10.8.0.15", "10.8.0.16", "10.8.0.61")


@dataclass(frozen=True)
class Seen:
    """What became of a packet."""

    drawn: Drawn
    packet: Packet
    answer: Answer


def sent(machine: Kernel, seed: int) -> Iterator[Seen]:
    """Packets into the network's own subnets, where nothing but its firewall decides."""
    drawn = network(seed, plain=True)
    machine.load(*rulesets(drawn))
    dice, places = Dice(seed + 1_000_000), list(_places(drawn))
    packets = [Packet(dice.one(*places), *dice.one(*SERVICES)) for _ in range(PACKETS)]
    direct = drawn.way is not None and drawn.way.interface is not None
    answers = machine.arrive(packets, DIRECT if direct else CONNECTED)
    yield from (Seen(drawn, packet, answer) for packet, answer in zip(packets, answers, strict=True))


def _places(drawn: Drawn) -> Iterator[str]:
    for subnet in drawn.ground.subnets:
        if subnet.name.subnet in ("apps", "more"):
            for net in map(IPv4Network, (subnet.range, *subnet.secondary)):
                for offset in (2, 3, 127, 128, net.num_addresses // 2, net.num_addresses - 3):
                    yield str(IPv4Address(int(net.network_address) + offset))


@pytest.fixture(scope="module")
def seen() -> list[Seen]:
    """Skipped where the machine does not allow it; set up by .ci/run."""
    if reason := why_not():
        pytest.skip(reason)
    with kernel(SENDERS) as machine:
        return [one for seed in range(NETWORKS) for one in sent(machine, seed)]


def test_the_kernel_lets_through_what_reach_says(seen: list[Seen]) -> None:
    for one in seen:
        verdict = reached(one.drawn, one.packet)
        assert verdict.answer == one.answer, told(one.drawn, one.packet, verdict, one.answer, "the kernel")


def test_the_kernel_lets_through_what_the_probe_says(seen: list[Seen]) -> None:
    for one in seen:
        theirs, word = Laid(one.drawn).told(one.packet)
        assert theirs == one.answer, told(one.drawn, one.packet, reached(one.drawn, one.packet), theirs, word)


def test_packets_arrive_and_are_stopped_by_every_protocol(seen: list[Seen]) -> None:
    """Else nothing would be compared."""
    found = Counter((one.packet.protocol, one.answer) for one in seen)
    for answer in (Answer.YES, Answer.NO):
        assert min(found[protocol, answer] for protocol in ("tcp", "udp", "icmp")) > 3, found
    assert sum(count for (_, answer), count in found.items() if answer == Answer.UNKNOWN) > 3, found
