"""A sweep of 10,000 jobs in 100 projects and 200 sites, beside the same of a tenth of that.

    python benchmarks/sweeping.py

Each size is a local Google Cloud in a process of its own, whose sites were built by Wayout in one project and copied
to the others, and a sweep by the official clients in another process: calls as the local Google Cloud counts them,
time of the sweeping process's processor, and the most memory that Python objects took while it swept (in a run of its
own: tracing costs time). Everything is whole, so that nothing is written.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.ground import NETWORK, PROJECT, REGION, ROOT, Cloud, cloud, wired
from benchmarks.table import Row, show
from localcloud.clock import Clock
from localcloud.projects import numbered
from localcloud.server import LocalCloud
from wayout.egress import naming
from wayout.egress.model import Cause, EverythingTarget, NetworkName, Site

SMALL, LARGE = 10, 100  # projects
JOBS, PROFILES = 100, ("reports", "imports")  # of each project
TURNS = 3


def name(number: int) -> str:
    """A project's id."""
    return f"project-{number:03}"


def policy(projects: int) -> str:
    """Two profiles for every project."""
    profile = f"""
    network: {NETWORK}
    egress: all-traffic
    destinations:
      - {{to: internet, ports: ["tcp:443"]}}
    pool: [10.8.0.0/20]
    labels: true"""
    return f"""\
version: 1
mode: enforce
projects: [{", ".join(map(name, range(projects)))}]
regions: [{REGION}]
sites_per_hour: 1000
profiles:
""" + "".join(f"  {one}:{profile}\n" for one in PROFILES)


# --- the world --------------------------------------------------------------------------------------------------


def serve(projects: int) -> None:
    """Be a local Google Cloud of so many projects until SIGTERM."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    names = numbered([PROJECT, *(name(number) for number in range(projects))])
    with LocalCloud(projects=names, clock=Clock()) as local:
        local.cloud.switches["quotas.enforced"] = False
        lay(Cloud(local.url, local.grpc))
        for number in range(1, projects):
            copy(local, number)
        sys.stdout.write(json.dumps({"url": local.url, "grpc": local.grpc}) + "\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGTERM})


def lay(at: Cloud) -> None:
    """The first project: a network and jobs, and what Wayout makes of them."""
    first = name(0)
    at.ask("POST", f"compute/v1/projects/{first}/global/networks", {"name": NETWORK, "autoCreateSubnetworks": False})
    for number in range(JOBS):
        task = {"containers": [{"image": "gcr.io/my-project/my-image"}]}
        job = {"labels": {"wayout": PROFILES[number % 2]}, "template": {"template": task}}
        at.ask("POST", f"v2/projects/{first}/locations/{REGION}/jobs?jobId=job-{number:03}", job)
    at.settle()
    with wired(at, policy(1)) as parts:
        endings = list(parts.endings(EverythingTarget(), Cause("benchmark")))
    assert [ending.said.status for ending in endings] == ["whole"] * len(PROFILES)  # noqa: S101
    at.settle()


def copy(local: LocalCloud, number: int) -> None:
    """Another project like the first, under its own names."""
    renamed = dict(zip(_names(local, 0), _names(local, number), strict=True))
    with local.cloud.lock:
        for kind, table in local.cloud.tables.items():
            if kind.startswith(("logging", "pubsub")):
                continue
            for key, document in [(key, one) for key, one in table.items() if name(0) in key]:
                table[_replaced(key, renamed)] = json.loads(_replaced(json.dumps(document), renamed))


def _names(local: LocalCloud, number: int) -> list[str]:
    """Whatever is called after a project."""
    project = name(number)
    network = NetworkName(project, NETWORK)
    router = naming.router_of(network, REGION).router.rsplit("-", 1)[-1]
    sites = (naming.site_id(Site(network, REGION, profile)) for profile in PROFILES)
    return [project, local.cloud.projects[project], router, *sites]


def _replaced(text: str, renamed: dict[str, str]) -> str:
    for old, new in renamed.items():
        text = text.replace(old, new)
    return text


# --- the sweep --------------------------------------------------------------------------------------------------


def sweep(at: Cloud, projects: int, *, traced: bool) -> dict[str, float]:
    """Sweep once, and say what it took. Libraries are loaded and connections open before."""
    with wired(at, policy(1)) as parts:
        list(parts.endings(EverythingTarget(), Cause("warm-up"), apply=False))
    start = len(at.calls())
    with wired(at, policy(projects)) as parts:
        if traced:
            tracemalloc.start()
        began, sites = time.process_time(), 0
        for ending in parts.endings(EverythingTarget(), Cause("benchmark"), apply=True):
            assert ending.said.status == "whole", ending.said  # noqa: S101 - a figure of a failure would be none
            sites += 1
        spent = time.process_time() - began
        peak = tracemalloc.get_traced_memory()[1] if traced else 0
    assert sites == projects * len(PROFILES), sites  # noqa: S101
    return {"calls": len(at.calls()) - start, "processor time": spent, "bytes": peak}


def measured(at: Cloud, projects: int, *, traced: bool = False) -> dict[str, float]:
    """A sweep in a process of its own."""
    words = [sys.executable, __file__, "--sweep", at.url, at.grpc, str(projects), *(["--traced"] if traced else [])]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def rows() -> list[Row]:
    """The lines of this benchmark."""
    serving = {size: [__file__, "--serve", str(size)] for size in (SMALL, LARGE)}
    with cloud(serving[SMALL]) as small, cloud(serving[LARGE]) as large:
        turns = [(measured(small, SMALL), measured(large, LARGE)) for _ in range(TURNS)]
        traced = measured(small, SMALL, traced=True)["bytes"], measured(large, LARGE, traced=True)["bytes"]

    def per_job(of: str, number: int, projects: int) -> float:
        return statistics.median(turn[number][of] for turn in turns) / (projects * JOBS)

    def line(of: str, unit: str, aim: str, scale: float) -> Row:
        few, many = per_job(of, 0, SMALL), per_job(of, 1, LARGE)
        return Row(f"{what}: {of}", f"{against}, per job", aim, many / few, {f"{unit} per job": many * scale})

    what = f"a sweep of {LARGE * JOBS:,} jobs in {LARGE} projects and {LARGE * len(PROFILES)} sites"
    against = f"the same of {SMALL * JOBS:,} jobs in {SMALL} projects and {SMALL * len(PROFILES)} sites"
    memory = {"MB": traced[1] / 2**20, "theirs MB": traced[0] / 2**20}
    return [
        line("calls", "calls", "<= 1.05x", 1.0),
        line("processor time", "ms", "<= 1.2x", 1000.0),
        Row(f"{what}: memory", against, "<= 2x", traced[1] / traced[0], memory),
    ]


def main() -> None:
    """The benchmark, or one of its processes."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--serve", type=int, metavar="PROJECTS")
    options.add_argument("--sweep", nargs=3, metavar=("URL", "GRPC", "PROJECTS"))
    options.add_argument("--traced", action="store_true")
    given: Any = options.parse_args()
    if given.serve:
        serve(given.serve)
    elif given.sweep:
        url, grpc, projects = given.sweep
        found = sweep(Cloud(url, grpc), int(projects), traced=given.traced)
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        show(rows())


if __name__ == "__main__":
    main()
