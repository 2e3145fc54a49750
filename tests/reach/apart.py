"""Where `reach` and its judges differ, and the smallest network that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from typing import TypeVar

from tests.reach.doubts import Laid
from tests.reach.networks import ACCOUNT, JOB, PEER, Dice, Drawn, network, packets
from wayout.egress.reach import Answer, Judge, Packet, Verdict

T = TypeVar("T")
DIRECT = IPv4Network("34.126.0.0/18")
THEIRS = IPv4Network("10.50.0.0/24")


@dataclass(frozen=True)
class Apart:
    """Packets of which two judges say different things. `reason`: who is right, and by which text."""

    name: str
    reason: str
    holds: Callable[[Drawn, Packet], bool]


def _kept_by_peer(drawn: Drawn, packet: Packet) -> bool:
    to = IPv4Address(packet.address)
    return PEER in drawn.ground.beyond and to in (*list(THEIRS)[:2], *list(THEIRS)[-2:])


def _divided_by_peer(drawn: Drawn, packet: Packet) -> bool:
    peers = drawn.ground.beyond.values()
    named = {text for peer in peers for rule in peer.rules for text in rule.sources}
    return IPv4Address(packet.address) in THEIRS and bool(named & {"10.8.0.0/28", "10.8.0.0/29"})


APART = (
    Apart(
        "direct connectivity",
        "The probe takes 34.126.0.0/18 for any part of the internet, while Google's client libraries reach its APIs "
        "there over TCP (gcloud's storage diagnostics: 'Direct Connectivity IPv4'); `reach` says that every protocol "
        "is answered, which no text does. Neither is right for all packets.",
        lambda _, packet: IPv4Address(packet.address) in DIRECT,
    ),
    Apart(
        "reserved addresses of a peer",
        "Every subnet has four addresses that no machine can have, in its primary range (Google's page on subnets): "
        "the probe knows this of a peer's subnets, too.",
        _kept_by_peer,
    ),
    Apart(
        "a sender's range divided by a peer's rule",
        "A peer's INGRESS rules know a sender by its address (Google's page on VPC Network Peering). Where one names a "
        "part of the sender's range, it depends on the machine that sends: the probe is right, `reach` says reachable.",
        _divided_by_peer,
    ),
)


def why_apart(drawn: Drawn, packet: Packet) -> str:
    """The name under which a difference is known; empty if there must be none."""
    return next((one.name for one in APART if one.holds(drawn, packet)), "")


def reached(drawn: Drawn, packet: Packet) -> Verdict:
    """What `reach` says."""
    return Judge(JOB, drawn.way, ACCOUNT, drawn.ground, drawn.receiver).judge(packet)


def differences(seed: int) -> Iterator[tuple[Drawn, Packet]]:
    """Every packet of one drawn network of which `reach` and the probe say different things."""
    drawn = network(seed)
    laid, judge = Laid(drawn), Judge(JOB, drawn.way, ACCOUNT, drawn.ground, drawn.receiver)
    for packet in packets(drawn, Dice(seed + 1_000_000)):
        if judge.reaches(packet) != laid.told(packet)[0]:
            yield drawn, packet


def smallest(drawn: Drawn, packet: Packet) -> Drawn:
    """A network as small as can be in which they still do."""
    while smaller := next((one for one in _smaller(drawn) if _differs(one, packet)), None):
        drawn = smaller
    return drawn


def _differs(drawn: Drawn, packet: Packet) -> bool:
    return reached(drawn, packet).answer != Laid(drawn).told(packet)[0]


def _smaller(drawn: Drawn) -> Iterator[Drawn]:
    """The network without one of its parts; Google's own routes stay, since nobody can take them away."""
    ground = drawn.ground
    lesser = [replace(ground, rules=left) for left in _without_one(ground.rules)]
    lesser += [replace(ground, policies=left) for left in _without_one(ground.policies)]
    lesser += [replace(ground, routers=left) for left in _without_one(ground.routers)]
    fixed = tuple(route for route in ground.routes if route.local or route.peering)
    made = tuple(route for route in ground.routes if route not in fixed)
    lesser += [replace(ground, routes=(*fixed, *left)) for left in _without_one(made)]
    for policy in ground.policies:
        for rules in _without_one(policy.rules):
            less = replace(policy, rules=rules)
            policies = tuple(less if one is policy else one for one in ground.policies)
            lesser.append(replace(ground, policies=policies))
    for name, peer in ground.beyond.items():
        lesser += [replace(ground, beyond={name: replace(peer, rules=left)}) for left in _without_one(peer.rules)]
    yield from (replace(drawn, ground=one) for one in lesser)


def _without_one(things: tuple[T, ...]) -> list[tuple[T, ...]]:
    return [(*things[:index], *things[index + 1 :]) for index in range(len(things))]


def told(drawn: Drawn, packet: Packet, verdict: Verdict, theirs: Answer, word: str) -> str:
    """A difference in words, with everything that it takes to see it again."""
    ground = drawn.ground
    parts = [f"{packet}: reach says {verdict.answer} ({verdict.decider}), the other {theirs} ({word})", str(drawn.way)]
    parts += map(str, (*ground.rules, *ground.policies, *ground.routes, *ground.routers, *ground.connectors))
    parts += [str(drawn.receiver)] + [f"peer: {rule}" for one in ground.beyond.values() for rule in one.rules]
    return "\n    ".join(parts)
