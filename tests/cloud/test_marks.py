"""Marks: a change that is planned again is known by what it does, and by nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayout.egress.marks import mark, sides
from wayout.egress.model import (
    Action,
    Attach,
    Change,
    ConnectorName,
    Create,
    Direction,
    Egress,
    FirewallRule,
    JobName,
    NetworkName,
    Remove,
    RuleName,
    Subnet,
    SubnetName,
    Traffic,
    Update,
    Way,
)

NETWORK = NetworkName("net", "main")
RULE = FirewallRule(
    RuleName("net", "deny"), NETWORK, Direction.EGRESS, Action.DENY, 900, (Traffic("all"),), destinations=("0.0.0.0/0",)
)
SUBNET = Subnet(SubnetName("net", "europe-west2", "s"), NETWORK, "10.8.0.0/28", fingerprint="abc")
JOB = JobName("shop", "europe-west2", "nightly")
WAY = Way(Egress.ALL, ConnectorName("net", "europe-west2", "wayout-0a1b2c3d"))

SAME: list[tuple[str, Change, Change]] = [
    ("the reason does not count", Create(RULE, "missing"), Create(RULE, "gone again")),
    ("what was there before does not count", Update(RULE, RULE, ""), Update(RULE, replace(RULE, priority=7), "")),
    ("made or brought back to it", Create(RULE, ""), Update(RULE, replace(RULE, disabled=True), "")),
    ("the etag of a job does not count", Attach(JOB, "e1", WAY, None, ""), Attach(JOB, "e2", WAY, WAY, "")),
    ("nor does a fingerprint", Update(SUBNET, SUBNET, ""), Update(replace(SUBNET, fingerprint="xyz"), SUBNET, "")),
    ("what is removed is known by what it was", Remove(RULE, "idle"), Remove(RULE, "left over")),
]
DIFFERENT: list[tuple[str, Change, Change]] = [
    ("another priority", Create(RULE, ""), Create(replace(RULE, priority=901), "")),
    ("another name", Create(RULE, ""), Create(replace(RULE, name=RuleName("net", "allow")), "")),
    ("disabled and enabled again", Update(RULE, RULE, ""), Update(replace(RULE, disabled=True), RULE, "")),
    ("another way", Attach(JOB, "e1", WAY, None, ""), Attach(JOB, "e1", Way(Egress.PRIVATE, WAY.connector), None, "")),
]


@pytest.mark.parametrize(("reason", "one", "other"), SAME, ids=[row[0] for row in SAME])
def test_the_same_doing_has_the_same_mark(reason: str, one: Change, other: Change) -> None:
    assert mark(one) == mark(other), reason


@pytest.mark.parametrize(("reason", "one", "other"), DIFFERENT, ids=[row[0] for row in DIFFERENT])
def test_another_doing_has_another_mark(reason: str, one: Change, other: Change) -> None:
    assert mark(one) != mark(other), reason


def test_a_mark_is_the_same_in_every_process() -> None:
    assert mark(Create(SUBNET, "")) == "4a2b59ea"


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 65535), st.lists(st.sampled_from(["tcp", "udp", "icmp"]), max_size=3), st.text(max_size=20))
def test_a_mark_is_eight_digits_and_what_it_stands_for_is_plain_json(
    priority: int, protocols: list[str], description: str
) -> None:
    rule = replace(RULE, priority=priority, traffic=tuple(Traffic(one) for one in protocols), description=description)

    assert len(mark(Create(rule, ""))) == 8
    assert int(mark(Create(rule, "")), 16) >= 0
    before, after = sides(Update(rule, RULE, ""))
    assert json.loads(json.dumps([before, after])) == [before, after]
    assert (mark(Create(rule, "")) == mark(Create(RULE, ""))) == (rule == RULE)
