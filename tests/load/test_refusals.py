"""What Google turns away for being too much is waited out, as long as Google asks and as far as time allows."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.cloud.scripted import Scripted, scripted
from wayout.cloud.asking import GRPC, REST, TRIES
from wayout.cloud.clients import Clients
from wayout.cloud.errors import TryAgainError
from wayout.cloud.pacing import QUOTAS, key

UPDATE, LIST = "run.jobs.update", "compute.firewalls.list"
JOB = "projects/p/locations/europe-west1/jobs/j"


@pytest.fixture
def told() -> Iterator[Scripted]:
    with scripted() as one:
        yield one


@pytest.fixture
def clients(told: Scripted) -> Iterator[Clients]:
    one = Clients(told.settings().model_copy(update={"quota_minute_seconds": 0.2, "quotas": {"compute/list": 50}}))
    yield one
    one.close()


def too_many(http: int) -> tuple[int, object]:
    message = "Quota exceeded for quota metric 'List requests' and limit 'List requests per minute'"
    reason = {"reason": "rateLimitExceeded", "message": message, "domain": "usageLimits"}
    return http, {"error": {"code": http, "message": message, "errors": [reason]}}


def names(clients: Clients) -> list[str]:
    return [one.name for one in clients.ask(LIST, "projects/p", lambda: clients.firewalls.list(project="p", **REST))]


@pytest.mark.parametrize("http", [403, 429])
def test_a_rate_limit_is_waited_out_and_the_call_made_again(told: Scripted, clients: Clients, http: int) -> None:
    told.rest += [too_many(http), too_many(http), (200, {"items": [{"name": "f"}]})]

    assert names(clients) == ["f"]


def test_a_retry_after_is_respected(told: Scripted, clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("wayout.cloud.asking.time.sleep", slept.append)
    told.rest += [(*too_many(429), {"Retry-After": "7"}), (200, {"items": []})]

    with pytest.raises(TryAgainError) as caught:
        clients.ask(LIST, "projects/p", lambda: clients.firewalls.list(project="p", **REST), until=time.monotonic() + 5)

    assert (caught.value.limited, caught.value.after, slept) == (True, 7.0, []), "there was no time for that"


def test_a_retry_info_over_grpc_is_respected(told: Scripted, clients: Clients) -> None:
    told.rpc.append((8, "Quota exceeded", "RATE_LIMIT_EXCEEDED", {"retry": "9.5"}))

    with pytest.raises(TryAgainError) as caught:
        clients.ask("run.jobs.get", JOB, lambda: clients.jobs.get_job(name=JOB, **GRPC), until=time.monotonic() + 9)

    assert (caught.value.limited, caught.value.after) == (True, 9.5)


def test_a_limit_that_stays_is_put_off_after_four_tries(told: Scripted, clients: Clients) -> None:
    told.rest += [too_many(403)] * (TRIES + 1)

    with pytest.raises(TryAgainError) as caught:
        names(clients)

    assert caught.value.limited
    assert len(told.heard) == TRIES


def test_calls_are_paced_before_they_are_made(told: Scripted) -> None:
    clients = Clients(told.settings().model_copy(update={"quota_minute_seconds": 600.0, "quotas": {"compute/list": 2}}))
    told.rest += [(200, {"items": []})] * 3
    names(clients)
    names(clients)

    with pytest.raises(TryAgainError, match="our part of Google's quota"):
        names(clients)

    clients.close()
    assert Counter(method.split("?")[0] for method, _ in told.heard) == {
        "GET /compute/v1/projects/p/global/firewalls": 2
    }


def test_every_known_quota_is_met_by_some_call() -> None:
    calls = [
        (UPDATE, JOB),
        ("run.jobs.get", JOB),
        (LIST, "projects/p"),
        ("compute.routers.get", "projects/p"),
        ("compute.routers.update", "projects/p"),
        ("compute.globalOperations.get", "projects/p"),
        ("vpcaccess.connectors.list", "projects/p/locations/r"),
        ("vpcaccess.connectors.create", "projects/p/locations/r"),
        ("logging.logEntries.list", "projects/p"),
        ("resourcemanager.projects.get", "projects/p"),
    ]

    assert {found.quota for one in calls if (found := key(*one))} == set(QUOTAS)
