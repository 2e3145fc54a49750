"""What people and systems outside can make Wayout do by what they write: read a little, and nothing else."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from rich.console import Console

from tests.events.entries import by, compute, connector, failed, job_v1, job_v2
from tests.house import PRINCIPAL, PROJECT, REGION, House
from wayout.cli import show
from wayout.egress import report
from wayout.egress.messages import BlockedSaid, CauseSaid, JobSaid, OutcomeSaid
from wayout.egress.policy import PolicyError, parse

JOB = f"projects/{PROJECT}/locations/{REGION}/jobs"
POLICY = Path("docs/policy.example.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with House(tmp_path_factory.mktemp("outsiders")) as one:
        one.developer.deploy("my-job")
        one.settle()
        yield one


def deliver(house: House, topic: str, content: object) -> None:
    """What somebody who may publish there could send."""
    house.stranger.publish(topic, base64.b64encode(json.dumps(content).encode()).decode())
    house.settle()


def calls(house: House) -> list[str]:
    return [one.method for one in house.cloud.records if one.principal == PRINCIPAL]


# forged audit log entries

HERE = {"project_id": PROJECT, "location": REGION, "job_name": "none"}
ELSEWHERE = {"project_id": "somebody-elses", "location": REGION, "job_name": "my-job"}
NOBODYS_RULE = f"projects/{PROJECT}/global/firewalls/wayout-europe-west2-00000000-deny-out"
REFUSED = failed(9, "Constraint constraints/run.allowedVPCEgress")
FORGED = [
    ("a job that is not there", job_v1(resource={"labels": HERE})),
    ("a job of a project that the policy does not speak of", job_v1(resource={"labels": ELSEWHERE})),
    ("a connector of ours that was never made", connector()),
    ("a rule of a site that nobody has", compute("v1.compute.firewalls.delete", NOBODYS_RULE)),
    ("a deploy that the organisation policy refused", job_v2(**REFUSED)),
]


@pytest.mark.parametrize(("reason", "entry"), FORGED, ids=[row[0] for row in FORGED])
def test_a_forged_entry_changes_nothing(house: House, reason: str, entry: dict[str, Any]) -> None:
    world, writes = house.world(), house.writes()

    deliver(house, "wayout-events", entry)

    assert house.writes() == writes, reason
    assert house.world() == world


def test_an_entry_that_pretends_to_be_ours_hides_nothing_but_itself(house: House) -> None:
    (router,) = house.platform.routers()
    name = f"projects/{PROJECT}/regions/{REGION}/routers/{router['name']}"
    deliver(house, "wayout-events", compute("v1.compute.routers.patch", name, **by(PRINCIPAL, "wayout/0.1.0")))

    house.stranger.delete_nats(router["name"])
    house.settle()

    said = house.plan("my-job")
    assert (said.status, said.changes) == ("whole", ())


def test_a_policy_that_does_not_speak_of_a_project_spends_no_write_and_one_look_on_it(house: House) -> None:
    before = len(calls(house))

    deliver(house, "wayout-events", job_v1(resource={"labels": ELSEWHERE}))

    assert all(method.endswith((".get", "publish", "write")) for method in calls(house)[before:])
    assert len(calls(house)) - before <= 3


# requests

REQUESTS = [
    ("of a project that the policy does not speak of", {"job": f"projects/other/locations/{REGION}/jobs/my-job"}),
    ("for a profile that no policy has", {"job": f"{JOB}/my-job", "profile": "everything", "sender": "billing"}),
    ("with a name that climbs", {"job": f"{JOB}/../../my-job"}),
    ("with fields that nobody knows", {"job": f"{JOB}/my-job", "mode": "enforce", "destinations": ["0.0.0.0/0"]}),
]


@pytest.mark.parametrize(("reason", "request_"), REQUESTS, ids=[row[0] for row in REQUESTS])
def test_a_request_buys_nothing_that_the_policy_does_not_give(
    house: House, reason: str, request_: dict[str, Any]
) -> None:
    world, writes = house.world(), house.writes()
    house.outcomes()

    deliver(house, "wayout-requests", request_)

    assert house.writes() == writes, reason
    assert house.world() == world
    assert house.outcomes(), "every request is answered"


# who calls


def test_a_body_that_is_no_delivery_is_answered_and_does_nothing(house: House) -> None:
    before = len(house.writes())
    for body in (b"", b"[]", b"{}", b'{"message": 1}', b"\xff\xfe", json.dumps({"message": {"data": "!!"}}).encode()):
        url = house.endpoint("on_audit_log", "wayout-events")
        requests.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=30)

    assert len(house.writes()) == before


# words of others, on Slack and on a terminal

NASTY = "<!channel> [bold]x[/] \x1b]0;owned\x07\x1b[2J\u202egnp.exe & <https://evil.example|click>"


def nasty() -> OutcomeSaid:
    return OutcomeSaid(
        status="blocked",
        cause=CauseSaid(id="1", who=NASTY, what=NASTY, when=NASTY),
        jobs=(JobSaid(job=f"{JOB}/my-job", stance="needs", because=NASTY),),
        blocked=(BlockedSaid(what=NASTY, why=NASTY, help=NASTY),),
        notes=(NASTY,),
    )


def test_names_and_messages_mark_nothing_up_on_slack() -> None:
    said = json.dumps(report.slack(nasty()), ensure_ascii=False)

    assert "&lt;!channel&gt;" in said
    for sign in ("<!", "<http", "\x1b", "\\u001b", "\u202e", "\x07"):
        assert sign not in said


def test_names_and_messages_drive_no_terminal() -> None:
    console = show.console()
    console.file = shown = io.StringIO()
    show.outcome(nasty(), console)

    assert isinstance(console, Console)
    assert "[bold]x[/]" in shown.getvalue(), "markup is text"
    assert not {"\x1b", "\x07", "\u202e"} & set(shown.getvalue())


# the policy file

YAML = [
    ("aliases of aliases", "a: &a [1]\nb: [*a, *a]\n", "alias"),
    ("a list within itself", "sets: &a [*a]\n", "alias"),
    ("an object of Python's", 'version: !!python/object/apply:os.system ["id"]\n', "not YAML"),
    ("lists in lists without end", "sets: " + "[" * 3000 + "]" * 3000, "lists in lists"),
    ("more than a secret holds", POLICY + "#" * 70_000, "64 KiB"),
    ("the same key twice, of which the second would win", POLICY + "\nmode: enforce\n", "stands twice"),
    ("a zero byte", "version: 1\0", "not YAML"),
]


@pytest.mark.parametrize(("reason", "text", "word"), YAML, ids=[row[0] for row in YAML])
def test_a_policy_that_is_a_trap_is_refused(reason: str, text: str, word: str) -> None:
    with pytest.raises(PolicyError) as refused:
        parse(text)

    assert word in str(refused.value), reason


# secrets

SECRETS = {
    "DATABASE_URL": "postgres://app:hunter2-very-secret@10.20.0.5:5432/app",
    "API_TOKEN": "xoxb-1234567890-abcdefghij",
    "UPSTREAM": "https://user:pa55word-of-mine@orders.internal/v1",
}
SPEAKING = f"""\
version: 1
mode: enforce
projects: [{PROJECT}]
regions: [{REGION}]
evidence: db
profiles:
  db:
    network: my-vpc
    egress: private-ranges-only
    destinations: [{{to: 10.20.0.0/16, ports: ["tcp:5432"]}}]
    pool: [10.8.0.0/20]
"""


def test_secrets_in_environment_values_are_told_nowhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with House(tmp_path, policy=SPEAKING) as house:
        house.developer.deploy("my-job", label="", env=SECRETS)
        house.settle()
        told = json.dumps([one.model_dump(mode="json") for one in house.outcomes()])
        told += json.dumps(house.slack()) + json.dumps(house.platform.entries('log_id("wayout-ledger")'))

        assert "10.20.0.5" in told, "the evidence itself is quoted"
        assert house.job("my-job"), house.say()
    told += capfd.readouterr().out
    for secret in ("hunter2", "pa55word", "xoxb-1234567890"):
        assert secret not in told
