"""Names within Google's lengths, read back from what Google writes; and a free /28 that is free."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.egress.world import RULE_NAME, automatic_rules
from tests.egress.worlds import OUR_SUBNET, OURS, PROJECT, SITE, greenfield, look_and_plan, policy
from wayout.egress import naming, ranges, rules
from wayout.egress.model import (
    Connector,
    ConnectorName,
    Create,
    NetworkName,
    Route,
    RouterName,
    RuleName,
    Site,
    State,
    Subnet,
    SubnetName,
)

REGIONS = ("northamerica-northeast1", "australia-southeast2", "us-central1", "me-west1", "africa-south1", "asia-east1")
WORDS = ("tcp:443", "tcp:100,200,300,400,500", "tcp:1-65535", "udp:1024-65535,53,123", "all", "icmp", "sctp:9", "47")


@pytest.mark.parametrize("region", REGIONS)
def test_names_fit_googles_lengths_in_every_region_and_role(region: str) -> None:
    site = Site(NetworkName("a" * 30, "n" * 63), region, "p" * 63)
    connector = naming.connector_of(site).connector
    assert len(connector.replace("-", "--")) < 21
    assert len(naming.subnet_of(site).subnet) <= 63
    assert len(naming.router_of(site.network, region).router) <= 63
    assert len(naming.tag_of(naming.connector_of(site))) <= 63
    destinations = [{"to": "internet", "ports": list(ports)} for ports in product(WORDS, WORDS)]
    destinations += [{"to": "10.0.0.0/8", "ports": [*WORDS]}]
    profile = policy({"destinations": destinations, "google_apis": "private"}).profiles["web"]
    names = [rule.name.rule for rule in rules.wanted(site, profile, ())]
    assert len(set(names)) == len(names)
    assert all(RULE_NAME.fullmatch(name) and len(name) <= 63 for name in names)


@pytest.mark.parametrize("region", REGIONS)
def test_what_is_ours_is_known_by_its_name(region: str) -> None:
    site = Site(NetworkName("shop", "default"), region, "web")
    mine = naming.Place(region, naming.site_id(site))
    assert naming.place_of(naming.connector_of(site)) == mine
    assert naming.place_of(naming.subnet_of(site)) == mine
    assert naming.place_of(naming.rule_of(site, "deny-out-ipv6")) == mine
    assert naming.place_of(naming.router_of(site.network, region)) == naming.Place(region)


@pytest.mark.parametrize("hyphens", ["--", "-"])
@pytest.mark.parametrize("region", REGIONS)
def test_googles_rules_for_a_connector_of_ours_are_read_in_both_spellings(region: str, hyphens: str) -> None:
    site = Site(NetworkName("shop", "default"), region, "web")
    made = Connector(naming.connector_of(site), site.network, State.READY)
    for rule in automatic_rules(made, "10.0.0.0/28", hyphens=hyphens):
        found = naming.automatic(rule.name.rule)
        assert found
        assert (found.region, found.connector) == (region, made.name.connector)
        assert naming.place_of(rule.name) == naming.Place(region, naming.site_id(site))


@pytest.mark.parametrize(
    ("name", "connector", "reason"),
    [
        ("aet-uscentral1-subnet--1-egrfw", ("us-central1", "subnet-1", "egrfw"), "Google's own error text"),
        ("aet-uscentral1-tamshai--prod--conn-egrfw", ("us-central1", "tamshai-prod-conn", "egrfw"), "seen live"),
        ("aet-europewest9-webplat--stage--vpc-rsgfw", ("europe-west9", "webplat-stage-vpc", "rsgfw"), "seen live"),
        ("aet-asiasouth1-perundhu-prod-vpc-tagfw", ("asia-south1", "perundhu-prod-vpc", "tagfw"), "single hyphens"),
        ("aet-northamericanortheast2-a-sbntfw", ("northamerica-northeast2", "a", "sbntfw"), "the longest area"),
        ("aet-europewest2-vpcconnect-sbnt", None, "a subnet's name"),
        ("aet-europewest2-vpcconnect-2t8s", None, "a machine's name"),
        ("aet-moon1-x-tagfw", None, "no area of Google's"),
        ("vpc-access-allow-deadbeef-egress", None, "another scheme"),
        ("my-aet-uscentral1-x-tagfw", None, "not at the beginning"),
    ],
)
def test_the_name_of_an_automatic_rule_is_read(name: str, connector: tuple[str, str, str] | None, reason: str) -> None:
    assert naming.automatic(name) == (naming.Automatic(*connector) if connector else None), reason


@pytest.mark.parametrize(
    "name",
    [
        RuleName(PROJECT, "wayout-deny"),
        RuleName(PROJECT, "wayout-europe-west2-nothexid-deny"),
        RuleName(PROJECT, "aet-europewest2-somebodys-tagfw"),
        ConnectorName(PROJECT, "europe-west2", "wayout"),
        ConnectorName(PROJECT, "europe-west2", "wayout-deadbeef-2"),
        RouterName(PROJECT, "europe-west2", "router"),
        SubnetName(PROJECT, "europe-west2", "wayout-DEADBEEF"),
    ],
    ids=str,
)
def test_what_only_looks_like_ours_is_not(name: RuleName | ConnectorName | RouterName | SubnetName) -> None:
    assert naming.place_of(name) is None


def test_sites_differ_by_network_region_and_profile_and_share_a_router_by_network_and_region() -> None:
    networks = [NetworkName("a", "n"), NetworkName("a", "m"), NetworkName("b", "n")]
    sites = [Site(*parts) for parts in product(networks, ["us-east1", "us-west1"], ["p", "q"])]
    assert len({naming.connector_of(site).connector for site in sites}) == len(sites)
    assert len({str(naming.router_of(site.network, site.region)) for site in sites}) == len(sites) / 2


# --- ranges ------------------------------------------------------------------------------------------------------

cidrs = st.builds(
    lambda base, prefix: str(IPv4Network((base, prefix), strict=False)),
    st.integers(int(IPv4Address("10.127.0.0")), int(IPv4Address("10.127.3.255"))),
    st.integers(20, 32),
)
pools = st.lists(st.sampled_from(["10.127.0.0/24", "10.127.2.0/27", "10.127.1.240/28", "10.127.3.0/25"]), min_size=1)


@settings(max_examples=200, deadline=None)
@given(pool=pools, taken=st.lists(cidrs, max_size=12), start=st.integers(0, 1 << 32))
def test_a_range_is_found_if_and_only_if_one_is_free_and_always_the_same(
    pool: list[str], taken: list[str], start: int
) -> None:
    found = ranges.free(pool, taken, prefix=28, start=start)
    used = [IPv4Network(text) for text in taken]
    free = {
        str(piece)
        for text in pool
        for piece in IPv4Network(text).subnets(new_prefix=28)
        if not any(piece.overlaps(gone) for gone in used)
    }
    assert (found in free) if free else found is None
    assert ranges.free(pool, [*taken, "2001:db8::/64"], prefix=28, start=start) == found


def test_sites_start_at_different_places_of_the_pool() -> None:
    ids = [naming.site_id(Site(NetworkName("shop", f"n{number}"), "us-east1", "web")) for number in range(50)]
    found = {ranges.free(["10.127.0.0/16"], (), prefix=28, start=int(text, 16)) for text in ids}
    assert len(found) > 45


def test_the_free_range_is_judged_against_everything_that_occupies_one() -> None:
    world = greenfield(policy({"pool": ["10.127.0.0/26"]}))  # four of them
    far = SubnetName(PROJECT, "us-central1", "far")
    world.add(Subnet(far, SITE.network, "10.9.0.0/24", secondary=("10.127.0.0/28",)))
    world.add(Route("peering", SITE.network, "10.127.0.16/30", next_hop="peering"))
    world.add(Connector(ConnectorName(PROJECT, SITE.region, "bare"), SITE.network, State.READY, range="10.127.0.32/28"))
    assert made_range(world) == "10.127.0.48/28"
    world.add(Subnet(SubnetName(PROJECT, "us-east1", "last"), SITE.network, "10.127.0.48/28"))
    plan, _ = look_and_plan(world)
    assert made_range(world) == ""
    assert "no /28 is free" in next(block.why for block in plan.blocked if block.what == "subnet")


def made_range(world: object) -> str:
    plan, _ = look_and_plan(world)  # type: ignore[arg-type]
    made = [change.thing for change in plan.changes if isinstance(change, Create)]
    return next((thing.range for thing in made if isinstance(thing, Subnet) and thing.name == OUR_SUBNET), "")


@settings(max_examples=100, deadline=None)
@given(st.lists(cidrs, max_size=6), st.integers(0, (1 << 32) - 1))
def test_the_internet_is_everything_but_private_special_and_inside(inside: list[str], number: int) -> None:
    address = IPv4Address(number)
    special = any(address in IPv4Network(text) for text in (*ranges.PRIVATE, *ranges.SPECIAL, *inside))
    assert any(address in IPv4Network(text) for text in ranges.internet(inside)) != special


def test_the_connectors_tag_keeps_its_hyphens() -> None:
    assert (
        naming.tag_of(ConnectorName("p", "asia-east1", "oday-staging-vpc"))
        == "vpc-connector-asia-east1-oday-staging-vpc"
    )
    assert re.fullmatch(r"vpc-connector-europe-west2-wayout-[0-9a-f]{8}", naming.tag_of(OURS))
