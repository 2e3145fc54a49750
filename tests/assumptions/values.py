"""What may be otherwise with Google than the local one has it, and to which scenarios it can make a difference.

`docs/assumptions.md` says the same for people; the test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.assumptions.scenarios import SCENARIOS

CREATION = "vpcaccess.projects.locations.connectors.create"  # a duration, in seconds

# Scenarios by what happens in them.
_DIRECT = frozenset({"direct", "farewell-direct"})
_ADOPTING = frozenset({"adoption", "adoption-bare"})
_MOVING = frozenset({"to-direct", "to-connector"})
_EVERY = frozenset(SCENARIOS)
_OURS = _EVERY - _DIRECT - _ADOPTING  # a connector of ours is made
_AUTOMATIC = _OURS - {"shared-vpc"}  # and Google's rules for it are in the network's project
_NO_CONNECTOR = "no connector of ours is made in the others"


@dataclass(frozen=True)
class Value:
    """One switch (or duration) at one value. `first` is the scenario that is always run; `others`, why not all are."""

    switch: str
    value: Any
    first: str
    scenarios: frozenset[str] = _EVERY
    others: str = ""
    beside: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.switch}={self.value}"


def _rules(switch: str, value: Any, first: str, beside: Mapping[str, Any] | None = None) -> Value:
    """A value that is about the rules that Google makes for a connector of ours."""
    others = "no connector of ours is made in the others, or Google makes no rules for it"
    return Value(switch, value, first, _AUTOMATIC, others, beside or {})


VALUES: list[Value] = [
    _rules("connector.visible_rules", False, "greenfield"),
    _rules("connector.rules_editable", False, "fight"),
    _rules("connector.rules_restored", True, "heal"),
    _rules("connector.rules_restored_after", 1, "sweep", {"connector.rules_restored": True}),
    _rules("connector.leaves_rules", True, "farewell"),
    _rules("connector.doubled_hyphens", False, "to-direct"),
    _rules("connector.tagfw_tag", "universal", "reuse"),
    _rules("connector.control_targets", "universal", "farewell"),
    _rules("connector.control_targets", "all", "to-connector"),
    Value("run.audit_entries", 1, "reuse"),
    Value("run.etag_refusal", "FAILED_PRECONDITION", "overtaken", frozenset({"overtaken"}), "no etag is stale there"),
    Value("run.tokens_returned", False, "overtaken"),
    Value("run.replace_logged_as", "UpdateJob", "replaced", frozenset({"replaced"}), "v1 replaces no job there"),
    Value("run.checks_connector", False, "failing"),
    Value("run.egress_refusal", "denied", "refused", frozenset({"refused"}), "the policy refuses nothing there"),
    Value("run.egress_refusal", "details", "refused", frozenset({"refused"}), "the policy refuses nothing there"),
    Value(
        "run.direct_addresses_per_task",
        16,
        "direct",
        frozenset({"to-direct", "to-connector", *_DIRECT}),
        "no job has an interface of its own there",
    ),
    Value(
        "run.direct_addresses_held",
        7000,
        "farewell-direct",
        frozenset({"to-connector", "farewell-direct"}),
        "no subnet is taken down there after an execution in it",
    ),
    Value("vpcaccess.needs_google_access", True, "failing", _OURS, _NO_CONNECTOR),
    Value(
        "vpcaccess.service_project_needs_rules",
        False,
        "shared-vpc",
        frozenset({"shared-vpc"}),
        "no connector of a service project is there",
    ),
    Value("vpcaccess.error_holds_subnet", False, "failing", frozenset({"failing"}), "no connector is in ERROR there"),
    Value("vpcaccess.get_lag", 5, "shared-vpc", _OURS, _NO_CONNECTOR),
    Value(
        "vpcaccess.deletes_in_use",
        False,
        "to-direct",
        frozenset({"to-direct", "farewell", "failing"}),
        "no connector is deleted there",
    ),
    Value(
        "vpcaccess.hidden_subnet_has_nat",
        False,
        "adoption-bare",
        frozenset({"adoption-bare"}),
        "no connector has a bare range there",
    ),
    Value(CREATION, 900, "greenfield", _OURS, _NO_CONNECTOR, beside={"clock.asking_passes": 30}),
    Value("compute.read_lag", 5, "heal"),
    Value("compute.ready_after", 5, "adoption"),
    Value(
        "compute.ingress_destinations",
        False,
        "greenfield",
        frozenset({"greenfield", "direct", "shared-vpc", "refused"}),
        "they begin with what these cannot make",
    ),
]
