"""What a firewall rule may say. Source: the API's field descriptions and facts.md on firewall rules."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from localcloud.calls import Document
from localcloud.compute.common import NAME, invalid
from localcloud.errors import INVALID, ApiError

PROTOCOLS = {"tcp", "udp", "icmp", "esp", "ah", "ipip", "sctp", "all"}
WITH_PORTS = {"tcp", "udp", "sctp", "6", "17", "132"}
RANGES = ("sourceRanges", "destinationRanges")
SOURCES = ("sourceRanges", "sourceTags", "sourceServiceAccounts")
MOST_RANGES = 5000
MOST_ACCOUNTS = 10


def completed(rule: Document, *, ingress_destinations: bool = True) -> Document:
    """The rule with compute's defaults, checked. Source of the empty description: recorded rules.

    `ingress_destinations`: that INGRESS rules may name destination ranges follows from the present text, which no
    longer forbids it; older text did.
    """
    found: Document = {"description": "", "direction": "INGRESS", "priority": 1000, "disabled": False} | rule
    found = {key: value for key, value in found.items() if value != [] or key not in (*RANGES, *SOURCES, *TARGETS)}
    _check_actions(found)
    _check_sides(found)
    if found["direction"] == "INGRESS" and found.get("destinationRanges") and not ingress_destinations:
        why = "destinationRanges cannot be specified for INGRESS rules."
        raise invalid("resource.destinationRanges", _first(found["destinationRanges"]), why)
    _check_ranges(found)
    if not 0 <= found["priority"] <= 65535:
        raise invalid("resource.priority", found["priority"], "Must be between 0 and 65535, inclusive.")
    log: Document = {"enable": False} | found.get("logConfig", {})
    if log["enable"]:
        log = {"metadata": "INCLUDE_ALL_METADATA"} | log
    return _anywhere(found) | {"logConfig": log}


TARGETS = ("targetTags", "targetServiceAccounts")


def _anywhere(rule: Document) -> Document:
    """With the whole address space on the side that names nothing."""
    six = any(":" in text for key in RANGES for text in rule.get(key, []))
    everywhere = ["::/0"] if six else ["0.0.0.0/0"]
    if rule["direction"] == "INGRESS" and not any(rule.get(key) for key in SOURCES):
        return rule | {"sourceRanges": everywhere}
    if rule["direction"] == "EGRESS" and not rule.get("destinationRanges"):
        return rule | {"destinationRanges": everywhere}
    return rule


def _check_actions(rule: Document) -> None:
    lists = [key for key in ("allowed", "denied") if rule.get(key)]
    if len(lists) != 1:
        why = "Exactly one of allowed and denied must be specified."
        raise ApiError(INVALID, f"Invalid value for field 'resource.allowed': ''. {why}", reason="invalid")
    rule.pop("denied" if lists == ["allowed"] else "allowed", None)
    for index, one in enumerate(rule[lists[0]]):
        _check_action(one, f"resource.{lists[0]}[{index}]")


def _check_action(one: Document, field: str) -> None:
    protocol = one.get("IPProtocol", "")
    number = protocol.isdigit() and int(protocol) <= 255
    if protocol.lower() not in PROTOCOLS and not number:
        raise invalid(f"{field}.IPProtocol", protocol, "Must be a known protocol name or a number from 0 to 255.")
    for index, port in enumerate(one.get("ports", [])):
        match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", port)
        bounds = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if bounds[0] > bounds[1] or bounds[1] > 65535 or protocol.lower() not in WITH_PORTS:
            raise invalid(
                f"{field}.ports[{index}]", port, "Must be a valid port or port range of a protocol with ports."
            )


def _check_sides(rule: Document) -> None:
    if rule["direction"] == "EGRESS":
        for key in ("sourceTags", "sourceServiceAccounts"):
            if rule.get(key):
                raise invalid(f"resource.{key}", _first(rule[key]), f"{key} cannot be specified for EGRESS rules.")
    tags = [key for key in ("sourceTags", "targetTags") if rule.get(key)]
    accounts = [key for key in ("sourceServiceAccounts", "targetServiceAccounts") if rule.get(key)]
    if tags and accounts:
        why = f"{accounts[0]} cannot be used at the same time as {tags[0]}."
        raise invalid(f"resource.{accounts[0]}", _first(rule[accounts[0]]), why)
    for key in accounts:
        if len(rule[key]) > MOST_ACCOUNTS:
            raise invalid(
                f"resource.{key}", len(rule[key]), f"No more than {MOST_ACCOUNTS} service accounts are allowed."
            )
    for key in tags:
        for index, tag in enumerate(rule[key]):
            if not NAME.fullmatch(tag):
                raise invalid(f"resource.{key}[{index}]", tag, f"Must be a match of regex '{NAME.pattern}'")


def _check_ranges(rule: Document) -> None:
    versions: set[int] = set()
    for key in RANGES:
        if len(rule.get(key, [])) > MOST_RANGES:
            raise invalid(f"resource.{key}", len(rule[key]), f"No more than {MOST_RANGES} ranges are allowed.")
        for index, text in enumerate(rule.get(key, [])):
            try:
                versions.add(ipaddress.ip_network(text, strict=False).version)
            except ValueError:
                raise invalid(f"resource.{key}[{index}]", text, "Must be a valid CIDR address range.") from None
    if len(versions) > 1:
        key = next(key for key in RANGES if rule.get(key))
        raise invalid(f"resource.{key}", rule[key][0], "IPv4 and IPv6 ranges cannot be mixed in one rule.")


def _first(values: list[Any]) -> Any:
    return values[0]
