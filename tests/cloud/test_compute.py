"""Networks, subnets, firewall rules, routers and routes: what is written is what is seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.cloud.local import NETWORK, PROJECT, REGION, SUBNET, Local, local
from wayout.cloud.apply import apply
from wayout.cloud.asking import REST
from wayout.cloud.compute_documents import nat_document, same_nats
from wayout.egress.model import (
    Absent,
    Action,
    Coverage,
    Create,
    Direction,
    FirewallRule,
    Nat,
    Network,
    NetworkAt,
    NetworkName,
    PoliciesOf,
    Remove,
    Result,
    Router,
    RouterName,
    RoutersOf,
    RoutesOf,
    RuleName,
    RulesOf,
    SubnetName,
    SubnetsOf,
    Traffic,
    Update,
)

DENY = FirewallRule(
    name=RuleName(PROJECT, "wayout-europe-west2-0a1b2c3d-deny-out"),
    network=NETWORK,
    direction=Direction.EGRESS,
    action=Action.DENY,
    priority=900,
    traffic=(Traffic("all"),),
    destinations=("0.0.0.0/0",),
    target_tags=("vpc-connector-europe-west2-wayout-0a1b2c3d",),
    logged=True,
    description="Made by Wayout",
)
ALLOW = replace(
    DENY,
    name=RuleName(PROJECT, "wayout-europe-west2-0a1b2c3d-in-a"),
    direction=Direction.INGRESS,
    action=Action.ALLOW,
    priority=210,
    traffic=(Traffic("tcp", ("443", "8000-9000")), Traffic("udp", ("53",))),
    sources=("10.127.0.0/28",),
    destinations=("10.1.0.0/16",),
    target_tags=(),
    logged=False,
)
NAT = Nat("wayout", subnets=(SUBNET.name,), min_ports=1024, dynamic_ports=True, logged=True)
ROUTER = Router(RouterName(PROJECT, REGION, "wayout-1a2b3c4d"), NETWORK, (NAT,), "Made by Wayout")


@pytest.fixture(scope="module")
def shared() -> Iterator[Local]:
    with local() as one:
        yield one


@pytest.fixture
def world(shared: Local) -> Iterator[Local]:
    """An empty cloud with our network and subnet in it."""
    for table in shared.cloud.tables.values():
        table.clear()
    shared.cloud.records.clear()
    shared.cloud.faults.clear()
    made = [shared.apply(Create(thing, "test"))[0] for thing in (Network(NETWORK), SUBNET)]
    assert [one.result for one in made] == [Result.CREATED] * 2, made
    yield shared
    shared.cloud.denied.clear()


def test_a_network_is_made_without_automatic_subnets(world: Local) -> None:
    assert world.see(NetworkAt(NETWORK)) == Network(NETWORK, auto_subnets=False)
    assert world.look(NetworkAt(NetworkName(PROJECT, "other"))) == Absent()


def test_a_subnet_is_seen_as_it_was_made(world: Local) -> None:
    (seen,) = world.see(SubnetsOf(NETWORK))

    assert seen.fingerprint
    assert replace(seen, fingerprint="") == SUBNET


def test_subnets_of_every_region_are_seen_and_none_of_another_network(world: Local) -> None:
    other = NetworkName(PROJECT, "other")
    far = replace(SUBNET, name=SubnetName(PROJECT, "us-central1", "far"), range="10.127.0.16/28")
    foreign = replace(SUBNET, name=SubnetName(PROJECT, REGION, "foreign"), network=other)
    world.apply(Create(Network(other), "test"))
    world.apply(Create(far, "test"), Create(foreign, "test"))

    assert [one.name for one in world.see(SubnetsOf(NETWORK))] == [SUBNET.name, far.name]


def test_an_updated_subnet_gets_google_access_and_nothing_else(world: Local) -> None:
    plain = replace(SUBNET, name=SubnetName(PROJECT, REGION, "plain"), range="10.127.1.0/28", google_access=False)
    world.apply(Create(plain, "test"))

    (outcome,) = world.apply(Update(replace(plain, google_access=True), plain, "test"))

    assert outcome.result == Result.UPDATED
    seen = next(one for one in world.see(SubnetsOf(NETWORK)) if one.name == plain.name)
    assert replace(seen, fingerprint="") == replace(plain, google_access=True)


@pytest.mark.parametrize("rule", [DENY, ALLOW, replace(DENY, disabled=True), replace(ALLOW, priority=0)])
def test_a_rule_is_seen_as_it_was_made(world: Local, rule: FirewallRule) -> None:
    (outcome,) = world.apply(Create(rule, "test"))

    assert outcome.result == Result.CREATED
    assert world.see(RulesOf(NETWORK)) == (rule,)


def test_an_updated_rule_loses_what_somebody_added(world: Local) -> None:
    world.apply(Create(ALLOW, "test"))
    drifted = replace(ALLOW, source_tags=("everybody",), destinations=(), traffic=(Traffic("all"),), disabled=True)
    world.apply(Update(drifted, ALLOW, "test"))
    assert world.see(RulesOf(NETWORK)) == (drifted,)

    (outcome,) = world.apply(Update(ALLOW, drifted, "test"))

    assert outcome.result == Result.UPDATED
    assert world.see(RulesOf(NETWORK)) == (ALLOW,)


def test_a_patch_carries_only_what_differs(world: Local) -> None:
    world.apply(Create(ALLOW, "test"))
    (document,) = world.cloud.table("compute.firewalls").values()
    document["logConfig"]["metadata"] = "EXCLUDE_ALL_METADATA"

    world.apply(Update(replace(ALLOW, disabled=True), ALLOW, "test"))

    (document,) = world.cloud.table("compute.firewalls").values()
    assert document["disabled"] is True
    assert document["logConfig"] == {"enable": False, "metadata": "EXCLUDE_ALL_METADATA"}


def test_lists_are_read_to_their_end(world: Local) -> None:
    rules = [replace(DENY, name=RuleName(PROJECT, f"wayout-{number:03}")) for number in range(3)]
    world.apply(*(Create(rule, "test") for rule in rules))

    pages = world.clients.firewalls.list(request={"project": PROJECT, "max_results": 1}, **REST)

    assert len(list(pages.pages)) >= 3
    assert [rule.name for rule in world.see(RulesOf(NETWORK))] == [rule.name for rule in rules]


def test_a_router_is_seen_as_it_was_made(world: Local) -> None:
    (outcome,) = world.apply(Create(ROUTER, "test"))

    assert outcome.result == Result.CREATED
    assert world.see(RoutersOf(NETWORK, REGION)) == (ROUTER,)
    assert world.see(RoutersOf(NETWORK, "us-central1")) == ()


def test_a_router_with_bgp_peers_is_known_to_learn_routes(world: Local) -> None:
    world.apply(Create(ROUTER, "test"))
    (document,) = world.cloud.table("compute.routers").values()
    document["bgpPeers"] = [{"name": "office", "peerAsn": 64512}]

    assert world.see(RoutersOf(NETWORK, REGION)) == (replace(ROUTER, dynamic=True),)


def test_a_second_subnet_is_added_to_our_nat(world: Local) -> None:
    world.apply(Create(ROUTER, "test"))
    second = replace(SUBNET, name=SubnetName(PROJECT, REGION, "wayout-second"), range="10.127.2.0/28")
    world.apply(Create(second, "test"))
    wanted = replace(ROUTER, nats=(replace(NAT, subnets=(SUBNET.name, second.name)),))

    (outcome,) = world.apply(Update(wanted, ROUTER, "test"))

    assert outcome.result == Result.UPDATED
    assert world.see(RoutersOf(NETWORK, REGION)) == (wanted,)


def test_our_router_can_lose_its_last_nat(world: Local) -> None:
    world.apply(Create(ROUTER, "test"))

    (outcome,) = world.apply(Update(replace(ROUTER, nats=()), ROUTER, "test"))

    assert outcome.result == Result.UPDATED
    assert world.see(RoutersOf(NETWORK, REGION)) == (replace(ROUTER, nats=()),)


def test_a_router_that_changed_since_we_looked_is_kept(world: Local) -> None:
    world.apply(Create(ROUTER, "test"))
    before = dict(world.cloud.table("compute.routers"))
    stale = replace(ROUTER, nats=())

    (outcome,) = world.apply(Update(replace(ROUTER, nats=(replace(NAT, min_ports=2048),)), stale, "test"))

    assert outcome.result == Result.KEPT
    assert outcome.detail == "somebody changed its NATs since we looked"
    assert world.cloud.table("compute.routers") == before
    assert not world.calls("compute.routers.patch")


def test_a_nat_that_stays_goes_back_field_for_field_and_one_that_changes_keeps_what_we_do_not_own(world: Local) -> None:
    others = [SubnetName(PROJECT, REGION, f"wayout-{letter}") for letter in "bc"]
    ranges = ["10.127.2.0/28", "10.127.3.0/28"]
    world.apply(
        *(Create(replace(SUBNET, name=name, range=text), "test") for name, text in zip(others, ranges, strict=True))
    )
    second = replace(NAT, name="wayout-b", subnets=(others[0],))
    router = replace(ROUTER, nats=(NAT, second))
    world.apply(Create(router, "test"))
    (document,) = world.cloud.table("compute.routers").values()
    for nat in document["nats"]:
        nat["udpIdleTimeoutSec"] = 77
    before = document["nats"][0]

    (outcome,) = world.apply(
        Update(replace(router, nats=(NAT, replace(second, subnets=tuple(others)))), router, "test")
    )

    assert outcome.result == Result.UPDATED, outcome
    (document,) = world.cloud.table("compute.routers").values()
    assert document["nats"][0] == before
    assert document["nats"][1]["udpIdleTimeoutSec"] == 77
    assert len(document["nats"][1]["subnetworks"]) == 2


def test_somebody_who_writes_the_router_at_the_same_time_is_noticed(world: Local) -> None:
    world.apply(Create(ROUTER, "test"))
    wanted = replace(ROUTER, nats=(replace(NAT, min_ports=2048),))
    change = world.cloud.table("compute.routers")

    def overwrite(_: Any, word: str) -> None:
        if word == "done":
            (name,) = change
            change[name] = change[name] | {"nats": []}

    (outcome,) = apply(
        [Update(wanted, ROUTER, "test")], world.clients, deadline=float("inf"), seed="race", progress=overwrite
    )

    assert outcome.result == Result.KEPT
    assert "somebody wrote at the same time" in outcome.detail


def test_reserved_addresses_are_named_short_and_sent_in_full() -> None:
    nat = replace(NAT, addresses=("out-a",), endpoint_independent=True, dynamic_ports=False, min_ports=64)

    document = nat_document(ROUTER.name, nat)

    assert document["natIps"] == [f"projects/{PROJECT}/regions/{REGION}/addresses/out-a"]
    assert document["natIpAllocateOption"] == "MANUAL_ONLY"
    assert "maxPortsPerVm" not in document


PORTS = [
    (NAT, 65536, "Google's own default is said aloud"),
    (replace(NAT, max_ports=4096), 4096, "as asked for"),
]


@pytest.mark.parametrize(("nat", "said", "reason"), PORTS, ids=[row[2] for row in PORTS])
def test_the_most_ports_of_a_nat_are_seen_as_they_were_asked_for(
    world: Local, nat: Nat, said: int, reason: str
) -> None:
    router = replace(ROUTER, nats=(nat,))

    assert world.apply(Create(router, "test"))[0].result == Result.CREATED
    (document,) = world.cloud.table("compute.routers").values()
    assert document["nats"][0]["maxPortsPerVm"] == said, reason
    assert world.see(RoutersOf(NETWORK, REGION)) == (router,)


def test_the_order_of_nats_and_subnets_means_nothing() -> None:
    a, b = SUBNET.name, SubnetName(PROJECT, REGION, "z")
    one, other = replace(NAT, subnets=(a, b)), replace(NAT, name="other", coverage=Coverage.ALL, subnets=())

    assert same_nats((one, other), (other, replace(one, subnets=(b, a))))
    assert not same_nats((one,), (replace(one, subnets=(a,)),))


@pytest.mark.parametrize(
    "thing", [DENY, ROUTER, replace(SUBNET, name=SubnetName(PROJECT, REGION, "x"), range="10.9.0.0/28")]
)
def test_what_was_made_can_be_removed_and_removing_it_twice_is_no_failure(world: Local, thing: Any) -> None:
    world.apply(Create(thing, "test"))

    (first,) = world.apply(Remove(thing, "test"))
    (second,) = world.apply(Remove(thing, "test"))

    assert (first.result, second.result) == (Result.REMOVED, Result.REMOVED)
    assert second.detail == "it was gone already"


def test_a_router_is_not_removed_when_another_site_has_come_upon_it_meanwhile(world: Local) -> None:
    world.apply(Create(ROUTER, "test"))
    second = replace(SUBNET, name=SubnetName(PROJECT, REGION, "wayout-second"), range="10.127.2.0/28")
    shared = replace(ROUTER, nats=(replace(NAT, subnets=(SUBNET.name, second.name)),))
    world.apply(Create(second, "test"))
    world.apply(Update(shared, ROUTER, "test"))

    (outcome,) = world.apply(Remove(ROUTER, "test"))

    assert (outcome.result, outcome.detail) == (Result.KEPT, "somebody changed its NATs since we looked")
    assert world.see(RoutersOf(NETWORK, REGION)) == (shared,)
    assert not world.calls("compute.routers.delete")


MORE = [
    ("interfaces", [{"name": "to-vpn", "ipRange": "169.254.1.1/30"}], "a tunnel ends on it"),
    ("bgpPeers", [{"name": "office", "peerAsn": 64512}], "it learns routes"),
]


@pytest.mark.parametrize(("field", "value", "reason"), MORE, ids=[row[2] for row in MORE])
def test_a_router_that_serves_more_than_nat_is_never_removed(
    world: Local, field: str, value: list[dict[str, Any]], reason: str
) -> None:
    world.apply(Create(ROUTER, "test"))
    (document,) = world.cloud.table("compute.routers").values()
    document[field] = value

    (outcome,) = world.apply(Remove(ROUTER, "test"))

    assert (outcome.result, field in outcome.detail, str(ROUTER.name) in outcome.help) == (
        Result.REFUSED,
        True,
        True,
    ), reason
    assert not world.calls("compute.routers.delete")


def test_a_subnet_that_a_nat_lists_is_not_removed_and_its_holder_is_named(world: Local) -> None:
    world.apply(Create(ROUTER, "test"))

    (outcome,) = world.apply(Remove(SUBNET, "test"))

    assert outcome.result == Result.REFUSED
    assert ROUTER.name.router in outcome.detail
    assert [one.name for one in world.see(SubnetsOf(NETWORK))] == [SUBNET.name]


def test_the_default_route_leads_to_the_internet(world: Local) -> None:
    routes = world.see(RoutesOf(NETWORK))

    (default,) = [one for one in routes if one.destination == "0.0.0.0/0"]
    assert (default.internet, default.priority, default.next_hop) == (True, 1000, "default-internet-gateway")
    assert all(not one.internet for one in routes if one is not default)


def test_a_network_without_policies_has_none(world: Local) -> None:
    assert world.see(PoliciesOf(NETWORK)) == ()
    assert world.look(PoliciesOf(NetworkName(PROJECT, "other"))) == Absent()


def test_every_call_of_ours_carries_our_user_agent(world: Local) -> None:
    world.apply(Create(DENY, "test"))
    world.see(RulesOf(NETWORK))

    agents = {one.user_agent.split()[0] for one in world.cloud.records}
    assert {agent.split("/")[0] for agent in agents} == {"wayout"}
