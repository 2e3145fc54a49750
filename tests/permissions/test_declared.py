"""What infra/roles.yaml grants is what the house declares: by role, and for each remedy what its looks take."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from tests.egress.worlds import greenfield, policy, want
from tests.permissions.granting import grants, listed, roles
from wayout.egress.model import (
    AddressesIn,
    ConnectorsIn,
    NetworkAt,
    PeerRoutesOf,
    PoliciesOf,
    Read,
    RegionPoliciesOf,
    ReservedIn,
    RoutersOf,
    RoutesOf,
    RuleQuotaOf,
    RulesOf,
    SubnetsOf,
    ZonesOf,
)
from wayout.egress.permissions import OWNERS, Role, held_by, needs, writes
from wayout.egress.remedies import REMEDIES, Remedy

# look -> the permissions that Google asks for: the reference of the method that the reader calls
TAKES: dict[type[Read[Any]], set[str]] = {
    NetworkAt: {"compute.networks.get"},
    SubnetsOf: {"compute.subnetworks.list"},
    RuleQuotaOf: {"compute.projects.get"},
    RulesOf: {"compute.firewalls.list"},
    PoliciesOf: {"compute.networks.getEffectiveFirewalls"},
    RegionPoliciesOf: {"compute.networks.getRegionEffectiveFirewalls"},
    RoutersOf: {"compute.routers.list"},
    RoutesOf: {"compute.routes.list"},
    PeerRoutesOf: {"compute.networks.get", "compute.networks.listPeeringRoutes"},
    ReservedIn: {"compute.globalAddresses.list"},
    AddressesIn: {"compute.addresses.list"},
    ConnectorsIn: {"vpcaccess.connectors.list"},
    ZonesOf: {"dns.managedZones.list"},
}
WISHES: dict[str, Any] = {"nat": {"addresses": ["out-1"]}, "google_apis": "private"}


@pytest.mark.parametrize("role", get_args(Role))
def test_a_role_holds_what_the_house_declares(role: Role) -> None:
    assert roles()[role] == set(held_by(role))


def test_what_no_role_holds_is_granted_on_single_things() -> None:
    mounted = {"secretmanager.versions.access"}  # Google's doing: nothing of the house asks for it
    assert {need.permission for need in needs() if not need.roles} == grants().keys() - mounted


@pytest.mark.parametrize("remedy", REMEDIES, ids=lambda remedy: remedy.name)
def test_a_remedy_declares_what_its_looks_take(remedy: Remedy) -> None:
    wanted = want(greenfield(policy(WISHES)))
    taken = set[str]().union(*(TAKES[type(read)] for read in remedy.reads(wanted)))
    assert taken <= set(remedy.permissions)


def test_every_permission_is_declared_once_by_whoever_needs_it() -> None:
    assert {owner: sorted(set(held)) for owner, held in OWNERS.items()} == {
        owner: sorted(held) for owner, held in OWNERS.items()
    }


def test_reading_is_told_from_writing() -> None:
    both = {need.permission for need in needs()}
    assert {one for one in both if not writes(one)} == {
        one for one in both if one.rpartition(".")[2] in ("get", "list") or "EffectiveFirewalls" in one
    } | {"compute.networks.listPeeringRoutes"}


def test_everything_that_is_granted_has_a_reason() -> None:
    reasons = [reason for key in roles() for reason in listed()[key]["permissions"].values()]
    assert all(reasons)
    assert all(one["reason"] and one["role"] and one["on"] for one in listed()["grants"])
