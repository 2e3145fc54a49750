"""A small Google Cloud in memory, of frozen values: it answers looks and takes changes as Google does.

It is written from Google's text (automatic rules, NAT and subnet constraints, etags), and knows nothing of how a plan
is made. It is also the `Parts` of a reconcile.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from ipaddress import IPv4Network
from typing import Any

from wayout.egress.marks import mark, revived, sides
from wayout.egress.model import (
    Absent,
    Action,
    Address,
    AddressesIn,
    Attach,
    Cause,
    Change,
    Connector,
    ConnectorName,
    ConnectorsIn,
    Coverage,
    Create,
    Direction,
    Execution,
    ExecutionsIn,
    FirewallPolicy,
    FirewallRule,
    FoldersOf,
    HistoryOf,
    IdleSince,
    Interface,
    Job,
    JobAt,
    JobName,
    JobsIn,
    Layer,
    Network,
    NetworkAt,
    NetworkName,
    Outcome,
    Past,
    PeerRoutesOf,
    PoliciesOf,
    Present,
    Quota,
    Read,
    RegionPoliciesOf,
    Remove,
    Reserved,
    ReservedIn,
    Result,
    Route,
    Router,
    RouterName,
    RoutersOf,
    RoutesOf,
    RuleName,
    RuleQuotaOf,
    RulesOf,
    Sighting,
    Site,
    SitesTouched,
    State,
    Subnet,
    SubnetName,
    SubnetsOf,
    Traffic,
    Unreadable,
    Update,
    Written,
    WrittenBy,
    Zone,
    ZonesOf,
    kind,
    subject,
    verb,
)
from wayout.egress.policy import Policy
from wayout.turns import Turn

US = "wayout@home.iam.gserviceaccount.com"
SERVERLESS = ("35.199.224.0/19",)
HEALTH = ("35.191.0.0/16", "35.191.192.0/18", "130.211.0.0/22")
ALIVE = (Traffic("tcp", ("667",)), Traffic("udp", ("665-666",)), Traffic("icmp"))
BUT_ALIVE = (Traffic("tcp", ("1-666", "668-65535")), Traffic("udp", ("1-664", "667-65535")))
ANYTHING = (Traffic("tcp"), Traffic("udp"), Traffic("icmp"))
RULE_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")

Fault = Callable[[Change], Outcome | None]


def tag_of(connector: ConnectorName) -> str:
    """The unique tag, in the words of Google's page: vpc-connector-REGION-NAME."""
    return f"vpc-connector-{connector.region}-{connector.connector}"


def automatic_rules(made: Connector, range_: str, *, hyphens: str = "--") -> tuple[FirewallRule, ...]:
    """The six rules that Google makes for a connector in the network's own project."""
    name = made.name
    stem = f"aet-{name.region.replace('-', '')}-{name.connector.replace('-', hyphens)}"
    tag = tag_of(name)

    def rule(suffix: str, direction: Direction, action: Action, priority: int, **more: Any) -> FirewallRule:
        of = RuleName(name.project, f"{stem}-{suffix}")
        return FirewallRule(of, made.network, direction, action, priority, **more)

    into, out, allow = Direction.INGRESS, Direction.EGRESS, Action.ALLOW
    tags = {"target_tags": (tag,)}
    return (
        rule("hcfw", into, allow, 100, traffic=(Traffic("tcp", ("667",)),), sources=HEALTH, **tags),
        rule("rsgfw", into, allow, 100, traffic=ALIVE, sources=SERVERLESS, **tags),
        rule("earfw", out, allow, 100, traffic=ALIVE, destinations=SERVERLESS, **tags),
        rule("egrfw", out, Action.DENY, 100, traffic=BUT_ALIVE, destinations=SERVERLESS, **tags),
        rule("sbntfw", into, allow, 1000, traffic=ANYTHING, sources=(range_,)),
        rule("tagfw", into, allow, 1000, traffic=ANYTHING, source_tags=(tag,)),
    )


@dataclass(frozen=True)
class Record:
    """A line of the ledger."""

    site: Site
    change: Change
    result: str
    run: str
    cause: str


@dataclass
class World:
    """What there is. `unreadable`: what the account may not look at; `faults` answer changes before Google does."""

    policies: Policy
    networks: dict[NetworkName, Network] = field(default_factory=dict)
    subnets: dict[SubnetName, Subnet] = field(default_factory=dict)
    rules: dict[RuleName, FirewallRule] = field(default_factory=dict)
    connectors: dict[ConnectorName, Connector] = field(default_factory=dict)
    routers: dict[RouterName, Router] = field(default_factory=dict)
    routes: list[Route] = field(default_factory=list)
    zones: list[Zone] = field(default_factory=list)
    firewall_policies: tuple[FirewallPolicy, ...] = ()  # on every network
    policies_on: dict[NetworkName, tuple[FirewallPolicy, ...]] = field(default_factory=dict)
    regional_policies: dict[str, tuple[FirewallPolicy, ...]] = field(default_factory=dict)  # of one region alone
    peer_routes: list[Route] = field(default_factory=list)
    reserved: list[Reserved] = field(default_factory=list)
    addresses: dict[tuple[str, str], list[Address]] = field(default_factory=dict)
    executions: list[Execution] = field(default_factory=list)
    folders: dict[str, tuple[str, ...]] = field(default_factory=dict)
    idle_days: dict[Site, float] = field(default_factory=dict)
    jobs: dict[JobName, Job] = field(default_factory=dict)
    history: list[Past] = field(default_factory=list)
    histories: dict[Past, Site] = field(default_factory=dict)  # whose it is, where that is known
    rule_quota: int = 500
    touched: list[str] = field(default_factory=list)  # sites that were changed within the hour
    unreadable: dict[type[Read[Any]], Unreadable] = field(default_factory=dict)
    hidden: dict[Read[Any], Unreadable] = field(default_factory=dict)  # one look of a kind, where others may be had
    faults: list[Fault] = field(default_factory=list)
    numbers: dict[str, str] = field(default_factory=dict)  # of projects, with their ids
    automatic: bool = True  # off: a Shared VPC service project, which gets none
    hyphens: str = "--"
    patient: bool = True  # off: nobody waits for a connector, which stays in CREATING
    order: Callable[[list[Change]], Iterable[Change]] = iter  # in which independent changes arrive
    meanwhile: list[Callable[[World], None]] = field(default_factory=list)  # one is called after each apply
    seconds: float = 480.0
    day: date = date(2026, 11, 23)
    # what was asked for
    applied: list[tuple[Change, Outcome]] = field(default_factory=list)
    looks: list[Read[Any]] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    pauses: int = 0
    told: list[tuple[str, Cause]] = field(default_factory=list)
    written: list[Record] = field(default_factory=list)  # the ledger, oldest first
    _etags: int = 0

    def add(self, *things: Network | Subnet | FirewallRule | Connector | Router | Route | Zone | Job) -> World:
        """Put things there, as if they had always been."""
        for thing in things:
            match thing:
                case Network():
                    self.networks[thing.name] = thing
                case Subnet():
                    self.subnets[thing.name] = thing
                case FirewallRule():
                    self.rules[thing.name] = thing
                case Connector():
                    self.connectors[thing.name] = thing
                case Router():
                    self.routers[thing.name] = thing
                case Route():
                    self.routes.append(thing)
                case Zone():
                    self.zones.append(thing)
                case Job():
                    self.jobs[thing.name] = replace(thing, etag=thing.etag or self._etag())
        return self

    def _etag(self) -> str:
        self._etags += 1
        return f'"{self._etags}"'

    @property
    def things(self) -> tuple[Any, ...]:
        """Everything that could be changed, to compare worlds; etags are left out."""
        jobs = {name: replace(job, etag="", generation=0) for name, job in self.jobs.items()}
        tables = (self.networks, self.subnets, self.rules, self.connectors, self.routers, jobs)
        return tuple(dict(sorted(table.items())) for table in tables)

    # --- Parts ---------------------------------------------------------------------------------------------------

    def policy(self) -> Policy:
        return self.policies

    def principal(self) -> str:
        return US

    def today(self) -> date:
        return self.day

    def look(self, reads: Iterable[Read[Any]]) -> Mapping[Read[Any], Sighting[Any]]:
        found = {read: self.see(read) for read in reads}
        self.looks += found
        return found

    def apply(self, changes: Sequence[Change], *, deadline: float, seed: str) -> Sequence[Outcome]:
        del deadline, seed
        outcomes = []
        for change in self.order(list(changes)):
            outcome = self.make(change)
            self.applied.append((change, outcome))
            outcomes.append(outcome)
        if self.meanwhile:
            self.meanwhile.pop(0)(self)
        return outcomes

    def begin(self, changes: Sequence[Change], *, plan: str, run: str, cause: Cause, site: Site) -> None:
        del plan
        self.written += [Record(site, change, "begun", run, cause.id) for change in changes]

    def remember(self, outcomes: Sequence[Outcome], *, plan: str, run: str, cause: Cause, site: Site) -> None:
        self.written += [Record(site, one.change, one.result, run, cause.id) for one in outcomes]
        self.told.append((plan, cause))
        for outcome in outcomes:
            made = outcome.change
            past = Past(verb(made), subject(made), outcome.result, outcome.detail, 0.0, cause.who, mark(made))
            self.history.insert(0, past)
            self.histories[past] = site

    def idle(self, site: Site, idle: bool, cause: Cause) -> None:
        del cause
        if idle:
            self.idle_days.setdefault(site, 0.0)
        else:
            self.idle_days.pop(site, None)

    def deadline(self) -> float:
        return self.seconds

    def left(self, deadline: float) -> float:
        return deadline

    def pause(self) -> None:
        self.pauses += 1

    def turn(self, site: Site, *, after_others: bool, entry: str = "") -> AbstractContextManager[Turn]:
        del site, after_others, entry
        return nullcontext(Turn(handed_over=False, over=lambda _: True))  # one delivery at a time here

    def watch(self, stage: str, *what: Any) -> None:
        del what
        self.stages.append(stage)

    # --- looks ---------------------------------------------------------------------------------------------------

    def see(self, read: Read[Any]) -> Sighting[Any]:
        """One look."""
        if hidden := self.unreadable.get(type(read)) or self.hidden.get(read):
            return hidden
        match read:
            case JobAt(name):
                return Present(self.jobs[name]) if name in self.jobs else Absent()
            case NetworkAt(name):
                return Present(self.networks[name]) if name in self.networks else Absent()
            case IdleSince(site):
                return Present(self.idle_days[site]) if site in self.idle_days else Absent()
        return Present(tuple(self._list(read)))

    def _list(self, read: Read[Any]) -> Iterable[Any]:
        match read:
            case JobsIn(project, region):
                return [job for job in self.jobs.values() if (job.name.project, job.name.region) == (project, region)]
            case ConnectorsIn(asked, region):
                project = self.numbers.get(asked, asked)
                return [c for c in self.connectors.values() if (c.name.project, c.name.region) == (project, region)]
            case ExecutionsIn(project, region):
                return [each for each in self.executions if (each.job.project, each.job.region) == (project, region)]
            case AddressesIn(project, region):
                return self.addresses.get((project, region), [])
            case FoldersOf(project):
                return self.folders.get(project, ())
            case RuleQuotaOf(project):
                return [Quota(self.rule_quota, sum(name.project == project for name in self.rules))]
            case SitesTouched():
                return self.touched
            case HistoryOf(site):
                return [past for past in self.history if self.histories.get(past, site) == site]
            case WrittenBy(plan):
                return self._written(plan)
        return self._of_network(read)

    def policies_of(self, network: NetworkName) -> tuple[FirewallPolicy, ...]:
        """The firewall policies in force on a network."""
        return (*self.firewall_policies, *self.policies_on.get(network, ()))

    def _written(self, plan: str) -> Iterable[Written]:
        """As the ledger keeps it: through JSON, and all that was done for the same cause."""
        causes = {(one.site, one.cause) for one in self.written if one.run == plan}
        for one in self.written:
            if (one.site, one.cause) in causes:
                before, after = json.loads(json.dumps(sides(one.change)))
                words = kind(one.change), subject(one.change), before, after, one.change.because
                yield Written(one.site, revived(*words), one.result)

    def _of_network(self, read: Read[Any]) -> Iterable[Any]:
        match read:
            case SubnetsOf(network):
                return [subnet for subnet in self.subnets.values() if subnet.network == network]
            case RulesOf(network):
                return [_as_listed(rule) for rule in self.rules.values() if rule.network == network]
            case RoutersOf(network, region):
                return [r for r in self.routers.values() if r.network == network and r.name.region == region]
            case RoutesOf(network):
                local = (subnet for subnet in self.subnets.values() if subnet.network == network)
                return [*(route for route in self.routes if route.network == network), *map(_route_of, local)]
            case PeerRoutesOf(network):
                return [route for route in self.peer_routes if route.network == network]
            case ReservedIn():
                return self.reserved
            case PoliciesOf(network):
                return [one for one in self.policies_of(network) if one.layer != Layer.REGIONAL]
            case RegionPoliciesOf(network, region):
                everywhere = (one for one in self.policies_of(network) if one.layer == Layer.REGIONAL)
                return [*everywhere, *self.regional_policies.get(region, ())]
            case ZonesOf():
                return self.zones
        raise TypeError(read)

    # --- changes -------------------------------------------------------------------------------------------------

    def make(self, change: Change) -> Outcome:
        """One change, and what became of it."""
        for fault in self.faults:
            if outcome := fault(change):
                return outcome
        match change:
            case Attach():
                return self._attach(change)
            case Create(thing):
                return self._create(change, thing)
            case Update(thing):
                return self._update(change, thing)
            case Remove(thing):
                return self._remove(change, thing)

    def _table(self, thing: Any) -> dict[Any, Any]:
        tables: dict[type, dict[Any, Any]] = {
            Network: self.networks,
            Subnet: self.subnets,
            FirewallRule: self.rules,
            Connector: self.connectors,
            Router: self.routers,
        }
        return tables[type(thing)]

    def _create(self, change: Create, thing: Any) -> Outcome:
        if thing.name in self._table(thing):
            return Outcome(change, Result.KEPT, "it exists already")
        if why := self._why_not(thing):
            return Outcome(change, Result.REFUSED, why)
        if isinstance(thing, Connector):
            return self._create_connector(change, thing)
        self._table(thing)[thing.name] = thing
        if isinstance(thing, Network):
            self.routes.append(Route("default-route", thing.name, "0.0.0.0/0", internet=True))
        return Outcome(change, Result.CREATED)

    def _create_connector(self, change: Create, thing: Connector) -> Outcome:
        state = State.READY if self.patient else State.CREATING
        self.connectors[thing.name] = replace(thing, state=state)
        if self.automatic and thing.subnet and thing.name.project == thing.network.project:
            for rule in automatic_rules(thing, self.subnets[thing.subnet].range, hyphens=self.hyphens):
                self.rules.setdefault(rule.name, rule)
        if self.patient:
            return Outcome(change, Result.CREATED)
        return Outcome(change, Result.PUT_OFF, "Google is still at it")

    def finish(self) -> None:
        """What was CREATING is READY."""
        for name, connector in self.connectors.items():
            if connector.state == State.CREATING:
                self.connectors[name] = replace(connector, state=State.READY)

    def _update(self, change: Update, thing: Any) -> Outcome:
        table = self._table(thing)
        if thing.name not in table:
            return Outcome(change, Result.KEPT, "it is gone")
        now = table[thing.name]
        if isinstance(thing, Subnet) and now != change.was:
            return Outcome(change, Result.KEPT, "its fingerprint has changed")
        if isinstance(thing, FirewallRule) and (thing.direction, thing.network) != (now.direction, now.network):
            return Outcome(change, Result.REFUSED, "direction and network cannot be changed")
        shrinks = isinstance(thing, Connector) and (
            thing.min_instances < now.min_instances or thing.max_instances < now.max_instances
        )
        if shrinks:
            return Outcome(change, Result.REFUSED, "instances may only grow")
        if why := self._why_not(thing):
            return Outcome(change, Result.REFUSED, why)
        table[thing.name] = thing
        return Outcome(change, Result.UPDATED)

    def _remove(self, change: Remove, thing: Any) -> Outcome:
        if isinstance(thing, Subnet) and (user := self._user_of(thing.name)):
            return Outcome(change, Result.REFUSED, f"The subnetwork resource is already being used by {user}")
        if self._table(thing).pop(thing.name, None) is None:
            return Outcome(change, Result.KEPT, "it is gone")
        return Outcome(change, Result.REMOVED)

    def _user_of(self, subnet: SubnetName) -> str:
        """What holds a subnet: a connector's machines, or a NAT that lists it."""
        held = [str(found.name) for found in self.connectors.values() if found.subnet == subnet]
        listed = (router for router in self.routers.values() for nat in router.nats if subnet in nat.subnets)
        return next(iter([*held, *(str(router.name) for router in listed)]), "")

    def _attach(self, change: Attach) -> Outcome:
        job = self.jobs.get(change.job)
        if job is None or job.etag != change.etag:
            return Outcome(change, Result.KEPT, "the job has changed meanwhile")
        if why := self._no_such_way(change):
            return Outcome(change, Result.REFUSED, why)
        self.jobs[job.name] = replace(job, way=change.way, etag=self._etag(), generation=job.generation + 1)
        return Outcome(change, Result.UPDATED)

    # --- why Google would say no ---------------------------------------------------------------------------------

    def _no_such_way(self, change: Attach) -> str:
        if change.way is None:
            return ""
        wanted, interface = change.way.connector, change.way.interface
        if wanted and interface:
            return "VPC connector and direct VPC can not be used together"
        if wanted:
            there = wanted in self.connectors and wanted.region == change.job.region
            return "" if there else "there is no such connector in the job's region"
        return self._no_such_interface(change.job, interface) if interface else ""

    def _no_such_interface(self, job: JobName, interface: Interface) -> str:
        subnet = self.subnets.get(SubnetName.parse(interface.subnet))
        if subnet is None or subnet.name.region != job.region or str(subnet.network) != interface.network:
            return "there is no such subnet in that network and region"
        return "" if IPv4Network(subnet.range).prefixlen <= 26 else "the subnet must be /26 or larger"

    def _why_not(self, thing: Any) -> str:
        match thing:
            case Subnet():
                return self._bad_subnet(thing)
            case FirewallRule():
                return self._bad_rule(thing)
            case Connector():
                return self._bad_connector(thing)
            case Router():
                return self._bad_router(thing)
        return ""

    def _bad_subnet(self, made: Subnet) -> str:
        if made.network not in self.networks:
            return "no such network"
        taken = [
            text
            for subnet in self.subnets.values()
            if subnet.network == made.network and subnet.name != made.name
            for text in (subnet.range, *subnet.secondary)
        ]
        taken += [c.range for c in self.connectors.values() if c.network == made.network and c.range]
        peers = (route for route in (*self.routes, *self.peer_routes) if route.network == made.network)
        taken += [route.destination for route in peers if route.next_hop == "peering"]
        taken += [kept.range for kept in self.reserved]
        mine = IPv4Network(made.range)
        hit = next((text for text in taken if IPv4Network(text).overlaps(mine)), None)
        return f"Invalid IPCidrRange: {made.range} conflicts with {hit}" if hit else ""

    def _bad_rule(self, made: FirewallRule) -> str:
        if made.network not in self.networks:
            return "no such network"
        if not RULE_NAME.fullmatch(made.name.rule):
            return f"{made.name.rule} is no name for a rule"
        if not 0 <= made.priority <= 65535 or not made.traffic:
            return "no such priority, or no protocol"
        if made.direction == Direction.EGRESS and (made.source_tags or made.source_accounts):
            return "For EGRESS traffic, you cannot specify the sourceTags fields"
        if made.direction == Direction.INGRESS and not (made.sources or made.source_tags or made.source_accounts):
            return "INGRESS needs a source"
        families = {":" in text for text in (*made.sources, *made.destinations)}
        return "a rule holds IPv4 or IPv6 ranges, not both" if len(families) > 1 else ""

    def _bad_connector(self, made: Connector) -> str:
        if len(made.name.connector.replace("-", "--")) > 20:
            return "Request contains an invalid argument"
        if not (2 <= made.min_instances < made.max_instances <= 10):
            return "min_instances and max_instances"
        subnet = self.subnets.get(made.subnet) if made.subnet else None
        if subnet is None or IPv4Network(subnet.range).prefixlen != 28:
            return "Subnets used for VPC connectors must have a netmask of 28."
        others = [c for c in self.connectors.values() if c.subnet == made.subnet and c.name != made.name]
        return "the subnet is in use" if others else ""

    def _bad_router(self, made: Router) -> str:
        others = [
            nat
            for router in self.routers.values()
            if router.network == made.network and router.name.region == made.name.region and router.name != made.name
            for nat in router.nats
            if nat.public
        ]
        own = [nat for nat in made.nats if nat.public]
        everything = [*others, *own]
        if len(everything) > 1 and own and any(nat.coverage != Coverage.LISTED for nat in everything):
            return "Can not create new Nats since a Nat with option ALL_SUBNETWORKS_ALL_IP_RANGES exists."
        listed = [name for nat in everything for name in nat.subnets]
        if len(listed) != len(set(listed)):
            return "The subnetwork is already configured with ALL_IP_RANGES for Nat which conflicts"
        gone = [name for nat in own for name in nat.subnets if name not in self.subnets]
        if gone:
            return f"{gone[0]} was not found"
        odd = [nat for nat in own if nat.dynamic_ports and (nat.endpoint_independent or nat.min_ports < 32)]
        return "dynamic ports exclude endpoint-independent mapping" if odd else ""


def _route_of(subnet: Subnet) -> Route:
    """Google makes one for every subnet (its page on routes)."""
    return Route(f"default-route-{subnet.name.subnet}", subnet.network, subnet.range, priority=0, local=True)


def _as_listed(rule: FirewallRule) -> FirewallRule:
    """As Google lists it: the same, in an order of its own."""
    return replace(
        rule,
        traffic=tuple(Traffic(item.protocol, item.ports[::-1]) for item in rule.traffic[::-1]),
        sources=rule.sources[::-1],
        destinations=rule.destinations[::-1],
    )
