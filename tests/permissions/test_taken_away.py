"""Whatever is taken away from the roles: some scenario does not end whole, and people are told what to grant."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tests.permissions.granting import Row, Seen, rows
from tests.permissions.scenarios import SCENARIOS

# By scenario, the cheapest that shows it: what is missed where it is taken away.
SHOWN_BY: dict[str, tuple[Row, ...]] = {
    "a policy that observes": (
        Row("workload", "run.jobs.get"),
        Row("network", "compute.networks.get"),
        Row("network", "compute.networks.getEffectiveFirewalls"),
        Row("network", "compute.networks.getRegionEffectiveFirewalls"),
        Row("network", "compute.subnetworks.list"),
        Row("network", "compute.firewalls.list"),
        Row("network", "compute.projects.get"),
        Row("network", "compute.routers.list"),
        Row("network", "compute.routes.list"),
        Row("network", "compute.globalAddresses.list"),
        Row("home", "logging.logEntries.list"),
    ),
    "the direct road": (
        Row("network", "compute.firewalls.create"),
        Row("network", "compute.globalOperations.get"),
        Row("network", "compute.networks.updatePolicy"),
        Row("network", "compute.regionOperations.get"),
        Row("network", "compute.routers.create"),
        Row("network", "compute.subnetworks.create"),
        Row("network", "compute.subnetworks.use"),
    ),
    "a connector of others": (
        Row("workload", "run.jobs.list"),
        Row("workload", "run.jobs.update"),
        Row("workload", "run.operations.get"),
        Row("", "iam.serviceAccounts.actAs"),
    ),
    "what somebody broke": (
        Row("network", "compute.firewalls.get"),
        Row("network", "compute.firewalls.update"),
        Row("network", "compute.routers.get"),
        Row("network", "compute.routers.update"),
        Row("network", "compute.subnetworks.setPrivateIpGoogleAccess"),
    ),
    "a rule for a folder": (Row("workload", "resourcemanager.projects.get"),),
    "a job that needs it no more": (Row("workload", "run.executions.list"),),
    "a narrower profile": (Row("network", "compute.firewalls.delete"),),
    "a network that is missing": (Row("network", "compute.networks.create"),),
    "a peered network": (Row("network", "compute.networks.listPeeringRoutes"),),
    "reserved addresses": (Row("network", "compute.addresses.list"), Row("network", "compute.addresses.use")),
    "Google APIs by private addresses": (Row("network", "dns.managedZones.list"),),
    "the end of a site in a host": (
        Row("network", "compute.routers.delete"),
        Row("network", "compute.subnetworks.delete"),
        Row("network", "vpcaccess.connectors.delete"),
    ),
    "a host's connector of others": (
        Row("network", "vpcaccess.connectors.list"),
        Row("workload", "vpcaccess.connectors.list"),
    ),
    "a host's connector": (
        Row("network", "vpcaccess.connectors.create"),
        Row("network", "vpcaccess.connectors.update"),
        Row("network", "vpcaccess.operations.get"),
    ),
    "a service project's connector": (
        Row("workload", "vpcaccess.connectors.create"),
        Row("workload", "vpcaccess.connectors.update"),
        Row("workload", "vpcaccess.operations.get"),
    ),
    "a service project's connector that fails": (Row("workload", "vpcaccess.connectors.delete"),),
}
# What no outcome can name: where it is named then, and why.
IN_THE_LOG = {
    Row("home", "logging.logEntries.create"): (
        "the direct road",
        "the way out is made all the same, and the entries go to the function's own log, which takes no permission",
    ),
    Row("", "pubsub.topics.publish"): ("a policy that observes", "it is the outcomes themselves that do not get out"),
}
UNSEEN = {Row("", "secretmanager.versions.access"): "Google mounts the secrets before our code runs; nothing asks"}


def without(row: Row, name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> Seen:
    """What people see of a scenario, however it ends."""
    with SCENARIOS[name].house(folder, without=row) as house:
        with contextlib.suppress(AssertionError):
            SCENARIOS[name].story(house)
        assert house.refused()
        return house.seen(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "row"),
    [(name, row) for name, shown in SHOWN_BY.items() for row in shown],
    ids=[str(row) for shown in SHOWN_BY.values() for row in shown],
)
def test_an_outcome_that_is_not_whole_says_what_to_grant(
    name: str, row: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = without(row, name, tmp_path, capsys)
    telling = [said.status for said in seen.outcomes if f"grant {row.permission} on " in said.model_dump_json()]
    assert set(telling) - {"whole"}, (telling, [said.status for said in seen.outcomes])
    assert f"grant {row.permission} on " in seen.slack


@pytest.mark.parametrize(
    ("row", "name"),
    [(row, name) for row, (name, _) in IN_THE_LOG.items()],
    ids=map(str, IN_THE_LOG),
)
def test_the_log_says_what_to_grant_where_no_outcome_can(
    row: Row, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = without(row, name, tmp_path, capsys)
    assert f"grant {row.permission} on " in seen.log


def test_everything_that_is_granted_is_taken_away_once() -> None:
    taken = [row for shown in SHOWN_BY.values() for row in shown]
    assert sorted([*taken, *IN_THE_LOG, *UNSEEN]) == sorted(rows())
