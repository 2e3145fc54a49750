"""`wayout explain`: what it says of a destination of which nobody has said what stands there, and what it takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import click
import pytest

from tests.egress.world import World
from tests.egress.worlds import NETWORK, PROJECT, REGION, greenfield, job_name, policy, run
from wayout.cli.explain import _meant, document
from wayout.egress.model import (
    Action,
    Direction,
    FirewallPolicy,
    FirewallRule,
    Layer,
    PolicyRule,
    RuleName,
    Subnet,
    SubnetName,
    Traffic,
    Verb,
)
from wayout.egress.reach import Packet, Receiver
from wayout.explain import UNNAMED, Explained, explain

DATABASE = Packet("10.20.0.5", "tcp", 5432)
ANOTHER = {"destinations": [{"to": "10.20.0.0/24", "ports": ["tcp:5432"]}], "google_apis": "none"}


def into(action: Action, name: str, priority: int = 1000, **more: Any) -> FirewallRule:
    """A rule inwards for everybody's packets to the database."""
    traffic = (Traffic("tcp", ("5432",)),)
    told = {"sources": ("10.0.0.0/8",), **more}
    return FirewallRule(RuleName(PROJECT, name), NETWORK, Direction.INGRESS, action, priority, traffic, **told)


LET_DB = into(Action.ALLOW, "let-db", target_tags=("db",))
LET_ACCOUNT = into(Action.ALLOW, "let-account", target_accounts=("db@shop",))
LET_ALL = into(Action.ALLOW, "let-all")
SHUT_DB = into(Action.DENY, "shut-db", 900, target_tags=("db",))


def world(*rules: FirewallRule) -> World:
    """A site without ingress rules of its own, and a database."""
    made = greenfield(policy(ANOTHER)).add(Subnet(SubnetName(PROJECT, REGION, "data"), NETWORK, "10.20.0.0/24"))
    run(made)
    for name in [name for name in made.rules if "-in-" in name.rule or "deny-in" in name.rule]:
        del made.rules[name]
    for name in [name for name in made.rules if name.rule.startswith("aet-") and name.rule.endswith("fw")]:
        made.rules.pop(name) if name.rule.endswith(("sbntfw", "tagfw")) else None
    return made.add(*rules)


@pytest.mark.parametrize(
    ("rules", "receiver", "answer", "said"),
    [
        ((), UNNAMED, "not reachable", "no rule lets it in"),
        ((LET_ALL,), UNNAMED, "reachable", ""),
        ((LET_DB,), UNNAMED, "unknown", "let-db at 1000 (10.0.0.0/8), which is for machines with the tag db alone"),
        ((LET_DB,), Receiver(frozenset({"db"}), None), "reachable", ""),
        ((LET_DB,), Receiver(frozenset({"web"}), None), "not reachable", "no rule lets it in"),
        ((LET_DB,), Receiver(None, "db@shop"), "unknown", "the tag db alone"),
        ((LET_ALL, SHUT_DB), UNNAMED, "unknown", "shut-db at 900 (10.0.0.0/8), which is for machines with the tag db"),
        ((LET_ALL, SHUT_DB), Receiver(frozenset({"db"}), None), "not reachable", "denied by shut-db"),
        ((LET_ALL, SHUT_DB), Receiver(frozenset({"web"}), None), "reachable", ""),
        ((LET_ALL, LET_DB), UNNAMED, "reachable", ""),
        ((LET_ACCOUNT,), UNNAMED, "unknown", "machines of the service account db@shop alone"),
        ((LET_ACCOUNT,), Receiver(None, "db@shop"), "reachable", ""),
        ((LET_ACCOUNT,), Receiver(None, "web@shop"), "not reachable", "no rule lets it in"),
        ((LET_ACCOUNT,), Receiver(frozenset({"db"}), None), "unknown", "db@shop"),
    ],
)
def test_a_rule_for_some_machines_decides_only_where_it_is_said_what_stands_there(
    rules: tuple[FirewallRule, ...], receiver: Receiver, answer: str, said: str
) -> None:
    found = explain(job_name(), DATABASE, world(*rules), receiver).now
    assert (found.answer, said in found.decider.said) == (answer, True), found.decider


@pytest.mark.parametrize(
    ("region", "sees", "answer"),
    [(REGION, True, "not reachable"), ("us-central1", True, "not reachable"), ("us-central1", False, "reachable")],
)
def test_regional_policies_are_those_of_the_region_where_the_packet_goes(region: str, sees: bool, answer: str) -> None:
    made = world(LET_ALL)
    del made.subnets[SubnetName(PROJECT, REGION, "data")]
    made.add(Subnet(SubnetName(PROJECT, region, "data"), NETWORK, "10.20.0.0/24"))
    made.networks[NETWORK] = replace(made.networks[NETWORK], policies_first=True)
    rule = PolicyRule(7, Direction.INGRESS, Verb.DENY, (Traffic("all"),))
    made.regional_policies = {region if sees else "asia-east1": (FirewallPolicy("its-own", Layer.REGIONAL, (rule,)),)}
    assert explain(job_name(), DATABASE, made).now.answer == answer


def test_what_only_the_way_to_come_needs_is_looked_at_too() -> None:
    made = greenfield(policy(ANOTHER)).add(Subnet(SubnetName(PROJECT, "us-central1", "data"), NETWORK, "10.20.0.0/24"))
    found = explain(job_name(), DATABASE, made)
    assert (found.now.answer, found.then.answer if found.then else "") == ("not reachable", "reachable")


def test_what_was_said_of_the_receiver_is_in_the_document() -> None:
    def told(receiver: Receiver) -> Any:
        found: Explained = explain(job_name(), DATABASE, world(LET_DB), receiver)
        return json.loads(json.dumps(document(found)))["receiver"]

    assert told(UNNAMED) == {"tags": None, "account": None}
    assert told(Receiver(frozenset({"db", "a"}), "")) == {"tags": ["a", "db"], "account": ""}


@pytest.mark.parametrize(
    ("to", "protocol", "meant", "reason"),
    [
        ("10.20.0.5:5432", "tcp", (["10.20.0.5"], 5432), "an address and a port"),
        ("[fd00::12]:443", "tcp", (["fd00::12"], 443), "an IPv6 address stands in brackets before a port"),
        ("10.20.0.5", "icmp", (["10.20.0.5"], 0), "icmp has no ports"),
        ("10.20.0.5:7", "icmp", (["10.20.0.5"], 0), "one that is given all the same means nothing"),
        ("fd00::12", "icmp", (["fd00::12"], 0), "its last part is no port"),
        ("[fd00::12]", "icmp", (["fd00::12"], 0), "brackets do no harm"),
        ("localhost:80", "tcp", (["127.0.0.1"], 80), "a name that is resolved here"),
    ],
)
def test_a_destination_is_read_as_it_is_meant(to: str, protocol: str, meant: Any, reason: str) -> None:
    assert _meant(to, protocol) == meant, reason


@pytest.mark.parametrize(
    ("to", "protocol", "said", "reason"),
    [
        ("10.20.0.5", "tcp", "HOST:PORT", "no port"),
        ("example.com:0", "tcp", "HOST:PORT", "no such port"),
        ("example.com:٤٤٣", "tcp", "HOST:PORT", "digits of another script"),
        ("fd00::12", "tcp", "[2001:db8::1]:443", "whether 12 is a port cannot be told"),
        ("..:443", "tcp", "no name", "an empty part"),
        ("a" * 64 + ".com:443", "tcp", "no name", "a part that is too long"),
        ("010.0.0.1:443", "tcp", "no address", "a resolver would read it as octal"),
        ("10.1:443", "tcp", "no address", "a resolver would fill it up"),
        ("0x7f000001:443", "tcp", "no address", "a resolver would read it as hexadecimal"),
        ("10.0.0.256", "icmp", "no address", "no such number"),
        ("fd00::12::1", "icmp", "no name", "two gaps"),
    ],
)
def test_what_nobody_can_mean_is_refused_with_what_to_write(to: str, protocol: str, said: str, reason: str) -> None:
    with pytest.raises(click.UsageError) as refused:
        _meant(to, protocol)
    assert said in refused.value.message, reason
