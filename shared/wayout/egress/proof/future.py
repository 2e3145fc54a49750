"""What will be seen once changes are made: all of them, some of them, in this order or another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wayout.egress import automatics
from wayout.egress.model import (
    Action,
    Attach,
    Change,
    Connector,
    ConnectorsIn,
    Create,
    FirewallRule,
    Job,
    JobAt,
    JobName,
    JobsIn,
    Network,
    NetworkAt,
    NetworkName,
    Present,
    Read,
    Remove,
    Route,
    Router,
    RoutersOf,
    RoutesOf,
    RulesOf,
    Seen,
    Sighting,
    State,
    Subnet,
    SubnetsOf,
    Thing,
    Update,
    Way,
    kind,
    subject,
    verb,
)

Sightings = dict[Read[Any], Sighting[Any]]


@dataclass(frozen=True, eq=False, slots=True)
class Step:
    """The changes that have been made at one moment; `said` names the last of them. Each is a moment of its own."""

    made: tuple[Change, ...]

    @property
    def said(self) -> str:
        return f"the step that {_named(self.made[-1])}"


def steps(changes: Sequence[Change]) -> Iterator[Step]:
    """The moments between which all others lie: see `check` for why these suffice."""
    opening = [change for change in changes if _opens(change)]
    shutting = [change for change in changes if not _opens(change)]
    edits = [(change,) for change in changes if isinstance(change, Update)]
    known: list[tuple[Change, ...]] = [()]
    for made in (tuple(opening), tuple(shutting), tuple(changes), *edits):
        if made not in known:
            known.append(made)
            yield Step(made)


def prefixes(step: Step) -> Iterator[Step]:
    """The moments on the way to one, from its first change on."""
    return (Step(step.made[:number]) for number in range(1, len(step.made) + 1))


def _named(change: Change) -> str:
    does = {"attach": "attaches", "detach": "detaches"}.get(verb(change), f"{verb(change)}s")
    return f"{does} {kind(change)} {subject(change).rsplit('/', 1)[-1]}"


def _opens(change: Change) -> bool:
    """Whether it can only let more through; changes of something that is there are judged on their own as well."""
    if isinstance(change, Attach) or not isinstance(change.thing, FirewallRule):
        return not isinstance(change, Remove)
    allows = change.thing.action == Action.ALLOW
    return allows != isinstance(change, Remove)


# --- what will be seen ------------------------------------------------------------------------------------------


def after(seen: Seen, made: Sequence[Change]) -> Seen:
    """What will be seen once these changes are made. A connector comes up READY, with the rules that Google makes
    for one in the network's own project, and a subnet and a network with their routes."""
    sightings: Sightings = dict(seen.sightings)
    rules: dict[tuple[NetworkName, bool], list[FirewallRule]] = {}
    for change in made:
        if isinstance(change, Attach):
            continue
        if isinstance(change.thing, FirewallRule):
            rules.setdefault((change.thing.network, isinstance(change, Remove)), []).append(change.thing)
        else:
            _change(sightings, change)
    for (network, gone), things in rules.items():
        _put(sightings, RulesOf(network), *things, gone=gone)
    if ways := {change.job: change.way for change in made if isinstance(change, Attach)}:
        _attach(sightings, ways)
    return Seen(sightings)


def _attach(sightings: Sightings, ways: Mapping[JobName, Way | None]) -> None:
    def moved(job: Job) -> Job:
        return replace(job, way=ways[job.name]) if job.name in ways else job

    for read, sighting in sightings.items():
        if not isinstance(sighting, Present):
            continue
        if isinstance(read, JobAt):
            sightings[read] = Present(moved(sighting.value))
        elif isinstance(read, JobsIn):
            sightings[read] = Present(tuple(map(moved, sighting.value)))


def _change(sightings: Sightings, change: Create | Update | Remove) -> None:
    thing, gone = change.thing, isinstance(change, Remove)
    match thing:
        case Network():
            sightings[NetworkAt(thing.name)] = Present(thing)
            _put(sightings, RoutesOf(thing.name), _default_route(thing), gone=False)
        case Router():
            _put(sightings, RoutersOf(thing.network, thing.name.region), thing, gone=gone)
        case Subnet():
            _put(sightings, SubnetsOf(thing.network), thing, gone=gone)
            if isinstance(change, Create):
                _put(sightings, RoutesOf(thing.network), _own_route(thing), gone=False)
        case Connector():
            ready = replace(thing, state=State.READY)
            _put(sightings, ConnectorsIn(thing.name.project, thing.name.region), ready, gone=gone)
            if isinstance(change, Create):
                _automatic(sightings, thing)


def _put(sightings: Sightings, read: Read[Any], *things: Thing | Route, gone: bool) -> None:
    sighting, names = sightings.get(read), {thing.name for thing in things}
    if isinstance(sighting, Present):
        others = tuple(each for each in sighting.value if each.name not in names)
        sightings[read] = Present(others if gone else (*others, *things))


def _default_route(network: Network) -> Route:
    return Route("default-route", network.name, "0.0.0.0/0", internet=True)


def _own_route(subnet: Subnet) -> Route:
    return Route(f"default-route-{subnet.name.subnet}", subnet.network, subnet.range, priority=0, local=True)


def _automatic(sightings: Sightings, made: Connector) -> None:
    subnets = sightings.get(SubnetsOf(made.network))
    known = subnets.value if isinstance(subnets, Present) else ()
    range_ = next((subnet.range for subnet in known if subnet.name == made.subnet), made.range)
    _put(sightings, RulesOf(made.network), *automatics.rules(made, range_), gone=False)
