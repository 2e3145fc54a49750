"""What is set aside at a glance is what the slower reader would have set aside, word for word."""

from __future__ import annotations

import json
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.security import fuzzing
from tests.security.test_fuzzing import bent
from wayout.cloud import events

OURS = events.Ours("wayout@home.iam.gserviceaccount.com")
LOG = "projects/shop/logs/cloudaudit.googleapis.com%2Factivity"
RULE = "projects/shop/global/firewalls"
ENTRIES = [json.loads(raw[1:]) for raw in fuzzing.corpus() if raw[0] == 0]


def entry(
    resource: str = f"{RULE}/allow-ssh", method: str = "v1.compute.firewalls.insert", **more: Any
) -> dict[str, Any]:
    """An entry that is set aside at a glance, but for what is given."""
    payload = {"serviceName": "compute.googleapis.com", "methodName": method, "resourceName": resource}
    return {"insertId": "1abc", "logName": LOG, "protoPayload": payload | more.pop("payload", {}), **more}


def slowly(content: object) -> events.Reading:
    """What is read where nothing is set aside at a glance."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(events, "_at_a_glance", lambda *_: None)
        return events.read({"id": "7"}, content, ours=OURS)


# (why the row is here, the entry, whether a glance is enough)
ROWS: list[tuple[str, dict[str, Any], bool]] = [
    ("somebody's rule", entry(), True),
    ("somebody's router", entry("projects/shop/regions/us-east1/routers/nat", "v1.compute.routers.patch"), True),
    ("somebody's subnet", entry("projects/shop/regions/r/subnetworks/s", "v1.compute.subnetworks.insert"), True),
    ("it begins like our name", entry(f"{RULE}/wayouts-own"), True),
    ("our name", entry(f"{RULE}/wayout-europe-west2-0123abcd-deny-out"), False),
    ("Google's, maybe for a connector of ours", entry(f"{RULE}/aet-europewest2-x-sfw"), False),
    ("no name", entry(f"{RULE}/"), False),
    ("a router where a rule should be", entry("projects/shop/global/routers/nat", "v1.compute.routers.patch"), False),
    ("method and name disagree", entry(method="v1.compute.routers.patch"), False),
    ("a method that we do not watch", entry(method="v1.compute.firewalls.list"), False),
    ("a network", entry("projects/shop/global/networks/n", "v1.compute.networks.insert"), False),
    ("it failed", entry(payload={"status": {"code": 7}}), False),
    ("it failed, by its severity", entry(severity="ERROR"), False),
    ("a status of no code", entry(payload={"status": {}}), True),
    ("an echo of what was done", entry(logName="projects/shop/logs/cloudaudit.googleapis.com%2Fdata_access"), False),
    ("no log", entry(logName=""), False),
    ("two logs", entry(logName=f"a/logs/{LOG}"), False),
    ("the project's number, whose id the entry may know", entry("projects/123/global/firewalls/x"), False),
    ("no id", entry(insertId=7), True),
    ("a very long id", entry(insertId="1" * 5000), True),
    ("it ends with a new line", entry(f"{RULE}/allow-ssh\n"), True),
]


@pytest.mark.parametrize(("content", "enough"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_glance_says_what_the_slower_reader_says_or_nothing(content: dict[str, Any], enough: bool) -> None:
    aside = events._at_a_glance(content, "7")

    assert (aside is not None) is enough
    assert events.read({"id": "7"}, content, ours=OURS) == slowly(content)


@given(content=st.sampled_from([*ENTRIES, *(row[1] for row in ROWS)]), dice=st.randoms(use_true_random=False))
@settings(max_examples=500, deadline=None)
def test_whatever_stands_in_an_entry_it_is_read_as_if_there_were_no_glance(content: object, dice: Random) -> None:
    content = bent(content, dice)

    assert events.read({"id": "7"}, content, ours=OURS) == slowly(content)


@pytest.mark.parametrize("first", [*(row[1] for row in ROWS), *ENTRIES[:4]])
def test_any_mixture_of_two_entries_is_read_as_if_there_were_no_glance(first: dict[str, Any]) -> None:
    for _, second, _ in ROWS:
        mine, theirs = (one.get("protoPayload", {}) for one in (first, second))
        for name, payload in product(("resourceName", "methodName", "status"), (mine, theirs)):
            content = {**first, "protoPayload": {**mine, name: payload.get(name)}}
            assert events.read({"id": "7"}, content, ours=OURS) == slowly(content)
