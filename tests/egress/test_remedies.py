"""Each kind of resource on the way out, case by case, each with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.egress.world import World
from tests.egress.worlds import (
    INTERNET,
    NETWORK,
    OUR_ROUTER,
    OUR_SUBNET,
    OURS,
    PROJECT,
    REGION,
    SITE,
    greenfield,
    job,
    job_name,
    look_and_plan,
    ours,
    policy,
    run,
)
from wayout.egress import naming, rules
from wayout.egress.model import (
    Action,
    Address,
    Attach,
    Blocked,
    Connector,
    ConnectorName,
    Coverage,
    Create,
    Direction,
    Egress,
    FirewallPolicy,
    FirewallRule,
    Interface,
    Layer,
    Nat,
    NetworkName,
    Peering,
    Plan,
    PolicyRule,
    Remove,
    Route,
    Router,
    RouterName,
    RuleName,
    RuleQuotaOf,
    State,
    Subnet,
    SubnetName,
    Traffic,
    Update,
    Verb,
    Way,
    Zone,
)

ATTACHED = Way(Egress.ALL, OURS)


def whole(policies: Any = None) -> World:
    """A world in which everything stands, a day later."""
    world = greenfield(policies)
    run(world)
    world.history.clear()
    world.applied.clear()
    return world


def plan_of(world: World) -> Plan:
    return look_and_plan(world)[0]


def rule(name: str = "theirs", **more: Any) -> FirewallRule:
    told: dict[str, Any] = {
        "direction": Direction.EGRESS,
        "action": Action.DENY,
        "priority": 1000,
        "traffic": (Traffic("all"),),
        "destinations": ("0.0.0.0/0",),
    }
    return FirewallRule(RuleName(PROJECT, name), NETWORK, **{**told, **more})


INTO: dict[str, Any] = {"direction": Direction.INGRESS, "destinations": (), "sources": ("10.127.0.0/16",)}


# --- NAT ---------------------------------------------------------------------------------------------------------

VPN = Route("to-vpn", NETWORK, "0.0.0.0/0", priority=100, next_hop="vpn-tunnel")


def to(place: str) -> Route:
    """A route to the internet gateway."""
    return Route(f"to-{place}", NETWORK, place, internet=True)


def via(place: str, **more: Any) -> Route:
    return Route("to-office", NETWORK, place, **{"next_hop": "tunnel", **more})


def half(place: str) -> Route:
    """A part of a default route, to an appliance."""
    return Route(f"half-{place}", NETWORK, place, next_hop="appliance")


THEIRS = RouterName(PROJECT, REGION, "theirs")


def nat(**more: Any) -> tuple[Nat, ...]:
    return (Nat("gateway", **more),)


@pytest.mark.parametrize(
    ("routers", "makes", "note", "reason"),
    [
        ([], True, "no NAT for all subnets can be added", "nothing there"),
        ([Router(THEIRS, NETWORK)], True, "", "a router without NAT covers nothing"),
        ([Router(THEIRS, NETWORK, nat(coverage=Coverage.ALL))], False, "covers the subnet already", "all subnets"),
        ([Router(THEIRS, NETWORK, nat(coverage=Coverage.ALL_PRIMARY))], False, "64 ports per VM look short", "primary"),
        (
            [Router(THEIRS, NETWORK, nat(coverage=Coverage.ALL, dynamic_ports=True))],
            False,
            "covers",
            "dynamic ports are enough",
        ),
        ([Router(THEIRS, NETWORK, nat(subnets=(OUR_SUBNET,)))], False, "covers", "somebody listed ours"),
        (
            [Router(THEIRS, NETWORK, nat(subnets=(SubnetName(PROJECT, REGION, "apps"),)))],
            True,
            "",
            "lists another subnet: ours stands beside it",
        ),
        ([Router(THEIRS, NETWORK, nat(coverage=Coverage.ALL, public=False))], True, "", "a private NAT does not count"),
        (
            [Router(replace(THEIRS, region="us-central1"), NETWORK, nat(coverage=Coverage.ALL))],
            True,
            "",
            "another region's does not reach here",
        ),
        (
            [Router(THEIRS, NetworkName(PROJECT, "other"), nat(coverage=Coverage.ALL))],
            True,
            "",
            "another network's neither",
        ),
        (
            [Router(OUR_ROUTER, NETWORK, nat(subnets=(OUR_SUBNET,)))],
            False,
            "not ours, covers",
            "somebody's NAT on our router covers it: a second one would be refused",
        ),
    ],
)
def test_a_nat_is_made_only_where_none_covers_the_subnet(
    routers: list[Router], makes: bool, note: str, reason: str
) -> None:
    world = greenfield().add(*routers, Subnet(SubnetName(PROJECT, REGION, "apps"), NETWORK, "10.20.0.0/20"))
    passes = run(world)
    notes = " ".join(text for made in passes for text in made.plan.notes)
    made = world.routers.get(OUR_ROUTER)
    assert any(found.name == "wayout" for found in (made.nats if made else ())) == makes, reason
    assert note in notes, reason
    assert world.jobs[job_name()].way == ATTACHED, reason
    for router in routers:
        assert world.routers[router.name].nats[: len(router.nats)] == router.nats, "never somebody else's NAT"


def test_our_nat_lists_exactly_our_subnets_with_dynamic_ports_and_logged_errors() -> None:
    world = greenfield(policy({"nat": {"addresses": ["out-1", "out-2"]}}))
    world.addresses[PROJECT, REGION] = [Address("out-1"), Address("out-2"), Address("theirs", used=True)]
    run(world)
    (made,) = world.routers[OUR_ROUTER].nats
    assert (made.coverage, made.subnets) == (Coverage.LISTED, (OUR_SUBNET,))
    assert (made.dynamic_ports, made.min_ports, made.endpoint_independent, made.logged) == (True, 1024, False, True)
    assert made.addresses == ("out-1", "out-2")


def test_a_second_profile_joins_our_nat_and_a_subnet_that_is_gone_leaves_it() -> None:
    world = whole()
    other, gone = SubnetName(PROJECT, REGION, "wayout-0ther000"), SubnetName(PROJECT, REGION, "wayout-gone0000")
    world.add(Subnet(other, NETWORK, "10.127.200.0/28"))
    router = world.routers[OUR_ROUTER]
    world.add(replace(router, nats=(replace(router.nats[0], subnets=(other, gone)),)))
    run(world)
    assert set(world.routers[OUR_ROUTER].nats[0].subnets) == {OUR_SUBNET, other}


@pytest.mark.parametrize(
    ("routes", "reason"),
    [
        ([], "no default route"),
        ([Route("vpn", NETWORK, "0.0.0.0/0", next_hop="vpn-tunnel")], "its next hop is not the internet gateway"),
        ([replace(INTERNET, tags=("web",))], "it holds for tagged machines only"),
        ([replace(INTERNET, destination="8.8.8.0/24")], "it is no default route"),
        ([INTERNET, half("0.0.0.0/1"), half("128.0.0.0/1")], "its halves lead to an appliance, and are longer"),
        ([INTERNET, half("128.0.0.0/1")], "one of its halves does"),
        ([replace(INTERNET, destination="0.0.0.0/1")], "only one half leads there"),
        ([INTERNET, replace(VPN, priority=INTERNET.priority)], "it shares the traffic with another"),
    ],
)
def test_without_a_default_route_to_the_internet_gateway_the_way_is_blocked(routes: list[Route], reason: str) -> None:
    world = greenfield()
    world.routes = routes
    run(world)
    assert "Cloud NAT" in {block.what for block in plan_of(world).blocked}, reason
    assert world.jobs[job_name()].way is None, reason


@pytest.mark.parametrize(
    ("routes", "peers", "blocked", "nat", "reason"),
    [
        ([INTERNET], [], False, True, "the default route leads there"),
        ([to("8.8.8.0/24")], [], False, True, "a route of its own leads there, and no other is needed"),
        ([to("8.8.8.0/25")], [], True, False, "half of it is reached"),
        ([to("8.8.8.0/25"), to("8.8.8.128/25")], [], False, True, "two routes lead there"),
        ([], [], True, False, "no route leads there"),
        ([VPN, to("8.8.8.0/24")], [], False, True, "the default route is shorter"),
        ([INTERNET, via("8.0.0.0/8")], [], False, False, "a VPN leads there, and needs no NAT"),
        ([INTERNET], [VPN], True, False, "a peer's default route wins"),
        ([INTERNET], [replace(VPN, priority=2000)], False, True, "a peer's default route loses"),
    ],
)
def test_a_public_destination_needs_only_its_own_route(
    routes: list[Route], peers: list[Route], blocked: bool, nat: bool, reason: str
) -> None:
    wish = {"destinations": [{"to": "8.8.8.0/24", "ports": ["tcp:443"]}], "google_apis": "none"}
    world = greenfield(policy(wish))
    world.routes, world.peer_routes = routes, peers
    world.networks[NETWORK] = replace(world.networks[NETWORK], peerings=(Peering("peer", NetworkName("p", "n")),))
    plan = run(world)[-1].plan
    assert ("Cloud NAT" in {block.what for block in plan.blocked}) == blocked, (reason, plan)
    assert (OUR_ROUTER in world.routers) == nat, reason
    assert (world.jobs[job_name()].way is None) == blocked, reason


@pytest.mark.parametrize(("tasks", "blocks"), [(1, False), (63, False), (64, True)])
def test_on_the_direct_road_reserved_addresses_need_ports_for_every_task(tasks: int, blocks: bool) -> None:
    wish = {"road": "direct", "pool": ["10.127.0.0/16"], "nat": {"addresses": ["out-1"], "min_ports": 1024}}
    world = greenfield(policy(wish), job(tasks=tasks))
    world.addresses[PROJECT, REGION] = [Address("out-1")]
    assert any("machines" in block.why for block in run(world)[-1].plan.blocked) == blocks


def test_where_all_of_the_internet_is_routed_elsewhere_no_rule_opens_everything() -> None:
    profile = policy({"google_apis": "none"}).profiles["web"]
    made = rules.wanted(SITE, profile, ("0.0.0.0/1", "128.0.0.0/1"))
    assert [rule.name.rule for rule in made.opens if "control" not in rule.name.rule] == []


# --- connector ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "users", "expected", "reason"),
    [
        (State.READY, True, "nothing", "as it should be"),
        (State.CREATING, False, "waiting", "somebody is at it"),
        (State.UPDATING, True, "waiting", "somebody is at it"),
        (State.DELETING, False, "waiting", "its name is free afterwards"),
        (State.UNKNOWN, False, "waiting", "Google does not say"),
        (State.ERROR, False, "removed", "nobody is on it"),
        (State.ERROR, True, "blocked", "jobs are on it"),
    ],
)
def test_what_a_connectors_state_leads_to(state: State, users: bool, expected: str, reason: str) -> None:
    world = whole()
    world.connectors[OURS] = replace(world.connectors[OURS], state=state)
    if not users:
        world.add(replace(world.jobs[job_name()], way=None))
    plan = plan_of(world)
    about = [change for change in plan.changes if not isinstance(change, Attach) and change.thing.name == OURS]
    found = {
        "removed": bool(about) and isinstance(about[0], Remove),
        "blocked": any(OURS.connector in block.what for block in plan.blocked),
        "waiting": any(wait.elsewhere for wait in plan.waiting),
    }
    assert found == {key: key == expected for key in found}, reason
    assert expected == "nothing" or not [change for change in plan.changes if isinstance(change, Attach)]


def test_a_connector_that_is_being_made_may_not_name_its_network_yet() -> None:
    world = whole()
    made = world.connectors[OURS]
    unknown = replace(made.network, network="")
    world.connectors[OURS] = replace(made, state=State.CREATING, network=unknown)
    world.add(replace(world.jobs[job_name()], way=None))

    plan = plan_of(world)

    assert plan.blocked == ()
    assert any(wait.elsewhere for wait in plan.waiting)


@pytest.mark.parametrize(
    ("size", "wish", "expected"),
    [
        ((2, 3), {}, None),
        ((2, 3), {"min_instances": 3, "max_instances": 6}, (3, 6)),
        ((4, 10), {"min_instances": 3, "max_instances": 6}, None),
        ((2, 10), {"min_instances": 5, "max_instances": 6}, (5, 10)),
    ],
)
def test_a_connector_only_ever_grows(
    size: tuple[int, int], wish: dict[str, int], expected: tuple[int, int] | None
) -> None:
    world = whole()
    world.policies = policy({"connector": wish})
    low, high = size
    world.connectors[OURS] = replace(world.connectors[OURS], min_instances=low, max_instances=high)
    run(world)
    found = world.connectors[OURS]
    assert (found.min_instances, found.max_instances) == (expected or size)


@pytest.mark.parametrize(
    "wrong",
    [{"network": NetworkName(PROJECT, "other")}, {"subnet": None, "range": "10.8.0.0/28"}],
    ids=["in another network", "in a bare range"],
)
def test_a_connector_of_our_name_that_our_rules_do_not_hold_for_is_not_attached_to(wrong: dict[str, Any]) -> None:
    world = whole()
    world.connectors[OURS] = replace(world.connectors[OURS], **wrong)
    world.add(job("second"))
    plan = run(world)[-1].plan
    assert any(OURS.connector in block.what for block in plan.blocked)
    assert world.jobs[job_name("second")].way is None


# --- subnet ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [{"range": "10.127.9.0/27"}, {"purpose": "PRIVATE_NAT"}], ids=["no /28", "for something else"]
)
def test_a_subnet_of_our_name_that_no_connector_can_use_is_left_for_people(wrong: dict[str, Any]) -> None:
    told = {"range": "10.127.9.0/28", "google_access": True, **wrong}
    world = greenfield().add(Subnet(OUR_SUBNET, NETWORK, **told))
    plan = run(world)[-1].plan
    assert "subnet wayout-" in str([block.what for block in plan.blocked])
    assert OURS not in world.connectors


def test_a_dual_stack_subnet_is_judged_for_ipv4_and_said_so() -> None:
    world = whole()
    world.subnets[OUR_SUBNET] = replace(world.subnets[OUR_SUBNET], dual_stack=True)
    plan = plan_of(world)
    assert plan.empty
    assert any("only IPv4 is judged" in note for note in plan.notes)


HIDDEN = Route("default-route-aet", NETWORK, "10.127.0.0/28", priority=0, local=True)


@pytest.mark.parametrize(
    ("pool", "routes", "made", "note", "reason"),
    [
        (["10.127.0.0/28"], [], True, False, "nobody there"),
        (["10.127.0.0/28"], [HIDDEN], False, False, "a connector's hidden subnet, in whatever region"),
        (["10.127.0.0/27"], [HIDDEN], True, False, "the other half is free"),
        (["10.127.0.0/16"], [via("10.127.0.0/16")], False, False, "it ends with the pool: they are there"),
        (["10.127.0.0/27"], [via("10.127.0.0/28")], True, False, "it ends inside the pool, which has more"),
        (["10.127.0.0/16"], [via("10.0.0.0/8")], True, True, "it is wider, and says nothing of who is there"),
        (["10.127.0.0/16"], [via("0.0.0.0/1")], True, True, "a part of a default route"),
        (["10.127.0.0/16", "172.20.0.0/24"], [via("0.0.0.0/1"), via("128.0.0.0/1")], True, True, "or both"),
        (["10.127.0.0/28"], [via("10.127.0.0/16", next_hop="", peering="peer")], False, False, "a peer's subnet"),
        (["10.127.0.0/28", "10.90.0.0/28"], [via("10.127.0.0/16")], True, False, "the other range is out of it"),
    ],
)
def test_a_range_is_free_unless_somebody_certainly_has_it(
    pool: list[str], routes: list[Route], made: bool, note: bool, reason: str
) -> None:
    wish = {"egress": "private-ranges-only", "destinations": [], "google_apis": "none", "pool": pool}
    world = greenfield(policy(wish)).add(*routes)
    plan = plan_of(world)
    assert any(isinstance(change, Create) for change in plan.changes) == made, (reason, plan)
    assert any("no longer reached" in said for said in plan.notes) == note, reason
    assert made or any(block.what == "subnet" and "the route" in block.why for block in plan.blocked), reason


@pytest.mark.parametrize("dynamic", [False, True])
def test_where_routers_learn_routes_the_choice_of_a_range_says_so(dynamic: bool) -> None:
    world = greenfield().add(Router(THEIRS, NETWORK, dynamic=dynamic))
    assert any("by BGP" in note and "(theirs)" in note for note in plan_of(world).notes) == dynamic


# --- firewall ----------------------------------------------------------------------------------------------------

HTTPS = (Traffic("tcp", ("443",)),)


@pytest.mark.parametrize(
    ("foreign", "outranks", "blocks", "reason"),
    [
        (rule(priority=65534), [], True, "a default deny for all machines is somebody's decision"),
        (rule(priority=65534), ["theirs"], False, "the policy names it"),
        (rule(priority=65534), ["the*"], False, "by a glob"),
        (rule(priority=65534), ["other"], True, "the policy names another"),
        (rule(priority=250), [], False, "it stands above ours: nothing is out-ranked"),
        (rule(priority=300), [], False, "at equal priority a deny wins"),
        (rule(priority=301), [], True, "just below ours"),
        (rule(disabled=True), [], False, "it is off"),
        (rule(target_tags=("web",)), [], False, "not for connectors"),
        (rule(target_tags=("vpc-connector",)), [], True, "for every connector"),
        (rule(target_tags=(naming.tag_of(OURS),)), [], True, "for ours"),
        (rule(target_accounts=("a@b",)), [], False, "for a service account, which no connector has"),
        (rule(traffic=(Traffic("udp"),)), [], False, "another protocol"),
        (rule(traffic=(Traffic("6"),)), [], True, "ours, by its number"),
        (rule(traffic=(Traffic("17"),)), [], False, "another protocol, by its number"),
        (rule(traffic=(Traffic("tcp", ("22",)),)), [], False, "other ports"),
        (rule(traffic=(Traffic("tcp", ("400-500",)),)), [], True, "a range of ports that holds ours"),
        (rule(destinations=("10.0.0.0/8",)), [], False, "other destinations"),
        (rule(destinations=("8.8.8.0/24",)), [], True, "part of the internet"),
        (rule(destinations=("::/0",)), [], False, "IPv6"),
        (rule(action=Action.ALLOW), [], False, "no deny"),
        (rule(**INTO), [], False, "inwards, where nothing of ours allows the internet"),
    ],
)
def test_no_deny_of_others_is_out_ranked_unless_the_policy_names_it(
    foreign: FirewallRule, outranks: list[str], blocks: bool, reason: str
) -> None:
    world = greenfield(policy({"outranks": outranks})).add(foreign)
    plan = run(world)[-1].plan
    hit = [block for block in plan.blocked if block.what == "firewall rule theirs"]
    assert bool(hit) == blocks, reason
    assert bool(ours(world)) != blocks, "no rule of ours is made while one would out-rank it"
    assert all("outranks: [theirs]" in block.help for block in hit)
    assert world.rules[foreign.name] == foreign


@pytest.mark.parametrize(
    ("foreign", "pool", "blocks", "reason"),
    [
        (rule(**INTO), ["10.127.0.0/16"], True, "it denies what comes from our pool"),
        (rule(**INTO), ["10.90.0.0/16"], False, "our pool is elsewhere"),
        (rule(**INTO), ["10.90.0.0/16", "10.127.0.0/16"], True, "the second range of the pool"),
        (rule(**{**INTO, "sources": (), "source_tags": ("vpc-connector",)}), ["10.90.0.0/16"], True, "every connector"),
    ],
)
def test_inwards_too(foreign: FirewallRule, pool: list[str], blocks: bool, reason: str) -> None:
    wish = {"destinations": [{"to": "10.20.0.0/16", "ports": ["tcp:443"]}], "pool": pool, "google_apis": "none"}
    world = greenfield(policy(wish)).add(foreign)
    first = plan_of(world)
    assert any(block.what == "firewall rule theirs" for block in first.blocked) == blocks, reason


def deny(**more: Any) -> PolicyRule:
    told: dict[str, Any] = {"direction": Direction.EGRESS, "verb": Verb.DENY, "traffic": (Traffic("all"),)}
    return PolicyRule(7, **{**told, "destinations": ("10.20.0.0/24",), **more})


INWARDS: dict[str, Any] = {"direction": Direction.INGRESS, "destinations": (), "sources": ("10.127.0.0/16",)}


@pytest.mark.parametrize(
    ("layer", "foreign", "more", "blocks", "reason"),
    [
        (Layer.NETWORK, deny(), {}, True, "asked after our rules, it would never get to deny"),
        (Layer.REGIONAL, deny(), {}, True, "a regional one neither"),
        (Layer.NETWORK, deny(), {"outranks": ["theirs:7"]}, False, "the policy names it"),
        (Layer.NETWORK, deny(), {"outranks": ["theirs:*"]}, False, "by a glob"),
        (Layer.NETWORK, deny(), {"outranks": ["theirs"]}, True, "the name of a policy alone is no rule's"),
        (Layer.HIERARCHY, deny(), {}, False, "asked before our rules, it stands"),
        (Layer.NETWORK, deny(), {"first": True}, False, "the network asks its policies first"),
        (Layer.NETWORK, deny(disabled=True), {}, False, "it is off"),
        (Layer.NETWORK, deny(verb=Verb.ALLOW), {}, False, "no deny"),
        (Layer.NETWORK, deny(verb=Verb.NEXT), {}, False, "it decides nothing"),
        (Layer.NETWORK, deny(verb=Verb.OTHER), {}, True, "an inspection may deny"),
        (Layer.NETWORK, deny(destinations=(), unclear=("destination FQDNs",)), {}, True, "it may be about ours"),
        (Layer.NETWORK, deny(destinations=("10.99.0.0/24",)), {}, False, "other destinations"),
        (Layer.NETWORK, deny(traffic=(Traffic("udp"),)), {}, False, "another protocol"),
        (Layer.NETWORK, deny(sources=("10.99.0.0/24",)), {}, False, "for machines elsewhere"),
        (Layer.NETWORK, deny(sources=("10.127.0.0/16",)), {}, True, "for machines in our pool"),
        (Layer.NETWORK, deny(target_accounts=("a@b",)), {}, False, "for a service account, which no connector has"),
        (Layer.NETWORK, deny(**INWARDS), {}, True, "inwards, from our pool"),
        (Layer.NETWORK, deny(**{**INWARDS, "sources": ("10.9.0.0/16",)}), {}, False, "inwards, from elsewhere"),
    ],
)
def test_nor_a_deny_of_a_firewall_policy_that_is_asked_after_our_rules(
    layer: Layer, foreign: PolicyRule, more: dict[str, Any], blocks: bool, reason: str
) -> None:
    wish = {"destinations": [{"to": "10.20.0.0/16", "ports": ["tcp:5432"]}], "outranks": more.get("outranks", [])}
    world = greenfield(policy(wish))
    world.networks[NETWORK] = replace(world.networks[NETWORK], policies_first=more.get("first", False))
    world.firewall_policies = (FirewallPolicy("theirs", layer, (foreign,)),)
    hit = [block for block in run(world)[-1].plan.blocked if block.what == "firewall policy rule theirs:7"]
    assert bool(hit) == blocks, reason
    assert bool(ours(world)) != blocks, "no rule of ours is made while one would out-rank it"
    assert all("outranks: [theirs:7]" in block.help for block in hit)


@pytest.mark.parametrize(
    ("foreign", "tight", "reason"),
    [
        (rule(action=Action.ALLOW, priority=900), False, "it stands above our denies"),
        (rule(action=Action.ALLOW, priority=950), True, "at equal priority our deny wins"),
        (rule(action=Action.ALLOW, priority=900, target_tags=("web",)), True, "not for connectors"),
        (rule(action=Action.ALLOW, priority=900, disabled=True), True, "it is off"),
        (rule(**INTO, action=Action.ALLOW, priority=900), False, "it lets our /28 in"),
        (rule(**{**INTO, "sources": ("10.9.0.0/16",)}, action=Action.ALLOW, priority=900), True, "for others"),
    ],
)
def test_an_allow_of_others_above_our_denies_is_said_to_be_not_tight(
    foreign: FirewallRule, tight: bool, reason: str
) -> None:
    world = greenfield().add(foreign)
    run(world)
    plan = plan_of(world)
    assert plan.empty, "it blocks nobody"
    assert any("not tight" in note and "theirs" in note for note in plan.notes) != tight, reason


@pytest.mark.parametrize(
    ("limit", "profile", "needed", "reason"),
    [
        (13, {}, 0, "as many as it takes: seven of ours, and Google's six"),
        (12, {}, 13, "one too few"),
        (3, {"road": "direct", "pool": ["10.127.0.0/16"]}, 4, "no connector, none of Google's"),
    ],
)
def test_rules_are_not_begun_where_the_quota_has_no_room_for_all_of_them(
    limit: int, profile: dict[str, Any], needed: int, reason: str
) -> None:
    world = greenfield(policy(profile))
    world.rule_quota = limit
    plan = run(world)[-1].plan
    blocked = [block for block in plan.blocked if block.what == "firewall rules"]
    assert [f"has 0 of {limit} firewall rules, and {needed} more" in block.why for block in blocked] == (
        [True] if needed else []
    ), (reason, plan)
    assert all("FIREWALLS" in block.help and f"--project={PROJECT}" in block.help for block in blocked)
    assert bool(world.rules) != bool(needed), reason


def test_a_whole_site_asks_for_no_quota() -> None:
    world = whole()
    world.looks.clear()
    plan_of(world)
    assert RuleQuotaOf(PROJECT) not in world.looks


def test_rules_that_the_policy_no_longer_wants_go_after_the_new_ones_stand() -> None:
    world = whole()
    world.policies = policy({"destinations": [{"to": "internet", "ports": ["tcp:8443"]}], "google_apis": "none"})
    passes = run(world)
    done = [(type(change).__name__, change.thing.name.rule.rsplit("-", 2)[-2:]) for change, _ in world.applied]  # type: ignore[union-attr]
    assert done == [("Create", ["out", "tcp8443"]), ("Remove", ["out", "tcp443"])]
    assert len(passes) == 3
    assert not [change for change, _ in world.applied if isinstance(change, Attach)], "editing a profile moves no job"


def test_a_change_of_the_networks_ranges_patches_the_rules() -> None:
    world = whole()
    world.add(Subnet(SubnetName(PROJECT, "us-east1", "public"), NETWORK, "34.1.0.0/16"))
    plan = plan_of(world)
    (change,) = plan.changes
    assert isinstance(change, Update)
    assert "destinations" in change.because


def test_firewall_policies_in_force_are_named() -> None:
    world = whole()
    world.firewall_policies = (FirewallPolicy("org-wide", Layer.HIERARCHY),)
    assert any("org-wide" in note for note in plan_of(world).notes)


# --- Google's own rules ------------------------------------------------------------------------------------------


def automatic(world: World) -> dict[str, FirewallRule]:
    return {name.rule.rsplit("-", 1)[-1]: rule for name, rule in world.rules.items() if name.rule.startswith("aet-")}


@pytest.mark.parametrize("hyphens", ["--", "-"])
@pytest.mark.parametrize(
    ("retire", "left", "off"),
    [("disable", True, True), ("delete", False, True), ("keep", True, False)],
)
def test_the_two_broad_rules_are_retired_as_the_profile_says_and_the_four_stay(
    retire: str, left: bool, off: bool, hyphens: str
) -> None:
    world = greenfield(policy({"retire": retire}))
    world.hyphens = hyphens
    run(world)
    found = automatic(world)
    assert {suffix for suffix in found if not found[suffix].disabled} >= {"hcfw", "rsgfw", "earfw", "egrfw"}
    for suffix in ("sbntfw", "tagfw"):
        assert (suffix in found) == left
        assert not left or found[suffix].disabled == off
    assert world.jobs[job_name()].way == ATTACHED


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"sources": ("10.99.0.0/28",), "source_tags": ()}, "another range"),
        ({"priority": 900}, "another priority: somebody has been at it"),
        ({"direction": Direction.EGRESS, "sources": (), "source_tags": ()}, "another direction"),
        ({"action": Action.DENY}, "it opens nothing"),
    ],
)
def test_a_rule_with_a_broad_ones_name_is_left_alone_unless_range_or_tag_confirm_it(
    change: dict[str, Any], reason: str
) -> None:
    world = whole()
    for name, found in world.rules.items():
        if name.rule.endswith(("sbntfw", "tagfw")):
            world.rules[name] = replace(found, disabled=False, **change)
    assert not plan_of(world).changes, reason


def test_leftovers_of_a_connector_that_is_gone_are_removed_before_it_is_made_again() -> None:
    world = whole()
    del world.connectors[OURS]
    first = plan_of(world)
    assert {type(change).__name__ for change in first.changes} == {"Remove"}
    assert len(first.changes) == 6
    run(world)
    assert OURS in world.connectors


def test_a_rule_with_a_leftovers_name_alone_is_somebodys_own_and_stays() -> None:
    world = whole()
    del world.connectors[OURS]
    named = next(name for name in world.rules if name.rule.endswith("tagfw"))
    theirs = replace(world.rules[named], source_tags=("backend",))
    world.rules[named] = theirs
    removed = [change.thing for change in plan_of(world).changes if isinstance(change, Remove)]
    assert len(removed) == 5
    assert theirs not in removed


def test_more_profiles_than_the_policy_allows_in_one_place_get_no_connector_of_their_own() -> None:
    world = greenfield(policy(profiles_per_network=1))
    other = replace(whole().connectors[OURS], name=ConnectorName(PROJECT, REGION, "wayout-00000000"))
    world.add(other)
    plan = run(world)[-1].plan
    assert [block.what for block in plan.blocked] == ["connector"]
    assert "raise profiles_per_network (now 1)" in plan.blocked[0].help


def test_rules_of_somebody_elses_connector_are_never_retired() -> None:
    world = whole()
    theirs = rule("aet-europewest2-theirs-tagfw", **INTO, action=Action.ALLOW, source_tags=("vpc-connector-x",))
    world.add(theirs)
    run(world)
    assert world.rules[theirs.name] == theirs


# --- DNS ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("apis", "zones", "blocks"),
    [
        ("private", [], True),
        ("restricted", [], True),
        ("private", [Zone("other", "example.com.")], True),
        ("private", [Zone("apis", "googleapis.com.")], False),
        ("none", [], False),
        ("default-domains", [], False),
    ],
)
def test_virtual_addresses_of_google_apis_need_a_zone_that_we_never_make(
    apis: str, zones: list[Zone], blocks: bool
) -> None:
    world = greenfield(policy({"google_apis": apis})).add(*zones)
    plan = run(world)[-1].plan
    hit = [block for block in plan.blocked if "googleapis.com." in block.what]
    assert bool(hit) == blocks
    assert all("CNAME" in block.help and apis in block.help for block in hit)
    assert (world.jobs[job_name()].way is None) == blocks


@pytest.mark.parametrize(
    ("profile", "routes", "expected", "reason"),
    [
        ({}, [INTERNET], set(), "the default route leads there"),
        ({}, [], {"199.36.153.8/30"}, "no route leads there"),
        ({}, [VPN], {"199.36.153.8/30"}, "the default route leads to a VPN"),
        ({}, [VPN, to("199.36.153.8/30")], set(), "one of their own is longer"),
        ({"google_apis": "restricted"}, [VPN, to("199.36.153.8/30")], {"199.36.153.4/30"}, "the other addresses"),
        (
            {},
            [INTERNET, replace(VPN, destination="199.36.153.8/31")],
            {"199.36.153.8/30"},
            "half of them goes elsewhere",
        ),
        (
            {"egress": "all-traffic"},
            [VPN, to("199.36.153.8/30")],
            {"34.126.0.0/18"},
            "clients may be sent there, and with all traffic that goes through the VPC",
        ),
        ({"google_apis": "none"}, [], set(), "not wanted"),
    ],
)
def test_and_a_route_to_the_internet_gateway_that_we_never_make(
    profile: dict[str, Any], routes: list[Route], expected: set[str], reason: str
) -> None:
    wish = {"egress": "private-ranges-only", "google_apis": "private", "destinations": []}
    world = greenfield(policy({**wish, **profile})).add(Zone("apis", "googleapis.com."))
    world.routes = routes
    hit = [block for block in run(world)[-1].plan.blocked if block.what.startswith("route to ")]
    assert {block.what.removeprefix("route to ") for block in hit} == expected, reason
    assert all("--next-hop-gateway=default-internet-gateway" in block.help for block in hit)
    assert (world.jobs[job_name()].way is None) == bool(expected), reason


# --- attachment --------------------------------------------------------------------------------------------------

FOREIGN = ConnectorName(PROJECT, REGION, "theirs")
SIBLING = naming.connector_of(replace(SITE, profile="other"))


def with_foreign(world: World) -> World:
    return world.add(Connector(FOREIGN, NETWORK, State.READY, range="10.127.64.0/28"))


@pytest.mark.parametrize(
    ("way", "attached", "note", "reason"),
    [
        (None, True, "", "it has none"),
        (Way(Egress.PRIVATE, OURS), True, "", "the right connector, the wrong egress"),
        (Way(Egress.ALL, FOREIGN), False, "uses the connector theirs, not ours", "a working way of its own"),
        (Way(Egress.ALL, replace(FOREIGN, connector="gone")), True, "", "a connector that is gone"),
        (Way(Egress.ALL, replace(FOREIGN, region="us-central1")), True, "", "one in another region"),
        (Way(Egress.ALL, interface=Interface("default", "apps")), False, "Direct VPC egress", "the other road"),
        (Way(Egress.ALL, interface=Interface("default", "gone")), True, "", "the other road, in a subnet that is gone"),
        (Way(Egress.ALL, SIBLING), True, "", "another profile's connector is drift, and comes home"),
    ],
)
def test_a_job_is_attached_unless_it_has_a_working_way_of_its_own(
    way: Way | None, attached: bool, note: str, reason: str
) -> None:
    world = with_foreign(greenfield(None, job(way=way)))
    sibling = Subnet(SubnetName(PROJECT, REGION, SIBLING.connector), NETWORK, "10.127.99.0/28", google_access=True)
    world.add(sibling, Connector(SIBLING, NETWORK, State.READY, subnet=sibling.name))
    world.add(Subnet(SubnetName(PROJECT, REGION, "apps"), NETWORK, "10.20.0.0/20"))
    world.add(Router(RouterName(PROJECT, REGION, "theirs"), NETWORK, (Nat("all", Coverage.ALL),)))
    plan = run(world)[-1].plan
    assert (world.jobs[job_name()].way == ATTACHED) == attached, reason
    assert attached or world.jobs[job_name()].way == way
    assert note in " ".join(plan.notes), reason
    assert plan.empty


def test_an_attachment_carries_the_etag_of_the_job_as_it_was_seen() -> None:
    world = whole()
    world.add(job("second", etag="guard"))
    (change,) = plan_of(world).changes
    assert isinstance(change, Attach)
    assert (change.etag, change.was, change.way) == ("guard", None, ATTACHED)


def test_a_deleted_job_is_not_attached() -> None:
    world = whole()
    world.add(job("second", deleted=True))
    assert plan_of(world).empty


TAG = naming.direct_tag_of(SITE)


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ((TAG,), ()),
        ((TAG, "web"), ("its network tag web is taken off", "rules and routes of others")),
        ((), (f"it lacks the network tag {TAG}",)),
        (("web", "db"), (f"it lacks the network tag {TAG}", "its network tag db, web is taken off")),
    ],
)
def test_a_job_on_the_direct_road_has_our_tag_and_no_other_since_others_rules_may_name_that(
    tags: tuple[str, ...], said: tuple[str, ...]
) -> None:
    world = greenfield(policy({"road": "direct", "pool": ["10.127.0.0/16"]}))
    run(world)
    now = world.jobs[job_name()]
    assert now.way
    assert now.way.interface
    world.add(replace(now, way=replace(now.way, interface=replace(now.way.interface, tags=tags))))
    changes = [change for change in plan_of(world).changes if isinstance(change, Attach)]
    assert len(changes) == bool(said)
    assert all(word in change.because for change in changes for word in said)
    assert not any("it is on Direct VPC egress" in change.because for change in changes)


# --- network -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("create", "kind"), [(False, Blocked), (True, Create)])
def test_a_network_is_made_only_if_the_policy_says_so(create: bool, kind: type) -> None:
    plan = plan_of(World(policy(create_network=create)).add(job()))
    assert len(plan.changes) == create
    assert bool(plan.blocked) != create
    assert plan.waiting, "the rest waits for its ground"


def test_every_remedy_names_the_permissions_that_its_work_takes() -> None:
    from wayout.egress.remedies import REMEDIES

    names: list[str] = [remedy.name for remedy in REMEDIES]
    assert len(set(names)) == len(names)
    parts: Callable[[str], list[str]] = lambda text: text.split(".")  # noqa: E731 - a word for one line
    assert all(len(parts(permission)) == 3 for remedy in REMEDIES for permission in remedy.permissions)
