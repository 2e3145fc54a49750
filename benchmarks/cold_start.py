"""What the functions cost to start, in time and memory, and how fast they set aside what is not for them.

    python benchmarks/cold_start.py

Real functions-framework servers in processes of their own, beside an empty function and beside ours with all five
Google clients imported at the top. The sides take turns; all figures are medians. `memory` is the proportional set
size of master and worker. Processor time stands beside time, since it depends less on what else a machine does.
"""

from __future__ import annotations

import http.client
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import grpc

from benchmarks.ground import NETWORK, PROJECT, REGION, US, cloud
from benchmarks.served import JSON, PATH, PATIENCE, Cost, Served, pushed, served
from benchmarks.table import ROOT, Row, show
from wayout.cli.local import exports

RUNS, ROUNDS, SECONDS, LANES = 11, 2, 1.5, 4
STARTS = 9  # of both servers for the rates: two processes of one program may differ by five hundredths all their life
OURS = ROOT / "functions" / "main.py"
EMPTY = """
import functions_framework

@functions_framework.cloud_event
def on_audit_log(event):
    pass
"""
TOP = """
from google.cloud import compute_v1, logging, pubsub_v1, run_v2, vpcaccess_v1
from functions.main import on_audit_log
"""
POLICY = f"""\
version: 1
mode: observe
projects: [{PROJECT}]
regions: [{REGION}]
profiles:
  web:
    network: {NETWORK}
    egress: all-traffic
    destinations:
      - {{to: internet, ports: ["tcp:443"]}}
    pool: [10.8.0.0/20]
    labels: true
"""


def entry(service: str, method: str, resource: str) -> bytes:
    """An audit log entry, as it is pushed."""
    payload = {
        "@type": "type.googleapis.com/google.cloud.audit.AuditLog",
        "authenticationInfo": {"principalEmail": "dev@example.com"},
        "requestMetadata": {"callerIp": "203.0.113.7", "callerSuppliedUserAgent": "google-cloud-sdk gcloud/528.0.0"},
        "serviceName": service,
        "methodName": method,
        "resourceName": resource,
    }
    found = {
        "protoPayload": payload,
        "insertId": "1abcdef2g3h4",
        "resource": {"type": "audited_resource", "labels": {"project_id": PROJECT}},
        "timestamp": "2026-01-01T00:00:00Z",
        "severity": "NOTICE",
        "operation": {"id": "operation-1", "producer": service, "last": True},
        "logName": f"projects/{PROJECT}/logs/cloudaudit.googleapis.com%2Factivity",
    }
    return pushed(found)


IRRELEVANT = entry(
    "compute.googleapis.com", "v1.compute.firewalls.insert", f"projects/{PROJECT}/global/firewalls/allow-ssh"
)
# A real one of the same kind, of a few KB: what most of Google's look like.
RECORDED = pushed(
    json.loads((ROOT / "tests/data/events" / "gcp_securitycenter_samples--createFirewallJson.json").read_bytes())
)
RELEVANT = entry(
    "run.googleapis.com",
    "google.cloud.run.v2.Jobs.CreateJob",
    f"projects/{PROJECT}/locations/{REGION}/jobs/my-job",
)


class Run:
    """A Cloud Run that notes what the function that asks it for a job has taken until then, and never answers."""

    def __init__(self) -> None:
        self.asking: Served | None = None
        self.cost: Cost | None = None
        self.asked = threading.Event()
        self._server = grpc.server(ThreadPoolExecutor(4))
        method = grpc.unary_unary_rpc_method_handler(self._get_job)
        handler = grpc.method_handlers_generic_handler("google.cloud.run.v2.Jobs", {"GetJob": method})
        self._server.add_generic_rpc_handlers((handler,))
        self.address = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def _get_job(self, _: bytes, context: Any) -> bytes:
        if self.asking and not self.asked.is_set():
            self.cost = self.asking.cost()
            self.asked.set()
        while context.is_active():
            time.sleep(0.01)
        return b""

    def until_asked(self, source: Path, environment: Mapping[str, str]) -> Cost:
        """What a function takes from its start until its first call."""
        self.asked.clear()
        with served(source, {**environment, "WAYOUT_ENDPOINT_RUN": self.address}) as one:
            self.asking = one
            one.send(RELEVANT)
            if not self.asked.wait(PATIENCE) or self.cost is None:
                raise TimeoutError("the function has not asked for the job")
            return self.cost

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop(0)


def until_answered(source: Path, body: bytes, environment: Mapping[str, str]) -> Cost:
    """What a function takes from its start until it has answered its first event."""
    with served(source, environment) as one:
        one.ask(body)
        return one.cost()


def medians(measure: Callable[[Path], Cost], ours: Path, theirs: Path) -> tuple[Cost, Cost]:
    """What both sides take. They take turns, in either order; the first turn only warms up."""
    costs: dict[Path, list[Cost]] = {ours: [], theirs: []}
    for turn in range(RUNS + 1):
        for side in (ours, theirs) if turn % 2 else (theirs, ours):
            cost = measure(side)
            if turn:
                costs[side].append(cost)
    return _middle(costs[ours]), _middle(costs[theirs])


def _middle(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(one.seconds for one in costs),
        statistics.median(one.processor for one in costs),
        statistics.median(one.memory for one in costs),
    )


def compared(what: str, against: str, aims: tuple[str, str], costs: tuple[Cost, Cost]) -> Iterator[Row]:
    """Time, processor time and memory of two sides; aims for time and memory."""
    (time_aim, memory_aim), (ours, theirs) = aims, costs
    yield _row(f"{what}: time", against, time_aim, ours.seconds * 1000, theirs.seconds * 1000, "ms")
    yield _row(f"{what}: processor time", against, time_aim, ours.processor * 1000, theirs.processor * 1000, "ms")
    yield _row(f"{what}: memory", against, memory_aim, ours.memory, theirs.memory, "MB")


def _row(what: str, against: str, aim: str, ours: float, theirs: float, unit: str) -> Row:
    return Row(
        what, against, aim, ours / theirs, {f"ours ({unit})": round(ours, 2), f"theirs ({unit})": round(theirs, 2)}
    )


def rate(one: Served, body: bytes) -> float:
    """Irrelevant events per second, over connections that stay open."""
    end = time.perf_counter() + SECONDS

    def work(_: int) -> int:
        count, connection = 0, http.client.HTTPConnection("127.0.0.1", one.port, timeout=PATIENCE)
        while time.perf_counter() < end:
            connection.request("POST", PATH, body, JSON)
            connection.getresponse().read()
            count += 1
        connection.close()
        return count

    with ThreadPoolExecutor(LANES) as pool:
        return sum(pool.map(work, range(LANES))) / SECONDS


Pace = tuple[float, float]  # events per second, and seconds of processor time for each


def rates(empty: Path, environment: Mapping[str, str]) -> Iterator[Row]:
    """Events per second and processor time per event beside an empty function's, of a small and of a recorded one."""
    bodies = {"": IRRELEVANT, f" (a recorded one of {len(RECORDED) / 1000:.1f} kB)": RECORDED}
    found: dict[tuple[str, Path], list[Pace]] = {(name, side): [] for name in bodies for side in (OURS, empty)}
    for _ in range(STARTS):
        with served(OURS, environment) as ours, served(empty, environment) as theirs:
            for turn in range(ROUNDS + 1):
                for name, body in bodies.items():
                    for source, one in ((OURS, ours), (empty, theirs)):
                        pace = _pace(one, body)
                        if turn:
                            found[name, source].append(pace)
    against = "an empty CloudEvent function"
    for name in bodies:
        (our_rate, our_time), (their_rate, their_time) = (_usual(found[name, side]) for side in (OURS, empty))
        yield _row(f"irrelevant events per second, one instance{name}", against, ">= 0.9x", our_rate, their_rate, "/s")
        what = f"irrelevant event: processor time{name}"
        yield _row(what, against, "<= 1.11x", our_time * 1000, their_time * 1000, "ms")


def _pace(one: Served, body: bytes) -> Pace:
    one.ask(body)
    before = one.processor()
    per_second = rate(one, body)
    return per_second, (one.processor() - before) / per_second / SECONDS


def _usual(paces: Sequence[Pace]) -> Pace:
    rate_, each = (statistics.median(one) for one in zip(*paces, strict=True))
    return rate_, each


@contextmanager
def ground() -> Iterator[dict[str, str]]:
    """The settings of functions at a local Google Cloud, where a job has no way out yet."""
    with tempfile.TemporaryDirectory(prefix="wayout-bench-") as folder, cloud() as at:
        (Path(folder) / "policy.yaml").write_text(POLICY, encoding="utf-8")
        network = {"name": NETWORK, "autoCreateSubnetworks": False}
        at.ask("POST", f"compute/v1/projects/{PROJECT}/global/networks", network)
        task = {"template": {"template": {"containers": [{"image": "gcr.io/my-project/my-image"}]}}}
        job = {"labels": {"wayout": "web"}} | task
        at.ask("POST", f"v2/projects/{PROJECT}/locations/{REGION}/jobs?jobId=my-job", job)
        at.settle()
        settings = {"WAYOUT_PROJECT": PROJECT, "WAYOUT_POLICY": str(Path(folder) / "policy.yaml")}
        yield {**exports(at.url, at.grpc, US), **settings}


def rows() -> list[Row]:
    """The lines of this benchmark."""
    with tempfile.TemporaryDirectory(prefix="wayout-bench-") as folder, ground() as settings, Run() as run:
        empty, top = Path(folder) / "empty.py", Path(folder) / "top.py"
        empty.write_text(EMPTY, encoding="utf-8")
        top.write_text(TOP, encoding="utf-8")
        nothing = "an empty functions-framework function"
        five = "the same function with all five Google clients imported at the top"
        first = medians(lambda source: until_answered(source, IRRELEVANT, settings), OURS, empty)
        call = medians(lambda source: run.until_asked(source, settings), OURS, top)
        answer = medians(lambda source: until_answered(source, RELEVANT, settings), OURS, top)
        return [
            *compared("cold start to the answer of an irrelevant event", nothing, ("<= 1.2x", "<= 1.2x"), first),
            *compared("cold start to the first API call of a relevant event", five, ("<= 0.45x", "<= 0.7x"), call),
            *compared("cold start to the answer of a relevant event", five, ("", ""), answer),
            *rates(empty, settings),
        ]


if __name__ == "__main__":
    show(rows())
