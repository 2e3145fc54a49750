"""The probe's firewall against a judge that knows less and is told more slowly: every address, port by port."""

from __future__ import annotations

import ipaddress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud.core import Cloud
from localcloud.probe.firewall import Crossing, Machine, findings
from localcloud.probe.words import Packet

NETWORK = "projects/p/global/networks/net"
LINK = f"https://www.googleapis.com/compute/v1/{NETWORK}"
TAGS = ["vpc-connector", "vpc-connector-europe-west2-out", "web"]
CIDRS = ["0.0.0.0/0", "10.0.0.0/8", "10.8.0.0/28", "10.8.0.8/29", "10.20.0.0/16", "10.20.0.5/32", "8.8.8.8/32", "::/0"]
ADDRESSES = ["10.8.0.2", "10.8.0.9", "10.20.0.5", "10.20.9.9", "8.8.8.8"]
NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1"}
PORTS = ["22", "443", "1-442", "444-65535", "22-443"]

layer4 = st.one_of(
    st.sampled_from([{"IPProtocol": "all"}, {"IPProtocol": "icmp"}, {"IPProtocol": "1"}, {"IPProtocol": "esp"}]),
    st.builds(
        lambda protocol, ports: {"IPProtocol": protocol, "ports": ports},
        st.sampled_from(["tcp", "udp", "6", "17"]),
        st.lists(st.sampled_from(PORTS), max_size=2),
    ),
)
cidrs = st.lists(st.sampled_from(CIDRS), min_size=1, max_size=2)
tags = st.lists(st.sampled_from(TAGS), min_size=1, max_size=2)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    direction = draw(st.sampled_from(["EGRESS", "INGRESS"]))
    found: dict[str, Any] = {
        "network": LINK if draw(st.integers(0, 9)) else LINK + "work",
        "direction": direction,
        "priority": draw(st.sampled_from([0, 100, 900, 1000, 1001, 65534])),
        "disabled": draw(st.integers(0, 5)) == 0,
        draw(st.sampled_from(["allowed", "denied"])): draw(st.lists(layer4, min_size=1, max_size=2)),
    }
    for key, values in (("targetTags", tags), ("sourceRanges", cidrs), ("destinationRanges", cidrs)):
        if draw(st.booleans()):
            found[key] = draw(values)
    if direction == "INGRESS" and draw(st.booleans()):
        found["sourceTags"] = draw(tags)
    if "targetTags" not in found and draw(st.integers(0, 5)) == 0:
        found["targetServiceAccounts"] = ["app@p.iam.gserviceaccount.com"]
    return found


packets = st.builds(
    lambda source, to, protocol, port: Packet(
        ipaddress.IPv4Address(source), ipaddress.IPv4Address(to), protocol, 0 if protocol == "icmp" else port
    ),
    st.sampled_from(ADDRESSES[:2]),
    st.sampled_from(ADDRESSES[2:]),
    st.sampled_from(list(NUMBERS)),
    st.sampled_from([22, 443, 444, 8080]),
)


def bits(address: ipaddress.IPv4Address) -> str:
    return f"{int(address):032b}"


def covers(cidr: str, address: ipaddress.IPv4Address) -> bool:
    """By its bits, as on paper."""
    base, _, length = cidr.partition("/")
    return ":" not in base and bits(ipaddress.IPv4Address(base))[: int(length)] == bits(address)[: int(length)]


def opened(one: dict[str, Any]) -> set[tuple[str, int]]:
    """Every protocol number and port that an entry holds, one by one; ports that nobody asks for are left out."""
    asked = {"6": [22, 443, 444, 8080], "17": [22, 443, 444, 8080], "1": [0]}
    wanted = (
        set(NUMBERS.values()) if one["IPProtocol"] == "all" else {NUMBERS.get(one["IPProtocol"], one["IPProtocol"])}
    )
    every = {(number, port) for number, ports in asked.items() for port in ports if number in wanted}
    if not one.get("ports"):
        return every
    spans = [text.split("-") for text in one["ports"]]
    listed = {port for span in spans for port in range(int(span[0]), int(span[-1]) + 1)}
    return {(number, port) for number, port in every if port in listed}


def naive(book: list[dict[str, Any]], packet: Packet, direction: str, machine: set[str], sender: set[str]) -> str:
    """All rules, sorted by strength, tried one after the other until one says something."""
    denies_first = sorted(book, key=lambda rule: "allowed" in rule)
    for rule in sorted(denies_first, key=lambda rule: rule["priority"]):
        entries = rule.get("allowed", []) + rule.get("denied", [])
        if rule["network"] != LINK or rule["disabled"] or rule["direction"] != direction:
            continue
        if "targetServiceAccounts" in rule or not machine.intersection(rule.get("targetTags", machine)):
            continue
        named = "sourceRanges" in rule or "sourceTags" in rule
        ranged = any(covers(cidr, packet.source) for cidr in rule.get("sourceRanges", []))
        if named and not ranged and not sender.intersection(rule.get("sourceTags", [])):
            continue
        if not any(covers(cidr, packet.to) for cidr in rule.get("destinationRanges", ["0.0.0.0/0"])):
            continue
        if any((NUMBERS[packet.protocol], packet.port) in opened(one) for one in entries):
            return "allow" if "allowed" in rule else "deny"
    return "allow" if direction == "EGRESS" else "deny"


@settings(max_examples=400, deadline=None)
@given(
    book=st.lists(rules(), max_size=6),
    packet=packets,
    machine=st.lists(st.sampled_from(TAGS), min_size=1, unique=True),
    sender=st.lists(st.sampled_from(TAGS), unique=True),
)
def test_the_firewall_says_what_trying_all_rules_in_turn_says(
    book: list[dict[str, Any]], packet: Packet, machine: list[str], sender: list[str]
) -> None:
    cloud = Cloud(projects={"p": "1"})
    cloud.table("compute.firewalls").update({f"projects/p/global/firewalls/r{n}": one for n, one in enumerate(book)})
    own = Machine(NETWORK, frozenset(machine))
    leaving = findings(cloud, Crossing(packet, "EGRESS", own))
    assert [one.action for one in leaving] == [naive(book, packet, "EGRESS", set(machine), set())]
    entering = findings(cloud, Crossing(packet, "INGRESS", own, frozenset(sender)))
    assert [one.action for one in entering] == [naive(book, packet, "INGRESS", set(machine), set(sender))]
