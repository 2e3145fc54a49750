"""Firewall rules, through google-cloud-compute and on the bare wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud import compute_v1

from tests.localcloud.served import P, Served, refusal, served

TCP = [{"IPProtocol": "tcp"}]


@pytest.fixture(scope="module")
def shared() -> Iterator[Served]:
    with served() as found:
        found.network()
        found.network("other")
        yield found


@pytest.fixture
def stage(shared: Served) -> Iterator[Served]:
    """The shared cloud; rules do not survive a test."""
    yield shared
    shared.cloud.table("compute.firewalls").clear()
    shared.cloud.switches.clear()
    shared.cloud.denied.clear()


def test_a_rule_made_with_the_client_library_gets_its_defaults(stage: Served) -> None:
    wanted = compute_v1.Firewall(
        name="rule", network="global/networks/net", allowed=[compute_v1.Allowed(I_p_protocol="tcp", ports=["443"])]
    )
    operation = stage.firewalls.insert(project=P, firewall_resource=wanted)
    assert (operation.operation_type, operation.user) == ("insert", "anonymous")
    stage.everywhere.wait(project=P, operation=operation.name)
    found = stage.firewalls.get(project=P, firewall="rule")
    assert (found.direction, found.priority, found.disabled) == ("INGRESS", 1000, False)
    assert list(found.source_ranges) == ["0.0.0.0/0"]
    assert found.log_config.enable is False
    assert found.kind == "compute#firewall"


@pytest.mark.parametrize(
    ("fields", "added"),
    [
        pytest.param({}, {"sourceRanges": ["0.0.0.0/0"]}, id="ingress from anywhere"),
        pytest.param({"direction": "EGRESS"}, {"destinationRanges": ["0.0.0.0/0"]}, id="egress to anywhere"),
        pytest.param({"sourceTags": ["a"]}, {}, id="a tag is a source"),
        pytest.param(
            {"destinationRanges": ["10.0.0.0/8"]},
            {"sourceRanges": ["0.0.0.0/0"]},
            id="ingress may have destinations, and still comes from anywhere",
        ),
        pytest.param({"direction": "EGRESS", "destinationRanges": ["::/0"]}, {}, id="IPv6 alone"),
        pytest.param(
            {"direction": "EGRESS", "sourceRanges": ["10.8.0.0/28"], "destinationRanges": ["10.0.0.0/8"]},
            {},
            id="egress may have sources",
        ),
        pytest.param({"logConfig": {"enable": True}}, {"sourceRanges": ["0.0.0.0/0"]}, id="logs"),
    ],
)
def test_what_a_rule_does_not_say_is_filled_in(stage: Served, fields: dict[str, Any], added: dict[str, Any]) -> None:
    stage.made(stage.rule(**fields))
    found = stage.call("GET", "./global/firewalls/rule").json()
    for key in ("sourceRanges", "destinationRanges", "sourceTags"):
        assert found.get(key) == (fields | added).get(key)
    if "logConfig" in fields:
        assert found["logConfig"] == {"enable": True, "metadata": "INCLUDE_ALL_METADATA"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"name": "1up"}, "resource.name", id="a name that starts with a digit"),
        pytest.param({"priority": 65536}, "resource.priority", id="a priority out of bounds"),
        pytest.param({"priority": -1}, "resource.priority", id="a negative priority"),
        pytest.param({"allowed": None}, "resource.allowed", id="neither allowed nor denied"),
        pytest.param({"denied": TCP}, "resource.allowed", id="both allowed and denied"),
        pytest.param({"allowed": [{"IPProtocol": "tpc"}]}, "resource.allowed[0].IPProtocol", id="a strange protocol"),
        pytest.param(
            {"allowed": [{"IPProtocol": "icmp", "ports": ["1"]}]},
            "resource.allowed[0].ports[0]",
            id="icmp has no ports",
        ),
        pytest.param(
            {"allowed": [{"IPProtocol": "tcp", "ports": ["1", "90-80"]}]},
            "resource.allowed[0].ports[1]",
            id="backwards",
        ),
        pytest.param(
            {"allowed": [{"IPProtocol": "tcp", "ports": ["65536"]}]}, "resource.allowed[0].ports[0]", id="no such port"
        ),
        pytest.param({"sourceRanges": ["10.0.0.0/33"]}, "resource.sourceRanges[0]", id="no such range"),
        pytest.param({"sourceRanges": ["10.0.0.0/8", "::/0"]}, "resource.sourceRanges", id="both families in one list"),
        pytest.param(
            {"sourceRanges": ["10.0.0.0/8"], "destinationRanges": ["::/0"]}, "resource.sourceRanges", id="in two lists"
        ),
        pytest.param({"direction": "EGRESS", "sourceTags": ["a"]}, "resource.sourceTags", id="egress from a tag"),
        pytest.param(
            {"direction": "EGRESS", "sourceServiceAccounts": ["a@x"]}, "resource.sourceServiceAccounts", id="or account"
        ),
        pytest.param(
            {"targetTags": ["a"], "targetServiceAccounts": ["a@x"]},
            "resource.targetServiceAccounts",
            id="targets by tag and by account",
        ),
        pytest.param(
            {"targetServiceAccounts": [f"{n}@x" for n in range(11)]}, "resource.targetServiceAccounts", id="11 accounts"
        ),
        pytest.param({"targetTags": ["A b"]}, "resource.targetTags[0]", id="no tag"),
        pytest.param({"network": "global/networks/absent"}, "resource.network", id="no such network"),
        pytest.param({"network": "net"}, "resource.network", id="a bare name is no link"),
        pytest.param({"network": None}, "resource.network", id="the network `default`, which is not there"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_field(stage: Served, fields: dict[str, Any], field: str) -> None:
    status, reason, message = refusal(stage.rule(**fields))
    assert (status, reason) == (400, "invalid")
    assert message.startswith(f"Invalid value for field '{field}': '")


def test_patch_merges_and_put_replaces(stage: Served) -> None:
    stage.made(stage.rule(description="mine", targetTags=["a", "b"], priority=200))
    patched = stage.done(stage.call("PATCH", "./global/firewalls/rule", {"targetTags": ["c"], "disabled": True}))
    assert patched["operationType"] == "patch"
    found = stage.call("GET", "./global/firewalls/rule").json()
    assert (found["targetTags"], found["priority"], found["description"]) == (["c"], 200, "mine")
    stage.made(stage.call("PATCH", "./global/firewalls/rule", {"targetTags": []}))
    assert "targetTags" not in stage.call("GET", "./global/firewalls/rule").json()
    stage.made(stage.call("PUT", "./global/firewalls/rule", {"name": "rule", "denied": TCP}))
    after = stage.call("GET", "./global/firewalls/rule").json()
    assert (after["priority"], after["disabled"], after["denied"]) == (1000, False, TCP)
    assert after["description"] == ""
    assert (after["id"], after["creationTimestamp"]) == (found["id"], found["creationTimestamp"])


def test_a_rule_read_and_sent_back_whole_is_accepted(stage: Served) -> None:
    stage.made(stage.rule())
    found = stage.firewalls.get(project=P, firewall="rule")
    found.priority = 7
    operation = stage.firewalls.patch(project=P, firewall="rule", firewall_resource=found)
    stage.everywhere.wait(project=P, operation=operation.name)
    assert stage.firewalls.get(project=P, firewall="rule").priority == 7


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"direction": "EGRESS"}, id="its direction"),
        pytest.param({"network": "global/networks/other"}, id="its network"),
        pytest.param({"name": "another"}, id="its name"),
    ],
)
def test_what_makes_a_rule_that_rule_cannot_be_changed(stage: Served, change: dict[str, Any]) -> None:
    stage.made(stage.rule())
    assert refusal(stage.call("PATCH", "./global/firewalls/rule", change))[:2] == (400, "invalid")


def test_a_taken_name_is_refused_while_it_is_made_and_until_it_is_gone(stage: Served) -> None:
    first = stage.rule()
    expected = (409, "alreadyExists", f"The resource 'projects/{P}/global/firewalls/rule' already exists")
    assert refusal(stage.rule()) == expected
    stage.made(first)
    assert refusal(stage.rule()) == expected
    deletion = stage.call("DELETE", "./global/firewalls/rule")
    assert refusal(stage.rule()) == expected
    stage.made(deletion)
    assert refusal(stage.call("DELETE", "./global/firewalls/rule"))[:2] == (404, "notFound")


def test_one_rule_too_many_is_refused(stage: Served) -> None:
    stage.cloud.switches["compute.firewalls.quota"] = 1
    stage.made(stage.rule())
    message = "Quota 'FIREWALLS' exceeded.  Limit: 1.0 globally."
    assert refusal(stage.rule("second")) == (403, "QUOTA_EXCEEDED", message)
    assert stage.call("GET", ".").json()["quotas"] == [{"metric": "FIREWALLS", "limit": 1.0, "usage": 1.0}]


@pytest.mark.parametrize(
    ("denied", "resource"),
    [
        pytest.param("compute.firewalls.create", "global/firewalls/rule", id="on rules"),
        pytest.param("compute.networks.updatePolicy", "global/networks/net", id="on the network's policy"),
    ],
)
def test_a_rule_takes_permission_on_itself_and_on_its_network(stage: Served, denied: str, resource: str) -> None:
    stage.cloud.denied.append(("dana@*", denied))
    message = f"Required '{denied}' permission for 'projects/{P}/{resource}'"
    assert refusal(stage.rule()) == (403, "forbidden", message)
    entry = stage.entries("v1.compute.firewalls.insert")[-1]
    assert entry["severity"] == "ERROR"
    assert entry["protoPayload"]["status"]["code"] == 7
    assert "response" not in entry["protoPayload"]


def test_effective_firewalls_hold_rules_and_policies(stage: Served) -> None:
    path = "./global/networks/net/getEffectiveFirewalls"
    assert stage.call("GET", path).json() == {}
    stage.made(stage.rule())
    stage.made(stage.rule("far", network="global/networks/other"))
    policy = {"name": "123", "type": "HIERARCHY", "rules": []}
    policies = stage.cloud.table("compute.effective_policies")
    policies[f"projects/{P}/global/networks/net"] = {"firewallPolicys": [policy]}
    found = stage.networks.get_effective_firewalls(project=P, network="net")
    assert [one.name for one in found.firewalls] == ["rule"]
    assert [one.name for one in found.firewall_policys] == ["123"]
    policies.clear()


def test_numbers_are_text_and_lists_plural_in_the_activity_log(stage: Served) -> None:
    stage.made(stage.rule(allowed=None, denied=TCP, priority=900, direction="EGRESS"))
    request = stage.entries("v1.compute.firewalls.insert")[-2]["protoPayload"]["request"]
    assert request["@type"] == "type.googleapis.com/compute.firewalls.insert"
    assert (request["priority"], request["denieds"]) == ("900", TCP)
    assert "denied" not in request
