"""One thing taken back, if it still is as we left it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from wayout.egress import commands, precedence, ways
from wayout.egress.model import (
    Attach,
    BlindError,
    Blocked,
    Change,
    Connector,
    ConnectorsIn,
    Create,
    FirewallRule,
    JobAt,
    Nat,
    Network,
    NetworkAt,
    Remove,
    Router,
    RoutersOf,
    RulesOf,
    Seen,
    Subnet,
    SubnetName,
    SubnetsOf,
    Thing,
    Update,
    Way,
    kind,
    subject,
)
from wayout.egress.remedies.nat import NAME
from wayout.egress.undoing.nets import Made, Moved, Net

BECAUSE = "somebody asked for it to be taken back"

Step = Change | Blocked | None


def back(one: Net, seen: Seen) -> Step:
    """The change that takes one thing back, or what is in the way; None if there is nothing to take back.

    Raises NotLookedError.
    """
    try:
        return _job(one, seen) if isinstance(one, Moved) else _thing(one, seen)
    except BlindError as blind:
        thing = one.job if isinstance(one, Moved) else (one.before or one.after)
        return Blocked(f"{thing}", f"it cannot be looked at: {blind.sighting.why}", blind.sighting.grant)


def _job(one: Moved, seen: Seen) -> Step:
    job = seen.maybe(JobAt(one.job))
    if job is None or job.deleted or ways.same(job.way, one.before, one.job):
        return None
    change = Attach(one.job, job.etag, one.before, job.way, f"{BECAUSE}; before, it had {_words(one.before)}")
    if ways.same(job.way, one.after, one.job):
        return change
    return _blocked(change, "somebody has given it another way since")


def _words(way: Way | None) -> str:
    return " ".join(ways.flags(way)) if way else "no VPC egress"


def _thing(one: Made, seen: Seen) -> Step:
    thing = one.after or one.before
    if thing is None or isinstance(thing, Network):
        return None
    now = _now(thing, seen)
    if isinstance(now, Router) and (added := _listed(one.after) - _listed(one.before)):
        return _without(now, added)
    if alike(now, one.before):
        return None
    change = _change(one.before, now)
    if alike(now, one.after):
        return change
    return _blocked(change, f"somebody has {'changed' if now else 'removed'} it since")


def _now(thing: Thing, seen: Seen) -> Thing | None:
    match thing:
        case Subnet():
            return _named(thing, seen.get(SubnetsOf(thing.network)))
        case FirewallRule():
            return _named(thing, seen.get(RulesOf(thing.network)))
        case Router():
            return _named(thing, seen.get(RoutersOf(thing.network, thing.name.region)))
        case Connector():
            return _named(thing, seen.get(ConnectorsIn(thing.name.project, thing.name.region)))
        case Network():
            network: Network | None = seen.maybe(NetworkAt(thing.name))
            return network


def _named(thing: Thing, there: Sequence[Any]) -> Thing | None:
    return next((found for found in there if found.name == thing.name), None)


def _change(before: Thing | None, now: Thing | None) -> Change:
    if before is None:
        assert now is not None  # noqa: S101 - else both would be alike
        return Remove(now, BECAUSE)
    if now is not None:
        return Update(before, now, BECAUSE)
    return Create(replace(before, fingerprint="") if isinstance(before, Subnet) else before, BECAUSE)


def alike(one: Thing | None, other: Thing | None) -> bool:
    """Whether a thing is the same in what we write of it. A connector grows, and never shrinks again."""
    match one, other:
        case FirewallRule(), FirewallRule():
            return precedence.same(one, other)
        case Subnet(), Subnet():
            return (one.range, one.google_access) == (other.range, other.google_access)
        case Connector(), Connector():
            return (one.network, one.subnet, one.range) == (other.network, other.subnet, other.range)
        case Router(), Router():
            return sorted(map(_nat, one.nats)) == sorted(map(_nat, other.nats))
    return one == other


def _nat(nat: Nat) -> str:
    return repr(replace(nat, subnets=tuple(sorted(nat.subnets))))


def _listed(router: Thing | None) -> frozenset[SubnetName]:
    """What our NAT lists on it."""
    nats = router.nats if isinstance(router, Router) else ()
    return frozenset(subnet for nat in nats if nat.name == NAME for subnet in nat.subnets)


def _without(now: Router, added: frozenset[SubnetName]) -> Change | None:
    """Our NAT, which serves other sites too, without these subnets; no NAT if it would list nothing, and no router if
    that was all."""
    if not added & _listed(now):
        return None
    ours = next(nat for nat in now.nats if nat.name == NAME)
    rest = tuple(subnet for subnet in ours.subnets if subnet not in added)
    if not rest and len(now.nats) == 1:
        return Remove(now, BECAUSE)
    others = (replace(nat, subnets=rest) if nat is ours else nat for nat in now.nats)
    return Update(replace(now, nats=tuple(nat for nat in others if rest or nat.name != NAME)), now, BECAUSE)


def _blocked(change: Change, why: str) -> Blocked:
    return Blocked(f"{kind(change)} {subject(change).rsplit('/', 1)[-1]}", why, _by_hand(change))


def _by_hand(change: Change) -> str:
    try:
        return f"if it is still meant, take it back by hand: {commands.gcloud(change)}"
    except ValueError:
        return "look at it, and decide by hand"
