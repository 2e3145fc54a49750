"""Firewall policies: read in the order in which they are asked, and honest about what cannot be judged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cloud.local import NETWORK, PROJECT, REGION, Local, local
from wayout.cloud.compute_policies import policies as ordered
from wayout.egress.model import (
    Create,
    Direction,
    FirewallPolicy,
    Layer,
    Network,
    NetworkAt,
    PoliciesOf,
    PolicyRule,
    RegionPoliciesOf,
    Traffic,
    Verb,
)

COMPUTE = "https://www.googleapis.com/compute/v1"
EVERYTHING = [{"ipProtocol": "all"}]


@pytest.fixture(scope="module")
def shared() -> Iterator[Local]:
    with local() as one:
        one.apply(Create(Network(NETWORK), "test"))
        yield one


@pytest.fixture
def world(shared: Local) -> Local:
    shared.cloud.table("compute.effective_policies").clear()
    return shared


def rule(match: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """A rule that denies all EGRESS, unless it says otherwise."""
    said = {"priority": 1000, "direction": "EGRESS", "action": "deny"} | fields
    return said | {"match": {"layer4Configs": EVERYTHING} | (match or {})}


def lay(world: Local, *policies: dict[str, Any]) -> None:
    world.cloud.table("compute.effective_policies")[str(NETWORK)] = {"firewallPolicys": list(policies)}


def see(world: Local, *rules: dict[str, Any]) -> tuple[PolicyRule, ...]:
    lay(world, {"name": "1", "type": "NETWORK", "rules": list(rules)})
    (policy,) = world.see(PoliciesOf(NETWORK))
    assert isinstance(policy, FirewallPolicy)
    return policy.rules


def test_a_policy_is_seen_with_its_rules(world: Local) -> None:
    allow = rule(
        {
            "layer4Configs": [{"ipProtocol": "TCP", "ports": ["443", "8000-9000"]}, {"ipProtocol": "17"}],
            "srcIpRanges": ["10.8.0.0/28"],
            "destIpRanges": ["10.1.0.0/16", "192.0.2.7"],
        },
        action="allow",
        priority=10,
        targetServiceAccounts=["a@p.iam.gserviceaccount.com"],
        disabled=True,
    )
    lay(world, {"name": "77", "shortName": "baseline", "type": "NETWORK", "priority": 5, "rules": [rule(), allow]})

    (seen,) = world.see(PoliciesOf(NETWORK))

    assert seen == FirewallPolicy(
        "baseline",
        Layer.NETWORK,
        (
            PolicyRule(
                10,
                Direction.EGRESS,
                Verb.ALLOW,
                (Traffic("tcp", ("443", "8000-9000")), Traffic("17")),
                sources=("10.8.0.0/28",),
                destinations=("10.1.0.0/16", "192.0.2.7/32"),
                target_accounts=("a@p.iam.gserviceaccount.com",),
                disabled=True,
            ),
            PolicyRule(1000, Direction.EGRESS, Verb.DENY, (Traffic("all"),)),
        ),
        priority=5,
    )


NAMES = [
    ({"name": "1", "displayName": "shown", "shortName": "short"}, "short", "people gave it"),
    ({"name": "1", "displayName": "shown"}, "shown", "hierarchical ones had this before"),
    ({"name": "1"}, "1", "nothing else is there"),
]


@pytest.mark.parametrize(("said", "name", "reason"), NAMES, ids=[row[1] for row in NAMES])
def test_a_policy_has_the_name_that_people_know(world: Local, said: dict[str, str], name: str, reason: str) -> None:
    lay(world, said | {"type": "HIERARCHY"})

    assert [one.name for one in world.see(PoliciesOf(NETWORK))] == [name], reason


def test_hierarchical_policies_come_first_and_as_listed_then_the_networks_own_by_priority(world: Local) -> None:
    lay(
        world,
        {"name": "late", "type": "NETWORK", "priority": 20},
        {"name": "organisation", "type": "HIERARCHY"},
        {"name": "early", "type": "NETWORK", "priority": 10},
        {"name": "system", "type": "SYSTEM", "priority": 999},
        {"name": "folder", "type": "HIERARCHY"},
    )

    seen = world.see(PoliciesOf(NETWORK))

    assert [one.name for one in seen] == ["organisation", "folder", "system", "early", "late"]


VERBS = [
    ("allow", Verb.ALLOW, ""),
    ("deny", Verb.DENY, ""),
    ("goto_next", Verb.NEXT, ""),
    ("apply_security_profile_group", Verb.OTHER, "an inspection decides"),
    ("ponder", Verb.OTHER, "nobody knows it yet"),
]


@pytest.mark.parametrize(("action", "verb", "reason"), VERBS, ids=[row[0] for row in VERBS])
def test_an_action_that_nobody_can_foretell_is_said_so(world: Local, action: str, verb: Verb, reason: str) -> None:
    assert [one.verb for one in see(world, rule(action=action))] == [verb], reason


TAG = {"name": "tagValues/1", "state": "EFFECTIVE"}
GONE = {"name": "tagValues/2", "state": "INEFFECTIVE"}
UNCLEAR: list[tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]] = [
    ({"srcFqdns": ["a.example"]}, {}, ("source FQDNs",)),
    ({"destFqdns": ["a.example"]}, {}, ("destination FQDNs",)),
    ({"srcAddressGroups": ["g"]}, {}, ("source address groups",)),
    ({"destAddressGroups": ["g"]}, {}, ("destination address groups",)),
    ({"srcRegionCodes": ["GB"]}, {}, ("source regions",)),
    ({"destRegionCodes": ["GB"]}, {}, ("destination regions",)),
    ({"srcThreatIntelligences": ["iplist-tor-exit-nodes"]}, {}, ("source threat intelligence lists",)),
    ({"destThreatIntelligences": ["iplist-tor-exit-nodes"]}, {}, ("destination threat intelligence lists",)),
    ({"srcSecureTags": [TAG]}, {}, ("source secure tags",)),
    ({}, {"targetSecureTags": [TAG]}, ("target secure tags",)),
    ({"srcNetworkContext": "INTERNET"}, {}, ("source network scope",)),
    ({"destNetworkContext": "NON_INTERNET"}, {}, ("destination network scope",)),
    ({"srcNetworkType": "INTRA_VPC"}, {}, ("source network scope",)),
    ({"destNetworkType": "INTERNET", "destNetworkContext": "INTERNET"}, {}, ("destination network scope",)),
    ({"srcNetworks": [str(NETWORK)]}, {}, ("source networks",)),
    ({"destNetworkContext": "UNSPECIFIED"}, {}, ()),
    ({"destFqdns": ["a.example"], "srcRegionCodes": ["GB"]}, {}, ("source regions", "destination FQDNs")),
]


@pytest.mark.parametrize(("match", "fields", "unclear"), UNCLEAR, ids=[" ".join({**m, **f}) for m, f, _ in UNCLEAR])
def test_what_cannot_be_judged_is_named(
    world: Local, match: dict[str, Any], fields: dict[str, Any], unclear: tuple[str, ...]
) -> None:
    assert [one.unclear for one in see(world, rule(match, **fields))] == [unclear]


def test_a_name_may_match_outside_of_the_ranges_beside_it_while_a_scope_narrows_them(world: Local) -> None:
    beside = {"destIpRanges": ["10.0.0.0/8"], "srcIpRanges": ["10.8.0.0/28"]}

    (named,) = see(world, rule(beside | {"destFqdns": ["a.example"]}))
    (narrowed,) = see(world, rule(beside | {"destNetworkContext": "INTERNET"}))

    assert (named.sources, named.destinations) == (("10.8.0.0/28",), ())
    assert narrowed.destinations == ("10.0.0.0/8",)


OURS, OTHER = f"{COMPUTE}/{NETWORK}", f"{COMPUTE}/projects/{PROJECT}/global/networks/other"
NUMBERED = f"{COMPUTE}/projects/123456789012/global/networks/main"
APPLYING: list[tuple[dict[str, Any], int, str]] = [
    ({"targetResources": [OURS]}, 1, "for our network"),
    ({"targetResources": [OTHER, OURS]}, 1, "for ours among others"),
    ({"targetResources": [OTHER]}, 0, "for another network alone"),
    ({"targetResources": [NUMBERED]}, 1, "perhaps for ours: a project may be told by its number"),
    ({"targetType": "INSTANCES"}, 1, "for machines"),
    ({"targetType": "INTERNAL_MANAGED_LB"}, 0, "for load balancers"),
    ({"targetSecureTags": [GONE]}, 0, "Google ignores it when all its secure tags are gone"),
    ({"targetSecureTags": [GONE, TAG]}, 1, "one of its secure tags is there"),
    ({"match": {"layer4Configs": EVERYTHING, "srcSecureTags": [GONE]}}, 0, "no source is left"),
    ({"match": {"layer4Configs": EVERYTHING, "srcSecureTags": [GONE], "srcIpRanges": ["10.0.0.0/8"]}}, 1, "ranges are"),
]


@pytest.mark.parametrize(("fields", "count", "reason"), APPLYING, ids=[row[2] for row in APPLYING])
def test_rules_that_do_not_apply_in_the_network_are_left_out(
    world: Local, fields: dict[str, Any], count: int, reason: str
) -> None:
    assert len(see(world, rule() | fields)) == count, reason


def test_a_network_told_by_a_projects_number_is_named_as_unclear(world: Local) -> None:
    assert see(world, rule(targetResources=[NUMBERED]))[0].unclear == ("target networks by project number",)


def test_ranges_stand_although_a_secure_tag_beside_them_is_gone(world: Local) -> None:
    (seen,) = see(world, rule({"srcSecureTags": [GONE], "srcIpRanges": ["10.0.0.0/8"]}))

    assert (seen.sources, seen.unclear) == (("10.0.0.0/8",), ())


TYPES = [
    ("NETWORK_REGIONAL", Layer.REGIONAL, ()),
    ("SYSTEM_GLOBAL", Layer.SYSTEM, ()),
    ("", Layer.NETWORK, ()),
    ("UNSPECIFIED", Layer.NETWORK, ("policy type UNSPECIFIED",)),
    ("GALACTIC", Layer.NETWORK, ("policy type GALACTIC",)),
]


def test_a_regions_own_policies_are_seen_in_that_region_alone(world: Local) -> None:
    deny = {"rules": [rule()]}
    lay(
        world,
        {"name": "global", "type": "NETWORK"} | deny,
        {"name": "here", "type": "NETWORK_REGIONAL", "region": REGION} | deny,
        {"name": "there", "type": "NETWORK_REGIONAL", "region": "us-east1"} | deny,
    )

    assert [one.name for one in world.see(PoliciesOf(NETWORK))] == ["global"]
    (mine,) = world.see(RegionPoliciesOf(NETWORK, REGION))
    assert (mine.name, mine.layer, len(mine.rules)) == ("here", Layer.REGIONAL, 1)


@pytest.mark.parametrize(("said", "layer", "unclear"), TYPES, ids=[row[0] for row in TYPES])
def test_a_kind_of_policy_that_nobody_knows_makes_all_its_rules_unclear(
    said: str, layer: Layer, unclear: tuple[str, ...]
) -> None:
    """Straight from the document: the API of today sends none of these here."""
    (seen,) = ordered(NETWORK, [_policy("1", said)])

    assert seen.layer == layer
    assert [one.unclear for one in seen.rules] == [unclear]


def _policy(name: str, kind: str, priority: int = 0) -> Any:
    from google.cloud import compute_v1

    deny = {
        "priority": 1,
        "direction": "EGRESS",
        "action": "deny",
        "match": {"layer4_configs": [{"ip_protocol": "all"}]},
    }
    kinds = {"type_": kind} if kind else {}
    return compute_v1.NetworksGetEffectiveFirewallsResponseEffectiveFirewallPolicy(
        {"name": name, "rules": [deny], "priority": priority} | kinds
    )


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from(["HIERARCHY", "SYSTEM", "NETWORK"]), st.integers(0, 5)), max_size=6),
)
def test_order_never_mixes_the_hierarchy_with_the_network(kinds: list[tuple[str, int]]) -> None:
    told = [_policy(str(number), kind, priority) for number, (kind, priority) in enumerate(kinds)]

    seen = ordered(NETWORK, told)

    assert {one.name for one in seen} == {one.name for one in told}
    hierarchy = [one for one in seen if one.layer == Layer.HIERARCHY]
    assert list(seen[: len(hierarchy)]) == hierarchy
    assert [int(one.name) for one in hierarchy] == sorted(int(one.name) for one in hierarchy)


@pytest.mark.parametrize(("order", "first"), [("BEFORE_CLASSIC_FIREWALL", True), ("AFTER_CLASSIC_FIREWALL", False)])
def test_whether_policies_are_asked_before_rules_is_said_by_the_network(world: Local, order: str, first: bool) -> None:
    world.cloud.table("compute.networks")[str(NETWORK)]["networkFirewallPolicyEnforcementOrder"] = order

    assert world.see(NetworkAt(NETWORK)).policies_first is first
