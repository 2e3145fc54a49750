"""Worlds for probes, each by a name that says how it differs from the usual ground."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from localcloud.clock import Clock
from localcloud.server import LocalCloud
from tests.localcloud.probing import (
    ACCOUNT,
    CONNECTOR,
    HOST,
    HTTPS,
    JOB,
    NONE,
    OTHER,
    PROJECT,
    REGION,
    TAG,
    Fields,
    Ground,
    ports,
)


def ground(g: Ground, egress: str = "ALL_TRAFFIC", **connector: Any) -> None:
    """A network with a database's subnet, a connector in its own, and a job that uses it."""
    g.network()
    g.subnet("out", "10.8.0.0/28")
    g.subnet("data", "10.20.0.0/16", secondaryIpRanges=[{"rangeName": "pods", "ipCidrRange": "10.64.0.0/16"}])
    g.connector(**connector)
    g.job({"connector": CONNECTOR} | ({"egress": egress} if egress else {}))


def grounded(*steps: Callable[[Ground], None]) -> Callable[[Ground], None]:
    """The ground with something more."""

    def world(g: Ground) -> None:
        ground(g)
        for step in steps:
            step(g)

    return world


def bare(g: Ground) -> None:
    g.network()
    g.subnet("data", "10.20.0.0/16")
    g.job()


def private_only(g: Ground) -> None:
    ground(g, egress="")


def natted(g: Ground) -> None:
    ground(g)
    g.nat("out")


def google_access(g: Ground) -> None:
    ground(g)
    path = f"regions/{REGION}/subnetworks/out/setPrivateIpGoogleAccess"
    g.compute("POST", path, {"privateIpGoogleAccess": True})


def range_mode(g: Ground) -> None:
    ground(g, network="net", ipCidrRange="10.9.0.0/28")


def range_mode_all(g: Ground) -> None:
    range_mode(g)
    g.nat(sourceSubnetworkIpRangesToNat="ALL_SUBNETWORKS_ALL_IP_RANGES")


def creating(g: Ground) -> None:
    ground(g)
    path = f"v1/{CONNECTOR}"
    g.call("DELETE", "vpcaccess", path)
    g.local.cloud.clock.idle = False
    g.connector(settle=False)


def failed(g: Ground) -> None:
    g.network()
    g.subnet("out", "10.8.0.0/24")
    g.connector()
    g.local.cloud.switches["run.checks_connector"] = False
    g.job({"connector": CONNECTOR, "egress": "ALL_TRAFFIC"})


def gone(g: Ground) -> None:
    ground(g)
    g.call("DELETE", "vpcaccess", f"v1/{CONNECTOR}")


def updating(g: Ground) -> None:
    natted(g)
    g.local.cloud.clock.idle = False
    g.call(
        "PATCH", "vpcaccess", f"v1/{CONNECTOR}?updateMask=machineType", {"machineType": "e2-standard-4"}, settle=False
    )


def elsewhere(g: Ground) -> None:
    ground(g)
    g.local.cloud.switches["run.checks_connector"] = False
    g.call("DELETE", "run", f"v2/{JOB}")
    g.job({"connector": CONNECTOR.replace(REGION, OTHER)})
    table = g.local.cloud.table("vpcaccess.connectors")
    there = CONNECTOR.replace(REGION, OTHER)
    table[there] = table[CONNECTOR] | {"name": there}


def no_default_route(g: Ground) -> None:
    natted(g)
    g.compute("DELETE", f"global/routes/{g.default_route()}")


def vip_route(g: Ground) -> None:
    google_access(g)
    g.compute("DELETE", f"global/routes/{g.default_route()}")
    g.route("vip", "199.36.153.8/30", nextHopGateway="global/gateways/default-internet-gateway")


def vpn_route(g: Ground) -> None:
    natted(g)
    tunnel = f"regions/{REGION}/vpnTunnels/tunnel"
    g.route("partner", "198.18.0.0/15", nextHopVpnTunnel=tunnel)
    g.route("office", "203.0.114.0/24", nextHopIp="10.20.0.9")
    g.route("tagged-others", "203.0.115.0/24", nextHopIp="10.20.0.9", tags=["proxy"])
    g.route("tagged-ours", "203.0.116.0/24", nextHopIp="10.20.0.9", tags=[TAG])
    g.route("weak", "203.0.117.0/24", nextHopIp="10.20.0.9", priority=2000)
    g.route("strong", "203.0.117.0/24", nextHopGateway="global/gateways/default-internet-gateway", priority=100)
    g.route("other-half", "203.0.118.0/24", nextHopGateway="global/gateways/default-internet-gateway", priority=100)
    g.route("half", "203.0.118.0/24", nextHopIp="10.20.0.9", priority=100)
    g.route("wide", "10.0.0.0/8", nextHopIp="10.20.0.9", priority=0)


def half_peered(g: Ground) -> None:
    ground(g)
    g.network("theirs")
    g.subnet("theirs", "10.30.0.0/24", network="theirs")
    g.subnet("bought", "203.0.112.0/24", network="theirs")
    g.rule("in", network="theirs", sourceRanges=["10.8.0.0/28"], allowed=HTTPS)
    tagged: Fields = {"sourceTags": [TAG], "allowed": ports("80")}
    g.rule("by-tag", network="theirs", **tagged)
    g.route("far", "10.32.0.0/24", network="global/networks/theirs", nextHopIp="10.30.0.9")
    g.link("net", "theirs", importCustomRoutes=True)


def peered(g: Ground) -> None:
    half_peered(g)
    g.link("theirs", "net")


def peered_with_routes(g: Ground) -> None:
    half_peered(g)
    g.link("theirs", "net", exportCustomRoutes=True)


def narrow(g: Ground) -> None:
    """Deny everything, then allow a little at smaller numbers."""
    natted(g)
    g.egress("deny", **NONE)
    g.egress("https", allowed=HTTPS, priority=800)
    g.egress(
        "db", allowed=[{"IPProtocol": "6", "ports": ["5432-5434"]}], destinationRanges=["10.20.1.0/24"], priority=800
    )
    g.egress("dns", allowed=[{"IPProtocol": "udp"}], destinationRanges=["9.9.9.9/32"], priority=800)
    g.egress("off", allowed=ports("22"), priority=700, disabled=True)
    g.egress("tie-allow", allowed=ports("8080"), priority=600)
    g.egress("tie-deny", denied=ports("8080"), priority=600)
    g.egress("everybody", targetTags=[], allowed=ports("9000"), priority=500)
    g.egress("universal", targetTags=["vpc-connector"], allowed=ports("9001"), priority=500)
    g.egress("others", targetTags=["web"], allowed=ports("9002"), priority=500)
    by_account = {"targetTags": [], "targetServiceAccounts": [ACCOUNT]}
    g.egress("account", **by_account, allowed=ports("9003"), priority=500)
    ours, theirs = {"sourceRanges": ["10.8.0.0/28"]}, {"sourceRanges": ["10.7.0.0/28"]}
    g.egress("from-us", **ours, allowed=ports("9004"), priority=500)
    g.egress("from-them", **theirs, allowed=ports("9005"), priority=500)
    half = {"sourceRanges": ["10.8.0.0/29"]}
    g.egress("from-half", **half, allowed=ports("9006"), priority=500)
    edge = {"sourceRanges": ["10.8.0.0/31", "10.8.0.14/31"]}
    g.egress("from-reserved", **edge, allowed=ports("9007"), priority=500)
    g.egress("six", destinationRanges=["::/0"], allowed=ports("9008"), priority=500)
    g.egress("ping", allowed=[{"IPProtocol": "icmp"}], destinationRanges=["9.9.9.9/32"], priority=500)


def last_rule(g: Ground) -> None:
    natted(g)
    g.egress("last", denied=HTTPS, priority=65535)
    g.rule("last-in", priority=65535, sourceTags=[TAG], allowed=ports("444"))
    for suffix in ("sbntfw", "tagfw"):
        g.compute("DELETE", f"global/firewalls/aet-europewest2-out-{suffix}")


def cut_off(g: Ground) -> None:
    natted(g)
    g.egress("too-strong", **NONE, priority=50)


def half_cut_off(g: Ground) -> None:
    natted(g)
    g.egress("too-strong", **NONE, priority=50, destinationRanges=["35.199.224.0/20"])


def no_way_back(g: Ground) -> None:
    natted(g)
    g.compute("DELETE", "global/firewalls/aet-europewest2-out-rsgfw")


def tight(g: Ground) -> None:
    """Google's own recipe for limiting what a connector may reach: a deny under 1000, an allow under that."""
    ground(g)
    g.rule("deny", priority=990, sourceTags=[TAG], **NONE)
    g.rule("allow", priority=980, sourceTags=[TAG], targetTags=["db"], allowed=ports("5432"))
    account: Fields = {"sourceRanges": ["10.8.0.0/28"], "targetServiceAccounts": [ACCOUNT]}
    g.rule("allow-account", priority=980, **account, allowed=HTTPS)
    g.rule("to-range", priority=980, sourceTags=[TAG], destinationRanges=["10.20.9.0/24"], allowed=HTTPS)
    by_account: Fields = {"sourceServiceAccounts": [ACCOUNT]}
    g.rule("from-account", priority=970, **by_account, allowed=ports("80"))
    g.target("database", "10.20.0.5", tags=["db"])
    g.target("server", "10.20.0.6", serviceAccount=ACCOUNT)


def no_automatic(g: Ground) -> None:
    ground(g)
    for suffix in ("sbntfw", "tagfw"):
        g.compute("PATCH", f"global/firewalls/aet-europewest2-out-{suffix}", {"disabled": True})


def invisible(g: Ground) -> None:
    g.local.cloud.switches["connector.visible_rules"] = False
    ground(g)
    assert g.local.cloud.table("compute.firewalls") == {}


def invisible_but_outranked(g: Ground) -> None:
    invisible(g)
    g.rule("deny", priority=990, sourceTags=[TAG], **NONE)


def shared(g: Ground) -> None:
    """A connector of a service project on the host's subnet; the host makes the rules by hand, as it is told to."""
    g.network(project=HOST)
    g.subnet("out", "10.8.0.0/28", project=HOST)
    g.subnet("data", "10.20.0.0/16", project=HOST)
    control = [
        {"IPProtocol": "tcp", "ports": ["667"]},
        {"IPProtocol": "udp", "ports": ["665-666"]},
        {"IPProtocol": "icmp"},
    ]
    common: dict[str, Any] = {"project": HOST, "targetTags": ["vpc-connector"]}
    g.rule("serverless-to-vpc-connector", **common, sourceRanges=["35.199.224.0/19"], allowed=control)
    out: Fields = {"direction": "EGRESS", "destinationRanges": ["35.199.224.0/19"], "allowed": control}
    g.rule("vpc-connector-to-serverless", **common, **out)
    checks = ["35.191.0.0/16", "35.191.192.0/18", "130.211.0.0/22"]
    g.rule("vpc-connector-health-checks", **common, sourceRanges=checks, allowed=control[:1])
    every = [{"IPProtocol": word} for word in ("tcp", "udp", "icmp")]
    g.rule("vpc-connector-requests", project=HOST, sourceTags=["vpc-connector"], allowed=every)
    g.connector(subnet={"name": "out", "projectId": HOST})
    g.job({"connector": CONNECTOR, "egress": "ALL_TRAFFIC"})
    g.nat("out", project=HOST)


def shared_and_cut_off(g: Ground) -> None:
    shared(g)
    g.rule("deny", project=HOST, direction="EGRESS", targetTags=[TAG], priority=900, **NONE)


def direct(g: Ground, **interface: Any) -> None:
    """Direct VPC egress: the job's own interface in a subnet."""
    g.network()
    g.subnet("net", "10.40.0.0/26")
    g.subnet("small", "10.41.0.0/28")
    g.subnet("far", "10.42.0.0/26", region=OTHER)
    g.network("other")
    g.subnet("data", "10.20.0.0/16")
    tagged = interface or {"network": "net", "subnetwork": "net", "tags": ["job"]}
    g.job({"networkInterfaces": [tagged], "egress": "ALL_TRAFFIC"})


def direct_ruled(g: Ground) -> None:
    direct(g)
    g.nat("net")
    g.rule("out", direction="EGRESS", targetTags=["job"], denied=ports("22"))
    own: Fields = {"direction": "EGRESS", "targetServiceAccounts": [ACCOUNT]}
    g.rule("account", **own, denied=ports("23"))
    g.rule("by-tag", sourceTags=["job"], allowed=HTTPS)
    g.rule("by-range", sourceRanges=["10.40.0.0/26"], allowed=ports("5432"))
    g.rule("by-half", sourceRanges=["10.40.0.0/27"], allowed=ports("80"))
    own_account: Fields = {"sourceServiceAccounts": [ACCOUNT]}
    g.rule("by-account", **own_account, allowed=ports("81"))


def out(action: str, **match: Any) -> dict[str, Any]:
    """A policy's rule for packets that leave, of every protocol unless `match` says otherwise."""
    layer4 = match.pop("layer4", [{"ipProtocol": "all"}])
    return {"action": action, "direction": "EGRESS", "match": {"layer4Configs": layer4, **match}}


def tcp(*ports: str) -> list[dict[str, Any]]:
    return [{"ipProtocol": "tcp", "ports": list(ports)}]


def policies(g: Ground) -> None:
    natted(g)
    g.egress("classic", denied=ports("1000-1999"))
    top = [
        out("allow", srcIpRanges=["10.8.0.0/28"], layer4=tcp("1001")),
        out("deny", destIpRanges=["203.0.113.7/32"], layer4=tcp("443")),
        out("goto_next", layer4=tcp("2001")),
        out("deny", layer4=tcp("2001")),
        out("deny", destFqdns=["example.com"], layer4=tcp("2002")),
        out("allow", destFqdns=["example.com"], layer4=tcp("2003")),
        out("deny", destFqdns=["example.com"], destIpRanges=["203.0.113.9/32"], layer4=tcp("2004")),
        out("allow", layer4=tcp("2005")) | {"targetSecureTags": [{"name": "tagValues/1"}]},
        out("deny", layer4=tcp("2005")),
        out("deny", layer4=tcp("2006")) | {"targetServiceAccounts": [ACCOUNT]},
        out("deny", layer4=tcp("2007")) | {"targetResources": [f"projects/{PROJECT}/global/networks/other"]},
        out("deny", layer4=tcp("2008")) | {"disabled": True},
        out("apply_security_profile_group", layer4=tcp("2009")),
        out("deny", srcAddressGroups=["group"], layer4=tcp("2010")),
        out("deny", destNetworkContext="INTERNET", layer4=tcp("2011")),
        out("deny", layer4=tcp("2012")) | {"targetType": "INTERNAL_MANAGED_LB"},
    ]
    g.policy(*top, kind="HIERARCHY", name="top")
    bottom = [
        out("allow", layer4=tcp("1002")),
        out("deny", layer4=tcp("3000")),
        out("deny", destRegionCodes=["FR"], layer4=tcp("2013")),
    ]
    g.policy(*bottom, name="bottom")


def policies_before(g: Ground) -> None:
    policies(g)
    g.compute("PATCH", "global/networks/net", {"networkFirewallPolicyEnforcementOrder": "BEFORE_CLASSIC_FIREWALL"})


def nat_world(*subnets: str, **fields: Any) -> Callable[[Ground], None]:
    return grounded(lambda g: g.nat(*subnets, **fields))


def secondary(g: Ground) -> None:
    g.network()
    g.subnet("out", "10.8.0.0/28", secondaryIpRanges=[{"rangeName": "more", "ipCidrRange": "10.65.0.0/24"}])
    g.connector()
    g.job({"connector": CONNECTOR, "egress": "ALL_TRAFFIC"})
    only = {"name": f"regions/{REGION}/subnetworks/out", "sourceIpRangesToNat": ["LIST_OF_SECONDARY_IP_RANGES"]}
    g.nat(subnetworks=[only | {"secondaryIpRangeNames": ["more"]}])


def private_nat(g: Ground) -> None:
    natted(g)
    found = g.local.cloud.table("compute.routers")[f"projects/{PROJECT}/regions/{REGION}/routers/router"]
    gateway = found["nats"][0] | {"type": "PRIVATE"}
    g.compute("PATCH", f"regions/{REGION}/routers/router", {"nats": [gateway]})


def other_network(g: Ground) -> None:
    ground(g)
    g.network("other")
    g.nat(network="other", sourceSubnetworkIpRangesToNat="ALL_SUBNETWORKS_ALL_IP_RANGES")


STATIC = "STATIC_PEERING_ROUTE"
EVERY = {"sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_IP_RANGES"}
PRIMARY = {"sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS_ALL_PRIMARY_IP_RANGES"}
WORLDS: dict[str, Callable[[Ground], None]] = {
    "bare": bare,
    "private ranges only": private_only,
    "all traffic": grounded(),
    "nat": natted,
    "nat of another subnet": nat_world("data"),
    "nat of a secondary range": secondary,
    "nat of everything": nat_world(**EVERY),
    "nat of all primaries": nat_world(**PRIMARY),
    "nat in another region": nat_world(region=OTHER, **EVERY),
    "nat of another network": other_network,
    "private nat": private_nat,
    "google access": google_access,
    "range mode": range_mode,
    "range mode, nat of everything": range_mode_all,
    "creating": creating,
    "failed": failed,
    "gone": gone,
    "updating": updating,
    "another region": elsewhere,
    "no default route": no_default_route,
    "route to the VIP alone": vip_route,
    "more routes": vpn_route,
    "peered on one side": half_peered,
    "peered": peered,
    "peered, with routes": peered_with_routes,
    "peered with a stranger": grounded(lambda g: g.peer("10.31.0.0/24")),
    "a peer's static route": grounded(lambda g: g.peer("10.31.0.0/24", "10.20.7.0/24", kind=STATIC)),
    "a peer's route not imported": grounded(lambda g: g.peer("10.31.0.0/24", kind=STATIC, imported=False)),
    "narrow": narrow,
    "last rules": last_rule,
    "cut off": cut_off,
    "half cut off": half_cut_off,
    "no way back": no_way_back,
    "tight": tight,
    "no automatic rules": no_automatic,
    "invisible rules": invisible,
    "invisible rules outranked": invisible_but_outranked,
    "shared": shared,
    "shared, cut off": shared_and_cut_off,
    "direct": direct_ruled,
    "direct, too small": lambda g: direct(g, network="net", subnetwork="small"),
    "direct, network alone": lambda g: direct(g, network="net"),
    "direct, wrong network": lambda g: direct(g, network="other", subnetwork="net"),
    "direct, another region": lambda g: direct(g, subnetwork=f"projects/{PROJECT}/regions/{OTHER}/subnetworks/far"),
    "direct, no such subnet": lambda g: direct(g, network="net", subnetwork="nowhere"),
    "policies": policies,
    "policies first": policies_before,
}


@contextmanager
def world_of(name: str) -> Iterator[Ground]:
    """One of the worlds, while it lasts."""
    with LocalCloud(projects={PROJECT: "123456789012", HOST: "210987654321"}, clock=Clock()) as local:
        found = Ground(local)
        WORLDS[name](found)
        yield found
