"""Connectors: made, seen, grown and removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from localcloud.errors import ApiError
from tests.cloud.local import NETWORK, PROJECT, REGION, SUBNET, Local, local
from wayout.egress.model import (
    Connector,
    ConnectorName,
    ConnectorsIn,
    Create,
    Network,
    Remove,
    Result,
    RulesOf,
    State,
    SubnetName,
    Update,
)

CONNECTOR = Connector(
    ConnectorName(PROJECT, REGION, "wayout-0a1b2c3d"), NETWORK, State.READY, SUBNET.name, machine="e2-micro"
)
ALL = ConnectorsIn(PROJECT, REGION)


@pytest.fixture
def world() -> Iterator[Local]:
    with local() as one:
        for thing in (Network(NETWORK), SUBNET):
            assert one.apply(Create(thing, "test"))[0].result == Result.CREATED
        yield one


def test_a_connector_is_seen_as_it_was_made(world: Local) -> None:
    (outcome,) = world.apply(Create(CONNECTOR, "test"))

    assert outcome.result == Result.CREATED
    (seen,) = world.see(ALL)
    assert seen == replace(CONNECTOR, range=seen.range)
    assert world.see(ConnectorsIn(PROJECT, "us-central1")) == ()


def test_a_connector_grows(world: Local) -> None:
    world.apply(Create(CONNECTOR, "test"))
    grown = replace(CONNECTOR, machine="e2-standard-4", min_instances=3, max_instances=7)

    (outcome,) = world.apply(Update(grown, CONNECTOR, "test"))

    assert outcome.result == Result.UPDATED
    (seen,) = world.see(ALL)
    assert (seen.machine, seen.min_instances, seen.max_instances) == ("e2-standard-4", 3, 7)


def test_a_connector_is_removed_and_one_that_is_gone_counts_as_removed(world: Local) -> None:
    world.apply(Create(CONNECTOR, "test"))

    outcomes = [world.apply(Remove(CONNECTOR, "test"))[0] for _ in range(2)]

    assert [one.result for one in outcomes] == [Result.REMOVED] * 2
    assert world.see(ALL) == ()


def test_a_connector_that_exists_is_kept(world: Local) -> None:
    world.apply(Create(CONNECTOR, "test"))

    (outcome,) = world.apply(Create(CONNECTOR, "test"))

    assert outcome.result == Result.KEPT
    assert "exists" in outcome.detail


def test_a_connector_that_fails_to_come_up_is_refused_in_googles_words_and_stays_behind(world: Local) -> None:
    big = replace(SUBNET, name=SubnetName(PROJECT, REGION, "big"), range="10.127.16.0/24")
    world.apply(Create(big, "test"))

    (outcome,) = world.apply(Create(replace(CONNECTOR, subnet=big.name), "test"))

    assert outcome.result == Result.REFUSED
    assert "netmask of 28" in outcome.detail
    assert not outcome.retry
    (seen,) = world.see(ALL)
    assert seen.state == State.ERROR


def test_an_answer_that_was_lost_does_not_make_two(world: Local) -> None:
    lost = ApiError(14, "The service is currently unavailable.")
    world.fault("vpcaccess.projects.locations.connectors.create", lost, after=True)

    (outcome,) = world.apply(Create(CONNECTOR, "test"))

    assert outcome.result in (Result.KEPT, Result.CREATED)
    world.server.settle()
    assert len(world.see(ALL)) == 1


def test_a_connector_that_takes_longer_than_we_have_is_put_off_until_its_own_event(world: Local) -> None:
    world.cloud.clock.virtual = False

    (outcome,) = world.apply(Create(CONNECTOR, "test"), seconds=0.3)

    assert (outcome.result, outcome.detail, outcome.retry) == (Result.PUT_OFF, "its operation goes on", False)
    (seen,) = world.see(ALL)
    assert seen.state == State.CREATING


def test_a_rule_that_google_made_for_a_connector_is_disabled_and_otherwise_left_as_it_was(world: Local) -> None:
    world.apply(Create(CONNECTOR, "test"))
    before = world.see(RulesOf(NETWORK))
    broad = next(rule for rule in before if rule.name.rule.endswith("-tagfw"))

    (outcome,) = world.apply(Update(replace(broad, disabled=True), broad, "test"))

    assert outcome.result == Result.UPDATED
    assert set(world.see(RulesOf(NETWORK))) == {*before, replace(broad, disabled=True)} - {broad}
