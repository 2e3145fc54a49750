"""`python -m localcloud`: the local Google Cloud in a process of its own, until it is interrupted."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from localcloud.clock import Clock
from localcloud.projects import numbered
from localcloud.server import LocalCloud


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="localcloud", description="A local Google Cloud, for Cloud Run egress.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, loopback)")
    parser.add_argument("--port", type=_port, default=9090, help="port of REST; 0 takes a free one (default: 9090)")
    parser.add_argument("--grpc-port", type=_port, help="port of gRPC (default: the one after --port)")
    parser.add_argument("--project", action="append", metavar="ID", help="a project that exists; may be repeated")
    parser.add_argument("--clock", choices=("virtual", "real"), default="virtual", help="default: %(default)s")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of the real clock's cloud in one real second")
    parser.add_argument("--ready-file", type=Path, help="written when it listens, with what --json prints")
    parser.add_argument("--json", action="store_true", help="say where it listens in JSON")
    found = parser.parse_args(argv)
    if found.speed <= 0:
        parser.error("argument --speed: must be more than 0")
    return found


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise ValueError(text)
    return port


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. Exit status 0, or 1 when a port is taken."""
    given = _arguments(argv)
    # Waited for, not handled: a handler that is interrupted by the same signal again could hold its own lock.
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    grpc_port = given.grpc_port if given.grpc_port is not None else (given.port + 1 if given.port else 0)
    clock = Clock(virtual=given.clock == "virtual", speed=given.speed, began=datetime.now(UTC))
    projects = numbered(given.project) if given.project else None
    local = LocalCloud(projects=projects, clock=clock, host=given.host, port=given.port, grpc_port=grpc_port)
    try:
        local.start()
    except (OSError, RuntimeError) as problem:
        sys.stderr.write(f"localcloud: cannot listen on {given.host}, ports {given.port} and {grpc_port}: {problem}\n")
        return 1
    _tell(local, given)
    signal.sigwait(ends)
    local.stop()
    return 0


def _tell(local: LocalCloud, given: argparse.Namespace) -> None:
    where = json.dumps({"url": local.url, "grpc": local.grpc, "projects": local.cloud.projects})
    names = ", ".join(local.cloud.projects)
    line = where if given.json else f"Local Google Cloud: REST {local.url}, gRPC {local.grpc}, projects {names}"
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    if given.ready_file:
        draft = given.ready_file.with_name(f"{given.ready_file.name}.{os.getpid()}")
        draft.write_text(f"{where}\n")
        draft.replace(given.ready_file)


if __name__ == "__main__":
    sys.exit(main())
