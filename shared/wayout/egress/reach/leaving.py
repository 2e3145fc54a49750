"""What leaves by an internet gateway, or by Google's own path.

Sources: facts.md section 5 (Cloud NAT, Private Google Access) and Google's page on blocked traffic.
"""

from __future__ import annotations

from wayout.egress import ranges
from wayout.egress.coverage import covers
from wayout.egress.model import Egress
from wayout.egress.reach.ground import Ground
from wayout.egress.reach.packet import Answer, Hop
from wayout.egress.reach.sender import Sender
from wayout.egress.reach.spans import Spans

METADATA = Spans(["169.254.169.254/32"])
PRIVATE = Spans(ranges.PRIVATE)
SPECIAL = Spans(ranges.SPECIAL)
VIRTUAL = Spans(["199.36.153.4/30", "199.36.153.8/30", "34.126.0.0/18"])  # of Google APIs
TRANSLATED = ("tcp", "udp", "icmp")  # what Cloud NAT carries
MAIL = 25


def through_vpc(egress: Egress, destination: int) -> bool:
    """Whether a job's packet enters the VPC: everything, or private ranges and the virtual addresses of Google APIs."""
    return egress == Egress.ALL or destination in PRIVATE or destination in VIRTUAL


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
    """By the default internet gateway: Private Google Access for Google's virtual addresses, else Cloud NAT."""
    if destination in PRIVATE or destination in SPECIAL:
        return Hop("internet gateway", "a private or special address is not on the internet", Answer.NO)
    if destination in VIRTUAL:
        return _google(sender, protocol, port)
    if protocol == "tcp" and port == MAIL:
        return Hop("internet gateway", "Google blocks tcp:25 to external addresses", Answer.NO)
    for router in ground.routers:
        for nat in router.nats:
            if covers(nat, sender.subnet):
                by = f"{router.name}/{nat.name}"
                if protocol not in TRANSLATED:
                    return Hop("Cloud NAT", f"{nat.name} carries tcp, udp and icmp, and no {protocol}", Answer.NO, by)
                return Hop("Cloud NAT", f"{nat.name} on {router.name.router} covers its subnet", Answer.YES, by)
    which = sender.subnet.subnet if sender.subnet else f"the hidden subnet of {sender.range}"
    google = "; Google's own services would answer all the same" if sender.google_access else ""
    return Hop("Cloud NAT", f"no public Cloud NAT of {ground.region} covers {which}{google}", Answer.NO)


def _google(sender: Sender, protocol: str, port: int) -> Hop:
    what, by = "Private Google Access", str(sender.subnet or "")
    if sender.google_access is None:
        return Hop(what, "whether a hidden subnet has it cannot be seen", Answer.UNKNOWN)
    if not sender.google_access:
        return Hop(what, "it is off in the sender's subnet", Answer.NO, by)
    if protocol != "tcp" or port not in (80, 443):
        return Hop(
            what, f"Google APIs answer on tcp:443 there; {protocol}:{port} is not documented", Answer.UNKNOWN, by
        )
    return Hop(what, "it is on in the sender's subnet, and Google APIs answer there", Answer.YES, by)
