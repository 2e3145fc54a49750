"""Errors of the catalogue that come by themselves: what is asked for is wrong, and the answer is the recorded one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from google.api_core import exceptions

from localcloud.faults.calls import catalogue
from tests.localcloud.building import ACCOUNT, OUT, PARENT, Body, Building, P, R, building, gateway

JOBS = f"v2/{PARENT}/jobs"
CONNECTORS = f"v1/{PARENT}/connectors"
Act = Callable[[Building], tuple[int, str]]
LISTED: Body = {"subnet": {"name": "out"}, "minInstances": 2, "maxInstances": 3}


@pytest.fixture(scope="module")
def site() -> Iterator[Building]:
    with building() as found:
        found.network()
        found.subnet("out", "10.8.0.0/28")
        found.subnet("wide", "10.9.0.0/24")
        found.subnet("spare", "10.8.1.0/28")
        found.rule("taken", allowed=[{"IPProtocol": "tcp"}])
        found.connector("taken", subnet={"name": "out"})
        found.made(found.router("all", gateway()))
        found.made(found.router("none"))
        found.network("apart")
        found.subnet("listed", "10.20.0.0/28", "apart")
        every = [{"name": f"regions/{R}/subnetworks/listed", "sourceIpRangesToNat": ["ALL_IP_RANGES"]}]
        found.made(found.router("first", gateway("listed", subnetworks=every), network="apart"))
        found.made(found.router("second", network="apart"))
        assert found.job(f"{PARENT}/connectors/taken", name="taken").status_code == 200
        assert found.local.settle()
        yield found


def said(answer: requests.Response) -> tuple[int, str]:
    """Status and message of a refusal at once."""
    return answer.status_code, str(answer.json().get("error", {}).get("message", "it was not refused"))


def connector(id_: str = "fresh", **fields: Any) -> Act:
    body = {key: value for key, value in (LISTED | fields).items() if value is not None}
    return lambda site: said(site.call("POST", "vpcaccess", f"{CONNECTORS}?connectorId={id_}", body))


def broken(id_: str, **fields: Any) -> Act:
    """What the operation of a connector ends with, as Google's client tells it."""

    def act(site: Building) -> tuple[int, str]:
        with pytest.raises(exceptions.GoogleAPICallError) as refusal:
            site.connector(id_, **fields)
        assert site.state(f"{PARENT}/connectors/{id_}") == "ERROR"
        return 0, str(refusal.value.message)

    return act


def without_size(site: Building) -> tuple[int, str]:
    body = {"subnet": {"name": "out"}}
    begun: Body = site.call("POST", "vpcaccess", f"{CONNECTORS}?connectorId=sizeless", body).json()
    assert site.local.settle()
    return 0, str(site.call("GET", "vpcaccess", f"v1/{begun['name']}").json()["error"]["message"])


def switched(name: str, value: Any, act: Act) -> Act:
    """Something that happens only while a switch is set."""

    def around(site: Building) -> tuple[int, str]:
        site.switch(name, value)
        try:
            return act(site)
        finally:
            site.switch(name, None)

    return around


def disabled(service: str, act: Act) -> Act:
    def around(site: Building) -> tuple[int, str]:
        site.admin("services", {"project": P, "service": service, "enabled": False})
        try:
            return act(site)
        finally:
            site.admin("services", {"project": P, "service": service, "enabled": True})

    return around


def denied(permission: str, act: Act) -> Act:
    def around(site: Building) -> tuple[int, str]:
        site.admin("deny", {"principal": "*", "permission": permission})
        try:
            return act(site)
        finally:
            site.admin("allow", {})

    return around


def job(vpc: Body, name: str = "fresh") -> Act:
    task = {"containers": [{"image": "image"}], "serviceAccount": ACCOUNT, "vpcAccess": vpc}
    return lambda site: said(site.call("POST", "run", f"{JOBS}?jobId={name}", {"template": {"template": task}}))


def rule(name: str = "fresh", **fields: Any) -> Act:
    body = {"name": name, "network": "global/networks/net", "allowed": [{"IPProtocol": "tcp"}], **fields}
    return lambda site: said(site.compute("POST", "global/firewalls", body))


def nats(router: str, *found: Body) -> Act:
    return lambda site: said(site.compute("PATCH", f"regions/{R}/routers/{router}", {"nats": list(found)}))


def busy(site: Building) -> tuple[int, str]:
    """A network is asked to go while it is still being made."""
    begun = site.compute("POST", "global/networks", {"name": "busy", "autoCreateSubnetworks": False})
    try:
        return said(site.compute("DELETE", "global/networks/busy"))
    finally:
        site.made(begun)


def unready(site: Building) -> tuple[int, str]:
    site.subnet("new", "10.31.0.0/28")
    return said(site.compute("DELETE", f"regions/{R}/subnetworks/new"))


def missing_image(site: Building) -> tuple[int, str]:
    body = {"template": {"template": {"containers": [{"image": "image"}], "serviceAccount": ACCOUNT}}}
    begun: Body = site.call("POST", "run", f"{JOBS}?jobId=imageless", body).json()
    assert site.local.settle()
    return 0, str(site.call("GET", "run", f"v2/{begun['name']}").json()["error"]["message"])


def account(site: Building) -> tuple[int, str]:
    path, body = f"v1/projects/{P}/serviceAccounts", {"accountId": "sa-robot"}
    site.call("POST", "iam", path, body)
    return said(site.call("POST", "iam", path, body))


PATCHED: Body = {"privateIpGoogleAccess": True}
CONSTRAINT = {
    "constraint": "customConstraints/custom.defaultNetworkConstraint",
    "description": "Require network to not be set to default.",
    "field": "network",
    "value": "default",
}
BOTH = {"connector": OUT, "networkInterfaces": [{"network": "net"}]}
SECONDARY = {"name": f"regions/{R}/subnetworks/listed", "sourceIpRangesToNat": ["PRIMARY_IP_RANGE"]}
ACTS: dict[str, Act] = {
    "connector-id-pattern": connector("No"),
    "connector-name-set": connector(name=OUT),
    "connector-min-instances": connector(minInstances=1),
    "connector-min-not-below-max": connector(minInstances=3),
    "connector-api-disabled": disabled("vpcaccess", connector()),
    "connector-permission-denied": denied("vpcaccess.connectors.create", connector()),
    "connector-exists": connector("taken"),
    "connector-custom-constraint": switched(
        "vpcaccess.custom_constraints",
        [CONSTRAINT],
        connector(subnet=None, network="default", ipCidrRange="10.40.0.0/28"),
    ),
    "connector-subnet-not-28": broken("wide", subnet={"name": "wide"}),
    "connector-range-overlaps": broken("overlaps", network="net", ip_cidr_range="10.9.0.0/28"),
    "connector-no-size": without_size,
    "connector-cpu-quota": switched("vpcaccess.cpu_quota", 1, broken("big", subnet={"name": "spare"})),
    "connector-absent": lambda s: said(s.call("GET", "vpcaccess", f"{CONNECTORS}/nothing")),
    "job-connector-unusable": job({"connector": f"{PARENT}/connectors/nothing"}),
    "job-two-roads": job(BOTH),
    "job-egress-policy": switched(
        "run.allowed_vpc_egress", ["all-traffic"], job({"connector": f"{PARENT}/connectors/taken"})
    ),
    "job-image-missing": switched("run.missing_images", ["image"], missing_image),
    "job-exists": job({"connector": f"{PARENT}/connectors/taken"}, "taken"),
    "job-absent": lambda s: said(s.call("GET", "run", f"{JOBS}/nothing")),
    "network-not-ready": busy,
    "firewall-exists": rule("taken"),
    "firewall-denied": denied("compute.firewalls.create", rule()),
    "firewall-foreign-network": rule(network="projects/host-project/global/networks/net"),
    "compute-api-disabled": disabled("compute", rule()),
    "nat-all-subnets-exists": nats("none", gateway()),
    "nat-subnet-taken": nats("second", gateway("listed")),
    "nat-secondary-ranges": nats(
        "second", gateway("listed") | {"subnetworks": [SECONDARY | {"secondaryIpRangeNames": ["pods"]}]}
    ),
    "subnet-exists": lambda s: said(s.begin_subnet("out", "10.30.0.0/28")),
    "subnet-not-ready": switched("compute.ready_after", 60, unready),
    "compute-absent": lambda s: said(s.compute("GET", f"regions/{R}/routers/nothing")),
    "fingerprint-missing": lambda s: said(s.compute("PATCH", f"regions/{R}/subnetworks/out", PATCHED)),
    "service-account-exists": account,
}


@pytest.mark.parametrize("name", ACTS)
def test_the_recorded_message_comes_without_a_fault(site: Building, name: str) -> None:
    entry = catalogue()[name]
    assert not site.cloud.faults
    status, message = ACTS[name](site)
    assert re.match(pattern(entry["message"]), message), message
    assert status in (0, entry.get("http", status))


def pattern(message: str) -> str:
    """What a recorded message looks like here: quotes name other things, and `...` is where one was cut."""
    words = re.sub(r"\\\{\w+\\\}", ".+", re.escape(message))
    return words.replace(r"\.\.\.", ".+").replace("1111111", r"\d+")


def test_the_catalogue_says_of_each_whether_it_comes_by_itself() -> None:
    said = {name: entry["provoked"].partition(":")[0] for name, entry in catalogue().items()}
    assert said == {name: "naturally" if name in ACTS else "on demand" for name in catalogue()}
