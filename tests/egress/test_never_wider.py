"""What a connector reaches with our rules in place, judged packet by packet from Google's text on firewall rules."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.egress.packets import Packet, carries, egress, ingress, lies_in
from tests.egress.world import automatic_rules
from tests.egress.worlds import NETWORK, OUR_SUBNET, OURS, PORTS, PROJECT, SITE, policy
from wayout.egress import rules
from wayout.egress.model import Action, Connector, Direction, Egress, FirewallRule, State, Traffic
from wayout.egress.policy import Profile

RANGE = "10.127.3.16/28"
SOURCE = "10.127.3.18"
TAGS = frozenset({"vpc-connector", f"vpc-connector-{OURS.region}-{OURS.connector}"})
INSIDE = ("10.20.0.0/20", "10.21.0.0/16", "10.127.3.16/28", "34.0.0.0/24")  # the last: public addresses, used privately
CONNECTOR = Connector(OURS, NETWORK, State.READY, subnet=OUR_SUBNET)
AUTOMATIC = automatic_rules(CONNECTOR, RANGE)

# IANA's special-purpose registry and RFC 1918/6598, written here once more.
NOT_INTERNET = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
VIRTUAL = {
    "private": ("199.36.153.8/30", "34.126.0.0/18"),
    "restricted": ("199.36.153.4/30", "34.126.0.0/18"),
}
SERVERLESS = "35.199.224.0/19"


def promised(profile: Profile, packet: Packet) -> bool:
    """Whether the profile allows it, read from the profile alone."""
    outside = not lies_in(packet.address, (*NOT_INTERNET, *INSIDE))
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


def promised_inside(profile: Profile, packet: Packet) -> bool:
    """What may get into a machine of the network: only destinations that are ranges speak of those."""
    named = [found for found in profile.destinations if found.to != "internet"]
    return any(
        lies_in(packet.address, (found.to,)) and any(carries(item, packet) for item in found.traffic) for found in named
    )


PLACES = ("internet", "10.20.0.0/16", "10.20.5.0/24", "192.168.7.0/24", "172.16.0.0/12", "100.64.0.0/10", "8.8.8.0/24")


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    egress_ = draw(st.sampled_from(Egress))
    one = st.fixed_dictionaries(
        {
            "to": st.sampled_from(PLACES if egress_ == Egress.ALL else PLACES[1:-1]),
            "ports": st.lists(st.sampled_from(PORTS), min_size=1, max_size=3, unique=True),
        }
    )
    apis = draw(st.sampled_from(["default-domains", "private", "restricted", "none"]))
    profile = {"egress": egress_, "destinations": draw(st.lists(one, max_size=5)), "google_apis": apis}
    return policy(profile).profiles["web"]


EDGES = tuple(
    str(address + step)
    for text in (*NOT_INTERNET, *INSIDE, *PLACES[1:], SERVERLESS, "199.36.153.8/30", "199.36.153.4/30", "34.126.0.0/18")
    for address in (IPv4Network(text).network_address, IPv4Network(text).broadcast_address)
    for step in (-1, 0, 1)
    if 0 <= int(address) + step < 1 << 32
)
addresses = st.sampled_from(EDGES) | st.integers(0, (1 << 32) - 1).map(lambda number: str(IPv4Address(number)))
packets = st.builds(
    lambda address, what: Packet(SOURCE, address, *what),
    addresses,
    st.tuples(st.just("tcp"), st.sampled_from([22, 79, 80, 81, 443, 665, 666, 667, 668, 5432, 8079, 8080, 65535]))
    | st.tuples(st.just("udp"), st.sampled_from([53, 123, 664, 665, 666, 667, 668]))
    | st.sampled_from([("icmp", 0), ("47", 0), ("sctp", 80)]),
)
quick = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


def ours(profile: Profile) -> tuple[FirewallRule, ...]:
    return tuple(rules.wanted(SITE, profile, INSIDE))


def control(packet: Packet) -> bool:
    """What keeps a connector alive, which no profile takes away."""
    of = {("tcp", 667), ("udp", 665), ("udp", 666), ("icmp", 0)}
    return lies_in(packet.address, (SERVERLESS,)) and (packet.protocol, packet.port) in of


@quick
@given(profile=profiles(), packets=st.lists(packets, min_size=20, max_size=40), automatic=st.booleans())
def test_outwards_the_connector_reaches_exactly_what_its_profile_allows(
    profile: Profile, packets: list[Packet], automatic: bool
) -> None:
    there = (*ours(profile), *(AUTOMATIC if automatic else ()))
    for packet in packets:
        expected = control(packet) or promised(profile, packet)
        if lies_in(packet.address, (SERVERLESS,)):
            expected = control(packet)  # nobody's internet, whether Google's own deny at 100 is there or not
        assert egress(there, packet, TAGS) == expected, packet


@quick
@given(profile=profiles(), packets=st.lists(packets, min_size=20, max_size=40))
def test_inside_the_network_it_gets_in_only_where_its_profile_allows_while_googles_broad_rules_are_on(
    profile: Profile, packets: list[Packet]
) -> None:
    there = (*AUTOMATIC, *ours(profile))
    for packet in packets:
        assert ingress(there, packet, TAGS) == promised_inside(profile, packet), packet


@quick
@given(profile=profiles(), packets=st.lists(packets, min_size=20, max_size=40))
def test_our_rules_alone_let_nothing_in_for_anybody_else(profile: Profile, packets: list[Packet]) -> None:
    others = frozenset({"vpc-connector", "vpc-connector-europe-west2-other", "web"})
    before, after = AUTOMATIC, (*AUTOMATIC, *ours(profile))
    for packet in packets:
        moved = replace(packet, source="10.50.0.9")
        assert ingress(after, moved, others) == ingress(before, moved, others)
        assert egress(after, moved, others) == egress(before, moved, others)


@quick
@given(profile=profiles(), automatic=st.booleans())
def test_what_keeps_a_connector_alive_always_passes(profile: Profile, automatic: bool) -> None:
    """Also where Google makes no rules, as in a Shared VPC service project, and an old copy sits at 1000."""
    there = (*ours(profile), *(AUTOMATIC if automatic else ()))
    for protocol, port in (("tcp", 667), ("udp", 665), ("udp", 666), ("icmp", 0)):
        for address in ("35.199.224.0", "35.199.255.255", "35.199.240.7"):
            assert egress(there, Packet(SOURCE, address, protocol, port), TAGS)
            assert ingress(there, Packet(address, SOURCE, protocol, port), frozenset(), TAGS)
    for address in ("35.191.0.1", "35.191.200.1", "130.211.3.255"):
        assert ingress(there, Packet(address, SOURCE, "tcp", 667), frozenset(), TAGS)


@settings(quick, max_examples=20)
@given(profile=profiles())
def test_while_the_rules_are_made_one_by_one_nothing_opens_that_the_profile_does_not_allow(profile: Profile) -> None:
    """Before any of ours stands it has what Google gives it; no rule of ours adds to that."""
    base, probes = AUTOMATIC, [Packet(SOURCE, address, "tcp", port) for address in EDGES[::5] for port in (22, 443)]
    made = ours(profile)
    for number in range(len(made)):
        there = (*base, *made[: number + 1])
        for packet in probes:
            if egress(there, packet, TAGS) and not egress(base, packet, TAGS):
                assert promised(profile, packet) or control(packet)
            if ingress(there, packet, TAGS) and not ingress(base, packet, TAGS):
                assert promised_inside(profile, packet)


@quick
@given(profile=profiles())
@example(
    profile=policy(
        {
            "destinations": [
                {"to": "10.20.0.0/16", "ports": ["tcp:100,200"]},
                {"to": "192.168.7.0/24", "ports": ["tcp:100-200"]},
            ]
        }
    ).profiles["web"]
)
def test_every_rule_has_its_own_legal_name_band_and_scope(profile: Profile) -> None:
    made = ours(profile)
    assert len({rule.name for rule in made}) == len(made)
    tag = f"vpc-connector-{OURS.region}-{OURS.connector}"
    for rule in made:
        assert len(rule.name.rule) <= 63
        assert rule.name.project == PROJECT
        low, high = (900, 989) if rule.action == Action.DENY else (101, 499)
        assert low <= rule.priority <= high
        into_connector = rule.sources in (("35.199.224.0/19",), ("35.191.0.0/16", "35.191.192.0/18", "130.211.0.0/22"))
        assert (tag in rule.target_tags) == (rule.direction == Direction.EGRESS or into_connector)
        assert (tag in rule.source_tags) == (rule.direction == Direction.INGRESS and not into_connector)
        assert "vpc-connector" not in (*rule.target_tags, *rule.source_tags)
        assert rule.logged == (rule.action == Action.DENY)
        assert rule.description.startswith("Made by Wayout")
        assert len({":" in text for text in rule.destinations}) < 2


def test_ports_that_differ_make_rules_of_different_names() -> None:
    texts = ["tcp:100,200", "tcp:100-200", "tcp", "tcp:100", "udp:100", "all", "icmp", "6", "tcp:1-2,3", "tcp:1,2-3"]
    found = [policy({"destinations": [{"to": "internet", "ports": [text]}]}).profiles["web"] for text in texts]
    slugs = {rules.slug(profile.destinations[0].traffic) for profile in found}
    assert len(slugs) == len(texts)


@pytest.mark.parametrize(
    ("profile", "needs", "reason"),
    [
        ({}, True, "the internet is a destination"),
        ({"destinations": [], "google_apis": "default-domains"}, True, "Google APIs by public addresses"),
        ({"destinations": [], "google_apis": "private"}, False, "nothing public"),
        (
            {"destinations": [{"to": "10.0.0.0/8", "ports": ["all"]}], "google_apis": "none"},
            False,
            "private ranges only, though all traffic goes through the VPC",
        ),
        (
            {"destinations": [{"to": "8.8.8.0/24", "ports": ["udp:53"]}], "google_apis": "none"},
            True,
            "a public range is only reached through a NAT",
        ),
        (
            {"destinations": [{"to": "0.0.0.0/0", "ports": ["tcp:443"]}], "google_apis": "none"},
            True,
            "everything, written as a range",
        ),
        (
            {"egress": "private-ranges-only", "destinations": [{"to": "10.0.0.0/8", "ports": ["all"]}]},
            False,
            "public traffic never enters the VPC",
        ),
    ],
)
def test_a_nat_is_needed_where_something_public_is_reached_through_the_vpc(
    profile: dict[str, Any], needs: bool, reason: str
) -> None:
    assert policy(profile).profiles["web"].reaches_internet == needs, reason


def test_the_packet_judge_itself_follows_googles_words() -> None:
    """At equal priority DENY wins; the lower number wins; implied: outwards allowed, inwards denied."""
    packet = Packet("10.0.0.1", "10.0.0.2", "tcp", 443)
    allow = replace(AUTOMATIC[4], sources=("10.0.0.0/8",), traffic=(Traffic("tcp", ("440-443",)),))
    deny = replace(allow, action=Action.DENY)
    assert (egress([], packet, TAGS), ingress([], packet, TAGS)) == (True, False)
    assert ingress([allow], packet, TAGS)
    assert not ingress([allow, deny], packet, TAGS)
    assert ingress([replace(allow, priority=999), deny], packet, TAGS)
    assert not ingress([replace(allow, disabled=True)], packet, TAGS)
