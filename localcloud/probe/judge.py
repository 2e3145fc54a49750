"""The whole way of a packet, from a job's next execution to its destination."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.locations import joined, parts
from localcloud.probe import targets
from localcloud.probe.firewall import Crossing, Finding, Machine, findings
from localcloud.probe.leaving import directly, leave
from localcloud.probe.routing import Way, ways
from localcloud.probe.sender import Sender, sender
from localcloud.probe.words import (
    METADATA,
    PRIVATE,
    PROBED,
    VIPS,
    Packet,
    Step,
    Verdict,
    collected,
    delivered,
    dropped,
    passed,
    ranges,
    samples,
    unknown,
    within,
)

# Where Cloud Run talks with a connector's machines, and on which port. Source: facts.md section 1a.
SERVERLESS, CONTROL = IPv4Network("35.199.224.0/19"), 667
RESERVED = 2  # addresses at either end of a subnet's primary range that no machine can have
SETTING = "egress setting"


class NoSuchJob(LookupError):  # noqa: N818 - it reads as what it says
    """There is no job of that name, so nothing to be said about its next execution."""


def probe(cloud: Cloud, job: str, to: str, protocol: str, port: int = 0) -> Verdict:
    """What becomes of the first packet of a new connection. `job` is a full name; its project may be a number.

    Raises NoSuchJob, ValueError for what is no IPv4 address, protocol or port, and ApiError for what is no job's name.
    """
    address = IPv4Address(to)
    if protocol not in PROBED or (protocol != "icmp" and not 1 <= port <= 65_535):
        raise ValueError(f"not a protocol and port that can be asked for: {protocol} {port}")
    with cloud.lock:
        document = cloud.table("run.jobs").get(joined(*parts(cloud, job, "jobs"), kinds=("jobs",)))
        if document is None or "deleteTime" in document:
            raise NoSuchJob(job)
        return _judged(cloud, document, address, protocol, 0 if protocol == "icmp" else port)


def _judged(cloud: Cloud, job: Document, to: IPv4Address, protocol: str, port: int) -> Verdict:
    found = sender(cloud, job)
    if isinstance(found, Step):
        return collected([found])
    if found is None:
        return collected(_without(Packet(IPv4Address(0), to, protocol, port)))
    sources = samples(found.range, cuts(cloud), reserved=RESERVED)
    verdicts = [collected(_through(cloud, job, found, Packet(one, to, protocol, port))) for one in sources]
    if len({one.verdict for one in verdicts}) == 1:
        return verdicts[0]
    told = ", ".join(f"from {source}: {one.verdict}" for source, one in zip(sources, verdicts, strict=True))
    return collected([found.step, unknown("source", f"it depends on the machine that sends: {told}")])


def cuts(cloud: Cloud) -> list[IPv4Network]:
    """Every range that a firewall rule names: between two edges of these, all addresses of a side fare alike."""
    rules = cloud.table("compute.firewalls").values()
    found = {text for rule in rules for key in ("sourceRanges", "destinationRanges") for text in rule.get(key, [])}
    for effective in cloud.table("compute.effective_policies").values():
        for policy in effective.get("firewallPolicys", []):
            matches = [rule.get("match", {}) for rule in policy.get("rules", [])]
            found |= {text for one in matches for key in ("srcIpRanges", "destIpRanges") for text in one.get(key, [])}
    return list(ranges(found))


def _without(packet: Packet) -> Iterator[Step]:
    yield passed(SETTING, "the job has no vpcAccess: everything goes by Google's own path")
    yield from _metadata(packet)
    yield from directly(packet)


def _metadata(packet: Packet) -> Iterator[Step]:
    if packet.to == METADATA:
        yield delivered("metadata server", "always allowed")


def _through(cloud: Cloud, job: Document, found: Sender, packet: Packet) -> Iterator[Step]:
    yield found.step
    yield from _metadata(packet)
    everything = job["template"]["template"]["vpcAccess"].get("egress") == "ALL_TRAFFIC"
    if not everything and not within(packet.to, (*PRIVATE, *VIPS)):
        yield passed(SETTING, "PRIVATE_RANGES_ONLY: a packet to no private range goes by Google's own path")
        yield from directly(packet)
        return
    why = "ALL_TRAFFIC" if everything else "PRIVATE_RANGES_ONLY, and this is a private range"
    yield passed(SETTING, f"{why}: the packet goes through the VPC")
    if found.connector:
        yield from _tunnel(cloud, found, packet.source)
    egress = Crossing(packet, "EGRESS", found.machine, unseen=found.unseen)
    yield _firewall(cloud, "egress firewall", egress)
    yield from _routed(cloud, found, packet)


def _tunnel(cloud: Cloud, found: Sender, machine: IPv4Address) -> Iterator[Step]:
    """Without its control traffic a connector carries nothing. Source: facts.md sections 1c to 1e."""
    others = samples(SERVERLESS, cuts(cloud))
    there = [
        Crossing(Packet(machine, far, "tcp", CONTROL), "EGRESS", found.machine, frozenset(), found.unseen)
        for far in others
    ]
    back = [
        Crossing(Packet(far, machine, "tcp", CONTROL), "INGRESS", found.machine, frozenset(), found.unseen)
        for far in others
    ]
    for direction in (there, back):
        result = [one for crossing in direction for one in findings(cloud, crossing)]
        actions = {one.action for one in result}
        if actions != {"allow"}:
            way = f"{direction[0].direction} of tcp:{CONTROL} with {SERVERLESS}"
            by = next((one.by for one in sorted(result, key=_order) if one.action != "allow"), None)
            cut = dropped if actions == {"deny"} else unknown
            yield cut("connector", f"it carries nothing unless {way} is open to its machines", by)
            return


def _firewall(cloud: Cloud, hop: str, crossing: Crossing) -> Step:
    """The step at a firewall; more than one possible action is not known here, nor is a foreign inspection."""
    result = findings(cloud, crossing)
    actions = {one.action for one in result}
    one = min(result, key=_order)
    told = "implied" if one.by is None else one.action
    if actions == {"allow"}:
        return passed(hop, f"allowed ({told})", one.by)
    if actions == {"deny"}:
        return dropped(hop, f"denied ({told})", one.by)
    doubt = next(
        (each for each in sorted(result, key=_order) if not each.sure or each.action not in ("allow", "deny")), one
    )
    return unknown(hop, "a rule decides by something that the local cloud does not know", doubt.by)


def _order(one: Finding) -> tuple[bool, str]:
    return one.by is None, one.by or ""


def _routed(cloud: Cloud, found: Sender, packet: Packet) -> Iterator[Step]:
    best = ways(cloud, found.machine, packet.to)
    if not best:
        yield dropped("route", "no route of the network leads there")
        return
    if len({one.kind for one in best}) > 1:
        names = ", ".join(one.by for one in best)
        yield unknown("route", f"routes of the same strength lead different ways: {names}")
        return
    way = best[0]
    if way.kind == "beyond":
        yield unknown("route", f"{way.range} goes to {way.to}; what lies beyond is not in this cloud", way.by)
    elif way.kind == "internet":
        yield passed("route", f"{way.range} goes to the default internet gateway", way.by)
        yield from leave(cloud, found, packet)
    elif way.kind == "peering":
        yield passed("route", f"{way.range} is a subnet of a peered network", way.by)
        yield from _peered(cloud, packet, way)
    else:
        yield passed("route", f"{way.range} is a subnet of the network", way.by)
        yield from _arrive(cloud, found, packet, way)


def _peered(cloud: Cloud, packet: Packet, way: Way) -> Iterator[Step]:
    """Into the peer, if it is in this cloud. Tags mean nothing in another network. Source: VPC Network Peering."""
    if not way.peer:
        yield unknown("ingress firewall", "the peered network is not in this cloud")
        return
    yield from _enter(cloud, Crossing(packet, "INGRESS", Machine(way.peer)), way.by)


def _arrive(cloud: Cloud, found: Sender, packet: Packet, way: Way) -> Iterator[Step]:
    crossing = Crossing(packet, "INGRESS", Machine(found.machine.network), found.tags, found.unseen)
    yield from _enter(cloud, crossing, way.by)


def _enter(cloud: Cloud, crossing: Crossing, subnet: str) -> Iterator[Step]:
    """The destination's subnet and its firewall."""
    primary = IPv4Network(cloud.table("compute.subnetworks")[subnet]["ipCidrRange"])
    to = crossing.packet.to
    if to in primary and not RESERVED <= int(to) - int(primary.network_address) < primary.num_addresses - RESERVED:
        yield dropped("subnet", "no machine can have this address: it is one of the four that Google keeps", subnet)
        return
    machine, name = targets.at(cloud, crossing.machine.network, to)
    crossing = Crossing(crossing.packet, "INGRESS", machine, crossing.sender_tags, crossing.unseen)
    yield _firewall(cloud, "ingress firewall", crossing)
    yield delivered("destination", f"the machine {name}" if name else "a machine without tags or service account", name)
