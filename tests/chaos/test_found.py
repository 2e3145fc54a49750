"""What chaos has found so far, each as small as it can be told."""

from __future__ import annotations

import pytest

from tests.chaos.crashing import run
from tests.chaos.drawn import calm
from tests.chaos.faulting import Struck, strike
from tests.chaos.mortal import Moment, Point
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.wire import Key
from tests.egress.worlds import OURS, SITE, greenfield
from tests.house import SITE as BUILT
from wayout import reconcile
from wayout.egress import naming
from wayout.egress.model import Cause, ThingTarget
from wayout.turns import Turns

MADE = "vpcaccess.projects.locations.connectors.create"


def test_a_finished_entry_that_meets_others_at_work_comes_again_since_they_may_die() -> None:
    """Acknowledged, it would be lost with them: of their deliveries each comes again for its own job alone."""
    world, turns = greenfield(), Turns()
    world.turn = turns.turn  # type: ignore[method-assign]
    with turns.turn(SITE, after_others=False):
        (ending,) = reconcile.thing(ThingTarget(OURS), Cause("1"), world)

    assert ending.again.endswith("its connector's operation has ended, and others are at work on it")
    assert not ending.said.changed


@pytest.mark.parametrize("moment", ["before", "after"])
def test_jobs_that_were_put_off_are_attached_though_whoever_made_their_connector_died(moment: Moment) -> None:
    """The finished entry had been left to the one who died, and acknowledged: nobody came for the others' jobs."""
    key = next(key for key in calm("crowd").keys if key.method == "compute.firewalls.patch")
    ended = run(SCENARIOS["crowd"], Point(key, moment))

    assert ended.ended
    assert ended.unlike(calm("crowd")) == []


def test_a_site_is_taken_down_to_its_end_though_whoever_began_died_while_the_connector_went() -> None:
    """The sweep that came again met the connector on its way out, and its finished entry mended only what is kept."""
    key = Key("vpcaccess.projects.locations.connectors.delete", str(naming.connector_of(BUILT)))
    ended = run(SCENARIOS["farewell"], Point(key, "after"))

    assert ended.ended
    assert ended.unlike(calm("farewell")) == []


def test_a_connector_for_which_a_zone_has_no_machines_is_made_again_three_times_and_not_for_ever() -> None:
    """A failed creation was taken for one that may pass: no refusal was counted, and each try was told on Slack."""
    [key] = [key for key in calm("greenfield").keys if key.method == MADE]
    struck = strike(SCENARIOS["greenfield"], Struck("connector-zone-exhausted", key, "long"))

    assert list(struck.hits.values()) == [3]
    last = struck.said[-1]
    assert last.status == "blocked"
    assert "ZONE_RESOURCE_POOL_EXHAUSTED" in last.blocked[0].why


def test_a_read_that_meets_a_conflict_for_a_while_is_made_again_and_the_job_attached() -> None:
    """It was taken for a race lost, and left every delivery at once, until they were given up."""
    struck = strike(SCENARIOS["reuse"], Struck("operation-in-progress", Key("logging.entries.list"), "long"))

    assert struck.met
    assert struck.unlike(calm("reuse")) == []


def test_a_rule_that_is_told_to_be_gone_while_lists_show_it_is_nobodys_fight() -> None:
    """Its removal counted as ours each time, so that somebody was said to make it again, and the site rested."""
    key = Key("compute.firewalls.delete", f"{naming.rule_of(BUILT, 'deny-in').rule} my-project")
    struck = strike(SCENARIOS["farewell"], Struck("firewall-gone", key, "long"))

    assert struck.met
    assert struck.unlike(calm("farewell")) == []
