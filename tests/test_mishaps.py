"""What happens when something stands in the way: a clear word, to whom it helps, and nothing half-done or lost."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from localcloud.slack import Slack
from tests.house import CHANNEL, PRINCIPAL, PROJECT, House
from wayout.cli.demo.people import DEAD
from wayout.cli.demo.stage import POLICY


def test_a_network_that_does_not_exist_blocks_and_says_who_makes_it(tmp_path: Path) -> None:
    with House(tmp_path, network="") as house:
        house.developer.deploy("my-job")
        house.settle()

        [said] = house.outcomes()

        assert said.status == "blocked"
        assert said.blocked[0].what == "network my-vpc"
        assert "create_network: true" in said.blocked[0].help
        assert house.writes() == []
        assert "my-vpc" in json.dumps(house.slack()[-1])


def test_a_network_is_made_where_the_policy_says_so(tmp_path: Path) -> None:
    with House(tmp_path, network="", policy=POLICY + "create_network: true\n") as house:
        house.developer.deploy("my-job")
        house.settle()

        assert house.job("my-job")["egress"] == "ALL_TRAFFIC", house.say()


def test_a_full_pool_blocks_and_says_what_would_free_it(tmp_path: Path) -> None:
    with House(tmp_path, policy=POLICY.replace("10.8.0.0/20", "10.8.0.0/28")) as house:
        house.platform.make_subnet("taken", "10.8.0.0/28")
        house.settle()
        house.developer.deploy("my-job")
        house.settle()

        [said] = house.outcomes()

        assert said.status == "blocked"
        held = "it is taken up by 10.8.0.0/28 by the subnet taken in europe-west2"
        assert said.blocked[0].why == f"no /28 is free in the pool 10.8.0.0/28: {held}"
        assert "enlarge the pool" in said.blocked[0].help
        assert house.writes() == [], "what cannot be finished is not begun"


def test_a_missing_permission_on_connectors_is_named_and_nothing_is_taken_for_absent(house: House) -> None:
    house.admin("deny", {"principal": PRINCIPAL, "permission": "vpcaccess.connectors.*"})
    house.developer.deploy("my-job")
    house.settle()

    said = house.outcomes()[-1]

    [block] = said.blocked
    assert "vpcaccess.connectors.list" in block.help
    assert "connector" in block.what
    assert "vpcaccess.projects.locations.connectors.create" not in house.writes()
    assert house.job("my-job") == {}


def test_a_refused_creation_is_told_once_with_the_permission_and_the_delivery_is_done(house: House) -> None:
    house.admin("deny", {"principal": PRINCIPAL, "permission": "vpcaccess.connectors.create"})
    house.developer.deploy("my-job")
    house.settle()

    said = house.outcomes()[-1]

    [refused] = [change for change in said.changes if change.result == "refused"]
    assert refused.kind == "connector"
    assert "vpcaccess.connectors.create" in refused.help
    assert said.status == "refused"
    assert house.writes().count("vpcaccess.projects.locations.connectors.create") == 1


def test_a_granted_permission_lets_the_next_event_finish_the_work(house: House) -> None:
    house.admin("deny", {"principal": PRINCIPAL, "permission": "vpcaccess.connectors.create"})
    house.developer.deploy("my-job")
    house.settle()
    house.admin("allow", {})

    house.platform.sweep()
    house.settle()

    assert house.job("my-job")["egress"] == "ALL_TRAFFIC", house.say()


def test_a_disabled_api_blocks_with_the_api_to_enable(house: House) -> None:
    house.admin("services", {"project": PROJECT, "service": "vpcaccess.googleapis.com", "enabled": False})
    house.developer.deploy("my-job")
    house.settle()

    said = house.outcomes()[-1]

    [block] = said.blocked
    assert "vpcaccess.googleapis.com" in block.help
    assert house.writes() == []


def test_a_malformed_request_is_answered_with_the_field(house: House) -> None:
    words = json.dumps({"job": "my-job", "sender": "billing", "id": "r-1"}).encode()
    house.platform.publish("wayout-requests", base64.b64encode(words).decode())
    house.settle()

    [said] = house.outcomes()

    assert (said.status, said.request) == ("invalid", "r-1")
    assert said.error
    assert said.error.field == "job"
    assert said.error.message == "write projects/PROJECT/locations/REGION/jobs/JOB"
    assert house.slack()[-1]["channel"] == CHANNEL


def test_slack_being_down_loses_no_message(house: House) -> None:
    slack = house.cloud.part(Slack)
    house.admin("slack", {"mode": "down"})
    house.developer.deploy("my-job")
    house.cloud.after(900.0, lambda: setattr(slack, "mode", "ok"))
    house.settle()

    assert len(house.slack()) == 1
    assert house.job("my-job")["egress"] == "ALL_TRAFFIC"


def test_slack_that_asks_for_patience_gets_it(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        house.admin("slack", {"mode": "limited", "times": 2, "retryAfter": 1})
        house.developer.deploy("my-job")
        house.settle()

        assert len(house.slack()) == 1


def test_a_connector_that_fails_to_come_up_is_made_again_and_after_three_times_left_to_people(house: House) -> None:
    house.cloud.switches["vpcaccess.create_error"] = {
        "code": 9,
        "message": "Operation failed: Insufficient CPU quota in region.",
    }
    house.developer.deploy("my-job")
    house.settle()

    said = house.outcomes()[-1]

    assert said.status == "blocked", said
    assert "Insufficient CPU quota" in said.model_dump_json()
    assert house.writes().count("vpcaccess.projects.locations.connectors.create") == 3
    assert house.job("my-job") == {}


def test_a_message_without_data_is_counted_and_acknowledged(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    _publish(house, "wayout-events", {"attributes": {"kind": "x"}})
    house.settle()

    [line] = [json.loads(text) for text in capsys.readouterr().out.splitlines() if "event.unread" in text]
    assert line["why"] == "the message has no data"
    assert house.platform.dead_letters() == []


def test_dead_letters_are_heard_of_whatever_they_hold(house: House) -> None:
    _publish(house, DEAD, {"attributes": {"kind": "x"}})
    _publish(house, DEAD, {"data": base64.b64encode(b"\xff\xfe").decode()})
    _publish(house, DEAD, {"data": base64.b64encode(b'{"a": 1}').decode()})

    first, second, third = house.platform.dead_letters()

    assert first["attributes"] == {"kind": "x"}
    assert base64.b64decode(second["data"]) == b"\xff\xfe"
    assert third == {"a": 1}


def _publish(house: House, topic: str, message: dict[str, Any]) -> None:
    house.platform._rest("POST", f"v1/projects/{PROJECT}/topics/{topic}:publish", {"messages": [message]})
