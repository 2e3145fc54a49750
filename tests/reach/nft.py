"""VPC firewall rules as nftables, for one sender and one receiver. Source: Google's page on VPC firewall rules.

Rules stand in the order of their priority, at equal priority denies first; what no rule matches is accepted outwards
and dropped inwards. Tags and accounts are resolved here: nftables knows none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network

from tests.reach.networks import ACCOUNT, TAGS, Drawn
from wayout.egress.model import Action, Direction, FirewallRule, Traffic

NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "esp": 50, "sctp": 132}
NAMES = {str(number): name for name, number in NUMBERS.items()}
ANY = "0.0.0.0/0"
SENT = "meta l4proto { tcp, udp, icmp }"


@dataclass(frozen=True)
class Machine:
    """What a rule can know a machine by. `source_tags` are those that it has as the source of a packet."""

    tags: frozenset[str] = frozenset()
    account: str = ""
    source_tags: frozenset[str] = frozenset()


def sender(drawn: Drawn) -> Machine:
    """A connector's machine has its two tags and no account of the customer's; an interface's tags and account count
    for rules that aim at it, and never as a source (facts.md, sections 1b and 6)."""
    if drawn.way and drawn.way.interface:
        return Machine(frozenset(drawn.way.interface.tags), ACCOUNT)
    return Machine(frozenset(TAGS[:2]), source_tags=frozenset(TAGS[:2]))


def rulesets(drawn: Drawn) -> tuple[str, str]:
    """What the sender's namespace and the receiver's load: EGRESS rules for the one, INGRESS rules for the other."""
    rules, near = drawn.ground.rules, sender(drawn)
    far = Machine(drawn.receiver.tags or frozenset(), drawn.receiver.account or "")
    outwards = ["type filter hook output priority 0", "policy accept", *_ordered(rules, Direction.EGRESS, near, near)]
    inwards = ["type filter hook prerouting priority -150", "policy accept"]
    inwards += [*_ordered(rules, Direction.INGRESS, far, near), f"{SENT} drop"]
    heard = ["type nat hook prerouting priority -100", *(f"meta l4proto {one} redirect to :7000" for one in (6, 17))]
    return _table([("out", outwards)]), _table([("in", inwards), ("heard", [*heard, "meta l4proto icmp redirect"])])


def _table(chains: list[tuple[str, list[str]]]) -> str:
    body = "\n".join(
        f"  chain {name} {{\n" + "".join(f"    {_ended(line)}\n" for line in lines) + "  }" for name, lines in chains
    )
    return f"flush ruleset\ntable ip wayout {{\n{body}\n}}\n"


def _ended(line: str) -> str:
    return f"{line};" if line.startswith(("type", "policy")) else line


def _ordered(rules: Iterable[FirewallRule], direction: Direction, target: Machine, source: Machine) -> list[str]:
    mine = [rule for rule in rules if rule.direction == direction and not rule.disabled and _aims(rule, target)]
    ordered = sorted(mine, key=lambda rule: (rule.priority, rule.action != Action.DENY))
    return [line for rule in ordered for line in _lines(rule, source)]


def _aims(rule: FirewallRule, machine: Machine) -> bool:
    if rule.target_accounts:
        return machine.account in rule.target_accounts
    return not rule.target_tags or bool(machine.tags & set(rule.target_tags))


def _lines(rule: FirewallRule, source: Machine) -> Iterator[str]:
    sources = _sources(rule, source)
    if sources is None:
        return
    ends = _places("saddr", sources), _places("daddr", rule.destinations)
    verdict = "accept" if rule.action == Action.ALLOW else "drop"
    for what in _kinds(rule.traffic):
        yield " ".join(filter(None, (*ends, what, verdict)))


def _sources(rule: FirewallRule, source: Machine) -> tuple[str, ...] | None:
    """The ranges that a packet may come from; none: any; None: it is not from this sender."""
    if source.source_tags & set(rule.source_tags):
        return ()
    if rule.sources or not (rule.source_tags or rule.source_accounts):
        return rule.sources
    return None


def _places(word: str, ranges: tuple[str, ...]) -> str:
    if not ranges or ANY in ranges:
        return ""
    wide = [text for text in ranges if not any(_inside(text, other) for other in ranges if other != text)]
    return f"ip {word} {{ {', '.join(wide)} }}"


def _inside(text: str, other: str) -> bool:
    return IPv4Network(text).subnet_of(IPv4Network(other))


def _kinds(traffic: Iterable[Traffic]) -> Iterator[str]:
    for one in traffic:
        protocol = NAMES.get(one.protocol, one.protocol)
        if protocol == "all":
            yield SENT
        elif one.ports:
            yield from (f"{protocol} dport {port}" for port in one.ports)
        else:
            yield f"meta l4proto {NUMBERS[protocol]}"
