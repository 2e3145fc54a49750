"""Whether a job reaches an address, protocol and port, and what decides: one row for every sentence of Google's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

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
    Peering,
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
from wayout.egress.reach import Answer, Ground, Judge, Packet, Receiver, Verdict, judge, through_vpc
from wayout.egress.reach.spans import number

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
REGION = "europe-west2"
JOB = JobName("shop", REGION, "nightly")
ACCOUNT = "nightly@shop.iam.gserviceaccount.com"
NETWORK = NetworkName("shop", "prod")
PARTNER = NetworkName("partner", "core")
OUT = ConnectorName("shop", REGION, "out")
TAG = "vpc-connector-europe-west2-out"
SERVERLESS = "35.199.224.0/19"

ALL = Way(Egress.ALL, connector=OUT)
PRIVATE = Way(Egress.PRIVATE, connector=OUT)
DIRECT = Way(Egress.ALL, interface=Interface("prod", "jobs", ("batch",)))
DIRECT_PRIVATE = replace(DIRECT, egress=Egress.PRIVATE)

DATABASE, WEB = "tcp:5432 10.1.0.5", "tcp:443 8.9.10.11"
RESTRICTED, PRIVATE_API = "tcp:443 199.36.153.5", "tcp:443 199.36.153.9"

# What decides
FW, INTO, NAT, GATEWAY = "egress firewall", "ingress firewall", "Cloud NAT", "internet gateway"
OWN, ROUTE, CARRIER, PGA = "Google's own path", "route", "connector", "Private Google Access"


# How the world of a row is laid


def subnet(name: str, range_: str, *, region: str = REGION, **more: Any) -> Subnet:
    return Subnet(SubnetName("shop", region, name), NETWORK, range_, **more)


def local(range_: str) -> Route:
    return Route(f"subnet-{range_}", NETWORK, range_, priority=0, local=True)


def gateway(range_: str = "0.0.0.0/0", priority: int = 1000, *tags: str, name: str = "internet") -> Route:
    return Route(name, NETWORK, range_, priority, internet=True, tags=tags)


def elsewhere(range_: str, priority: int = 1000, *tags: str, name: str = "vpn") -> Route:
    return Route(name, NETWORK, range_, priority, next_hop="a VPN tunnel", tags=tags)


def away(priority: int, *tags: str) -> Route:
    """A default route to somewhere else than the internet."""
    return elsewhere("0.0.0.0/0", priority, *tags)


def traffic(text: str) -> tuple[Traffic, ...]:
    protocol, _, ports = text.partition(":")
    return (Traffic(protocol, tuple(ports.split(",")) if ports else ()),)


def rule(action: Action, direction: Direction, priority: int, what: str = "all", **more: Any) -> FirewallRule:
    name = more.pop("name", f"{action}-{direction}-{priority}".lower())
    return FirewallRule(RuleName("shop", name), NETWORK, direction, action, priority, traffic(what), **more)


def allow_out(priority: int, what: str = "all", **more: Any) -> FirewallRule:
    return rule(Action.ALLOW, Direction.EGRESS, priority, what, **more)


def deny_out(priority: int, what: str = "all", **more: Any) -> FirewallRule:
    return rule(Action.DENY, Direction.EGRESS, priority, what, **more)


def allow_in(priority: int, what: str = "all", **more: Any) -> FirewallRule:
    return rule(Action.ALLOW, Direction.INGRESS, priority, what, **more)


def deny_in(priority: int, what: str = "all", **more: Any) -> FirewallRule:
    return rule(Action.DENY, Direction.INGRESS, priority, what, **more)


def says(verb: Verb, direction: Direction, priority: int = 10, what: str = "all", **more: Any) -> PolicyRule:
    return PolicyRule(priority, direction, verb, traffic(what), **more)


def out(verb: Verb, priority: int = 10, what: str = "all", **more: Any) -> PolicyRule:
    return says(verb, Direction.EGRESS, priority, what, **more)


def in_(verb: Verb, priority: int = 10, what: str = "all", **more: Any) -> PolicyRule:
    return says(verb, Direction.INGRESS, priority, what, **more)


def org(*rules: PolicyRule) -> FirewallPolicy:
    return FirewallPolicy("organisation", Layer.HIERARCHY, rules)


def folder(*rules: PolicyRule) -> FirewallPolicy:
    return FirewallPolicy("folder", Layer.HIERARCHY, rules)


def system(*rules: PolicyRule) -> FirewallPolicy:
    return FirewallPolicy("system", Layer.SYSTEM, rules)


def net(*rules: PolicyRule) -> FirewallPolicy:
    return FirewallPolicy("network", Layer.NETWORK, rules)


def regional(*rules: PolicyRule) -> FirewallPolicy:
    return FirewallPolicy("regional", Layer.REGIONAL, rules)


def nat(**more: Any) -> Router:
    return Router(RouterName("shop", REGION, "edge"), NETWORK, (Nat("nat", **more),))


CONTROL_OUT = allow_out(100, "tcp:667", destinations=(SERVERLESS,), target_tags=("vpc-connector",), name="earfw")
CONTROL_IN = allow_in(100, "tcp:667", sources=(SERVERLESS,), target_tags=("vpc-connector",), name="rsgfw")
LET_IN = allow_in(1000, "tcp", source_tags=(TAG,), name="tagfw")
CONNECTOR = Connector(OUT, NETWORK, State.READY, subnet=SubnetName("shop", REGION, "connector"))
BARE = replace(CONNECTOR, subnet=None, range="10.8.0.0/28")
OURS, JOBS, DATA = subnet("connector", "10.8.0.0/28"), subnet("jobs", "10.9.0.0/26"), subnet("data", "10.1.0.0/24")
SUBNETS = (OURS, JOBS, DATA)
THERE = (DATA.range,)
COVERED = nat(coverage=Coverage.ALL)
LEARNS = Router(RouterName("shop", REGION, "cloud-vpn"), NETWORK, dynamic=True)
LISTED = nat(subnets=(OURS.name,))
GOOGLE = {"subnets": tuple(replace(one, google_access=True) for one in SUBNETS)}
FIRST = {"network": Network(NETWORK, policies_first=True)}
NO_CONTROL = {"rules": ()}

BASE = Ground(
    network=Network(NETWORK),
    region=REGION,
    subnets=SUBNETS,
    rules=(CONTROL_OUT, CONTROL_IN),
    routes=(*(local(one.range) for one in SUBNETS), gateway()),
    connectors=(CONNECTOR,),
)
_SLOTS: Mapping[type, str] = {
    FirewallRule: "rules",
    FirewallPolicy: "policies",
    Route: "routes",
    Router: "routers",
    Subnet: "subnets",
    Connector: "connectors",
}


def laid(*things: object) -> Ground:
    """The base with things added; a mapping replaces whole fields first, wherever it stands."""
    ground = BASE
    for fields in (one for one in things if isinstance(one, dict)):
        ground = replace(ground, **fields)
    for thing in (one for one in things if not isinstance(one, dict)):
        added: dict[str, Any] = {_SLOTS[type(thing)]: (*_others(ground, thing), thing)}
        ground = replace(ground, **added)
    return ground


def _others(ground: Ground, thing: object) -> tuple[object, ...]:
    """A connector takes the place of the one of its name."""
    kept: tuple[object, ...] = getattr(ground, _SLOTS[type(thing)])
    if isinstance(thing, Connector):
        return tuple(one for one in kept if isinstance(one, Connector) and one.name != thing.name)
    return kept


def packet(text: str) -> Packet:
    what, address = text.split()
    protocol, _, port = what.partition(":")
    return Packet(address, protocol, int(port or 0))


def verdict(way: Way | None, to: str, *things: object, receiver: Receiver = Receiver()) -> Verdict:  # noqa: B008
    found = judge(JOB, way, ACCOUNT, packet(to), laid(*things), receiver)
    assert Judge(JOB, way, ACCOUNT, laid(*things), receiver).reaches(packet(to)) == found.answer
    return found


Row = tuple[str, Way | None, str, tuple[object, ...], Answer, str]


def rows(*table: Row) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("way", "to", "things", "answer", "decider"), [pytest.param(*row[1:], id=row[0]) for row in table]
    )


def holds(way: Way | None, to: str, things: tuple[object, ...], answer: Answer, decider: str) -> None:
    found = verdict(way, to, *things)
    assert (found.answer, found.decider.what) == (answer, decider), found.hops


@rows(
    ("without a way the internet is reached", None, WEB, (), YES, OWN),
    ("and no rule of a VPC limits that", None, WEB, (deny_out(1),), YES, OWN),
    ("private ranges are not on the internet", None, DATABASE, (), NO, OWN),
    ("nor is shared address space (RFC 6598)", None, "tcp:443 100.64.1.1", (), NO, OWN),
    ("nor is documentation space", None, "tcp:443 203.0.113.7", (), NO, OWN),
    ("Google blocks mail to the outside", None, "tcp:25 8.9.10.11", (), NO, OWN),
    ("but not its submission", None, "tcp:587 8.9.10.11", (), YES, OWN),
    ("nor udp:25", None, "udp:25 8.9.10.11", (), YES, OWN),
    ("the metadata server always answers", None, "tcp:80 169.254.169.254", (), YES, "metadata server"),
    ("so does its DNS", None, "udp:53 169.254.169.254", (), YES, "metadata server"),
    ("what else Google's own path carries is not documented", None, "esp 8.9.10.11", (), UNKNOWN, OWN),
    ("Google does not say what virtual addresses do there", None, RESTRICTED, (), UNKNOWN, OWN),
    ("IPv6 is not judged", None, "tcp:443 2001:db8::1", (), UNKNOWN, "destination"),
)
def test_a_job_without_a_way(way: Way | None, to: str, things: Any, answer: Answer, decider: str) -> None:
    holds(way, to, things, answer, decider)
    assert not verdict(way, to, *things).inside


@rows(
    ("a router without BGP peers learns nothing", ALL, "tcp:22 10.77.0.5", (nat(),), NO, GATEWAY),
    ("what it learns is not listed", ALL, "tcp:22 10.77.0.5", (LEARNS,), UNKNOWN, ROUTE),
    ("nor where no other route is there", ALL, "tcp:22 10.77.0.5", (LEARNS, {"routes": ()}), UNKNOWN, ROUTE),
    ("a subnet's own route wins over it", ALL, DATABASE, (LEARNS, LET_IN), YES, INTO),
    ("the firewall comes first", ALL, "tcp:22 10.77.0.5", (LEARNS, deny_out(900)), NO, FW),
    (
        "a static route leads to where nobody sees",
        ALL,
        "tcp:22 10.77.0.5",
        (LEARNS, elsewhere("10.0.0.0/8")),
        UNKNOWN,
        ROUTE,
    ),
    ("public addresses are on the internet", ALL, WEB, (LEARNS, COVERED), YES, NAT),
)
def test_routes_that_a_router_has_learned(way: Way | None, to: str, things: Any, answer: Answer, decider: str) -> None:
    holds(way, to, things, answer, decider)


@rows(
    ("RFC 1918 enters the VPC", PRIVATE, DATABASE, (LET_IN,), YES, INTO),
    ("RFC 6598 enters it, too", PRIVATE, "tcp:443 100.64.1.1", (), NO, GATEWAY),
    ("the internet does not, and needs no NAT", PRIVATE, WEB, (), YES, OWN),
    ("nor is it limited by rules", PRIVATE, WEB, (deny_out(900),), YES, OWN),
    ("virtual addresses of Google APIs enter it", PRIVATE, PRIVATE_API, (), NO, PGA),
    ("both of them", PRIVATE, RESTRICTED, (GOOGLE,), YES, PGA),
    ("all-traffic takes everything through", ALL, WEB, (deny_out(900),), NO, FW),
    ("but the metadata server", ALL, "tcp:80 169.254.169.254", (deny_out(900),), YES, "metadata server"),
    ("by no rule or policy", ALL, "udp:53 169.254.169.254", (org(out(Verb.DENY)),), YES, "metadata server"),
    ("mail to the outside is blocked on this path, too", PRIVATE, "tcp:25 8.9.10.11", (), NO, OWN),
    ("IPv6 is not judged", ALL, "tcp:443 2001:db8::1", (COVERED,), UNKNOWN, "destination"),
)
def test_what_goes_through_the_vpc(way: Way | None, to: str, things: Any, answer: Answer, decider: str) -> None:
    holds(way, to, things, answer, decider)


@pytest.mark.parametrize(
    ("egress", "address", "inside"),
    [
        (Egress.PRIVATE, "10.255.255.255", True),
        (Egress.PRIVATE, "11.0.0.0", False),
        (Egress.PRIVATE, "172.31.255.255", True),
        (Egress.PRIVATE, "172.32.0.0", False),
        (Egress.PRIVATE, "192.168.0.1", True),
        (Egress.PRIVATE, "100.127.255.255", True),
        (Egress.PRIVATE, "100.128.0.0", False),
        (Egress.PRIVATE, "199.36.153.3", False),
        (Egress.PRIVATE, "199.36.153.4", True),
        (Egress.PRIVATE, "199.36.153.11", True),
        (Egress.PRIVATE, "199.36.153.12", False),
        (Egress.PRIVATE, "34.126.0.1", False),  # the text speaks of the virtual addresses alone
        (Egress.ALL, "8.8.8.8", True),
    ],
)
def test_private_ranges_end_where_the_text_says(egress: Egress, address: str, inside: bool) -> None:
    found = number(address)
    assert found is not None
    assert through_vpc(egress, found) is inside


FAR = ConnectorName("shop", "us-east1", "out")
NUMBERED = ConnectorName("123456", REGION, "out")
SERVICE = ConnectorName("service", REGION, "out")


@rows(
    ("a READY one carries", ALL, DATABASE, (LET_IN,), YES, INTO),
    (
        "one that grows does, too",
        ALL,
        DATABASE,
        (LET_IN, replace(CONNECTOR, state=State.UPDATING)),
        YES,
        INTO,
    ),
    ("one being made does not", ALL, DATABASE, (LET_IN, replace(CONNECTOR, state=State.CREATING)), NO, CARRIER),
    ("nor one in ERROR", ALL, DATABASE, (LET_IN, replace(CONNECTOR, state=State.ERROR)), NO, CARRIER),
    ("nor one being deleted", ALL, DATABASE, (LET_IN, replace(CONNECTOR, state=State.DELETING)), NO, CARRIER),
    ("a missing one fails the execution", ALL, DATABASE, (LET_IN, {"connectors": ()}), NO, CARRIER),
    ("even where nothing enters the VPC", PRIVATE, WEB, ({"connectors": ()},), NO, CARRIER),
    ("it must be in the job's region", Way(Egress.ALL, FAR), WEB, (COVERED,), NO, CARRIER),
    ("its project may be a number", Way(Egress.ALL, NUMBERED), DATABASE, (LET_IN,), YES, INTO),
    ("a project's id is not just any number", Way(Egress.ALL, SERVICE), DATABASE, (LET_IN,), NO, CARRIER),
    (
        "it may be in a service project",
        Way(Egress.ALL, SERVICE),
        DATABASE,
        (LET_IN, replace(CONNECTOR, name=SERVICE)),
        YES,
        INTO,
    ),
    ("its subnet must be there", ALL, DATABASE, (LET_IN, {"subnets": (DATA,)}), NO, CARRIER),
    (
        "a connector of a network that was not looked at is not judged",
        ALL,
        DATABASE,
        (LET_IN, replace(CONNECTOR, network=PARTNER)),
        UNKNOWN,
        CARRIER,
    ),
    ("Google refuses both roads at once", replace(ALL, interface=DIRECT.interface), WEB, (COVERED,), NO, "job"),
    ("a way that names neither leads nowhere", Way(Egress.ALL), WEB, (COVERED,), NO, "network interface"),
)
def test_the_connector(way: Way | None, to: str, things: Any, answer: Answer, decider: str) -> None:
    holds(way, to, things, answer, decider)


def test_a_network_that_is_not_there_has_no_connector_and_no_interface() -> None:
    for way in (ALL, DIRECT):
        assert judge(JOB, way, ACCOUNT, packet(WEB), None).answer == NO
    assert judge(JOB, None, ACCOUNT, packet(WEB), None).answer == YES


@rows(
    ("no rule lets it in by itself", ALL, DATABASE, (LET_IN, {"rules": (CONTROL_OUT, LET_IN)}), NO, CARRIER),
    (
        "outwards it is allowed where no rule speaks",
        ALL,
        DATABASE,
        ({"rules": (CONTROL_IN, LET_IN)},),
        YES,
        INTO,
    ),
    (
        "a deny below its own allows does no harm",
        ALL,
        DATABASE,
        (LET_IN, deny_in(101, sources=(SERVERLESS,))),
        YES,
        INTO,
    ),
    ("one above them cuts it off", ALL, DATABASE, (LET_IN, deny_in(99, sources=(SERVERLESS,))), NO, CARRIER),
    ("outwards, too", ALL, DATABASE, (LET_IN, deny_out(99, destinations=(SERVERLESS,))), NO, CARRIER),
    ("at a tie the deny wins", ALL, DATABASE, (LET_IN, deny_out(100, "tcp:667")), NO, CARRIER),
    (
        "a deny of one half of the range leaves it open",
        ALL,
        DATABASE,
        (LET_IN, deny_out(99, destinations=("35.199.224.0/20",))),
        UNKNOWN,
        CARRIER,
    ),
    (
        "another port of the range is nothing to it",
        ALL,
        DATABASE,
        (LET_IN, deny_out(99, "tcp:668", destinations=(SERVERLESS,))),
        YES,
        INTO,
    ),
    (
        "nothing is carried to the internet either",
        ALL,
        WEB,
        (COVERED, deny_out(99, destinations=(SERVERLESS,))),
        NO,
        CARRIER,
    ),
    (
        "what goes by Google's own path is not touched",
        PRIVATE,
        WEB,
        (deny_out(99, destinations=(SERVERLESS,)),),
        YES,
        OWN,
    ),
    ("an interface has no such traffic", DIRECT, DATABASE, ({"rules": (allow_in(1000),)},), YES, INTO),
)
def test_the_control_traffic_of_a_connector(
    way: Way | None, to: str, things: Any, answer: Answer, decider: str
) -> None:
    holds(way, to, things, answer, decider)


@rows(
    ("outwards what no rule speaks of is allowed", ALL, WEB, (COVERED,), YES, NAT),
    ("inwards it is denied", ALL, DATABASE, (), NO, INTO),
    ("a deny stops it", ALL, DATABASE, (LET_IN, deny_out(900, destinations=THERE)), NO, FW),
    ("a lower number wins", ALL, DATABASE, (LET_IN, deny_out(900), allow_out(899, destinations=THERE)), YES, INTO),
    ("a higher one does not", ALL, DATABASE, (LET_IN, deny_out(900), allow_out(901, destinations=THERE)), NO, FW),
    ("at a tie DENY wins", ALL, DATABASE, (LET_IN, deny_out(900), allow_out(900)), NO, FW),
    ("whichever was listed first", ALL, DATABASE, (LET_IN, allow_out(900), deny_out(900)), NO, FW),
    ("a disabled rule is none", ALL, DATABASE, (LET_IN, deny_out(900, disabled=True)), YES, INTO),
    (
        "other destinations are not meant",
        ALL,
        DATABASE,
        (LET_IN, deny_out(900, destinations=("10.2.0.0/16",))),
        YES,
        INTO,
    ),
    ("nor other protocols", ALL, DATABASE, (LET_IN, deny_out(900, "udp")), YES, INTO),
    ("nor other ports", ALL, DATABASE, (LET_IN, deny_out(900, "tcp:5433")), YES, INTO),
    ("a range of ports includes its last", ALL, DATABASE, (LET_IN, deny_out(900, "tcp:5000-5432")), NO, FW),
    ("a rule without ports means all of them", ALL, DATABASE, (LET_IN, deny_out(900, "tcp")), NO, FW),
    ("a number is a protocol like its name", ALL, DATABASE, (LET_IN, deny_out(900, "6:5432")), NO, FW),
    ("and upper case like lower", ALL, "TCP:5432 10.1.0.5", (LET_IN, deny_out(900, "tcp:5432")), NO, FW),
    ("all is every protocol", ALL, "esp 10.1.0.5", (allow_in(1000), deny_out(900, "all")), NO, FW),
    ("esp is not tcp", ALL, "esp 10.1.0.5", (allow_in(1000), deny_out(900, "tcp")), YES, INTO),
    ("50 is esp", ALL, "50 10.1.0.5", (allow_in(1000), deny_out(900, "esp")), NO, FW),
    ("a tag of the connector is meant", ALL, DATABASE, (LET_IN, deny_out(900, target_tags=(TAG,))), NO, FW),
    (
        "so is the tag of every connector",
        ALL,
        DATABASE,
        (LET_IN, deny_out(900, target_tags=("vpc-connector",))),
        NO,
        FW,
    ),
    ("another's tag is not", ALL, DATABASE, (LET_IN, deny_out(900, target_tags=(f"{TAG}2",))), YES, INTO),
    (
        "a connector's machines are not the job's account",
        ALL,
        DATABASE,
        (LET_IN, deny_out(900, target_accounts=(ACCOUNT,))),
        YES,
        INTO,
    ),
    ("an egress rule may name its source", ALL, DATABASE, (LET_IN, deny_out(900, sources=("10.8.0.0/28",))), NO, FW),
    ("and then means no other", ALL, DATABASE, (LET_IN, deny_out(900, sources=("10.9.0.0/26",))), YES, INTO),
    (
        "ranges of IPv6 mean no address of IPv4",
        ALL,
        DATABASE,
        (LET_IN, deny_out(900, destinations=("::/0",))),
        YES,
        INTO,
    ),
)
def test_vpc_rules_outwards(way: Way | None, to: str, things: Any, answer: Answer, decider: str) -> None:
    holds(way, to, things, answer, decider)


@rows(
    ("a connector is known by its tag", ALL, DATABASE, (allow_in(1000, source_tags=(TAG,)),), YES, INTO),
    ("by the tag of all connectors", ALL, DATABASE, (allow_in(1000, source_tags=("vpc-connector",)),), YES, INTO),
    ("and by its range", ALL, DATABASE, (allow_in(1000, sources=("10.8.0.0/28",)),), YES, INTO),
    (
        "any one of a rule's sources is enough",
        ALL,
        DATABASE,
        (allow_in(1000, sources=("10.2.0.0/16",), source_tags=(TAG,)),),
        YES,
        INTO,
    ),
    (
        "none of them is none",
        ALL,
        DATABASE,
        (allow_in(1000, sources=("10.2.0.0/16",), source_tags=("web",)),),
        NO,
        INTO,
    ),
    ("a rule without sources means every source", ALL, DATABASE, (allow_in(1000),), YES, INTO),
    ("by an account a connector is not known", ALL, DATABASE, (allow_in(1000, source_accounts=(ACCOUNT,)),), NO, INTO),
    (
        "destinations narrow an ingress rule",
        ALL,
        DATABASE,
        (allow_in(1000, source_tags=(TAG,), destinations=("10.1.0.6/32",)),),
        NO,
        INTO,
    ),
    (
        "to what they name",
        ALL,
        DATABASE,
        (allow_in(1000, source_tags=(TAG,), destinations=("10.1.0.5/32",)),),
        YES,
        INTO,
    ),
    ("Google's way to tighten: a deny below 1000", ALL, DATABASE, (LET_IN, deny_in(990, source_tags=(TAG,))), NO, INTO),
    (
        "with an allow lower still",
        ALL,
        DATABASE,
        (LET_IN, deny_in(990, source_tags=(TAG,)), allow_in(980, "tcp:5432", source_tags=(TAG,))),
        YES,
        INTO,
    ),
    ("at a tie DENY wins", ALL, DATABASE, (LET_IN, deny_in(1000, source_tags=(TAG,))), NO, INTO),
    (
        "a rule for tagged machines is not for one without",
        ALL,
        DATABASE,
        (allow_in(1000, target_tags=("db",)),),
        NO,
        INTO,
    ),
    (
        "nor one for another account",
        ALL,
        DATABASE,
        (allow_in(1000, target_accounts=("db@shop.iam.gserviceaccount.com",)),),
        NO,
        INTO,
    ),
    ("an interface is known by its range", DIRECT, DATABASE, (allow_in(1000, sources=("10.9.0.0/26",)),), YES, INTO),
    ("not by its tags", DIRECT, DATABASE, (allow_in(1000, source_tags=("batch",)),), NO, INTO),
    ("nor by the job's account", DIRECT, DATABASE, (allow_in(1000, source_accounts=(ACCOUNT,)),), NO, INTO),
    ("the first address of a subnet is nobody's", ALL, "tcp:5432 10.1.0.0", (LET_IN,), NO, "destination"),
    ("the second is its gateway", ALL, "tcp:5432 10.1.0.1", (LET_IN,), NO, "destination"),
    ("the third may be somebody's", ALL, "tcp:5432 10.1.0.2", (LET_IN,), YES, INTO),
    ("the last but two as well", ALL, "tcp:5432 10.1.0.253", (LET_IN,), YES, INTO),
    ("the last but one is Google's", ALL, "tcp:5432 10.1.0.254", (LET_IN,), NO, "destination"),
    ("the last is nobody's", ALL, "tcp:5432 10.1.0.255", (LET_IN,), NO, "destination"),
)
def test_vpc_rules_inwards(way: Way | None, to: str, things: Any, answer: Answer, decider: str) -> None:
    holds(way, to, things, answer, decider)


def test_what_the_receiver_is_decides_whose_rules_apply() -> None:
    tagged, owned = allow_in(1000, target_tags=("db",)), allow_in(1000, target_accounts=("db@shop",))
    assert verdict(ALL, DATABASE, tagged, receiver=Receiver(frozenset({"db"}))).answer == YES
    assert verdict(ALL, DATABASE, owned, receiver=Receiver(account="db@shop")).answer == YES
    assert verdict(ALL, DATABASE, tagged, receiver=Receiver(frozenset({"web"}))).answer == NO


PASSED, NEXT, HTTPS = out(Verb.ALLOW), out(Verb.NEXT), out(Verb.DENY, 10, "tcp:443")
OPEN, SHUT = (LET_IN, allow_out(800)), (LET_IN, deny_out(900, target_tags=(TAG,)))
ASKED = ("destination FQDNs",)
PERHAPS = out(Verb.DENY, 10, "tcp:443", unclear=ASKED)


@rows(
    ("a hierarchical deny is stronger than any VPC rule", ALL, WEB, (COVERED, *OPEN, org(HTTPS)), NO, FW),
    ("and a hierarchical allow than any VPC deny", ALL, WEB, (COVERED, *SHUT, org(PASSED)), YES, NAT),
    ("goto_next hands it on", ALL, WEB, (COVERED, *SHUT, org(NEXT)), NO, FW),
    ("the organisation comes before the folder", ALL, WEB, (COVERED, org(HTTPS), folder(PASSED)), NO, FW),
    ("what it hands on the folder decides", ALL, WEB, (COVERED, org(NEXT), folder(HTTPS)), NO, FW),
    (
        "in a policy the lowest number decides",
        ALL,
        WEB,
        (COVERED, *SHUT, org(out(Verb.DENY, 20), out(Verb.ALLOW, 10))),
        YES,
        NAT,
    ),
    (
        "goto_next leaves a whole policy",
        ALL,
        WEB,
        (COVERED, org(out(Verb.DENY, 20, "tcp:443"), out(Verb.NEXT, 10))),
        YES,
        NAT,
    ),
    ("its disabled rules are none", ALL, WEB, (COVERED, org(out(Verb.DENY, disabled=True))), YES, NAT),
    ("its ingress rules say nothing outwards", ALL, WEB, (COVERED, org(in_(Verb.DENY, 10, "tcp:443"))), YES, NAT),
    (
        "it may name its sources",
        ALL,
        WEB,
        (COVERED, org(out(Verb.DENY, 10, "tcp:443", sources=("10.8.0.0/28",)))),
        NO,
        FW,
    ),
    ("and its destinations", ALL, WEB, (COVERED, org(out(Verb.DENY, 10, destinations=("8.0.0.0/8",)))), NO, FW),
    (
        "Google's own policies come right after the organisation's",
        ALL,
        WEB,
        (COVERED, *SHUT, system(PASSED), org(NEXT)),
        YES,
        NAT,
    ),
    ("and not before", ALL, WEB, (COVERED, system(PASSED), org(HTTPS)), NO, FW),
    ("a network policy comes after the VPC rules", ALL, WEB, (COVERED, *SHUT, net(PASSED)), NO, FW),
    ("but before what is implied", ALL, WEB, (COVERED, net(HTTPS)), NO, FW),
    ("the network may have it before them", ALL, WEB, (FIRST, COVERED, *SHUT, net(PASSED)), YES, NAT),
    ("a regional one is asked after the global", ALL, WEB, (COVERED, regional(HTTPS), net(PASSED)), YES, NAT),
    ("and decides what that hands on", ALL, WEB, (COVERED, regional(HTTPS), net(NEXT)), NO, FW),
    ("before the VPC rules if the global one is", ALL, WEB, (FIRST, COVERED, *SHUT, regional(PASSED)), YES, NAT),
    (
        "a target account means the job's interface",
        DIRECT,
        WEB,
        (COVERED, org(out(Verb.DENY, target_accounts=(ACCOUNT,)))),
        NO,
        FW,
    ),
    ("not another's", DIRECT, WEB, (COVERED, org(out(Verb.DENY, target_accounts=("x@shop",)))), YES, NAT),
    ("policies speak inwards, too", ALL, DATABASE, (LET_IN, org(in_(Verb.DENY, 10, "tcp:5432"))), NO, INTO),
    ("and may let in what no VPC rule does", ALL, DATABASE, (net(in_(Verb.ALLOW)),), YES, INTO),
    (
        "a policy may cut a connector's control traffic",
        ALL,
        WEB,
        (COVERED, org(in_(Verb.DENY, sources=(SERVERLESS,)))),
        NO,
        CARRIER,
    ),
    ("a deny that may match leaves it open", ALL, WEB, (COVERED, org(PERHAPS)), UNKNOWN, FW),
    ("unless it is denied anyway", ALL, WEB, (COVERED, *SHUT, org(PERHAPS)), NO, FW),
    (
        "an allow that may match changes nothing that is allowed",
        ALL,
        WEB,
        (COVERED, org(out(Verb.ALLOW, unclear=ASKED))),
        YES,
        NAT,
    ),
    ("but leaves a deny open", ALL, WEB, (COVERED, *SHUT, org(out(Verb.ALLOW, unclear=ASKED))), UNKNOWN, FW),
    (
        "what certainly does not match is no doubt",
        ALL,
        WEB,
        (COVERED, org(out(Verb.DENY, 10, "udp", unclear=ASKED))),
        YES,
        NAT,
    ),
    (
        "a rule below a certain one is no doubt",
        ALL,
        WEB,
        (COVERED, org(out(Verb.ALLOW, 5), out(Verb.DENY, 10, unclear=ASKED))),
        YES,
        NAT,
    ),
    (
        "a rule that may hand it on leaves both open",
        ALL,
        WEB,
        (COVERED, *SHUT, org(out(Verb.NEXT, 5, unclear=ASKED), PASSED)),
        UNKNOWN,
        FW,
    ),
    ("what an inspection does cannot be known", ALL, WEB, (COVERED, org(out(Verb.OTHER, 10, "tcp:443"))), UNKNOWN, FW),
)
def test_firewall_policies(way: Way | None, to: str, things: Any, answer: Answer, decider: str) -> None:
    holds(way, to, things, answer, decider)


BEYOND, CLASS_E = "tcp:443 10.50.0.9", "tcp:443 240.1.2.3"
NO_ROUTES = {"routes": (local(DATA.range),)}


@rows(
    ("without a default route nothing leaves", ALL, WEB, (COVERED, NO_ROUTES), NO, ROUTE),
    ("a private address by the internet gateway is lost", ALL, BEYOND, (COVERED,), NO, GATEWAY),
    ("so is a special one", ALL, "tcp:443 198.18.0.1", (COVERED,), NO, GATEWAY),
    ("and multicast", ALL, "udp:5353 224.0.0.251", (COVERED,), NO, GATEWAY),
    ("what lies behind a tunnel cannot be seen", ALL, BEYOND, (elsewhere("10.50.0.0/16"),), UNKNOWN, ROUTE),
    ("but a deny before it can", ALL, BEYOND, (elsewhere("10.50.0.0/16"), deny_out(900, target_tags=(TAG,))), NO, FW),
    ("the longest prefix wins", ALL, BEYOND, (elsewhere("10.0.0.0/8"), gateway("10.50.0.0/16")), NO, GATEWAY),
    ("whatever its priority", ALL, BEYOND, (elsewhere("10.0.0.0/8", 1), gateway("10.50.0.0/16", 9999)), NO, GATEWAY),
    ("at one length the lowest priority number wins", ALL, WEB, (COVERED, away(999)), UNKNOWN, ROUTE),
    ("and not the highest", ALL, WEB, (COVERED, away(1001)), YES, NAT),
    ("of equal ones either may be taken", ALL, WEB, (COVERED, away(1000)), UNKNOWN, ROUTE),
    ("two gateways are one way", ALL, WEB, (COVERED, gateway(name="also")), YES, NAT),
    (
        "a subnet's route beats a custom one of its length",
        ALL,
        DATABASE,
        (LET_IN, elsewhere("10.1.0.0/24", 0)),
        YES,
        INTO,
    ),
    ("and a shorter one", ALL, DATABASE, (LET_IN, elsewhere("10.0.0.0/8", 0)), YES, INTO),
    ("a route for the connector's tag is taken", ALL, WEB, (COVERED, away(10, TAG)), UNKNOWN, ROUTE),
    ("one for other machines is not", ALL, WEB, (COVERED, away(10, "proxy")), YES, NAT),
    ("an interface's tags count as well", DIRECT, WEB, (COVERED, away(10, "batch")), UNKNOWN, ROUTE),
    (
        "a route that only tagged machines have is no other's",
        ALL,
        WEB,
        (COVERED, NO_ROUTES, gateway("0.0.0.0/0", 10, "batch")),
        NO,
        ROUTE,
    ),
    ("a route of IPv6 leads no IPv4 address", ALL, WEB, (COVERED, NO_ROUTES, gateway("::/0")), NO, ROUTE),
    ("a subnet may use public addresses privately", ALL, WEB, (LET_IN, local("8.9.10.0/24")), YES, INTO),
    ("or class E", ALL, CLASS_E, (LET_IN, local("240.1.2.0/24")), YES, INTO),
    ("which private-ranges-only does not send there", PRIVATE, CLASS_E, (LET_IN, local("240.1.2.0/24")), NO, OWN),
)
def test_routes(way: Way | None, to: str, things: Any, answer: Answer, decider: str) -> None:
    holds(way, to, things, answer, decider)


BARE_ONE = {"connectors": (BARE,)}


@rows(
    ("no NAT, no internet", ALL, WEB, (), NO, NAT),
    ("one for all ranges of all subnets", ALL, WEB, (nat(coverage=Coverage.ALL),), YES, NAT),
    ("one for their primary ranges", ALL, WEB, (nat(coverage=Coverage.ALL_PRIMARY),), YES, NAT),
    ("one that lists the subnet", ALL, WEB, (LISTED,), YES, NAT),
    ("one that lists another", ALL, WEB, (nat(subnets=(JOBS.name,)),), NO, NAT),
    ("a private one is not for the internet", ALL, WEB, (nat(coverage=Coverage.ALL, public=False),), NO, NAT),
    ("any of several", ALL, WEB, (nat(subnets=(JOBS.name,)), LISTED), YES, NAT),
    ("a hidden subnet is covered by one for all", ALL, WEB, (BARE_ONE, COVERED), YES, NAT),
    ("and by no list", ALL, WEB, (BARE_ONE, LISTED), NO, NAT),
    ("it is asked after the firewall", ALL, WEB, (COVERED, deny_out(900, target_tags=(TAG,))), NO, FW),
    ("it carries udp", ALL, "udp:123 8.9.10.11", (COVERED,), YES, NAT),
    ("and icmp", ALL, "icmp 8.9.10.11", (COVERED,), YES, NAT),
    ("by its number, too", ALL, "1 8.9.10.11", (COVERED,), YES, NAT),
    ("no esp", ALL, "esp 8.9.10.11", (COVERED,), NO, NAT),
    ("no sctp", ALL, "sctp:9 8.9.10.11", (COVERED,), NO, NAT),
    ("mail to the outside is blocked", ALL, "tcp:25 8.9.10.11", (COVERED, allow_out(1)), NO, GATEWAY),
    ("to the inside it is not", ALL, "tcp:25 10.1.0.5", (LET_IN,), YES, INTO),
    ("its submission is not", ALL, "tcp:587 8.9.10.11", (COVERED,), YES, NAT),
    ("an interface's subnet needs one as well", DIRECT, WEB, (LISTED,), NO, NAT),
    ("and has it where it is listed", DIRECT, WEB, (nat(subnets=(JOBS.name,)),), YES, NAT),
    ("Private Google Access is not the internet", ALL, WEB, (GOOGLE,), NO, NAT),
)
def test_the_internet(way: Way | None, to: str, things: Any, answer: Answer, decider: str) -> None:
    holds(way, to, things, answer, decider)


ONLY_GOOGLE = {"routes": (local(DATA.range), gateway("199.36.153.8/30"))}


@rows(
    ("the private addresses answer where it is on", ALL, PRIVATE_API, (GOOGLE,), YES, PGA),
    ("so do the restricted ones", ALL, RESTRICTED, (GOOGLE,), YES, PGA),
    ("by HTTP as well", ALL, "tcp:80 199.36.153.9", (GOOGLE,), YES, PGA),
    ("not where it is off", ALL, PRIVATE_API, (), NO, PGA),
    ("a NAT turns it on for what it serves", ALL, PRIVATE_API, (LISTED,), YES, PGA),
    ("and not for what it does not", ALL, PRIVATE_API, (nat(subnets=(JOBS.name,)),), NO, PGA),
    ("only TCP is served", ALL, "udp:443 199.36.153.9", (GOOGLE,), NO, PGA),
    ("no ping", ALL, "icmp 199.36.153.9", (GOOGLE,), NO, PGA),
    ("and no mail", ALL, "tcp:25 199.36.153.9", (GOOGLE,), NO, GATEWAY),
    ("nor to Google's other addresses", ALL, "tcp:25 74.125.1.1", (GOOGLE, COVERED), NO, GATEWAY),
    ("a rule stops it like anything", ALL, PRIVATE_API, (GOOGLE, deny_out(900, "tcp:443")), NO, FW),
    ("it needs a route, if no default one", ALL, PRIVATE_API, (GOOGLE, ONLY_GOOGLE), YES, PGA),
    ("for each of its ranges", ALL, RESTRICTED, (GOOGLE, ONLY_GOOGLE), NO, ROUTE),
    ("a default route to elsewhere does not lead there", ALL, PRIVATE_API, (GOOGLE, away(10)), UNKNOWN, ROUTE),
    ("direct connectivity is Google's, too", ALL, "tcp:443 34.126.1.1", (GOOGLE,), YES, PGA),
    ("the default domains' addresses are Google's as well", ALL, "tcp:443 142.250.1.1", (GOOGLE,), YES, PGA),
    ("which are on the internet, too, where it is off", ALL, "tcp:443 142.250.1.1", (), NO, NAT),
    ("Google does not say whether its DNS is", ALL, "udp:53 8.8.8.8", (GOOGLE,), UNKNOWN, NAT),
    ("by a NAT it is the internet", ALL, "udp:53 8.8.8.8", (GOOGLE, COVERED), YES, NAT),
    ("and without either it is not reached", ALL, "udp:53 8.8.8.8", (), NO, NAT),
    ("a hidden subnet does not show whether it has it", ALL, PRIVATE_API, (BARE_ONE,), UNKNOWN, PGA),
    ("an interface's subnet must have it", DIRECT, PRIVATE_API, (), NO, PGA),
)
def test_private_google_access(way: Way | None, to: str, things: Any, answer: Answer, decider: str) -> None:
    holds(way, to, things, answer, decider)


CORE = Ground(
    network=Network(PARTNER),
    region=REGION,
    subnets=(Subnet(SubnetName("partner", REGION, "core"), PARTNER, "10.70.0.0/24"),),
)
PEERED = {"network": Network(NETWORK, peerings=(Peering("to-core", PARTNER),))}
PEER = Route("peering-core", NETWORK, "10.70.0.0/24", 0, peering="to-core")
SERVER = "tcp:443 10.70.0.9"


def seen(*rules: FirewallRule) -> dict[str, object]:
    """The peer's rules can be seen."""
    return {"beyond": {PARTNER: replace(CORE, rules=rules)}}


@rows(
    ("a peer's rules cannot be seen", ALL, SERVER, (PEERED, PEER), UNKNOWN, INTO),
    ("a deny before them can", ALL, SERVER, (PEERED, PEER, deny_out(900, target_tags=(TAG,))), NO, FW),
    ("where they can, they decide", ALL, SERVER, (PEERED, PEER, seen()), NO, INTO),
    ("by range", ALL, SERVER, (PEERED, PEER, seen(allow_in(1000, sources=("10.8.0.0/28",)))), YES, INTO),
    ("tags do not cross a peering", ALL, SERVER, (PEERED, PEER, seen(allow_in(1000, source_tags=(TAG,)))), NO, INTO),
    ("our own ingress rules do not count there", ALL, SERVER, (PEERED, PEER, LET_IN, seen()), NO, INTO),
    (
        "its gateway is no machine either",
        ALL,
        "tcp:443 10.70.0.1",
        (PEERED, PEER, seen(allow_in(1))),
        NO,
        "destination",
    ),
    (
        "its rules may split our range",
        ALL,
        SERVER,
        (PEERED, PEER, seen(allow_in(1, sources=("10.8.0.8/29",)))),
        UNKNOWN,
        "source",
    ),
    (
        "its subnet beats our route of that length",
        ALL,
        SERVER,
        (PEERED, PEER, seen(), elsewhere("10.70.0.0/24", 1)),
        NO,
        INTO,
    ),
    ("a peering that nobody knows leads nowhere known", ALL, SERVER, (PEER, seen(allow_in(1))), UNKNOWN, INTO),
)
def test_peers(way: Way | None, to: str, things: Any, answer: Answer, decider: str) -> None:
    holds(way, to, things, answer, decider)


def direct(network: str = "", subnet_: str = "", *tags: str) -> Way:
    return Way(Egress.ALL, interface=Interface(network, subnet_, tags))


SAME = (subnet("prod", "10.6.0.0/24"), local("10.6.0.0/24"), allow_in(1000, sources=("10.6.0.0/24",)))
ANY_IN = allow_in(1000)
SMALL = {"subnets": (subnet("jobs", "10.9.0.0/27"), DATA)}
OTHER = Subnet(JOBS.name, PARTNER, JOBS.range)
FULL = direct("projects/shop/global/networks/prod", "projects/shop/regions/europe-west2/subnetworks/jobs")
AFAR = direct("prod", "projects/shop/regions/us-east1/subnetworks/jobs")
INTERFACE = "network interface"


@rows(
    ("network and subnet by their short names", direct("prod", "jobs"), DATABASE, (ANY_IN,), YES, INTO),
    ("or by their full ones", FULL, DATABASE, (ANY_IN,), YES, INTO),
    ("the subnet alone is enough", direct("", "jobs"), DATABASE, (ANY_IN,), YES, INTO),
    ("the network alone means its subnet of that name", direct("prod"), DATABASE, SAME, YES, INTO),
    ("which must be there", direct("prod"), DATABASE, (ANY_IN,), NO, INTERFACE),
    ("a missing subnet fails the execution", direct("prod", "gone"), DATABASE, (ANY_IN,), NO, INTERFACE),
    ("so does one of another region", AFAR, DATABASE, (ANY_IN,), NO, INTERFACE),
    ("and one of another network", DIRECT, DATABASE, (ANY_IN, {"subnets": (OTHER, DATA)}), NO, INTERFACE),
    ("a /27 is too small", DIRECT, DATABASE, (ANY_IN, SMALL), NO, INTERFACE),
    ("its tags count in egress rules", DIRECT, DATABASE, (ANY_IN, deny_out(9, target_tags=("batch",))), NO, FW),
    ("another job's do not", DIRECT, DATABASE, (ANY_IN, deny_out(9, target_tags=("web",))), YES, INTO),
    ("a connector's do not", DIRECT, DATABASE, (ANY_IN, deny_out(9, target_tags=("vpc-connector",))), YES, INTO),
    ("the job's account counts as well", DIRECT, DATABASE, (ANY_IN, deny_out(9, target_accounts=(ACCOUNT,))), NO, FW),
    ("private-ranges-only is the same on this road", DIRECT_PRIVATE, WEB, (deny_out(9),), YES, OWN),
)
def test_direct_vpc_egress(way: Way | None, to: str, things: Any, answer: Answer, decider: str) -> None:
    holds(way, to, things, answer, decider)


def test_a_job_that_names_no_account_may_run_as_the_default_one() -> None:
    default = deny_out(900, target_accounts=("123-compute@developer.gserviceaccount.com",))
    other = deny_out(900, target_accounts=("somebody@shop.iam.gserviceaccount.com",))
    assert judge(JOB, DIRECT, "", packet(WEB), laid(COVERED, default)).answer == UNKNOWN
    assert judge(JOB, DIRECT, "", packet(WEB), laid(COVERED, other)).answer == YES


LOW, HIGH = ("10.8.0.0/29",), ("10.8.0.8/29",)


@rows(
    (
        "a rule for half of the sender's range leaves it open",
        ALL,
        WEB,
        (COVERED, deny_out(9, "tcp:443", sources=LOW)),
        UNKNOWN,
        "source",
    ),
    (
        "both halves make a whole",
        ALL,
        WEB,
        (COVERED, deny_out(9, "tcp:443", sources=LOW), deny_out(8, "tcp:443", sources=HIGH)),
        NO,
        FW,
    ),
    ("so it is inwards", ALL, DATABASE, (allow_in(9, sources=HIGH),), UNKNOWN, "source"),
    ("where both come to the same it is no doubt", ALL, DATABASE, (LET_IN, allow_in(9, sources=HIGH)), YES, INTO),
    (
        "what only the gateway's address would match matches nobody",
        ALL,
        DATABASE,
        (allow_in(9, sources=("10.8.0.1/32",)),),
        NO,
        INTO,
    ),
    ("nor the last address", ALL, DATABASE, (LET_IN, deny_in(9, sources=("10.8.0.15/32",))), YES, INTO),
    (
        "the third is the first of a machine",
        ALL,
        DATABASE,
        (LET_IN, deny_in(9, sources=("10.8.0.2/32",))),
        UNKNOWN,
        "source",
    ),
    ("a policy splits it, too", ALL, DATABASE, (LET_IN, org(in_(Verb.DENY, sources=LOW))), UNKNOWN, "source"),
)
def test_who_sends_is_any_address_of_its_range(
    way: Way | None, to: str, things: Any, answer: Answer, decider: str
) -> None:
    holds(way, to, things, answer, decider)


UNREAD = {"hidden": "compute.firewalls.list is not granted"}


@rows(
    ("what cannot be read may decide either way", ALL, DATABASE, (UNREAD, LET_IN), UNKNOWN, "network"),
    ("even where what can be read denies", ALL, DATABASE, (UNREAD, deny_out(900)), UNKNOWN, "network"),
    ("a connector that is not seen may be there", ALL, DATABASE, (UNREAD, {"connectors": ()}), UNKNOWN, CARRIER),
    ("so may its subnet", ALL, DATABASE, (UNREAD, {"subnets": ()}), UNKNOWN, CARRIER),
    ("and an interface's", DIRECT, DATABASE, (UNREAD, {"subnets": ()}), UNKNOWN, INTERFACE),
    ("a connector in another region is wrong all the same", Way(Egress.ALL, FAR), DATABASE, (UNREAD,), NO, CARRIER),
    ("one that is seen in ERROR as well", ALL, WEB, (UNREAD, replace(CONNECTOR, state=State.ERROR)), NO, CARRIER),
    ("Google's own path does not ask", PRIVATE, WEB, (UNREAD,), YES, OWN),
    ("nor the metadata server", ALL, "tcp:80 169.254.169.254", (UNREAD,), YES, "metadata server"),
)
def test_what_could_not_be_read(way: Way | None, to: str, things: Any, answer: Answer, decider: str) -> None:
    holds(way, to, things, answer, decider)


def test_a_regional_policy_speaks_of_its_own_region_alone() -> None:
    far = subnet("far", "10.2.0.0/24", region="us-east1", secondary=("10.3.0.0/24",))
    things = (far, local("10.2.0.0/24"), local("10.3.0.0/24"), LET_IN, regional(in_(Verb.DENY, 10, "tcp:5432")))
    first = {"network": Network(NETWORK, policies_first=True)}
    assert verdict(ALL, DATABASE, first, *things).answer == NO
    assert verdict(ALL, "tcp:5432 10.2.0.5", first, *things).answer == YES
    assert verdict(ALL, "tcp:5432 10.3.0.5", first, *things).answer == YES


def test_a_secondary_range_has_no_addresses_that_google_keeps() -> None:
    pods = {"subnets": (OURS, replace(DATA, secondary=("10.4.0.0/24",)))}
    assert verdict(ALL, "tcp:443 10.4.0.0", pods, local("10.4.0.0/24"), LET_IN).answer == YES


# What a person reads


def test_every_hop_is_told_with_what_decides_there() -> None:
    found = verdict(ALL, DATABASE, LET_IN)
    assert [(hop.what, hop.answer) for hop in found.hops] == [
        (CARRIER, YES),
        ("egress setting", YES),
        (FW, YES),
        (ROUTE, YES),
        (INTO, YES),
    ]
    assert found.inside
    assert found.decider == found.hops[-1]
    assert found.decider.by == "projects/shop/global/firewalls/tagfw"
    assert found.decider.said == "allowed by tagfw at 1000"


@pytest.mark.parametrize(
    ("to", "things", "said", "by"),
    [
        (DATABASE, (deny_out(900, destinations=THERE, name="no-data"),), ("no-data", "900"), "firewalls/no-data"),
        (WEB, (COVERED, org(HTTPS)), ("rule 10", "organisation"), "organisation:10"),
        (WEB, (COVERED, org(PERHAPS)), ("rule 10", "destination FQDNs"), "organisation:10"),
        (WEB, (LISTED,), ("nat", "edge"), "projects/shop/regions/europe-west2/routers/edge/nat"),
        (WEB, (), (REGION, "connector"), ""),
        (WEB, (GOOGLE,), ("Google's own services would answer",), ""),
        (BEYOND, (elsewhere("10.50.0.0/16"),), ("10.50.0.0/16", "a VPN tunnel", "cannot be seen"), "vpn"),
        (WEB, (away(1000),), ("internet", "vpn", "different ways"), ""),
        (DATABASE, (allow_in(9, sources=HIGH),), ("from 10.8.0.2: not reachable", "from 10.8.0.8: reachable"), ""),
        (WEB, (COVERED, deny_out(99, destinations=(SERVERLESS,), name="shut")), ("tcp:667", "shut"), "firewalls/shut"),
        (WEB, (UNREAD,), ("compute.firewalls.list",), ""),
    ],
)
def test_what_decides_is_named_in_full(to: str, things: Any, said: tuple[str, ...], by: str) -> None:
    decider = verdict(ALL, to, *things).decider
    assert all(word in decider.said for word in said), decider.said
    assert decider.by.endswith(by)
    assert bool(decider.by) is bool(by)


def test_what_comes_after_the_hop_that_stops_it_is_not_told() -> None:
    assert [hop.what for hop in verdict(ALL, DATABASE, deny_out(900, target_tags=(TAG,))).hops][-1] == FW
