"""Never wider and never cut, packet by packet, before and after every single change, in whatever order they come."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from random import Random

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.egress.arrival import arrives
from tests.egress.packets import Packet, carries, lies_in
from tests.egress.test_never_wider import NOT_INTERNET, SERVERLESS, VIRTUAL
from tests.egress.world import World
from tests.egress.worlds import NETWORK, PROJECT, REGION, SITE, Damage, damages, worlds
from wayout import reconcile
from wayout.egress.model import Cause, Change, Egress, Job, Outcome, Route, Subnet, SubnetName
from wayout.egress.policy import Profile

KINDS = (("tcp", 22), ("tcp", 443), ("tcp", 445), ("udp", 53), ("icmp", 0))
PLACES = (
    "10.20.0.0/24",
    "10.20.5.0/24",
    "192.168.7.0/24",
    "172.16.0.0/12",
    "100.64.0.0/10",
    "8.8.8.0/24",
    "10.127.0.0/28",
    "10.50.0.0/24",
    "1.1.1.0/24",
    "34.126.0.0/18",
    "10.21.0.0/16",
)
often = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def probes() -> list[Packet]:
    """To the third address of each place, by every kind."""
    third = [str(IPv4Address(int(IPv4Network(text).network_address) + 2)) for text in PLACES]
    return [Packet("0.0.0.0", address, protocol, port) for address in third for protocol, port in KINDS]


def promised(world: World, profile: Profile, packet: Packet) -> bool:
    """Whether the profile allows it, read from the profile and the ranges of the network alone."""
    inside = [text for one in world.subnets.values() for text in (one.range, *one.secondary)]
    inside += [route.destination for route in world.routes if not route.internet]
    outside = not lies_in(packet.address, (*NOT_INTERNET, *inside, SERVERLESS))
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
    """Looks at every job and packet before each change, and remembers what went wrong first."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.profile = world.policies.profiles["web"]
        self.first = self._seen()
        self.wrong: list[str] = []
        self.looks = 0

    def _seen(self) -> dict[tuple[str, Packet], bool | None]:
        jobs: list[Job] = sorted(self.world.jobs.values(), key=lambda job: job.name)
        return {(job.name.job, packet): arrives(self.world, job, packet) for job in jobs for packet in probes()}

    def __call__(self, change: Change | None) -> Outcome | None:
        self.looks += 1
        for (job, packet), now in self._seen().items():
            was, may = self.first.get((job, packet)), promised(self.world, self.profile, packet)
            through = self._ours(job, packet)
            if now is not False and was is False and not may and through:
                self.wrong.append(f"wider: {job} to {packet} before {change}")
            if was is True and now is not True and may:
                self.wrong.append(f"cut: {job} to {packet} before {change}")
        return None

    def _ours(self, name: str, packet: Packet) -> bool:
        """Whether a job's packet takes a way that we have made for it, and not Google's own path."""
        job = next(job for job in self.world.jobs.values() if job.name.job == name)
        way = job.way
        if way is None:
            return False
        private = lies_in(packet.address, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
        ours = "wayout-" in str(way.connector or way.interface)
        return ours and (private or way.egress == Egress.ALL)


def with_more(world: World, road: str, *, office: bool) -> World:
    """The road of the profile, and more ground on which a path could open: a subnet, and an office behind a VPN."""
    web = world.policies.profiles["web"]
    room = ("10.127.64.0/20",) if road != "connector" else web.pool
    profile = web.model_copy(update={"road": road, "pool": room})
    world.policies = world.policies.model_copy(update={"profiles": {"web": profile}})
    if NETWORK in world.networks:
        world.add(Subnet(SubnetName(PROJECT, REGION, "more"), NETWORK, "10.50.0.0/24"))
        if office:
            world.add(Route("to-office", NETWORK, "192.168.0.0/16", next_hop="vpn-tunnel"))
    return world


@often
@given(
    world=worlds(),
    road=st.sampled_from(["connector", "connector", "direct", "auto"]),
    office=st.booleans(),
    seed=st.integers(0, 1 << 16),
)
def test_at_no_step_does_anybody_gain_what_the_policy_denies_or_lose_what_it_allows(
    world: World, road: str, office: bool, seed: int
) -> None:
    with_more(world, road, office=office)
    shuffle = Random(seed)  # noqa: S311 - an order of work
    world.order = lambda changes: shuffle.sample(changes, len(changes))
    witness = Witness(world)
    world.faults = [witness]
    ending = reconcile.whole_site(SITE, Cause("event"), world)
    witness(None)
    event(ending.said.status if ending else "nothing")
    assert witness.wrong == []


@often
@given(world=worlds(), damage=damages(), road=st.sampled_from(["connector", "direct"]))
def test_nor_while_what_people_have_broken_is_mended(world: World, damage: list[Damage], road: str) -> None:
    """What the damage itself has opened or cut is not our doing: the witness begins after it."""
    with_more(world, road, office=True)
    reconcile.whole_site(SITE, Cause("event"), world)
    for one in damage:
        one(world)
    witness = Witness(world)
    world.faults = [witness]
    reconcile.whole_site(SITE, Cause("event"), world)
    witness(None)
    assert witness.wrong == []


@often
@given(world=worlds(), before=st.sampled_from(["connector", "direct"]))
def test_nor_while_jobs_move_from_one_road_to_the_other(world: World, before: str) -> None:
    with_more(world, before, office=True)
    reconcile.whole_site(SITE, Cause("event"), world)
    with_more(world, "direct" if before == "connector" else "connector", office=True)
    witness = Witness(world)
    world.faults = [witness]
    reconcile.whole_site(SITE, Cause("event"), world)
    witness(None)
    assert witness.wrong == []
    ways = [job.way for job in world.jobs.values() if job.way]
    assert not any(way.connector and way.interface for way in ways)


@settings(often, max_examples=25)
@given(world=worlds(), road=st.sampled_from(["connector", "direct", "auto"]))
def test_after_it_all_the_next_plan_is_empty_or_blocked_and_changes_nothing(world: World, road: str) -> None:
    with_more(world, road, office=True)
    reconcile.whole_site(SITE, Cause("event"), world)
    things = world.things
    world.applied.clear()
    ending = reconcile.whole_site(SITE, Cause("again"), world)
    assert world.things == things
    assert not world.applied
    assert ending is None or ending.said.status in ("whole", "blocked", "planned", "waiting")
