"""The ledger, over Cloud Logging's own wire."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.cloud.logging_v2 import types

from tests.cloud.wires import Answer, grpc_server
from wayout.cloud.errors import RefusedError, TryAgainError
from wayout.cloud.ledger import Ledger
from wayout.cloud.settings import Settings
from wayout.egress.marks import mark
from wayout.egress.model import (
    Action,
    Attach,
    Cause,
    Change,
    ConnectorName,
    Create,
    Direction,
    Egress,
    FirewallRule,
    HistoryOf,
    JobName,
    NetworkName,
    Outcome,
    Past,
    Present,
    Remove,
    Result,
    RuleName,
    Site,
    Subnet,
    SubnetName,
    Traffic,
    Unreadable,
    Update,
    Way,
    Written,
    WrittenBy,
)

NETWORK = NetworkName("net", "main")
SITE = Site(NETWORK, "europe-west2", "internet-https")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CAUSE = Cause("e1", "jane@example.com", "create job", "2026-11-20T11:59:00Z")
RULE = FirewallRule(
    RuleName("net", "wayout-europe-west2-0a1b2c3d-deny-out"),
    NETWORK,
    Direction.EGRESS,
    Action.DENY,
    900,
    (Traffic("tcp", ("443", "8000-9000")), Traffic("all")),
    destinations=("0.0.0.0/0",),
    target_tags=("vpc-connector-europe-west2-wayout-0a1b2c3d",),
)
CONNECTOR = ConnectorName("net", "europe-west2", "wayout-0a1b2c3d")
ATTACH = Attach(
    JobName("shop", "europe-west2", "nightly"), "etag-1", Way(Egress.ALL, CONNECTOR), Way(Egress.PRIVATE), "drift"
)


@dataclass
class Logging:
    """Cloud Logging, as far as the ledger uses it: entries are kept once per insertId and listed newest first."""

    endpoint: str = ""
    written: list[types.LogEntry] = field(default_factory=list)
    asked: list[types.ListLogEntriesRequest] = field(default_factory=list)
    callers: list[dict[str, str]] = field(default_factory=list)
    refusals: list[tuple[grpc.StatusCode, str]] = field(default_factory=list)
    empty_pages: int = 0

    def write(self, request: types.WriteLogEntriesRequest, context: grpc.ServicerContext) -> Any:
        self._admit(context)
        known = {one.insert_id for one in self.written}
        self.written += [one for one in request.entries if one.insert_id not in known]
        return types.WriteLogEntriesResponse()

    def list(self, request: types.ListLogEntriesRequest, context: grpc.ServicerContext) -> Any:
        self._admit(context)
        self.asked.append(request)
        found = sorted(self.written, key=lambda one: one.timestamp, reverse=True)[: request.page_size]
        if len(self.asked) <= self.empty_pages:
            return types.ListLogEntriesResponse(next_page_token="still searching")
        return types.ListLogEntriesResponse(
            entries=found, next_page_token="more" if len(found) < len(self.written) else ""
        )

    def _admit(self, context: grpc.ServicerContext) -> None:
        self.callers.append(dict(context.invocation_metadata()))
        if self.refusals:
            context.abort(*self.refusals.pop(0))


@pytest.fixture
def logging() -> Iterator[Logging]:
    served = Logging()
    service = "/google.logging.v2.LoggingServiceV2"
    methods: dict[str, tuple[Any, Answer]] = {
        f"{service}/WriteLogEntries": (types.WriteLogEntriesRequest, served.write),
        f"{service}/ListLogEntries": (types.ListLogEntriesRequest, served.list),
    }
    with grpc_server(methods) as endpoint:
        served.endpoint = endpoint
        yield served


def ledger(logging: Logging, now: datetime = NOW) -> Ledger:
    env = {
        "WAYOUT_PROJECT": "home",
        "WAYOUT_TOKEN": "wayout@home.iam.gserviceaccount.com",
        "WAYOUT_ENDPOINT_LOGGING": logging.endpoint,
        "WAYOUT_BACKOFF_SECONDS": "0.01",
    }
    return Ledger(Settings.from_env(env), now=lambda: now)


def write(logging: Logging, *outcomes: Outcome, now: datetime = NOW) -> list[dict[str, Any]]:
    ledger(logging, now).write(outcomes, plan_id="plan-1", run="plan-1", cause=CAUSE, site=SITE)
    return [json.loads(types.LogEntry.to_json(one))["jsonPayload"] for one in logging.written]


def test_an_entry_says_everything_about_a_change(logging: Logging) -> None:
    (said,) = write(logging, Outcome(Create(RULE, "the profile denies the rest"), Result.CREATED))

    (entry,) = logging.written
    assert entry.log_name == "projects/home/logs/wayout-ledger"
    assert dict(entry.labels) == {
        "site": "net/main/europe-west2/internet-https",
        "subject": str(RULE.name),
        "verb": "create",
        "result": "created",
        "mark": mark(Create(RULE, "")),
        "run": "plan-1",
        "cause": "e1",
    }
    assert (said["who"], said["mark"]) == ("jane@example.com", entry.labels["mark"])
    assert entry.timestamp == NOW
    assert said["before"] is None
    assert said["after"]["traffic"] == [
        {"protocol": "tcp", "ports": ["443", "8000-9000"]},
        {"protocol": "all", "ports": []},
    ]
    assert (said["plan"], said["kind"], said["because"]) == ("plan-1", "firewall rule", "the profile denies the rest")
    assert said["after"]["name"] == str(RULE.name)
    assert said["after"]["direction"] == "EGRESS"
    assert said["cause"]["who"] == "jane@example.com"
    assert said["at"] == "2026-11-20T12:00:00+00:00"


SUBNET = Subnet(SubnetName("net", "europe-west2", "s"), NETWORK, "10.8.0.0/28")
SIDES: list[tuple[Change, bool, bool, str]] = [
    (Create(SUBNET, "missing"), False, True, "nothing was there"),
    (Update(SUBNET, SUBNET, "drift"), True, True, "both can be told"),
    (Remove(SUBNET, "idle"), True, False, "it can be made again from this"),
]


@pytest.mark.parametrize(("change", "before", "after", "reason"), SIDES, ids=[row[3] for row in SIDES])
def test_what_was_before_and_what_is_after_can_be_read_back(
    logging: Logging, change: Change, before: bool, after: bool, reason: str
) -> None:
    (said,) = write(logging, Outcome(change, Result.KEPT))

    assert (bool(said["before"]), bool(said["after"])) == (before, after), reason


def test_what_is_about_to_be_changed_is_written_first_and_counts_as_no_history(logging: Logging) -> None:
    ledger(logging).begin([ATTACH], plan_id="plan-1", run="plan-1", cause=CAUSE, site=SITE)

    (entry,) = logging.written
    assert entry.labels["result"] == "begun"
    assert json.loads(types.LogEntry.to_json(entry))["jsonPayload"]["before"]["etag"] == "etag-1"


def test_what_was_done_for_a_plan_is_read_back_as_the_changes_that_it_was(logging: Logging) -> None:
    ledger(logging).begin([Create(RULE, "missing"), ATTACH], plan_id="plan-1", run="plan-1", cause=CAUSE, site=SITE)
    later = NOW + timedelta(seconds=5)
    write(logging, Outcome(Create(RULE, "missing"), Result.CREATED), Outcome(ATTACH, Result.REFUSED), now=later)

    seen = ledger(logging, later).history(WrittenBy("plan-1"))

    assert seen == Present(
        (
            Written(SITE, Create(RULE, "missing"), "begun"),
            Written(SITE, ATTACH, "begun"),
            Written(SITE, Create(RULE, "missing"), "created"),
            Written(SITE, ATTACH, "refused"),
        )
    )
    of_the_plan, of_its_cause = (asked.filter for asked in logging.asked)
    assert 'labels.run="plan-1"' in of_the_plan
    assert 'labels.cause="e1"' in of_its_cause, "a delivery that died has another plan the next time"


def test_of_a_job_only_its_way_and_etag_are_kept(logging: Logging) -> None:
    (said,) = write(logging, Outcome(ATTACH, Result.UPDATED))

    assert said["before"] == {
        "vpcAccess": {"egress": "private-ranges-only", "connector": None, "interface": None},
        "etag": "etag-1",
    }
    assert said["after"] == {"vpcAccess": {"egress": "all-traffic", "connector": str(CONNECTOR), "interface": None}}


def test_a_secret_in_googles_answer_does_not_get_into_the_ledger(logging: Logging) -> None:
    (said,) = write(logging, Outcome(ATTACH, Result.REFUSED, "bad header Authorization: Bearer ya29.s3cret"))

    assert "s3cret" not in json.dumps(said)


def test_calls_carry_our_token_and_our_name(logging: Logging) -> None:
    write(logging, Outcome(ATTACH, Result.UPDATED))

    assert logging.callers[0]["authorization"] == "Bearer wayout@home.iam.gserviceaccount.com"
    assert logging.callers[0]["user-agent"].startswith("wayout/")


def test_no_outcomes_make_no_call(logging: Logging) -> None:
    assert write(logging) == []
    assert logging.callers == []


def test_a_write_that_passes_on_the_second_try_is_written_once(logging: Logging) -> None:
    logging.refusals = [(grpc.StatusCode.UNAVAILABLE, "try later")]

    assert len(write(logging, Outcome(ATTACH, Result.UPDATED))) == 1


def test_entries_that_cannot_be_written_are_said_aloud(logging: Logging, capsys: pytest.CaptureFixture[str]) -> None:
    logging.refusals = [(grpc.StatusCode.PERMISSION_DENIED, "Permission 'logging.logEntries.create' denied")]

    with pytest.raises(RefusedError):
        write(logging, Outcome(Remove(RULE, "idle"), Result.REMOVED))

    line = json.loads(capsys.readouterr().out)
    assert line["severity"] == "ERROR"
    assert line["entries"][0]["before"]["name"] == str(RULE.name)


def test_history_gives_back_what_was_written_newest_first(logging: Logging) -> None:
    write(logging, Outcome(Create(RULE, "missing"), Result.CREATED), now=NOW - timedelta(hours=3))
    write(logging, Outcome(Update(RULE, RULE, "drift"), Result.REFUSED, "no"), now=NOW - timedelta(minutes=30))

    seen = ledger(logging).history(HistoryOf(SITE))

    assert seen == Present(
        (
            Past("update", str(RULE.name), "refused", "no", 0.5, CAUSE.who, mark(Update(RULE, RULE, ""))),
            Past("create", str(RULE.name), "created", "", 3.0, CAUSE.who, mark(Create(RULE, ""))),
        )
    )


def test_history_asks_for_one_site_and_one_day_and_stops_after_two_hundred(logging: Logging) -> None:
    for _ in range(3):
        write(logging, *[Outcome(ATTACH, Result.UPDATED)] * 100)

    seen = ledger(logging).history(HistoryOf(SITE))

    assert isinstance(seen, Present)
    assert len(seen.value) == 200
    (asked,) = logging.asked
    assert list(asked.resource_names) == ["projects/home"]
    assert asked.order_by == "timestamp desc"
    assert asked.filter == (
        'logName="projects/home/logs/wayout-ledger" AND labels.site="net/main/europe-west2/internet-https" '
        'AND labels.verb!="idle" AND labels.verb!="busy" AND labels.result!="begun" '
        'AND timestamp>="2026-11-19T12:00:00Z"'
    )


def test_a_site_without_history_has_none(logging: Logging) -> None:
    assert ledger(logging).history(HistoryOf(SITE)) == Present(())


def test_empty_pages_of_a_search_under_way_are_passed_over(logging: Logging) -> None:
    write(logging, Outcome(ATTACH, Result.UPDATED))
    logging.empty_pages = 3

    seen = ledger(logging).history(HistoryOf(SITE))

    assert isinstance(seen, Present)
    assert len(seen.value) == 1


def test_a_search_that_does_not_end_is_not_taken_for_an_empty_history(logging: Logging) -> None:
    logging.empty_pages = 1_000_000

    with pytest.raises(TryAgainError, match="still being searched"):
        ledger(logging).history(HistoryOf(SITE))


def test_a_ledger_that_may_not_be_read_is_unreadable_with_what_to_grant(logging: Logging) -> None:
    logging.refusals = [(grpc.StatusCode.PERMISSION_DENIED, "Permission denied for all log views")]

    seen = ledger(logging).history(HistoryOf(SITE))

    assert isinstance(seen, Unreadable)
    assert "logging.logEntries.list" in seen.grant


def test_a_ledger_that_is_busy_raises_so_that_the_delivery_comes_again(logging: Logging) -> None:
    logging.refusals = [(grpc.StatusCode.UNAVAILABLE, "try later")] * 10

    with pytest.raises(TryAgainError):
        ledger(logging).history(HistoryOf(SITE))
