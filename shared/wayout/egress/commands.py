"""The gcloud commands for one change, for somebody who may make it where we may not.

Flags, and what an update can change: the help of gcloud 528 and the sources of its commands.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import assert_never

from wayout.egress import ways
from wayout.egress.model import (
    Attach,
    Change,
    Connector,
    Coverage,
    Create,
    Egress,
    FirewallRule,
    Job,
    Nat,
    Network,
    Remove,
    Router,
    Subnet,
    Thing,
    Update,
    Way,
)

Words = list[str]

_DEFAULT_ACCOUNT = "-compute@developer.gserviceaccount.com"
_SERVICE_ACCOUNT = ".iam.gserviceaccount.com"


def gcloud(change: Change) -> str:
    """The command that makes a change, or several joined by `&&`, quoted for a POSIX shell.

    Raises ValueError for an update that gcloud has no flag for, such as that of a connector's subnet.
    """
    match change:
        case Create(thing):
            commands = list(_create(thing))
        case Update(thing, was):
            commands = list(_update(thing, was))
        case Remove(thing):
            commands = [_delete(thing)]
        case Attach():
            commands = list(_attach(change))
        case _:
            assert_never(change)
    if not commands:
        raise ValueError(f"gcloud has no command for this: {change.because}")
    return " && ".join(map(shlex.join, commands))


def actas(job: Job, member: str, number: str = "") -> str:
    """The command that lets `member` (as IAM spells it: `serviceAccount:E-MAIL`) act as the job's service account.

    A job without one runs as its project's default compute account, whose name holds the project's number; where
    that is not known, the command asks for it first.
    """
    email = job.service_account or f"{number}{_DEFAULT_ACCOUNT}"
    project = _project_of(email) or job.name.project
    account = shlex.quote(email)
    if email == _DEFAULT_ACCOUNT:
        asked = f"gcloud projects describe {shlex.quote(project)} --format='value(projectNumber)'"
        account = f'"$({asked}){_DEFAULT_ACCOUNT}"'
    rest = [f"--member={member}", "--role=roles/iam.serviceAccountUser", f"--project={project}"]
    return f"gcloud iam service-accounts add-iam-policy-binding {account} {shlex.join(rest)}"


def _project_of(email: str) -> str:
    """The project that a service account lies in: NAME@PROJECT…, or NAME@PROJECT.DOMAIN… for the project DOMAIN:PROJECT
    (Google's page on domain-scoped projects); empty if the address does not tell."""
    _, _, host = email.partition("@")
    if not host.endswith(_SERVICE_ACCOUNT):
        return ""
    project, _, domain = host.removesuffix(_SERVICE_ACCOUNT).partition(".")
    return f"{domain}:{project}" if domain else project


# --- create, update, delete -------------------------------------------------------------------------------------


def _create(thing: Thing) -> Iterator[Words]:
    match thing:
        case Network():
            mode = "auto" if thing.auto_subnets else "custom"
            yield _command(thing, "create", f"--subnet-mode={mode}", f"--description={thing.description}")
        case Subnet():
            yield _command(
                thing,
                "create",
                f"--network={thing.network.network}",
                f"--range={thing.range}",
                *(["--enable-private-ip-google-access"] if thing.google_access else []),
                f"--description={thing.description}",
            )
        case FirewallRule():
            fixed = [f"--network={thing.network.network}", f"--direction={thing.direction}", f"--action={thing.action}"]
            yield _command(thing, "create", *fixed, *(flag for flag in _rule(thing) if not flag.startswith("--no-")))
        case Router():
            yield _command(thing, "create", f"--network={thing.network.network}", f"--description={thing.description}")
            for nat in thing.nats:
                yield _nat_command(thing, nat, "create", _nat(nat))
        case Connector():
            yield _command(thing, "create", *_ground(thing), *_size(thing))
        case _:
            assert_never(thing)


def _update(thing: Thing, was: Thing) -> Iterator[Words]:
    """Only what differs is named: all else of a thing may be more than we know of it."""
    match thing, was:
        case Network(), Network():
            if was.auto_subnets and not thing.auto_subnets:
                yield _command(thing, "update", "--switch-to-custom-subnet-mode")
        case Subnet(), Subnet():
            if thing.google_access != was.google_access:
                no = "" if thing.google_access else "no-"
                yield _command(thing, "update", f"--{no}enable-private-ip-google-access")
        case FirewallRule(), FirewallRule():
            yield from _update_rule(thing, was)
        case Router(), Router():
            yield from _update_nats(thing, was)
        case Connector(), Connector():
            if flags := _new(_size(thing), _size(was)):
                # gcloud takes neither bound without the other
                yield _command(thing, "update", *dict.fromkeys((*_size(thing)[:2], *flags)))


def _delete(thing: Thing) -> Words:
    return _command(thing, "delete")


_GROUPS: dict[type, Words] = {
    Network: ["networks"],
    Subnet: ["networks", "subnets"],
    FirewallRule: ["firewall-rules"],
    Router: ["routers"],
    Connector: ["networks", "vpc-access", "connectors"],
}


def _command(thing: Thing, verb: str, *flags: str) -> Words:
    """`gcloud compute GROUP VERB NAME PLACE FLAGS`; on creation and deletion flags without a value say nothing."""
    *place, short = [str(getattr(thing.name, slot.name)) for slot in fields(thing.name)]
    where = [f"--project={place[0]}", *(f"--region={region}" for region in place[1:])]
    said = [flag for flag in flags if verb == "update" or not flag.endswith("=")]
    return ["gcloud", "compute", *_GROUPS[type(thing)], verb, short, *where, *said]


def _new(flags: Iterable[str], before: Iterable[str]) -> Words:
    known = set(before)
    return [flag for flag in flags if flag not in known]


# --- firewall rules ---------------------------------------------------------------------------------------------


def _rule(rule: FirewallRule) -> Words:
    """All that can be changed of a rule."""
    lists = {
        "rules": (f"{one.protocol}:{port}".rstrip(":") for one in rule.traffic for port in one.ports or [""]),
        "source-ranges": rule.sources,
        "destination-ranges": rule.destinations,
        "source-tags": rule.source_tags,
        "target-tags": rule.target_tags,
        "source-service-accounts": rule.source_accounts,
        "target-service-accounts": rule.target_accounts,
    }
    return [
        f"--priority={rule.priority}",
        *(f"--{name}={','.join(values)}" for name, values in lists.items()),
        "--enable-logging" if rule.logged else "--no-enable-logging",
        "--disabled" if rule.disabled else "--no-disabled",
        f"--description={rule.description}",
    ]


def _update_rule(rule: FirewallRule, was: FirewallRule) -> Iterator[Words]:
    if (rule.network, rule.direction, rule.action) != (was.network, was.direction, was.action):
        yield _delete(was)
        yield from _create(rule)
    elif flags := _new(_rule(rule), _rule(was)):
        yield _command(rule, "update", *flags)


# --- routers and their NATs -------------------------------------------------------------------------------------


def _update_nats(router: Router, was: Router) -> Iterator[Words]:
    """gcloud changes one NAT at a time, where the API takes the router's whole list."""
    before = {nat.name: nat for nat in was.nats}
    kept = {nat.name for nat in router.nats}
    for nat in was.nats:
        if nat.name not in kept:
            yield _nat_command(router, nat, "delete", [])
    for nat in router.nats:
        if nat.name not in before:
            yield _nat_command(router, nat, "create", _nat(nat))
        elif nat != before[nat.name]:
            clear = ["--clear-max-ports-per-vm"] if before[nat.name].max_ports and not nat.max_ports else []
            yield _nat_command(router, nat, "update", [*_new(_nat(nat), _nat(before[nat.name])), *clear])


def _nat_command(router: Router, nat: Nat, verb: str, flags: Words) -> Words:
    name = router.name
    where = [f"--router={name.router}", f"--project={name.project}", f"--region={name.region}"]
    return ["gcloud", "compute", "routers", "nats", verb, nat.name, *where, *flags]


def _nat(nat: Nat) -> Words:
    subnets = {
        Coverage.ALL: "--nat-all-subnet-ip-ranges",
        Coverage.ALL_PRIMARY: "--nat-primary-subnet-ip-ranges",
        Coverage.LISTED: f"--nat-custom-subnet-ip-ranges={','.join(name.subnet for name in nat.subnets)}",
    }
    pool = f"--nat-external-ip-pool={','.join(nat.addresses)}" if nat.addresses else "--auto-allocate-nat-external-ips"
    return [
        subnets[nat.coverage],
        pool if nat.public else "--type=PRIVATE",
        f"--min-ports-per-vm={nat.min_ports}",
        *([f"--max-ports-per-vm={nat.max_ports}"] if nat.max_ports else []),
        _switch(nat.dynamic_ports, "enable-dynamic-port-allocation"),
        _switch(nat.endpoint_independent, "enable-endpoint-independent-mapping"),
        _switch(nat.logged, "enable-logging"),
        *(["--log-filter=ERRORS_ONLY"] if nat.logged else []),
    ]


def _switch(on: bool, name: str) -> str:
    return f"--{name}" if on else f"--no-{name}"


# --- connectors and jobs ----------------------------------------------------------------------------------------


def _ground(connector: Connector) -> Words:
    subnet = connector.subnet
    if subnet is None:
        return [f"--network={connector.network.network}", f"--range={connector.range}"]
    host = [f"--subnet-project={subnet.project}"] if subnet.project != connector.name.project else []
    return [f"--subnet={subnet.subnet}", *host]


def _size(connector: Connector) -> Words:
    return [
        f"--min-instances={connector.min_instances}",
        f"--max-instances={connector.max_instances}",
        f"--machine-type={connector.machine}",
    ]


def _attach(change: Attach) -> Iterator[Words]:
    """To clear one road clears the egress setting too, even where the same command sets it: that takes another."""
    job, way = change.job, change.way
    where = ["gcloud", "run", "jobs", "update", job.job, f"--project={job.project}", f"--region={job.region}"]
    left = _left(way, change.was)
    if way is None:
        if left:
            yield [*where, *left]
        return
    *road, egress = ways.flags(way)
    if not left:
        yield [*where, *road, *_untagged(way, change.was), egress]
        return
    yield [*where, *road, *left]
    if way.egress != Egress.PRIVATE:  # which is what a job has where nothing is set
        yield [*where, egress]


def _left(way: Way | None, was: Way | None) -> Words:
    """What clears the roads that a job was on and is to be on no more."""
    connector = was and was.connector and not (way and way.connector)
    interface = was and was.interface and not (way and way.interface)
    return [*(["--clear-vpc-connector"] if connector else []), *(["--clear-network"] if interface else [])]


def _untagged(way: Way, was: Way | None) -> Words:
    return ["--clear-network-tags"] if was and ways.tags(was) and way.interface and not ways.tags(way) else []
