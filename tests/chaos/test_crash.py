"""The process that serves the functions ends for good at a call, and redelivery carries on to the same world.

Here some calls of every story; the long form, `benchmarks/chaos.py`, ends it at all of them.
"""

from __future__ import annotations

import pytest

from tests.chaos.crashing import points, run
from tests.chaos.drawn import calm, draw
from tests.chaos.mortal import Moment, Point
from tests.chaos.scenarios import SCENARIOS
from tests.chaos.wire import Key
from tests.house import JOBS, PROJECT, REGION, SITE
from wayout.egress import naming

CONNECTOR = naming.connector_of(SITE)
PLACE = f"projects/{PROJECT}/locations/{REGION}"

# Where an end hurts most, with the reason.
WORST: list[tuple[str, str, Key, Moment]] = [
    (
        "a connector that nobody waits for any more",
        "greenfield",
        Key("vpcaccess.projects.locations.connectors.create", f"{CONNECTOR.connector} {PLACE}"),
        "after",
    ),
    (
        "attached, and nobody heard so",
        "reuse",
        Key("run.projects.locations.jobs.patch", f"{JOBS}/my-second-job my-second-job"),
        "after",
    ),
    (
        "told, and told again",
        "greenfield",
        Key("pubsub.projects.topics.publish", f"projects/{PROJECT}/topics/wayout-outcomes"),
        "after",
    ),
    ("Slack has the message, and its delivery is not acknowledged", "reuse", Key("slack.chat.postMessage"), "after"),
]


@pytest.mark.parametrize(("name", "key", "moment"), [row[1:] for row in WORST], ids=[row[0] for row in WORST])
def test_an_end_where_it_hurts_most_changes_nothing_in_the_end(name: str, key: Key, moment: Moment) -> None:
    assert key in calm(name).keys, sorted(map(str, calm(name).keys))
    ended = run(SCENARIOS[name], Point(key, moment))

    assert ended.ended, "the worker was to end there"
    assert ended.unlike(calm(name)) == [], ended.log[-2000:]


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name != "oversized"])
def test_wherever_the_process_ends_the_world_ends_the_same(name: str) -> None:
    for point in draw(name, points(calm(name)), 1):
        ended = run(SCENARIOS[name], point)

        assert ended.unlike(calm(name)) == [], (str(point), ended.log[-2000:])
