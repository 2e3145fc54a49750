"""`wayout explain`: can this job reach that, now and after its plan, and which rule, route or NAT decides."""

from __future__ import annotations

import json
import re
import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import click

from wayout.cli.jobs import common, job_argument, named_job

if TYPE_CHECKING:
    from wayout.egress.model import JobName
    from wayout.egress.reach import Packet, Receiver, Verdict
    from wayout.explain import Explained
    from wayout.wiring import Wired

EXITS = {"reachable": 0, "not reachable": 2, "unknown": 1}
COLOURS = {"reachable": "green", "not reachable": "red", "unknown": "yellow"}
SIGNS = {"reachable": "✓", "not reachable": "✗", "unknown": "?"}

WHOSE, NONE = "The machine at HOST", "-"
NUMBER = re.compile(r"\d+|0[xX][0-9a-fA-F]*", re.ASCII)
LABEL = 63  # letters in one part of a name (RFC 1035)


@click.command()
@job_argument
@click.option("--to", required=True, metavar="HOST:PORT", help="An IPv4 address, or a name that this machine resolves.")
@click.option("--protocol", default="tcp", show_default=True, type=click.Choice(["tcp", "udp", "icmp"]))
@click.option("--to-tag", "tags", multiple=True, metavar="TAG", help=f"{WHOSE} has this network tag; - for none.")
@click.option("--to-account", "account", metavar="EMAIL", help=f"{WHOSE} runs as this service account; - for none.")
@common
def explain(
    job: str,
    to: str,
    protocol: str,
    tags: tuple[str, ...],
    account: str | None,
    region: str | None,
    project: str | None,
    policy_file: str | None,
    as_json: bool,
) -> None:
    """Say whether JOB reaches HOST:PORT, hop by hop, with what decides at each: now, and after its plan.

    JOB is a job's short name (with --region) or projects/PROJECT/locations/REGION/jobs/JOB. Nothing is changed.

    \b
    What is judged: firewall rules and policies, routes, Private Google Access, Cloud NAT, the job's own egress
    setting. What is not: whether anything listens there, or what lies beyond a VPN or a peering. Rules for machines
    with some tag or service account may be for whatever is at HOST or not: --to-tag and --to-account say so.
    Exit codes: 0 reachable now, 2 not reachable now, 1 cannot be known, or failed.
    """
    addresses, port = _meant(to, protocol)
    name, wired = named_job(job, region, project, policy_file, quiet=True)
    from wayout.egress.reach import Packet

    packets = [Packet(address, protocol, port) for address in addresses]
    receiver = _receiver(tags, account)
    try:
        found = [_explained(name, packet, wired, receiver) for packet in packets]
    finally:
        wired.clients.close()
    if as_json:
        click.echo(json.dumps([document(one) for one in found], indent=2))
    else:
        _show(found, to)
    sys.exit(max((EXITS[one.now.answer] for one in found), key=(0, 2, 1).index))


def _meant(to: str, protocol: str) -> tuple[list[str], int]:
    """The addresses and the port (0 for icmp) that somebody means."""
    if protocol == "icmp" and (alone := _literal(to.strip("[]"))):
        return [alone], 0
    host, colon, text = to.rpartition(":")
    if protocol == "icmp":
        return _addresses(host if colon and text.isdecimal() else to), 0
    ported = text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535
    if not (host and ported) or (":" in host and (host[0], host[-1]) != ("[", "]")):
        example = "10.20.0.5:5432, example.com:443 or [2001:db8::1]:443"
        raise click.UsageError(f"--to {to}: write HOST:PORT, such as {example}")
    return _addresses(host.strip("[]")), int(text)


def _literal(host: str) -> str:
    """An address, or nothing."""
    try:
        return str(ip_address(host))
    except ValueError:
        return ""


def _addresses(host: str) -> list[str]:
    import socket

    if literal := _literal(host):
        return [literal]
    _check_name(host)
    try:
        answers = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # the latter for names that no encoding fits
        help_ = "give its address; a name in a private zone is known inside the network only"
        why = getattr(error, "strerror", "") or error
        raise click.ClickException(f"{host} cannot be resolved here ({why}): {help_}") from error
    return sorted({str(answer[4][0]) for answer in answers})


def _check_name(host: str) -> None:
    """A resolver takes numbers for addresses in ways that nobody means: 010.0.0.1 is its 8.0.0.1."""
    labels = host.removesuffix(".").split(".")
    if NUMBER.fullmatch(labels[-1]):
        raise click.UsageError(f"--to {host}: that is no address; write four decimal numbers without leading zeros")
    if ":" in host or not all(0 < len(label.encode()) <= LABEL for label in labels):
        raise click.UsageError(f"--to {host}: that is no name; each part of one has 1 to {LABEL} letters")


def _receiver(tags: tuple[str, ...], account: str | None) -> Receiver:
    """The machine at the destination, as far as somebody says what it is."""
    from wayout.egress.reach import Receiver

    named = frozenset(tag for tag in tags if tag != NONE)
    return Receiver(named if tags else None, "" if account == NONE else account)


def _explained(name: JobName, packet: Packet, wired: Wired, receiver: Receiver) -> Explained:
    from wayout import explain as explaining
    from wayout.cloud.errors import CloudError
    from wayout.egress.policy import PolicyError

    try:
        return explaining.explain(name, packet, wired, receiver)
    except explaining.NotKnownError as error:
        raise click.ClickException(f"{error}" + (f" → {error.help}" if error.help else "")) from error
    except (CloudError, PolicyError) as error:
        raise click.ClickException(str(error)) from error


def _show(found: list[Explained], to: str) -> None:
    from rich.markup import escape

    from wayout.cli import show

    console = show.console()
    for one in found:
        resolved = "" if to.strip("[").startswith(one.packet.address) else f" ({to}, as this machine resolves it)"
        port = f":{one.packet.port}" if one.packet.port else ""
        target = f"{one.packet.protocol} {one.packet.address}{port}{resolved}"
        for title, verdict in (("now", one.now), ("after its plan", one.then)):
            if verdict is None:
                continue
            said = f"{one.job.name.job} → {target}, {title}: {verdict.answer}"
            console.print(f"[bold {COLOURS[verdict.answer]}]{escape(said)}[/]")
            for hop in verdict.hops:
                sign = f"[{COLOURS[hop.answer]}]{SIGNS[hop.answer]}[/]"
                mark = "  [bold]← decides[/]" if hop is verdict.decider and verdict.answer != "reachable" else ""
                console.print(f"  {sign} {escape(f'{hop.what}: {hop.said}')}{mark}")
        for blocked in one.blocked:
            console.print(escape(f"  its plan is blocked: {blocked.what}: {blocked.why} → {blocked.help}"))
        if one.then is None and not one.blocked:
            console.print(f"  [dim]{escape(one.intent.because)}: no change is planned for it[/]")


def document(one: Explained) -> dict[str, Any]:
    """What was judged, as JSON."""
    packet = {"address": one.packet.address, "protocol": one.packet.protocol, "port": one.packet.port}
    return {
        "job": str(one.job.name),
        "packet": packet,
        "receiver": _receiver_said(one.receiver),
        "because": one.intent.because,
        "now": _verdict(one.now),
        "after": _verdict(one.then) if one.then else None,
        "blocked": [{"what": each.what, "why": each.why, "help": each.help} for each in one.blocked],
    }


def _receiver_said(one: Receiver) -> dict[str, Any]:
    """What was said of the machine at the destination; null where nobody said it."""
    return {"tags": None if one.tags is None else sorted(one.tags), "account": one.account}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    hops = [{"what": hop.what, "said": hop.said, "answer": hop.answer.value, "by": hop.by} for hop in verdict.hops]
    return {
        "answer": verdict.answer.value,
        "through_vpc": verdict.inside,
        "decided_by": {"what": verdict.decider.what, "by": verdict.decider.by},
        "hops": hops,
    }
