"""The policy file: what it accepts, and what it says of what is wrong with it."""

from __future__ import annotations

from datetime import date
from textwrap import dedent

import pytest

from wayout.egress.model import NetworkName
from wayout.egress.policy import PolicyError, parse

GOOD = """\
version: 1
mode: enforce
projects: [shop]
regions: [europe-west2]
profiles:
  web:
    egress: all-traffic
    destinations:
      - to: internet
        ports: [tcp:443]
rules:
  - match: {project: shop}
    profile: web
"""


def test_a_good_policy_is_read_whole() -> None:
    policy = parse(GOOD)
    assert policy.profiles["web"].internet
    assert (policy.mode, policy.paused, policy.rules[0].profile) == ("enforce", False, "web")


def test_nothing_is_enforced_unless_somebody_says_so() -> None:
    policy = parse("version: 1\nprofiles: {web: {}}")
    assert policy.mode == "observe"
    assert (policy.profiles["web"].labels, policy.profiles["web"].requests, policy.create_network) == (False,) * 3


@pytest.mark.parametrize(
    ("old", "new", "where", "what", "reason"),
    [
        ("version: 1", "version: 2", "line 1: version", "1", "an unknown version is not guessed at"),
        ("version: 1\n", "", "version", "required", "the version is not optional"),
        ("mode: enforce", "mode: enforced", "line 2: mode", "enforce", "a mode that is none"),
        ("mode: enforce", "mod: enforce", "line 2: mod", "no such field", "a field with a typo"),
        ("  web:\n", "  Web:\n", "line 7: profiles.Web: ", "lower-case", "a profile name that no label could hold"),
        ("all-traffic", "all", "line 7: profiles.web.egress", "all-traffic", "an egress that is none"),
        ("all-traffic", "private-ranges-only", "profiles.web", "never enters the VPC", "a promise no rule can keep"),
        ("to: internet", "to: 10.0.0.1/8", "line 9: profiles.web.destinations.0.to", "host bits", "host bits set"),
        ("to: internet", "to: example.com", "line 9: profiles.web.destinations.0.to", "range such as", "a host"),
        ("to: internet", "to: 2001:db8::/32", "line 9: profiles.web.destinations.0.to", "range such as", "IPv6"),
        ("[tcp:443]", "[]", "line 10: profiles.web.destinations.0.ports", "at least 1", "no ports"),
        ("[tcp:443]", "[http]", "line 10: profiles.web.destinations.0.ports.0", "no protocol", "a word"),
        ("[tcp:443]", "[999]", "line 10: profiles.web.destinations.0.ports.0", "", "a number, not a text"),
        ("[tcp:443]", "['999']", "line 10: profiles.web.destinations.0.ports.0", "no protocol", "beyond 255"),
        ("[tcp:443]", "['tcp:']", "line 10: profiles.web.destinations.0.ports.0", "no port", "would be every port"),
        ("[tcp:443]", "['tcp:80,']", "line 10: profiles.web.destinations.0.ports.0", "no port", "a port left out"),
        ("[tcp:443]", "[tcp:70000]", "line 10: profiles.web.destinations.0.ports.0", "65535", "beyond 65535"),
        ("[tcp:443]", "[tcp:90-80]", "line 10: profiles.web.destinations.0.ports.0", "no port", "backwards"),
        (
            "to: internet",
            "to: internet\n        of_set: [10.0.0.0/8]",
            "line 10: profiles.web.destinations.0.of_set",
            "no such field",
            "what a set stands for is said by the set alone",
        ),
        ("to: internet", "to: internet\n        _of_set: [10.0.0.0/8]", "line 10", "no such field", "nor so"),
        ("[tcp:443]", "['tcp:443-']", "line 10: profiles.web.destinations.0.ports.0", "no port", "a range without end"),
        ("[tcp:443]", "['tcp:-443']", "line 10: profiles.web.destinations.0.ports.0", "no port", "without beginning"),
        ("[tcp:443]", "['tcp:1-2-3']", "line 10: profiles.web.destinations.0.ports.0", "no port", "three ends"),
        ("[tcp:443]", "['tcp:٤٤٣']", "line 10: profiles.web.destinations.0.ports.0", "no port", "no ASCII digits"),
        ("[tcp:443]", "['٦']", "line 10: profiles.web.destinations.0.ports.0", "no protocol", "no ASCII digit"),
        ("[tcp:443]", f"['tcp:{'9' * 5000}']", "line 10: profiles.web.destinations.0.ports.0", "no port", "a giant"),
        (
            "all-traffic",
            "all-traffic\n    network: foo/bar",
            "line 8: profiles.web.network",
            "no network",
            "half a path",
        ),
        ("all-traffic", "all-traffic\n    network: ''", "line 8: profiles.web.network", "no network", "no name at all"),
        (
            "all-traffic",
            "all-traffic\n    network: My Net",
            "line 8: profiles.web.network",
            "no network",
            "no such name",
        ),
        (
            "all-traffic",
            "all-traffic\n    network: projects/p/global/networks/",
            "line 8: profiles.web.network",
            "projects/PROJECT/global/networks/NETWORK",
            "a path without its end",
        ),
        ("[tcp:443]", "[icmp:8]", "line 10: profiles.web.destinations.0.ports.0", "has no ports", "icmp has none"),
        ("all-traffic", "all-traffic\n    pool: [10.0.0.0/29]", "profiles.web", "smaller than the /28", "no room"),
        ("all-traffic", "all-traffic\n    pool: []", "line 8: profiles.web.pool", "at least 1", "no pool"),
        (
            "all-traffic",
            "all-traffic\n    connector: {min_instances: 4, max_instances: 4}",
            "line 8: profiles.web.connector",
            "less than",
            "Google wants min below max",
        ),
        (
            "all-traffic",
            "all-traffic\n    connector: {max_instances: 11}",
            "line 8: profiles.web.connector.max_instances",
            "10",
            "beyond Google's limit",
        ),
        (
            "all-traffic",
            "all-traffic\n    nat: {min_ports: 1000}",
            "line 8: profiles.web.nat",
            "power of two",
            "dynamic ports come in powers of two",
        ),
        (
            "    profile: web",
            "    profile: wob",
            "rules.0.profile",
            "no such profile",
            "a rule names a profile that is none",
        ),
        ("mode: enforce", "evidence: wob", "line 2: evidence", "no such profile", "so does the evidence"),
        (
            "mode: enforce",
            "exemptions: [{match: {}, owner: '', reason: r, expires: 2026-12-31}]",
            "line 2: exemptions.0.owner",
            "at least 1",
            "nobody answers for it",
        ),
        (
            "mode: enforce",
            "exemptions: [{match: {}, owner: o, reason: r, expires: 2026-13-45}]",
            "line 2: exemptions.0.expires",
            "date",
            "no such day",
        ),
        (
            "mode: enforce",
            "exemptions: [{match: {}, owner: o, reason: r}]",
            "line 2: exemptions.0 (expires)",
            "required",
            "an exemption without an end",
        ),
        ("mode: enforce", "mode: [enforce", "line ", "not YAML", "no YAML"),
        ("  web:\n", "  off:\n", "profiles.off", "cannot be called off", "that word means no way out"),
    ],
)
def test_what_is_wrong_is_named_with_line_and_field(old: str, new: str, where: str, what: str, reason: str) -> None:
    broken = GOOD.replace(old, new)
    if new.endswith("off:\n"):
        broken = broken.replace("profile: web", "profile: off")
    assert broken != GOOD
    with pytest.raises(PolicyError) as found:
        parse(broken)
    hit = [problem for problem in found.value.problems if where in problem and what in problem]
    assert hit, (reason, found.value.problems)
    assert all(problem.startswith("line ") for problem in found.value.problems), reason


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("version: !!int abc", 1, "a tag that its scalar does not keep"),
        ("version: 1\nmode: !!float x", 2, "nor this one"),
        ("version: 1\npaused: !!bool perhaps", 2, "nor this one"),
        ("version: 1\nmode: !!timestamp never", 2, "nor this one"),
        ("version: 1\nmode: !!timestamp 2026-13-45", 2, "no such day"),
        ("version: !!int ''", 1, "a number without digits"),
        ("version: 0x_", 1, "what YAML 1.1 takes for a number"),
        (f"mode: observe\nversion: {'9' * 5000}", 2, "more digits than Python reads"),
        (f"version: 1\nsites_per_hour: !!float {'1:' * 400}1", 2, "more than a float holds"),
        ("version: 1\nsets: !!map x", 2, "a mapping that is a word"),
        ("version: 1\nsets: {[a]: b}", 2, "a list for a key"),
        ('version: 1\nmode: "\\UFFFFFFFF"', 2, "a character beyond Unicode"),
        (f"%YAML {'9' * 5000}.1\n---\nversion: 1", 1, "a version of YAML without end"),
        ("version: 1\nmode: \x00", 2, "a character that no YAML holds"),
        ("version: 1\nmode: !!python/object:os.system x", 2, "a tag of Python's"),
    ],
)
def test_a_scalar_that_cannot_be_read_is_a_problem_with_its_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(PolicyError) as found:
        parse(text)
    assert found.value.problems[0].startswith(f"line {line}: "), (reason, found.value.problems)
    assert not any("\n" in problem for problem in found.value.problems), (reason, found.value.problems)


def test_a_number_is_what_it_looks_like() -> None:
    """YAML 1.1 reads 010 as eight, 1_0 as ten and 1:30 as ninety."""
    labels = "{a: 010, b: 1_0, c: 1:30, d: 0x1f, e: 1.10}"
    found = parse(f"version: 1\nprofiles: {{web: {{}}}}\nrules: [{{match: {{labels: {labels}}}, profile: web}}]")
    assert found.rules[0].match.labels == {"a": "010", "b": "1_0", "c": "1:30", "d": "0x1f", "e": "1.10"}


@pytest.mark.parametrize(
    ("match", "folder", "labels", "reason"),
    [
        ("folder: 123456", "123456", {}, "a folder is named by its number"),
        ("folder: folders/123456", "folders/123456", {}, "as Google writes it"),
        ("labels: {team: 1}", "", {"team": "1"}, "a label may hold a number"),
        ("labels: {public: true}", "", {"public": "true"}, "or a word that YAML takes for a boolean"),
    ],
)
def test_a_number_may_stand_where_text_is_meant(match: str, folder: str, labels: dict[str, str], reason: str) -> None:
    found = parse(GOOD.replace("project: shop", match)).rules[0].match
    assert (found.folder, found.labels) == (folder, labels), reason


@pytest.mark.parametrize(
    ("written", "kept", "reason"),
    [
        ("tcp:0443", "tcp:443", "zeros in front"),
        ("tcp:443-443", "tcp:443", "a range of one port"),
        ("tcp:443,443", "tcp:443", "said twice"),
        ("tcp:8000-09000,443", "tcp:443,8000-9000", "in order"),
        ("tcp:0-65535", "tcp:0-65535", "both ends"),
        ("tcp", "tcp", "every port"),
        ("006", "6", "a number"),
    ],
)
def test_ports_have_one_spelling(written: str, kept: str, reason: str) -> None:
    found = parse(GOOD.replace("tcp:443", f"'{written}'")).profiles["web"].destinations[0]
    assert found.ports == (kept,), reason


def test_what_two_spellings_say_is_allowed_once() -> None:
    found = parse(GOOD.replace("tcp:443", "'tcp:443', 'tcp:0443'")).profiles["web"].destinations[0]
    assert [str(one) for one in found.traffic] == ["tcp:443"]


@pytest.mark.parametrize(
    ("written", "network", "reason"),
    [
        ("default", NetworkName("shop", "default"), "a name in the job's own project"),
        ("projects/host/global/networks/a", NetworkName("host", "a"), "one of another project, named as Google does"),
        ("projects/example.com:host/global/networks/a", NetworkName("example.com:host", "a"), "of a domain's project"),
        (
            "https://www.googleapis.com/compute/v1/projects/host/global/networks/a",
            NetworkName("host", "a"),
            "by its whole address",
        ),
    ],
)
def test_a_network_is_named_as_google_names_it(written: str, network: NetworkName, reason: str) -> None:
    profile = parse(GOOD.replace("all-traffic", f"all-traffic\n    network: {written}")).profiles["web"]
    assert profile.network_for("shop") == network, reason
    assert profile.network in (network.network, str(network)), reason


@pytest.mark.parametrize("text", ["", "[]", "just words", "1"], ids=["empty", "a list", "words", "a number"])
def test_what_is_no_mapping_is_said_to_be_none(text: str) -> None:
    with pytest.raises(PolicyError, match="a policy is a mapping"):
        parse(text)


WRONG = """\
version: x
mode: {mode}
profiles:
  web: {web}
rules:
  - {rule}
"""
FINE = {"mode": "observe", "web": "{}", "rule": "{profile: web}"}


@pytest.mark.parametrize(
    ("field", "written", "told", "reason"),
    [
        ("web", "", ["line 4: profiles.web: write a mapping"], "a profile that says nothing"),
        ("web", "{requests: billing}", ["line 4: profiles.web.requests: write true or false, or a list"], "a union"),
        ("web", "{requests: {a: b}}", ["line 4: profiles.web.requests: write true or false, or a list"], "neither"),
        ("web", "{requests: [1]}", ["line 4: profiles.web.requests.0: write text, in quotes"], "a list, and wrong"),
        ("web", "{pool: 10.0.0.0/8}", ["line 4: profiles.web.pool: write a list"], "text for a list"),
        (
            "web",
            "{pool: [10.0.0.1/8]}",
            ["line 4: profiles.web.pool.0: 10.0.0.1/8 has host bits set"],
            "what is wrong in a list, and not that nothing is left of it",
        ),
        ("web", "{labels: perhaps}", ["line 4: profiles.web.labels: write true or false"], "no boolean"),
        ("web", "{idle_days: many}", ["line 4: profiles.web.idle_days: write a whole number"], "no number"),
        ("web", "{idle_days: 99}", ["line 4: profiles.web.idle_days: write 25 or less"], "too many"),
        ("web", "{idle_days: 0}", ["line 4: profiles.web.idle_days: write 1 or more"], "too few"),
        ("web", "{road: way}", ["line 4: profiles.web.road: write connector, direct or auto"], "no road"),
        ("web", "{egress: all}", ["line 4: profiles.web.egress: write all-traffic or private-ranges-only"], "nor this"),
        ("web", "{nat: 3}", ["line 4: profiles.web.nat: write a mapping"], "a number for a mapping"),
        ("web", "{roads: direct}", ["line 4: profiles.web.roads: there is no such field"], "a typo"),
        ("mode", "", ["line 2: mode: write observe or enforce"], "a mode left out"),
        ("rule", "{match: {}}", ["line 6: rules.0 (profile): it is required"], "what is missing is named"),
        ("rule", "{match: {labels: [a]}, profile: web}", ["line 6: rules.0.match.labels: write a mapping"], "a list"),
        ("rule", "3", ["line 6: rules.0: write a mapping"], "no rule"),
    ],
)
def test_what_is_wrong_is_said_once_and_in_plain_words(field: str, written: str, told: list[str], reason: str) -> None:
    with pytest.raises(PolicyError) as found:
        parse(WRONG.format_map(FINE | {field: written}))
    assert found.value.problems == ["line 1: version: write 1", *told], reason


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(PolicyError) as found:
        parse(GOOD.replace("version: 1", "version: 3").replace("tcp:443", "tpc:443").replace("all-traffic", "al"))
    assert {problem.split(":")[0] for problem in found.value.problems} == {"line 1", "line 7", "line 10"}


def test_off_without_quotes_is_the_word_and_not_a_boolean() -> None:
    """YAML 1.1 reads off, no, on and yes as booleans: a policy says off in two places, and labels may say any."""
    policy = parse(
        dedent("""\
        version: 1
        paused: false
        profiles: {web: {nat: {log: off}, labels: true}}
        rules:
          - match: {labels: {country: no}}
            profile: off
        exemptions:
          - {match: {}, owner: jane, reason: trial, expires: 2026-12-31}
        """)
    )
    assert (policy.rules[0].profile, policy.rules[0].match.labels) == ("off", {"country": "no"})
    assert policy.profiles["web"].nat.log == "off"
    assert (policy.paused, policy.profiles["web"].labels) == (False, True)
    assert policy.exemptions[0].expires == date(2026, 12, 31)
