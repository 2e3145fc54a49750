"""What the lines that miss their aims are made of, as text: `python -m benchmarks.profiled > docs/profiles.md`.

An irrelevant event, sampled by processor time within our function behind functions-framework (gunicorn and the socket
are not in it); and the way from deploy to attachment, call by call, by the local Google Cloud's clock.
"""

from __future__ import annotations

import io
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

import functions_framework

from benchmarks.calls import house
from benchmarks.cold_start import IRRELEVANT, OURS, RECORDED
from benchmarks.duration import ASSUMED, CONNECTOR, SWEPT
from benchmarks.served import PATH
from tests.house import PRINCIPAL

EVERY, LONG, SHOWN = 0.001, 5.0, 30  # seconds of processor time between samples and in all; functions in a table
LIBRARIES = "site-packages"


def sampled(act: Callable[[], object]) -> tuple[Counter[str], int, float]:
    """In how many samples each function was on the stack, how many samples there were, and seconds per act."""
    found: Counter[str] = Counter()
    samples = 0

    def note(_: int, frame: FrameType | None) -> None:
        nonlocal samples
        samples += 1
        found.update(set(_names(frame)))

    signal.signal(signal.SIGPROF, note)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    began, acts = time.process_time(), 0
    while time.process_time() - began < LONG:
        act()
        acts += 1
    signal.setitimer(signal.ITIMER_PROF, 0)
    return found, samples, (time.process_time() - began) / acts


def _names(frame: FrameType | None) -> Iterator[str]:
    while frame:
        file = Path(frame.f_code.co_filename)
        package = file.parts[file.parts.index(LIBRARIES) + 1] if LIBRARIES in file.parts else file.parent.name
        yield f"{package.removesuffix('.py')}/{file.stem}.{frame.f_code.co_qualname}"
        frame = frame.f_back


def served() -> Callable[[bytes], Callable[[], object]]:
    """Our function, to be asked with a body as a web server asks it."""
    create: Any = functions_framework.create_app
    app = create("on_audit_log", str(OURS))

    def asking(body: bytes) -> Callable[[], object]:
        path, _, query = PATH.partition("?")
        environ = {"REQUEST_METHOD": "POST", "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": "localhost"}
        environ |= {"SERVER_PORT": "80", "wsgi.url_scheme": "http", "CONTENT_TYPE": "application/json"}
        environ |= {"CONTENT_LENGTH": str(len(body)), "REMOTE_ADDR": "127.0.0.1"}

        def ask() -> None:
            said: list[str] = []
            given = environ | {"wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr}
            b"".join(app(given, lambda status, *_: said.append(status)))
            assert said == ["200 OK"], said  # noqa: S101 - a profile of a failure would be none

        return ask

    return asking


def event(body: bytes, asking: Callable[[bytes], Callable[[], object]]) -> Iterator[str]:
    """The functions on the way of an event, with their share of its processor time, callees included."""
    found, samples, each = sampled(asking(body))
    yield f"{each * 1e6:.0f} us of processor time for each event, {samples} samples"
    below = {name: count for name, count in found.items() if "<frozen" not in name and "benchmarks/" not in name}
    for name, count in sorted(below.items(), key=lambda one: -one[1])[:SHOWN]:
        yield f"{count / samples:6.1%} {count / samples * each * 1e6:5.0f} us  {name}"


def timeline(connector: float) -> Iterator[str]:
    """By the audit log: when each of our writes began and when it was done, in seconds since the deploy was."""
    with house() as of:
        of.cloud.durations |= ASSUMED | {CONNECTOR: connector}
        of.developer.deploy("my-job")
        deployed = of.cloud.clock.now()
        of.settle()
        found = [entry for entry in of.cloud.table("logging.entries").values() if _ours(entry)]
    begun = {entry["operation"]["id"]: entry for entry in found if entry["operation"].get("first")}
    for last in (entry for entry in found if entry["operation"].get("last")):
        first = begun[last["operation"]["id"]]
        start, end = ((datetime.fromisoformat(one["timestamp"]) - deployed).total_seconds() for one in (first, last))
        said = last["protoPayload"]
        yield f"{start:6.1f} to {end:6.1f} s  {said['methodName']} {said['resourceName'].rsplit('/', 1)[-1]}"


def _ours(entry: dict[str, Any]) -> bool:
    who = entry.get("protoPayload", {}).get("authenticationInfo", {}).get("principalEmail")
    return who == PRINCIPAL and "operation" in entry


def section(title: str, lines: Sequence[str]) -> str:
    """As Markdown."""
    return f"## {title}\n\n```\n" + "\n".join(line.rstrip() for line in lines) + "\n```\n"


def main() -> None:
    """All of them."""
    asking = served()
    kept = sys.stdout
    parts = [
        section("An irrelevant event, a small one", list(event(IRRELEVANT, asking))),
        section(f"An irrelevant event, a recorded one of {len(RECORDED) / 1000:.1f} kB", list(event(RECORDED, asking))),
        section(f"Deploy to attached, a connector taking {SWEPT[0] / 60:g} min", list(timeline(SWEPT[0]))),
    ]
    first = "# Profiles\n\nWhat the lines of [measured.md](measured.md) that miss their aims are made of. Made by\n"
    kept.write(first + "`python -m benchmarks.profiled > docs/profiles.md`; what it leaves out, that module says.\n\n")
    kept.write("\n".join(parts))


if __name__ == "__main__":
    main()
