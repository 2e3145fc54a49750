"""Every call may meet a fault: a story converges by itself, or says why not and who can help; the next sweep ends it.

Here some faults at some calls; the long form, `benchmarks/chaos.py`, has all of them at all calls, and pairs.
"""

from __future__ import annotations

import pytest

from tests.chaos.drawn import calm, draw
from tests.chaos.faulting import WIRE, Struck, meets, strike, strikes
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.wire import Key

# The worst of each kind, with the reason: a fault, the call that meets it in a green field, how long.
WORST = [
    ("made, and nobody heard so", Struck("lost", Key("compute.subnetworks.insert"))),
    ("a refusal in the middle", Struck("firewall-quota", Key("compute.firewalls.insert"), "long")),
    (
        "a connector that never gets well",
        Struck("connector-unhealthy", Key("vpcaccess.projects.locations.connectors.create")),
    ),
    ("blind for a while", Struck("compute-read-quota", Key("compute.firewalls.list"), "long")),
    ("its operation cannot be asked for", Struck("run-bad-token", Key("run.projects.locations.operations.get"))),
    ("the ledger is down", Struck("broken", Key("logging.entries.write"), "long")),
]


def first(method: str) -> Key:
    """The first call of a method in a green field."""
    return min(key for key in calm("greenfield").keys if key.method == method)


@pytest.mark.parametrize("struck", [row[1] for row in WORST], ids=[row[0] for row in WORST])
def test_the_worst_fault_of_a_kind_is_made_good_or_told_with_who_can_help(struck: Struck) -> None:
    here = Struck(struck.fault, first(struck.key.method), struck.long)
    found = strike(SCENARIOS["greenfield"], here)

    assert found.hits
    assert found.unlike(calm("greenfield")) == [], found.after.told


@pytest.mark.parametrize("number", range(3))
def test_a_fault_that_is_drawn_is_made_good_or_told_with_who_can_help(number: int) -> None:
    struck = draw("fault", strikes(calm("greenfield")), 3)[number]
    found = strike(SCENARIOS["greenfield"], struck)

    assert found.unlike(calm("greenfield")) == [], (str(struck), found.after.told)


@pytest.mark.parametrize("number", range(3))
def test_two_faults_that_are_drawn_are_made_good_or_told_with_who_can_help(number: int) -> None:
    every = draw("pair", strikes(calm("heal")), 6)
    pair = every[2 * number : 2 * number + 2]
    found = strike(SCENARIOS["heal"], *pair)

    assert found.unlike(calm("heal")) == [], (list(map(str, pair)), found.after.told)


def test_every_call_meets_the_wires_faults_and_only_those_of_the_catalogue_that_name_it() -> None:
    key = Key("compute.routers.list", "my-project europe-west2")
    assert all(meets(fault, key) for fault in WIRE)
    assert meets("compute-read-quota", key)
    assert not meets("firewall-quota", key)
    assert not meets("job-absent", key)
