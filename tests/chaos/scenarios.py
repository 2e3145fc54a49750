"""The stories that are disturbed: what was there before, what happens, and what the policy says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests

from tests.chaos.mortal import Mortal
from tests.house import JOBS, NETWORK, POLICY, PROJECT, REGION, SITE
from wayout.egress import naming

HOST = "host-project"
LINE = f"    network: {NETWORK}\n"
Act = Callable[[Mortal], None]


def _nothing(_: Mortal) -> None:
    pass


@dataclass(frozen=True)
class Scenario:
    """One story. `before` is undisturbed; `act` is what people do, and all that follows from it may be disturbed."""

    name: str
    because: str
    act: Act
    before: Act = _nothing
    policy: str = POLICY
    switches: dict[str, Any] = field(default_factory=dict)


def _with(line: str) -> str:
    return POLICY.replace(LINE, f"{LINE}    {line}\n")


def _ground(house: Mortal) -> None:
    house.platform.make_subnet("below", "10.19.0.0/16")
    house.platform.make_subnet("data", "10.20.0.0/16")
    house.platform.make_subnet("neighbour", "10.21.0.0/16")
    house.settle()


def _deploy(*names: str) -> Act:
    def act(house: Mortal) -> None:
        for name in names:
            house.developer.deploy(name)

    return act


def _deploy_another_kind(house: Mortal) -> None:
    house.developer.deploy("my-batch", label="batch")


def _deploy_a_large_one(house: Mortal) -> None:
    """A job whose log entry is larger than the 256 KiB that Cloud Logging keeps in one piece."""
    house.developer.deploy("my-job", env={f"VARIABLE_{number}": "x" * 1000 for number in range(300)})


def _built(house: Mortal) -> None:
    _ground(house)
    house.developer.deploy("my-job")
    house.settle()


def _broken(house: Mortal) -> None:
    house.stranger.widen(naming.rule_of(SITE, "out-tcp443").rule)
    router = naming.router_of(SITE.network, REGION).router
    _rest(house, "PATCH", f"projects/{PROJECT}/regions/{REGION}/routers/{router}", {"nats": []})
    _rest(house, "DELETE", f"projects/{PROJECT}/global/firewalls/{naming.rule_of(SITE, 'deny-out').rule}")


def _untold(house: Mortal) -> None:
    """Jobs and a change that no event told of."""
    _built(house)
    with _silence(house):
        house.developer.deploy("my-second-job")
        house.stranger.widen(naming.rule_of(SITE, "out-tcp443").rule)


@contextmanager
def _silence(house: Mortal) -> Iterator[None]:
    """No log entry of what happens meanwhile arrives anywhere."""
    sinks = house.cloud.table("logging.sinks")
    kept = dict(sinks)
    sinks.clear()
    yield
    house.settle()
    sinks.update(kept)


def _sweep(house: Mortal) -> None:
    house.platform.sweep()


def _host(house: Mortal) -> None:
    house.cloud.projects[HOST] = "210987654321"
    house.admin("shared_vpc", {"host": HOST, "service": PROJECT})
    _rest(house, "POST", f"projects/{HOST}/global/networks", {"name": "shared", "autoCreateSubnetworks": False})
    house.settle()
    network = f"projects/{HOST}/global/networks/shared"
    body = {"name": "data", "network": network, "ipCidrRange": "10.20.0.0/16"}
    _rest(house, "POST", f"projects/{HOST}/regions/{REGION}/subnetworks", body)
    house.settle()


def _left(house: Mortal) -> None:
    """A site whose only job is gone, and that a sweep has seen idle."""
    _built(house)
    with _silence(house):
        headers = {"Authorization": "Bearer dev@example.com"}
        requests.delete(f"{house.url}/v2/{JOBS}/my-job", headers=headers, timeout=30).raise_for_status()
    house.platform.sweep()
    house.settle()
    for entry in house.cloud.table("logging.entries").values():
        then = datetime.fromisoformat(entry["timestamp"]) - timedelta(days=3)
        entry["timestamp"] = then.isoformat().replace("+00:00", "Z")


def _rest(house: Mortal, verb: str, path: str, body: Any = None) -> None:
    """Ask compute for something, and wait for its operation."""
    headers = {"Authorization": "Bearer platform@example.com"}
    url = f"{house.url}/compute/v1"
    answer = requests.request(verb, f"{url}/{path}", json=body, headers=headers, timeout=30)
    answer.raise_for_status()
    operation = answer.json()
    where = operation.get("region", "").rsplit("/", 1)[-1]
    place = f"{'/'.join(path.split('/')[:2])}/{f'regions/{where}' if where else 'global'}"
    wait = f"{url}/{place}/operations/{operation['name']}/wait"
    requests.post(wait, headers=headers, timeout=60).raise_for_status()


_SHARED = POLICY.replace(
    LINE,
    f"""\
    network: projects/{HOST}/global/networks/shared
    host_writes: true
    connector: {{project: service}}
""",
)

# Two profiles in one network and region: two sites, of which neither may open anything for the other.
_TWO = f"""\
{POLICY}\
  batch:
    network: {NETWORK}
    egress: all-traffic
    google_apis: none
    destinations:
      - {{to: 10.21.0.0/16, ports: ["tcp:8080-8090"]}}
      - {{to: internet, ports: ["tcp:8443"]}}
    pool: [10.8.0.0/20]
    labels: true
"""

SCENARIOS = {
    one.name: one
    for one in (
        Scenario("greenfield", "the main job: nothing is there yet", _deploy("my-job"), _ground),
        Scenario("reuse", "all that is missing is the attachment", _deploy("my-second-job"), _built),
        Scenario("heal", "three things are broken at once: a rule, a NAT, and a rule that is gone", _broken, _built),
        Scenario("direct", "the other road", _deploy("my-job"), _ground, _with("road: direct")),
        Scenario("shared-vpc", "two projects, and rules of ours alone", _deploy("my-job"), _host, _SHARED),
        Scenario("sweep", "no event told of it", _sweep, _untold),
        Scenario("beside", "a second profile, beside jobs of the first", _deploy_another_kind, _built, _TWO),
        Scenario("crowd", "deliveries at the same moment, of which one works for all", _deploy("a", "b", "c"), _ground),
        Scenario("oversized", "an entry larger than what is kept in one piece", _deploy_a_large_one, _ground),
        Scenario("farewell", "what stands is taken down", _sweep, _left, _with("idle: remove\n    idle_days: 2")),
    )
}
