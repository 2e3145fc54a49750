"""Log entries are lost, doubled, delayed, reordered, split or too large: the world is right after the next sweep."""

from __future__ import annotations

import base64

import pytest

from tests.chaos.crashing import run_in
from tests.chaos.delivering import Way, deliver
from tests.chaos.drawn import SEED, calm
from tests.chaos.mortal import Mortal
from tests.chaos.scenarios import SCENARIOS

# (why the row is here, the story, what its entries meet)
WAYS = [
    ("no entry of it arrives at all", "heal", Way(("lost",), SEED, 1.0)),
    ("each comes twice, to whoever is at work already", "crowd", Way(("doubled",), SEED, 1.0)),
    ("others' entries come before each", "heal", Way(("reordered",), SEED, 1.0)),
    ("each comes in pieces", "reuse", Way(("split",), SEED, 1.0)),
    ("a job's entry comes in pieces, since it is too large for one", "oversized", Way(("split",), SEED, 1.0)),
    ("late and twice", "greenfield", Way(("delayed", "doubled"), SEED)),
    ("everything at once", "crowd", Way(("lost", "reordered", "doubled"), SEED)),
]


@pytest.mark.parametrize(("name", "way"), [row[1:] for row in WAYS], ids=[row[0] for row in WAYS])
def test_the_world_is_right_however_its_entries_come(name: str, way: Way) -> None:
    found = deliver(SCENARIOS[name], way)

    assert found.unlike(calm(name), way) == [], found.after.told


def test_what_is_far_too_large_to_be_an_entry_is_set_aside_and_the_story_goes_on() -> None:
    def armed(house: Mortal) -> None:
        house.platform.publish("wayout-events", base64.b64encode(b"x" * 6_000_000).decode())
        house.platform.publish("wayout-events", base64.b64encode(b'{"protoPayload": ' + b"[" * 500_000).decode())

    with run_in(SCENARIOS["reuse"], arm=armed) as house:
        house.settle()

        assert house.job("my-second-job") == house.job("my-job")
        assert house.platform.dead_letters() == []
