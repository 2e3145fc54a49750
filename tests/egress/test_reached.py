"""What a profile allows and nothing lets through is told, though all of ours stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.egress.world import World
from tests.egress.worlds import (
    INTERNET,
    NETWORK,
    OURS,
    PROJECT,
    REGION,
    greenfield,
    job_name,
    look_and_plan,
    policy,
    run,
)
from wayout.egress.model import (
    Action,
    Direction,
    FirewallPolicy,
    FirewallRule,
    Layer,
    Plan,
    PolicyRule,
    Route,
    Router,
    RouterName,
    RoutersOf,
    RuleName,
    Subnet,
    SubnetName,
    Traffic,
    Unreadable,
    Verb,
)

DATA = Subnet(SubnetName(PROJECT, REGION, "data"), NETWORK, "10.20.0.0/24")
ROUTER = Router(RouterName(PROJECT, REGION, "edge"), NETWORK)
TO_DATA = {"destinations": [{"to": "10.20.0.0/16", "ports": ["tcp:5432"]}], "google_apis": "none"}


def plan(world: World) -> Plan:
    made = run(world)[-1].plan
    assert world.jobs[job_name()].way, "the way is made all the same"
    return made


def org(destination: str = "10.20.0.0/24", verb: Verb = Verb.DENY, **more: Any) -> FirewallPolicy:
    told: dict[str, Any] = {"direction": Direction.EGRESS, "traffic": (Traffic("all"),), "destinations": (destination,)}
    return FirewallPolicy("org-wide", Layer.HIERARCHY, (PolicyRule(7, verb=verb, **{**told, **more}),))


def deny(priority: int) -> FirewallRule:
    traffic = (Traffic("tcp"),)
    return FirewallRule(
        RuleName(PROJECT, "theirs"),
        NETWORK,
        Direction.EGRESS,
        Action.DENY,
        priority,
        traffic,
        destinations=(DATA.range,),
    )


@pytest.mark.parametrize(
    ("policies", "rules", "said", "reason"),
    [
        ((), (), "", "nothing is in the way"),
        ((org(),), (), "denied by rule 7 of the firewall policy org-wide", "a hierarchical policy"),
        ((org(unclear=("destination FQDNs",)),), (), "", "it may match or not: nobody knows"),
        ((org("10.99.0.0/16"),), (), "", "another destination"),
        ((org(traffic=(Traffic("udp"),)),), (), "", "another protocol"),
        ((org(verb=Verb.NEXT),), (), "", "it decides nothing"),
        ((), (deny(250),), "denied by theirs at 250", "a rule above ours"),
        (
            (org(direction=Direction.INGRESS, destinations=(), sources=("10.127.0.0/16",)),),
            (),
            "denied by rule 7 of the firewall policy org-wide",
            "inwards",
        ),
    ],
)
def test_what_somebody_elses_deny_shuts_is_blocked_with_who_can_help(
    policies: tuple[FirewallPolicy, ...], rules: tuple[FirewallRule, ...], said: str, reason: str
) -> None:
    world = greenfield(policy(TO_DATA)).add(DATA, *rules)
    world.firewall_policies = policies
    blocked = plan(world).blocked
    assert bool(blocked) == bool(said), (reason, blocked)
    for one in blocked:
        assert (one.what, one.one_job) == ("way to 10.20.0.0/16", True)
        assert said in one.why
        assert "narrowed by who keeps it" in one.help


def test_a_deny_of_the_whole_internet_above_ours_is_told_too() -> None:
    world = greenfield()
    world.firewall_policies = (org("0.0.0.0/0"),)
    (one,) = plan(world).blocked
    assert (one.what, "org-wide:7" in one.help) == ("way to internet", True)


def test_a_part_of_the_internet_that_somebody_denies_is_a_note_and_no_block() -> None:
    world = greenfield()
    world.firewall_policies = (org("198.18.7.0/24"), org("93.184.0.0/16"))
    made = plan(world)
    assert not made.blocked
    [note] = [
        note for note in made.notes if note.startswith("not reachable: tcp:443 to 93.184.0.2, for one of internet")
    ]
    assert "org-wide" in note


@pytest.mark.parametrize(
    ("routes", "there", "said", "reason"),
    [
        ([INTERNET], [ROUTER], "a private or special address is not on the internet", "a router without peers"),
        ([INTERNET], [replace(ROUTER, dynamic=True)], "", "a router may have learned a way there"),
        ([], [replace(ROUTER, dynamic=True)], "", "even where no route is listed at all"),
        ([INTERNET], [], "a private or special address is not on the internet", "nothing there"),
        ([], [], "no route of the network leads there", "nothing leads there"),
        ([INTERNET], [DATA], "", "a part of it is there"),
        ([Route("vpn", NETWORK, "10.20.0.0/16", next_hop="tunnel")], [], "", "what lies beyond cannot be seen"),
    ],
)
def test_a_destination_to_which_nothing_leads_is_a_note(
    routes: list[Route], there: list[Any], said: str, reason: str
) -> None:
    world = greenfield(policy({**TO_DATA, "egress": "private-ranges-only"})).add(*there)
    world.routes = routes
    made = plan(world)
    notes = [note for note in made.notes if note.startswith("not reachable: tcp:5432 to 10.20.0.0/16")]
    assert made.empty, reason
    assert [said in note for note in notes] == ([True] if said else []), (reason, made.notes)


def test_on_the_direct_road_each_job_is_judged_by_its_own_account() -> None:
    world = greenfield(policy({**TO_DATA, "road": "direct", "pool": ["10.127.0.0/16"]})).add(DATA)
    world.add(replace(world.jobs[job_name()], service_account="batch@shop"))
    world.firewall_policies = (org(target_accounts=("batch@shop",)),)
    assert [one.what for one in plan(world).blocked] == ["way to 10.20.0.0/16"]
    assert OURS not in world.connectors


def test_where_routers_cannot_be_read_that_is_said_and_blocks_nothing() -> None:
    world = greenfield(policy({**TO_DATA, "egress": "private-ranges-only"}))
    run(world)
    world.unreadable = {RoutersOf: Unreadable("no sight of routers", "grant it")}
    made = look_and_plan(world)[0]
    assert made.empty
    assert any("cannot be judged: no sight of routers" in note for note in made.notes)
