"""Random VPC firewall rules and firewall policies, for networks that are drawn."""

from __future__ import annotations

from random import Random
from typing import TypeVar

from wayout.egress.model import (
    Action,
    Direction,
    FirewallPolicy,
    FirewallRule,
    Layer,
    NetworkName,
    PolicyRule,
    RuleName,
    Traffic,
    Verb,
)

PROJECT, REGION = "my-project", "europe-west2"
NETWORK = NetworkName(PROJECT, "net")
ACCOUNT, OTHER = (f"{who}@{PROJECT}.iam.gserviceaccount.com" for who in ("app", "db"))
TAGS = ("vpc-connector", f"vpc-connector-{REGION}-out", "web", "other")
RANGES = (
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.8.0.0/28",
    "10.8.0.0/29",
    "10.20.0.0/24",
    "10.20.0.128/25",
    "10.30.0.0/16",
    "10.40.0.0/21",
    "10.50.0.0/24",
    "35.199.224.0/19",
    "35.199.224.0/20",
    "199.36.153.8/30",
    "8.8.8.0/24",
    "93.184.0.0/16",
    "192.168.0.0/16",
)
SENDERS = ("10.8.0.0/29", "10.8.0.0/28", "10.8.0.0/26")
PORTS = ("22", "443", "1-442", "444-65535", "667", "665-666", "5432")
WITH_PORTS = ("tcp", "udp", "6", "17")
# No rule is drawn at 65535: Google does not say who wins there, it or the implied one.
PRIORITIES = (0, 1, 100, 300, 900, 1000, 1000, 65534)

T = TypeVar("T")


class Dice:
    """Draws one thing after another from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - worlds, not secrets

    def one(self, *of: T) -> T:
        return self._random.choice(of)

    def some(self, of: tuple[T, ...], most: int, least: int = 0) -> tuple[T, ...]:
        return tuple(self._random.sample(of, self._random.randint(least, min(most, len(of)))))

    def chance(self, percent: int) -> bool:
        return self._random.randrange(100) < percent

    def count(self, low: int, high: int) -> int:
        return self._random.randint(low, high)


def rules(dice: Dice, network: NetworkName = NETWORK, *, plain: bool = False) -> tuple[FirewallRule, ...]:
    """Rules of both directions. `plain`: none of them strong enough to cut what keeps a connector alive."""
    priorities = tuple(one for one in PRIORITIES if one or not plain)
    drawn = [_rule(number, dice, network, priorities) for number in range(dice.count(0, dice.one(3, 11, 11)))]
    return (*drawn, *([_open(dice, network)] if dice.chance(50) else []))


def _open(dice: Dice, network: NetworkName) -> FirewallRule:
    """Weak, and wide: without it nearly everything inside ends at the implied deny, and other rules decide little."""
    name, source = RuleName(network.project, f"{network.network}-open"), dice.one("0.0.0.0/0", *SENDERS)
    everything = (Traffic("all"),)
    return FirewallRule(name, network, Direction.INGRESS, Action.ALLOW, 65534, everything, sources=(source,))


def _rule(number: int, dice: Dice, network: NetworkName, priorities: tuple[int, ...]) -> FirewallRule:
    direction = dice.one(*Direction)
    into = direction == Direction.INGRESS
    accounts = dice.some((ACCOUNT, OTHER), 2, 1) if dice.chance(12) else ()
    tags = dice.some(dice.one(TAGS[:2], TAGS[2:], TAGS), 2, 1) if into and not accounts and dice.chance(50) else ()
    senders = (dice.one(ACCOUNT, OTHER),) if into and not tags and dice.chance(10) else ()
    places = SENDERS if dice.chance(25) else RANGES
    sources = dice.some(places, 2) if dice.chance((40 if tags else 100) if into else 15) else ()
    if into and not (sources or tags or senders):
        sources = ("0.0.0.0/0",)  # what the API fills in
    return FirewallRule(
        RuleName(network.project, f"{network.network}-{number}"),
        network,
        direction,
        dice.one(*Action),
        dice.one(*priorities),
        tuple(_traffic(dice) for _ in range(dice.one(1, 1, 2))),
        sources=sources,
        destinations=dice.some(RANGES, 2) if not into or dice.chance(30) else (),
        source_tags=tags,
        source_accounts=senders,
        target_tags=dice.some(TAGS, 2) if not (accounts or senders) and dice.chance(50) else (),
        target_accounts=accounts,
        disabled=dice.chance(10),
    )


def _traffic(dice: Dice) -> Traffic:
    one = dice.one("tcp", "tcp", "tcp", "udp", "icmp", "all", "6", "17", "1", "esp", "50", "sctp")
    return Traffic(one, dice.some(PORTS, 2) if one in WITH_PORTS and dice.chance(70) else ())


def alive(priority: int = 0) -> tuple[FirewallRule, ...]:
    """What keeps a connector alive, as Google's own rules at 100 do (facts.md 1a), but stronger."""
    tag, far = (TAGS[1],), ("35.199.224.0/19",)
    control = (Traffic("tcp", ("667",)), Traffic("udp", ("665-666",)), Traffic("icmp"))
    into, out, allow = Direction.INGRESS, Direction.EGRESS, Action.ALLOW
    names = RuleName(PROJECT, "alive-in"), RuleName(PROJECT, "alive-out")
    return (
        FirewallRule(names[0], NETWORK, into, allow, priority, control, sources=far, target_tags=tag),
        FirewallRule(names[1], NETWORK, out, allow, priority, control, destinations=far, target_tags=tag),
    )


def policies(dice: Dice) -> tuple[FirewallPolicy, ...]:
    """One or two policies, asked in their order."""
    layers = sorted(
        (dice.one(Layer.HIERARCHY, Layer.NETWORK, Layer.REGIONAL) for _ in range(dice.count(1, 2))), key=str
    )
    return tuple(_policy(number, layer, dice) for number, layer in enumerate(layers))


def _policy(number: int, layer: Layer, dice: Dice) -> FirewallPolicy:
    found = tuple(_policy_rule(10 * (index + 1), dice) for index in range(dice.count(1, 4)))
    return FirewallPolicy(f"policy-{number}", layer, found, priority=number)


def _policy_rule(priority: int, dice: Dice) -> PolicyRule:
    direction = dice.one(*Direction)
    out = direction == Direction.EGRESS
    doubt, ranges = _doubt(dice, "dest" if out else "src")
    others = dice.some(RANGES, 1) if dice.chance(15) else ()
    return PolicyRule(
        priority,
        direction,
        dice.one(Verb.ALLOW, Verb.DENY, Verb.NEXT) if dice.chance(95) else Verb.OTHER,
        (_traffic(dice),),
        sources=others if out else ranges,
        destinations=ranges if out else others,
        target_accounts=(dice.one(ACCOUNT, OTHER),) if dice.chance(15) else (),
        disabled=dice.chance(10),
        unclear=doubt,
    )


def _doubt(dice: Dice, side: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names stand for addresses, so that any may match; a context narrows the ranges that are given."""
    kind = dice.one("clear", "clear", "clear", "clear", "names", "context")
    ranges = RANGES[:1] if dice.chance(30) else dice.some(RANGES, 2, 1)
    if kind == "names":
        return (f"{side}{'Fqdns' if side == 'dest' else 'AddressGroups'}",), ()
    return ((f"{side}NetworkContext",) if kind == "context" else ()), ranges
