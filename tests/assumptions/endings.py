"""Where a value changes how a scenario ends, and into what: nothing is attached loosely, and the outcome says why."""

from __future__ import annotations

from tests.assumptions.scenarios import SCENARIOS, Act, arriving
from tests.assumptions.values import CREATION
from tests.chaos.packets import ALLOWED
from tests.house import JOBS, House


def unattached(house: House) -> None:
    """The rule is refused, in Google's words, and until somebody helps no job comes to a way that would lack it."""
    refused = [change for one in house.outcomes() for change in one.changes if change.result == "refused"]
    assert refused
    assert all("cannot be specified for INGRESS rules" in one.detail and one.help for one in refused)
    job = house.cloud.table("run.jobs").get(f"{JOBS}/my-job", {"template": {"template": {}}})
    assert "vpcAccess" not in job["template"]["template"]
    assert house.table("vpcaccess.connectors") == {}


def adopted_without_nat(house: House) -> None:
    """What the policy lets us adopt is adopted; its bare range is told of, and the internet is not reached by it."""
    [told] = [one for one in house.outcomes() if one.changed]
    assert any("its range is bare" in note for note in told.notes), told.notes
    assert arriving(house, "my-job") >= {packet for packet in ALLOWED if packet[0].startswith("10.20.")}


def put_off_first(house: House) -> None:
    """Whoever began the connector puts it off when its time is up; the connector's finished entry does the rest.

    The deploy's delivery comes again while the first still waits, and on a busy machine it is told too, or before it.
    """
    said = house.outcomes()
    waited = [one for one in said if one.status == "waiting"]
    assert {one.cause.what for one in waited} == {"create job"}
    assert {change.kind for one in waited for change in one.changes if change.result == "put off"} == {"connector"}
    assert {one.status for one in said if one not in waited} == {"whole"}
    assert "create connector" in {one.cause.what for one in said if one.status == "whole"}
    SCENARIOS["greenfield"].ends(house)


ENDINGS: dict[tuple[str, str], Act] = {
    **{
        ("compute.ingress_destinations=False", name): unattached
        for name in ("greenfield", "direct", "shared-vpc", "refused")
    },
    ("vpcaccess.hidden_subnet_has_nat=False", "adoption-bare"): adopted_without_nat,
    (f"{CREATION}=900", "greenfield"): put_off_first,
}
