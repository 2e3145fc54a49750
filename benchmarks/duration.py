"""From a job's deploy to its attachment, in the time of the real services as far as it is known.

    python benchmarks/duration.py

The clock is the local Google Cloud's, and operations take what `ASSUMED` says. Beside it: the calls that nobody can
avoid (a subnet, a connector in it, the job's update), made one after the other on a local cloud of their own; and every
change that we make really typed into gcloud, one after the other, on another one: its clock tells the time, once for
each connector. (Of gcloud's own seconds nothing is in it but what a log entry takes to arrive after each command.)
Where gcloud is not installed, the assumed durations are summed instead, and the line says so. Real seconds are ours
from the deploy until all is quiet, and gcloud's for all its commands: waiting costs neither of them any. What is not
said to be one run is a median.
"""

from __future__ import annotations

import os
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.calls import house
from benchmarks.ground import NETWORK, PROJECT, REGION, Cloud
from benchmarks.table import Row, show
from localcloud.clock import Clock
from localcloud.server import LocalCloud
from tests.house import PRINCIPAL, House
from wayout import wiring
from wayout.cli.gcloud import configure
from wayout.egress import commands
from wayout.egress.model import Attach, Change, Create, Router, kind

# Seconds that an operation takes. Of a connector a recorded creation that failed took 140, and one that succeeded was
# still running then: it is swept. Everything else is assumed; no page of Google's gives a number.
ASSUMED = {
    "compute.subnetworks": 15.0,
    "compute.firewalls": 6.0,
    "compute.routers": 8.0,
    "run.projects.locations.jobs.patch": 3.0,
}
CONNECTOR = "vpcaccess.projects.locations.connectors.create"
SWEPT = (120.0, 300.0, 600.0, 1200.0)
TURNS = 3
ONE_RUN = "one run"
KINDS = {"subnet": "compute.subnetworks", "firewall rule": "compute.firewalls", "router": "compute.routers"}
GCLOUD = shutil.which("gcloud")
UPDATE, HEARD = "run.projects.locations.jobs.patch", "run.projects.locations.operations.get"


@dataclass(frozen=True)
class Walked:
    """A way from deploy to attachment: seconds of the cloud's time and real ones, and the changes that it took."""

    virtual: float
    real: float
    changes: tuple[Change, ...]


# --- ours -------------------------------------------------------------------------------------------------------


def ours(connector: float, *, nat: bool = False) -> Walked:
    """A deploy, until the job is attached. `nat`: somebody's NAT is there already."""
    with house() as of:
        of.cloud.durations |= ASSUMED | {CONNECTOR: connector}
        if nat:
            _everybodys_nat(of)
        found: list[Change] = []
        wiring.parts().watch = _noting(found)
        start = len(of.cloud.records)
        of.developer.deploy("my-job")
        began, deployed = time.perf_counter(), _when(of, start, "dev@example.com", HEARD)
        of.settle()
        real = time.perf_counter() - began
        assert of.job("my-job"), "the job was not attached"  # noqa: S101 - a figure of a failure would be none
        attached = _when(of, start, PRINCIPAL, UPDATE) + of.cloud.duration(UPDATE)
        return Walked(attached - deployed, real, tuple(found))


def _when(of: House, start: int, principal: str, method: str) -> float:
    """When somebody last called a method."""
    return [one.at for one in of.cloud.records[start:] if (one.principal, one.method) == (principal, method)][-1]


def _noting(found: list[Change]) -> Callable[..., None]:
    def watch(stage: str, *what: Any) -> None:
        if stage == "applied":
            found.extend(outcome.change for outcome in what[0])

    return watch


def _everybodys_nat(of: House) -> None:
    nat = {
        "name": "nat",
        "natIpAllocateOption": "AUTO_ONLY",
        "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES",
    }
    router = {"name": "router", "network": f"projects/{PROJECT}/global/networks/{NETWORK}", "nats": [nat]}
    Cloud(of.url, of.grpc).ask("POST", f"compute/v1/projects/{PROJECT}/regions/{REGION}/routers", router)
    of.settle()


# --- by hand ----------------------------------------------------------------------------------------------------


@contextmanager
def ready(connector: float) -> Iterator[tuple[LocalCloud, Cloud]]:
    """A local Google Cloud with a network and a job without a way out."""
    with LocalCloud(projects={PROJECT: "123456789012"}, clock=Clock()) as local:
        local.cloud.durations |= ASSUMED | {CONNECTOR: connector}
        at = Cloud(local.url, local.grpc)
        network = {"name": NETWORK, "autoCreateSubnetworks": False}
        at.ask("POST", f"compute/v1/projects/{PROJECT}/global/networks", network)
        task = {"containers": [{"image": "gcr.io/my-project/my-image"}]}
        job = {"template": {"template": task}}
        at.ask("POST", f"v2/projects/{PROJECT}/locations/{REGION}/jobs?jobId=my-job", job)
        at.settle()
        yield local, at


def chain(connector: float) -> float:
    """The cloud's seconds for what cannot be avoided, by the bare calls."""
    place = f"projects/{PROJECT}/locations/{REGION}"
    with ready(connector) as (local, at):
        began = local.cloud.clock.seconds()
        subnets = f"compute/v1/projects/{PROJECT}/regions/{REGION}"
        network = f"projects/{PROJECT}/global/networks/{NETWORK}"
        body = {"name": "conn-subnet", "network": network, "ipCidrRange": "10.8.0.0/28"}
        started = at.ask("POST", f"{subnets}/subnetworks", body)
        at.ask("POST", f"{subnets}/operations/{started['name']}/wait")
        made = {"subnet": {"name": "conn-subnet"}, "machineType": "e2-micro", "minInstances": 2, "maxInstances": 3}
        _finish(at, "vpcaccess/v1", at.ask("POST", f"_svc/vpcaccess/v1/{place}/connectors?connectorId=conn", made))
        job = at.ask("GET", f"_svc/run/v2/{place}/jobs/my-job")
        job["template"]["template"]["vpcAccess"] = {"connector": f"{place}/connectors/conn"}
        _finish(at, "run/v2", at.ask("PATCH", f"_svc/run/v2/{place}/jobs/my-job", job))
        return local.cloud.clock.seconds() - began


def _finish(at: Cloud, service: str, operation: Any) -> None:
    while not operation.get("done"):
        operation = at.ask("GET", f"_svc/{service}/{operation['name']}")
    assert "error" not in operation, operation  # noqa: S101


def words(changes: tuple[Change, ...]) -> list[str]:
    """Every command that somebody has to type for these changes."""
    return [command for change in changes for command in commands.gcloud(change).split(" && ")]


def summed(changes: tuple[Change, ...], connector: float) -> float:
    """The assumed durations of the same commands, one after the other. A NAT is a command of its own."""
    found = 0.0
    for change in changes:
        if isinstance(change, Attach):
            found += ASSUMED["run.projects.locations.jobs.patch"]
        elif kind(change) == "connector":
            found += connector
        else:
            nats = len(change.thing.nats) if isinstance(change, Create) and isinstance(change.thing, Router) else 0
            found += ASSUMED[KINDS[kind(change)]] * (1 + nats)
    return found


def gcloud(changes: tuple[Change, ...], connector: float) -> Walked:
    """The same commands really typed into gcloud: the cloud's seconds and real ones."""
    assert GCLOUD  # noqa: S101 - its caller has asked
    with ready(connector) as (local, _), tempfile.TemporaryDirectory(prefix="wayout-bench-") as folder:
        port = int(local.url.rsplit(":", 1)[1])
        settings = {**os.environ, **configure(Path(folder), port, "you@example.com", PROJECT)}
        began, virtually = time.perf_counter(), local.cloud.clock.seconds()
        for command in words(changes):
            line = [GCLOUD, *shlex.split(command)[1:]]
            done = subprocess.run(line, env=settings, capture_output=True, text=True, timeout=300, check=False)
            assert done.returncode == 0, f"{command}\n{done.stderr}"  # noqa: S101
        return Walked(local.cloud.clock.seconds() - virtually, time.perf_counter() - began, changes)


# --- the lines --------------------------------------------------------------------------------------------------


def rows() -> list[Row]:
    """The lines of this benchmark."""
    found: list[Row] = []
    ours_took: list[Walked] = []
    theirs_took: list[Walked] = []
    for connector in SWEPT:
        walked = [ours(connector) for _ in range(TURNS)]
        ours_took += walked
        virtual, changes = statistics.median(one.virtual for one in walked), walked[0].changes
        found.append(_against_chain(_said(connector), virtual, _least(connector)))
        if GCLOUD:
            theirs_took.append(gcloud(changes, connector))
            found += _against_hand(
                connector, virtual, theirs_took[-1].virtual, f"typed into gcloud ({ONE_RUN})", changes
            )
        else:
            found += _against_hand(connector, virtual, summed(changes, connector), "assumed durations summed", changes)
    covered = statistics.median(ours(SWEPT[0], nat=True).virtual for _ in range(TURNS))
    found.append(_against_chain(f"{_said(SWEPT[0])}, a NAT being there", covered, _least(SWEPT[0])))
    return [*found, *_real(ours_took, theirs_took)]


def _least(connector: float) -> float:
    return statistics.median(chain(connector) for _ in range(TURNS))


def _against_hand(connector: float, virtual: float, hand: float, how: str, changes: tuple[Change, ...]) -> list[Row]:
    what, by = _said(connector), f"the {len(words(changes))} commands one after the other, {how}"
    rest = {"ours s": virtual - connector, "theirs s": hand - connector}
    return [
        Row(what, by, "<= 0.6x", virtual / hand, {"ours s": virtual, "theirs s": hand}),
        Row(f"{what}: all but that", by, "", rest["ours s"] / rest["theirs s"], rest),
    ]


def _said(connector: float) -> str:
    return f"deploy to attached, a connector taking {connector / 60:g} min"


def _against_chain(what: str, virtual: float, least: float) -> Row:
    against = "subnet, connector and attachment, by bare calls"
    return Row(what, against, "<= 1.05x", virtual / least, {"ours s": virtual, "theirs s": least})


def _real(ours_took: list[Walked], theirs_took: list[Walked]) -> list[Row]:
    """Nothing where gcloud is not installed."""
    if not theirs_took:
        return []
    mine, theirs = (statistics.median(one.real for one in took) for took in (ours_took, theirs_took))
    against = f"gcloud's own overhead, median of {len(theirs_took)}"
    return [
        Row("deploy to attached, real seconds", against, "<= 0.1x", mine / theirs, {"ours s": mine, "theirs s": theirs})
    ]


if __name__ == "__main__":
    show(rows())
