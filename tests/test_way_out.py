"""The main job, end to end: a deploy's audit log entry comes in, and the job ends up with a safe way out."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest
import requests

from tests.house import NETWORK, PRINCIPAL, PROJECT, REGION, SITE, House
from wayout.egress import naming

CONNECTOR = naming.connector_of(SITE).connector
ROUTER = naming.router_of(SITE.network, REGION).router
OUT = naming.rule_of(SITE, "out-tcp443").rule
CONTROL_PRIORITY = 100


def test_a_deployed_job_ends_up_attached_behind_tight_rules_and_nat(house: House) -> None:
    house.developer.deploy("my-job")
    house.settle()

    way = house.job("my-job")
    assert way == {"connector": str(naming.connector_of(SITE)), "egress": "ALL_TRAFFIC"}, house.say()
    assert house.table("vpcaccess.connectors")[CONNECTOR]["state"] == "READY"
    assert house.table("compute.subnetworks")[CONNECTOR]["privateIpGoogleAccess"] is True
    [nat] = house.table("compute.routers")[ROUTER]["nats"]
    assert nat["sourceSubnetworkIpRangesToNat"] == "LIST_OF_SUBNETWORKS"
    assert nat["logConfig"]["enable"] is True
    rules = house.table("compute.firewalls")
    automatic = {name: rule for name, rule in rules.items() if naming.automatic(name)}
    assert len(automatic) == 6
    assert {name.rsplit("-", 1)[1] for name, rule in automatic.items() if rule["disabled"]} == {"sbntfw", "tagfw"}
    assert rules[naming.rule_of(SITE, "deny-out").rule]["priority"] == 950


def test_a_plan_after_a_successful_apply_is_empty(house: House) -> None:
    house.developer.deploy("my-job")
    house.settle()

    said = house.plan("my-job")

    assert (said.status, said.changes) == ("whole", ())


def test_the_whole_network_is_never_open_to_a_connector_that_a_job_uses(house: House) -> None:
    house.developer.deploy("my-job")
    house.settle()

    moments = {method: number for number, method in enumerate(house.writes())}
    order = ["vpcaccess.projects.locations.connectors.create", "run.projects.locations.jobs.patch"]
    first_rule = house.writes().index("compute.firewalls.insert")
    assert first_rule < moments[order[0]] < moments[order[1]]


def test_one_slack_message_says_who_what_and_why(house: House) -> None:
    house.developer.deploy("my-job")
    house.settle()

    [message] = house.slack()

    words = json.dumps(message, ensure_ascii=False)
    assert message["channel"] == "#egress"
    for word in ("dev@example.com", "my-job", "internet-https", "connector", "Cloud NAT", "The way out", "→ internet"):
        assert word in words, word


def test_a_second_job_in_the_same_site_is_attached_and_nothing_else_is_made(house: House) -> None:
    house.developer.deploy("my-job")
    house.settle()
    before = len(house.writes())

    house.developer.deploy("my-second-job")
    house.settle()

    assert house.writes()[before:] == ["run.projects.locations.jobs.patch"]
    assert house.job("my-second-job") == house.job("my-job")


def test_jobs_deployed_while_the_connector_is_made_are_attached_by_whoever_made_it(house: House) -> None:
    for name in ("job-a", "job-b", "job-c", "job-d"):
        house.developer.deploy(name)
    house.settle()

    assert {json.dumps(house.job(name)) for name in ("job-a", "job-b", "job-c", "job-d")} == {
        json.dumps(house.job("job-a"))
    }
    assert house.job("job-a"), house.say()
    assert house.writes().count("vpcaccess.projects.locations.connectors.create") == 1


def test_a_widened_rule_of_ours_is_healed_by_its_own_event(house: House) -> None:
    house.developer.deploy("my-job")
    house.settle()
    narrow = house.table("compute.firewalls")[OUT]["destinationRanges"]

    house.stranger.widen(OUT)
    house.settle()

    healed = house.table("compute.firewalls")[OUT]
    assert healed["destinationRanges"] == narrow
    assert healed["allowed"] == [{"IPProtocol": "tcp", "ports": ["443"]}]
    assert "somebody@example.com" in json.dumps(house.slack()[-1])


def test_an_event_that_comes_again_heals_again_at_its_first_try(house: House) -> None:
    house.developer.deploy("my-job")
    house.settle()
    house.stranger.widen(OUT)
    house.settle()
    [event] = [
        entry
        for entry in entries(house, "somebody@example.com")
        if entry["resource"]["type"] == "gce_firewall_rule" and entry["operation"].get("last")
    ]
    house.cloud.table("logging.sinks").clear()
    house.stranger.widen(OUT)
    house.settle()
    before = len(house.writes())

    deliver(house, [event])
    house.settle()

    assert house.writes()[before:] == ["compute.firewalls.patch"]
    assert house.table("compute.firewalls")[OUT]["allowed"] == [{"IPProtocol": "tcp", "ports": ["443"]}]


def test_a_nat_of_ours_that_somebody_deleted_is_made_again(house: House) -> None:
    house.developer.deploy("my-job")
    house.settle()

    house.stranger.delete_nats(ROUTER)
    house.settle()

    assert [nat["name"] for nat in house.table("compute.routers")[ROUTER]["nats"]] == ["wayout"]


def test_a_rule_that_is_not_ours_is_reported_and_never_touched(house: House) -> None:
    house.developer.deploy("my-job")
    house.settle()
    before = len(house.writes())

    house.stranger.allow_everything("legacy-allow-all")
    house.settle()
    looks = [record for record in house.cloud.records if record.principal == PRINCIPAL]
    house.outcomes()
    house.platform.ask_for("my-job", "42")
    house.settle()

    [answer] = house.outcomes()
    assert answer.status == "whole"
    assert any("not tight" in note and "legacy-allow-all" in note for note in answer.notes)
    assert house.writes()[before:] == []
    assert looks[-1].at < house.cloud.clock.seconds(), "its event alone cost no API call"


def test_a_sweep_attaches_what_no_event_told_of(house: House) -> None:
    house.cloud.table("logging.sinks").clear()
    house.developer.deploy("my-job")
    house.settle()
    assert house.job("my-job") == {}

    house.platform.sweep()
    house.settle()

    assert house.job("my-job")["egress"] == "ALL_TRAFFIC"


def test_evidence_alone_gets_a_job_no_profile_but_a_word(house: House) -> None:
    house.developer.deploy("my-job", label="", env={"DATABASE_URL": "postgres://app:hunter2@10.20.0.7/orders"})
    house.settle()

    [said] = house.outcomes()

    assert said.jobs[0].stance == "unclear"
    assert "10.20.0.7" in said.jobs[0].because
    assert "hunter2" not in said.model_dump_json()
    assert house.writes() == []


# --- events: ours, doubled, reversed, by the other road ---


def entries(house: House, principal: str = "") -> list[dict[str, Any]]:
    """The audit log entries so far, in the order in which they were written."""
    found = [entry for entry in house.cloud.table("logging.entries").values() if "protoPayload" in entry]
    who = [entry["protoPayload"].get("authenticationInfo", {}).get("principalEmail", "") for entry in found]
    return [entry for entry, email in zip(found, who, strict=True) if not principal or email == principal]


def deliver(house: House, found: Iterable[dict[str, Any]]) -> list[int]:
    """Push entries to the function as a Pub/Sub subscription does; answers with the HTTP statuses."""
    statuses = []
    for number, entry in enumerate(found):
        data = base64.b64encode(json.dumps(entry).encode()).decode()
        body = {
            "subscription": "projects/my-project/subscriptions/x",
            "message": {"data": data, "messageId": str(number)},
        }
        statuses.append(
            requests.post(house.endpoint("on_audit_log", "wayout-events"), json=body, timeout=60).status_code
        )
    return statuses


def test_our_own_events_replayed_at_us_write_nothing(house: House) -> None:
    house.developer.deploy("my-job")
    house.settle()
    before = len(house.writes())

    statuses = deliver(house, entries(house, PRINCIPAL))

    assert statuses
    assert set(statuses) == {200}
    assert house.writes()[before:] == []


def test_every_event_doubled_ends_in_the_same_world(house: House) -> None:
    house.developer.deploy("my-job")
    house.settle()
    house.developer.deploy("my-second-job")
    house.stranger.widen(OUT)
    house.stranger.delete_nats(ROUTER)
    house.stranger.allow_everything("legacy-allow-all")
    house.settle()
    world, before = house.world(), len(house.writes())

    every = entries(house)
    statuses = deliver(house, [entry for entry in every for _ in range(2)])
    house.settle()

    assert set(statuses) == {200}
    assert house.writes()[before:] == []
    assert house.world() == world


def test_events_that_come_last_first_end_in_the_same_world(
    house: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in ("my-job", "my-second-job"):
        house.developer.deploy(name)
    house.settle()
    world = house.world()

    with House(tmp_path_factory.mktemp("reversed")) as other:
        other.cloud.table("logging.sinks").clear()
        for name in ("my-job", "my-second-job"):
            other.developer.deploy(name)
        other.settle()
        deliver(other, reversed(entries(other)))
        other.settle()
        other.cloud.table("logging.sinks").update(house.cloud.table("logging.sinks"))

        assert other.world() == world


def test_the_same_event_as_an_eventarc_cloudevent_does_the_same(house: House) -> None:
    house.cloud.table("logging.sinks").clear()
    house.admin(
        "triggers",
        {
            "name": "jobs",
            "url": house.endpoint("on_audit_log", "none").split("/projects/")[0] + "/",
            "serviceName": "run.googleapis.com",
        },
    )
    house.developer.deploy("my-job")
    house.settle()

    assert house.job("my-job")["egress"] == "ALL_TRAFFIC", house.say()


def test_the_ledger_remembers_every_change_with_before_and_after_and_no_secret(house: House) -> None:
    house.developer.deploy("my-job", env={"PASSWORD": "hunter2"})
    house.settle()

    ledger = [entry for entry in house.cloud.table("logging.entries").values() if "wayout-ledger" in entry["logName"]]

    kinds = {entry["jsonPayload"]["kind"] for entry in ledger}
    assert kinds == {"subnet", "firewall rule", "connector", "router", "job"}
    begun, attached = (entry["jsonPayload"] for entry in ledger if entry["jsonPayload"]["kind"] == "job")
    assert (begun["result"], attached["result"]) == ("begun", "updated")
    assert "all-traffic" in json.dumps(attached["after"])
    assert attached["before"] is not None
    assert "hunter2" not in json.dumps(ledger)


def test_a_deploy_that_the_organisation_policy_refused_prepares_the_site_and_names_the_flags(house: House) -> None:
    policy = house.policy.read_text(encoding="utf-8")
    house.policy.write_text(policy + "rules:\n  - {profile: internet-https}\n", encoding="utf-8")
    house.cloud.switches["run.allowed_vpc_egress"] = ["all-traffic"]

    with pytest.raises(Exception, match="allowedVPCEgress"):
        house.developer.deploy("my-job")
    house.settle()

    assert house.table("vpcaccess.connectors")[CONNECTOR]["state"] == "READY", house.say()
    assert any(
        f"--vpc-connector={naming.connector_of(SITE)} " in note for said in house.outcomes() for note in said.notes
    )


def test_a_network_of_somebody_else_is_left_as_it_was(house: House) -> None:
    house.stranger.allow_everything("legacy-allow-all")
    house.settle()
    theirs = house.table("compute.firewalls")["legacy-allow-all"]

    house.developer.deploy("my-job")
    house.settle()

    assert house.table("compute.firewalls")["legacy-allow-all"] == theirs
    assert house.table("compute.networks")[NETWORK]["name"] == NETWORK
    assert PROJECT == "my-project"
