"""The clients find Google's own endpoints by default, and come without credentials only as far as that goes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import SecretStr

from wayout.cloud.asking import REST
from wayout.cloud.clients import Clients
from wayout.cloud.errors import RefusedError
from wayout.cloud.settings import Settings


@pytest.fixture
def clients() -> Iterator[Clients]:
    one = Clients(Settings(project="p", token=SecretStr("x")))
    yield one
    one.close()


def test_without_endpoints_google_itself_is_called(clients: Clients) -> None:
    assert clients.jobs.api_endpoint == "run.googleapis.com:443"
    assert clients.connectors.api_endpoint == "vpcaccess.googleapis.com:443"
    assert clients.firewalls.api_endpoint == "https://compute.googleapis.com"
    assert clients.dns_url == "https://dns.googleapis.com"
    assert clients.vpcaccess_url == "https://vpcaccess.googleapis.com"


def test_each_client_is_built_once_whoever_asks(clients: Clients) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: id(clients.routers), range(32)))

    assert len(found) == 1


def test_missing_credentials_are_refused_and_say_what_to_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/at/all.json")
    clients = Clients(Settings(project="p", principal="wayout@p.iam.gserviceaccount.com"))

    with pytest.raises(RefusedError) as caught:
        clients.ask("compute.firewalls.list", "projects/p", lambda: clients.firewalls.list(project="p", **REST))

    assert caught.value.help == "set up Application Default Credentials for wayout@p.iam.gserviceaccount.com"
