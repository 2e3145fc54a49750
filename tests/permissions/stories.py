"""What happens in the scenarios, on the wire. Each story asserts that it ends as it should."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.house import JOBS, NETWORK, PRINCIPAL, PROJECT, REGION, SITE
from tests.permissions.granting import HOST, Granted
from wayout import explain
from wayout.cli.demo.stage import POLICY
from wayout.egress import naming
from wayout.egress.model import JobName
from wayout.egress.reach import Packet
from wayout.wiring import Wired

Story = Callable[[Granted], None]

OURS = naming.connector_of(SITE)
ROUTER = naming.router_of(SITE.network, REGION).router
OUT = naming.rule_of(SITE, "out-tcp443").rule
COMPUTE = f"compute/v1/projects/{PROJECT}"
REGIONAL = f"{COMPUTE}/regions/{REGION}"
CONNECTORS = "_svc/vpcaccess/v1/projects/{}/locations/" + REGION + "/connectors"
ALL = {"ipProtocol": "all"}


def changed(old: str, new: str, policy: str = POLICY) -> str:
    """The demo's policy, with one thing otherwise."""
    assert old in policy
    return policy.replace(old, new)


def having(*lines: str, network: str = NETWORK) -> str:
    """The demo's policy, with more lines in its profile."""
    found = "".join(f"    {line}\n" for line in lines)
    return changed(f"    network: {NETWORK}\n", f"    network: {network}\n{found}")


# --- what the stories are made of ---


def deploys(house: Granted, job: str = "my-job", **how: Any) -> None:
    house.developer.deploy(job, **how)
    house.settle()


def sweeps(house: Granted) -> None:
    house.platform.sweep()
    house.settle()


def allows(house: Granted, policy: str) -> None:
    """The policy says something else from now on, and everything is looked at."""
    house.policy.write_text(policy, encoding="utf-8")
    sweeps(house)


def days_pass(house: Granted, days: int) -> None:
    """What the ledger holds is older now."""
    for entry in house.cloud.table("logging.entries").values():
        then = datetime.fromisoformat(entry["timestamp"]) - timedelta(days=days)
        entry["timestamp"] = then.isoformat().replace("+00:00", "Z")


def attached(house: Granted, job: str = "my-job") -> bool:
    """Whether a job ended on its way out, and everything on it is whole."""
    way = house.job(job)
    return bool(way.get("connector") or way.get("networkInterfaces")) and house.plan(job).status == "whole"


def lists(house: Granted, kind: str) -> bool:
    return bool(house.table(kind))


# --- the stories ---


def greenfield(house: Granted) -> None:
    deploys(house)
    assert attached(house)
    assert [said.status for said in house.outcomes() if said.changed] == ["whole"]


def second_job(house: Granted) -> None:
    greenfield(house)
    deploys(house, "my-second-job")
    assert house.job("my-second-job") == house.job("my-job")


def healed(house: Granted) -> None:
    """Everything that somebody may break on a way out, one after the other, each healed by its own event."""
    greenfield(house)
    house.stranger.widen(OUT)
    house.settle()
    assert house.table("compute.firewalls")[OUT]["destinationRanges"] != ["0.0.0.0/0"]
    house.stranger.delete_nats(ROUTER)
    house.settle()
    assert house.table("compute.routers")[ROUTER].get("nats")
    access = {"privateIpGoogleAccess": False}
    house.rest("POST", f"{REGIONAL}/subnetworks/{OURS.connector}/setPrivateIpGoogleAccess", access)
    assert house.table("compute.subnetworks")[OURS.connector]["privateIpGoogleAccess"]
    assert attached(house)


def other_road(house: Granted) -> None:
    """From a connector to Direct VPC egress, whereupon the connector's road is taken down."""
    greenfield(house)
    allows(house, having("road: direct", "idle: remove"))
    sweeps(house)
    assert house.job("my-job").get("networkInterfaces")
    assert not lists(house, "vpcaccess.connectors")


def adopted(house: Granted) -> None:
    """A connector of others, with a Cloud NAT of others, in the project of the network."""
    project, network = house.places["network"], "shared" if house.shares else NETWORK
    link, regional = f"projects/{project}/global/networks/{network}", f"compute/v1/projects/{project}/regions/{REGION}"
    subnet = {"name": "team-out", "network": link, "ipCidrRange": "10.8.200.0/28"}
    house.rest("POST", f"{regional}/subnetworks", subnet)
    body: dict[str, Any] = {"subnet": {"name": "team-out"}, "minInstances": 2, "maxInstances": 3}
    house.rest("POST", f"{CONNECTORS.format(project)}?connectorId=team-out", body)
    nat = {
        "name": "all",
        "natIpAllocateOption": "AUTO_ONLY",
        "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
    }
    house.rest("POST", f"{regional}/routers", {"name": "edge", "network": link, "nats": [nat]})
    deploys(house)
    assert house.job("my-job").get("connector", "").endswith("/team-out")


def reserved_addresses(house: Granted) -> None:
    house.rest("POST", f"{REGIONAL}/addresses", {"name": "out-1"})
    greenfield(house)
    nats = house.table("compute.routers")[ROUTER]["nats"]
    assert [[one.rsplit("/", 1)[-1] for one in nat["natIps"]] for nat in nats] == [["out-1"]]


def network_made(house: Granted) -> None:
    greenfield(house)
    assert NETWORK in house.table("compute.networks")


def google_apis(house: Granted) -> None:
    network = f"https://www.googleapis.com/{COMPUTE}/global/networks/{NETWORK}"
    zone = {
        "name": "apis",
        "dnsName": "googleapis.com.",
        "description": "",
        "visibility": "private",
        "privateVisibilityConfig": {"networks": [{"networkUrl": network}]},
    }
    house.rest("POST", f"dns/v1/projects/{PROJECT}/managedZones", zone)
    greenfield(house)


def folder_rule(house: Granted) -> None:
    """The policy gives a profile to the jobs of a folder, on which a firewall policy is in force."""
    rule = {"priority": 9, "direction": "EGRESS", "action": "goto_next", "match": {"layer4Configs": [ALL]}}
    policies = {"firewallPolicys": [{"name": "1", "type": "HIERARCHY", "rules": [rule]}]}
    house.cloud.table("compute.effective_policies")[f"projects/{PROJECT}/global/networks/{NETWORK}"] = policies
    house.admin("parents", {"resource": f"projects/{PROJECT}", "parent": "folders/12"})
    house.admin("parents", {"resource": "folders/12", "parent": "organizations/34"})
    deploys(house, label="")
    assert attached(house)


def peered(house: Granted) -> None:
    house.platform.make_network("other")
    link = "projects/{}/global/networks/{}"
    for one, other in ((NETWORK, "other"), ("other", NETWORK)):
        peering = {"name": "peer", "network": link.format(PROJECT, other), "exchangeSubnetRoutes": True}
        body = {"networkPeering": peering}
        house.rest("POST", f"{COMPUTE}/global/networks/{one}/addPeering", body)
    greenfield(house)


def requested(house: Granted) -> None:
    """Another system asks for a way out for a job that nothing else speaks for."""
    deploys(house, label="")
    words = {"job": f"{JOBS}/my-job", "profile": "internet-https", "sender": "billing", "id": "r-1"}
    house.platform.publish("wayout-requests", base64.b64encode(json.dumps(words).encode()).decode())
    house.settle()
    assert [(said.request, said.status) for said in house.outcomes()] == [("r-1", "whole")]
    assert house.job("my-job")


def swept(house: Granted) -> None:
    """No event told of the job."""
    house.cloud.table("logging.sinks").clear()
    deploys(house)
    assert house.job("my-job") == {}
    sweeps(house)
    assert attached(house)


def observed(house: Granted) -> None:
    """Nothing is written but what is told."""
    deploys(house)
    assert [(said.status, said.mode, said.blocked) for said in house.outcomes()] == [("planned", "observe", ())]
    assert house.writes() == []


def explained(house: Granted) -> None:
    """`wayout explain`, typed by somebody with the runtime account's rights."""
    deploys(house)
    wired = Wired(house.person(PRINCIPAL).settings, watch=lambda *_: None)
    try:
        name = JobName(PROJECT, REGION, "my-job")
        found = explain.explain(name, Packet("93.184.216.34", "tcp", 80), wired)
        assert found.now.answer == "reachable"
        assert found.then
        assert found.then.answer == "not reachable"
        assert explain.walk(name, wired)
    finally:
        wired.clients.close()


def refused_deploy(house: Granted) -> None:
    """The organisation policy refuses the deploy: its site is prepared, and the flags are told."""
    house.cloud.switches["run.allowed_vpc_egress"] = ["all-traffic"]
    with pytest.raises(Exception, match="allowedVPCEgress"):
        house.developer.deploy("my-job", label="")
    house.settle()
    assert any("--vpc-connector=" in note for said in house.outcomes() for note in said.notes)


def narrowed(house: Granted) -> None:
    """The profile no longer has one of its destinations."""
    greenfield(house)
    before = len(house.table("compute.firewalls"))
    line = '      - {to: 10.20.0.0/16, ports: ["tcp:5432"]}\n'
    allows(house, changed(line, ""))
    assert len(house.table("compute.firewalls")) < before
    assert attached(house)


def grown(house: Granted) -> None:
    """The profile's connector gets larger."""
    deploys(house)
    assert attached(house)
    allows(house, house.policy.read_text(encoding="utf-8").replace("max_instances: 3", "max_instances: 5"))
    assert [one["maxInstances"] for one in house.table("vpcaccess.connectors").values()] == [5]
    assert attached(house)


def broken_at_birth(house: Granted) -> None:
    """The connector does not come up the first time, and is made again."""
    house.admin("faults", {"name": "connector-unhealthy"})
    deploys(house)
    sweeps(house)  # no log sink tells of what becomes of connectors in a host
    assert attached(house)


def leftovers(house: Granted) -> None:
    """Somebody deletes the connector, and Google's rules for it outlive it."""
    greenfield(house)
    house.rest("DELETE", f"{CONNECTORS.format(PROJECT)}/{OURS.connector}")
    assert attached(house)


def end_of_life(house: Granted) -> None:
    """The last job is deleted, and days later everything is taken down."""
    deploys(house)
    assert attached(house)
    house.rest("DELETE", f"_svc/run/v2/{JOBS}/my-job")
    sweeps(house)
    days_pass(house, 3)
    for _ in range(2):
        sweeps(house)
    for kind in ("vpcaccess.connectors", "compute.routers", "compute.subnetworks"):
        assert not lists(house, kind), kind


def detached(house: Granted) -> None:
    """A job that needs no way out any more is taken off it."""
    greenfield(house)
    job = house.rest("GET", f"_svc/run/v2/{JOBS}/my-job")
    house.rest("PATCH", f"_svc/run/v2/{JOBS}/my-job", job | {"labels": {"wayout": "off"}})
    sweeps(house)
    assert house.job("my-job") == {}


def in_shared(story: Story) -> Story:
    """The same story in a Shared VPC, whose network the host's people have made."""

    def told(house: Granted) -> None:
        body = {"name": "shared", "autoCreateSubnetworks": False}
        house.rest("POST", f"compute/v1/projects/{HOST}/global/networks", body)
        story(house)

    return told
