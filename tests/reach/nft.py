"""VPC firewall rules as nftables, for one sender and one receiver. Source: Google's page on VPC firewall rules.

Rules stand in the order of their priority, at equal priority denies first; what no rule matches is accepted outwards
and dropped inwards. Tags and accounts are resolved here: nftables knows none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from wayout.egress.model import Action, Direction, FirewallRule, Traffic

NUMBERS = {"6": "tcp", "17": "udp", "1": "icmp"}
ANY = "0.0.0.0/0"


def ruleset(rules: Iterable[FirewallRule], direction: Direction, sender_tags: frozenset[str]) -> str:
    """A ruleset for the sender's (EGRESS) or the receiver's (INGRESS) namespace; the receiver has no tags."""
    mine = [rule for rule in rules if rule.direction == direction and not rule.disabled]
    ordered = sorted(mine, key=lambda rule: (rule.priority, rule.action != Action.DENY))
    lines = [line for rule in ordered for line in _lines(rule, sender_tags)]
    if direction == Direction.EGRESS:
        chain = ["type filter hook output priority 0", "policy accept", *lines]
        return _table([("out", chain)])
    kept = [*lines, "meta l4proto { tcp, udp, icmp } drop"]
    heard = [
        "type nat hook prerouting priority -100",
        "meta l4proto tcp redirect to :7000",
        "meta l4proto udp redirect to :7000",
        "meta l4proto icmp redirect",
    ]
    return _table([("in", ["type filter hook prerouting priority -150", "policy accept", *kept]), ("heard", heard)])


def _table(chains: list[tuple[str, list[str]]]) -> str:
    body = "\n".join(
        f"  chain {name} {{\n" + "".join(f"    {_ended(line)}\n" for line in lines) + "  }" for name, lines in chains
    )
    return f"flush ruleset\ntable ip wayout {{\n{body}\n}}\n"


def _ended(line: str) -> str:
    return f"{line};" if line.startswith(("type", "policy")) else line


def _lines(rule: FirewallRule, sender_tags: frozenset[str]) -> Iterator[str]:
    if rule.target_accounts:
        return  # neither machine runs as an account that a rule could name
    target = sender_tags if rule.direction == Direction.EGRESS else frozenset()
    if rule.target_tags and not target & set(rule.target_tags):
        return
    sources = _sources(rule, sender_tags)
    if sources is None:
        return
    to = _places("daddr", rule.destinations)
    verdict = "accept" if rule.action == Action.ALLOW else "drop"
    for what in _kinds(rule.traffic):
        yield " ".join(filter(None, (_places("saddr", sources), to, what, verdict)))


def _sources(rule: FirewallRule, sender_tags: frozenset[str]) -> tuple[str, ...] | None:
    """The ranges that a packet may come from; none: any; None: it is not from this sender."""
    if rule.direction == Direction.INGRESS and sender_tags & set(rule.source_tags):
        return ()
    if rule.sources or not rule.source_tags:
        return rule.sources
    return None


def _places(word: str, ranges: tuple[str, ...]) -> str:
    if not ranges or ANY in ranges:
        return ""
    wide = [text for text in ranges if not any(_inside(text, other) for other in ranges if other != text)]
    return f"ip {word} {{ {', '.join(wide)} }}"


def _inside(text: str, other: str) -> bool:
    from ipaddress import ip_network

    return ip_network(text).subnet_of(ip_network(other))  # type: ignore[arg-type]


def _kinds(traffic: Iterable[Traffic]) -> Iterator[str]:
    for one in traffic:
        protocol = NUMBERS.get(one.protocol, one.protocol)
        if protocol == "all":
            yield "meta l4proto { tcp, udp, icmp }"
        elif one.ports:
            yield from (f"{protocol} dport {port}" for port in one.ports)
        else:
            yield f"meta l4proto {protocol}"
