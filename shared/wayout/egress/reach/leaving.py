"""What leaves by an internet gateway, or by Google's own path.

Sources: facts.md section 5 (Cloud NAT, Private Google Access) and Google's page on blocked traffic.
"""

from __future__ import annotations

from functools import lru_cache

from wayout.egress import ranges
from wayout.egress.coverage import covers
from wayout.egress.model import Egress, Nat, Router
from wayout.egress.reach.ground import Ground
from wayout.egress.reach.packet import Answer, Hop
from wayout.egress.reach.sender import Sender
from wayout.egress.reach.spans import Spans

_METADATA = ("169.254.169.254/32",)
_VIRTUAL = ("199.36.153.4/30", "199.36.153.8/30")  # of Google APIs; private-ranges-only counts them in
# Where the default domains of Google APIs are, beside the range of direct connectivity: blocks of goog.json that
# cloud.json lacks (Google's page on IP addresses of default domains).
_GOOGLE = ("34.126.0.0/18", "74.125.0.0/16", "142.250.0.0/15", "172.217.0.0/16", "173.194.0.0/16", "216.239.32.0/19")
_RESOLVERS = ("8.8.8.0/24", "8.8.4.0/24")  # Google's public DNS: in goog.json, and no API
TOLD_APART = (*_METADATA, *ranges.PRIVATE, *ranges.SPECIAL, *_VIRTUAL, *_GOOGLE, *_RESOLVERS)  # whatever is looked at
METADATA, PRIVATE, SPECIAL = Spans(_METADATA), Spans(ranges.PRIVATE), Spans(ranges.SPECIAL)
VIRTUAL, GOOGLE, RESOLVERS = Spans(_VIRTUAL), Spans(_GOOGLE), Spans(_RESOLVERS)
TRANSLATED = ("tcp", "udp", "icmp")  # what Cloud NAT carries
MAIL = 25


def through_vpc(egress: Egress, destination: int) -> bool:
    """Whether a job's packet enters the VPC: everything, or private ranges and the virtual addresses of Google APIs."""
    return egress == Egress.ALL or destination in PRIVATE or destination in VIRTUAL


@lru_cache(maxsize=65536)
def place(destination: int) -> tuple[bool, ...]:
    """Everything of an address that is looked at here; two with the same place fare alike."""
    return tuple(destination in known for known in (METADATA, PRIVATE, SPECIAL, VIRTUAL, GOOGLE, RESOLVERS))


def directly(destination: int, protocol: str, port: int) -> Hop:
    """By Google's own path: to the internet, and to nothing private."""
    what = "Google's own path"
    if destination in PRIVATE or destination in SPECIAL:
        return Hop(what, "a private or special address is not on the internet, and nothing leads there", Answer.NO)
    if destination in VIRTUAL:
        said = "a virtual address of Google APIs: whether it answers without a VPC is not documented"
        return Hop(what, said, Answer.UNKNOWN)
    if protocol == "tcp" and port == MAIL:
        return Hop(what, "Google blocks tcp:25 to the internet", Answer.NO)
    if protocol not in TRANSLATED:
        return Hop(what, f"whether {protocol} passes is not documented", Answer.UNKNOWN)
    return Hop(what, "the internet is reached, and no rule of the VPC speaks of it", Answer.YES)


def leave(ground: Ground, sender: Sender, destination: int, protocol: str, port: int) -> Hop:
    """By the default internet gateway: Private Google Access where it leads to Google, else Cloud NAT."""
    gateway = "internet gateway"
    if destination in PRIVATE or destination in SPECIAL:
        return Hop(gateway, "a private or special address is not on the internet", Answer.NO)
    if protocol == "tcp" and port == MAIL:
        return Hop(gateway, "Google blocks tcp:25 to external addresses", Answer.NO)
    nat = _nat(ground, sender)
    if (destination in VIRTUAL or destination in GOOGLE) and (found := _google(sender, nat, destination, protocol)):
        return found
    if nat is not None:
        return _translated(nat, protocol)
    if destination in RESOLVERS and sender.google_access is not False and protocol in TRANSLATED:
        said = "no Cloud NAT covers its subnet, and whether Private Google Access leads there is not documented"
        return Hop("Cloud NAT", said, Answer.UNKNOWN)
    which = sender.subnet.subnet if sender.subnet else f"the hidden subnet of {sender.range}"
    google = "; Google's own services would answer all the same" if sender.google_access else ""
    return Hop("Cloud NAT", f"no public Cloud NAT of {ground.region} covers {which}{google}", Answer.NO)


def _nat(ground: Ground, sender: Sender) -> tuple[Router, Nat] | None:
    found = ((router, nat) for router in ground.routers for nat in router.nats if covers(nat, sender.subnet))
    return next(found, None)


def _translated(found: tuple[Router, Nat], protocol: str) -> Hop:
    router, nat = found
    by = f"{router.name}/{nat.name}"
    if protocol not in TRANSLATED:
        return Hop("Cloud NAT", f"{nat.name} carries tcp, udp and icmp, and no {protocol}", Answer.NO, by)
    return Hop("Cloud NAT", f"{nat.name} on {router.name.router} covers its subnet", Answer.YES, by)


def _google(sender: Sender, nat: tuple[Router, Nat] | None, destination: int, protocol: str) -> Hop | None:
    """What Private Google Access does; None where it does nothing, and the address is on the internet as well.

    It is in effect for whatever range a public NAT serves, too (Google's page on Cloud NAT).
    """
    what, by, virtual = "Private Google Access", str(sender.subnet or ""), destination in VIRTUAL
    if virtual and protocol != "tcp":
        return Hop(what, f"Google APIs answer there by HTTP over TCP only, not by {protocol}", Answer.NO, by)
    if sender.google_access:
        return Hop(what, "it is on in the sender's subnet, and Google APIs answer there", Answer.YES, by)
    if nat is not None:
        router, gateway = nat
        said = f"in effect for every range that a public NAT serves ({gateway.name})"
        return Hop(what, said, Answer.YES, f"{router.name}/{gateway.name}")
    if sender.google_access is None:
        return Hop(what, "whether a hidden subnet has it cannot be seen", Answer.UNKNOWN)
    return Hop(what, "it is off in the sender's subnet, and no NAT serves it", Answer.NO, by) if virtual else None
