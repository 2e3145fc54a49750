"""The firewall of one machine: policies and VPC firewall rules in Google's order, for one packet.

Source: "Evaluation order for firewall policies and rules", "VPC firewall rules", facts.md section 8.
A policy's condition that names no addresses (FQDN, address group, secure tag, ...) may or may not hold, so a question
can have more than one possible answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.probe.words import PROTOCOLS, WITH_PORTS, Packet, canonical, ranges, within

Direction = Literal["EGRESS", "INGRESS"]
IMPLIED = 65_535
# Which policies come before the others; `VPC` marks the place of the VPC firewall rules.
AFTER_CLASSIC = ("HIERARCHY", "SYSTEM", "VPC", "NETWORK")
BEFORE_CLASSIC = ("HIERARCHY", "SYSTEM", "NETWORK", "VPC")
OPAQUE = {
    "src": ("srcFqdns", "srcAddressGroups", "srcRegionCodes", "srcThreatIntelligences", "srcSecureTags"),
    "dest": ("destFqdns", "destAddressGroups", "destRegionCodes", "destThreatIntelligences"),
}
CONTEXT = {
    "src": ("srcNetworkContext", "srcNetworkType", "srcNetworks"),
    "dest": ("destNetworkContext", "destNetworkType"),
}


@dataclass(frozen=True)
class Machine:
    """Whose firewall is asked: its network (canonical name), tags, and the customer's service account if it has one."""

    network: str
    tags: frozenset[str] = frozenset()
    account: str | None = None


@dataclass(frozen=True)
class Crossing:
    """A packet at a machine's firewall. `sender_tags`: those of a sender in the same network, for INGRESS.

    `unseen` are VPC firewall rules (by canonical name) that act without being listed.
    """

    packet: Packet
    direction: Direction
    machine: Machine
    sender_tags: frozenset[str] = frozenset()
    unseen: tuple[tuple[str, Document], ...] = ()


@dataclass(frozen=True)
class Finding:
    """A rule that matches, for `sure` or perhaps. `action`: allow, deny, goto_next, or one not judged here."""

    action: str
    by: str | None
    sure: bool = True


def findings(cloud: Cloud, crossing: Crossing) -> frozenset[Finding]:
    """What the firewall may do with the packet: one finding where Google's text decides, several where it cannot."""
    implied = Finding("allow" if crossing.direction == "EGRESS" else "deny", None)
    return frozenset(_possible(list(_stages(cloud, crossing)), implied))


def _possible(stages: list[list[Finding]], implied: Finding) -> set[Finding]:
    if not stages:
        return {implied}
    found: set[Finding] = set()
    for one in stages[0]:
        found |= _possible(stages[1:], implied) if one.action == "goto_next" else {one}
        if one.sure:
            return found
    return found | _possible(stages[1:], implied)


def _stages(cloud: Cloud, crossing: Crossing) -> Iterator[list[Finding]]:
    """Each policy, and the VPC firewall rules together, in the order in which they are asked."""
    network = cloud.table("compute.networks").get(crossing.machine.network, {})
    effective = cloud.table("compute.effective_policies").get(crossing.machine.network, {})
    policies: list[Document] = effective.get("firewallPolicys", [])
    before = network.get("networkFirewallPolicyEnforcementOrder") == "BEFORE_CLASSIC_FIREWALL"
    for kind in BEFORE_CLASSIC if before else AFTER_CLASSIC:
        if kind == "VPC":
            yield _classic(cloud, crossing)
            continue
        # `priority` is that of the association; hierarchical ones have none and stand in their order.
        mine = [one for one in policies if str(one.get("type", "NETWORK")).removesuffix("_REGIONAL") == kind]
        for policy in sorted(mine, key=lambda one: int(one.get("priority", 0))):
            yield _policy(policy, crossing)


# VPC firewall rules


def _classic(cloud: Cloud, crossing: Crossing) -> list[Finding]:
    """The strongest rule that matches: the smallest priority, and a deny before an allow of the same."""
    found: list[tuple[int, bool, str]] = []
    for name, rule in [*cloud.table("compute.firewalls").items(), *crossing.unseen]:
        if canonical(rule["network"]) == crossing.machine.network and _applies(rule, crossing):
            found.append((int(rule.get("priority", 1000)), "denied" not in rule, name))
    # An allow of 65535 ties with the implied deny of INGRESS: Google says to avoid that, and not who wins.
    tied = IMPLIED if crossing.direction == "INGRESS" else IMPLIED + 1
    best = sorted(found)[:1]
    return [Finding("allow" if allows else "deny", name, not (allows and at == tied)) for at, allows, name in best]


def _applies(rule: Document, crossing: Crossing) -> bool:
    packet, machine = crossing.packet, crossing.machine
    if rule.get("disabled") or rule.get("direction", "INGRESS") != crossing.direction:
        return False
    if rule.get("targetTags") and not machine.tags & set(rule["targetTags"]):
        return False
    if rule.get("targetServiceAccounts") and machine.account not in rule["targetServiceAccounts"]:
        return False
    actions = rule.get("denied") or rule.get("allowed") or []
    return _from(rule, crossing) and _to(rule, packet) and any(_layer4(one, "IPProtocol", packet) for one in actions)


def _from(rule: Document, crossing: Crossing) -> bool:
    """Ranges, tags and accounts of a source are alternatives; a rule that names none of them takes any source."""
    named = [rule.get(key) for key in ("sourceRanges", "sourceTags", "sourceServiceAccounts")]
    if not any(named):
        return True
    if crossing.sender_tags & set(rule.get("sourceTags", [])):
        return True
    return within(crossing.packet.source, ranges(rule.get("sourceRanges", [])))


def _to(rule: Document, packet: Packet) -> bool:
    given = rule.get("destinationRanges", [])
    return not given or within(packet.to, ranges(given))


def _layer4(one: Document, key: str, packet: Packet) -> bool:
    word = str(one.get(key, "all")).lower()
    number = PROTOCOLS[packet.protocol]
    if word == "all":
        return True
    if (int(word) if word.isdecimal() else PROTOCOLS.get(word)) != number:
        return False
    if number not in WITH_PORTS or not one.get("ports"):
        return True
    return any(_holds(text, packet.port) for text in one["ports"])


def _holds(text: str, port: int) -> bool:
    first, _, last = text.partition("-")
    return int(first) <= port <= int(last or first)


# policies


def _policy(policy: Document, crossing: Crossing) -> list[Finding]:
    """The rules of one policy that match or may match, the strongest first."""
    found: list[Finding] = []
    label = policy.get("name") or policy.get("shortName") or policy.get("displayName") or "policy"
    for rule in sorted(policy.get("rules", []), key=lambda one: int(one.get("priority", 0))):
        certainty = _matches(rule, crossing)
        if certainty is not False:
            by = f"{label} rule {rule.get('priority')}"
            found.append(Finding(str(rule.get("action", "")), by, certainty is True))
    return found


def _matches(rule: Document, crossing: Crossing) -> bool | None:
    """True, False, or None where only Google could tell."""
    packet, match = crossing.packet, rule.get("match", {})
    if rule.get("disabled") or rule.get("direction") != crossing.direction:
        return False
    layer4 = match.get("layer4Configs", [])
    if layer4 and not any(_layer4(one, "ipProtocol", packet) for one in layer4):
        return False
    sides = [_targets(rule, crossing), _side(match, "src", packet.source), _side(match, "dest", packet.to)]
    if False in sides:
        return False
    return None if None in sides else True


def _targets(rule: Document, crossing: Crossing) -> bool | None:
    networks = [canonical(one) for one in rule.get("targetResources", [])]
    if networks and crossing.machine.network not in networks:
        return False
    if rule.get("targetForwardingRules") or rule.get("targetType", "INSTANCES") != "INSTANCES":
        return False
    if rule.get("targetServiceAccounts"):
        return crossing.machine.account in rule["targetServiceAccounts"]
    return None if rule.get("targetSecureTags") else True


def _side(match: Document, side: str, address: IPv4Address) -> bool | None:
    """Addresses and what stands for addresses are alternatives; a network context narrows all of them."""
    given = match.get(f"{side}IpRanges", [])
    opaque = any(match.get(key) for key in OPAQUE[side])
    narrowed = any(match.get(key) for key in CONTEXT[side])
    if not within(address, ranges(given)) and (given or opaque):
        return None if opaque else False
    return None if narrowed else True
