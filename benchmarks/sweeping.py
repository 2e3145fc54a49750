"""A sweep of 10,000 jobs in 100 projects and 200 sites, beside the same of a tenth of that.

    python benchmarks/sweeping.py

Each size is a local Google Cloud in a process of its own, whose sites were built by Wayout in one project and copied
to the others. The sites are in two regions; the policy lists a third. Each sweep is a process of its own by the
official clients: calls as the local Google Cloud counts them, those that look into the ledger included; time by the
clock and of the sweeping process's processor; and the most memory that the process held (the kernel's VmHWM, from when
libraries were loaded and connections open). The same once more where each call takes its time, as to Google, and once
more for what Python objects took at most (in runs of their own: tracing costs time). Where nothing else is said, it is
the median of several runs. Everything is whole, so that nothing is written.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.ground import NETWORK, PROJECT, REGION, ROOT, Cloud, cloud, wired
from benchmarks.table import Row, show
from localcloud.calls import Call, Document
from localcloud.clock import Clock
from localcloud.projects import numbered
from localcloud.server import LocalCloud
from localcloud.switches import SWITCHES, Switch
from wayout.egress import naming
from wayout.egress.model import Cause, EverythingTarget, NetworkName, Site

SMALL, LARGE = 10, 100  # projects
JOBS = 100  # of each project
PLACES = {"reports": REGION, "imports": "europe-west1"}  # of each profile the region where its jobs are
REGIONS = (*PLACES.values(), "europe-north1")  # in the last there is nothing, but that has to be seen
SITES = len(PLACES)
TURNS = 3
LATENCY = 0.05  # seconds that a call to Google takes; assumed
LATE = "benchmark.latency"  # the switch for it
MB = 2**20


def name(number: int) -> str:
    """A project's id."""
    return f"project-{number:03}"


def policy(projects: int) -> str:
    """Two profiles for every project, of the same words."""
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
regions: [{", ".join(REGIONS)}]
sites_per_hour: 1000
profiles:
""" + "".join(f"  {one}:{profile}\n" for one in PLACES)


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
        _be_far_away(local)
        sys.stdout.write(json.dumps({"url": local.url, "grpc": local.grpc}) + "\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGTERM})


def _be_far_away(local: LocalCloud) -> None:
    """Let each call take as long as a switch says, as the way to Google does: nobody else waits meanwhile."""
    SWITCHES[LATE] = Switch(0.0, "how many real seconds each call takes")
    invoke: Callable[[Call], Document] = local.cloud.invoke

    def invoked(call: Call) -> Document:
        time.sleep(local.cloud.switch(LATE))
        return invoke(call)

    vars(local.cloud)["invoke"] = invoked


def lay(at: Cloud) -> None:
    """The first project: a network and jobs, and what Wayout makes of them."""
    first = name(0)
    at.ask("POST", f"compute/v1/projects/{first}/global/networks", {"name": NETWORK, "autoCreateSubnetworks": False})
    for number in range(JOBS):
        profile, region = list(PLACES.items())[number % SITES]
        task = {"containers": [{"image": "gcr.io/my-project/my-image"}]}
        job = {"labels": {"wayout": profile}, "template": {"template": task}}
        at.ask("POST", f"v2/projects/{first}/locations/{region}/jobs?jobId=job-{number:03}", job)
    at.settle()
    with wired(at, policy(1)) as parts:
        endings = list(parts.endings(EverythingTarget(), Cause("benchmark")))
    assert [ending.said.status for ending in endings] == ["whole"] * SITES  # noqa: S101
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
    routers = (naming.router_of(network, region).router.rsplit("-", 1)[-1] for region in PLACES.values())
    sites = (naming.site_id(Site(network, region, profile)) for profile, region in PLACES.items())
    return [project, local.cloud.projects[project], *routers, *sites]


def _replaced(text: str, renamed: dict[str, str]) -> str:
    for old, new in renamed.items():
        text = text.replace(old, new)
    return text


# --- the sweep --------------------------------------------------------------------------------------------------


def sweep(at: Cloud, projects: int, *, traced: bool) -> dict[str, float]:
    """Sweep once, and say what it took. Libraries are loaded and connections open before."""
    with wired(at, policy(1)) as parts:
        list(parts.endings(EverythingTarget(), Cause("warm-up"), apply=False))
    start, loaded = len(at.calls()), _held_now()
    with wired(at, policy(projects)) as parts:
        if traced:
            tracemalloc.start()
        began, processor, sites = time.perf_counter(), time.process_time(), 0
        for ending in parts.endings(EverythingTarget(), Cause("benchmark"), apply=True):
            assert ending.said.status == "whole", ending.said  # noqa: S101 - a figure of a failure would be none
            sites += 1
        spent = {"time": time.perf_counter() - began, "processor time": time.process_time() - processor}
        objects = tracemalloc.get_traced_memory()[1] / MB if traced else 0.0
    assert sites == projects * SITES, sites  # noqa: S101
    memory = {"memory": _held("VmHWM"), "loaded": loaded, "objects": objects}
    return spent | memory | {"calls": len(at.calls()) - start}


def _held_now() -> float:
    """The memory of this process, whose peak is counted from now on."""
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    return _held("VmRSS")


def _held(what: str) -> float:
    """A figure that the kernel keeps of this process, in MB. (`ru_maxrss` would be the starting process's too.)"""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{what}:"))


def measured(at: Cloud, projects: int, *, traced: bool = False) -> dict[str, float]:
    """A sweep in a process of its own."""
    words = [sys.executable, __file__, "--sweep", at.url, at.grpc, str(projects), *(["--traced"] if traced else [])]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measured_far_away(at: Cloud, projects: int, latency: float = LATENCY) -> dict[str, float]:
    """The same where each call takes its time: so many seconds."""
    at.admin("switches", {LATE: latency})
    try:
        return measured(at, projects)
    finally:
        at.admin("switches", {LATE: 0.0})


# --- the lines --------------------------------------------------------------------------------------------------

WHAT = f"a sweep of {LARGE * JOBS:,} jobs in {LARGE} projects and {LARGE * SITES} sites"
AGAINST = f"the same of {SMALL * JOBS:,} jobs in {SMALL} projects and {SMALL * SITES} sites"


def rows() -> list[Row]:
    """The lines of this benchmark."""
    serving = {size: [__file__, "--serve", str(size)] for size in (SMALL, LARGE)}
    with cloud(serving[SMALL]) as small, cloud(serving[LARGE]) as large:
        both = (small, SMALL), (large, LARGE)
        plain = _medians([[measured(at, size) for at, size in both] for _ in range(TURNS)])
        traced = _medians([[measured(at, size, traced=True) for at, size in both] for _ in range(TURNS)])
        late = [measured_far_away(at, size) for at, size in both]
    far = f"time, each call taking {LATENCY * 1000:.0f} ms (one run each)"
    return [
        _per_job("calls, with those to the ledger", "calls", "<= 1.05x", [one["calls"] for one in plain]),
        _per_job("processor time", "ms", "<= 1.2x", [one["processor time"] * 1000 for one in plain]),
        _per_job("time", "ms", "<= 1.2x", [one["time"] * 1000 for one in plain]),
        _per_job(far, "ms", "<= 1.2x", [one["time"] * 1000 for one in late]),
        _in_all("memory of the process", "memory", plain),
        _in_all("memory of Python's objects", "objects", traced),
    ]


def _medians(turns: list[list[dict[str, float]]]) -> list[dict[str, float]]:
    """Of each size, the median of each figure."""
    sizes = zip(*turns, strict=True)
    return [{of: statistics.median(one[of] for one in runs) for of in runs[0]} for runs in sizes]


def _per_job(of: str, unit: str, aim: str, totals: list[float]) -> Row:
    few, many = totals[0] / (SMALL * JOBS), totals[1] / (LARGE * JOBS)
    whole = {"calls in all": totals[1]} if unit == "calls" else {"s in all": totals[1] / 1000}
    return Row(f"{WHAT}: {of}", f"{AGAINST}, per job", aim, many / few, {f"{unit} per job": many} | whole)


def _in_all(what: str, of: str, found: list[dict[str, float]]) -> Row:
    few, many = found
    figures = {"MB": many[of], "theirs MB": few[of]}
    if of == "memory":  # most of it is libraries, which are the same for both
        figures |= {"of it by the sweep MB": many[of] - many["loaded"], "theirs": few[of] - few["loaded"]}
    return Row(f"{WHAT}: {what}", AGAINST, "<= 2x", many[of] / few[of], figures)


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
