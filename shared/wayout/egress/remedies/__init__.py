"""One module per kind of resource on the way out. REMEDIES is the order of work, and the only list of them."""

from wayout.egress.remedies import (
    attachment,
    automatic,
    closing,
    connector,
    dns,
    leftovers,
    nat,
    network,
    opening,
    subnet,
)
from wayout.egress.remedies.remedy import Remedy, Verdict, Want

REMEDIES: tuple[Remedy, ...] = (
    network.REMEDY,
    subnet.REMEDY,
    dns.REMEDY,
    opening.REMEDY,
    leftovers.REMEDY,
    connector.REMEDY,
    closing.REMEDY,
    automatic.REMEDY,
    nat.REMEDY,
    attachment.REMEDY,
)

__all__ = ["REMEDIES", "Remedy", "Verdict", "Want"]
