"""Named situations for a network engineer to review: what there is, what is done, and the sentence that a person reads.

Every row is played through the whole story of one event (look, plan, prove, apply, tell) over a small Google Cloud in
memory. A job `nightly` of project `shop` in europe-west2 has been deployed; its profile `web` allows tcp:443 to the
internet, all traffic through the VPC, by a connector of its own, enforced. A row says what is otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest

from tests.egress.world import World, automatic_rules
from tests.egress.worlds import INTERNET, NETWORK, OURS, PROJECT, REGION, SITE, job, job_name, policy
from wayout import reconcile
from wayout.egress import naming, report
from wayout.egress.model import (
    Action,
    Address,
    Attach,
    Cause,
    Change,
    Connector,
    ConnectorName,
    ConnectorsIn,
    Coverage,
    Direction,
    Egress,
    Execution,
    FirewallPolicy,
    FirewallRule,
    Interface,
    JobTarget,
    Layer,
    Nat,
    Network,
    NetworkName,
    Outcome,
    PoliciesOf,
    PolicyRule,
    Read,
    Reserved,
    Result,
    Route,
    Router,
    RouterName,
    RuleName,
    RulesOf,
    State,
    Subnet,
    SubnetName,
    ThingTarget,
    Traffic,
    Unreadable,
    Update,
    Verb,
    Way,
    Word,
)
from wayout.egress.policy import Policy

JANE = Cause("event-1", "jane@example.com", "deployed nightly", "2026-11-23T08:00:00Z")
HTTPS = (Traffic("tcp", ("443",)),)
ALL = (Traffic("all"),)
THEIRS = ConnectorName(PROJECT, REGION, "theirs")
HOST = NetworkName("host", "shared")
BUILT = ("create 5 firewall rules, create subnet", "create connector", "create 2 firewall rules")
READY = (*BUILT, "create router, update 2 firewall rules")
ATTACHED = "the job nightly has been attached: it has no VPC egress, and the profile web gives it all-traffic"
WHOLE = (*READY, "attach job")
SHARED_NAT = (*BUILT, "attach job, update 2 firewall rules")  # whose router is somebody else's


@dataclass(frozen=True)
class Situation:
    """One row. `does`: what is done, pass by pass; `says`: what stands in the outcome; `never`: what does not."""

    name: str
    says: str
    does: tuple[str, ...] = ()
    status: str = "whole"
    there: Callable[[World], Any] | None = None
    profile: dict[str, Any] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)
    never: str = ""
    way: Way | str | None = "as its profile says"
    target: Any = None


# --- what there is ----------------------------------------------------------------------------------------------------


def egress(name: str, action: Action, priority: int, *to: str, traffic: tuple[Traffic, ...] = ALL) -> FirewallRule:
    """A rule of somebody else for everything in the network."""
    return FirewallRule(
        RuleName(PROJECT, name), NETWORK, Direction.EGRESS, action, priority, traffic, destinations=to or ("0.0.0.0/0",)
    )


def router(*nats: Nat, name: str = "edge") -> Router:
    return Router(RouterName(PROJECT, REGION, name), NETWORK, nats)


def subnet(name: str, range_: str, region: str = REGION, **more: Any) -> Subnet:
    return Subnet(SubnetName(PROJECT, region, name), NETWORK, range_, google_access=True, **more)


def connector(
    name: str = "theirs", state: State = State.READY, range_: str = ""
) -> tuple[Subnet | Connector | FirewallRule, ...]:
    """A connector of others in a subnet of its own, or with a bare range."""
    named = ConnectorName(PROJECT, REGION, name)
    if range_:
        made = Connector(named, NETWORK, state, range=range_)
        return (made, *automatic_rules(made, range_))
    under = subnet(name, "10.9.0.0/28")
    made = Connector(named, NETWORK, state, subnet=under.name)
    return (under, made, *automatic_rules(made, under.range))


def with_connector(*nats: Nat, **more: Any) -> Callable[[World], Any]:
    return lambda world: world.add(*connector(**more), *([router(*nats)] if nats else []))


def add(*things: Any) -> Callable[[World], Any]:
    return lambda world: world.add(*things)


def no_route(world: World) -> None:
    world.routes.clear()


def default_route_by_vpn(world: World) -> None:
    world.add(Route("to-vpn", NETWORK, "0.0.0.0/0", priority=100, next_hop="vpn-tunnel-1"))


def both(*steps: Callable[[World], Any]) -> Callable[[World], Any]:
    """One after the other."""

    def lay(world: World) -> None:
        for step in steps:
            step(world)

    return lay


def now(changed: Policy) -> Callable[[World], Any]:
    """The policy has been changed meanwhile."""

    def lay(world: World) -> None:
        world.policies = changed

    return lay


def unreadable(read: type[Read[Any]], grant: str) -> Callable[[World], Any]:
    return lambda world: world.unreadable.update({read: Unreadable(f"{grant} is missing", f"grant {grant}")})


def policies(*rules: PolicyRule) -> Callable[[World], Any]:
    def lay(world: World) -> None:
        world.firewall_policies = (FirewallPolicy("org-baseline", Layer.HIERARCHY, rules),)

    return lay


def refuses(kind: type[Change], thing: type | None, why: str, help_: str = "") -> Callable[[World], Any]:
    def fault(change: Change) -> Outcome | None:
        meant = isinstance(change, Attach) or thing is None or isinstance(change.thing, thing)
        hit = isinstance(change, kind) and meant
        return Outcome(change, Result.REFUSED, why, help_) if hit else None

    return lambda world: world.faults.append(fault)


def addresses(*names: str, used: bool = False) -> Callable[[World], Any]:
    return lambda world: world.addresses.update({(PROJECT, REGION): [Address(name, used=used) for name in names]})


def reserved(*ranges: str) -> Callable[[World], Any]:
    return lambda world: world.reserved.extend(Reserved(f"kept-{text}", text, "VPC_PEERING") for text in ranges)


def peer_route(text: str) -> Callable[[World], Any]:
    return lambda world: world.peer_routes.append(Route("peer-db", NETWORK, text, next_hop="peering", peering="db"))


def standing(world: World) -> None:
    """The site of `web` has stood whole for days."""
    reconcile.job(JobTarget(job_name()), JANE, world)
    world.history.clear()
    world.applied.clear()


def deserted(days: float, *executions: Execution) -> Callable[[World], Any]:
    def lay(world: World) -> None:
        standing(world)
        world.jobs.clear()
        world.idle_days[SITE] = days
        world.executions.extend(executions)

    return lay


def fought_over(world: World) -> None:
    """Somebody has deleted one of our denies three times within minutes, and we have put it back twice."""
    standing(world)
    denied = naming.rule_of(SITE, "deny-out")
    for _ in range(2):
        del world.rules[denied]
        reconcile.thing(ThingTarget(denied), Cause("heal", "max@example.com", "v1.compute.firewalls.delete"), world)
    del world.rules[denied]
    world.applied.clear()


def host(world: World) -> None:
    """A Shared VPC: the network lies in the project `host`."""
    world.add(Network(HOST), Route("default-route", HOST, "0.0.0.0/0", internet=True))
    world.automatic = False


def host_ground(world: World) -> None:
    """And an admin of the host project has made subnet, rules and NAT as told; the connector is ours."""
    host(world)
    made = replace(world, policies=policy({**SHARED, "host_writes": True}), applied=[])
    reconcile.job(JobTarget(job_name()), JANE, made)
    made.jobs[job_name()] = replace(made.jobs[job_name()], way=None)
    world.applied.clear()


def away(things: tuple[Any, ...]) -> list[Any]:
    """The same connector, of another project."""
    return [replace(one, name=AWAY) if isinstance(one, Connector) else one for one in things]


AWAY = replace(THEIRS, project="hub")
LISTING = "vpcaccess.connectors.list"
BY_RULE: dict[str, Any] = {"mode": "observe", "rules": [{"match": {}, "profile": "web", "mode": "enforce"}]}
OTHERS = [{"match": {"job": "others-*"}, "profile": "web", "mode": "enforce"}]
CNRM: dict[str, Any] = {"annotations": (("cnrm.cloud.google.com/blueprint", "x"),)}
SHARED: dict[str, Any] = {"network": str(HOST), "connector": {"project": "service"}}
INTERFACE = Interface(str(NETWORK), str(SubnetName(PROJECT, REGION, "apps")))
TERRAFORM: dict[str, Any] = {"labels": (("goog-terraform-provisioned", "true"),)}
DIRECT: dict[str, Any] = {"road": "direct"}
PRIVATE: dict[str, Any] = {
    "egress": "private-ranges-only",
    "destinations": [{"to": "10.20.0.0/24", "ports": ["tcp:5432"]}],
    "google_apis": "none",
}
APPS = subnet("apps", "10.20.0.0/20")
VPN = Route("to-office", NETWORK, "192.168.0.0/16", next_hop="vpn-tunnel-1")
NAT_ALL = Nat("nat-all", Coverage.ALL, dynamic_ports=True, min_ports=1024)
NOBODY: dict[str, Any] = {"rules": []}


def emptied(world: World) -> None:
    """Neither the job nor its network."""
    world.jobs.clear()
    world.networks.clear()


SITUATIONS = [
    # ------------------------------------------------------------------------------------------ whether, and why
    Situation(
        "a job that nothing speaks for", "no exemption, label, rule or evidence", policy=NOBODY, status="unneeded"
    ),
    Situation("a rule gives it a profile", "rule 1 gives it the profile web", WHOLE),
    Situation(
        "its label chooses a profile that labels may choose",
        "its label says wayout=web",
        WHOLE,
        profile={"labels": True},
        policy=NOBODY,
        job={"labels": (("wayout", "web"),)},
    ),
    Situation(
        "its label chooses a profile that labels may not choose",
        "its label wayout=web names no profile that labels may choose",
        policy=NOBODY,
        job={"labels": (("wayout", "web"),)},
        status="unneeded",
    ),
    Situation(
        "it is exempt",
        "exempt until 2027-01-31: moves in January (jo@example.com answers for it)",
        policy={
            "exemptions": [
                {"match": {}, "owner": "jo@example.com", "reason": "moves in January", "expires": date(2027, 1, 31)}
            ]
        },
        status="unneeded",
    ),
    Situation(
        "its exemption has expired: it counts as none and is mentioned",
        "an exemption of jo@example.com ended on 2026-01-31",
        WHOLE,
        policy={
            "exemptions": [{"match": {}, "owner": "jo@example.com", "reason": "moving", "expires": date(2026, 1, 31)}]
        },
    ),
    Situation(
        "a private address in its environment, and no rule: unclear, and what would make it clear",
        "holds the private address 10.20.0.5; no rule gives it a profile\n"
        "  blocked: projects/shop/locations/europe-west2/jobs/nightly: whether it needs a way out is unclear "
        "→ label the job wayout=PROFILE (labels may choose: none) or wayout=off, or add a rule",
        policy=NOBODY,
        job={"words": (Word("container 1, env DB", "postgres://app:hunter2@10.20.0.5/db"),)},
        status="blocked",
    ),
    Situation(
        "the same, where the policy names a profile for evidence",
        "container 1, env DB holds the private address 10.20.0.5",
        WHOLE,
        policy={"rules": [], "evidence": "web"},
        job={"words": (Word("container 1, env DB", "10.20.0.5"),)},
    ),
    Situation(
        "only secrets could speak for a need: they are not read, and that is said",
        "speaks for a way out; container 1, env PASSWORD come from secrets, whose values are not read",
        policy=NOBODY,
        job={"words": (Word("container 1, env PASSWORD", "", secret=True),)},
        status="unneeded",
    ),
    Situation(
        "the policy only observes: the plan is told, nothing is written",
        f"the subnet {OURS.connector} would be created",
        policy={"mode": "observe"},
        status="planned",
        way=None,
    ),
    Situation(
        "the policy is paused",
        "the job nightly would be attached: it has no VPC egress, and the profile web gives it all-traffic",
        policy={"paused": True},
        status="planned",
        way=None,
    ),
    Situation(
        "more sites have been changed within the hour than the policy lets",
        "3 sites have been changed within the hour, and the policy's limit is 3",
        policy={"sites_per_hour": 3},
        there=lambda world: world.touched.extend(("one", "two", "three")),
        status="blocked",
        way=None,
    ),
    Situation(
        "this site is one of those",
        ATTACHED,
        WHOLE,
        policy={"sites_per_hour": 3},
        there=lambda world: world.touched.extend(("one", "two", str(SITE))),
    ),
    # -------------------------------------------------------------------------------------- ways that it has already
    Situation(
        "it uses a working connector of somebody else",
        "nightly uses the connector theirs, not ours; it is left on it",
        there=with_connector(NAT_ALL),
        job={"way": Way(Egress.ALL, THEIRS)},
        way=Way(Egress.ALL, THEIRS),
    ),
    Situation(
        "it uses a connector of somebody else, all traffic, and no Cloud NAT covers it: left, and said to be broken",
        "all its traffic goes through the connector theirs, which no Cloud NAT covers: the internet is out of its",
        there=with_connector(),
        job={"way": Way(Egress.ALL, THEIRS)},
        status="blocked",
        way=Way(Egress.ALL, THEIRS),
    ),
    Situation(
        "it uses a connector in a network that its profile does not mean: left, and said, and nothing is built",
        "nightly uses the connector theirs, not ours; it is left on it: that leads into the network legacy, and its",
        there=add(replace(connector()[1], network=NetworkName(PROJECT, "legacy"))),
        job={"way": Way(Egress.ALL, THEIRS)},
        status="blocked",
        way=Way(Egress.ALL, THEIRS),
    ),
    Situation(
        "it uses a working connector of another project: looked for there, and left",
        "nightly uses the connector theirs, not ours; it is left on it",
        there=both(add(router(NAT_ALL)), add(*away(connector()))),
        job={"way": Way(Egress.ALL, AWAY)},
        never="does not exist",
        way=Way(Egress.ALL, AWAY),
    ),
    Situation(
        "it names a connector of another project, in which we may not look: left, with the permission",
        "whether that works cannot be known: vpcaccess.connectors.list is missing → grant vpcaccess.connectors.list",
        there=lambda world: world.hidden.update(
            {ConnectorsIn("hub", REGION): Unreadable("vpcaccess.connectors.list is missing", "grant " + LISTING)}
        ),
        job={"way": Way(Egress.ALL, AWAY)},
        never="does not exist",
        status="blocked",
        way=Way(Egress.ALL, AWAY),
    ),
    Situation(
        "it names a connector that is gone",
        "it names the connector gone, which does not exist, and its profile web takes connector",
        WHOLE,
        job={"way": Way(Egress.ALL, replace(THEIRS, connector="gone"))},
    ),
    Situation(
        "it names a connector of another region",
        "it names the connector projects/shop/locations/us-central1/connectors/theirs, which is in another region",
        WHOLE,
        job={"way": Way(Egress.ALL, replace(THEIRS, region="us-central1"))},
    ),
    Situation(
        "it names a connector that is in ERROR",
        "it names the connector theirs, which is ERROR, and its profile web takes connector",
        WHOLE,
        there=with_connector(state=State.ERROR),
        job={"way": Way(Egress.ALL, THEIRS)},
    ),
    Situation(
        "it has Direct VPC egress of its own that works",
        "nightly uses Direct VPC egress in apps, not ours; it is left on it",
        there=add(APPS, router(NAT_ALL)),
        job={"way": Way(Egress.ALL, interface=INTERFACE)},
        way=Way(Egress.ALL, interface=INTERFACE),
    ),
    Situation(
        "its Direct VPC egress names a subnet that is gone",
        "its network interface names the subnet apps, which is not in default, and its profile web takes connector",
        WHOLE,
        job={"way": Way(Egress.ALL, interface=INTERFACE)},
    ),
    Situation(
        "its Direct VPC egress names a subnet that is too small",
        "its network interface names the subnet apps, which is smaller than a /26, and its profile web takes connector",
        WHOLE,
        there=add(subnet("apps", "10.20.0.0/28")),
        job={"way": Way(Egress.ALL, interface=INTERFACE)},
    ),
    Situation(
        "its Direct VPC egress names a subnet of another region",
        "its network interface names the subnet apps, which is in another region, and its profile web takes connector",
        WHOLE,
        there=add(subnet("apps", "10.20.0.0/20", "us-central1")),
        job={
            "way": Way(Egress.ALL, interface=replace(INTERFACE, subnet=INTERFACE.subnet.replace(REGION, "us-central1")))
        },
    ),
    Situation(
        "it names both roads at once",
        "it names a connector and a network interface at once, and the profile web gives it one road",
        WHOLE,
        there=lambda world: world.add(APPS, *connector()),
        job={"way": Way(Egress.ALL, THEIRS, INTERFACE)},
    ),
    Situation(
        "the right connector with the wrong egress",
        "its egress is private-ranges-only, and the profile web says all-traffic",
        ("attach job",),
        there=both(
            standing,
            lambda world: world.add(replace(world.jobs[job_name()], way=Way(Egress.PRIVATE, OURS), etag="")),
        ),
    ),
    # ------------------------------------------------------------------------------------------ connectors of others
    Situation(
        "a connector of others may be adopted, and fits",
        "the connector theirs is adopted as it is: READY, 0 of at most 20 jobs attached; it is not tightened by us",
        ("attach job",),
        there=with_connector(NAT_ALL),
        profile={"adopt": {"connectors": ["th*"]}},
        way=Way(Egress.ALL, THEIRS),
    ),
    Situation(
        "the connector that may be adopted is full",
        "the connector theirs is not adopted: 1 jobs are attached and 1 would come, with at most 1 allowed",
        SHARED_NAT,
        there=both(
            with_connector(NAT_ALL), add(job("daily", labels=(("wayout", "off"),), way=Way(Egress.ALL, THEIRS)))
        ),
        profile={"adopt": {"connectors": ["*"], "max_jobs": 1}},
    ),
    Situation(
        "the connector that may be adopted has no NAT",
        "the connector theirs is not adopted: no Cloud NAT covers its subnet theirs",
        WHOLE,
        there=with_connector(),
        profile={"adopt": {"connectors": ["*"]}},
    ),
    Situation(
        "the connector that may be adopted is not READY",
        "the connector theirs is not adopted: it is ERROR",
        WHOLE,
        there=with_connector(state=State.ERROR),
        profile={"adopt": {"connectors": ["*"]}},
    ),
    Situation(
        "a connector made from a bare range cannot be named by a NAT's list",
        "no list can name the hidden subnet of its bare range",
        WHOLE,
        there=with_connector(range_="10.9.0.0/28"),
        profile={"adopt": {"connectors": ["*"]}},
    ),
    Situation(
        "a bare range and no adoption: said to be unfit, and ours is made",
        "connectors with a bare range (theirs) are unfit for tight rules",
        WHOLE,
        there=with_connector(range_="10.9.0.0/28"),
    ),
    Situation(
        "more profiles than the policy allows in one network and region",
        "let web take the direct road, or raise profiles_per_network (now 1)",
        there=lambda world: world.add(
            *connector("wayout-00000000"),
        ),
        policy={"profiles_per_network": 1},
        status="blocked",
        way=None,
    ),
    # ------------------------------------------------------------------------------------------ Cloud NAT
    Situation(
        "a NAT for all subnets is there already",
        "Cloud NAT nat-all on edge, not ours, covers the subnet already",
        SHARED_NAT,
        there=add(router(NAT_ALL)),
    ),
    Situation(
        "a NAT that covers it has few ports",
        "its 64 ports per VM look short",
        SHARED_NAT,
        there=add(router(Nat("small", Coverage.ALL_PRIMARY, min_ports=64))),
    ),
    Situation(
        "a NAT lists other subnets: ours stands beside it, and theirs is left alone",
        "while our NAT lists its subnets, no NAT for all subnets can be added",
        WHOLE,
        there=add(APPS, router(Nat("listed", subnets=(APPS.name,)))),
    ),
    Situation(
        "a private NAT does not count",
        f"web allows the internet, and no Cloud NAT covers {OURS.connector} in europe-west2",
        WHOLE,
        there=add(router(Nat("inter", Coverage.ALL, public=False))),
    ),
    Situation(
        "the profile's reserved addresses do not exist",
        "gcloud compute addresses create out-1 --region=europe-west2 --project=shop",
        profile={"nat": {"addresses": ["out-1"]}},
        status="blocked",
        way=None,
    ),
    Situation(
        "the profile's reserved addresses are in use by another NAT",
        "the reserved addresses out-1 are in use by Cloud NAT listed on edge",
        there=both(
            addresses("out-1", used=True), add(APPS, router(Nat("listed", subnets=(APPS.name,), addresses=("out-1",))))
        ),
        profile={"nat": {"addresses": ["out-1"]}},
        status="blocked",
        way=None,
    ),
    Situation(
        "one reserved address has too few ports for the connector's machines",
        "1 reserved addresses have ports for 1 machines at 32768 each, and 3 may run",
        there=addresses("out-1"),
        profile={"nat": {"addresses": ["out-1"], "min_ports": 32768}},
        status="blocked",
        way=None,
    ),
    Situation(
        "no default route", "no route leads to the default internet gateway", there=no_route, status="blocked", way=None
    ),
    Situation(
        "a default route to a VPN wins",
        "the route to-vpn (priority 100) sends 0.0.0.0/0 to vpn-tunnel-1, past any Cloud NAT",
        there=default_route_by_vpn,
        status="blocked",
        way=None,
    ),
    Situation(
        "private ranges only: no NAT is needed, and none is made",
        "→ 8 firewall rules (tcp:5432 to 10.20.0.0/24) → its destinations",
        (
            "create 6 firewall rules, create subnet",
            "create connector",
            "create 2 firewall rules",
            "attach job, update 2 firewall rules",
        ),
        there=add(APPS),
        profile=PRIVATE,
    ),
    # ------------------------------------------------------------------------------------------ ranges
    Situation(
        "the pool is partly taken: by a subnet elsewhere, a reserved range and a peer",
        "10.127.0.16/28 is free in the pool 10.127.0.0/26",
        WHOLE,
        there=both(
            add(subnet("far", "10.127.0.0/28", "us-central1")), reserved("10.127.0.32/28"), peer_route("10.127.0.48/28")
        ),
        profile={"pool": ["10.127.0.0/26"]},
    ),
    Situation(
        "the pool is full: who holds it, and what would free it",
        "no /28 is free in the pool 10.127.0.0/28: it is taken up by 10.127.0.0/28 by the subnet far in us-central1",
        there=add(subnet("far", "10.127.0.0/28", "us-central1")),
        profile={"pool": ["10.127.0.0/28"]},
        status="blocked",
        way=None,
    ),
    Situation(
        "a range that is reserved for a service behind a peering is never taken",
        "it is taken up by 10.127.0.0/28 by the reserved range kept-10.127.0.0/28",
        there=reserved("10.127.0.0/28"),
        profile={"pool": ["10.127.0.0/28"]},
        status="blocked",
        way=None,
    ),
    # ------------------------------------------------------------------------------------------ rules of others
    Situation(
        "a deny of somebody else would be out-ranked",
        "would out-rank this deny, which is not ours",
        there=add(egress("no-web", Action.DENY, 1000, traffic=HTTPS)),
        status="blocked",
        way=None,
    ),
    Situation(
        "the policy names the deny that may be out-ranked",
        ATTACHED,
        WHOLE,
        there=add(egress("no-web", Action.DENY, 1000, traffic=HTTPS)),
        profile={"outranks": ["no-web"]},
    ),
    Situation(
        "a deny of somebody else above our allows cuts what the job has now",
        "would cut tcp:443 to 8.8.8.2 for nightly, which its profile allows and it reaches now",
        there=add(egress("no-web", Action.DENY, 200, "8.8.8.0/24", traffic=HTTPS)),
        status="blocked",
        way=None,
    ),
    Situation(
        "an allow of somebody else above our denies would let the job out wider than its profile",
        "have allow-all narrowed, or let web say tolerates: [allow-all] if it is meant",
        there=add(VPN, egress("allow-all", Action.ALLOW, 500)),
        status="blocked",
        way=None,
    ),
    Situation(
        "the policy tolerates that allow: attached, and said to be not tight",
        "not tight: the firewall rule allow-all at 500, not ours",
        WHOLE,
        there=add(VPN, egress("allow-all", Action.ALLOW, 500)),
        profile={"tolerates": ["allow-*"]},
    ),
    Situation(
        "a hierarchical policy allows what the profile does not",
        "have org-baseline narrowed, or let web say tolerates: [org-baseline] if it is meant",
        there=both(
            add(VPN), policies(PolicyRule(10, Direction.EGRESS, Verb.ALLOW, ALL, destinations=("192.168.0.0/16",)))
        ),
        status="blocked",
        way=None,
    ),
    Situation(
        "a hierarchical policy decides by names, which nobody can foretell",
        "cannot be known: by rule 10 of the firewall policy org-baseline, which matches by destFqdns decides",
        there=policies(
            PolicyRule(10, Direction.EGRESS, Verb.DENY, HTTPS, destinations=("0.0.0.0/0",), unclear=("destFqdns",))
        ),
        status="blocked",
        way=None,
    ),
    Situation(
        "a hierarchical policy that leaves the decision to the network",
        "firewall policies in force on default: org-baseline",
        WHOLE,
        there=policies(PolicyRule(10, Direction.EGRESS, Verb.NEXT, ALL)),
    ),
    Situation(
        "Google refuses to retire its broad rules: ours out-rank them all the same",
        "our rules out-rank it all the same",
        WHOLE,
        there=refuses(Update, FirewallRule, "The resource is managed by Serverless VPC Access"),
    ),
    # ------------------------------------------------------------------------------------------ Direct VPC egress
    Situation(
        "the direct road",
        f"nightly → Direct VPC egress in {OURS.connector}-direct → subnet 10.127.49.0/26 → 4 firewall rules",
        ("create subnet", "create 2 firewall rules", "create 2 firewall rules", "create router", "attach job"),
        profile=DIRECT,
    ),
    Situation(
        "auto, where Cloud NAT is in play: a connector, since direct starts may take half a minute longer",
        f"the connector {OURS.connector} has been created: the profile web has no connector in europe-west2 yet",
        WHOLE,
        profile={"road": "auto"},
    ),
    Situation(
        "auto, where everything is private: the direct road",
        f"nightly → Direct VPC egress in {OURS.connector}-direct → subnet 10.127.49.0/26 → 5 firewall rules",
        ("create subnet", "create 3 firewall rules", "create 2 firewall rules", "attach job"),
        there=add(APPS),
        profile={**PRIVATE, "road": "auto"},
    ),
    Situation(
        "a profile changes its road: the job moves in one write, the connector stays until nobody uses it",
        f"it is on the connector {OURS.connector}, and its profile web takes Direct VPC egress",
        ("create subnet", "create 2 firewall rules", "create 2 firewall rules", "update router", "attach job"),
        there=both(standing, now(policy(DIRECT))),
        profile={},
        way=Way(
            Egress.ALL,
            interface=Interface(str(NETWORK), str(naming.subnet_of(SITE, "direct")), (naming.direct_tag_of(SITE),)),
        ),
    ),
    # ------------------------------------------------------------------------------------------ Shared VPC
    Situation(
        "a host project in which we may write nothing: the exact command for its admin",
        "gcloud compute networks subnets create wayout-",
        there=host,
        profile=SHARED,
        status="blocked",
        way=None,
    ),
    Situation(
        "an admin has made it all: nothing is left to write in the host project",
        ATTACHED,
        ("attach job",),
        there=host_ground,
        profile=SHARED,
    ),
    Situation(
        "a host project in which the policy lets us write",
        "lets Google's serverless infrastructure reach the connector",
        (*BUILT, "create router", "attach job"),
        there=host,
        profile={**SHARED, "host_writes": True},
    ),
    # ------------------------------------------------------------------------------------------ who else has a say
    Situation(
        "Terraform has the job: its site is made ready, and it is told what to put into its source",
        "its way out is ready → put this into its source, or let the policy say managed: act\n# google_cloud_run",
        READY,
        job=TERRAFORM,
        status="blocked",
        way=None,
    ),
    Situation(
        "Terraform has the job, and the policy says to act all the same",
        ATTACHED,
        WHOLE,
        job=TERRAFORM,
        policy={"managed": "act"},
    ),
    Situation(
        "Config Connector has the job: its site is made ready, and it is told what to put into its source",
        "its source is Config Connector (annotation cnrm.cloud.google.com/blueprint), which would undo our change",
        READY,
        job=CNRM,
        status="blocked",
        way=None,
    ),
    Situation(
        "somebody deletes our deny again and again: after the second round the site rests, and says who",
        "max@example.com changed it back each time → agree with max@example.com; then deploy a job of the site again",
        there=fought_over,
        target=ThingTarget(naming.rule_of(SITE, "deny-out")),
        status="blocked",
    ),
    Situation(
        "we may not act as the job's service account: the exact binding",
        "gcloud iam service-accounts add-iam-policy-binding app@shop.iam.gserviceaccount.com",
        WHOLE,
        there=refuses(
            Attach,
            None,
            "Permission 'iam.serviceaccounts.actAs' denied on service account app@shop.iam.gserviceaccount.com",
            "run: gcloud iam service-accounts add-iam-policy-binding app@shop.iam.gserviceaccount.com --member=…",
        ),
        job={"service_account": "app@shop.iam.gserviceaccount.com"},
        status="refused",
        way=None,
    ),
    Situation(
        "the deploy was refused by the organisation policy: the site is made ready, and the flags are told",
        f"deploy it again with --vpc-connector=projects/shop/locations/europe-west2/connectors/{OURS.connector}",
        READY,
        there=lambda world: world.jobs.clear(),
        target=JobTarget(job_name(), refused=True),
    ),
    Situation(
        "the same where nothing can be made ready: the flags are told for later",
        "once its way out stands, deploy it again with --vpc-connector=",
        there=emptied,
        target=JobTarget(job_name(), refused=True),
        status="blocked",
    ),
    # ------------------------------------------------------------------------------------------ end of life
    Situation(
        "nobody uses the site any more: reported, with its cost",
        f"no job and no execution uses the connector {OURS.connector} for 3 days; it costs about $12 a month",
        there=deserted(3),
        target=SITE,
    ),
    Situation(
        "nobody has used it for longer than the policy lets it stand: taken down in order",
        f"the connector {OURS.connector} has been removed: no job and no execution uses it, and the profile web",
        ("remove connector", "remove 13 firewall rules", "remove router", "remove subnet"),
        there=deserted(8),
        profile={"idle": "remove"},
        target=SITE,
    ),
    Situation(
        "an execution still runs on it: nothing is taken down",
        "it is kept while nightly-1, an execution of nightly is on it",
        there=deserted(8, Execution(job_name(), "nightly-1", Way(Egress.ALL, OURS))),
        profile={"idle": "remove"},
        target=SITE,
    ),
    Situation(
        "a job needs it no longer and is still attached: left and reported",
        "attached, though the policy gives no need for it; left as it is",
        there=both(standing, now(policy(rules=[]))),
        target=SITE,
    ),
    Situation(
        "the same, where the profile detaches",
        "the job nightly has been detached: the policy gives it no need for web, and says to detach such jobs",
        ("detach job",),
        never="it is kept while nightly is on it",
        there=both(standing, now(policy({"detach": True}, rules=[]))),
        target=SITE,
        way=None,
    ),
    Situation(
        "only a rule says enforce, and nobody uses the site any more: taken down all the same",
        f"the connector {OURS.connector} has been removed: no job and no execution uses it, and the profile web",
        ("remove connector", "remove 13 firewall rules", "remove router", "remove subnet"),
        there=deserted(8),
        profile={"idle": "remove"},
        policy=BY_RULE,
        target=SITE,
    ),
    Situation(
        "only a rule says enforce, and of another job: who needs it no longer is detached all the same",
        "the job nightly has been detached: the policy gives it no need for web, and says to detach such jobs",
        ("detach job",),
        there=both(standing, now(policy({"detach": True}, mode="observe", rules=OTHERS))),
        target=SITE,
        way=None,
    ),
    Situation(
        "nothing says enforce: that nothing is done about it is said",
        "nothing is done about that: no rule that leads to web, nor web or the policy, says mode: enforce",
        there=both(deserted(8), now(policy({"idle": "remove"}, mode="observe"))),
        target=SITE,
        status="planned",
    ),
    # ------------------------------------------------------------------------------------------ honest eyes
    Situation(
        "the firewall rules cannot be read",
        "cannot be judged: compute.firewalls.list is missing → grant compute.firewalls.list",
        there=unreadable(RulesOf, "compute.firewalls.list"),
        status="blocked",
        way=None,
    ),
    Situation(
        "the firewall policies cannot be read",
        "network: cannot be judged: compute.networks.getEffectiveFirewalls is missing → grant",
        there=unreadable(PoliciesOf, "compute.networks.getEffectiveFirewalls"),
        status="blocked",
        way=None,
    ),
    Situation(
        "the network does not exist",
        "network default: it does not exist → create the network default in project shop, name another one in",
        there=both(lambda world: world.networks.clear(), no_route),
        status="blocked",
        way=None,
    ),
]


def lay(row: Situation) -> World:
    world = World(policy(row.profile, **row.policy)).add(Network(NETWORK), INTERNET)
    world.add(job(**row.job))
    if row.there:
        row.there(world)
    world.applied.clear()
    return world


def play(row: Situation, world: World) -> Any:
    match row.target:
        case ThingTarget():
            (ending,) = reconcile.thing(row.target, Cause("event-1", "max@example.com", "touched"), world)
        case None | JobTarget():
            ending = reconcile.job(row.target or JobTarget(job_name()), JANE, world)
        case site:
            found = reconcile.whole_site(site, Cause("sweep"), world)
            assert found
            ending = found
    return ending.said


def passes(world: World) -> list[str]:
    """What is going to be done, in words, filled in as it happens: each pass one text, its changes counted and sorted,
    since they are made side by side."""
    found, plain = [], world.apply

    def apply(changes: Sequence[Change], *, deadline: float, seed: str) -> Sequence[Outcome]:
        said = (report.change_fields(change) for change in changes)
        kinds = Counter(f"{one['verb']} {{}}{one['kind']}{{}}" for one in said)
        words = (kind.format(*((f"{count} ", "s") if count > 1 else ("", ""))) for kind, count in kinds.items())
        found.append(", ".join(sorted(words)))
        return plain(changes, deadline=deadline, seed=seed)

    world.apply = apply  # type: ignore[method-assign]
    return found


@pytest.mark.parametrize("row", SITUATIONS, ids=lambda row: row.name)
def test_a_situation_ends_as_a_network_engineer_would_have_it(row: Situation) -> None:
    world = lay(row)
    done = passes(world)
    said = play(row, world)
    words = "\n".join(report.lines(said))
    assert said.status == row.status, words
    assert row.says in words, words
    assert not row.never or row.never not in words, words
    assert tuple(done) == row.does, words
    if row.way != "as its profile says" and job_name() in world.jobs:
        assert world.jobs[job_name()].way == row.way, words


def test_there_are_as_many_situations_as_names() -> None:
    assert len({row.name for row in SITUATIONS}) == len(SITUATIONS) >= 40
