"""Which packets of a job's next execution arrive, asked over the wire in worlds that were made over the wire.

A row is a world, a packet, the verdict, the hop that decides; its id is the reason. Sources: F1..F8 are the sections
of the project's notes on Google's texts, R "Routes", N "Cloud NAT product interactions", A "Configure Private Google
Access", E "Evaluation order for firewall policies and rules", V "VPC firewall rules", P "VPC Network Peering".
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localcloud.probeworlds import WORLDS, world_of
from tests.localcloud.probing import Ground

OUT, IN, PGA = "egress firewall", "ingress firewall", "private google access"
Row = tuple[str, str, str, str, str]
ROWS: list[Row] = [
    # F9: without VPC access everything goes by Google's own path
    ("bare", "tcp:443 203.0.112.1", "delivered", "internet", "the internet needs no VPC"),
    ("bare", "udp:53 8.8.8.8", "delivered", "internet", "udp does not either"),
    ("bare", "icmp 203.0.112.1", "delivered", "internet", "nor does icmp"),
    ("bare", "tcp:5432 10.20.0.5", "dropped", "internet", "a private address is not reached from outside"),
    ("bare", "tcp:443 100.64.0.1", "dropped", "internet", "nor is one of RFC 6598"),
    ("bare", "tcp:443 240.0.0.1", "dropped", "internet", "nor is one of class E"),
    ("bare", "udp:443 224.0.0.1", "dropped", "internet", "nor a group"),
    ("bare", "tcp:25 203.0.112.1", "dropped", "always blocked", "V: mail to external addresses is blocked"),
    ("bare", "tcp:80 169.254.169.254", "delivered", "metadata server", "V: metadata is always allowed"),
    ("bare", "tcp:443 199.36.153.8", "unknown", "internet", "no text on VIPs from Google's own path"),
    # F3, F9: PRIVATE_RANGES_ONLY is the default
    ("private ranges only", "tcp:443 203.0.112.1", "delivered", "internet", "public packets do not enter the VPC"),
    ("private ranges only", "tcp:25 203.0.112.1", "dropped", "always blocked", "mail is blocked on that path too"),
    ("private ranges only", "tcp:5432 10.20.0.5", "delivered", "destination", "F1a: sbntfw lets the connector in"),
    ("private ranges only", "tcp:5432 10.64.3.4", "delivered", "destination", "R: a secondary range is a subnet route"),
    ("private ranges only", "tcp:443 172.16.0.1", "dropped", "internet", "the gateway leads to no private address"),
    ("private ranges only", "tcp:443 192.168.0.1", "dropped", "internet", "not to 192.168 either"),
    ("private ranges only", "tcp:443 100.64.0.1", "dropped", "internet", "RFC 6598 goes through the VPC"),
    ("private ranges only", "tcp:443 199.36.153.10", "dropped", PGA, "VIPs go through the VPC, and PGA is off"),
    ("private ranges only", "tcp:80 169.254.169.254", "delivered", "metadata server", "metadata with a connector"),
    # F5, F9: ALL_TRAFFIC needs a public NAT for the internet
    ("all traffic", "tcp:443 203.0.112.1", "dropped", "nat", "no external address and no NAT"),
    ("all traffic", "tcp:443 142.250.0.1", "dropped", "nat", "Google APIs need NAT or PGA as well"),
    ("all traffic", "tcp:5432 10.20.0.5", "delivered", "destination", "what is inside needs no NAT"),
    ("all traffic", "tcp:5432 10.20.0.0", "dropped", "subnet", "the network address is nobody's"),
    ("all traffic", "tcp:5432 10.20.0.1", "dropped", "subnet", "the gateway address is nobody's"),
    ("all traffic", "tcp:5432 10.20.255.254", "dropped", "subnet", "the second to last is nobody's"),
    ("all traffic", "tcp:5432 10.20.0.2", "delivered", "destination", "the third is somebody's"),
    ("all traffic", "tcp:5432 10.64.0.0", "delivered", "destination", "a secondary range reserves nothing"),
    ("nat", "tcp:443 203.0.112.1", "delivered", "internet", "N: the gateway serves the listed subnet"),
    ("nat", "icmp 203.0.112.1", "delivered", "internet", "N: icmp is translated too"),
    ("nat", "tcp:25 203.0.112.1", "dropped", "always blocked", "NAT does not help mail"),
    ("nat", "tcp:443 199.36.153.8", "delivered", PGA, "N: NAT turns PGA on for its ranges"),
    ("nat", "tcp:443 142.250.0.1", "delivered", PGA, "N: NAT never translates for Google APIs"),
    ("nat", "tcp:443 10.99.0.1", "dropped", "internet", "an unknown private address leads nowhere"),
    ("nat of another subnet", "tcp:443 203.0.112.1", "dropped", "nat", "F5: a list must name our subnet"),
    ("nat of a secondary range", "tcp:443 203.0.112.1", "dropped", "nat", "F5: machines use the primary range"),
    ("nat of everything", "tcp:443 203.0.112.1", "delivered", "internet", "F5: ALL_IP_RANGES covers"),
    ("nat of all primaries", "tcp:443 203.0.112.1", "delivered", "internet", "F5: ALL_PRIMARY_IP_RANGES covers"),
    ("nat in another region", "tcp:443 203.0.112.1", "dropped", "nat", "F5: a gateway has one region"),
    ("nat of another network", "tcp:443 203.0.112.1", "dropped", "nat", "F5: a gateway has one network"),
    ("private nat", "tcp:443 203.0.112.1", "dropped", "nat", "F5: only public gateways count"),
    ("google access", "tcp:443 199.36.153.4", "delivered", PGA, "A: restricted.googleapis.com"),
    ("google access", "tcp:443 142.250.0.1", "delivered", PGA, "A: a default domain's address"),
    ("google access", "udp:53 8.8.8.8", "unknown", PGA, "Google's resolvers are no API"),
    ("google access", "tcp:443 203.0.112.1", "dropped", "nat", "PGA leads to Google only"),
    ("range mode", "tcp:443 203.0.112.1", "dropped", "nat", "F2: a hidden subnet without NAT"),
    ("range mode", "tcp:443 199.36.153.8", "unknown", PGA, "nothing is said of PGA on a hidden subnet"),
    ("range mode", "tcp:5432 10.20.0.5", "delivered", "destination", "inside it makes no difference"),
    ("range mode, nat of everything", "tcp:443 203.0.112.1", "delivered", "internet", "F5: only ALL_* covers it"),
    # F2, F3: the connector must be usable
    ("creating", "tcp:443 203.0.112.1", "dropped", "connector", "the connector is still being made"),
    ("creating", "tcp:80 169.254.169.254", "dropped", "connector", "no execution, no metadata"),
    ("failed", "tcp:443 203.0.112.1", "dropped", "connector", "its creation failed"),
    ("gone", "tcp:5432 10.20.0.5", "dropped", "connector", "somebody deleted it: not refused"),
    ("another region", "tcp:443 203.0.112.1", "dropped", "connector", "F2: region must equal the job's"),
    ("updating", "tcp:443 203.0.112.1", "delivered", "internet", "an update does not stop it"),
    # R says how routes are chosen
    ("no default route", "tcp:443 203.0.112.1", "dropped", "route", "NAT without a route is of no use"),
    ("no default route", "tcp:443 199.36.153.8", "dropped", "route", "nor is PGA"),
    ("no default route", "tcp:5432 10.20.0.5", "delivered", "destination", "subnets have their own routes"),
    ("route to the VIP alone", "tcp:443 199.36.153.8", "delivered", PGA, "A: a route to the VIP is enough"),
    ("route to the VIP alone", "tcp:443 199.36.153.4", "dropped", "route", "the other VIP has none"),
    ("more routes", "tcp:443 198.18.0.1", "unknown", "route", "a tunnel leads out of this cloud"),
    ("more routes", "tcp:443 203.0.114.1", "unknown", "route", "the longer prefix wins: an appliance"),
    ("more routes", "tcp:443 203.0.115.1", "delivered", "internet", "a route for others' tags is not ours"),
    ("more routes", "tcp:443 203.0.116.1", "unknown", "route", "a route for our tag is"),
    ("more routes", "tcp:443 203.0.117.1", "delivered", "internet", "of one prefix the smaller priority wins"),
    ("more routes", "tcp:443 203.0.118.1", "unknown", "route", "two ways of one strength"),
    ("more routes", "tcp:5432 10.20.0.5", "delivered", "destination", "a subnet route beats all, whatever priority"),
    ("more routes", "tcp:443 10.99.0.1", "unknown", "route", "the rest of 10/8 goes to an appliance"),
    # P says what peers share
    ("peered on one side", "tcp:443 10.30.0.5", "dropped", "internet", "a link needs both sides"),
    ("peered", "tcp:443 10.32.0.5", "dropped", "internet", "the peer does not export its routes"),
    ("peered", "tcp:443 203.0.112.1", "dropped", "nat", "nor are its public ranges imported"),
    ("peered, with routes", "tcp:443 10.32.0.5", "unknown", "route", "if it does, they lead beyond it"),
    ("peered", "tcp:443 10.30.0.5", "delivered", "destination", "the peer's rule lets our range in"),
    ("peered", "tcp:80 10.30.0.5", "dropped", IN, "tags mean nothing across a peering"),
    ("peered", "tcp:22 10.30.0.5", "dropped", IN, "our automatic rules are not the peer's"),
    ("peered with a stranger", "tcp:443 10.31.0.5", "unknown", IN, "nobody here knows the peer's rules"),
    ("a peer's static route", "tcp:443 10.31.0.5", "unknown", "route", "it leads beyond the peer"),
    ("a peer's static route", "tcp:443 10.20.7.5", "delivered", "destination", "subnets come before all else"),
    ("a peer's route not imported", "tcp:443 10.31.0.5", "dropped", "internet", "it is as if it were not there"),
    # V, F8: VPC firewall rules for packets that leave
    ("narrow", "tcp:443 203.0.112.1", "delivered", "internet", "an allow with a smaller number wins"),
    ("narrow", "tcp:22 203.0.112.1", "dropped", OUT, "the deny holds, a disabled allow does not"),
    ("narrow", "udp:443 203.0.112.1", "dropped", OUT, "tcp is not udp"),
    ("narrow", "tcp:5431 10.20.1.5", "dropped", OUT, "one below the range of ports"),
    ("narrow", "tcp:5432 10.20.1.5", "delivered", "destination", "the first of the range, protocol by number"),
    ("narrow", "tcp:5434 10.20.1.5", "delivered", "destination", "the last of the range"),
    ("narrow", "tcp:5435 10.20.1.5", "dropped", OUT, "one above the range"),
    ("narrow", "tcp:5432 10.20.2.5", "dropped", OUT, "outside of destinationRanges"),
    ("narrow", "udp:53 9.9.9.9", "delivered", "internet", "a protocol without ports: every port"),
    ("narrow", "icmp 9.9.9.9", "delivered", "internet", "icmp has none"),
    ("narrow", "tcp:8080 203.0.112.1", "dropped", OUT, "on a tie the deny wins"),
    ("narrow", "tcp:9000 203.0.112.1", "delivered", "internet", "no targets: every machine"),
    ("narrow", "tcp:9001 203.0.112.1", "delivered", "internet", "the tag of all connectors"),
    ("narrow", "tcp:9002 203.0.112.1", "dropped", OUT, "somebody else's tag"),
    ("narrow", "tcp:9003 203.0.112.1", "dropped", OUT, "a connector has no account of ours"),
    ("narrow", "tcp:9004 203.0.112.1", "delivered", "internet", "F8: sourceRanges on EGRESS"),
    ("narrow", "tcp:9005 203.0.112.1", "dropped", OUT, "sourceRanges of somebody else"),
    ("narrow", "tcp:9006 203.0.112.1", "unknown", "source", "half of the machines"),
    ("narrow", "tcp:9007 203.0.112.1", "dropped", OUT, "addresses that no machine has"),
    ("narrow", "tcp:9008 203.0.112.1", "dropped", OUT, "a rule for IPv6"),
    ("narrow", "icmp 203.0.112.1", "dropped", OUT, "icmp to elsewhere"),
    ("narrow", "tcp:443 199.36.153.8", "delivered", PGA, "the rules are asked before PGA"),
    ("narrow", "tcp:80 169.254.169.254", "delivered", "metadata server", "no rule stops metadata"),
    ("last rules", "tcp:443 203.0.112.1", "dropped", OUT, "a deny of 65535 beats the implied allow"),
    ("last rules", "tcp:443 10.20.0.5", "dropped", OUT, "inside as well"),
    ("last rules", "tcp:444 10.20.0.5", "unknown", IN, "an allow of 65535 ties with the implied deny"),
    ("last rules", "tcp:445 10.20.0.5", "dropped", IN, "and what it does not allow is denied"),
    # F1: what a connector cannot live without
    ("cut off", "tcp:443 203.0.112.1", "dropped", "connector", "F1e: a deny under 100 beats earfw"),
    ("half cut off", "tcp:443 203.0.112.1", "unknown", "connector", "a part of Google's range is denied"),
    ("no way back", "tcp:443 203.0.112.1", "dropped", "connector", "rsgfw is gone"),
    # what a connector may reach inside (F1e)
    ("tight", "tcp:5432 10.20.0.5", "delivered", "destination", "F1e: allowed for the target's tag"),
    ("tight", "tcp:5432 10.20.0.7", "dropped", IN, "F1e: the deny outranks sbntfw"),
    ("tight", "tcp:443 10.20.0.6", "delivered", "destination", "allowed for the target's account"),
    ("tight", "tcp:443 10.20.0.5", "dropped", IN, "another machine has no such account"),
    ("tight", "tcp:443 10.20.9.5", "delivered", "destination", "F8: destinationRanges on INGRESS"),
    ("tight", "tcp:80 10.20.0.7", "dropped", IN, "a connector is no source account"),
    ("no automatic rules", "tcp:5432 10.20.0.5", "dropped", IN, "V: the implied deny"),
    ("invisible rules", "tcp:5432 10.20.0.5", "delivered", "destination", "they act all the same"),
    ("invisible rules outranked", "tcp:5432 10.20.0.5", "dropped", IN, "and are outranked all the same"),
    # F1c, F2: Shared VPC
    ("shared", "tcp:5432 10.20.0.5", "delivered", "destination", "the host's rule by source tag"),
    ("shared", "tcp:443 203.0.112.1", "delivered", "internet", "the host's NAT"),
    ("shared, cut off", "tcp:5432 10.20.0.5", "dropped", "connector", "F1e: a deny at 900 beats the allow at 1000"),
    # F6: Direct VPC egress
    ("direct", "tcp:443 203.0.112.1", "delivered", "internet", "NAT of the job's subnet"),
    ("direct", "tcp:22 203.0.112.1", "dropped", OUT, "its tags count in egress rules"),
    ("direct", "tcp:23 203.0.112.1", "dropped", OUT, "so does its account"),
    ("direct", "tcp:443 10.20.0.5", "dropped", IN, "its tags do not count in ingress rules"),
    ("direct", "tcp:81 10.20.0.5", "dropped", IN, "nor does its account"),
    ("direct", "tcp:5432 10.20.0.5", "delivered", "destination", "its subnet's range does"),
    ("direct", "tcp:80 10.20.0.5", "unknown", "source", "half of its range is half of the time"),
    ("direct, too small", "tcp:443 203.0.112.1", "dropped", "network interface", "/26 or larger"),
    ("direct, network alone", "tcp:443 203.0.112.1", "dropped", "nat", "the subnet has the network's name"),
    ("direct, wrong network", "tcp:443 203.0.112.1", "dropped", "network interface", "not a subnet of that network"),
    ("direct, another region", "tcp:443 203.0.112.1", "dropped", "network interface", "a subnet of another region"),
    ("direct, no such subnet", "tcp:443 203.0.112.1", "dropped", "network interface", "there is no such subnet"),
    # firewall policies (E)
    ("policies", "tcp:1001 203.0.112.1", "delivered", "internet", "the hierarchy comes before the rules"),
    ("policies", "tcp:1002 203.0.112.1", "dropped", OUT, "the network's policy comes after them"),
    ("policies first", "tcp:1002 203.0.112.1", "delivered", "internet", "or before them, as the network says"),
    ("policies", "tcp:443 203.0.113.7", "dropped", OUT, "a destination of a policy"),
    ("policies", "tcp:2001 10.20.0.5", "delivered", "destination", "goto_next leaves the policy at once"),
    ("policies", "tcp:2002 10.20.0.5", "unknown", OUT, "who knows that name's addresses"),
    ("policies", "tcp:2003 10.20.0.5", "delivered", "destination", "allowed with that name and without it"),
    ("policies", "tcp:2004 203.0.113.9", "dropped", OUT, "an address is as good as a name"),
    ("policies", "tcp:2005 10.20.0.5", "unknown", OUT, "a secure tag"),
    ("policies", "tcp:2006 10.20.0.5", "delivered", "destination", "a policy for an account is not a connector's"),
    ("policies", "tcp:2007 10.20.0.5", "delivered", "destination", "nor is one for another network"),
    ("policies", "tcp:2008 10.20.0.5", "delivered", "destination", "nor is a disabled one"),
    ("policies", "tcp:2012 10.20.0.5", "delivered", "destination", "nor is one for load balancers"),
    ("policies", "tcp:2009 10.20.0.5", "unknown", OUT, "an inspection"),
    ("policies", "tcp:2010 10.20.0.5", "unknown", OUT, "an address group"),
    ("policies", "tcp:2011 10.20.0.5", "unknown", OUT, "a network context"),
    ("policies", "tcp:3000 10.20.0.5", "dropped", OUT, "the network's policy denies"),
    ("policies", "tcp:2013 10.20.0.5", "unknown", OUT, "a region code"),
]


@pytest.fixture(scope="module")
def stage(request: pytest.FixtureRequest) -> Iterator[Ground]:
    with world_of(request.param) as found:
        yield found


@pytest.mark.parametrize(
    ("stage", "packet", "verdict", "hop"),
    [
        pytest.param(*row[:4], id=f"{row[0]}: {row[4]}")
        for row in sorted(ROWS, key=lambda row: list(WORLDS).index(row[0]))
    ],
    indirect=["stage"],
    scope="module",
)
def test_a_packet_fares_as_google_says(stage: Ground, packet: str, verdict: str, hop: str) -> None:
    found = stage.probe(packet)
    assert (found["verdict"], found["hops"][-1]["hop"]) == (verdict, hop), found
