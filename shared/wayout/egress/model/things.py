"""Things on the way out, as seen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wayout.egress.names import ConnectorName, JobName, NetworkName, RouterName, RuleName, SubnetName


class Egress(StrEnum):
    """What of a job's traffic goes through the VPC. Unset means private ranges only (Run v2 discovery document)."""

    ALL = "all-traffic"
    PRIVATE = "private-ranges-only"


@dataclass(frozen=True, slots=True)
class Interface:
    """Direct VPC egress: the network interface of a job."""

    network: str = ""
    subnet: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Way:
    """A job's own `vpcAccess`. Google allows a connector or an interface, never both."""

    egress: Egress
    connector: ConnectorName | None = None
    interface: Interface | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """One text inside a job that may speak for a need: an environment value or an argument, and where it stands.

    `secret` values come from Secret Manager and carry no text.
    """

    place: str
    text: str
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A Cloud Run job as seen. `etag` guards the one write that we make to it."""

    name: JobName
    etag: str = ""
    generation: int = 0
    labels: tuple[tuple[str, str], ...] = ()
    service_account: str = ""
    way: Way | None = None
    words: tuple[Word, ...] = ()
    creator: str = ""
    last_modifier: str = ""
    running: bool = False
    deleted: bool = False
    client: str = ""  # what deployed it, as it said itself: `gcloud`, `cloud-console`, `terraform`, …
    annotations: tuple[tuple[str, str], ...] = ()
    tasks: int = 1  # that may run side by side, each with an address of its own on the direct road


@dataclass(frozen=True, slots=True)
class Execution:
    """A Cloud Run job's execution that has not ended. It keeps the way that its job had when it began."""

    job: JobName
    name: str
    way: Way | None = None


@dataclass(frozen=True, slots=True)
class Peering:
    """A VPC Network Peering of a network: with which, and whether it is up."""

    name: str
    network: NetworkName
    active: bool = True


@dataclass(frozen=True, slots=True)
class Network:
    """A VPC network. `policies_first`: network firewall policies are asked before VPC firewall rules, not after."""

    name: NetworkName
    auto_subnets: bool = False
    description: str = ""
    policies_first: bool = False
    peerings: tuple[Peering, ...] = ()


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnetwork; ranges are CIDR text. `fingerprint` guards writes."""

    name: SubnetName
    network: NetworkName
    range: str
    secondary: tuple[str, ...] = ()
    google_access: bool = False
    purpose: str = "PRIVATE"
    dual_stack: bool = False
    description: str = ""
    fingerprint: str = ""


class State(StrEnum):
    """A connector's state, in Google's words."""

    READY = "READY"
    CREATING = "CREATING"
    UPDATING = "UPDATING"
    DELETING = "DELETING"
    ERROR = "ERROR"
    UNKNOWN = "STATE_UNSPECIFIED"


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector. It has a subnet, or a bare range whose hidden subnet neither rules nor NAT can name."""

    name: ConnectorName
    network: NetworkName
    state: State
    subnet: SubnetName | None = None
    range: str = ""
    machine: str = "e2-micro"
    min_instances: int = 2
    max_instances: int = 3


class Direction(StrEnum):
    INGRESS = "INGRESS"
    EGRESS = "EGRESS"


class Action(StrEnum):
    ALLOW = "ALLOW"
    DENY = "DENY"


@dataclass(frozen=True, slots=True, order=True)
class Traffic:
    """A protocol (`tcp`, `udp`, `icmp`, `all`, or a number) and its ports (`443`, `665-666`); no ports means all."""

    protocol: str
    ports: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.protocol}:{','.join(self.ports)}" if self.ports else self.protocol


@dataclass(frozen=True, slots=True)
class FirewallRule:
    """A VPC firewall rule. Lower priority numbers win; at equal priority DENY wins (compute discovery document)."""

    name: RuleName
    network: NetworkName
    direction: Direction
    action: Action
    priority: int
    traffic: tuple[Traffic, ...]
    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    source_tags: tuple[str, ...] = ()
    source_accounts: tuple[str, ...] = ()
    target_tags: tuple[str, ...] = ()
    target_accounts: tuple[str, ...] = ()
    disabled: bool = False
    logged: bool = False
    description: str = ""


class Verb(StrEnum):
    """What a firewall policy's rule does with a packet that it matches."""

    ALLOW = "allow"
    DENY = "deny"
    NEXT = "goto_next"
    OTHER = "other"  # an inspection that nobody here can foretell


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One rule of a firewall policy. `unclear` names what it matches by that nobody here can judge (FQDN, address
    groups, regions, secure tags, …): it may match or not. No `targets`: all machines of the network.
    """

    priority: int
    direction: Direction
    verb: Verb
    traffic: tuple[Traffic, ...]
    sources: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    target_accounts: tuple[str, ...] = ()
    disabled: bool = False
    unclear: tuple[str, ...] = ()


class Layer(StrEnum):
    """Where a firewall policy stands: on an organisation or folder, on a network, or on a network in one region."""

    HIERARCHY = "HIERARCHY"
    NETWORK = "NETWORK"
    REGIONAL = "NETWORK_REGIONAL"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class FirewallPolicy:
    """A firewall policy in force on a network, by the name that people gave it. Order among policies: as asked in."""

    name: str
    layer: Layer
    rules: tuple[PolicyRule, ...] = ()
    priority: int = 0  # among policies of one layer, where Google says one


class Coverage(StrEnum):
    """Which subnets a NAT serves (`sourceSubnetworkIpRangesToNat`)."""

    ALL = "ALL_SUBNETWORKS_ALL_IP_RANGES"
    ALL_PRIMARY = "ALL_SUBNETWORKS_ALL_PRIMARY_IP_RANGES"
    LISTED = "LIST_OF_SUBNETWORKS"


@dataclass(frozen=True, slots=True)
class Nat:
    """A Cloud NAT gateway. `subnets` are those that it lists with their primary range. `addresses` empty: automatic."""

    name: str
    coverage: Coverage = Coverage.LISTED
    subnets: tuple[SubnetName, ...] = ()
    public: bool = True
    addresses: tuple[str, ...] = ()
    min_ports: int = 64
    dynamic_ports: bool = False
    endpoint_independent: bool = False
    logged: bool = False
    max_ports: int = 0  # per VM; 0: Google's default


@dataclass(frozen=True, slots=True)
class Address:
    """A reserved external address of a region, by its short name. `used`: something holds it already."""

    name: str
    address: str = ""
    used: bool = False


@dataclass(frozen=True, slots=True)
class Reserved:
    """A range inside a network that is set aside without being a subnet: for a service behind a peering, say."""

    name: str
    range: str
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Router:
    """A Cloud Router with its NATs. It has no fingerprint, and a write replaces the whole list of NATs. `dynamic`: it
    has BGP peers, and what routes they teach it no list of routes shows."""

    name: RouterName
    network: NetworkName
    nats: tuple[Nat, ...] = ()
    description: str = ""
    dynamic: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """A route of a network. `internet`: its next hop is the default internet gateway; `local`: a subnet's own route;
    `peering`: the name of the peering that it came by, as a subnet of the peer's network.

    Any other leads beyond what can be seen here: a VPN, an appliance, a load balancer.
    """

    name: str
    network: NetworkName
    destination: str
    priority: int = 1000
    internet: bool = False
    next_hop: str = ""
    tags: tuple[str, ...] = ()
    local: bool = False
    peering: str = ""


@dataclass(frozen=True, slots=True)
class Quota:
    """How many of something a project may have, and how many it has."""

    limit: int
    usage: int


@dataclass(frozen=True, slots=True)
class Zone:
    """A private Cloud DNS zone that a network can see. `dns_name` ends with a dot."""

    name: str
    dns_name: str


@dataclass(frozen=True, slots=True)
class Past:
    """One change of ours, remembered by the ledger."""

    verb: str
    subject: str
    result: str
    detail: str
    hours_ago: float
    who: str = ""  # whose doing had set us going
    mark: str = ""  # eight hexadecimal digits that stand for what the thing was to become
    looked_hours_ago: float = 0.0  # when what it rests on was looked at; 0 where that is not known
