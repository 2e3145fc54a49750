"""The promises in wide worlds: several sites in one network and region, in others, and in a Shared VPC, in turn and
interleaved. Nothing may stand in the way of a world without obstacles, the proof least of all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy

from hypothesis import given, seed
from hypothesis import strategies as st

from tests.egress import wide
from tests.egress.packets import Packet, carries, lies_in
from tests.egress.test_never_wider import NOT_INTERNET, SERVERLESS, VIRTUAL
from tests.egress.truth import Truth
from tests.egress.wide import left_alone, profile_of, site_of, sites, times
from tests.egress.world import World
from wayout import reconcile
from wayout.egress.messages import OutcomeSaid
from wayout.egress.model import Attach, Cause, Change, Egress, Interface, Job, JobName, NetworkName, Outcome, Site, Way
from wayout.egress.policy import Profile

KINDS = (("tcp", 22), ("tcp", 443), ("tcp", 5432), ("udp", 53), ("icmp", 0))
PLACES = (
    "10.20.0.9",
    "10.20.5.9",
    "10.21.0.9",
    "10.50.0.9",
    "10.60.0.9",
    "192.168.7.9",
    "172.16.0.9",
    "8.8.8.8",
    "1.1.1.1",
    "34.126.0.9",
    "199.36.153.9",
)
PROBES = [Packet("0.0.0.0", place, *kind) for place in PLACES for kind in KINDS]
PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "199.36.153.4/30", "199.36.153.8/30")


def brought(world: World, order: list[Site] | None = None) -> dict[Site, OutcomeSaid]:
    """Every site brought to its end, one after the other."""
    ended = {site: reconcile.whole_site(site, Cause("event"), world) for site in order or sites(world)}
    return {site: ending.said for site, ending in ended.items() if ending}


def interleaved(world: World, order: list[Site]) -> None:
    """All sites at once: after each round of changes of one, the next is begun, and so on."""

    def begin(site: Site) -> Callable[[World], None]:
        return lambda then: (reconcile.whole_site(site, Cause("event"), then), None)[1]

    world.meanwhile = [begin(site) for site in order[1:]]
    brought(world, order)
    world.meanwhile = []
    brought(world, order)


def promised(world: World, profile: Profile, network: NetworkName, packet: Packet) -> bool:
    """Whether the profile allows it, read from the profile and the ranges of its network alone."""
    inside = [text for one in world.subnets.values() if one.network == network for text in (one.range, *one.secondary)]
    routes = [*world.routes, *world.peer_routes]
    inside += [one.destination for one in routes if one.network == network and not one.internet]
    never = (SERVERLESS,) if profile.taken_road == "connector" else ()
    outside = not lies_in(packet.address, (*NOT_INTERNET, *inside, *never))
    https = (packet.protocol, packet.port) == ("tcp", 443)
    if https and lies_in(packet.address, VIRTUAL.get(profile.google_apis, ())):
        return True
    if https and outside and profile.google_apis == "default-domains" and profile.egress == Egress.ALL:
        return True
    return any(
        (outside if found.to == "internet" else lies_in(packet.address, (found.to,)))
        and any(carries(item, packet) for item in found.traffic)
        for found in profile.destinations
    )


class Witness:
    """Looks at every job, and at machines of others, before each change, and remembers what went wrong."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wrong: list[str] = []
        self.machines = {
            f"a machine in {name.subnet}": self._machine(str(name)) for name in world.subnets if theirs(name)
        }
        self.free = {str(name) for name, job in world.jobs.items() if self._ours_to_say(job)}
        self.may = {str(name): self._allowed(job) for name, job in world.jobs.items()}
        self.first = {name: self._look(job) for name, job in self._everybody().items()}
        self.last: Change | None = None

    def _machine(self, subnet: str) -> Job:
        _, project, _, region, *_ = subnet.split("/")
        name = JobName(project, region, "machine")
        network = next(one.network for one in self.world.subnets.values() if str(one.name) == subnet)
        return Job(name, way=Way(Egress.ALL, interface=Interface(str(network), subnet)))

    def _everybody(self) -> dict[str, Job]:
        return {**self.machines, **{str(name): job for name, job in self.world.jobs.items()}}

    def _ours_to_say(self, job: Job) -> bool:
        return profile_of(self.world, job) is not None and not left_alone(self.world, job)

    def _allowed(self, job: Job) -> list[bool]:
        profile, site = profile_of(self.world, job), site_of(self.world, job)
        if profile is None or site is None:
            return [False] * len(PROBES)
        return [promised(self.world, profile, site.network, packet) for packet in PROBES]

    def _look(self, job: Job) -> list[bool | None]:
        return Truth(self.world).arrives(job, PROBES)

    def __call__(self, change: Change | None) -> Outcome | None:
        last, self.last = self.last, change
        for name, job in self._everybody().items():
            if last is None or self._touches(last, job):
                self._judge(name, job, last)
        return None

    def _touches(self, change: Change, job: Job) -> bool:
        """Whether a change can have made a difference to somebody."""
        if isinstance(change, Attach):
            return change.job == job.name
        return job.way is not None

    def _judge(self, name: str, job: Job, change: Change | None) -> None:
        free = name in self.free
        may = self.may.get(name, [False] * len(PROBES))
        for packet, was, now, allowed in zip(PROBES, self.first[name], self._look(job), may, strict=True):
            held = allowed or not free
            if now is not False and was is False and not allowed and (not free or _through_ours(job, packet)):
                self.wrong.append(f"wider: {name} to {packet} after {change}")
            if was is True and now is not True and held:
                self.wrong.append(f"cut: {name} to {packet} after {change}")


def theirs(name: object) -> bool:
    return "/theirs-" in str(name)


def _through_ours(job: Job, packet: Packet) -> bool:
    """Whether a packet takes a way that we have made, and not Google's own path."""
    way = job.way
    if way is None or "wayout-" not in str(way.connector or way.interface):
        return False
    return way.egress == Egress.ALL or lies_in(packet.address, PRIVATE)


def made_by_others(world: World) -> list[object]:
    """Everything that others have made, to compare worlds."""
    tables: tuple[dict[object, object], ...] = (world.rules, world.connectors, world.routers, world.subnets)  # type: ignore[assignment]
    return [{name: thing for name, thing in table.items() if "theirs" in str(name)} for table in tables]


orders = st.permutations(range(12))


def ordered(world: World, order: list[int]) -> list[Site]:
    """The sites in a drawn order."""
    known = sites(world)
    return [known[number] for number in order if number < len(known)]


# --- nothing stands in the way where nothing does -----------------------------------------------------------------


@times(9)
@given(world=wide.worlds(clear=True), order=orders)
def test_a_world_without_obstacles_ends_whole_whatever_the_order_of_its_sites(world: World, order: list[int]) -> None:
    said = brought(world, ordered(world, order))
    assert {one.status for one in said.values()} <= {"whole"}, _why(said)
    for job in world.jobs.values():
        if site := site_of(world, job):
            assert left_alone(world, job) or (job.way and "wayout-" in str(job.way.connector or job.way.interface)), job
            assert said[site].status == "whole"


@times(4)
@given(world=wide.worlds(clear=True), turn=st.integers(1, 2))
def test_so_it_does_when_jobs_have_been_given_other_profiles(world: World, turn: int) -> None:
    brought(world)
    world.add(*wide.moved(world, turn))
    witness = Witness(world)
    world.faults = [witness]
    said = brought(world)
    witness(None)
    assert witness.wrong == []
    assert {one.status for one in said.values()} <= {"whole"}, _why(said)


def _why(said: dict[Site, OutcomeSaid]) -> str:
    return "\n".join(f"{site}: {block.what}: {block.why}" for site, one in said.items() for block in one.blocked)


# --- never wider, never cut ---------------------------------------------------------------------------------------


@times(9)
@given(world=wide.worlds(), order=orders, at_once=st.booleans())
def test_at_no_step_of_any_site_does_anybody_gain_or_lose_what_they_must_not(
    world: World, order: list[int], at_once: bool
) -> None:
    witness, before = Witness(world), made_by_others(deepcopy(world))
    world.faults = [witness]
    (interleaved if at_once else brought)(world, ordered(world, order))
    witness(None)
    assert witness.wrong == []
    assert made_by_others(world) == before


# --- fixpoint, once -----------------------------------------------------------------------------------------------


@times(8)
@given(world=wide.worlds(), order=orders)
def test_all_sites_come_to_rest_and_in_whatever_order_and_however_often_the_same_world_is_reached(
    world: World, order: list[int]
) -> None:
    again, at_once = deepcopy(world), deepcopy(world)
    brought(world)
    things = world.things
    world.applied.clear()
    brought(world)
    assert not world.applied, "something was left to do"
    assert world.things == things
    brought(again, ordered(again, order))
    interleaved(at_once, ordered(at_once, order))
    assert again.things == things
    assert at_once.things == things


# --- a false block cannot hide ------------------------------------------------------------------------------------


def test_of_worlds_with_obstacles_a_fair_share_ends_whole_and_the_proof_blocks_few() -> None:
    """Counted over the same worlds at every run."""
    ended: Counter[str] = Counter()

    @seed(7)
    @times(20)
    @given(world=wide.worlds())
    def count(world: World) -> None:
        for said in brought(world).values():
            proof = any("fails its proof" in block.why for block in said.blocked)
            ended["proof" if proof else said.status] += 1

    count()
    total = ended.total()
    assert total >= 40, ended
    assert ended["whole"] >= total * 0.3, ended
    assert ended["proof"] <= total * 0.15, ended
