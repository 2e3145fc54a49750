"""Looking: what is there, what is not, and what we may not see are never mixed up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.errors import ApiError
from tests.cloud.local import NETWORK, PROJECT, REGION, US, Local, local, nothing
from wayout.cloud import observe
from wayout.cloud.errors import TryAgainError
from wayout.cloud.observe import look
from wayout.egress.model import (
    Absent,
    AddressesIn,
    ConnectorsIn,
    Create,
    ExecutionsIn,
    FoldersOf,
    HistoryOf,
    IdleSince,
    JobAt,
    JobName,
    JobsIn,
    Network,
    NetworkAt,
    NetworkName,
    Past,
    PeerRoutesOf,
    PoliciesOf,
    Present,
    Read,
    RegionPoliciesOf,
    ReservedIn,
    RoutersOf,
    RoutesOf,
    RuleQuotaOf,
    RulesOf,
    Site,
    SubnetsOf,
    Unreadable,
    Zone,
    ZonesOf,
)

JOB = JobName(PROJECT, REGION, "report")
READS: dict[str, Read[Any]] = {
    "run.jobs.get": JobAt(JOB),
    "run.jobs.list": JobsIn(PROJECT, REGION),
    "vpcaccess.connectors.list": ConnectorsIn(PROJECT, REGION),
    "compute.networks.get": NetworkAt(NETWORK),
    "compute.subnetworks.list": SubnetsOf(NETWORK),
    "compute.firewalls.list": RulesOf(NETWORK),
    "compute.networks.getEffectiveFirewalls": PoliciesOf(NETWORK),
    "compute.networks.getRegionEffectiveFirewalls": RegionPoliciesOf(NETWORK, REGION),
    "compute.routers.list": RoutersOf(NETWORK, REGION),
    "compute.routes.list": RoutesOf(NETWORK),
    "dns.managedZones.list": ZonesOf(NETWORK),
    "run.executions.list": ExecutionsIn(PROJECT, REGION),
    "compute.networks.listPeeringRoutes": PeerRoutesOf(NETWORK, REGION),
    "compute.globalAddresses.list": ReservedIn(NETWORK),
    "compute.projects.get": RuleQuotaOf(PROJECT),
    "compute.addresses.list": AddressesIn(PROJECT, REGION),
    "resourcemanager.projects.get": FoldersOf(PROJECT),
}
PEER = NetworkName(PROJECT, "peer")


@pytest.fixture(scope="module")
def shared() -> Iterator[Local]:
    with local() as one:
        one.apply(Create(Network(NETWORK), "test"), Create(Network(PEER), "test"))
        one.peer("to-peer", NETWORK, PEER)
        one.peer("to-main", PEER, NETWORK)
        yield one


@pytest.fixture
def world(shared: Local) -> Iterator[Local]:
    yield shared
    shared.cloud.denied.clear()
    shared.cloud.disabled.clear()
    shared.cloud.faults.clear()


@pytest.mark.parametrize("permission", READS)
def test_what_we_may_not_see_is_unreadable_and_names_the_permission(world: Local, permission: str) -> None:
    world.cloud.denied.append((US, permission))

    found = world.look(READS[permission])

    assert isinstance(found, Unreadable)
    assert found.grant.startswith(f"grant {permission} on projects/{PROJECT}")
    assert found.grant.endswith(f"to {US}")


@pytest.mark.parametrize("permission", READS)
def test_a_disabled_api_is_named(world: Local, permission: str) -> None:
    api = permission.split(".")[0].replace("resourcemanager", "cloudresourcemanager") + ".googleapis.com"
    world.cloud.disabled.add((PROJECT, api))

    found = world.look(READS[permission])

    assert isinstance(found, Unreadable)
    assert found.grant == f"enable {api} in project {PROJECT}"


@pytest.mark.parametrize("permission", READS)
def test_a_server_that_stumbles_is_asked_again(world: Local, permission: str) -> None:
    world.fault("*", ApiError(14, "The service is currently unavailable.", reason="backendError"), times=3)

    assert isinstance(world.look(READS[permission]), Present | Absent)


@pytest.mark.parametrize("permission", READS)
def test_a_server_that_stays_down_is_neither_absent_nor_unreadable(world: Local, permission: str) -> None:
    world.fault("*", ApiError(14, "The service is currently unavailable.", reason="backendError"), times=4)

    with pytest.raises(TryAgainError):
        world.look(READS[permission])


STRANGE: list[tuple[str, Exception, str]] = [
    ("a name of another shape", ValueError("'x' is no network"), "'x' is no network"),
    ("a field that is missing", KeyError("dnsName"), "'dnsName'"),
]


@pytest.mark.parametrize(("reason", "error", "said"), STRANGE, ids=[row[0] for row in STRANGE])
def test_an_answer_that_makes_no_sense_is_unreadable_and_takes_nothing_else_with_it(
    world: Local, reason: str, error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def strange(*_: object) -> None:
        raise error

    monkeypatch.setitem(observe._READERS, ZonesOf, strange)

    found = look([ZonesOf(NETWORK), RulesOf(NETWORK)], world.clients, nothing)

    wanted = f"what Google says of zones of {NETWORK} cannot be read: {type(error).__name__}: {said}"
    assert found[ZonesOf(NETWORK)] == Unreadable(wanted, "tell the makers of Wayout"), reason
    assert isinstance(found[RulesOf(NETWORK)], Present)


def test_everything_asked_for_is_answered_once(world: Local) -> None:
    world.cloud.records.clear()
    reads = [*READS.values(), *READS.values()]

    found = look(reads, world.clients, nothing)

    assert set(found) == set(READS.values())
    assert len(world.cloud.records) == len(READS)
    assert {read for read, sighting in found.items() if sighting == Absent()} == {JobAt(JOB)}
    assert all(isinstance(one, Present) for read, one in found.items() if read != JobAt(JOB))


def test_what_one_read_shows_is_not_asked_of_google_again_for_another() -> None:
    with local() as world:
        world.deploy(JOB)
        world.apply(Create(Network(NETWORK), "test"))
        world.cloud.records.clear()
        reads = (JobAt(JOB), JobsIn(PROJECT, REGION), NetworkAt(NETWORK), PeerRoutesOf(NETWORK, REGION))

        found = look(reads, world.clients, nothing)

        methods = sorted(record.method for record in world.cloud.records)
        assert methods == ["compute.networks.get", "run.projects.locations.jobs.list"]
        job = found[JobAt(JOB)]
        assert isinstance(job, Present)
        assert found[JobsIn(PROJECT, REGION)] == Present((job.value,))
        assert found[PeerRoutesOf(NETWORK, REGION)] == Present(())


def test_a_project_that_we_cannot_see_is_not_an_empty_one(world: Local) -> None:
    stranger = NetworkName("somebody-elses", "main")

    for read in (RulesOf(stranger), SubnetsOf(stranger), ConnectorsIn("somebody-elses", REGION)):
        assert isinstance(world.look(read), Unreadable)


def test_history_is_asked_of_whoever_keeps_it(world: Local) -> None:
    read = HistoryOf(Site(NETWORK, REGION, "internet-https"))
    past = (Past("create", "x", "created", "", 1.0),)

    assert look([read], world.clients, lambda asked: Present((*past, asked)))[read] == Present((*past, read))


def test_how_long_a_site_has_been_idle_is_asked_of_the_same(world: Local) -> None:
    read = IdleSince(Site(NETWORK, REGION, "internet-https"))

    assert look([read], world.clients, lambda asked: Present(asked))[read] == Present(read)


def test_a_network_whose_peerings_cannot_be_read_has_no_peer_routes_that_we_know_of(world: Local) -> None:
    world.cloud.denied.append((US, "compute.networks.get"))

    found = world.look(PeerRoutesOf(NETWORK, REGION))

    assert isinstance(found, Unreadable)
    assert found.grant.startswith("grant compute.networks.get on")


def test_a_network_that_is_not_there_has_neither_policies_nor_peer_routes(world: Local) -> None:
    gone = NetworkName(PROJECT, "gone")

    assert [world.look(read) for read in (PoliciesOf(gone), PeerRoutesOf(gone, REGION))] == [Absent(), Absent()]


def test_a_network_without_peerings_costs_one_read_of_it(world: Local) -> None:
    alone = NetworkName(PROJECT, "alone")
    world.apply(Create(Network(alone), "test"))
    world.cloud.records.clear()

    assert world.see(PeerRoutesOf(alone, REGION)) == ()
    assert [one.method for one in world.cloud.records] == ["compute.networks.get"]


def test_folders_are_seen_from_the_inside_out(world: Local) -> None:
    parents = world.cloud.table("iam.parents")
    assert world.see(FoldersOf(PROJECT)) == (), "a project that lies in nothing"
    parents[f"projects/{PROJECT}"] = {"parent": "folders/12"}
    parents["folders/12"] = {"parent": "folders/3"}
    parents["folders/3"] = {"parent": "organizations/9"}

    assert world.see(FoldersOf(PROJECT)) == ("folders/12", "folders/3", "organizations/9")
    parents.clear()


def test_private_zones_that_the_network_can_see_are_listed(world: Local) -> None:
    def zone(name: str, visibility: str, *networks: str) -> dict[str, Any]:
        seen = {"networks": [{"networkUrl": f"https://www.googleapis.com/compute/v1/{one}"} for one in networks]}
        document = {"name": name, "dnsName": f"{name}.example.", "description": "", "visibility": visibility}
        return document | ({"privateVisibilityConfig": seen} if networks else {})

    for body in (zone("ours", "private", str(NETWORK)), zone("open", "public"), zone("blind", "private")):
        url = f"{world.clients.dns_url}/dns/v1/projects/{PROJECT}/managedZones"
        world.theirs.fetch("dns.managedZones.create", f"projects/{PROJECT}", "POST", url, json=body)

    assert world.see(ZonesOf(NETWORK)) == (Zone("ours", "ours.example."),)
