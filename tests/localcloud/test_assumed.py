"""What nobody outside Google has established, one switch each: both ways that it may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions

from tests.localcloud.building import ACCOUNT, PARENT, Building, P, R, building, gateway

POLICY = "constraints/run.allowedVPCEgress"
WIDE = {"network": f"projects/{P}/global/networks/net", "subnetwork": f"projects/{P}/regions/{R}/subnetworks/wide"}


@pytest.fixture
def site() -> Iterator[Building]:
    with building() as found:
        found.network()
        found.subnet("out", "10.8.0.0/28")
        yield found


def test_whether_an_ingress_rule_may_name_destinations(site: Building) -> None:
    rule = {
        "name": "into",
        "network": "global/networks/net",
        "direction": "INGRESS",
        "sourceTags": ["vpc-connector-europe-west2-out"],
        "destinationRanges": ["10.20.0.0/16"],
        "allowed": [{"IPProtocol": "tcp"}],
    }
    site.made(site.compute("POST", "global/firewalls", rule))
    site.switch("compute.ingress_destinations", False)
    why = "destinationRanges cannot be specified for INGRESS rules."
    for verb, path in (("POST", "global/firewalls"), ("PATCH", "global/firewalls/into")):
        status, reason, message = site.refused(
            site.compute(verb, path, rule | ({"name": "b"} if verb == "POST" else {}))
        )
        assert (status, reason) == (400, "invalid")
        assert message == f"Invalid value for field 'resource.destinationRanges': '10.20.0.0/16'. {why}"
    site.made(site.compute("POST", "global/firewalls", rule | {"name": "c", "destinationRanges": []}))


@pytest.mark.parametrize("served", [True, False])
def test_whether_a_nat_for_all_subnets_serves_a_hidden_one(site: Building, served: bool) -> None:
    site.switch("vpcaccess.hidden_subnet_has_nat", served)
    site.connector(network="net", ip_cidr_range="10.9.0.0/28")
    site.made(site.router("router", gateway()))
    site.job()
    site.local.settle()
    asked = {"job": f"{PARENT}/jobs/job", "to": "203.0.112.1", "protocol": "tcp", "port": 443}
    assert site.admin("probe", asked)["verdict"] == ("delivered" if served else "dropped")


@pytest.mark.parametrize("deletes", [True, False])
def test_whether_a_connector_in_use_can_be_deleted(site: Building, deletes: bool) -> None:
    site.switch("vpcaccess.deletes_in_use", deletes)
    site.connector()
    site.job()
    site.local.settle()
    if not deletes:
        with pytest.raises(exceptions.FailedPrecondition, match="is in use by"):
            site.remove()
        assert site.state() == "READY"
        site.call("DELETE", "run", f"v2/{PARENT}/jobs/job")
        site.local.settle()
    site.remove()
    with pytest.raises(exceptions.NotFound):
        site.state()


@pytest.mark.parametrize(
    ("form", "status", "where"),
    [("message", 400, "message"), ("denied", 403, "message"), ("details", 400, "details")],
)
def test_how_an_organisation_policy_on_egress_refuses(site: Building, form: str, status: int, where: str) -> None:
    site.switch("run.allowed_vpc_egress", ["all-traffic"])
    site.switch("run.egress_refusal", form)
    site.connector()
    answer = site.job(egress="PRIVATE_RANGES_ONLY")
    error = answer.json()["error"]
    assert answer.status_code == status
    assert [part for part in ("message", "details") if POLICY in str(error.get(part))] == [where]
    [entry] = [
        one["protoPayload"]
        for one in site.cloud.table("logging.entries").values()
        if one["protoPayload"]["methodName"].endswith("CreateJob")
    ]
    assert POLICY in str(entry["status"][where])


def executed(site: Building, tasks: int) -> Any:
    """A job on Direct VPC egress, and an execution of it that has ended."""
    site.subnet("wide", "10.20.0.0/26")
    task = {
        "containers": [{"image": "image"}],
        "serviceAccount": ACCOUNT,
        "vpcAccess": {"networkInterfaces": [WIDE], "egress": "ALL_TRAFFIC"},
    }
    body = {"template": {"taskCount": tasks, "template": task}}
    assert site.call("POST", "run", f"v2/{PARENT}/jobs?jobId=job", body).status_code == 200
    site.local.settle()
    assert site.call("POST", "run", f"v2/{PARENT}/jobs/job:run", {}).status_code == 200
    [execution] = site.cloud.table("run.executions").values()
    return execution


def test_how_long_an_execution_holds_its_subnet(site: Building) -> None:
    site.switch("run.direct_addresses_held", 3600)
    execution = executed(site, 1)
    path = f"regions/{R}/subnetworks/wide"
    user = f"is already being used by 'projects/{P}/regions/{R}/addresses/serverless-ipv4-"
    assert user in site.refused(site.compute("DELETE", path))[2], "while it runs"
    site.local.settle()
    assert "completionTime" in execution
    site.cloud.clock.advance(3500)
    assert user in site.refused(site.compute("DELETE", path))[2], "and for an hour"
    site.cloud.clock.advance(200)
    site.made(site.compute("DELETE", path))


def test_a_subnet_is_free_at_once_where_nothing_is_held(site: Building) -> None:
    executed(site, 1)
    site.local.settle()
    site.made(site.compute("DELETE", f"regions/{R}/subnetworks/wide"))


@pytest.mark.parametrize(
    ("each", "tasks", "fits"),
    [
        (1, 64, "a block of 16 for 16 tasks, four blocks in a /26"),
        (1, 65, ""),
        (2, 32, "twice as many each, half as many tasks"),
        (2, 33, ""),
    ],
)
def test_how_many_addresses_a_task_takes(site: Building, each: int, tasks: int, fits: str) -> None:
    site.switch("run.direct_addresses_per_task", each)
    execution = executed(site, tasks)
    site.local.settle()
    assert ("succeededCount" in execution) == bool(fits)
    assert ("failedCount" in execution) != bool(fits)


def test_how_much_time_passes_while_somebody_asks_for_an_operation(site: Building) -> None:
    site.switch("clock.asking_passes", 30)
    going = site.begin()
    states = [site.call("GET", "vpcaccess", f"v1/{going.operation.name}").json().get("done", False) for _ in range(6)]
    assert states == [False] * 5 + [True], "160 seconds, 30 at a time"
    assert site.cloud.clock.seconds() < 200
