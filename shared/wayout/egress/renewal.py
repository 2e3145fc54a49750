"""What has to be looked at again after a write, and before the next one. See decision 019."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from wayout.egress.model import (
    AddressesIn,
    Attach,
    Change,
    Connector,
    ConnectorsIn,
    Create,
    FirewallRule,
    JobAt,
    JobsIn,
    Network,
    NetworkAt,
    Outcome,
    Read,
    Remove,
    Result,
    Router,
    RoutersOf,
    RoutesOf,
    RuleQuotaOf,
    RulesOf,
    Sighting,
    Subnet,
    SubnetsOf,
)

Kinds = tuple[type[Read[Any]], ...]

_AS_PLANNED = (Result.CREATED, Result.UPDATED, Result.REMOVED)
# What a write of a kind may show in. A connector takes minutes, and Google makes rules for it; a network holds all the
# rest: after these nothing is known any more.
_SHOWS_IN: dict[type, Kinds] = {
    FirewallRule: (RulesOf, RuleQuotaOf),
    Router: (RoutersOf, AddressesIn),
    Subnet: (SubnetsOf, RoutesOf),
    Attach: (JobAt, JobsIn),
}
# What a write of a kind rests on itself. A connector costs money, so that somebody should still want it.
_RESTS_ON: dict[type, Kinds] = {
    Network: (NetworkAt,),
    Subnet: (SubnetsOf,),
    FirewallRule: (RulesOf,),
    Router: (RoutersOf,),
    Connector: (ConnectorsIn, JobAt, JobsIn),
}


def kept(sightings: Mapping[Read[Any], Sighting[Any]], done: Sequence[Outcome]) -> dict[Read[Any], Sighting[Any]]:
    """The sightings that these writes, all ours, cannot have changed.

    None where anything went otherwise than planned (somebody else was at work), or took minutes.
    """
    if not done or any(outcome.result not in _AS_PLANNED for outcome in done):
        return {}
    shown: set[type[Read[Any]]] = set()
    for change in (outcome.change for outcome in done):
        subject = change if isinstance(change, Attach) else change.thing
        if isinstance(subject, Connector | Network):
            return {}
        shown.update(_SHOWS_IN[type(subject)])
        if isinstance(subject, FirewallRule) and not isinstance(change, Create):
            shown.add(ConnectorsIn)  # a rule that goes may cost a connector its health
    return {read: sighting for read, sighting in sightings.items() if type(read) not in shown}


def stale(changes: Sequence[Change], known: Collection[Read[Any]], *, shared: bool) -> set[Read[Any]]:
    """What of the known has to be looked at again before these changes may be made: what each rests on itself, and
    everything for what moves a job or takes something away.

    `shared`: it was seen for other sites too, so that nobody knows how old it is: then everything, for any change.
    """
    if any(shared or isinstance(change, Attach | Remove) for change in changes):
        return set(known)
    kinds = {kind for change in changes if not isinstance(change, Attach) for kind in _RESTS_ON[type(change.thing)]}
    return {read for read in known if type(read) in kinds}
