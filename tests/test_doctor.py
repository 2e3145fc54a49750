"""`wayout doctor` against a deployment of the local Google Cloud: well, and broken in one place at a time."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.house import PRINCIPAL, PROJECT, REGION, service
from tests.laid import ACCOUNT, AGENT, OWNER, SINK, SLACK, WAYOUT, WRITER, Laid, account, subscription, topic
from wayout.cli.demo.people import DEAD, FILTER, INVOKER
from wayout.cloud.echoes import TYPE
from wayout.egress import health
from wayout.egress.health import Diagnosis, needed

ROOT = Path(__file__).parents[1]
GUEST = "guest@example.com"
PATHS = {
    "events": f"log entry of {PROJECT} → sink → wayout-events → on_audit_log",
    "requests": "wayout-requests → on_request",
    "sweep": "wayout-sweep → on_schedule",
    "outcomes": "wayout-outcomes → on_outcome",
}
SCHEDULE = f"job wayout-sweep → {topic('wayout-sweep')}"
SOON = 6.0  # seconds that an echo is waited for which will not come


@pytest.fixture
def laid(tmp_path: Path) -> Iterator[Laid]:
    with Laid(tmp_path) as found:
        yield found


# well


def test_a_healthy_deployment_is_green_all_over_and_is_left_as_it_was(laid: Laid) -> None:
    before = laid.world()

    found = laid.command()

    assert found.well, found.findings
    assert found.exit == 2, "what nobody looks at is never green"
    looked_at = {SINK, "dead letters", f"projects/{PROJECT}", f"acting as {ACCOUNT}", "policy file", "token", "channel"}
    assert set(found.findings) >= {*PATHS.values(), *looked_at}
    assert "gcloud scheduler jobs describe wayout-sweep --location=" in found.marked("unknown")[SCHEDULE]
    assert laid.world() == before
    assert laid.writes() == []
    assert (laid.slack(), laid.platform.dead_letters()) == ([], [])
    assert laid.outcomes() == [], "echoes are no outcomes"


def test_people_read_marks_in_a_pipe_too(laid: Laid) -> None:
    said = laid.run().stdout

    assert "  ✓ wayout-requests → on_request: came back after " in said
    assert f"{PROJECT}: well, as far as can be seen (" in said
    assert "\x1b" not in said


def test_scripts_read_what_the_schema_says(laid: Laid) -> None:
    found = laid.command().document
    schema = json.loads((ROOT / "docs/schemas/diagnosis.v1.schema.json").read_text())

    assert set(found) == set(schema["required"]) == {"project", "findings", "mark"}
    finding = schema["$defs"]["Finding"]["properties"]
    assert all(set(one) == set(finding) and one["mark"] in finding["mark"]["enum"] for one in found["findings"])
    assert Diagnosis.model_validate({key: found[key] for key in ("project", "findings")}).mark == found["mark"]


def test_the_command_finds_what_is_found_in_this_process_and_exits_with_1_if_something_is_red(laid: Laid) -> None:
    laid.policy.unlink()

    found, here = laid.command(), laid.diagnose()

    assert found.exit == here.exit == 1
    assert found.marked("red") == here.marked("red") != {}
    assert {what: mark for what, (mark, _) in found.findings.items()} == {
        what: mark for what, (mark, _) in here.findings.items()
    }


# broken: what is done to it, what is red then, and in which words

Break = Callable[[Laid], Any]


def narrowed(laid: Laid, text: str) -> None:
    laid.rest("PUT", f"v2/{SINK}?updateMask=filter", {"filter": text})


def elsewhere(laid: Laid) -> None:
    config = {"pushEndpoint": "http://127.0.0.1:9/", "oidcToken": {"serviceAccountEmail": INVOKER}}
    laid.rest("POST", f"v1/{subscription('wayout-sweep')}:modifyPushConfig", {"pushConfig": config})


def as_somebody_else(laid: Laid) -> None:
    config = dict(laid.rest("GET", f"v1/{subscription('wayout-requests')}")["pushConfig"])
    other = {"serviceAccountEmail": f"other@{PROJECT}.iam.gserviceaccount.com"}
    laid.rest(
        "POST",
        f"v1/{subscription('wayout-requests')}:modifyPushConfig",
        {"pushConfig": config | {"oidcToken": other}},
    )


def amended(field: str, value: object, name: str = "wayout-requests") -> Break:
    """One field of a subscription, set by somebody's hand."""
    return lambda laid: laid.rest(
        "PATCH", f"v1/{subscription(name)}", {"subscription": {field: value}, "updateMask": field}
    )


def only_looking(laid: Laid) -> None:
    """The writer has a role there, but not one to publish with."""
    laid.unbind("roles/pubsub.publisher", WRITER, topic("wayout-events"))
    laid.bind("roles/pubsub.viewer", WRITER, topic("wayout-events"))


BROKEN: dict[str, tuple[Break, dict[str, tuple[str, ...]]]] = {
    "an API is disabled": (
        lambda laid: laid.admin("services", {"project": PROJECT, "service": "vpcaccess", "enabled": False}),
        {
            PROJECT: (
                "vpcaccess.googleapis.com is not enabled",
                f"gcloud services enable vpcaccess.googleapis.com --project={PROJECT}",
            )
        },
    ),
    "the sink is deleted": (
        lambda laid: laid.rest("DELETE", f"v2/{SINK}"),
        {SINK: ("does not exist: no event reaches", "terraform apply"), PATHS["events"]: ("likely cause", SINK)},
    ),
    "the sink's filter passes no change of compute": (
        lambda laid: narrowed(laid, FILTER.replace("compute.googleapis.com", "storage.googleapis.com")),
        {SINK: ("does not let through rules, routers and subnets that somebody changes (compute.googleapis.com)",)},
    ),
    "the sink's filter passes audit log entries only": (
        lambda laid: narrowed(laid, FILTER.replace('log_id("wayout-doctor") OR', "")),
        {
            SINK: ("does not let through the doctor's own entries (wayout-doctor)",),
            PATHS["events"]: (f"likely cause is above: {SINK}",),
        },
    ),
    "the sink's writer may not publish": (
        only_looking,
        {
            f"writer of {SINK}": (
                f"{WRITER} may not publish on",
                f"--member={WRITER} --role=roles/pubsub.publisher",
            ),
            PATHS["events"]: ("writer of",),
        },
    ),
    "a subscription is deleted": (
        lambda laid: laid.rest("DELETE", f"v1/{subscription('wayout-sweep')}"),
        {
            subscription("wayout-sweep"): ("does not exist: what is published on its topic reaches nobody",),
            PATHS["sweep"]: (f"did not come back within {SOON:g} s", subscription("wayout-sweep")),
        },
    ),
    "a subscription delivers elsewhere": (
        elsewhere,
        {
            subscription("wayout-sweep"): ("it delivers to http://127.0.0.1:9/, not to", "/on_schedule"),
            PATHS["sweep"]: ("likely cause",),
        },
    ),
    "a subscription calls as somebody else": (
        as_somebody_else,
        {
            subscription("wayout-requests"): (f"calls as other@{PROJECT}", f"not as {INVOKER}"),
            PATHS["requests"]: ("likely cause",),
        },
    ),
    "a function may not be called": (
        lambda laid: laid.unbind("roles/run.invoker", f"serviceAccount:{INVOKER}", service("on_request")),
        {
            "who calls on_request": (
                "every delivery is refused",
                f"gcloud run services add-iam-policy-binding wayout-on-request --region={REGION}",
            ),
            PATHS["requests"]: ("likely cause is above: who calls on_request",),
        },
    ),
    "dead letters cannot be moved": (
        lambda laid: laid.unbind("roles/pubsub.publisher", AGENT, topic(DEAD)),
        {"dead letters": ("Pub/Sub's agent may not move them", f"has no role on {topic(DEAD)}")},
    ),
    "the topic of dead letters is deleted": (
        lambda laid: laid.rest("DELETE", f"v1/{topic(DEAD)}"),
        {
            "dead letters": (f"the topic does not exist: {topic(DEAD)}", "terraform apply"),
            subscription(DEAD): (f"its topic was deleted: {topic(DEAD)}", "terraform apply"),
        },
    ),
    "the topic of outcomes is deleted": (
        lambda laid: laid.rest("DELETE", f"v1/{topic('wayout-outcomes')}"),
        {
            "who tells outcomes": (f"the topic does not exist: {topic('wayout-outcomes')}", "→ run: terraform apply"),
            subscription("wayout-outcomes"): ("its topic was deleted",),
            subscription("wayout-doctor"): ("its topic was deleted",),
            PATHS["events"]: ("likely cause is above: who tells outcomes",),
            PATHS["requests"]: ("likely cause is above: who tells outcomes",),
            PATHS["sweep"]: ("likely cause is above: who tells outcomes",),
        },
    ),
    "the topic of events is deleted": (
        lambda laid: laid.rest("DELETE", f"v1/{topic('wayout-events')}"),
        {
            f"writer of {SINK}": (f"the topic does not exist: {topic('wayout-events')}", "terraform apply"),
            subscription("wayout-events"): ("its topic was deleted",),
            PATHS["events"]: ("likely cause is above: writer of",),
        },
    ),
    "the runtime account lacks permissions": (
        lambda laid: laid.lacks("compute.routers.update", "run.jobs.update"),
        {
            f"projects/{PROJECT}": (
                f"{PRINCIPAL} lacks compute.routers.update, run.jobs.update",
                "wayout_workload, wayout_network",
            )
        },
    ),
    "the runtime account may not act as the jobs' one": (
        lambda laid: laid.unbind("roles/iam.serviceAccountUser", f"serviceAccount:{PRINCIPAL}", account()),
        {
            f"acting as {ACCOUNT}": (
                f"{PRINCIPAL} lacks iam.serviceAccounts.actAs on it",
                "no job that runs as it can be attached",
                "variable job_service_accounts",
                f"gcloud iam service-accounts add-iam-policy-binding {ACCOUNT} --member=serviceAccount:{PRINCIPAL}",
            )
        },
    ),
    "the jobs' account is deleted": (
        lambda laid: laid.rest("DELETE", f"v1/{account()}"),
        {f"acting as {ACCOUNT}": ("(or it does not exist)",)},
    ),
    "the policy does not load": (
        lambda laid: laid.policy.write_text("version: 1\nmode: enforced\n", encoding="utf-8"),
        {"policy file": ("line 2: mode: ", "wayout policy check FILE")},
    ),
    "there is no policy": (
        lambda laid: laid.policy.unlink(),
        {"policy file": ("policy.yaml: No such file or directory",)},
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_red_where_it_is_broken_and_says_what_to_do(laid: Laid, name: str) -> None:
    act, expected = BROKEN[name]
    act(laid)
    laid.settle()

    found = laid.diagnose(timeout=SOON if set(PATHS.values()) & set(expected) else 20.0)

    assert found.exit == 1
    assert set(found.marked("red")) == set(expected), found.marked("red")
    outcomes_gone = name == "the topic of outcomes is deleted"  # nothing can be sent there, or be heard of Slack
    assert (set(found.marked("unknown")) == {SCHEDULE}) != outcomes_gone
    for what, words in expected.items():
        assert not [word for word in words if word not in found.marked("red")[what]], found.marked("red")[what]


LETTERS = {"deadLetterTopic": topic(DEAD), "maxDeliveryAttempts": 5}
AMENDED: list[tuple[str, str, object, str]] = [
    ("wayout-requests", "ackDeadlineSeconds", 60, "its deadline is 60 s, so that work of 600 s is done twice"),
    ("wayout-requests", "retryPolicy", None, "what fails comes again at once, without a pause"),
    (
        "wayout-requests",
        "retryPolicy",
        {"minimumBackoff": "10s", "maximumBackoff": "20s"},
        "what fails comes again after 10 s to 20 s, not 10 s to 600 s",
    ),
    ("wayout-requests", "deadLetterPolicy", LETTERS, "it gives a message up after 5 tries, not 30"),
    ("wayout-requests", "expirationPolicy", {"ttl": "2678400s"}, "it is deleted after 31 days without use"),
    (DEAD, "expirationPolicy", {"ttl": "86400s"}, "it is deleted after 1 days without use"),
    (DEAD, "ackDeadlineSeconds", 600, "its deadline is 600 s, not 60 s"),
    ("wayout-doctor", "ackDeadlineSeconds", 600, "its deadline is 600 s, not 10 s"),
    ("wayout-doctor", "deadLetterPolicy", LETTERS, "it gives a message up after 5 tries, not 30"),
]


def test_a_subscription_that_was_amended_is_red_though_it_delivers(laid: Laid) -> None:
    for name, field, value, words in AMENDED:
        was = laid.rest("GET", f"v1/{subscription(name)}").get(field)
        amended(field, value, name)(laid)

        found = laid.diagnose()

        assert set(found.marked("red")) == {subscription(name)}, (words, found.marked("red"))
        assert words in found.marked("red")[subscription(name)]
        amended(field, was, name)(laid)
    assert laid.diagnose().well


def test_a_function_that_is_down_is_red_with_the_command_that_shows_its_log(laid: Laid) -> None:
    """Everything is as it was laid: only the echo tells."""
    urls = laid.description()["functions"] | {"on_schedule": "http://127.0.0.1:9"}
    config = laid.rest("GET", f"v1/{subscription('wayout-sweep')}")["pushConfig"]
    config |= {"pushEndpoint": "http://127.0.0.1:9/", "oidcToken": {"serviceAccountEmail": INVOKER}}
    laid.rest("POST", f"v1/{subscription('wayout-sweep')}:modifyPushConfig", {"pushConfig": config})

    found = laid.diagnose(timeout=SOON, functions=urls)

    assert set(found.marked("red")) == {PATHS["sweep"]}
    words = found.marked("red")[PATHS["sweep"]]
    assert "gcloud logging read" in words
    assert 'service_name="wayout-on-schedule"' in words


SETTINGS: dict[str, tuple[dict[str, Any], str, str]] = {
    "a token that Slack refuses": ({"SLACK_TOKEN": "xoxp-revoked"}, "token", "invalid_auth"),
    "no token for Slack": ({"SLACK_TOKEN": ""}, "token", "SLACK_TOKEN is not set"),
    "another principal": ({"WAYOUT_PRINCIPAL": "x@y.z"}, "on_outcome", f"WAYOUT_PRINCIPAL is x@y.z, not {PRINCIPAL}"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_wrong_setting_of_the_functions_is_red(name: str, tmp_path: Path) -> None:
    settings, what, words = SETTINGS[name]
    with Laid(tmp_path, **settings) as laid:
        found = laid.diagnose()

        assert found.exit == 1
        assert words in found.marked("red")[what]
        functions = {"on_audit_log", "on_request", "on_schedule", "on_outcome"}
        assert set(found.marked("red")) == ({what} if what == "token" else functions)
        assert "xoxp-revoked" not in json.dumps(found.document)


def archived(laid: Laid) -> None:
    laid.admin("slack", {"channel": SLACK, "archived": True})


def left(laid: Laid) -> None:
    laid.admin("slack", {"channel": SLACK, "member": False})


def left_but_public(laid: Laid) -> None:
    left(laid)
    laid.admin("slack", {"scopes": "chat:write,chat:write.public,channels:read"})


def gone(laid: Laid) -> None:
    laid.admin("slack", {"channel": SLACK, "gone": True})


def gone_or_private(laid: Laid) -> None:
    gone(laid)
    laid.admin("slack", {"scopes": "chat:write,channels:read"})


CHANNELS: dict[str, tuple[Break, str, tuple[str, ...]]] = {
    "the app is in it": (lambda _: None, "green", (f"posts go to {SLACK}: the app is in it",)),
    "it is archived": (archived, "red", (f"{SLACK} is archived", "check slack_channel")),
    "the app is not in it": (left, "red", (f"the app is not in {SLACK}", "/invite")),
    "the app may post in any public one": (left_but_public, "green", ("chat:write.public",)),
    "there is none": (gone, "red", (f"there is no {SLACK}", "Slack: channel_not_found", "/invite")),
    "there may be a private one": (
        gone_or_private,
        "unknown",
        ("channel not checked", "give the Slack app the scope groups:read"),
    ),
    "no scope to look with": (
        lambda laid: laid.admin("slack", {"scopes": "chat:write"}),
        "unknown",
        ("channel not checked", "give the Slack app the scope channels:read"),
    ),
    "no scope to post with": (
        lambda laid: laid.admin("slack", {"scopes": "channels:read"}),
        "red",
        ("lacks the scope chat:write", "give the Slack app the scope chat:write"),
    ),
}


def test_the_channel_is_looked_at_as_well_as_the_token(laid: Laid) -> None:
    for why, (act, mark, words) in CHANNELS.items():
        laid.admin("slack", {"channel": SLACK, "scopes": "chat:write,channels:read,groups:read"})
        act(laid)

        found = laid.diagnose()

        assert found.exit == (1 if mark == "red" else 2), why
        assert found.findings["token"][0] == "green", why
        assert found.findings["channel"][0] == mark, why
        assert not [word for word in words if word not in found.findings["channel"][1]], (
            why,
            found.findings["channel"],
        )
    assert laid.slack() == [], "nothing was posted"


def test_a_channel_by_its_name_is_not_checked_and_says_so(tmp_path: Path) -> None:
    with Laid(tmp_path, SLACK_CHANNEL="#egress") as laid:
        found = laid.diagnose()

    assert found.exit == 2
    assert "#egress is a name, and Slack looks channels up by id" in found.marked("unknown")["channel"]


def test_slack_that_is_not_wanted_is_green_without_a_token(tmp_path: Path) -> None:
    with Laid(tmp_path, SLACK_TOKEN="", SLACK_CHANNEL="") as laid:
        found = laid.diagnose(slack=False)

    assert found.well, found.findings
    assert "slack_channel is empty" in found.marked("green")["token"]


# not known


def test_what_a_guest_may_not_see_is_not_known_and_says_the_permission(laid: Laid) -> None:
    found = laid.diagnose(who=GUEST, timeout=SOON)

    assert found.exit == 2
    assert found.marked("red") == {}
    unknown = found.marked("unknown")
    assert "grant serviceusage.services.get on projects/my-project to you" in unknown[PROJECT]
    assert "grant logging.sinks.get on" in unknown[SINK]
    assert "grant pubsub.subscriptions.get on" in unknown[subscription("wayout-events")]
    assert "grant logging.logEntries.create on projects/my-project to you" in unknown[PATHS["events"]]
    assert "grant pubsub.topics.publish on" in unknown[PATHS["requests"]]
    assert "no function has answered" in unknown["policy file"]
    assert set(found.marked("green")) == set()


def test_what_an_echo_has_proven_is_green_even_if_its_policy_may_not_be_read(laid: Laid) -> None:
    for permission in ("pubsub.topics.getIamPolicy", "run.services.getIamPolicy", "pubsub.subscriptions.getIamPolicy"):
        laid.admin("deny", {"principal": OWNER, "permission": permission})

    found = laid.diagnose()

    assert found.exit == 2
    assert set(found.marked("unknown")) == {"dead letters", SCHEDULE}, (
        "nothing was buried, so that nothing shows that it can be"
    )


def test_where_no_account_of_jobs_is_named_nothing_can_be_attached_and_that_is_not_green(laid: Laid) -> None:
    found = laid.diagnose(job_service_accounts=[])

    assert found.exit == 2
    said = found.marked("unknown")["jobs' service accounts"]
    assert "no job's service account is named: jobs can be planned, none can be attached" in said
    assert "set job_service_accounts" in said


def test_without_a_place_to_hear_answers_the_echoes_are_not_known(laid: Laid) -> None:
    laid.rest("DELETE", f"v1/{subscription('wayout-doctor')}")

    found = laid.diagnose(timeout=SOON)

    assert set(found.marked("red")) == {subscription("wayout-doctor")}
    assert set(PATHS.values()) <= set(found.marked("unknown"))


# several projects, and other roads to the sink


def test_each_watched_project_sends_an_echo_through_its_own_sink(laid: Laid) -> None:
    laid.admin("projects", {"project": "apps", "number": "987654321098"})
    destination = f"pubsub.googleapis.com/{topic('wayout-events')}"
    laid.rest("POST", "v2/projects/apps/sinks", {"name": "wayout-events", "destination": destination, "filter": FILTER})

    found = laid.diagnose(timeout=SOON, projects=[PROJECT, "apps"])

    writer = "writer of projects/apps/sinks/wayout-events"
    path = "log entry of apps → sink → wayout-events → on_audit_log"
    assert set(found.marked("red")) == {writer, path}, "its own writer was given no right"
    assert "projects/apps" in found.marked("green")


def test_a_network_projects_own_sink_is_looked_at_too(laid: Laid) -> None:
    laid.admin("projects", {"project": "net", "number": "987654321098"})
    sink = {
        "parent": f"projects/{PROJECT}",
        "name": "wayout-events",
        "parents": ["projects/net", f"projects/{PROJECT}"],
    }

    found = laid.diagnose(timeout=SOON, network_projects=["net"], sink=sink)

    path = "log entry of net → sink → wayout-events → on_audit_log"
    assert {"projects/net/sinks/wayout-events", path} <= set(found.marked("red"))
    assert "does not exist" in found.marked("red")["projects/net/sinks/wayout-events"]
    assert "likely cause is above: projects/net/sinks/" in found.marked("red")[path]


ORGANIZATION = "organizations/42"
HOME, A, B, HOST = f"projects/{PROJECT}", "projects/a", "projects/b", "projects/net"
DESCRIBED: dict[str, Any] = {
    "project": PROJECT,
    "region": REGION,
    "topics": dict.fromkeys(("events", "requests", "sweep", "outcomes", "dead"), topic("t")),
    "subscriptions": dict.fromkeys(("events", "requests", "sweep", "outcomes", "dead", "doctor"), subscription("s")),
    "functions": dict.fromkeys(("on_audit_log", "on_request", "on_schedule", "on_outcome"), "https://f"),
    "principal": PRINCIPAL,
    "invoker": INVOKER,
}
SINKS: list[tuple[str, list[str], set[str], set[str], str]] = [
    (HOME, [], {HOME}, {PROJECT}, "an older description names no parents"),
    (A, [A, B], {A, B, HOME}, {"a", "b", PROJECT}, "each its own"),
    (ORGANIZATION, [ORGANIZATION], {ORGANIZATION}, {PROJECT}, "the home project stands for all"),
    (ORGANIZATION, [ORGANIZATION, HOST], {ORGANIZATION, HOST}, {PROJECT, "net"}, "and a host's own"),
]


@pytest.mark.parametrize(("parent", "parents", "looked_at", "sources", "reason"), SINKS, ids=[row[4] for row in SINKS])
def test_every_sink_that_is_described_is_looked_at_and_sent_through(
    parent: str, parents: list[str], looked_at: set[str], sources: set[str], reason: str
) -> None:
    sink = {"parent": parent, "parents": parents, "name": "wayout"}
    deployment = health.parse(json.dumps(DESCRIBED | {"sink": sink, "projects": [PROJECT] if parent[0] == "p" else []}))

    assert set(deployment.sinks) == {f"{one}/sinks/wayout" for one in looked_at}, reason
    assert set(deployment.sources) == sources, reason


def test_an_echo_that_two_sinks_take_proves_neither() -> None:
    """A host in the organization: its entries leave by the organization's sink too."""
    sink = {"parent": ORGANIZATION, "parents": [ORGANIZATION, "projects/net"], "name": "wayout"}
    deployment = health.parse(json.dumps(DESCRIBED | {"sink": sink}))

    assert not deployment.takes(f"{ORGANIZATION}/sinks/wayout", "net")
    assert deployment.takes(f"{ORGANIZATION}/sinks/wayout", PROJECT)


def test_from_names_the_one_project_that_the_echo_comes_from(laid: Laid) -> None:
    laid.admin("projects", {"project": "apps", "number": "987654321098"})

    found = laid.command("--from", PROJECT, timeout=SOON, projects=[PROJECT, "apps"])

    assert [what for what in found.findings if what.startswith("log entry of")] == [PATHS["events"]]
    assert set(found.marked("red")) == {"projects/apps/sinks/wayout-events"}


def test_a_sink_of_an_organization_is_reached_from_the_home_project_unless_said_otherwise(laid: Laid) -> None:
    found = laid.diagnose(timeout=SOON, sink={"parent": "organizations/42", "name": "wayout"}, projects=[])

    assert "organizations/42/sinks/wayout" in found.marked("unknown"), "the local Google Cloud has none"
    unlisted = found.marked("unknown")["other projects in organizations/42"]
    assert f"which there are is not listed here; looked at: {PROJECT} → name those that matter: --from" in unlisted
    assert found.findings[PATHS["events"]][0] == "green"


def test_several_projects_of_an_organization_can_be_named(laid: Laid) -> None:
    laid.admin("projects", {"project": "apps", "number": "987654321098"})
    sink = {"parent": "organizations/42", "name": "wayout"}

    found = laid.command("--from", PROJECT, "--from", "apps", timeout=1, sink=sink, projects=[])

    assert {f"projects/{PROJECT}", "projects/apps"} <= set(found.findings)
    assert "looked at: my-project, apps" in found.marked("unknown")["other projects in organizations/42"]


# a deployment that is not ready yet


def test_an_echo_that_a_new_sink_lost_is_sent_again_until_it_comes(laid: Laid) -> None:
    """The sink begins to work while the doctor waits."""
    laid.rest("DELETE", f"v2/{SINK}")
    destination = f"pubsub.googleapis.com/{topic('wayout-events')}"
    body = {"name": "wayout-events", "destination": destination, "filter": FILTER}
    late = threading.Timer(8.0, lambda: laid.rest("POST", f"v2/projects/{PROJECT}/sinks", body))
    late.start()

    run = laid.run(timeout=60.0)
    late.join()

    assert f"✓ {PATHS['events']}: came back after" in run.stdout
    assert "waiting for 1 of 4 echoes (15 of 60 s)" in run.stderr, "people who wait in a pipe are told"
    assert (run.returncode, "0 red" in run.stdout) == (2, True), "what was red at first is looked at again"


# what comes in


SENSELESS: list[tuple[dict[str, Any], str]] = [
    ({"region": None}, "region: Input should be a valid string"),
    ({"topics": {"events": "wayout-events"}}, "topics.events: "),
    ({"functions": {}}, "functions.on_audit_log: is missing"),
    ({"colour": "green"}, "colour: Extra inputs are not permitted"),
]


@pytest.mark.parametrize(("changed", "words"), SENSELESS)
def test_a_description_that_makes_no_sense_is_refused_with_its_field(changed: dict[str, Any], words: str) -> None:
    sink = {"parent": HOME, "name": "wayout"}

    with pytest.raises(health.DeploymentError) as refused:
        health.parse(json.dumps(DESCRIBED | {"sink": sink} | changed))

    assert any(words in problem for problem in refused.value.problems)


def test_what_is_refused_is_said_by_the_command_and_is_no_finding(laid: Laid) -> None:
    changed = {field: value for one, _ in SENSELESS for field, value in one.items()}

    run = laid.run("--json", **changed)

    assert run.returncode == 3, "1 is for what was looked at and is red"
    assert run.stdout == ""
    assert not [words for _, words in SENSELESS if words not in run.stderr], run.stderr


def test_all_outputs_of_terraform_are_taken_too(laid: Laid) -> None:
    one = laid.description()

    assert health.parse(json.dumps({"deployment": {"value": one}, "principal": {"value": "x"}})) == health.parse(
        json.dumps(one)
    )


def test_the_doctor_wants_the_apis_that_terraform_enables_at_home() -> None:
    text = (ROOT / "infra" / "services.tf").read_text(encoding="utf-8")
    enabled = set(re.findall(r'"([a-z]+\.googleapis\.com)"', text))

    assert set(needed.apis(("home",), eventarc=True)) == enabled
    assert enabled - set(needed.apis(("home",))) == {"eventarc.googleapis.com"}, "only where it is used"
    assert "eventarc.googleapis.com" not in needed.apis(("workload", "network"), eventarc=True)


def test_the_doctor_asks_for_no_permission_that_is_none() -> None:
    from localcloud.iam.roles import universe

    assert not {one for names in needed.PERMISSIONS.values() for one in names} - universe()


def test_the_doctor_asks_for_what_terraform_grants() -> None:
    roles = yaml.safe_load((ROOT / "infra" / "roles.yaml").read_text(encoding="utf-8"))

    assert {role: set(names) for role, names in needed.PERMISSIONS.items()} == {
        role: set(roles[role]["permissions"]) for role in needed.PERMISSIONS
    }


# echoes, seen from the doors


def said(laid: Laid) -> list[dict[str, Any]]:
    """The answers that wait for a doctor."""
    return laid.platform._pull("wayout-doctor")


def asks(laid: Laid, name: str, body: object) -> None:
    data = base64.b64encode(json.dumps(body).encode()).decode()
    message = {"data": data, "attributes": {"kind": "echo-wanted"}}
    laid.rest("POST", f"v1/{topic(name)}:publish", {"messages": [message]})
    laid.settle()


def test_an_echo_is_answered_with_what_the_published_schema_says(laid: Laid) -> None:
    asks(laid, "wayout-sweep", {"echo": "by-hand-1", "projects": [PROJECT], "since": "a later version"})

    [event] = said(laid)
    assert (event["type"], event["subject"], event["id"]) == (TYPE, "on_schedule", "by-hand-1-on_schedule")
    answer = health.EchoSaid.model_validate(event["data"])
    assert answer.permissions[0].roles == ("home", "workload")
    assert answer.permissions[0].missing == ()


@pytest.mark.parametrize(
    "body",
    [{}, {"echo": "../../x"}, {"echo": "by-hand-1", "projects": ["p"] * 51}, {"echo": "by-hand-1", "projects": ["/"]}],
)
def test_an_echo_that_makes_no_sense_is_counted_and_not_answered(laid: Laid, body: dict[str, Any]) -> None:
    asks(laid, "wayout-sweep", body)

    assert said(laid) == []
    assert laid.platform.dead_letters() == []


def test_a_function_that_may_do_nothing_in_a_project_says_that_all_is_missing(laid: Laid) -> None:
    asks(laid, "wayout-sweep", {"echo": "by-hand-1", "network_projects": ["nobodys"]})

    [event] = said(laid)
    home, other = health.EchoSaid.model_validate(event["data"]).permissions
    assert home.missing == ()
    assert set(other.missing) == set(needed.PERMISSIONS["network"])


@pytest.mark.parametrize("name", ["wayout-events", "wayout-requests"])
def test_whoever_may_write_logs_or_send_requests_makes_no_function_call_google(laid: Laid, name: str) -> None:
    body = {"echo": "by-hand-1", "projects": [PROJECT]}
    if name == "wayout-events":
        entry = {"logName": f"projects/{PROJECT}/logs/wayout-doctor", "jsonPayload": body}
        laid.rest("POST", "v2/entries:write", {"entries": [entry | {"resource": {"type": "global"}}]})
        laid.settle()
    else:
        asks(laid, name, body)

    [event] = said(laid)
    assert health.EchoSaid.model_validate(event["data"]).permissions == ()
    assert {one.method for one in laid.cloud.records if one.principal == PRINCIPAL} == {
        "pubsub.projects.topics.publish"
    }


def test_a_strangers_answer_is_left_to_its_doctor_and_thrown_away_in_the_end(laid: Laid) -> None:
    asks(laid, "wayout-requests", {"echo": "somebody-elses"})

    assert laid.diagnose().well
    for _ in range(13):
        laid.admin("advance", {"seconds": 11})
        path = f"v1/{subscription('wayout-doctor')}:pull"
        assert laid.rest("POST", path, {"maxMessages": 9})["receivedMessages"], "it is still there for its doctor"
    laid.admin("advance", {"seconds": 11})
    assert laid.diagnose().well
    laid.admin("advance", {"seconds": 11})

    assert said(laid) == []
    assert laid.platform.dead_letters() == []


def test_an_answer_that_may_not_be_published_is_logged_and_the_echo_acknowledged(laid: Laid) -> None:
    laid.unbind("roles/pubsub.publisher", f"serviceAccount:{PRINCIPAL}", topic("wayout-outcomes"))

    found = laid.diagnose(timeout=SOON)
    laid.settle()

    assert set(found.marked("red")) == {"who tells outcomes", *PATHS.values()}
    assert "no echo answered" in found.marked("red")["who tells outcomes"]
    assert all("likely cause is above: who tells" in found.marked("red")[path] for path in PATHS.values())
    assert laid.platform.dead_letters() == []


def test_without_a_topic_for_answers_no_echo_becomes_a_dead_letter(laid: Laid) -> None:
    laid.rest("DELETE", f"v1/{topic('wayout-outcomes')}")

    asks(laid, "wayout-requests", {"echo": "by-hand-1"})

    assert laid.platform.dead_letters() == []


def test_replay_sets_an_echos_entry_aside(tmp_path: Path) -> None:
    file = tmp_path / "entry.json"
    file.write_text(json.dumps({"logName": "projects/p/logs/wayout-doctor", "insertId": "i-1", "jsonPayload": {}}))
    run = subprocess.run([WAYOUT, "replay", str(file)], capture_output=True, text=True, timeout=60, check=False)

    assert (run.returncode, run.stdout) == (0, "i-1: set aside: an echo of wayout doctor\n")


def test_nothing_of_it_is_loaded_before_an_echo_comes() -> None:
    late = "('wayout.echo', 'wayout.egress.health', 'pydantic')"
    script = f"import sys, functions.main; print([name for name in sys.modules if name.startswith({late})])"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)

    assert run.stdout.strip() == "[]"
