"""What in a job speaks for a need of a way out, quoted with its place. Of a value only address or host is quoted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address

from wayout.egress import ranges
from wayout.egress.model import Job

_ADDRESS = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_INTERNAL = re.compile(r"(?<![\w.-])(?:[a-z0-9-]+\.)+internal(?![\w-])", re.IGNORECASE)
_VIRTUAL = re.compile(r"(?<![\w.-])(?:private|restricted)\.googleapis\.com(?![\w-])", re.IGNORECASE)
_USERINFO = re.compile(r"[^\s/,;\"']*@")  # what stands before an @ may be a password
METADATA = "metadata.google.internal"  # answered on the host itself; never a need


def speaking(job: Job) -> Iterator[str]:
    """What in the job's own words speaks for a need, each with its place."""
    for word in job.words:
        text = _USERINFO.sub("@", "" if word.secret else word.text)
        for address in _ADDRESS.findall(text):
            if _private(address):
                yield f"{word.place} holds the private address {address}"
        for host in _INTERNAL.findall(text):
            if host.lower() != METADATA:
                yield f"{word.place} holds the internal host {host}"
        for host in _VIRTUAL.findall(text):
            yield f"{word.place} names {host.lower()}, which only a VPC leads to"


def unread(job: Job) -> str:
    """What might speak and is not read: the places of secrets; empty where there are none."""
    places = [word.place for word in job.words if word.secret]
    if not places:
        return ""
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return f"{', '.join(places[:3])}{more} come from secrets, whose values are not read"


def _private(address: str) -> bool:
    try:
        found = IPv4Address(address)
    except ValueError:
        return False
    return any(found in ranges.parse(private) for private in ranges.PRIVATE)
