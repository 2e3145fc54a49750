"""What firewall rules and policies make of a packet.

Order: hierarchical policies; then VPC firewall rules, global and regional network policies, or those policies before
the rules (`networkFirewallPolicyEnforcementOrder`); then what is implied: egress allowed, ingress denied. Within VPC
rules the lowest priority number wins, and at equal priority DENY (Google's pages on policies and rules).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from wayout.egress.model import Action, Direction, FirewallPolicy, FirewallRule, Layer, Network, PolicyRule, Verb
from wayout.egress.reach.book import Book
from wayout.egress.reach.packet import Answer
from wayout.egress.reach.spans import Kinds, Places, Spans, kinds, spans

DEFAULT_ACCOUNT = "-compute@developer.gserviceaccount.com"  # of a job that names none; its number is not known here


@dataclass(frozen=True, slots=True)
class End:
    """Where a packet comes from, as a firewall sees it: its address as a number, tags and account."""

    address: int
    tags: frozenset[str]
    account: str


@dataclass(frozen=True, slots=True)
class Target:
    """The machines whose firewall it is. None: nobody knows their tags, or their account. `unnamed`: they run as
    the project's default account, whose name is not known."""

    tags: frozenset[str] | None
    account: str | None
    unnamed: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """What a firewall does, and which rule (None: what is implied), policy or doubt decides. `sure`: that rule is
    certainly for these machines and this packet."""

    answer: Answer
    rule: FirewallRule | PolicyRule | None = None
    policy: FirewallPolicy | None = None
    sure: bool = True


@dataclass(slots=True)
class _Slot:
    """A rule made ready: its ranges, its traffic, and what it does."""

    rule: FirewallRule | PolicyRule
    policy: FirewallPolicy | None
    verb: Verb
    kinds: Kinds
    sources: Spans | None
    destinations: Spans | None
    source_tags: frozenset[str]
    source_accounts: frozenset[str]
    sourced: bool  # an ingress rule that names its sources
    certain: bool
    decision: Decision


class Firewall:
    """One direction of a network's firewall, for machines with these tags and this account.

    `senders`: whoever may send, one end for each part of their addresses that some rule tells apart. A rule that names
    none of them is left out: in a large network most rules speak of others.
    """

    def __init__(
        self,
        network: Network,
        book: Book,
        policies: Sequence[FirewallPolicy],
        direction: Direction,
        target: Target,
        senders: Sequence[End],
    ) -> None:
        self._senders = senders
        self._direction = direction
        self._target = target
        implied = Answer.YES if direction == Direction.EGRESS else Answer.NO
        self._implied = Decision(implied)
        blocks = [block for block in self._ordered(network, book, policies) if block]
        self._slots = [slot for block in blocks for slot in block]
        bits = (1 << number for number in range(len(self._slots)))
        self._blocks = [[(next(bits), slot) for slot in block] for block in blocks]
        # Which slots a kind and a sender hit, and what is decided where certain slots are hit: bit by bit.
        self._of_kind: dict[tuple[str, int], int] = {}
        self._of_source: dict[End, int] = {}
        self._decided: dict[int, Decision] = {}

    def _ordered(self, network: Network, book: Book, policies: Sequence[FirewallPolicy]) -> Iterable[list[_Slot]]:
        def of(*layers: Layer) -> list[list[_Slot]]:
            return [self._policy(policy) for layer in layers for policy in policies if policy.layer == layer]

        vpc = [self._rules(book.rules(self._direction, self._target.tags))]
        networks = of(Layer.NETWORK, Layer.REGIONAL)
        above = of(Layer.HIERARCHY, Layer.SYSTEM)
        return [*above, *networks, *vpc] if network.policies_first else [*above, *vpc, *networks]

    def _rules(self, rules: Iterable[FirewallRule]) -> list[_Slot]:
        fit = [(rule, sure) for rule in rules if (sure := self._targets(rule)) is not None]
        fit.sort(key=lambda pair: (pair[0].priority, pair[0].action != Action.DENY))
        slots = (self._slot(rule, None, Verb(rule.action.lower()), certain=sure) for rule, sure in fit)
        return [slot for slot in slots if self._hears(slot)]

    def _policy(self, policy: FirewallPolicy) -> list[_Slot]:
        fit = [(rule, sure and not rule.unclear) for rule in policy.rules if (sure := self._targets(rule)) is not None]
        fit.sort(key=lambda pair: pair[0].priority)
        slots = (self._slot(rule, policy, rule.verb, certain=sure) for rule, sure in fit)
        return [slot for slot in slots if self._hears(slot)]

    def _hears(self, slot: _Slot) -> bool:
        return not slot.sourced or any(_from(slot, one) for one in self._senders)

    def _targets(self, rule: FirewallRule | PolicyRule) -> bool | None:
        """Whether a rule is for these machines; None: never; False: perhaps."""
        if rule.disabled or rule.direction != self._direction:
            return None
        target, sure = self._target, True
        if isinstance(rule, FirewallRule) and rule.target_tags:
            if target.tags is None:
                sure = False
            elif not target.tags & set(rule.target_tags):
                return None
        if rule.target_accounts and target.account not in rule.target_accounts:
            maybe = target.unnamed and any(name.endswith(DEFAULT_ACCOUNT) for name in rule.target_accounts)
            return False if maybe or target.account is None else None
        return sure

    def _slot(
        self, rule: FirewallRule | PolicyRule, policy: FirewallPolicy | None, verb: Verb, *, certain: bool
    ) -> _Slot:
        tags = frozenset(rule.source_tags) if isinstance(rule, FirewallRule) else frozenset()
        accounts = frozenset(rule.source_accounts) if isinstance(rule, FirewallRule) else frozenset()
        answer = {Verb.ALLOW: Answer.YES, Verb.DENY: Answer.NO}.get(verb, Answer.UNKNOWN)
        return _Slot(
            rule,
            policy,
            verb,
            kinds(rule.traffic),
            spans(rule.sources) if rule.sources else None,
            spans(rule.destinations) if rule.destinations else None,
            tags,
            accounts,
            bool(rule.sources or tags or accounts),
            certain,
            Decision(answer, rule, policy, certain),
        )

    @cached_property
    def _places(self) -> Places:
        return Places([slot.destinations for slot in self._slots])

    def place(self, destination: int) -> int:
        """Everything of a destination that it looks at: of two with the same place it decides alike."""
        return self._places[destination]

    def kind(self, protocol: str, port: int) -> int:
        """Everything of a (canonical) protocol and port that it looks at."""
        key = protocol, port
        if key not in self._of_kind:
            self._of_kind[key] = _bits(slot.kinds.has(protocol, port) for slot in self._slots)
        return self._of_kind[key]

    def _source(self, source: End) -> int:
        if source not in self._of_source:
            self._of_source[source] = _bits(not slot.sourced or _from(slot, source) for slot in self._slots)
        return self._of_source[source]

    def decide(self, protocol: str, port: int, source: End, destination: int) -> Decision:
        """What becomes of a packet; UNKNOWN where rules that may or may not match would decide differently."""
        hits = self.kind(protocol, port) & self._places[destination] & self._source(source)
        if hits not in self._decided:
            self._decided[hits] = self._decide(hits)
        return self._decided[hits]

    def _decide(self, hits: int) -> Decision:
        found = self._possible(0, hits)
        if len({decision.answer for decision in found}) == 1:
            return next((one for one in found if one.sure), found[0])
        doubt = next((one for one in found if not one.sure), None)
        doubt = doubt or next((one for one in found if one.rule is not None), found[0])
        return Decision(Answer.UNKNOWN, doubt.rule, doubt.policy, sure=False)

    def _possible(self, block: int, hits: int) -> list[Decision]:
        """Every decision that is possible from one block on, the likeliest first."""
        if block >= len(self._blocks):
            return [self._implied]
        found: list[Decision] = []
        for bit, slot in self._blocks[block]:
            if not hits & bit:
                continue
            found += self._possible(block + 1, hits) if slot.verb == Verb.NEXT else [slot.decision]
            if slot.certain:
                return found
        return found + self._possible(block + 1, hits)


def _bits(hits: Iterable[bool]) -> int:
    return sum(1 << number for number, hit in enumerate(hits) if hit)


def _from(slot: _Slot, source: End) -> bool:
    """Whether a rule that names its sources names this one."""
    if slot.sources is not None and source.address in slot.sources:
        return True
    return bool(source.tags & slot.source_tags) or (bool(source.account) and source.account in slot.source_accounts)
