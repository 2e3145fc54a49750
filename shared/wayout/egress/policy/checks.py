"""What a policy must not say, since it contradicts itself; and what it hardly can mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from wayout.egress import ranges
from wayout.egress.model import Egress

if TYPE_CHECKING:
    from wayout.egress.policy.types import Match, Policy, Profile

Path = tuple[int | str, ...]
# Beside private ranges, these go through the VPC under private-ranges-only (Google's page on connectors).
VIRTUAL = ("199.36.153.4/30", "199.36.153.8/30", "34.126.0.0/18")
OFF = "off"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Something that cannot be meant; `path` leads to its field."""

    path: Path
    why: str


class ContradictionError(ValueError):
    """A policy that contradicts itself, and all of how it does."""

    def __init__(self, found: tuple[Contradiction, ...]) -> None:
        super().__init__("; ".join(one.why for one in found))
        self.found = found


def contradictions(policy: Policy) -> Iterator[Contradiction]:
    """Everything for which a policy is refused when it is loaded."""
    yield from _names(policy)
    for name, profile in policy.profiles.items():
        yield from _profile(policy, name, profile)
    yield from _shared_nat(policy)


def _names(policy: Policy) -> Iterator[Contradiction]:
    for word in ("internet", OFF):
        if word in policy.sets:
            yield Contradiction(("sets", word), f"a set cannot be called {word}: that word means something else")
    if OFF in policy.profiles:
        yield Contradiction(("profiles", OFF), "a profile cannot be called off: that word means no way out")
    for index, rule in enumerate(policy.rules):
        if rule.profile != OFF and rule.profile not in policy.profiles:
            named = f"rule {rule.name!r}" if rule.name else f"rule {index + 1}"
            why = f"{named} names the profile {rule.profile!r}: no such profile"
            yield Contradiction(("rules", index, "profile"), why)
    if policy.evidence and policy.evidence not in policy.profiles:
        yield Contradiction(("evidence",), f"evidence names the profile {policy.evidence!r}: no such profile")


def _profile(policy: Policy, name: str, profile: Profile) -> Iterator[Contradiction]:
    at: Path = ("profiles", name)
    yield from _destinations(policy, at, profile)
    yield from _pool(policy, at, profile)
    if profile.nat.addresses and not profile.reaches_internet:
        why = (
            "addresses of a NAT are of no use: nothing of this profile goes to the internet through the VPC "
            "(egress all-traffic and a public destination would)"
        )
        yield Contradiction((*at, "nat", "addresses"), why)
    if profile.adopt.connectors and profile.taken_road == "direct":
        why = "adopt is about connectors, and this profile takes the direct road"
        yield Contradiction((*at, "adopt", "connectors"), why)


def _destinations(policy: Policy, at: Path, profile: Profile) -> Iterator[Contradiction]:
    for index, destination in enumerate(profile.destinations):
        where = (*at, "destinations", index, "to")
        named = destination.to not in ("internet", *policy.sets) and not _is_range(destination.to)
        if named:
            known = ", ".join(policy.sets) or "none"
            yield Contradiction(where, f"{destination.to!r} is no set of this policy (there: {known})")
            continue
        if profile.egress == Egress.ALL:
            continue
        if destination.to == "internet":
            why = (
                "destination internet needs egress all-traffic: with private-ranges-only, traffic to the "
                "internet never enters the VPC and no rule could limit it"
            )
            yield Contradiction(where, why)
            continue
        public = [place for place in destination.places if not ranges.within((place,), (*ranges.PRIVATE, *VIRTUAL))]
        if public:
            why = (
                f"{public[0]} is not private: with private-ranges-only, traffic to it never enters the VPC and no "
                "rule could limit it; say egress: all-traffic, or leave it out"
            )
            yield Contradiction(where, why)


def _is_range(text: str) -> bool:
    try:
        IPv4Network(text)
    except ValueError:
        return False
    return True


def _pool(policy: Policy, at: Path, profile: Profile) -> Iterator[Contradiction]:
    direct = profile.taken_road == "direct"
    needed = profile.direct.prefix if direct else 28
    who = "the direct road" if direct else "a connector"
    for index, text in enumerate(profile.pool):
        where = (*at, "pool", index)
        if IPv4Network(text).prefixlen > needed:
            yield Contradiction(where, f"pool {text} is smaller than the /{needed} that {who} needs")
        if not ranges.within((text,), ranges.PRIVATE):
            why = f"pool {text} is not private: a subnet of ours lies within {', '.join(ranges.PRIVATE)}"
            yield Contradiction(where, why)
        if lived_in := next(_lived_in(policy, profile, text), ""):
            yield Contradiction(where, f"pool {text} holds {lived_in}: others live there; choose another range")
        for name, kept in policy.reserved.items():
            hit = next((each for each in kept if ranges.overlap((text,), (each,))), None)
            if hit:
                why = f"pool {text} overlaps {hit}, which the policy reserves for {name}; choose another range"
                yield Contradiction(where, why)


def _lived_in(policy: Policy, profile: Profile, pool: str) -> Iterator[str]:
    """The destinations and sets that a pool holds. A destination that holds the pool is ordinary: 10.0.0.0/8 does."""
    for name, places in policy.sets.items():
        yield from (f"{place} of the set {name}" for place in places if ranges.within((place,), (pool,)))
    yield from (f"its destination {place}" for place in profile.ranges if ranges.within((place,), (pool,)))


def _shared_nat(policy: Policy) -> Iterator[Contradiction]:
    """Profiles of one network share our NAT of a region: it cannot have two lists of addresses."""
    first: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name, profile in policy.profiles.items():
        addresses = profile.nat.addresses
        if not addresses:
            continue
        other, known = first.setdefault(profile.network, (name, addresses))
        if known != addresses:
            why = (
                f"the profile {other} has other addresses in the same network {profile.network}, and both share one "
                "NAT: give both the same"
            )
            yield Contradiction(("profiles", name, "nat", "addresses"), why)


# --- warnings ---------------------------------------------------------------------------------------------------


def warnings(policy: Policy, today: date) -> list[str]:
    """What a policy may say, and hardly can mean."""
    return [*_unreached(policy), *_unused(policy), *_stale(policy, today)]


def _unreached(policy: Policy) -> Iterator[str]:
    for index, rule in enumerate(policy.rules):
        before = next((n for n, one in enumerate(policy.rules[:index]) if _covers(one.match, rule.match)), None)
        if before is not None:
            title = f"rule {rule.name!r}" if rule.name else f"rule {index + 1}"
            yield f"{title} can never decide: rule {before + 1} matches everything that it does"


def _covers(wide: Match, narrow: Match) -> bool:
    """Whether one match certainly fits whatever another does: each glob the same, or any."""
    same = all(
        getattr(wide, field) in ("*", getattr(narrow, field))
        for field in ("project", "region", "job", "service_account")
    )
    folder = wide.folder in ("", narrow.folder)
    labels = narrow.labels
    return same and folder and all(key in labels and glob in ("*", labels[key]) for key, glob in wide.labels.items())


def _unused(policy: Policy) -> Iterator[str]:
    named = {rule.profile for rule in policy.rules} | {policy.evidence}
    for name, profile in policy.profiles.items():
        if name not in named and not profile.labels and not profile.requests:
            yield f"the profile {name} can be chosen by nobody: no rule, label, request or evidence leads to it"
    used = {destination.to for profile in policy.profiles.values() for destination in profile.destinations}
    yield from (f"the set {name} is used by no profile" for name in policy.sets if name not in used)


def _stale(policy: Policy, today: date) -> Iterator[str]:
    for number, exemption in enumerate(policy.exemptions, start=1):
        if exemption.expires < today:
            yield f"exemption {number} of {exemption.owner} ended on {exemption.expires} and counts as none"
    for name, profile in policy.profiles.items():
        if profile.requests is True:
            yield f"any sender may ask for the profile {name}; list the senders in requests to limit that"
