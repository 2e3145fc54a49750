"""Which subnets a Cloud NAT serves."""

from __future__ import annotations

from wayout.egress.model import Coverage, Nat, SubnetName

MOST_PORTS = 64_512  # of one NAT address, for TCP and for UDP each (Google's page on Cloud NAT addresses and ports)


def covers(nat: Nat, subnet: SubnetName | None) -> bool:
    """Whether a NAT gives this subnet's primary range a way to the internet. Private NATs don't count.

    None: the hidden subnet of a connector with a bare range, which no list can name (Google's page on connectors).
    """
    return nat.public and (nat.coverage != Coverage.LISTED or (subnet is not None and subnet in nat.subnets))
