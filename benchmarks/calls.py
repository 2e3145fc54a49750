"""How many API calls a site takes: when nothing is to do, and from nothing.

    python benchmarks/calls.py

The house of the tests: functions behind their real server, official clients, a local Google Cloud that counts. Every
call of ours counts, of every delivery that a deploy leads to, waits for operations included; but for what only tells
people (entries written to the ledger, outcomes published). Each figure is the median of three runs: calls go side by
side, and how often an operation is asked for depends on who comes first.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.ground import TELLING
from benchmarks.table import Row, show
from localcloud.core import Record
from tests.house import PRINCIPAL, House

# What decides on a job's way out, and so cannot be left unseen. Of each there is one list or one get at Google.
KINDS = (
    "the job",
    "the network, with its peerings",
    "hierarchical and global firewall policies",
    "regional firewall policies",
    "subnets",
    "firewall rules",
    "routes",
    "routers and NATs",
    "connectors",
)
MADE = ("compute.subnetworks", "compute.firewalls", "compute.routers", "vpcaccess.connectors", "run.jobs")
RUNS = 3
GOOGLES = "/aet-"  # the firewall rules that Google makes for a connector


@dataclass(frozen=True)
class Counted:
    """The calls of ours, by what they do."""

    reads: int
    writes: int


@contextmanager
def house() -> Iterator[House]:
    """A house that says nothing."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        tempfile.TemporaryDirectory(prefix="wayout-bench-") as folder,
        House(Path(folder)) as found,
    ):
        yield found


def counted(records: list[Record]) -> Counted:
    """Reads and writes among the calls of everybody."""
    ours = [one for one in records if one.principal == PRINCIPAL and one.method not in TELLING]
    writes = sum(one.writes for one in ours)
    return Counted(len(ours) - writes, writes)


def resources(of: House) -> dict[str, object]:
    """Every resource on a way out, as it is."""
    world = of.world()
    return {name: document for kind in MADE for name, document in world.get(kind, {}).items()}


def greenfield(of: House) -> tuple[Counted, int]:
    """The calls from a job's deploy until all is quiet, and how many resources differ then because of us."""
    of.developer.deploy("first", label="")
    of.settle()
    before, start = resources(of), len(of.cloud.records)
    of.developer.deploy("my-job")
    of.settle()
    after = resources(of)
    assert of.job("my-job"), "the job was not attached"  # noqa: S101 - a figure of a failure would be none
    ours = {name for name, document in after.items() if before.get(name) != document}
    # Of Google's own rules we touch those that we disable.
    ours -= {name for name in ours if GOOGLES in name and not dict(after[name]).get("disabled")}  # type: ignore[call-overload]
    return counted(of.cloud.records[start:]), len(ours)


def nothing_to_do(of: House, *, sweep: bool) -> Counted:
    """The calls of an event, or of a sweep, for a site that is whole."""
    start = len(of.cloud.records)
    if sweep:
        of.platform.sweep()
    else:
        of.platform.ask_for("my-job", "once more")
    of.settle()
    return counted(of.cloud.records[start:])


def once() -> dict[str, int]:
    """All figures, of one house."""
    with house() as of:
        green, made = greenfield(of)
        event, sweep = nothing_to_do(of, sweep=False), nothing_to_do(of, sweep=True)
    return {
        "made": made,
        "greenfield writes": green.writes,
        "greenfield reads": green.reads,
        "event reads": event.reads,
        "sweep reads": sweep.reads,
        "whole writes": event.writes + sweep.writes,
    }


def rows() -> list[Row]:
    """The lines of this benchmark."""
    runs = [once() for _ in range(RUNS)]
    found = {name: statistics.median(one[name] for one in runs) for name in runs[0]}
    kinds = f"the {len(KINDS)} kinds that must be looked at"
    whole = "API calls for a whole site"

    def line(what: str, name: str, against: str, aim: str, of: float) -> Row:
        seen = [one[name] for one in runs]
        return Row(what, against, aim, found[name] / of, {"median": found[name], "from": min(seen), "to": max(seen)})

    return [
        line(f"{whole}: reads, after an event", "event reads", kinds, "<= 1x", len(KINDS)),
        line(f"{whole}: reads, in a sweep", "sweep reads", kinds, "<= 1x", len(KINDS)),
        line(f"{whole}: writes", "whole writes", "none", "0", 1),
        line(
            "API calls, greenfield: writes",
            "greenfield writes",
            f"the {found['made']:g} resources made or changed",
            "1x",
            found["made"],
        ),
        line(
            "API calls, greenfield: reads, with waits and all later deliveries",
            "greenfield reads",
            f"its {found['greenfield writes']:g} writes",
            "<= 4x",
            found["greenfield writes"],
        ),
    ]


if __name__ == "__main__":
    show(rows())
