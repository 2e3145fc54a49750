"""What a policy must not say, each with the line, the field and what to do; and what it hardly can mean."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from wayout.egress.model import NetworkName, Site
from wayout.egress.policy import PolicyError, parse, warnings

TODAY = date(2026, 11, 23)
GOOD = """\
version: 1
mode: observe
projects: [shop, "team-*"]
regions: [europe-west2]
sets:
  orders-db: [10.20.0.0/24, 10.21.0.0/24]
reserved:
  on-premises: [192.168.0.0/16]
profiles:
  web:
    network: main
    egress: all-traffic
    destinations:
      - {to: internet, ports: ["tcp:443"]}
      - {to: orders-db, ports: ["tcp:5432"]}
    pool: [10.127.0.0/20]
    nat: {addresses: [out-1]}
  inner:
    network: main
    road: auto
    egress: private-ranges-only
    destinations:
      - {to: orders-db, ports: ["tcp:5432"]}
    google_apis: private
    pool: [10.127.16.0/20]
    requests: ["ci@*"]
rules:
  - name: shops
    match: {job: "shop-*"}
    profile: web
  - name: rest
    match: {}
    profile: inner
"""


def test_a_good_policy_is_read_with_its_sets_filled_in() -> None:
    found = parse(GOOD)
    assert found.profiles["web"].ranges == ("10.20.0.0/24", "10.21.0.0/24")
    assert warnings(found, TODAY) == []


def test_a_set_that_is_wrong_is_told_once_at_the_set() -> None:
    with pytest.raises(PolicyError) as refused:
        parse(GOOD.replace("10.21.0.0/24", "10.21.0.1/24"))
    assert [problem.split(":")[:2] for problem in refused.value.problems] == [["line 6", " sets.orders-db.1"]]


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("to: orders-db", "to: orders-dd", "line 15: profiles.web.destinations.1.to", "is no set of this policy"),
        ("  orders-db: [", "  internet: [", "line 6: sets.internet", "cannot be called internet"),
        ("    egress: all-traffic", "    egress: private-ranges-only", "line 14", "internet needs egress all-traffic"),
        (
            "    google_apis: private",
            "    google_apis: private\n    destinations: [{to: 8.8.8.0/24, ports: [all]}]",
            "profiles.inner",
            "8.8.8.0/24 is not private",
        ),
        (
            "[10.127.0.0/20]",
            "[192.168.4.0/22]",
            "line 16: profiles.web.pool.0",
            "which the policy reserves for on-prem",
        ),
        ("[10.127.0.0/20]", "[10.127.0.0/29]", "line 16: profiles.web.pool.0", "smaller than the /28 that a connector"),
        ("[10.127.16.0/20]", "[10.127.16.0/27]", "profiles.inner.pool.0", "smaller than the /26 that the direct road"),
        (
            "    google_apis: private",
            "    google_apis: private\n    nat: {addresses: [out-2]}",
            "profiles.inner.nat.addresses",
            "of no use: nothing of this profile goes to the internet",
        ),
        (
            "    google_apis: private",
            "    google_apis: private\n    adopt: {connectors: ['*']}",
            "profiles.inner.adopt.connectors",
            "this profile takes the direct road",
        ),
        ("    profile: inner", "    profile: outer", "line 33: rules.1.profile", "no such profile"),
        ("mode: observe", "evidence: outer", "line 2: evidence", "no such profile"),
    ],
)
def test_a_policy_that_contradicts_itself_is_refused_with_line_and_field(
    old: str, new: str, where: str, what: str
) -> None:
    text = GOOD
    if "destinations: [{" in new:
        text = text.replace('    destinations:\n      - {to: orders-db, ports: ["tcp:5432"]}\n    google', "    google")
    broken = text.replace(old, new, 1)
    assert broken != GOOD
    with pytest.raises(PolicyError) as refused:
        parse(broken)
    assert any(where in problem and what in problem for problem in refused.value.problems), refused.value.problems


@pytest.mark.parametrize(
    ("pool", "said", "reason"),
    [
        ("127.0.0.0/16", "is not private", "loopback"),
        ("169.254.0.0/20", "is not private", "link-local"),
        ("224.0.0.0/20", "is not private", "multicast"),
        ("8.8.0.0/20", "is not private", "public"),
        ("35.199.224.0/19", "is not private", "Google's own for connectors"),
        ("199.36.153.0/24", "is not private", "Google's virtual addresses"),
        ("0.0.0.0/0", "is not private", "everything"),
        ("10.0.0.0/7", "is not private", "more than what is private"),
        ("10.20.0.0/24", "holds 10.20.0.0/24 of the set orders-db", "where a destination lives"),
        ("10.21.0.0/16", "holds 10.21.0.0/24 of the set orders-db", "around it"),
        ("10.30.0.0/16", "holds its destination 10.30.1.0/24", "a destination of its own"),
        ("10.40.0.0/16", "holds 10.40.0.0/24 of the set spare", "a set that another profile may use"),
        ("10.20.0.0/28", "", "a destination may hold the pool: that is ordinary"),
        ("100.64.0.0/16", "", "RFC 6598"),
        ("172.16.0.0/16", "", "RFC 1918"),
    ],
)
def test_a_pool_lies_where_nobody_else_lives(pool: str, said: str, reason: str) -> None:
    text = GOOD.replace("sets:\n", "sets:\n  spare: [10.40.0.0/24]\n").replace("[10.127.0.0/20]", f"[{pool}]")
    text = text.replace("      - {to: internet", "      - {to: 10.30.1.0/24, ports: [all]}\n      - {to: internet", 1)
    if not said:
        assert parse(text).profiles["web"].pool == (pool,), reason
        return
    with pytest.raises(PolicyError) as refused:
        parse(text)
    assert [problem.split(": ")[1] for problem in refused.value.problems] == ["profiles.web.pool.0"], reason
    assert said in refused.value.problems[0], reason


def test_every_contradiction_is_told_at_once() -> None:
    text = GOOD.replace("    profile: inner", "    profile: outer").replace("[10.127.0.0/20]", "[192.168.4.0/22]")
    with pytest.raises(PolicyError) as refused:
        parse(text.replace("mode: observe", "evidence: outer").replace("to: orders-db", "to: orders-dd"))
    told = {problem.split(": ")[1] for problem in refused.value.problems}
    assert told == {
        "evidence",
        "profiles.web.destinations.1.to",
        "profiles.inner.destinations.0.to",
        "profiles.web.pool.0",
        "rules.1.profile",
    }
    lines = [int(problem.split(":")[0].removeprefix("line ")) for problem in refused.value.problems]
    assert lines == sorted(lines), "in the order in which they are read"


def test_two_profiles_of_one_network_cannot_have_two_lists_of_nat_addresses() -> None:
    other = "  third:\n    network: main\n    egress: all-traffic\n    nat: {addresses: [out-9]}\n"
    with pytest.raises(PolicyError, match=r"profiles.third.nat.addresses: the profile web has other addresses"):
        parse(GOOD.replace("rules:\n", f"{other}rules:\n"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("rules:\n", "rules:\n  - match: {}\n    profile: web\n", "rule 'shops' can never decide: rule 1 matches"),
        (
            "rules:\n",
            "rules:\n  - match: {job: 'shop-*', labels: {team: '*'}}\n    profile: inner\n",
            None,
        ),
        (
            "    match: {}\n",
            "    match: {job: 'shop-*', labels: {team: blue}}\n",
            "rule 'rest' can never decide: rule 1 matches",
        ),
        ("requests: [", "labels: false\n    requests: true #[", "any sender may ask for the profile inner"),
        ("    profile: inner", "    profile: web", None),
        ("sets:\n", "sets:\n  spare: [10.9.0.0/16]\n", "the set spare is used by no profile"),
        (
            "rules:\n",
            "exemptions: [{match: {}, owner: jo, reason: r, expires: 2026-01-01}]\nrules:\n",
            "exemption 1 of jo ended on 2026-01-01",
        ),
        ("    network: main\n    road", "    labels: false\n    network: main\n    road", None),
    ],
)
def test_what_a_policy_hardly_can_mean_is_a_warning(old: str, new: str, said: str | None) -> None:
    found = warnings(parse(GOOD.replace(old, new, 1)), TODAY)
    assert any(said in one for one in found) if said else not found, found


@pytest.mark.parametrize(
    ("profile", "road", "reason"),
    [
        ({"road": "auto", "egress": "all-traffic"}, "connector", "Google APIs by public addresses need Cloud NAT"),
        ({"road": "auto", "google_apis": "none"}, "direct", "nothing goes to the internet"),
        ({"road": "direct", "egress": "all-traffic"}, "direct", "the policy says so, start-up delay or not"),
        ({}, "connector", "the default"),
    ],
)
def test_auto_takes_the_road_that_google_advises(profile: dict[str, Any], road: str, reason: str) -> None:
    from wayout.egress.policy import Profile

    assert Profile.model_validate(profile).taken_road == road, reason


HOST = "projects/host/global/networks/shared"


@pytest.mark.parametrize(
    ("profile", "home", "reason"),
    [
        ({"network": HOST, "connector": {"project": "service"}}, "shop", "each service project has a connector"),
        ({"network": HOST}, "", "one connector in the host project serves them all"),
        ({"network": HOST, "road": "direct", "connector": {"project": "service"}}, "", "there is no connector"),
        ({"network": "main", "connector": {"project": "service"}}, "", "the network is its own"),
    ],
)
def test_a_site_knows_which_project_holds_its_connector(profile: dict[str, Any], home: str, reason: str) -> None:
    from wayout.egress.policy import Profile

    site = Profile.model_validate(profile).site_for("web", "shop", "europe-west2")
    network = NetworkName("host", "shared") if profile["network"] == HOST else NetworkName("shop", "main")
    assert site == Site(network, "europe-west2", "web", home), reason


@pytest.mark.parametrize(
    ("project", "region", "spoken", "reason"),
    [
        ("shop", "europe-west2", True, "both are listed"),
        ("team-a", "europe-west2", True, "by a glob"),
        ("shop", "us-central1", False, "the region is not"),
        ("other", "europe-west2", False, "the project is not"),
    ],
)
def test_a_policy_speaks_of_the_projects_and_regions_that_it_lists(
    project: str, region: str, spoken: bool, reason: str
) -> None:
    found = parse(GOOD)
    assert found.covers(project, region) is spoken, reason
    network = NetworkName(project, "main")
    assert (found.projects_of(Site(network, region, "web")) == (project,)) is spoken, reason


@pytest.mark.parametrize(
    ("requests", "sender", "may"),
    [
        (False, "ci@example.com", False),
        (True, "", True),
        (("ci@*",), "ci@example.com", True),
        (("ci@*",), "max@example.com", False),
        (("ci@*",), "", False),
    ],
)
def test_only_the_senders_that_a_profile_lists_may_ask_for_it(requests: Any, sender: str, may: bool) -> None:
    from wayout.egress.policy import Profile

    assert Profile.model_validate({"requests": requests}).may_ask(sender) == may
