"""The rules of one network, sorted once for all who are asked about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from wayout.egress.model import Direction, FirewallPolicy, FirewallRule, PolicyRule
from wayout.egress.reach.spans import spans


class Book:
    """VPC firewall rules by direction and target tag, and every stretch of addresses that a rule or policy names."""

    def __init__(self, rules: Sequence[FirewallRule], policies: Sequence[FirewallPolicy]) -> None:
        self._rules = rules
        self._policies = policies
        self._found: dict[tuple[Direction, str], list[int]] = {}  # by direction and tag; without a tag for all machines
        for number, rule in enumerate(rules):
            for tag in () if rule.disabled else rule.target_tags or ("",):
                self._found.setdefault((rule.direction, tag), []).append(number)

    def rules(self, direction: Direction, tags: frozenset[str] | None) -> Iterator[FirewallRule]:
        """The rules of one direction that may be for machines with these tags (None: with any), in their order."""
        named = (tag for one, tag in self._found if one == direction) if tags is None else ("", *tags)
        numbers = {number for tag in named for number in self._found.get((direction, tag), ())}
        return (self._rules[number] for number in sorted(numbers))

    @cached_property
    def bounds(self) -> list[int]:
        """The first addresses of what lies in such a stretch, and of what lies behind it, in order."""
        return sorted({bound for first, last in self.edges for bound in (first, last + 1)})

    @cached_property
    def edges(self) -> list[tuple[int, int]]:
        """First and last address of every stretch that some rule tells apart."""
        named = {texts for rule in every(self._rules, self._policies) for texts in (rule.sources, rule.destinations)}
        return sorted({edge for texts in named for edge in spans(texts).edges})


def every(rules: Iterable[FirewallRule], policies: Iterable[FirewallPolicy]) -> list[FirewallRule | PolicyRule]:
    """The VPC firewall rules, and those of the policies."""
    return [*rules, *(rule for policy in policies for rule in policy.rules)]
