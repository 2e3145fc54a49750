"""Whether what a profile allows is reached once all of ours stands: words for what somebody else's work stops.

Whole means that ours is whole. A rule of somebody else that stands above our allows is theirs to keep, so the site is
made all the same, for whatever else it reaches; but a job whose destination is shut has no way out, so this is told as
blocked, with who can help. Where no way leads to a destination at all, nothing may stand there yet: a note.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import pairwise

from wayout.egress import grounds, naming, ranges, rules, ways
from wayout.egress.model import Blocked, Job, JobName, RuleName, Seen, Traffic
from wayout.egress.reach import Answer, Ground, Hop, Judge, Packet
from wayout.egress.remedies import Want

MOST_PARTS = 256  # of one destination that are looked at
DECIDED_BY_RULES = ("egress firewall", "ingress firewall", "connector")
_ANY_PORT = ("tcp", "udp", "sctp")


@dataclass(frozen=True, slots=True)
class Shut:
    """Traffic to a place (CIDR text, or `internet`) that does not arrive at an address of it, and what stops it.
    `wholly`: it arrives at none."""

    traffic: Traffic
    place: str
    address: str
    hop: Hop
    wholly: bool


def told(want: Want, seen: Seen) -> tuple[tuple[Blocked, ...], tuple[str, ...]]:
    """What blocks, and what is worth a note. An adopted connector is judged by nobody: it gets no rules from us."""
    if want.road == "adopted" or not _ours(want):
        return (), ()
    projects = (want.connector.project,) if want.own_road == "connector" else ()
    site, inside = want.site, tuple(rules.inside(want.site, seen))

    def found_by(*, translated: bool) -> tuple[Shut, ...]:
        ground = grounds.of(site.network, site.region, projects, seen, translated=translated)
        return tuple(unreached(want, ground, inside))

    found = found_by(translated=want.profile.reaches_internet)
    if any(one.wholly and not _foreign(one.hop) for one in found):
        found = found_by(translated=True)  # routers may know more ways, and are looked at for that alone
    blocked = tuple(_blocked(one, want) for one in found if _stops(one))
    notes = tuple(_noted(one) for one in found if not _stops(one) and (one.wholly or _foreign(one.hop)))
    return tuple(dict.fromkeys(blocked)), tuple(dict.fromkeys(notes))


def _stops(one: Shut) -> bool:
    """Whether somebody else's rule keeps a job from what it is promised. Of the internet everybody denies some part."""
    return _foreign(one.hop) and (one.wholly or one.place != "internet")


def _noted(one: Shut) -> str:
    part = "" if one.wholly else f"{one.address}, for one of "
    return f"not reachable: {one.traffic} to {part}{one.place}, because of its {one.hop.what}: {one.hop.said}"


def unreached(want: Want, ground: Ground, inside: tuple[str, ...]) -> Iterator[Shut]:
    """One packet of each kind to each part of each destination that rules and routes tell apart."""
    for job, account in _users(want):
        judge = Judge(job, want.way, account, ground)
        for destination in want.profile.destinations:
            for place in destination.places:
                texts = ranges.internet(inside) if place == "internet" else (place,)
                alike = {judge.place(address): address for address in _addresses(texts, ground)}
                known = list(alike.values())[:MOST_PARTS]
                for traffic in destination.traffic:
                    yield from _shut(judge, traffic, place, known)


def _ours(want: Want) -> tuple[Job, ...]:
    """The jobs on our way: those that are left on ways of their own are none of ours."""
    return tuple(job for job in want.known_jobs if not job.deleted and ways.same(job.way, want.way, job.name))


def _users(want: Want) -> Collection[tuple[JobName, str]]:
    """A connector's machines are alike for all jobs; on the direct road each sends under its own account."""
    jobs = _ours(want) if want.own_road == "direct" else _ours(want)[:1]
    return {job.service_account: (job.name, job.service_account) for job in jobs}.values()


def _shut(judge: Judge, traffic: Traffic, place: str, addresses: list[str]) -> Iterator[Shut]:
    packets = [Packet(address, *_kind(traffic)) for address in addresses]
    stopped = [packet for packet in packets if judge.reaches(packet) == Answer.NO]
    deciders = {judge.judge(packet).decider: packet.address for packet in reversed(stopped)}
    for hop, address in deciders.items():
        if hop.what != "destination":  # an address that nobody can have
            yield Shut(traffic, place, address, hop, wholly=len(stopped) == len(packets))


def _kind(traffic: Traffic) -> tuple[str, int]:
    """A protocol and port that stand for all of it."""
    protocol = "tcp" if traffic.protocol == "all" else traffic.protocol
    if traffic.ports:
        return protocol, max(1, int(traffic.ports[0].split("-")[0]))
    return protocol, 443 if protocol in _ANY_PORT else 0


def _addresses(places: tuple[str, ...], ground: Ground) -> Iterator[str]:
    """An address of every part of these places (CIDR text): its third, since a subnet's first two are nobody's."""
    routes = [ranges.ends(route.destination) for route in ground.routes if ranges.is_ipv4(route.destination)]
    bounds = sorted({*ground.book.bounds, *(bound for low, high in routes for bound in (low, high + 1))})
    for low, high in map(ranges.ends, places):
        inner = bounds[bisect_right(bounds, low) : bisect_right(bounds, high)]
        for first, after in pairwise((low, *inner, high + 1)):
            yield str(IPv4Address(first + min(2, (after - first - 1) // 2)))


def _foreign(hop: Hop) -> bool:
    """Whether a rule of somebody else decides: a VPC firewall rule, or a policy's, which is never ours."""
    if "/firewalls/" in hop.by:
        return naming.place_of(RuleName.parse(hop.by)) is None
    return ":" in hop.by and hop.what in DECIDED_BY_RULES


def _blocked(one: Shut, want: Want) -> Blocked:
    which = one.hop.by.rsplit("/", 1)[-1]
    part = "" if one.wholly else f" (a part of it: {one.address} for one)"
    why = f"the profile allows {one.traffic} there{part}, and it is {one.hop.said}: not ours, and it stands above ours"
    help_ = f"have {which} narrowed by who keeps it, or take {one.place} out of the destinations of {want.site.profile}"
    return Blocked(f"way to {one.place}", why, help_, one_job=True)
