"""Two network namespaces and a cable between them: the Linux kernel judges, and real packets tell what it says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from wayout.egress.reach import Answer, Packet

SENDING = Path(__file__).with_name("sending.py")
CABLE = ("169.254.77.1", "169.254.77.2")


def why_not() -> str:
    """Why this machine cannot do it; empty if it can."""
    missing = [tool for tool in ("ip", "nft") if shutil.which(tool) is None]
    if missing:
        return f"{', '.join(missing)} is not installed"
    if os.geteuid() != 0:
        return "making network namespaces takes root"
    probe = f"wayout-{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"no network namespace can be made: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", probe], check=True)
    return ""


class Kernel:
    """A sender with the addresses of its range, and a receiver that has every address."""

    def __init__(self, near: str, far: str, sender: Any, hearer: Any) -> None:
        self._near, self._far, self._sender, self._hearer = near, far, sender, hearer

    def load(self, egress: str, ingress: str) -> None:
        """Load the rulesets of both."""
        for namespace, text in ((self._near, egress), (self._far, ingress)):
            _run("ip", "netns", "exec", namespace, "nft", "-f", "-", stdin=text)

    def arrive(self, packets: Sequence[Packet], sources: Sequence[str]) -> list[Answer]:
        """Send each of them from every source, and say of each whether it arrived; unknown: from some of them."""
        asked = [(source, packet.address, packet.protocol, packet.port) for packet in packets for source in sources]
        answered = set(_ask(self._sender, asked))
        heard = {int(text) for text in _ask(self._hearer, [])}
        seen = [index in (heard if each[2] == "udp" else answered) for index, each in enumerate(asked)]
        size = len(sources)
        return [_said(seen[at : at + size]) for at in range(0, len(seen), size)]


def _said(arrived: Sequence[bool]) -> Answer:
    if len(set(arrived)) > 1:
        return Answer.UNKNOWN
    return Answer.YES if arrived[0] else Answer.NO


@contextmanager
def kernel(addresses: str) -> Iterator[Kernel]:
    """Both namespaces; the sender has all `addresses`, an IP range."""
    near, far = f"wayout-{os.getpid()}-near", f"wayout-{os.getpid()}-far"
    with ExitStack() as stack:
        for name in (near, far):
            _run("ip", "netns", "add", name)
            stack.callback(_run, "ip", "netns", "delete", name)
        _cable(near, far, addresses)
        sender = stack.enter_context(_process(near, "send"))
        hearer = stack.enter_context(_process(far, "hear"))
        yield Kernel(near, far, sender, hearer)


def _cable(near: str, far: str, addresses: str) -> None:
    _run("ip", "-n", near, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", far)
    for name, own, other in ((near, CABLE[0], CABLE[1]), (far, CABLE[1], CABLE[0])):
        _run("ip", "-n", name, "address", "add", f"{own}/30", "dev", "cable")
        _run("ip", "-n", name, "link", "set", "cable", "up")
        _run("ip", "-n", name, "link", "set", "lo", "up")
        _run("ip", "-n", name, "route", "add", "default", "via", other)
    _run("ip", "-n", near, "route", "add", "local", addresses, "dev", "lo")
    # The far end takes every address for its own, but answers by the cable.
    _run("ip", "-n", far, "route", "add", "local", "0.0.0.0/0", "dev", "lo", "table", "100")
    _run("ip", "-n", far, "rule", "add", "iif", "cable", "lookup", "100")


@contextmanager
def _process(namespace: str, role: str) -> Iterator[Any]:
    command = ["ip", "netns", "exec", namespace, sys.executable, str(SENDING), role]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def _ask(process: Any, what: object) -> Any:
    process.stdin.write(json.dumps(what) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def _run(*command: str, stdin: str = "") -> None:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}\n{stdin}")
