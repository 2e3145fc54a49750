"""What the probe says where a doubt may or may not matter: it stops at the first, so every outcome is laid and asked.

If a packet fares the same whatever the doubtful rule turns out to do, then the doubt decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from tests.reach.laid import asked, lay
from tests.reach.networks import Drawn
from wayout.egress.model import Direction, FirewallPolicy, Layer, PolicyRule, Traffic, Verb
from wayout.egress.reach import Answer, Packet

NAMED = re.compile(r"\((?P<policy>policy-\d) rule (?P<priority>\d+)\)$")
CONTROL = re.compile(r"^connector: .* unless (?P<direction>INGRESS|EGRESS) of tcp:667 with ")
CONTROL_RANGE = ("35.199.224.0/19",)  # facts.md, section 1a


class Laid:
    """One drawn network in a local Google Cloud."""

    def __init__(self, drawn: Drawn) -> None:
        self._drawn, self._cloud = drawn, lay(drawn)
        self._settled: dict[str, list[list[Laid]]] = {}

    def told(self, packet: Packet) -> tuple[Answer, str]:
        """What the probe says of a packet, and its last word, once the doubts are settled that decide nothing."""
        answer, word = asked(self._cloud, self._drawn, packet)
        if answer != Answer.UNKNOWN:
            return answer, word
        if word not in self._settled:
            self._settled[word] = [[Laid(one) for one in group] for group in _settled(self._drawn, word)]
        for group in self._settled[word]:
            found = {one.told(packet)[0] for one in group}
            if len(found) == 1:
                return found.pop(), f"either way of {word}"
        return answer, word


def _settled(drawn: Drawn, word: str) -> Iterator[Iterable[Drawn]]:
    """The same network without one doubt, once for every outcome; one such group for each doubt that it may be."""
    policies = drawn.ground.policies
    if control := CONTROL.search(word):
        yield _controlled(drawn, Direction(control["direction"]))
    elif doubted := _doubted(policies, word):
        yield [replace(drawn, ground=replace(drawn.ground, policies=one)) for one in _turned(policies, doubted)]
    elif word.startswith("source: ") and ": unknown" in word:
        # Some of the sender's addresses have a doubt that is not named: no rule's, so that of the control traffic.
        held = {one.name for one in policies}
        yield from (_controlled(drawn, one) for one in Direction if _named(one) not in held)


def _turned(policies: tuple[FirewallPolicy, ...], doubted: PolicyRule) -> Iterator[tuple[FirewallPolicy, ...]]:
    for outcome in _outcomes(doubted):
        yield tuple(
            replace(one, rules=tuple(outcome if each is doubted else each for each in one.rules)) for one in policies
        )


def _doubted(policies: Iterable[FirewallPolicy], word: str) -> PolicyRule | None:
    """The doubtful rule that the probe names, else the first: it does not name one that perhaps hands a packet on."""
    named = NAMED.search(word)
    spots = [
        (one.name, rule)
        for one in policies
        for rule in one.rules
        if not rule.disabled and (rule.unclear or rule.verb == Verb.OTHER)
    ]
    said = [rule for name, rule in spots if named and (name, str(rule.priority)) == named.groups()]
    return next(iter([*said, *(rule for _, rule in spots)]), None)


def _outcomes(rule: PolicyRule) -> Iterator[PolicyRule]:
    for verb in (Verb.ALLOW, Verb.DENY) if rule.verb == Verb.OTHER else (rule.verb,):
        yield replace(rule, unclear=(), verb=verb)
    if rule.unclear:
        yield replace(rule, disabled=True, unclear=())


def _controlled(drawn: Drawn, direction: Direction) -> Iterator[Drawn]:
    """With a connector's control traffic open in one direction, and shut: where a rule names half of it, who knows?"""
    ends = (CONTROL_RANGE, ()) if direction == Direction.INGRESS else ((), CONTROL_RANGE)
    for verb in (Verb.ALLOW, Verb.DENY):
        rule = PolicyRule(0, direction, verb, (Traffic("tcp", ("667",)),), *ends)
        first = FirewallPolicy(_named(direction), Layer.HIERARCHY, (rule,))
        yield replace(drawn, ground=replace(drawn.ground, policies=(first, *drawn.ground.policies)))


def _named(direction: Direction) -> str:
    return f"control-{direction.value}"
