"""Other roads, and other people's things, on the wire: Direct VPC egress, adoption, Shared VPC, fights, end of life."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.house import JOBS, NETWORK, PROJECT, REGION, SITE, House
from wayout.cli.demo.stage import POLICY
from wayout.egress import naming
from wayout.egress.model import Site

OURS = naming.connector_of(SITE)
DIRECT = naming.subnet_of(SITE, "direct")
HOST = "host-project"


def changed(old: str, new: str) -> str:
    """The demo's policy, with one thing otherwise."""
    assert old in POLICY
    return POLICY.replace(old, new)


def with_line(line: str) -> str:
    return changed(f"    network: {NETWORK}\n", f"    network: {NETWORK}\n    {line}\n")


def arrives(house: House, job: str, to: str, port: int, protocol: str = "tcp") -> str:
    """What the local Google Cloud's own probe says of a packet."""
    asked = {"job": f"{JOBS}/{job}", "to": to, "protocol": protocol, "port": port}
    return str(house.admin("probe", asked)["verdict"])


def test_the_direct_road_ends_with_an_interface_a_subnet_and_rules_by_the_jobs_tag(tmp_path: Path) -> None:
    with House(tmp_path, policy=with_line("road: direct")) as house:
        house.developer.deploy("my-job")
        house.settle()

        [interface] = house.job("my-job")["networkInterfaces"]
        assert interface["subnetwork"] == str(DIRECT)
        assert interface["tags"] == [naming.direct_tag_of(SITE)]
        assert house.table("vpcaccess.connectors") == {}
        assert house.table("compute.subnetworks")[DIRECT.subnet]["ipCidrRange"].endswith("/26")
        assert house.plan("my-job").status == "whole"
        found = {port: arrives(house, "my-job", "93.184.216.34", port) for port in (80, 443)}
        assert found == {80: "dropped", 443: "delivered"}, house.say()
        assert arrives(house, "my-job", "10.20.0.5", 22) == "dropped"


def test_a_profile_that_changes_its_road_moves_its_jobs_in_one_write_each(tmp_path: Path) -> None:
    with House(tmp_path) as house:
        house.developer.deploy("my-job")
        house.settle()
        assert house.job("my-job")["connector"]
        house.policy.write_text(with_line("road: direct\n    idle: remove"), encoding="utf-8")
        before = len(house.writes())

        house.platform.sweep()
        house.settle()

        way = house.job("my-job")
        assert "connector" not in way
        assert way["networkInterfaces"]
        moves = [one for one in house.writes()[before:] if one.startswith("run.")]
        assert moves == ["run.projects.locations.jobs.patch"]
        assert arrives(house, "my-job", "93.184.216.34", 443) == "delivered"

        house.platform.sweep()
        house.settle()
        assert house.table("vpcaccess.connectors") == {}, "nobody is left on the old road"
        assert house.job("my-job") == way
        assert arrives(house, "my-job", "93.184.216.34", 443) == "delivered"


def test_a_connector_of_somebody_else_is_adopted_as_it_is(tmp_path: Path) -> None:
    with House(tmp_path, policy=with_line('adopt: {connectors: ["team-*"]}')) as house:
        house.platform.make_subnet("team-out", "10.8.200.0/28")
        house.settle()
        _connector(house, "team-out")
        _nat_for_all(house)
        rules = dict(house.table("compute.firewalls"))

        house.developer.deploy("my-job")
        house.settle()

        assert house.job("my-job")["connector"].endswith("/connectors/team-out")
        assert list(house.table("vpcaccess.connectors")) == ["team-out"]
        assert house.table("compute.firewalls") == rules, "not tightened by us"
        [said] = [one for one in house.outcomes() if one.changed]
        assert any("adopted as it is" in note for note in said.notes)


def _connector(house: House, name: str) -> None:
    path = f"v1/projects/{PROJECT}/locations/{REGION}/connectors?connectorId={name}"
    body = {"subnet": {"name": name}, "minInstances": 2, "maxInstances": 3}
    _rest(house, "POST", f"_svc/vpcaccess/{path}", body)


def _nat_for_all(house: House, project: str = PROJECT, network: str = NETWORK) -> None:
    nat = {
        "name": "all",
        "natIpAllocateOption": "AUTO_ONLY",
        "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
    }
    body = {"name": "edge", "network": f"projects/{project}/global/networks/{network}", "nats": [nat]}
    _rest(house, "POST", f"compute/v1/projects/{project}/regions/{REGION}/routers", body)


def _rest(house: House, verb: str, path: str, body: Any) -> None:
    import requests

    headers = {"Authorization": "Bearer platform@example.com"}
    answer = requests.request(verb, f"{house.url}/{path}", json=body, headers=headers, timeout=30)
    assert answer.status_code == 200, answer.text
    house.settle()


# --- Shared VPC -------------------------------------------------------------------------------------------------


def shared(writes: str) -> str:
    network = f"network: projects/{HOST}/global/networks/shared"
    line = f"{network}\n    host_writes: {writes}\n    connector: {{project: service}}"
    return changed(f"network: {NETWORK}", line)


def _host(house: House) -> Site:
    house.cloud.projects[HOST] = "210987654321"
    house.admin("shared_vpc", {"host": HOST, "service": PROJECT})
    body = {"name": "shared", "autoCreateSubnetworks": False}
    _rest(house, "POST", f"compute/v1/projects/{HOST}/global/networks", body)
    from wayout.egress.model import NetworkName

    return Site(NetworkName(HOST, "shared"), REGION, "internet-https", PROJECT)


@pytest.mark.parametrize("needs", [True, False])
def test_in_a_shared_vpc_the_connector_stands_in_the_service_project_on_a_host_subnet(
    tmp_path: Path, needs: bool
) -> None:
    """Whether such a connector lives by rules of ours alone, or by rules of Google's that nobody sees."""
    switches = {"vpcaccess.service_project_needs_rules": needs}
    with House(tmp_path, policy=shared("true"), switches=switches) as house:
        site = _host(house)
        house.developer.deploy("my-job")
        house.settle()

        ours = naming.connector_of(site)
        assert ours.project == PROJECT
        assert house.job("my-job")["connector"] == str(ours), house.outcomes()
        [connector] = house.table("vpcaccess.connectors").values()
        assert connector["subnet"] == {"name": naming.subnet_of(site).subnet, "projectId": HOST}
        rules = house.cloud.table("compute.firewalls")
        control = str(naming.rule_of(site, "control-out"))
        assert rules[control]["targetTags"] == [naming.tag_of(ours)]
        assert not any("/aet-" in name for name in rules), "Google makes none in a service project"
        assert arrives(house, "my-job", "93.184.216.34", 443) == "delivered"
        assert arrives(house, "my-job", "93.184.216.34", 80) == "dropped"


def test_without_leave_to_write_in_the_host_project_its_admin_is_told_what_to_run(tmp_path: Path) -> None:
    with House(tmp_path, policy=shared("false")) as house:
        site = _host(house)
        house.developer.deploy("my-job")
        house.settle()

        [said] = house.outcomes()
        assert said.status == "blocked"
        helps = "\n".join(blocked.help for blocked in said.blocked)
        assert f"gcloud compute networks subnets create {naming.subnet_of(site).subnet}" in helps
        assert house.writes() == []


# --- who else has a say -----------------------------------------------------------------------------------------


def test_a_rule_that_somebody_widens_again_and_again_is_not_fought_over(house: House) -> None:
    house.developer.deploy("my-job")
    house.settle()
    house.outcomes()
    rule = naming.rule_of(SITE, "out-tcp443").rule
    for _ in range(4):
        house.stranger.widen(rule)
        house.settle()

    healed = [record for record in house.writes() if record == "compute.firewalls.patch"]
    told = house.outcomes()
    resting = [said for said in told if said.status == "blocked"]
    assert len(resting) == 1, [said.status for said in told]
    assert "somebody@example.com" in resting[0].blocked[0].why
    assert house.table("compute.firewalls")[rule]["destinationRanges"] == ["0.0.0.0/0"]
    assert len(healed) == 2 + 2, "two of Google's rules were disabled, and two rounds were made"

    house.developer.deploy("my-other-job")
    house.settle()
    assert house.table("compute.firewalls")[rule]["destinationRanges"] != ["0.0.0.0/0"], "a new deploy ends the rest"


@pytest.mark.parametrize("idle", ["report", "remove"])
def test_a_site_whose_last_job_is_deleted_is_told_of_and_taken_down_where_the_policy_says_so(
    tmp_path: Path, idle: str
) -> None:
    with House(tmp_path, policy=with_line(f"idle: {idle}\n    idle_days: 2")) as house:
        house.developer.deploy("my-job")
        house.settle()
        house.outcomes()
        _rest(house, "DELETE", f"_svc/run/v2/{JOBS}/my-job", None)
        house.platform.sweep()
        house.settle()
        assert house.table("vpcaccess.connectors"), "not at once"

        _days_pass(house, 3)
        for _ in range(2):
            house.platform.sweep()
            house.settle()

        kept = idle == "report"
        assert bool(house.table("vpcaccess.connectors")) == kept, house.say()
        assert bool(house.table("compute.routers")) == kept
        ours = [name for name in house.table("compute.firewalls") if "wayout" in name]
        assert bool(ours) == kept
        assert bool(house.table("compute.subnetworks")) == kept


def _days_pass(house: House, days: int) -> None:
    """What the ledger holds is older now."""
    for entry in house.cloud.table("logging.entries").values():
        then = datetime.fromisoformat(entry["timestamp"]) - timedelta(days=days)
        entry["timestamp"] = then.isoformat().replace("+00:00", "Z")
