"""Where `reach` and its judges differ, and the smallest network that shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeVar

from tests.reach.doubts import Laid
from tests.reach.networks import ACCOUNT, JOB, Dice, Drawn, network, packets
from wayout.egress.reach import Answer, Judge, Packet, Verdict

T = TypeVar("T")


@dataclass(frozen=True)
class Apart:
    """Packets of which two judges say different things. `reason`: who is right, and by which text."""

    name: str
    reason: str
    holds: Callable[[Drawn, Packet], bool]


APART: tuple[Apart, ...] = ()  # none is open


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
