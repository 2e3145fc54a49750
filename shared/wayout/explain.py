"""Whether one job reaches one address, protocol and port: now, and once its plan is done. Looks, and never writes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from wayout import reconcile
from wayout.egress import grounds, need, ranges, troubles, ways
from wayout.egress.model import (
    BlindError,
    Blocked,
    Cause,
    Job,
    JobAt,
    JobName,
    NetworkName,
    NotLookedError,
    Read,
    RegionPoliciesOf,
    Seen,
    Sighting,
    SubnetsOf,
    Way,
)
from wayout.egress.need import Intent, Step
from wayout.egress.proof import foresight
from wayout.egress.reach import Ground, Packet, Receiver, Verdict, judge
from wayout.parts import Parts

T = TypeVar("T")
UNNAMED = Receiver(tags=None, account=None)


class NotKnownError(LookupError):
    """What is asked about cannot be seen: why, and who or what could help."""

    def __init__(self, why: str, help_: str = "") -> None:
        super().__init__(why)
        self.help = help_


@dataclass(frozen=True, slots=True)
class Explained:
    """What becomes of the packet now, and once the plan of the job's site is done (None: nothing would change)."""

    job: Job
    intent: Intent
    packet: Packet
    now: Verdict
    then: Verdict | None = None
    blocked: tuple[Blocked, ...] = ()
    receiver: Receiver = UNNAMED


class _Looker:
    """Looks at whatever a question turns out to need."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.looked: dict[Read[Any], Sighting[Any]] = {}

    def ask(self, question: Callable[[Seen], T]) -> T:
        while True:
            try:
                return question(Seen(self.looked))
            except NotLookedError as missing:
                self.looked |= self._parts.look({missing.read})
            except BlindError as blind:
                raise NotKnownError(blind.sighting.why, blind.sighting.grant) from blind


def walk(name: JobName, parts: Parts) -> tuple[Step, ...]:
    """How the policy comes to what it says of a job, step by step. Raises NotKnownError."""
    looker = _Looker(parts)
    job = _job(name, looker)
    return looker.ask(lambda seen: tuple(need.walk(parts.policy(), job, today=parts.today(), seen=seen)))


def explain(name: JobName, packet: Packet, parts: Parts, receiver: Receiver = UNNAMED) -> Explained:
    """Judge one packet of one job. Raises NotKnownError where the job, or what decides, cannot be seen.

    `receiver`: what stands at the destination, if that lies inside.
    """
    looker = _Looker(parts)
    job = _job(name, looker)
    now = looker.ask(lambda seen: _judged(job, job.way, packet, seen, receiver))
    intent = looker.ask(lambda seen: reconcile.judged(parts.policy(), job, parts, parts.today(), dict(seen.sightings)))
    if intent.site is None:
        return Explained(job, intent, packet, now, receiver=receiver)
    ahead, harm = looker.ask(lambda seen: _ahead(job, intent, parts, seen))
    blocked = (*foresight.whole(ahead).blocked, *harm)
    if not any(stage.plan.changes for stage in ahead):
        return Explained(job, intent, packet, now, blocked=blocked, receiver=receiver)
    last = ahead[-1]
    moved = next((one for one in last.want.jobs if one.name == name), job)
    then = looker.ask(
        lambda seen: _judged(job, moved.way, packet, Seen({**seen.sightings, **last.seen.sightings}), receiver)
    )
    return Explained(job, intent, packet, now, then, blocked, receiver)


def _job(name: JobName, looker: _Looker) -> Job:
    job = looker.ask(lambda seen: seen.maybe(JobAt(name)))
    if job is None:
        raise NotKnownError(f"there is no job {name}", "check its name and region, and deploy it first")
    return job


def _ahead(
    job: Job, intent: Intent, parts: Parts, seen: Seen
) -> tuple[tuple[foresight.Stage, ...], tuple[Blocked, ...]]:
    """The stages of the plan for the job's site, and what fails its proof."""
    assert intent.site  # noqa: S101 - its only caller has asked
    run = reconcile.started(intent.site, Cause("explain", what="explain"), parts, apply=False)
    want = run.with_jobs((job,))
    ahead = foresight.stages(want, seen)
    return ahead, foresight.proven(ahead)


def _judged(job: Job, way: Way | None, packet: Packet, seen: Seen, receiver: Receiver) -> Verdict:
    """A job may name its connector with a project's number, and rules know its machines by what it is."""
    found = troubles.named_connector(way.connector, seen) if way and way.connector else None
    way = replace(way, connector=found.name) if way and found else way
    return judge(job.name, way, job.service_account, packet, _ground(job, way, seen, packet), receiver)


def _ground(job: Job, way: Way | None, seen: Seen, packet: Packet) -> Ground | None:
    """The network that a way leads into, with the policies of the region where the packet goes; None if it leads into
    none that can be told."""
    network = _network(job, way, seen)
    if network is None:
        return None
    projects = {job.name.project, network.project, *((way.connector.project,) if way and way.connector else ())}
    ground = grounds.of(network, job.name.region, tuple(sorted(projects)), seen)
    regions = {one.name.region for one in ground.subnets if _holds((one.range, *one.secondary), packet.address)}
    afar = {region: seen.get(RegionPoliciesOf(network, region)) for region in regions - {job.name.region}}
    return replace(ground, afar=afar)


def _holds(places: tuple[str, ...], address: str) -> bool:
    return ":" not in address and ranges.overlap(places, (f"{address}/32",))


def _network(job: Job, way: Way | None, seen: Seen) -> NetworkName | None:
    """The network that a way leads into; for one that leads nowhere, where what it names would lie."""
    if way is None:
        return None
    if way.connector:
        found = troubles.named_connector(way.connector, seen)
        return found.network if found else NetworkName(way.connector.project, "default")
    ground = ways.ground(way.interface, job.name)
    if ground is None:
        return None
    network, subnet = ground
    if network is None:
        default = NetworkName(subnet.project, "default")
        network = next((one.network for one in seen.get(SubnetsOf(default)) if one.name == subnet), default)
    return network
