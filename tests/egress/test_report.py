"""What people and other systems are told."""

# ruff: noqa: E501 - words are compared as they are read, line by line
from __future__ import annotations

import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inline_snapshot import snapshot

from tests.egress.world import World
from tests.egress.worlds import OUR_ROUTER, OURS, greenfield, job, job_name, policy
from wayout import reconcile
from wayout.egress import report
from wayout.egress.messages import (
    BlockedSaid,
    CauseSaid,
    ChangeSaid,
    ErrorSaid,
    JobSaid,
    OutcomeSaid,
    SiteSaid,
    WaitingSaid,
)
from wayout.egress.model import Attach, Cause, Change, Connector, Create, Egress, JobTarget, Outcome, Result, Way

JANE = Cause("event-1", "jane@example.com", "deployed nightly", "2026-11-23T08:00:00Z")


def told(world: World) -> OutcomeSaid:
    """The plan's id stands for all that was seen, and is other words' affair."""
    said = reconcile.job(JobTarget(job_name()), JANE, world).said
    return said.model_copy(update={"plan": "627f7b0e2fbe"}) if said.plan else said


def refusing(change: Change) -> Outcome | None:
    if isinstance(change, Create) and isinstance(change.thing, Connector):
        return Outcome(change, Result.REFUSED, "Permission denied", "grant roles/vpcaccess.admin to wayout")
    return None


def in_words(message: dict[str, Any] | None) -> list[str]:
    """A Slack message as the lines that people read."""
    assert message
    found = [message["text"]]
    for block in message["blocks"]:
        elements = block.get("elements") or [block["text"]]
        found += [f"[{block['type']}] {element['text']}" for element in elements]
    return "\n".join(found).splitlines()


def test_a_full_success_on_slack() -> None:
    assert in_words(report.slack(told(greenfield()))) == snapshot(
        [
            ":white_check_mark: nightly in europe-west2: the way out is whole",
            "[header] nightly in europe-west2: the way out is whole",
            "[context] jane@example.com — deployed nightly",
            "[context] 2026-11-23T08:00:00Z",
            "[context] needs: rule 1 gives it the profile web",
            "[context] profile web, projects/shop/global/networks/default, mode enforce",
            "[section] *What was missing, and what was done*",
            "• the subnet wayout-9e3f7cc4 has been created: a connector needs a /28 of its own; 10.127.204.64/28 is free in the pool 10.127.0.0/16, and rules and NAT can name a subnet but no bare range",
            "• the firewall rule wayout-europe-west2-9e3f7cc4-control-in has been created: lets Google's serverless infrastructure reach the connector (priority 110)",
            "• the firewall rule wayout-europe-west2-9e3f7cc4-control-health has been created: lets Google check the connector's health (priority 110)",
            "• the firewall rule wayout-europe-west2-9e3f7cc4-control-out has been created: lets the connector reach Google's serverless infrastructure (priority 110)",
            "• the firewall rule wayout-europe-west2-9e3f7cc4-out-tcp443 has been created: allows tcp:443 to the internet (priority 300)",
            "• the firewall rule wayout-europe-west2-9e3f7cc4-deny-in has been created: denies the connector everything else inside the network (priority 950)",
            "• the connector wayout-9e3f7cc4 has been created: the profile web has no connector in europe-west2 yet; 2 to 3 e2-micro carry all its jobs",
            "• the firewall rule wayout-europe-west2-9e3f7cc4-deny-out has been created: denies the connector everything else, and logs it (priority 950)",
            "• the firewall rule wayout-europe-west2-9e3f7cc4-deny-out-ipv6 has been created: denies the connector all IPv6, and logs it (priority 950)",
            "• the firewall rule aet-europewest2-wayout--9e3f7cc4-sbntfw has been updated: disabled, since Google's automatic rule opens the whole network to 10.127.204.64/28; ours at 310 and 950 decide already",
            "• the firewall rule aet-europewest2-wayout--9e3f7cc4-tagfw has been updated: disabled, since Google's automatic rule opens the whole network to vpc-connector-europe-west2-wayout-9e3f7cc4; ours at 310 and 950 decide already",
            "• the router wayout-9e4ab6d0 has been created: web allows the internet, and no Cloud NAT covers wayout-9e3f7cc4 in europe-west2",
            "• the job nightly has been attached: it has no VPC egress, and the profile web gives it all-traffic",
            "[section] *Worth knowing*",
            "• while our NAT lists its subnets, no NAT for all subnets can be added to this network and region",
            "[section] *The way out*",
            "nightly → connector wayout-9e3f7cc4 → subnet 10.127.204.64/28 → 7 firewall rules (tcp:443 to internet) → Cloud NAT → internet",
            "[section] To take it back: `wayout undo 627f7b0e2fbe`",
        ]
    )


def test_a_full_success_on_a_terminal() -> None:
    assert list(report.lines(told(greenfield()))) == snapshot(
        [
            "nightly in europe-west2: the way out is whole",
            "  projects/shop/locations/europe-west2/jobs/nightly: needs, rule 1 gives it the profile web",
            "  the subnet wayout-9e3f7cc4 has been created: a connector needs a /28 of its own; 10.127.204.64/28 is free in the pool 10.127.0.0/16, and rules and NAT can name a subnet but no bare range",
            "  the firewall rule wayout-europe-west2-9e3f7cc4-control-in has been created: lets Google's serverless infrastructure reach the connector (priority 110)",
            "  the firewall rule wayout-europe-west2-9e3f7cc4-control-health has been created: lets Google check the connector's health (priority 110)",
            "  the firewall rule wayout-europe-west2-9e3f7cc4-control-out has been created: lets the connector reach Google's serverless infrastructure (priority 110)",
            "  the firewall rule wayout-europe-west2-9e3f7cc4-out-tcp443 has been created: allows tcp:443 to the internet (priority 300)",
            "  the firewall rule wayout-europe-west2-9e3f7cc4-deny-in has been created: denies the connector everything else inside the network (priority 950)",
            "  the connector wayout-9e3f7cc4 has been created: the profile web has no connector in europe-west2 yet; 2 to 3 e2-micro carry all its jobs",
            "  the firewall rule wayout-europe-west2-9e3f7cc4-deny-out has been created: denies the connector everything else, and logs it (priority 950)",
            "  the firewall rule wayout-europe-west2-9e3f7cc4-deny-out-ipv6 has been created: denies the connector all IPv6, and logs it (priority 950)",
            "  the firewall rule aet-europewest2-wayout--9e3f7cc4-sbntfw has been updated: disabled, since Google's automatic rule opens the whole network to 10.127.204.64/28; ours at 310 and 950 decide already",
            "  the firewall rule aet-europewest2-wayout--9e3f7cc4-tagfw has been updated: disabled, since Google's automatic rule opens the whole network to vpc-connector-europe-west2-wayout-9e3f7cc4; ours at 310 and 950 decide already",
            "  the router wayout-9e4ab6d0 has been created: web allows the internet, and no Cloud NAT covers wayout-9e3f7cc4 in europe-west2",
            "  the job nightly has been attached: it has no VPC egress, and the profile web gives it all-traffic",
            "  note: while our NAT lists its subnets, no NAT for all subnets can be added to this network and region",
            "  nightly → connector wayout-9e3f7cc4 → subnet 10.127.204.64/28 → 7 firewall rules (tcp:443 to internet) → Cloud NAT → internet",
            "  to take it back: wayout undo 627f7b0e2fbe",
        ]
    )


def test_a_blocked_way_on_slack() -> None:
    world = World(policy()).add(job())
    assert in_words(report.slack(told(world))) == snapshot(
        [
            ":no_entry: nightly in europe-west2: the way out is blocked",
            "[header] nightly in europe-west2: the way out is blocked",
            "[context] jane@example.com — deployed nightly",
            "[context] 2026-11-23T08:00:00Z",
            "[context] needs: rule 1 gives it the profile web",
            "[context] profile web, projects/shop/global/networks/default, mode enforce",
            "[section] *Left to you*",
            "• network default: it does not exist. *create the network default in project shop, name another one in the profile web, or let the policy say create_network: true*",
        ]
    )


def test_a_blocked_way_on_a_terminal() -> None:
    world = World(policy()).add(job())
    assert list(report.lines(told(world))) == snapshot(
        [
            "nightly in europe-west2: the way out is blocked",
            "  projects/shop/locations/europe-west2/jobs/nightly: needs, rule 1 gives it the profile web",
            "  blocked: network default: it does not exist → create the network default in project shop, name another one in the profile web, or let the policy say create_network: true",
        ]
    )


def test_a_refused_change_on_slack() -> None:
    world = greenfield()
    world.faults = [refusing]
    message = report.slack(told(world))
    assert in_words(message)[:3] + [line for line in in_words(message) if "refused" in line] == snapshot(
        [
            ":no_entry: nightly in europe-west2: Google refused a change",
            "[header] nightly in europe-west2: Google refused a change",
            "[context] jane@example.com — deployed nightly",
            ":no_entry: nightly in europe-west2: Google refused a change",
            "[header] nightly in europe-west2: Google refused a change",
            "• the connector wayout-9e3f7cc4 has been refused (Permission denied): the profile web has no connector in europe-west2 yet; 2 to 3 e2-micro carry all its jobs → grant roles/vpcaccess.admin to wayout",
        ]
    )


def test_a_refused_change_on_a_terminal() -> None:
    world = greenfield()
    world.faults = [refusing]
    assert [line for line in report.lines(told(world)) if "created:" not in line] == snapshot(
        [
            "nightly in europe-west2: Google refused a change",
            "  projects/shop/locations/europe-west2/jobs/nightly: needs, rule 1 gives it the profile web",
            "  the connector wayout-9e3f7cc4 has been refused (Permission denied): the profile web has no connector in europe-west2 yet; 2 to 3 e2-micro carry all its jobs → grant roles/vpcaccess.admin to wayout",
            "  waiting: attaching nightly, until the connector is as it should be",
            "  to take it back: wayout undo 627f7b0e2fbe",
        ]
    )


INVALID = report.invalid(Cause("m-1", "billing", "request", "2026-11-23T08:00:00Z"), "job", "it is missing", "r-7")


def test_a_request_that_cannot_be_read_on_slack() -> None:
    assert in_words(report.slack(INVALID)) == snapshot(
        [
            ":warning: Wayout: the request cannot be read",
            "[header] Wayout: the request cannot be read",
            "[context] billing — request",
            "[context] 2026-11-23T08:00:00Z",
            "[section] *What is wrong with the request*",
            "• job: it is missing",
        ]
    )


def test_a_request_that_cannot_be_read_on_a_terminal() -> None:
    assert list(report.lines(INVALID)) == snapshot(["Wayout: the request cannot be read", "  job: it is missing"])


def test_a_plan_that_nobody_applies_on_a_terminal() -> None:
    lines = list(report.lines(told(greenfield(policy(mode="observe", rules=[{"match": {}, "profile": "web"}])))))
    assert lines[:3] == snapshot(
        [
            "nightly in europe-west2: changes are wanted, and nobody has applied them",
            "  projects/shop/locations/europe-west2/jobs/nightly: needs, rule 1 gives it the profile web",
            "  the subnet wayout-9e3f7cc4 would be created: a connector needs a /28 of its own; 10.127.204.64/28 is free in the pool 10.127.0.0/16, and rules and NAT can name a subnet but no bare range",
        ]
    )
    assert not [line for line in lines if "has been" in line]


# --- quiet -------------------------------------------------------------------------------------------------------


def test_slack_is_quiet_when_nothing_changed_and_nothing_is_in_the_way() -> None:
    world = greenfield()
    told(world)
    assert report.slack(told(world)) is None
    assert report.slack(told(greenfield(policy(rules=[])))) is None


def test_what_somebody_else_was_quicker_with_is_no_news() -> None:
    kept = ChangeSaid(verb="create", kind="subnet", subject="s", because="b", result="kept")
    assert report.slack(outcome(status="whole", changes=(kept,))) is None


def test_what_is_in_the_way_is_told_though_nothing_changed() -> None:
    assert report.slack(outcome(status="blocked", blocked=(BlockedSaid(what="w", why="y", help="h"),)))


# --- limits, and nothing that marks up ---------------------------------------------------------------------------


def outcome(**more: Any) -> OutcomeSaid:
    return OutcomeSaid(cause=CauseSaid(id="1"), **{"status": "whole", **more})


evil = st.text(st.sampled_from("<>&!@*_ `~|abc\n:#\"'"), max_size=60)
huge = st.builds(lambda text, times: text * times, evil, st.sampled_from([1, 1, 1, 40, 200]))
changes = st.builds(
    ChangeSaid,
    verb=st.sampled_from(["create", "update", "remove", "attach", "detach"]),
    kind=evil,
    subject=evil,
    because=huge,
    result=st.sampled_from(["created", "updated", "kept", "refused", "put off", "planned"]),
    detail=huge,
    help=evil,
)
blocks = st.builds(BlockedSaid, what=evil, why=huge, help=huge)
stances = st.sampled_from(["needs", "fine", "exempt", "unclear", "absent"])
jobs = st.builds(JobSaid, job=evil, stance=stances, because=huge)


def several(items: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    repeated = st.builds(lambda found, times: tuple(found * times), st.lists(items, max_size=3), st.integers(1, 60))
    return st.lists(items, max_size=2).map(tuple) | repeated


outcomes = st.builds(
    OutcomeSaid,
    status=st.sampled_from(["whole", "planned", "blocked", "waiting", "refused", "invalid", "unneeded"]),
    cause=st.builds(CauseSaid, id=evil, who=evil, what=huge, when=evil),
    site=st.none() | st.builds(SiteSaid, network=evil, region=evil, profile=evil),
    jobs=several(jobs),
    changes=several(changes),
    blocked=several(blocks),
    waiting=several(st.builds(WaitingSaid, what=evil, until=evil)),
    notes=several(huge),
    way=several(evil),
    error=st.none() | st.builds(ErrorSaid, field=evil, message=huge),
)
BARE = re.compile(r"[<>]|&(?!(?:amp|lt|gt);)")


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(outcomes)
def test_no_outcome_bursts_slacks_limits_or_marks_up_with_a_name(said: OutcomeSaid) -> None:
    """Limits of Block Kit: 50 blocks, 10 elements, 150 characters in a header, 3000 in a text, none empty."""
    message = report.slack(said)
    if message is None:
        return
    assert len(message["blocks"]) <= 50
    assert not BARE.search(message["text"])
    for block in message["blocks"]:
        elements = block.get("elements") or [block["text"]]
        assert len(elements) <= 10
        for element in elements:
            limit = 150 if block["type"] == "header" else 3000
            assert 0 < len(element["text"]) <= limit
            assert element["type"] == "plain_text" or not BARE.search(element["text"])


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(outcomes)
def test_every_outcome_can_be_said_in_lines(said: OutcomeSaid) -> None:
    lines = list(report.lines(said))
    assert len(lines) >= 1 + len(said.jobs) + len(said.changes) + len(said.blocked)


def test_what_is_left_to_people_is_told_however_much_was_done() -> None:
    change = ChangeSaid(verb="create", kind="firewall rule", subject="s", because="b" * 2500, result="created")
    block = BlockedSaid(what="the door", why="it is locked", help="ask the porter")
    message = report.slack(outcome(status="blocked", changes=(change,) * 200, blocked=(block,)))
    assert any("ask the porter" in line for line in in_words(message))


# --- what an outcome says ----------------------------------------------------------------------------------------


def test_a_job_that_is_detached_is_not_said_to_be_attached() -> None:
    change = Attach(job_name(), "", None, Way(Egress.ALL, OURS), "nobody needs it")
    assert report.change_fields(change)["verb"] == "detach"
    message = ChangeSaid(verb="detach", kind="job", subject="jobs/nightly", because="no need", result="updated")
    planned = message.model_copy(update={"result": "planned"})
    assert report.changes_said(message) == "the job nightly has been detached: no need"
    assert report.changes_said(planned) == "the job nightly would be detached: no need"
    assert report.headline(outcome(status="whole", changes=(message,))).endswith("the way out is whole")


def test_the_outcome_lists_each_change_once_with_its_last_word() -> None:
    said = told(greenfield())
    keys = [(change.verb, change.subject) for change in said.changes]
    assert len(keys) == len(set(keys))
    assert {change.result for change in said.changes} == {"created", "updated"}
    assert any(change.subject == str(OUR_ROUTER) for change in said.changes)
    assert OutcomeSaid.model_validate_json(said.model_dump_json()) == said


def test_a_running_execution_is_said_to_keep_its_old_way() -> None:
    said = told(greenfield(None, job(running=True)))
    assert any("running and keeps its old way" in note for note in said.notes)
