"""Small random networks, and packets at every edge that something in them draws: values of the model, nothing judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from random import Random
from typing import TypeVar

from wayout.egress.model import (
    Action,
    Connector,
    ConnectorName,
    Coverage,
    Direction,
    Egress,
    FirewallPolicy,
    FirewallRule,
    Interface,
    JobName,
    Layer,
    Nat,
    Network,
    NetworkName,
    PolicyRule,
    Route,
    Router,
    RouterName,
    RuleName,
    State,
    Subnet,
    SubnetName,
    Traffic,
    Verb,
    Way,
)
from wayout.egress.reach import Ground, Packet

PROJECT, REGION = "my-project", "europe-west2"
NETWORK = NetworkName(PROJECT, "net")
JOB = JobName(PROJECT, REGION, "report")
ACCOUNT = f"app@{PROJECT}.iam.gserviceaccount.com"
OUT = ConnectorName(PROJECT, REGION, "out")
TAGS = ("vpc-connector", f"vpc-connector-{REGION}-out", "web", "other")
RANGES = (
    "0.0.0.0/0",
    "10.0.0.0/8",
    "10.8.0.0/28",
    "10.8.0.0/29",
    "10.20.0.0/24",
    "10.20.0.128/25",
    "10.30.0.0/16",
    "35.199.224.0/19",
    "199.36.153.8/30",
    "8.8.8.0/24",
    "93.184.0.0/16",
    "192.168.0.0/16",
)
PLACES = ("10.20.0.0/24", "10.30.4.0/24", "10.8.0.0/26", "93.184.216.0/24", "192.168.7.0/24", "100.64.1.0/24")
LAYERS = (Layer.HIERARCHY, Layer.NETWORK)

T = TypeVar("T")


@dataclass(frozen=True)
class Drawn:
    """One network, its job's way, and whether the job's account is known."""

    ground: Ground
    way: Way | None


class Dice:
    """Draws one thing after another from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - worlds, not secrets

    def one(self, *of: T) -> T:
        return self._random.choice(of)

    def some(self, of: tuple[T, ...], most: int, least: int = 0) -> tuple[T, ...]:
        return tuple(self._random.sample(of, self._random.randint(least, min(most, len(of)))))

    def chance(self, percent: int) -> bool:
        return self._random.randrange(100) < percent

    def count(self, low: int, high: int) -> int:
        return self._random.randint(low, high)


def network(seed: int, *, plain: bool = False) -> Drawn:
    """One network. `plain`: a connector that stands, and nothing but firewall rules to decide."""
    dice = Dice(seed)
    inside = [_subnet("apps", "10.20.0.0/24", dice)]
    inside += [_subnet("more", "10.30.0.0/20", dice)] if dice.chance(50) else []
    direct = not plain and dice.chance(40)
    way = _direct(dice, inside) if direct else _connected(dice, plain=plain)
    connectors: tuple[Connector, ...] = ()
    if way is not None and way.connector:
        bare = not plain and dice.chance(15)
        state = State.READY if plain else dice.one(State.READY, State.READY, State.READY, State.UPDATING, State.ERROR)
        under = _subnet("out", "10.8.0.0/28", dice)
        inside += [] if bare else [under]
        made = Connector(OUT, NETWORK, state, None if bare else under.name, "10.8.0.0/28" if bare else "")
        connectors = () if not plain and dice.chance(5) else (made,)
    rules = tuple(_rule(number, dice) for number in range(dice.count(0, 9)))
    kept = _alive() if plain or dice.chance(70) else ()
    ground = Ground(
        network=Network(NETWORK, policies_first=not plain and dice.chance(20)),
        region=REGION,
        subnets=tuple(inside),
        rules=(*kept, *rules),
        policies=() if plain or dice.chance(60) else tuple(_policy(n, dice) for n in range(dice.count(1, 2))),
        routes=(*_own(inside), *([] if plain else _routes(dice))),
        routers=() if plain else _routers(dice, inside),
        connectors=connectors,
    )
    return Drawn(ground, way)


def _subnet(name: str, range_: str, dice: Dice) -> Subnet:
    secondary = ("10.40.0.0/20",) if name == "more" and dice.chance(50) else ()
    return Subnet(SubnetName(PROJECT, REGION, name), NETWORK, range_, secondary, google_access=dice.chance(50))


def _connected(dice: Dice, *, plain: bool) -> Way | None:
    if not plain and dice.chance(5):
        return None
    egress = Egress.ALL if plain else dice.one(Egress.ALL, Egress.PRIVATE)
    elsewhere = not plain and dice.chance(5)
    return Way(egress, replace(OUT, region="us-central1") if elsewhere else OUT)


def _direct(dice: Dice, inside: list[Subnet]) -> Way:
    small = dice.chance(10)
    inside.append(_subnet("out", "10.8.0.0/28" if small else "10.8.0.0/26", dice))
    named = dice.one(str(inside[-1].name), "out", "gone") if dice.chance(30) else str(inside[-1].name)
    interface = Interface(str(NETWORK), named, dice.some(("web", "other"), 2))
    return Way(dice.one(Egress.ALL, Egress.PRIVATE), interface=interface)


def _own(subnets: list[Subnet]) -> list[Route]:
    """Google makes one for every range of a subnet (its page on routes)."""
    return [
        Route(f"default-route-{subnet.name.subnet}-{text[:4]}", NETWORK, text, priority=0, local=True)
        for subnet in subnets
        for text in (subnet.range, *subnet.secondary)
    ]


def _routes(dice: Dice) -> list[Route]:
    found = []
    if dice.chance(85):
        found.append(Route("to-internet", NETWORK, "0.0.0.0/0", internet=True, next_hop="default-internet-gateway"))
    for number in range(dice.count(0, 2)):
        internet = dice.chance(30)
        found.append(
            Route(
                f"static-{number}",
                NETWORK,
                dice.one("192.168.0.0/16", "93.184.0.0/16", "93.184.216.0/25", "0.0.0.0/0", "8.8.8.0/24"),
                dice.one(100, 1000, 2000),
                internet=internet,
                next_hop="default-internet-gateway" if internet else f"10.20.0.{9 + number}",
                tags=dice.some(TAGS, 2) if dice.chance(40) else (),
            )
        )
    return found


def _routers(dice: Dice, subnets: list[Subnet]) -> tuple[Router, ...]:
    kind = dice.one("none", "all", "primary", "listed", "private", "listed", "all")
    nats = {
        "all": (Nat("nat", Coverage.ALL),),
        "primary": (Nat("nat", Coverage.ALL_PRIMARY),),
        "listed": (Nat("nat", subnets=tuple(one.name for one in subnets if dice.chance(60))),),
        "private": (Nat("nat", Coverage.ALL, public=False),),
    }.get(kind, ())
    return (Router(RouterName(PROJECT, REGION, "edge"), NETWORK, nats),) if nats else ()


def traffic(dice: Dice) -> tuple[Traffic, ...]:
    """What a rule speaks of."""
    one = dice.one("tcp", "udp", "icmp", "all", "6", "17", "tcp", "tcp")
    ports = dice.some(("22", "443", "1-442", "444-65535", "667", "665-666", "5432"), 2)
    return (Traffic(one, ports if one in ("tcp", "udp", "6", "17") else ()),)


def _rule(number: int, dice: Dice) -> FirewallRule:
    direction = dice.one(*Direction)
    into = direction == Direction.INGRESS
    accounts = (ACCOUNT,) if dice.chance(12) else ()
    sources = dice.some(RANGES, 2)
    tags = dice.some(TAGS, 2) if into and dice.chance(40) else ()
    if into and not sources and not tags:
        sources = ("0.0.0.0/0",)
    return FirewallRule(
        RuleName(PROJECT, f"rule-{number}"),
        NETWORK,
        direction,
        dice.one(*Action),
        dice.one(0, 100, 300, 900, 1000, 1000, 65534),
        traffic(dice),
        sources=sources if into or dice.chance(15) else (),
        destinations=dice.some(RANGES, 2) if not into or dice.chance(30) else (),
        source_tags=tags,
        target_tags=dice.some(TAGS, 2) if not accounts and dice.chance(50) else (),
        target_accounts=accounts,
        disabled=dice.chance(10),
    )


def _alive() -> tuple[FirewallRule, ...]:
    """What keeps a connector alive, as Google's own rules at 100 do."""
    tag = (TAGS[1],)
    control = (Traffic("tcp", ("667",)), Traffic("udp", ("665-666",)), Traffic("icmp"))
    far, into, out = ("35.199.224.0/19",), Direction.INGRESS, Direction.EGRESS
    return (
        FirewallRule(
            RuleName(PROJECT, "alive-in"), NETWORK, into, Action.ALLOW, 1, control, sources=far, target_tags=tag
        ),
        FirewallRule(
            RuleName(PROJECT, "alive-out"), NETWORK, out, Action.ALLOW, 1, control, destinations=far, target_tags=tag
        ),
    )


def _policy(number: int, dice: Dice) -> FirewallPolicy:
    rules = tuple(_policy_rule(10 * (index + 1), dice) for index in range(dice.count(1, 3)))
    return FirewallPolicy(f"policy-{number}", dice.one(*LAYERS), rules, priority=number)


def _policy_rule(priority: int, dice: Dice) -> PolicyRule:
    direction = dice.one(*Direction)
    unclear = ("destFqdns",) if direction == Direction.EGRESS and dice.chance(20) else ()
    destinations = () if unclear else dice.some(RANGES, 2)
    return PolicyRule(
        priority,
        direction,
        dice.one(Verb.ALLOW, Verb.DENY, Verb.NEXT),
        traffic(dice),
        sources=dice.some(RANGES, 1) if direction == Direction.INGRESS else (),
        destinations=destinations,
        target_accounts=(ACCOUNT,) if dice.chance(15) else (),
        disabled=dice.chance(10),
        unclear=unclear,
    )


def packets(drawn: Drawn, dice: Dice, most: int = 40) -> list[Packet]:
    """Packets to both sides of every edge, by several protocols and ports; `most` of them."""
    texts = {*RANGES, *PLACES, *(route.destination for route in drawn.ground.routes), "169.254.169.254/32"}
    nets = [IPv4Network(text) for text in texts]
    edges = {int(net.network_address) for net in nets} | {int(net.broadcast_address) for net in nets}
    steps = (-1, 0, 1, 2, 3)
    numbers = sorted({edge + step for edge in edges for step in steps if 0 < edge + step < 1 << 32})
    kinds = [("tcp", port) for port in (22, 25, 80, 443, 444, 667, 5432)] + [("udp", 53), ("udp", 665), ("icmp", 0)]
    found = [Packet(str(IPv4Address(dice.one(*numbers))), *dice.one(*kinds)) for _ in range(most)]
    return [one for one in found if not one.address.startswith(("0.", "255.255.255.255"))]
