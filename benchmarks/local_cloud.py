"""How big and fast the local Google Cloud is: start-up, memory with many jobs, requests per second.

    python benchmarks/local_cloud.py

Each figure stands beside one of an empty ASGI application behind the same web server in the same run; the ratio is what
can be compared between machines. Times are medians.
"""

from __future__ import annotations

import http.client
import json
import resource
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.table import Row, show

STARTS, ROUNDS, SECONDS, CONNECTIONS = 7, 3, 3.0, 8
PROJECTS, JOBS = 100, 10_000
JOB = json.dumps({"template": {"template": {"containers": [{"image": "gcr.io/my-project/my-image"}]}}})
RULE = {"network": "global/networks/net", "allowed": [{"IPProtocol": "tcp", "ports": ["443"]}], "priority": 900}
EMPTY = """
import socket, sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] == "http":
        while (await receive()).get("more_body"): pass
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})
class Server(uvicorn.Server):
    async def startup(self, sockets=None):
        await super().startup(sockets)
        print('{"url": "http://127.0.0.1:%d"}' % sockets[0].getsockname()[1], flush=True)
listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
listener.bind(("127.0.0.1", 0))
listener.listen(512)
Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none", http="h11")).run(sockets=[listener])
"""


class Server:
    """A server in a process of its own."""

    def __init__(self, words: list[str]) -> None:
        began = time.perf_counter()
        self.process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
        first = self.process.stdout.readline() if self.process.stdout else ""
        self.port = int(json.loads(first)["url"].rsplit(":", 1)[1])
        self.started = time.perf_counter() - began

    def memory(self) -> float:
        """Resident memory in MB."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20

    def ask(self, verb: str, path: str, body: str | None = None) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(verb, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found = json.loads(answer.read())
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{verb} {path}: {found}")
        return dict(found)


@contextmanager
def running(words: list[str]) -> Iterator[Server]:
    server = Server(words)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(timeout=20)


def rate(server: Server, requests: Callable[[int], tuple[str, str, str | None]]) -> float:
    """Requests per second, the `n`-th being `requests(n)`, over some connections that stay open."""
    end = time.perf_counter() + SECONDS
    counts = [0] * CONNECTIONS

    def work(lane: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        while time.perf_counter() < end:
            connection.request(*requests(counts[lane] * CONNECTIONS + lane), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{answer.status}: {requests(counts[lane] * CONNECTIONS + lane)}")
            counts[lane] += 1
        connection.close()

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def median(runs: int, measure: Callable[[int], float]) -> float:
    return statistics.median(measure(number) for number in range(runs))


def started(words: list[str]) -> float:
    """Seconds from the process's start to its first word."""

    def once(_: int) -> float:
        with running(words) as server:
            return server.started

    return median(STARTS, once)


def cloud_words(projects: int = 1) -> list[str]:
    names = [word for number in range(projects) for word in ("--project", f"project-{number:03}")]
    return ["-m", "localcloud", "--port", "0", "--grpc-port", "0", "--json", *names]


def filled(server: Server) -> float:
    """Memory in MB with all the jobs, each deployed through the API."""
    server.ask("POST", "/_localcloud/quotas", '{"enforced": false}')
    for number in range(JOBS):
        where = f"projects/project-{number % PROJECTS:03}/locations/europe-west2"
        server.ask("POST", f"/_svc/run/v2/{where}/jobs?jobId=job-{number}", JOB)
    server.ask("POST", "/_localcloud/settle", '{"patience": 300}')
    return server.memory()


def rates(server: Server, empty: Server) -> dict[str, tuple[float, float]]:
    """Requests per second, beside the empty application's: reading a network, inserting a firewall rule."""
    server.ask("POST", "/_localcloud/quotas", '{"enforced": false}')
    server.ask("POST", "/_localcloud/switches", '{"compute.firewalls.quota": 100000000}')
    base = "/compute/v1/projects/project-000/global"
    server.ask("POST", f"{base}/networks", '{"name": "net", "autoCreateSubnetworks": false}')
    server.ask("POST", "/_localcloud/settle", "{}")
    found: dict[str, tuple[float, float]] = {}

    def get(_: int) -> tuple[str, str, str | None]:
        return "GET", f"{base}/networks/net", None

    for name, maker in (("GET", lambda _: get), ("validated POST", lambda run: _post(base, run))):
        ours = median(ROUNDS, lambda run, maker=maker: rate(server, maker(run)))  # type: ignore[misc]
        theirs = median(ROUNDS, lambda run, maker=maker: rate(empty, maker(run)))  # type: ignore[misc]
        found[name] = ours, theirs
    return found


def _post(base: str, run: int) -> Callable[[int], tuple[str, str, str | None]]:
    return lambda number: ("POST", f"{base}/firewalls", json.dumps(RULE | {"name": f"rule-{run}-{number}"}))


def rows() -> list[Row]:
    """The lines of this benchmark."""
    found = [("start until it answers", started(cloud_words()), started(["-c", EMPTY]), "s")]
    with running(["-c", EMPTY]) as empty:
        with running(cloud_words()) as server:
            found.append(("memory, nothing in it", server.memory(), empty.memory(), "MB"))
            found += [(f"{name} per second", *both, "/s") for name, both in rates(server, empty).items()]
        with running(cloud_words(PROJECTS)) as server:
            found.append((f"memory, {PROJECTS} projects, {JOBS} jobs", filled(server), empty.memory(), "MB"))
    against = "an empty application behind the same server"
    return [
        Row(
            f"local Google Cloud: {what}",
            against,
            "",
            ours / theirs,
            {f"ours ({unit})": ours, f"theirs ({unit})": theirs},
        )
        for what, ours, theirs, unit in found
    ]


if __name__ == "__main__":
    show(rows())
