"""Taking back what was done for one plan, as far as it still is as we left it: the next step, and what is in the way.

What was taken away is made again first, then jobs go back to the way they had, and last goes what nobody uses then:
connectors before the rules that hold them, and subnets at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from wayout.egress import hosting, naming, removal
from wayout.egress.model import (
    Attach,
    BlindError,
    Blocked,
    Change,
    Connector,
    ConnectorName,
    Create,
    FirewallRule,
    Network,
    NetworkAt,
    Plan,
    Remove,
    Router,
    Seen,
    Subnet,
)
from wayout.egress.remedies import Want
from wayout.egress.undoing.back import back
from wayout.egress.undoing.nets import Made, Net, jobs, net

__all__ = ["Net", "jobs", "net", "planned"]

_MADE_AGAIN = (Network, Subnet, Router, FirewallRule, Connector)  # in this order


def planned(nets: Sequence[Net]) -> Callable[[Want, Seen], Plan]:
    """How to plan the next step of taking all these back. Nothing is begun while something is in the way of any."""

    def plan(want: Want, seen: Seen) -> Plan:
        steps = [back(one, seen) for one in _lasting(nets)]
        blocked = tuple(step for step in steps if isinstance(step, Blocked))
        changes = _next([step for step in steps if step and not isinstance(step, Blocked)])
        if any(isinstance(change, Remove) for change in changes):
            blocked += _in_use(want, seen)
        allowed, held = hosting.held_back(want, changes)
        blocked += tuple(held)
        return Plan(() if blocked else tuple(allowed), blocked, notes=tuple(_stays(nets, seen)))

    return plan


def _next(changes: Sequence[Change]) -> list[Change]:
    """Those that come first: each kind of step waits until the one before is seen to be done."""
    first = min(map(_turn, changes), default=None)
    return [change for change in changes if _turn(change) == first]


def _turn(change: Change) -> tuple[int, int]:
    match change:
        case Create(thing):
            return 0, _MADE_AGAIN.index(type(thing))
        case Attach():
            return 1, 0
        case Remove(Connector()):
            return 2, 0
        case Remove(Subnet()):
            return 4, 0
    return 3, 0


def _in_use(want: Want, seen: Seen) -> tuple[Blocked, ...]:
    site = f"site {want.site.profile} in {want.site.region}"
    try:
        # Rules of the road that the profile has left may be among it.
        users = (*removal.users(want, seen), *removal.users(removal.other_road(want), seen))
    except BlindError as blind:
        why = f"whether it is still used cannot be judged: {blind.sighting.why}"
        return (Blocked(site, why, blind.sighting.grant),)
    if not users:
        return ()
    why = f"it is used by {', '.join(users[:5])}"
    return (Blocked(site, why, "take back what was done for those jobs first, and let executions end"),)


def _lasting(nets: Sequence[Net]) -> Iterator[Net]:
    """All but what goes by itself: Google's own rules for a connector that this plan has made."""
    made = {one.after.name for one in nets if isinstance(one, Made) and one.before is None and one.after}
    connectors = {(name.region, name.connector) for name in made if isinstance(name, ConnectorName)}
    return (one for one in nets if not (isinstance(one, Made) and _served(one) in connectors))


def _served(one: Made) -> tuple[str, str] | None:
    """The region and connector that Google made a rule for."""
    thing = one.before or one.after
    auto = naming.automatic(thing.name.rule) if isinstance(thing, FirewallRule) else None
    return (auto.region, auto.connector) if auto else None


def _stays(nets: Iterable[Net], seen: Seen) -> Iterator[str]:
    """What we made and do not take away."""
    for one in nets:
        if isinstance(one, Made) and isinstance(one.after, Network):
            there: Network | None = seen.maybe(NetworkAt(one.after.name))
            if there:
                yield f"the network {there.name.network} stays: Wayout removes no network"
