"""The texts that a policy holds, each with the one spelling that it is kept in."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from wayout.egress.model import NetworkName

NAME = r"^[a-z][a-z0-9-]{0,61}[a-z0-9]$"


def _range(text: str) -> str:
    return str(IPv4Network(text))


def _destination(text: str) -> str:
    if text == "internet" or re.fullmatch(NAME, text):
        return text
    try:
        return _range(text)
    except ValueError as error:
        said = "write a range such as 10.20.0.0/16, the name of a set, or internet"
        raise ValueError(f"{error}; {said}") from error


def _traffic(text: str) -> str:
    """The one spelling of a protocol and its ports: no zeros in front, no range of one port, nothing twice."""
    protocol, colon, ports = text.partition(":")
    if re.fullmatch(r"[0-9]{1,3}", protocol) and int(protocol) <= 255:
        protocol = str(int(protocol))
    elif protocol not in ("tcp", "udp", "icmp", "sctp", "esp", "ah", "all"):
        raise ValueError(f"{protocol!r} is no protocol; write tcp, udp, icmp, sctp, esp, ah, all or a number")
    if ports and protocol not in ("tcp", "udp", "sctp"):
        raise ValueError(f"{protocol} has no ports")
    spans = sorted({_span(port) for port in ports.split(",")} if colon else ())
    return protocol + ":" * bool(spans) + ",".join(f"{low}" if low == high else f"{low}-{high}" for low, high in spans)


def _span(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", text)
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
    if not low <= high <= 65535:
        raise ValueError(f"{text!r} is no port or range of ports between 0 and 65535")
    return low, high


def _network(text: str) -> str:
    """A short name as it stands; Google's own forms, URLs too, as `projects/P/global/networks/N`."""
    found = re.fullmatch(r"(?:https://\S+/|/)?projects/([a-z0-9][a-z0-9.:-]*)/global/networks/([^/]+)", text)
    project, name = (found[1], found[2]) if found else ("", text)
    if not re.fullmatch(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?", name):
        said = "write its name in the job's own project, or projects/PROJECT/global/networks/NETWORK"
        raise ValueError(f"{text!r} is no network; {said}")
    return str(NetworkName(project, name)) if project else name


def _written(raw: Any) -> Any:
    """A number or `true` where a text is meant: whoever writes YAML need not know which words it takes for others."""
    return str(raw).lower() if isinstance(raw, int) else raw


Range = Annotated[str, AfterValidator(_range)]
Place = Annotated[str, AfterValidator(_destination)]
Ports = Annotated[str, AfterValidator(_traffic)]
NetworkText = Annotated[str, AfterValidator(_network)]
SetName = Annotated[str, Field(pattern=NAME)]
ProfileName = Annotated[str, Field(pattern=NAME)]
Written = Annotated[str, BeforeValidator(_written, json_schema_input_type=str | int | bool)]
