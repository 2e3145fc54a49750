"""What holds for every network: the fast judge says what the slow one does, and rules do what their action says."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.egress import test_reach as rows
from wayout.egress.model import Action, Coverage, Direction, FirewallPolicy, FirewallRule, Layer, PolicyRule, Verb, Way
from wayout.egress.reach import Answer, Ground, Judge, Packet, judge

YES, NO = Answer.YES, Answer.NO

WAYS = (None, rows.ALL, rows.PRIVATE, rows.DIRECT, rows.DIRECT_PRIVATE)
ACCOUNTS = ("", rows.ACCOUNT)
ADDRESSES = (
    "10.1.0.5",
    "10.1.0.1",
    "10.8.0.9",
    "10.70.0.9",
    "10.50.0.9",
    "8.9.10.11",
    "74.125.1.1",
    "199.36.153.9",
    "35.199.224.9",
    "169.254.169.254",
    "198.18.0.1",
    "2001:db8::1",
)
RANGES = (
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.1.0.0/24",
    "10.8.0.0/28",
    "10.8.0.8/29",
    "10.9.0.0/26",
    "35.199.224.0/20",
    "::/0",
)
KINDS = ("all", "tcp", "tcp:443", "tcp:400-500,667", "udp", "6", "icmp")
TAGS = (rows.TAG, "vpc-connector", "batch", "db")
STRANGER = "nobody-carries-this"

packets = st.builds(
    Packet,
    st.sampled_from(ADDRESSES),
    st.sampled_from(("tcp", "udp", "icmp", "esp")),
    st.sampled_from((25, 80, 443, 667)),
)
some_ranges = st.lists(st.sampled_from(RANGES), max_size=2, unique=True).map(tuple)
some_tags = st.lists(st.sampled_from(TAGS), max_size=1).map(tuple)
kinds = st.sampled_from(KINDS).map(rows.traffic)
priorities = st.sampled_from((0, 99, 100, 500, 900, 1000, 65535))


@st.composite
def vpc_rules(draw: st.DrawFn, action: Action | None = None) -> FirewallRule:
    """A VPC firewall rule as Google lets one be written: an egress rule has no source tags."""
    direction = draw(st.sampled_from(Direction))
    found = rows.rule(
        action or draw(st.sampled_from(Action)), direction, draw(priorities), name=f"r{draw(st.integers(0, 10**6))}"
    )
    return replace(
        found,
        traffic=draw(kinds),
        sources=draw(some_ranges),
        destinations=draw(some_ranges),
        target_tags=draw(some_tags),
        source_tags=draw(some_tags) if direction == Direction.INGRESS else (),
        disabled=draw(st.sampled_from((False, False, False, True))),
    )


policy_rules = st.builds(
    PolicyRule,
    priority=st.integers(1, 9),
    direction=st.sampled_from(Direction),
    verb=st.sampled_from(Verb),
    traffic=kinds,
    sources=some_ranges,
    destinations=some_ranges,
    target_accounts=st.sampled_from(((), (rows.ACCOUNT,), ("123-compute@developer.gserviceaccount.com",))),
    unclear=st.sampled_from(((), (), ("destination FQDNs",))),
)
policies = st.builds(
    FirewallPolicy,
    name=st.just("policy"),
    layer=st.sampled_from(Layer),
    rules=st.lists(policy_rules, max_size=3, unique_by=lambda one: one.priority).map(tuple),
)
PARTS: tuple[object, ...] = (
    rows.COVERED,
    rows.LISTED,
    rows.GOOGLE,
    rows.FIRST,
    rows.BARE_ONE,
    rows.NO_ROUTES,
    rows.UNREAD,
    rows.PEER,
    rows.PEERED,
    rows.seen(rows.allow_in(1000, sources=("10.8.0.8/29",))),
    rows.nat(coverage=Coverage.ALL_PRIMARY, public=False),
    rows.elsewhere("10.50.0.0/16"),
    rows.away(1000),
    rows.away(10, "batch"),
)


@st.composite
def grounds(draw: st.DrawFn, *, clear: bool = False) -> Ground:
    """A network with rules, policies, routes and NATs; `clear`: no policy."""
    base = rows.laid(*draw(st.lists(st.sampled_from(PARTS), max_size=5)))
    return replace(
        base,
        rules=(*base.rules, rows.LET_IN, *draw(st.lists(vpc_rules(), max_size=6))),
        policies=() if clear else tuple(draw(st.lists(policies, max_size=3))),
    )


ways = st.sampled_from(WAYS)


def answers(way: Way | None, ground: Ground, packet: Packet, account: str = rows.ACCOUNT) -> Answer:
    return judge(rows.JOB, way, account, packet, ground).answer


def with_rule(ground: Ground, rule: FirewallRule, place: int = 0) -> Ground:
    place %= len(ground.rules) + 1
    return replace(ground, rules=(*ground.rules[:place], rule, *ground.rules[place:]))


@settings(deadline=None, max_examples=250)
@given(ways, grounds(), st.lists(packets, min_size=1, max_size=6), st.sampled_from(ACCOUNTS))
def test_the_fast_judge_says_what_the_slow_one_does(
    way: Way | None, ground: Ground, many: list[Packet], account: str
) -> None:
    fast = Judge(rows.JOB, way, account, ground)
    for packet in many:
        verdict = judge(rows.JOB, way, account, packet, ground)
        assert fast.reaches(packet) == verdict.answer
        assert verdict.decider.answer == verdict.answer
        assert not [hop for hop in verdict.hops[:-1] if hop.answer == NO]


# UNKNOWN lies between NO and YES: a deny may lead down to it, an allow up, and neither the other way.
RANK = {Answer.NO: 0, Answer.UNKNOWN: 1, Answer.YES: 2}


@settings(deadline=None, max_examples=250)
@given(ways, grounds(), packets, vpc_rules(Action.DENY), st.integers(0, 9))
def test_a_deny_more_opens_nothing(
    way: Way | None, ground: Ground, packet: Packet, deny: FirewallRule, at: int
) -> None:
    assert RANK[answers(way, with_rule(ground, deny, at), packet)] <= RANK[answers(way, ground, packet)]


@settings(deadline=None, max_examples=250)
@given(ways, grounds(), packets, vpc_rules(Action.ALLOW), st.integers(0, 9))
def test_an_allow_more_closes_nothing(
    way: Way | None, ground: Ground, packet: Packet, allow: FirewallRule, at: int
) -> None:
    assert RANK[answers(way, with_rule(ground, allow, at), packet)] >= RANK[answers(way, ground, packet)]


@settings(deadline=None, max_examples=150)
@given(ways, grounds(), packets, vpc_rules())
def test_a_rule_for_other_machines_changes_nothing(
    way: Way | None, ground: Ground, packet: Packet, rule: FirewallRule
) -> None:
    foreign = replace(rule, target_tags=(STRANGER,), priority=0)
    assert answers(way, with_rule(ground, foreign), packet) == answers(way, ground, packet)


@settings(deadline=None, max_examples=150)
@given(ways, grounds(), packets, st.randoms(use_true_random=False))
def test_the_order_in_which_rules_are_listed_changes_nothing(
    way: Way | None, ground: Ground, packet: Packet, random: Random
) -> None:
    mixed = list(ground.rules)
    random.shuffle(mixed)
    assert answers(way, replace(ground, rules=tuple(mixed)), packet) == answers(way, ground, packet)


@settings(deadline=None, max_examples=150)
@given(ways, grounds(clear=True), packets)
def test_without_policies_their_place_changes_nothing(way: Way | None, ground: Ground, packet: Packet) -> None:
    first = replace(ground, network=replace(ground.network, policies_first=not ground.network.policies_first))
    assert answers(way, first, packet) == answers(way, ground, packet)


@settings(deadline=None, max_examples=150)
@given(ways, grounds(), packets, st.sampled_from(Verb))
def test_a_rule_that_may_match_never_turns_one_answer_into_the_other(
    way: Way | None, ground: Ground, packet: Packet, verb: Verb
) -> None:
    """It leaves the answer as it is, or open; and where it is sure to match it says one of those that were possible."""
    rules = tuple(PolicyRule(1, direction, verb, rows.traffic("all"), unclear=("FQDNs",)) for direction in Direction)
    doubted = replace(ground, policies=(FirewallPolicy("doubt", Layer.HIERARCHY, rules), *ground.policies))
    assert answers(way, doubted, packet) in (answers(way, ground, packet), Answer.UNKNOWN)
