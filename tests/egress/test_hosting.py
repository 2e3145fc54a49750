"""A Shared VPC in whose host project nothing may be written: what its admin is asked for, at once and in order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.egress.world import World
from tests.egress.worlds import PROJECT, REGION, job, job_name, policy
from wayout import reconcile
from wayout.egress import report
from wayout.egress.commands import gcloud
from wayout.egress.messages import OutcomeSaid
from wayout.egress.model import (
    Action,
    Attach,
    Cause,
    Change,
    Direction,
    FirewallRule,
    JobTarget,
    Network,
    NetworkName,
    Outcome,
    Result,
    Route,
    RuleName,
    Site,
    Traffic,
)
from wayout.egress.report.slack import escape

JANE = Cause("1", "jane@example.com", "deployed")
HOST = NetworkName("host", "shared")
SHARED: dict[str, Any] = {"network": str(HOST), "connector": {"project": "service"}}


def shared(*jobs: Any, **profile: Any) -> World:
    world = World(policy({**SHARED, **profile}), automatic=False)
    world.add(Network(HOST), Route("default-route", HOST, "0.0.0.0/0", internet=True))
    return world.add(*(jobs or (job(),)))


def told(world: World) -> OutcomeSaid:
    return reconcile.job(JobTarget(job_name()), JANE, world).said


def commands(said: OutcomeSaid) -> list[str]:
    """The commands of the one script that is asked for."""
    [block] = said.blocked
    return [line for line in block.help.split("\n")[1:] if not line.startswith("#")]


def by_admin(world: World) -> list[Change]:
    """What somebody who may do it all would write in the host project, in order."""
    free = replace(world, policies=policy({**SHARED, "host_writes": True}), applied=[], history=[])
    for table in ("jobs", "subnets", "rules", "routers", "connectors"):
        setattr(free, table, dict(getattr(world, table)))
    told(free)
    return [one for one, _ in free.applied if not isinstance(one, Attach) and one.thing.name.project == HOST.project]


def test_everything_is_asked_for_at_once_and_in_order() -> None:
    world = shared()
    said = told(world)
    [block] = said.blocked
    assert block.what == "subnet, 7 firewall rules, router"
    assert block.why == "what is missing lies in the host project host, where the profile web lets us write nothing"
    assert block.help.startswith("let an admin of host run this, in this order, and the next sweep or wayout apply JOB")
    assert commands(said) == [gcloud(change) for change in by_admin(world)]
    assert "\n# allows tcp:443 to the internet (priority 300)\ngcloud compute firewall-rules create" in block.help
    assert world.applied == []


def test_once_the_admin_has_run_it_the_rest_is_ours_and_nothing_is_asked_for_again() -> None:
    world = shared()
    for change in by_admin(world):
        assert world.make(change).result == Result.CREATED
    said = told(world)
    assert (said.status, said.blocked) == ("whole", ())
    assert [change.kind for change in said.changes] == ["connector", "job"]


def test_what_is_left_of_it_is_asked_for_again() -> None:
    world = shared()
    first, *rest = by_admin(world)
    world.make(first)
    assert commands(told(world)) == [gcloud(change) for change in rest]


def test_there_is_no_script_while_something_else_is_in_the_way() -> None:
    world = shared()
    world.routes.clear()
    said = told(world)
    assert "no route leads to the default internet gateway" in " ".join(block.why for block in said.blocked)
    assert not any("in this order" in block.help for block in said.blocked)


def test_nobody_is_asked_to_run_what_fails_its_proof() -> None:
    world = shared()
    world.add(Route("to-office", HOST, "192.168.0.0/16", next_hop="vpn-tunnel-1"))
    wide = RuleName(HOST.project, "allow-all")
    everywhere = ("0.0.0.0/0",)
    world.add(FirewallRule(wide, HOST, Direction.EGRESS, Action.ALLOW, 500, (Traffic("all"),), destinations=everywhere))
    said = told(world)
    assert "have allow-all narrowed" in " ".join(block.help for block in said.blocked)
    assert not any("gcloud" in block.help for block in said.blocked)


def test_a_job_with_a_source_of_its_own_is_told_of_beside_it() -> None:
    world = shared(job(), job("terraformed", labels=(("goog-terraform-provisioned", "true"),)))
    for change in by_admin(world)[:-1]:
        world.make(change)
    ending = reconcile.whole_site(Site(HOST, REGION, "web", PROJECT), JANE, world)
    assert ending
    assert [block.what for block in ending.said.blocked if "gcloud" in block.help] == ["router"]


def test_slack_shows_all_of_it_and_no_command_with_a_star_at_its_end() -> None:
    said = told(shared())
    blocks = (report.slack(said) or {})["blocks"]
    texts = [block["text"]["text"] for block in blocks if block["type"] == "section"]
    lines = [line for text in texts for line in text.splitlines()]
    assert [line for line in lines if line.startswith("gcloud")] == [escape(command) for command in commands(said)]
    assert all(len(text) <= 3000 for text in texts)


def test_what_refuses_a_change_of_ours_does_not_hide_the_script() -> None:
    world = shared()
    world.faults.append(lambda change: Outcome(change, Result.REFUSED, "no") if isinstance(change, Attach) else None)
    assert len(commands(told(world))) == 9
