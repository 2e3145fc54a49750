"""The whole way of a packet: from a job's next execution to its destination."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from ipaddress import IPv4Address

from wayout.egress.model import Direction, JobName, Route, Way
from wayout.egress.reach import leaving, words
from wayout.egress.reach.arriving import Arrival
from wayout.egress.reach.firewall import End, Firewall, Target
from wayout.egress.reach.ground import Ground
from wayout.egress.reach.packet import Answer, Hop, Packet, Receiver, Verdict
from wayout.egress.reach.parts import parts, samples
from wayout.egress.reach.routing import routing
from wayout.egress.reach.sender import Sender, sender
from wayout.egress.reach.spans import canonical, number, spans
from wayout.egress.reach.steps import Firewalled, Routed, Step

# How Cloud Run talks with a connector's machines, and on which port. Source: facts.md section 1a.
SERVERLESS, CONTROL = "35.199.224.0/19", 667
NO_VPC = Hop("egress setting", "the job has no VPC egress: everything goes by Google's own path", Answer.YES)


def judge(
    job: JobName,
    way: Way | None,
    account: str,
    packet: Packet,
    ground: Ground | None,
    receiver: Receiver = Receiver(),  # noqa: B008 - a frozen value
    *,
    machine: bool = False,
) -> Verdict:
    """What becomes of the first packet of a new connection of the job's next execution, hop by hop."""
    return Judge(job, way, account, ground, receiver, machine=machine).judge(packet)


class Judge:
    """Judges many packets of one sender; `reaches` says the same as `judge`, and finds no words for it.

    `machine`: the way's interface is a machine's, and no job's.
    """

    def __init__(
        self,
        job: JobName,
        way: Way | None,
        account: str,
        ground: Ground | None,
        receiver: Receiver = Receiver(),  # noqa: B008 - a frozen value
        *,
        machine: bool = False,
    ) -> None:
        self._way = way
        self._enters = Hop("egress setting", f"{way.egress if way else ''}: it goes through the VPC", Answer.YES)
        self._receiver = receiver
        self._sender = sender(job, way, account, ground, machine=machine) if way else None
        if isinstance(self._sender, Sender) and ground is not None:
            self._prepare(self._sender, ground)

    def _prepare(self, found: Sender, ground: Ground) -> None:
        self._ground = ground
        inner, tags, unnamed = found, found.tags, not found.connector and not found.account
        target = Target(tags, inner.account, unnamed)
        self._ends = [End(one, found.source_tags, "") for one in samples(found.range, ground)]
        self._bare = [End(one.address, frozenset(), "") for one in self._ends]  # as whoever knows no tags sees them
        self._egress = Firewall(ground.network, ground.book, ground.policies, Direction.EGRESS, target, self._ends)
        self._arrival = Arrival(ground, self._receiver, self._ends)
        self._peers = {name: Arrival(peer, self._receiver, self._ends) for name, peer in ground.beyond.items()}
        self._routing = routing(ground.routes, tags)
        self._tunnel = list(self._carried(target)) if found.connector else []
        self._left: dict[Hashable, Hop] = {}

    # what is asked

    def reaches(self, packet: Packet) -> Answer:
        """What becomes of a packet."""
        answer = Answer.YES
        for step in self._steps(packet):
            if step.answer == Answer.NO:
                return Answer.NO
            if step.answer == Answer.UNKNOWN:
                answer = Answer.UNKNOWN
        return answer

    def place(self, address: str) -> Hashable:
        """What it can tell of an address: packets of one kind to addresses of one place fare alike."""
        to = number(address)
        if to is None:
            return None
        known = leaving.place(to)
        if self._way is None or not isinstance(self._sender, Sender) or not leaving.through_vpc(self._way.egress, to):
            return known
        best = self._routing.best(to)
        arrivals = (self._arrival, *self._peers.values()) if any(one.local or one.peering for one in best) else ()
        # Of routes only where they lead matters: most subnets of a large network look alike.
        return known, self._egress.place(to), self._routing.leads(to), tuple(one.place(to) for one in arrivals)

    def kind(self, protocol: str, port: int) -> Hashable:
        """What it can tell of a protocol and port."""
        name = canonical(protocol)
        known = name == "tcp", name in leaving.TRANSLATED, name == "tcp" and port == leaving.MAIL
        if not isinstance(self._sender, Sender):
            return known
        arrivals = tuple(one.kind(name, port) for one in (self._arrival, *self._peers.values()))
        return known, self._egress.kind(name, port), arrivals

    def judge(self, packet: Packet) -> Verdict:
        """What becomes of a packet, hop by hop, as far as it gets."""
        hops: list[Hop] = []
        for step in self._steps(packet):
            hops.append(step if isinstance(step, Hop) else step.told())
            if step.answer == Answer.NO:
                break
        answers = {hop.answer for hop in hops}
        answer = next((one for one in (Answer.NO, Answer.UNKNOWN) if one in answers), Answer.YES)
        return Verdict(answer, tuple(hops), self._inside(packet))

    def _inside(self, packet: Packet) -> bool:
        to = number(packet.address)
        if self._way is None or to is None or to in leaving.METADATA:
            return False
        return leaving.through_vpc(self._way.egress, to)

    # the way

    def _steps(self, packet: Packet) -> Iterator[Step]:
        to, protocol = number(packet.address), canonical(packet.protocol)
        if to is None:
            yield Hop("destination", "IPv6 is not judged", Answer.UNKNOWN)
            return
        if isinstance(self._sender, Hop):
            yield self._sender
            return
        if self._sender is None or self._way is None:
            yield NO_VPC
            yield _metadata() if to in leaving.METADATA else leaving.directly(to, protocol, packet.port)
            return
        yield self._sender.hop
        if to in leaving.METADATA:
            yield _metadata()
            return
        if not leaving.through_vpc(self._way.egress, to):
            yield Hop(
                "egress setting", "private-ranges-only: a public address is reached by Google's own path", Answer.YES
            )
            yield leaving.directly(to, protocol, packet.port)
            return
        yield self._enters
        if self._ground.hidden:
            yield Hop("network", f"what would decide cannot be seen: {self._ground.hidden}", Answer.UNKNOWN)
            return
        yield from self._tunnel
        yield from self._over(self._sender, to, protocol, packet.port)

    def _over(self, found: Sender, to: int, protocol: str, port: int) -> Iterator[Step]:
        """From each address that the sender may have; they must agree."""
        ways = [list(self._from(number, found, to, protocol, port)) for number in range(len(self._ends))]
        if not ways:
            yield Hop("source", f"no machine fits into {found.range}", Answer.NO)
            return
        answers = [_worst(steps) for steps in ways]
        if len(set(answers)) == 1:
            yield from ways[0]
            return
        told = ", ".join(
            f"from {IPv4Address(end.address)}: {answer}" for end, answer in zip(self._ends, answers, strict=True)
        )
        yield Hop("source", f"it depends on the sender's address: {told}", Answer.UNKNOWN)

    def _from(self, end: int, found: Sender, to: int, protocol: str, port: int) -> Iterator[Step]:
        decision = self._egress.decide(protocol, port, self._bare[end], to)
        yield Firewalled("egress firewall", decision, Direction.EGRESS)
        if decision.answer == Answer.NO:
            return
        best = self._routing.best(to)
        if self._ground.learning and to in leaving.PRIVATE and all(route.internet for route in best):
            yield Hop("route", words.learned(self._ground.learning), Answer.UNKNOWN)
        elif not best:
            yield Hop("route", "no route of the network leads there", Answer.NO)
        elif len(self._routing.leads(to)) > 1:
            names = ", ".join(route.name for route in best)
            yield Hop("route", f"routes of one rank lead different ways: {names}", Answer.UNKNOWN)
        else:
            yield from self._along(best[0], end, found, to, protocol, port)

    def _along(self, route: Route, end: int, found: Sender, to: int, protocol: str, port: int) -> Iterator[Step]:
        if route.internet:
            yield Routed(route)
            yield self._leave(found, to, protocol, port)
        elif route.peering:
            yield Routed(route)
            yield from self._into_peer(route, end, to, protocol, port)
        elif route.local:
            yield Routed(route)
            yield from self._arrival.steps(self._ends[end], to, protocol, port)
        else:
            yield Routed(route, Answer.UNKNOWN)

    def _leave(self, found: Sender, to: int, protocol: str, port: int) -> Hop:
        key = leaving.place(to), protocol, port
        if key not in self._left:
            self._left[key] = leaving.leave(self._ground, found, to, protocol, port)
        return self._left[key]

    def _into_peer(self, route: Route, end: int, to: int, protocol: str, port: int) -> Iterator[Step]:
        """Tags mean nothing in another network (Google's page on VPC Network Peering)."""
        name = next((one.network for one in self._ground.network.peerings if one.name == route.peering), None)
        peer = self._peers.get(name) if name else None
        if peer is None:
            yield Hop("ingress firewall", "the peered network's rules cannot be seen", Answer.UNKNOWN)
            return
        yield from peer.steps(self._bare[end], to, protocol, port)

    def _carried(self, target: Target) -> Iterator[Hop]:
        """Without its control traffic a connector carries nothing. Source: facts.md sections 1c to 1e."""
        far = parts(spans((SERVERLESS,)).edges[0], self._ground.book.bounds)
        ground, beyond = self._ground, [End(one, frozenset(), "") for one in far]
        into = Firewall(ground.network, ground.book, ground.policies, Direction.INGRESS, target, beyond)
        there = [self._egress.decide("tcp", CONTROL, end, to) for end in self._bare for to in far]
        back = [into.decide("tcp", CONTROL, one, end.address) for end in self._bare for one in beyond]
        for decisions, direction in ((there, Direction.EGRESS), (back, Direction.INGRESS)):
            amiss = next((one for one in decisions if one.answer != Answer.YES), None)
            if amiss is None:
                continue
            sure = all(one.answer == Answer.NO for one in decisions)
            said, by = words.decided(amiss, direction)
            why = f"it carries nothing unless tcp:{CONTROL} with {SERVERLESS} is open: {direction.lower()} {said}"
            yield Hop("connector", why, Answer.NO if sure else Answer.UNKNOWN, by)


def _metadata() -> Hop:
    return Hop("metadata server", "always allowed", Answer.YES)


def _worst(steps: Iterable[Step]) -> Answer:
    answers = {step.answer for step in steps}
    return next((one for one in (Answer.NO, Answer.UNKNOWN) if one in answers), Answer.YES)
