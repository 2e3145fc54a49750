"""What a connector costs a month, held against sums done by hand from Google's price list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.egress.worlds import NETWORK, OURS
from wayout.egress import cost
from wayout.egress.model import Connector, State

CONNECTOR = Connector(OURS, NETWORK, State.READY)

SUMS = [
    ("e2-micro", 2, 12.23, "0.00838 x 730 x 2: the smallest that there is"),
    ("e2-micro", 9, 55.06, "it is the fewest machines that are always there"),
    ("f1-micro", 2, 11.10, "0.0076 x 730 x 2"),
    ("e2-standard-4", 3, 293.50, "0.13402 x 730 x 3"),
]


@pytest.mark.parametrize(("machine", "count", "dollars", "reason"), SUMS, ids=[row[3] for row in SUMS])
def test_a_connectors_fewest_machines_cost_their_list_price(
    machine: str, count: int, dollars: float, reason: str
) -> None:
    found = cost.monthly(replace(CONNECTOR, machine=machine, min_instances=count, max_instances=10))

    assert found is not None
    assert found.dollars == pytest.approx(dollars, abs=0.005), reason


WORDS = [
    (
        CONNECTOR,
        (
            "it costs about $12 a month (2 e2-micro at list price in us-central1; other regions differ), "
            "more if it has grown"
        ),
        "the price and what it is for; a connector grows and never shrinks",
    ),
    (
        replace(CONNECTOR, min_instances=3, max_instances=3),
        "it costs about $18 a month (3 e2-micro at list price in us-central1; other regions differ)",
        "one that cannot grow costs no more",
    ),
    (
        replace(CONNECTOR, machine="e3-nano"),
        "2 e3-nano are billed around the clock",
        "of a machine without a known price no number is told",
    ),
]


@pytest.mark.parametrize(("connector", "said", "reason"), WORDS, ids=[row[2] for row in WORDS])
def test_the_cost_is_said_in_words(connector: Connector, said: str, reason: str) -> None:
    assert cost.words(connector) == said, reason


def test_without_a_known_price_there_is_no_cost() -> None:
    assert cost.monthly(replace(CONNECTOR, machine="e3-nano")) is None
