"""What callers have used of their permissions, and what naming a subnet or an address in a Cloud NAT takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from localcloud.server import LocalCloud
from tests.localcloud.guarded import COMPUTE, NUMBER, OWNER, RUN, P, R, admin, bind, call

ANN = "ann@example.com"
ROLE = f"projects/{P}/roles/routing"
NETWORK, SUBNET = f"projects/{P}/global/networks/net", f"projects/{P}/regions/{R}/subnetworks/small"
ADDRESS = f"projects/{P}/regions/{R}/addresses/out"
ROUTING = ["compute.routers.create", "compute.routers.update", "compute.routers.get", "compute.networks.updatePolicy"]
LISTED = {
    "name": "nat",
    "natIpAllocateOption": "AUTO_ONLY",
    "sourceSubnetworkIpRangesToNat": "LIST_OF_SUBNETWORKS",
    "subnetworks": [{"name": SUBNET, "sourceIpRangesToNat": ["ALL_IP_RANGES"]}],
}
EVERY = {
    "name": "nat",
    "natIpAllocateOption": "MANUAL_ONLY",
    "natIps": [ADDRESS],
    "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
}


@pytest.fixture
def local() -> Iterator[LocalCloud]:
    """A guarded project with a network, a subnet and an address."""
    with LocalCloud(projects={P: NUMBER}) as found:
        admin(found, "guard", project=P, owner=f"user:{OWNER}")
        for path, body in (
            ("global/networks", {"name": "net", "autoCreateSubnetworks": False}),
            (f"regions/{R}/subnetworks", {"name": "small", "network": NETWORK, "ipCidrRange": "10.8.0.0/28"}),
            (f"regions/{R}/addresses", {"name": "out"}),
        ):
            assert call(found, "POST", f"{COMPUTE}/{path}", body).status_code == 200
            assert found.settle()
        yield found


def holds(local: LocalCloud, *permissions: str) -> None:
    """Ann holds these and nothing else."""
    admin(local, "roles", name=ROLE, permissions=[*ROUTING, *permissions])
    bind(local, ROLE, f"user:{ANN}")


def used(local: LocalCloud, who: str) -> Any:
    return requests.get(f"{local.url}/_localcloud/used", timeout=10).json().get(who, [])


def routes(local: LocalCloud, nat: dict[str, Any]) -> requests.Response:
    """Ann makes a router with a Cloud NAT."""
    body = {"name": "edge", "network": NETWORK, "nats": [nat]}
    return call(local, "POST", f"{COMPUTE}/regions/{R}/routers", body, ANN)


def test_what_was_granted_is_shown_with_its_resource(local: LocalCloud) -> None:
    bind(local, "roles/run.viewer", f"user:{ANN}")
    call(local, "GET", f"{RUN}/jobs", None, ANN)
    assert used(local, ANN) == [["run.jobs.list", f"projects/{P}/locations/{R}"]]


def test_what_was_refused_is_not_used(local: LocalCloud) -> None:
    assert call(local, "GET", f"{RUN}/jobs", None, ANN).status_code == 403
    assert used(local, ANN) == []


def test_asking_what_one_holds_uses_nothing(local: LocalCloud) -> None:
    bind(local, "roles/run.viewer", f"user:{ANN}")
    path = f"cloudresourcemanager/v1/projects/{P}:testIamPermissions"
    assert call(local, "POST", path, {"permissions": ["run.jobs.list"]}, ANN).json() == {
        "permissions": ["run.jobs.list"]
    }
    assert used(local, ANN) == []


@pytest.mark.parametrize(
    ("nat", "permission", "resource"),
    [(LISTED, "compute.subnetworks.use", SUBNET), (EVERY, "compute.addresses.use", ADDRESS)],
    ids=["a subnet", "an address"],
)
def test_naming_a_subnet_or_an_address_in_a_nat_takes_its_use(
    local: LocalCloud, nat: dict[str, Any], permission: str, resource: str
) -> None:
    holds(local)
    refused = routes(local, nat)
    assert refused.status_code == 403
    assert refused.json()["error"]["message"] == f"Required '{permission}' permission for '{resource}'"
    holds(local, permission)
    assert routes(local, nat).status_code == 200
    assert [permission, resource] in used(local, ANN)


def test_a_patch_that_names_them_takes_it_too_and_one_that_does_not_takes_nothing(local: LocalCloud) -> None:
    holds(local, "compute.subnetworks.use")
    assert routes(local, LISTED).status_code == 200
    assert local.settle()
    holds(local)
    path = f"{COMPUTE}/regions/{R}/routers/edge"
    assert call(local, "PATCH", path, {"nats": [LISTED]}, ANN).status_code == 403
    assert call(local, "PATCH", path, {"nats": []}, ANN).status_code == 200
