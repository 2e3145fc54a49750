"""The six firewall rules that Google makes for a connector. Source: facts.md section 1 (names, ranges, ports, tags)."""

from __future__ import annotations

from dataclasses import dataclass, field

from localcloud import audit
from localcloud.calls import Call, Caller, Document, Running
from localcloud.compute.common import FIREWALLS, dressed, link
from localcloud.compute.writing import put
from localcloud.core import METHODS, Cloud
from localcloud.errors import DENIED, ApiError

SERVERLESS = ["35.199.224.0/19"]
HEALTH_CHECKS = ["35.191.0.0/16", "35.191.192.0/18", "130.211.0.0/22"]
CONTROL = [
    {"IPProtocol": "tcp", "ports": ["667"]},
    {"IPProtocol": "udp", "ports": ["665-666"]},
    {"IPProtocol": "icmp"},
]
NOT_CONTROL = [
    {"IPProtocol": "tcp", "ports": ["1-666", "668-65535"]},
    {"IPProtocol": "udp", "ports": ["1-664", "667-65535"]},
]
UNIVERSAL = "vpc-connector"  # the network tag that every connector's machines carry
EVERYTHING = [{"IPProtocol": "tcp"}, {"IPProtocol": "udp"}, {"IPProtocol": "icmp"}]


@dataclass
class Made:
    """Which rules belong to which connector (`projects/P/locations/R/connectors/C`), as Google wants them."""

    cloud: Cloud
    rules: dict[str, tuple[str, Document]] = field(default_factory=dict)


def rule_name(cloud: Cloud, region: str, connector: str, suffix: str) -> str:
    """`aet-uscentral1-my--conn-hcfw`: the region without hyphens, each hyphen of the connector doubled.

    One public note spells them with single hyphens: a switch.
    """
    spelled = connector.replace("-", "--") if cloud.switch("connector.doubled_hyphens") else connector
    return f"aet-{region.replace('-', '')}-{spelled}-{suffix}"


def hidden_subnet(cloud: Cloud, region: str, connector: str) -> str:
    """The subnet that Google makes, and shows nobody, for a connector that was given a range: `aet-REGION-NAME-sbnt`.

    Recorded for names without hyphens only; that one is doubled here too is assumed.
    """
    return rule_name(cloud, region, connector, "sbnt")


def unique_tag(region: str, connector: str) -> str:
    """The network tag that only this connector's machines carry."""
    return f"vpc-connector-{region}-{connector}"


def install(cloud: Cloud, project: str, region: str, connector: str, network: str, cidr: str) -> None:
    """Make the rules of connector `connector` (its short name) of `project` in `network` (short or canonical name).

    A connector of a Shared VPC service project gets none: the network must lie in the connector's own project.
    """
    where = network if "/" in network else f"projects/{project}/global/networks/{network}"
    if not cloud.switch("connector.visible_rules") or not where.startswith(f"projects/{project}/"):
        return
    owner = f"projects/{project}/locations/{region}/connectors/{connector}"
    for suffix, body in bodies(cloud, unique_tag(region, connector), cidr).items():
        name = f"projects/{project}/global/firewalls/{rule_name(cloud, region, connector, suffix)}"
        common = {"network": link(where), "disabled": False, "logConfig": {"enable": False}}
        document = dressed(cloud, FIREWALLS, name, body | common)
        put(cloud, FIREWALLS, name, document)
        cloud.part(Made).rules[name] = (owner, document)
        _log(cloud, "insert", name, body | {"name": document["name"], "network": where})


def remove(cloud: Cloud, project: str, region: str, connector: str) -> None:
    """Take the connector's rules away with it, or leave them behind (switch `connector.leaves_rules`)."""
    owner = f"projects/{project}/locations/{region}/connectors/{connector}"
    made = cloud.part(Made).rules
    for name in [one for one, (whose, _) in made.items() if whose == owner]:
        del made[name]
        if not cloud.switch("connector.leaves_rules") and name in cloud.table(FIREWALLS.table):
            _log(cloud, "delete", name, {})
            del cloud.table(FIREWALLS.table)[name]


def guard(cloud: Cloud, call: Call, name: str) -> None:
    """Refuse anybody's write to a rule of a connector that exists, where rules are not editable."""
    if name in cloud.part(Made).rules and not cloud.switch("connector.rules_editable"):
        verb = "delete" if call.method.endswith(".delete") else "update"
        message = f"Required 'compute.firewalls.{verb}' permission for '{name}'"
        raise ApiError(DENIED, message, reason="forbidden")


def touched(cloud: Cloud, name: str) -> None:
    """A rule was changed or removed: where Google restores rules, put it back a minute later."""
    if name not in cloud.part(Made).rules or not cloud.switch("connector.rules_restored"):
        return

    def restore() -> None:
        found = cloud.part(Made).rules.get(name)
        if found is None or cloud.table(FIREWALLS.table).get(name) == found[1]:
            return
        verb = "patch" if name in cloud.table(FIREWALLS.table) else "insert"
        put(cloud, FIREWALLS, name, found[1])
        _log(cloud, verb, name, {key: value for key, value in found[1].items() if key not in ("kind", "id")})

    cloud.after(float(cloud.switch("connector.rules_restored_after")), restore)


def bodies(cloud: Cloud, tag: str, cidr: str) -> dict[str, Document]:
    """What the six rules say, by suffix, of a connector with that unique tag and range.

    Whether they name that tag, the one that all connectors carry, or (as targets) none, nobody has written down.
    """
    targets = {"unique": {"targetTags": [tag]}, "universal": {"targetTags": [UNIVERSAL]}, "all": {}}
    to: Document = targets[cloud.switch("connector.control_targets")]
    control: Document = {"priority": 100, "allowed": CONTROL} | to
    source = {"unique": tag, "universal": UNIVERSAL}[cloud.switch("connector.tagfw_tag")]
    broad: Document = {"priority": 1000, "direction": "INGRESS", "allowed": EVERYTHING}
    return {
        "hcfw": control | {"direction": "INGRESS", "sourceRanges": HEALTH_CHECKS, "allowed": CONTROL[:1]},
        "rsgfw": control | {"direction": "INGRESS", "sourceRanges": SERVERLESS},
        "earfw": control | {"direction": "EGRESS", "destinationRanges": SERVERLESS},
        "egrfw": {"priority": 100, "direction": "EGRESS", "denied": NOT_CONTROL, "destinationRanges": SERVERLESS} | to,
        "sbntfw": broad | {"sourceRanges": [cidr]},
        "tagfw": broad | {"sourceTags": [source]},
    }


def _log(cloud: Cloud, verb: str, name: str, request: Document) -> None:
    """One entry, first and last at once: Deployment Manager acts for the project's Google APIs agent."""
    _, project, _, _, rule = name.split("/")
    number = cloud.number(project)
    agent = f"service-{number}@gcp-sa-vpcaccess.iam.gserviceaccount.com"
    caller = Caller(f"{number}@cloudservices.gserviceaccount.com", "Google-Deployment-Manager", (agent,))
    call = Call(f"compute.firewalls.{verb}", {"project": project, "firewall": rule}, request, caller)
    shape = METHODS[call.method].audited
    if shape is None:
        return
    id_ = f"operation-{cloud.new_id()}-{cloud.new_id()[-8:]}"
    entry = audit.entry(cloud, shape, call, operation=Running(id_, id_, {}))
    entry["operation"]["last"] = True
    cloud.log(entry)
