"""The gcloud command for one change, for somebody who may make it where we may not. Flags: gcloud's own help."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from wayout.egress import ways
from wayout.egress.model import (
    Attach,
    Change,
    Connector,
    Direction,
    FirewallRule,
    Nat,
    Network,
    Remove,
    Router,
    Subnet,
    Update,
)


def gcloud(change: Change) -> str:
    """The command, or several joined by `&&`, quoted for a shell."""
    if isinstance(change, Attach):
        return _attach(change)
    if isinstance(change, Remove):
        return _remove(change)
    verb = "update" if isinstance(change, Update) else "create"
    match change.thing:
        case Network() as network:
            return _line("networks", verb, network.name.network, project=network.name.project, subnet_mode="custom")
        case Subnet() as subnet:
            return _subnet(subnet, verb)
        case FirewallRule() as rule:
            return _rule(rule, verb)
        case Router() as router:
            return " && ".join(_router(router, verb))
        case Connector() as connector:
            return _connector(connector, verb)


def _line(*words: str, **flags: str) -> str:
    """`gcloud compute …`; flags that are empty are left out."""
    said = [f"--{key.replace('_', '-')}={value}" for key, value in flags.items() if value]
    return shlex.join(["gcloud", "compute", *words, *said])


def _subnet(subnet: Subnet, verb: str) -> str:
    name = subnet.name
    access = "--enable-private-ip-google-access"
    if verb == "update":
        return (
            f"{_line('networks', 'subnets', 'update', name.subnet, region=name.region, project=name.project)} {access}"
        )
    made = _line(
        "networks",
        "subnets",
        "create",
        name.subnet,
        network=subnet.network.network,
        range=subnet.range,
        region=name.region,
        project=name.project,
        description=subnet.description,
    )
    return f"{made} {access}"


def _rule(rule: FirewallRule, verb: str) -> str:
    """`create` says what it does by --action and --rules, `update` by --rules alone: the action cannot change."""
    into = rule.direction == Direction.INGRESS
    traffic = ",".join(_traffic(rule))
    fixed = (
        {"network": rule.network.network, "direction": rule.direction.value, "action": rule.action.value}
        if verb == "create"
        else {}
    )
    flags = {
        **fixed,
        "rules": traffic,
        "priority": str(rule.priority),
        "source_ranges": ",".join(rule.sources),
        "destination_ranges": ",".join(rule.destinations),
        "source_tags": ",".join(rule.source_tags) if into else "",
        "target_tags": ",".join(rule.target_tags),
        "project": rule.name.project,
        "description": rule.description,
    }
    switches = ["--enable-logging"] if rule.logged else []
    switches += ["--disabled" if rule.disabled else "--no-disabled"] if verb == "update" or rule.disabled else []
    return " ".join([_line("firewall-rules", verb, rule.name.rule, **flags), *switches])


def _traffic(rule: FirewallRule) -> Iterator[str]:
    for one in rule.traffic:
        yield from (f"{one.protocol}:{port}" for port in one.ports) if one.ports else (one.protocol,)


def _router(router: Router, verb: str) -> Iterator[str]:
    name = router.name
    place = {"region": name.region, "project": name.project}
    if verb == "create":
        yield _line("routers", "create", name.router, network=router.network.network, **place)
    for nat in router.nats:
        yield _nat(nat, verb, name.router, place)


def _nat(nat: Nat, verb: str, router: str, place: dict[str, str]) -> str:
    listed = ",".join(subnet.subnet for subnet in nat.subnets)
    words = ["routers", "nats", verb, nat.name]
    flags = {"nat_custom_subnet_ip_ranges": listed, "min_ports_per_vm": str(nat.min_ports), **place}
    addresses = (
        f"--nat-external-ip-pool={','.join(nat.addresses)}" if nat.addresses else "--auto-allocate-nat-external-ips"
    )
    switches = [addresses, *(["--enable-dynamic-port-allocation"] if nat.dynamic_ports else [])]
    switches += ["--enable-logging", "--log-filter=ERRORS_ONLY"] if nat.logged else []
    return " ".join([_line(*words, router=router, **flags), *switches])


def _connector(connector: Connector, verb: str) -> str:
    name = connector.name
    flags = {
        "region": name.region,
        "project": name.project,
        "min_instances": str(connector.min_instances),
        "max_instances": str(connector.max_instances),
        "machine_type": connector.machine,
    }
    if verb == "create" and connector.subnet:
        flags["subnet"] = connector.subnet.subnet
        flags["subnet_project"] = connector.subnet.project if connector.subnet.project != name.project else ""
    elif verb == "create":
        flags |= {"network": connector.network.network, "range": connector.range}
    return _line("networks", "vpc-access", "connectors", verb, name.connector, **flags)


def _remove(change: Remove) -> str:
    thing = change.thing
    match thing:
        case Network():
            return _line("networks", "delete", thing.name.network, project=thing.name.project)
        case Subnet():
            place = {"region": thing.name.region, "project": thing.name.project}
            return _line("networks", "subnets", "delete", thing.name.subnet, **place)
        case FirewallRule():
            return _line("firewall-rules", "delete", thing.name.rule, project=thing.name.project)
        case Router():
            place = {"region": thing.name.region, "project": thing.name.project}
            return _line("routers", "delete", thing.name.router, **place)
        case Connector():
            place = {"region": thing.name.region, "project": thing.name.project}
            return _line("networks", "vpc-access", "connectors", "delete", thing.name.connector, **place)


def _attach(change: Attach) -> str:
    job = change.job
    where = ["gcloud", "run", "jobs", "update", job.job, f"--region={job.region}", f"--project={job.project}"]
    if change.way is None:
        gone = "--clear-network" if change.was and change.was.interface else "--clear-vpc-connector"
        return shlex.join([*where, gone])
    return shlex.join([*where, *ways.flags(change.way)])
