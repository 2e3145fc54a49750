"""Who needs a way out: exemption, label, request, rule, evidence, in this order; and never a secret in the reason."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wayout.egress.model import (
    ConnectorName,
    Egress,
    FoldersOf,
    Job,
    JobName,
    JobTarget,
    NetworkName,
    NotLookedError,
    Present,
    Seen,
    Way,
    Word,
)
from wayout.egress.need import Stance, judge, walk
from wayout.egress.policy import Policy

TODAY = date(2026, 11, 23)
NAME = JobName("shop", "europe-west2", "nightly")
EXEMPT = {"match": {"job": "night*"}, "owner": "jane", "reason": "trial", "expires": "2026-11-23"}
EXPIRED = {**EXEMPT, "expires": "2026-11-22"}
LABELLED = (("wayout", "open"),)
OFF = (("wayout", "off"),)
CLOSED = (("wayout", "web"),)
PRIVATE = (Word("env DB", "10.1.2.3:5432"),)


def policy(**more: Any) -> Policy:
    whole: dict[str, Any] = {
        "version": 1,
        "profiles": {"web": {}, "open": {"labels": True}, "asked": {"requests": True}},
        "rules": [{"name": "all", "match": {}, "profile": "web"}],
    }
    return Policy.model_validate({**whole, **more})


def asked(profile: str = "asked") -> JobTarget:
    return JobTarget(NAME, requested=profile, sender="billing")


@pytest.mark.parametrize(
    ("job", "more", "target", "stance", "profile", "words", "reason"),
    [
        ({"deleted": True}, {}, None, "absent", "", "deleted", "a deleted job needs nothing"),
        ({}, {"projects": ["other*"]}, None, "fine", "", "does not speak", "a project that nobody asked us about"),
        ({}, {"regions": ["europe-west2"]}, None, "needs", "web", "rule 'all'", "a region that the policy lists"),
        ({}, {"regions": ["europe-*"]}, None, "needs", "web", "rule 'all'", "or that a glob of its fits"),
        ({}, {"regions": []}, None, "needs", "web", "rule 'all'", "no list is every region"),
        (
            {"labels": LABELLED, "words": PRIVATE},
            {"regions": ["us-*", "asia-east1"]},
            asked(),
            "fine",
            "",
            "the region europe-west2 is not among the policy's regions (us-*, asia-east1)",
            "a region that it does not speak of, whatever else speaks",
        ),
        ({"labels": LABELLED}, {"exemptions": [EXEMPT]}, asked(), "exempt", "", "jane", "an exemption beats all"),
        ({}, {"exemptions": [EXEMPT]}, None, "exempt", "", "2026-11-23", "its last day counts"),
        ({}, {"exemptions": [EXPIRED]}, None, "needs", "web", "ended on 2026-11-22", "an ended one is said"),
        ({"labels": LABELLED}, {}, asked(), "needs", "open", "label", "a label beats request and rule"),
        ({"labels": OFF}, {}, asked(), "fine", "", "wayout=off", "off beats request and rule"),
        ({"labels": CLOSED}, {}, None, "needs", "web", "no profile that labels", "a label buys nothing: the rule"),
        ({"labels": CLOSED}, {"rules": []}, None, "fine", "", "no profile that labels", "nor without a rule"),
        ({"labels": (("wayout", "wob"),)}, {}, None, "needs", "web", "wayout=wob", "an unknown one is said"),
        ({}, {}, asked(), "needs", "asked", "billing", "a request beats a rule"),
        ({}, {}, asked("open"), "needs", "web", "none that requests", "a request buys no more than it may"),
        ({}, {}, asked("wob"), "needs", "web", "wob", "nor what there is not"),
        ({}, {"rules": []}, asked("web"), "fine", "", "none that requests", "nor without a rule"),
        (
            {"words": PRIVATE},
            {"rules": [{"match": {"job": "x*"}, "profile": "open"}, {"match": {}, "profile": "off"}]},
            None,
            "fine",
            "",
            "rule 2",
            "the first rule that matches decides, and beats evidence",
        ),
        ({}, {"rules": [{"match": {"service_account": "a@*"}, "profile": "web"}]}, None, "fine", "", "no ", "no match"),
        (
            {"service_account": "a@b"},
            {"rules": [{"match": {"service_account": "a@*"}, "profile": "web"}]},
            None,
            "needs",
            "web",
            "rule 1",
            "by service account",
        ),
        (
            {"labels": (("team", "blue"),)},
            {"rules": [{"match": {"labels": {"team": "bl*"}, "region": "europe-*"}, "profile": "web"}]},
            None,
            "needs",
            "web",
            "rule 1",
            "by label and region",
        ),
        ({"words": PRIVATE}, {"rules": []}, None, "unclear", "", "10.1.2.3", "evidence without a profile is unclear"),
        ({"words": PRIVATE}, {"rules": [], "evidence": "web"}, None, "needs", "web", "env DB", "evidence by policy"),
        ({}, {"rules": []}, None, "fine", "", "no exemption", "nothing speaks"),
    ],
)
def test_the_first_that_speaks_decides(
    job: dict[str, Any],
    more: dict[str, Any],
    target: JobTarget | None,
    stance: str,
    profile: str,
    words: str,
    reason: str,
) -> None:
    found = judge(policy(**more), Job(NAME, **job), today=TODAY, asked=target)
    assert found.stance == stance, reason
    assert (found.site.profile if found.site else "") == profile, reason
    assert words in found.because, (reason, found.because)
    assert (found.stance == Stance.NEEDS) == (found.site is not None) == (found.profile is not None)


@pytest.mark.parametrize(
    ("text", "quoted", "reason"),
    [
        ("10.1.2.3", "10.1.2.3", "RFC 1918"),
        ("jdbc:postgresql://172.31.255.255:5432/db", "172.31.255.255", "inside a URL"),
        ("--host=192.168.0.1", "192.168.0.1", "in an argument"),
        ("100.64.0.1", "100.64.0.1", "RFC 6598 counts"),
        ("db.corp.internal", "db.corp.internal", "an internal host"),
        ("https://DB.c.shop.Internal/x", "DB.c.shop.Internal", "in any case"),
        ("postgres://app:hunter2@10.1.2.3/db", "10.1.2.3", "the address, never the password"),
        ("8.8.8.8", "", "a public address is none"),
        ("172.32.0.1", "", "just outside"),
        ("100.128.0.1", "", "just outside"),
        ("169.254.169.254", "", "the metadata server is on the host itself"),
        ("http://metadata.google.internal/computeMetadata", "", "so is its name"),
        ("version 1.10.0.0.1", "", "no address"),
        ("10.0.0.256", "", "no address"),
        ("my.internals", "", "no such host"),
        ("internal", "", "a word"),
        ("postgres://app:10.9.8.7@example.com/db", "", "a password that looks like an address stays unsaid"),
        ("mysql://root:vault.internal@8.8.8.8/db", "", "so does one that looks like a host"),
        ("app:swordfish.internal@tcp(8.8.8.8:3306)/db", "", "and without a scheme"),
        ("ops@mail.corp.internal", "mail.corp.internal", "what follows the @ is a host"),
        ("postgres://user:hunter2.internal/x@8.8.8.8/db", "", "a password with a slash"),
        ("postgres://user:hunter2.internal/x@10.1.2.3/db", "10.1.2.3", "what follows the last @ is the host"),
        ("postgres://user:a@hunter2.internal@8.8.8.8/db", "", "a password with an @"),
        ("user:hunter2.internal/x@tcp(8.8.8.8:3306)/db", "", "a slash without a scheme"),
        ("user:it'hunter2.internal/x@tcp(8.8.8.8:3306)/db", "", "and a quote"),
        ("redis://:hunter2.internal@8.8.8.8", "", "no user"),
        ("pg://a:hunter2@10.1.2.3/x,pg://b:hunter2@10.1.2.4/y", "10.1.2.3", "two, one after the other"),
        ("pg://a:hunter2@10.1.2.3/x,pg://b:hunter2@10.1.2.4/y", "10.1.2.4", "both of them"),
        ("call 10.20.0.5.", "10.20.0.5", "at the end of a sentence"),
        ("call db.corp.internal.", "db.corp.internal", "at the end of a sentence too"),
        ("db.corp.internal.:5432", "db.corp.internal", "a name from the root"),
        ("db.internal.example.com", "", "a public name with internal in it"),
        ("db.internal-example.com", "", "nor so"),
        ("host.docker.internal:8080", "", "Docker's name for its own host"),
        ("gateway.docker.internal", "", "another one of Docker's"),
        ("host.containers.internal", "", "Podman's"),
        ("http://metadata.google.internal./x", "", "the metadata server from the root"),
        ("v10.2.3.4", "", "a version"),
        ("release_10.2.3.4", "", "a version"),
        ("10.2.3.4.tar.gz", "", "a version"),
        ("10.2.3.4rc1", "", "a version"),
        ("eu.gcr.io/x:10.0.0.1", "", "an image's tag"),
        ("europe-docker.pkg.dev/p/r/x:10.0.0.1", "", "an image's tag, further down"),
        ("registry.corp.internal/x:10.0.0.1", "registry.corp.internal", "the registry is inside, the tag is a tag"),
        ("http://eu.example.com:10.0.0.1", "10.0.0.1", "no image"),
        ("tcp:10.0.0.1:80", "10.0.0.1", "a protocol before it"),
        ("[10.0.0.1,10.0.0.2]", "10.0.0.2", "in a list"),
        ("10.0.0.1-10.0.0.9", "10.0.0.9", "a range's end"),
        ("next=http%3A%2F%2F10.0.0.1%2Fx", "10.0.0.1", "escaped in a URL"),
        ("hosts=a\\n10.0.0.1\\nb", "10.0.0.1", "after an escaped line break"),
    ],
)
def test_evidence_is_an_address_or_host_inside_the_network(text: str, quoted: str, reason: str) -> None:
    found = judge(policy(rules=[]), Job(NAME, words=(Word("env DB", text),)), today=TODAY)
    assert (found.stance == Stance.UNCLEAR) == bool(quoted), reason
    assert quoted in found.because, reason
    assert not any(secret in found.because for secret in ("hunter2", "10.9.8.7", "vault", "swordfish"))


@pytest.mark.timeout(60)  # what takes the square of a text's length takes hours here
@pytest.mark.parametrize("text", ["a", "a:", "a.", "a@", "://a", "1.", "a/a:"])
def test_a_long_value_takes_no_longer_for_what_it_holds(text: str) -> None:
    found = judge(policy(rules=[]), Job(NAME, words=(Word("env DB", text * 200_000),)), today=TODAY)
    assert found.stance == Stance.FINE


def test_finds_beyond_the_third_are_counted_and_each_is_named_once() -> None:
    text = "10.0.0.1 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 db.internal"
    found = judge(policy(rules=[]), Job(NAME, words=(Word("env DB", text),)), today=TODAY).because
    assert found.count("10.0.0.1") == 1
    assert "private address 10.0.0.3; and 2 more; no rule" in found
    three = judge(policy(rules=[]), Job(NAME, words=(Word("env DB", "10.0.0.1 10.0.0.2 10.0.0.3"),)), today=TODAY)
    assert "more" not in three.because


def test_a_secret_is_never_looked_into() -> None:
    found = judge(policy(rules=[]), Job(NAME, words=(Word("env DB", "10.1.2.3", secret=True),)), today=TODAY)
    assert found.stance == Stance.FINE


@settings(max_examples=80, deadline=None)
@given(
    st.text("abcXYZ0189.-_!$%&*:/@", min_size=6, max_size=20).filter(lambda text: text.strip(".-") != ""),
    st.sampled_from(["postgres://app:{}@10.1.2.3/db", "https://{}@db.internal/x", "TOKEN={} host=10.1.2.3"]),
)
def test_of_a_value_only_address_and_host_are_quoted(secret: str, form: str) -> None:
    if secret in "10.1.2.3" or secret in "db.internal":
        return
    if form.startswith("TOKEN") and re.search(r"\d+\.\d+\.\d+\.\d+", secret):
        return  # an address indeed
    found = judge(policy(rules=[]), Job(NAME, words=(Word("env DB", form.format(secret)),)), today=TODAY)
    said = found.because.split("; no rule")[0]
    assert set(
        said.replace("env DB holds the private address ", "").replace("env DB holds the internal host ", "").split("; ")
    ) <= {
        "10.1.2.3",
        "db.internal",
    }


def test_a_connector_in_another_region_speaks_for_a_need() -> None:
    way = Way(Egress.ALL, ConnectorName("shop", "us-central1", "afar"))
    assert judge(policy(rules=[]), Job(NAME, way=way), today=TODAY).stance == Stance.UNCLEAR
    near = replace(way, connector=ConnectorName("shop", "europe-west2", "near"))
    with pytest.raises(NotLookedError):  # whether it works is looked up, not guessed
        judge(policy(rules=[]), Job(NAME, way=near), today=TODAY)


@pytest.mark.parametrize(
    ("of_policy", "of_rule", "labels", "mode"),
    [
        ("observe", None, (), "observe"),
        ("observe", "enforce", (), "enforce"),
        ("enforce", "observe", (), "observe"),
        ("enforce", None, LABELLED, "enforce"),
        ("observe", None, LABELLED, "observe"),
    ],
)
def test_the_rules_own_mode_goes_before_the_policys(
    of_policy: str, of_rule: str | None, labels: tuple[tuple[str, str], ...], mode: str
) -> None:
    rules: list[dict[str, Any]] = [{"match": {}, "profile": "web", "mode": of_rule}]
    found = judge(policy(mode=of_policy, rules=rules), Job(NAME, labels=labels), today=TODAY)
    assert found.mode == mode


IN_FOLDER = Seen({FoldersOf("shop"): Present(("folders/7", "folders/1"))})


@pytest.mark.parametrize(
    ("of_policy", "rules", "mode", "reason"),
    [
        ("enforce", [{"match": {}, "profile": "web", "mode": "observe"}], "observe", "its rule says observe"),
        ("enforce", [{"match": {}, "profile": "off", "mode": "observe"}], "observe", "so does one that gives no way"),
        (
            "enforce",
            [{"match": {"folder": "7"}, "profile": "web", "mode": "observe"}],
            "observe",
            "a rule by folder is one too",
        ),
        (
            "enforce",
            [{"match": {"folder": "8"}, "profile": "web", "mode": "observe"}],
            "enforce",
            "a rule of another folder says nothing of it",
        ),
        (
            "observe",
            [
                {"match": {"job": "night*"}, "profile": "web", "mode": "observe"},
                {"match": {}, "profile": "open", "mode": "enforce"},
            ],
            "observe",
            "the first one decides",
        ),
        ("observe", [{"match": {}, "profile": "open", "mode": "enforce"}], "enforce", "the rule enforces this profile"),
        ("observe", [{"match": {}, "profile": "web", "mode": "enforce"}], "observe", "it enforces another profile"),
        ("enforce", [{"match": {}, "profile": "web"}], "enforce", "a rule without a mode leaves it to the policy"),
        ("enforce", [{"match": {"job": "x"}, "profile": "web", "mode": "observe"}], "enforce", "no rule is about it"),
        ("observe", [], "observe", "there is no rule"),
    ],
)
def test_a_label_or_a_request_never_buys_more_than_the_first_rule_gives(
    of_policy: str, rules: list[dict[str, Any]], mode: str, reason: str
) -> None:
    profiles = {"web": {}, "open": {"labels": True, "requests": True}}
    policies = policy(mode=of_policy, rules=rules, profiles=profiles)
    labelled = judge(policies, Job(NAME, labels=LABELLED), today=TODAY, seen=IN_FOLDER)
    requested = judge(policies, Job(NAME), today=TODAY, asked=asked("open"), seen=IN_FOLDER)
    assert [one.site.profile for one in (labelled, requested) if one.site] == ["open", "open"]
    assert (labelled.mode, requested.mode) == (mode, mode), reason


def test_a_folder_that_was_not_looked_at_is_asked_for_before_a_label_enforces() -> None:
    rules = [{"match": {"folder": "7"}, "profile": "web", "mode": "observe"}]
    with pytest.raises(NotLookedError):
        judge(policy(mode="enforce", rules=rules), Job(NAME, labels=LABELLED), today=TODAY)


@pytest.mark.parametrize(
    ("labels", "glob", "stance", "reason"),
    [
        ((("team", "blue"),), "*", "needs", "it has one, whatever it says"),
        ((("team", ""),), "*", "needs", "an empty one is one"),
        ((), "*", "fine", "it has none"),
        ((), "", "fine", "nor an empty one"),
        ((("crew", "blue"),), "b*", "fine", "it has another one"),
    ],
)
def test_a_label_that_a_job_does_not_have_matches_nothing(
    labels: tuple[tuple[str, str], ...], glob: str, stance: str, reason: str
) -> None:
    rules = [{"match": {"labels": {"team": glob}}, "profile": "web"}]
    assert judge(policy(rules=rules), Job(NAME, labels=labels), today=TODAY).stance == stance, reason


def test_what_is_unclear_says_what_would_make_it_clear() -> None:
    found = judge(policy(rules=[]), Job(NAME, words=PRIVATE), today=TODAY)
    assert found.help == "label the job wayout=PROFILE (labels may choose: open) or wayout=off, or add a rule"


@pytest.mark.parametrize(
    ("more", "job", "target", "said", "reason"),
    [
        ({}, {"labels": CLOSED}, None, "names no profile that labels may choose", "a label that nobody heard"),
        ({}, {}, asked("open"), "may not ask for open", "a request that nobody heard"),
        ({"exemptions": [EXEMPT]}, {"labels": CLOSED}, None, "names no profile", "one that nobody got to"),
        ({"exemptions": [EXPIRED]}, {}, None, "ended on 2026-11-22", "an exemption that has ended"),
    ],
)
def test_the_walk_says_everything_once(
    more: dict[str, Any], job: dict[str, Any], target: JobTarget | None, said: str, reason: str
) -> None:
    steps = [step.said for step in walk(policy(**more), Job(NAME, **job), today=TODAY, asked=target)]
    assert len([step for step in steps if said in step]) == 1, (reason, steps)
    assert len(steps) == len(set(steps)), reason
    assert not [step for step in steps if "none that requests" in step], reason


def test_a_profile_may_name_a_network_of_another_project() -> None:
    shared = {"web": {"network": "projects/host/global/networks/shared"}, "own": {"network": "mine"}}
    rules = [{"match": {"job": "nightly"}, "profile": "web"}, {"match": {}, "profile": "own"}]
    policies = policy(profiles=shared, rules=rules)
    found = judge(policies, Job(NAME), today=TODAY)
    assert found.site
    assert found.site.network == NetworkName("host", "shared")
    other = judge(policies, Job(replace(NAME, job="other")), today=TODAY)
    assert other.site
    assert other.site.network == NetworkName("shop", "mine")
