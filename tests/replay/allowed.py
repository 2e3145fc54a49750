"""Every difference from the recordings that we allow ourselves, each with its reason.

An allowance that nothing needs any more is an error: the list stays true.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.replay.compare import Difference


@dataclass(frozen=True)
class Allowance:
    """`recording`, `path`, `kind` and `where` (the exchange) may hold `*`; in `path`, `[]` is any index."""

    recording: str
    path: str
    kind: str
    reason: str
    where: str = "*"

    def covers(self, recording: str, where: str, difference: Difference) -> bool:
        given = (recording, difference.path, difference.kind, where)
        wanted = (self.recording, self.path, self.kind, self.where)
        return all(_fits(one, pattern) for one, pattern in zip(given, wanted, strict=True))


def _fits(text: str, pattern: str) -> bool:
    return fnmatchcase(text.replace("[]", "()"), pattern.replace("[]", "()"))


SINCE = "a field that Google has added since the recording"
ALLOWED: tuple[Allowance, ...] = (
    Allowance("compute_router", "routingConfig", "extra", "the recorded default network is older than this field"),
    Allowance("compute_router_nat_private", "gatewayAddress", "value", "the recorder wrote 10.0.0.1 for every gateway"),
    Allowance("compute_subnetwork_2024", "routingConfig.bgpBestPathSelectionMode", "extra", SINCE),
    Allowance(
        "pubsub_subscription_push",
        "*",
        "*",
        "the real service's read lagged its own write here: it found the subscription at the next read",
        where="11 GET *",
    ),
    Allowance("firewall-get", "logConfig", "extra", SINCE),
    Allowance("firewall-modify", "user", "extra", "the recorder took the caller out"),
    Allowance("network-get-resource", "subnetworks[]", "extra", "regions that Google has opened since 2021"),
    Allowance("network-get-resource", "peerings", "missing", "an empty list: the recorded network once had a peering"),
    Allowance("network-get-resource", "routingConfig.bgpBestPathSelectionMode", "extra", SINCE),
    Allowance("network-get-resource", "networkFirewallPolicyEnforcementOrder", "extra", SINCE),
    Allowance("network-get-resource", "selfLinkWithId", "extra", SINCE),
    Allowance("router-query", "items.*.routers[].bgp.keepaliveInterval", "extra", SINCE),
    Allowance("router-query", "items.*.routers[].encryptedInterconnectRouter", "extra", SINCE),
    Allowance("subnet-set-private-api", "*allowSubnetCidrRoutesOverlap", "extra", SINCE),
    Allowance("subnet-set-private-api", "*privateIpv6GoogleAccess", "extra", SINCE),
    Allowance("subnet-set-private-api", "*purpose", "extra", SINCE),
    Allowance("subnet-set-private-api", "*stackType", "extra", SINCE),
    Allowance("subnet-set-private-api", "*logConfig", "extra", SINCE),
    Allowance("subnet-set-private-api", "items.regions/*", "extra", "regions that Google has opened since 2018"),
    Allowance("subnet-set-private-api", "status", "value", "in 2018 operations began as PENDING; now as RUNNING"),
    Allowance("subnet-set-private-api", "startTime", "extra", "in 2018 operations began as PENDING, without a start"),
)


def allowance(recording: str, where: str, difference: Difference) -> Allowance | None:
    """The line that allows a difference, None if there is none."""
    return next((one for one in ALLOWED if one.covers(recording, where, difference)), None)
