"""The policy: which jobs get which way out, read from one YAML file and checked before it is in force."""

from wayout.egress.policy.checks import ContradictionError, warnings
from wayout.egress.policy.reading import PolicyError, parse
from wayout.egress.policy.types import (
    LABEL,
    OFF,
    Adoption,
    ConnectorSize,
    Destination,
    DirectWish,
    Exemption,
    Match,
    Mode,
    NatWish,
    Policy,
    Profile,
    Rule,
)

__all__ = [
    "LABEL",
    "OFF",
    "Adoption",
    "ConnectorSize",
    "ContradictionError",
    "Destination",
    "DirectWish",
    "Exemption",
    "Match",
    "Mode",
    "NatWish",
    "Policy",
    "PolicyError",
    "Profile",
    "Rule",
    "parse",
    "warnings",
]
