"""Small random networks, and packets at every edge that something in them draws: values, nothing judged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network

from tests.reach.rules_drawn import ACCOUNT, NETWORK, OTHER, PROJECT, RANGES, REGION, TAGS, Dice, alive, policies, rules
from wayout.egress.model import (
    Connector,
    ConnectorName,
    Coverage,
    Egress,
    Interface,
    JobName,
    Nat,
    Network,
    NetworkName,
    Peering,
    Route,
    Router,
    RouterName,
    State,
    Subnet,
    SubnetName,
    Way,
)
from wayout.egress.reach import Ground, Packet, Receiver

__all__ = [
    "ACCOUNT",
    "JOB",
    "NETWORK",
    "OUT",
    "PEER",
    "REGION",
    "SERVICES",
    "TAGS",
    "Dice",
    "Drawn",
    "known",
    "network",
    "packets",
]

JOB = JobName(PROJECT, REGION, "report")
OUT = ConnectorName(PROJECT, REGION, "out")
PEER = NetworkName(PROJECT, "peer")
NOBODY = Receiver()
HIDDEN = "10.8.0.0/28"
INSIDE = tuple(IPv4Network(text) for text in ("10.20.0.0/24", "10.30.0.0/20", "10.40.0.0/20", "10.50.0.0/24"))
STATIC = ("192.168.0.0/16", "93.184.0.0/16", "93.184.216.0/25", "0.0.0.0/0", "199.36.153.8/30", "10.0.0.0/8")
ELSEWHERE = (
    "169.254.169.254/32",
    "172.16.0.0/12",
    "100.64.0.0/10",
    "93.184.216.0/24",
    "142.250.0.0/15",
    "34.126.0.0/18",
)
SERVICES = (
    *(("tcp", port) for port in (22, 25, 80, 442, 443, 444, 667, 5432)),
    *(("udp", port) for port in (53, 443, 664, 665, 666, 667)),
    ("icmp", 0),
)


@dataclass(frozen=True)
class Drawn:
    """One network, its job's way, and the machine at every destination inside."""

    ground: Ground
    way: Way | None
    receiver: Receiver = NOBODY


def network(seed: int, *, plain: bool = False) -> Drawn:
    """One network. `plain`: a way in that stands, and nothing but firewall rules to decide on its own subnets."""
    dice = Dice(seed)
    inside = [_subnet("apps", "10.20.0.0/24", dice)]
    inside += [_subnet("more", "10.30.0.0/20", dice)] if dice.chance(50) else []
    way = _direct(dice, inside, plain=plain) if dice.chance(50) else _connected(dice, plain=plain)
    connectors = _connector(dice, inside, plain=plain) if way is None or way.connector else ()
    peered = not plain and dice.chance(35)
    seen = peered and dice.chance(60)
    ground = Ground(
        network=_network(dice, peered=peered, plain=plain),
        region=REGION,
        subnets=tuple(inside),
        rules=(*(alive() if plain or dice.chance(75) else ()), *rules(dice, plain=plain)),
        policies=() if plain or dice.chance(50) else policies(dice),
        routes=(*_own(NETWORK, inside), *(() if plain else _routes(dice)), *(_peer_routes() if peered else ())),
        routers=() if plain else _routers(dice, inside),
        connectors=connectors,
        beyond={PEER: _peer(dice)} if seen else {},
    )
    machine = Receiver(frozenset(dice.some(TAGS[2:], 2)), dice.one("", "", OTHER, ACCOUNT))
    return Drawn(ground, way, machine if dice.chance(60) else NOBODY)


def _network(dice: Dice, *, peered: bool, plain: bool) -> Network:
    peerings = (Peering("peer", PEER),) if peered else ()
    return Network(NETWORK, policies_first=not plain and dice.chance(35), peerings=peerings)


def _subnet(name: str, range_: str, dice: Dice, network: NetworkName = NETWORK) -> Subnet:
    secondary = ("10.40.0.0/20",) if name == "more" and dice.chance(50) else ()
    return Subnet(SubnetName(PROJECT, REGION, name), network, range_, secondary, google_access=dice.chance(50))


def _connected(dice: Dice, *, plain: bool) -> Way | None:
    if not plain and dice.chance(5):
        return None
    egress = Egress.ALL if plain else dice.one(Egress.ALL, Egress.PRIVATE)
    elsewhere = not plain and dice.chance(5)
    return Way(egress, replace(OUT, region="us-central1") if elsewhere else OUT)


def _connector(dice: Dice, inside: list[Subnet], *, plain: bool) -> tuple[Connector, ...]:
    bare = not plain and dice.chance(15)
    state = State.READY if plain or dice.chance(80) else dice.one(*State)
    under = _subnet("out", HIDDEN, dice)
    inside += [] if bare else [under]
    made = Connector(OUT, NETWORK, state, None if bare else under.name, HIDDEN if bare else "")
    gone = not plain and dice.chance(5)
    return () if gone else (made,)


def _direct(dice: Dice, inside: list[Subnet], *, plain: bool) -> Way:
    small = not plain and dice.chance(10)
    name = dice.one("out", "out", "net")  # a subnet of the network's name is the one that is meant where none is named
    inside.append(_subnet(name, HIDDEN if small else "10.8.0.0/26", dice))
    full = str(inside[-1].name)
    subnet = full if plain or dice.chance(60) else dice.one(full, name, "gone", "")
    network = str(NETWORK) if plain or dice.chance(80) else dice.one("net", "")
    if not subnet and not network:
        network = "net"
    return Way(dice.one(*Egress), interface=Interface(network, subnet, dice.some(("web", "other"), 2)))


def _own(network: NetworkName, subnets: list[Subnet]) -> list[Route]:
    """Google makes one for every range of a subnet (its page on routes)."""
    return [
        Route(f"default-route-{subnet.name.subnet}-{text[:4]}", network, text, priority=0, local=True)
        for subnet in subnets
        for text in (subnet.range, *subnet.secondary)
    ]


def _routes(dice: Dice) -> Iterator[Route]:
    gateway = "default-internet-gateway"
    if dice.chance(85):
        yield Route("to-internet", NETWORK, "0.0.0.0/0", internet=True, next_hop=gateway)
    for number in range(dice.count(0, 3)):
        internet = dice.chance(40)
        yield Route(
            f"static-{number}",
            NETWORK,
            dice.one(*STATIC),
            dice.one(100, 1000, 2000),
            internet=internet,
            next_hop=gateway if internet else f"10.20.0.{9 + number}",
            tags=dice.some(TAGS, 2) if dice.chance(40) else (),
        )


def _routers(dice: Dice, subnets: list[Subnet]) -> tuple[Router, ...]:
    kind = dice.one("none", "all", "primary", "listed", "private", "listed", "all")
    listed = tuple(one.name for one in subnets if dice.chance(60)) or (subnets[0].name,)
    nats = {
        "all": (Nat("nat", Coverage.ALL),),
        "primary": (Nat("nat", Coverage.ALL_PRIMARY),),
        "listed": (Nat("nat", subnets=listed),),
        "private": (Nat("nat", Coverage.ALL, public=False),),
    }.get(kind, ())
    return (Router(RouterName(PROJECT, REGION, "edge"), NETWORK, nats),) if nats else ()


def _peer_routes() -> tuple[Route, ...]:
    return (Route("peering-route", NETWORK, "10.50.0.0/24", priority=0, peering="peer"),)


def _peer(dice: Dice) -> Ground:
    inside = (_subnet("theirs", "10.50.0.0/24", dice, PEER),)
    peer = Network(PEER, peerings=(Peering("net", NETWORK),))
    return Ground(peer, REGION, inside, rules(dice, PEER), (), tuple(_own(PEER, list(inside))), (), ())


def known(drawn: Drawn) -> Iterator[str]:
    """The ranges that something in a network speaks of."""
    ground = drawn.ground
    for each in (ground, *ground.beyond.values()):
        yield from (text for subnet in each.subnets for text in (subnet.range, *subnet.secondary))
        yield from (text for rule in each.rules for text in (*rule.sources, *rule.destinations))
        yield from (route.destination for route in each.routes)
    every = (rule for policy in ground.policies for rule in policy.rules)
    yield from (text for rule in every for text in (*rule.sources, *rule.destinations))


def packets(drawn: Drawn, dice: Dice, most: int = 40) -> list[Packet]:
    """Packets to both sides of every edge, by several protocols and ports; `most` of them."""
    nets = [IPv4Network(text) for text in {*RANGES, *ELSEWHERE, *known(drawn)}]
    edges = {int(net.network_address) for net in nets} | {int(net.broadcast_address) for net in nets}
    numbers = sorted({edge + step for edge in edges for step in (-3, -2, -1, 0, 1, 2, 3)})
    usable = [one for one in numbers if 1 << 24 <= one < (1 << 32) - 1]
    near = [one for one in usable if any(IPv4Address(one) in net for net in INSIDE)]
    places = (dice.one(*(near if dice.chance(40) else usable)) for _ in range(most))
    return [Packet(str(IPv4Address(place)), *dice.one(*SERVICES)) for place in places]
