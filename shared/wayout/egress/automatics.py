"""The firewall rules that Google makes for a connector. Source: facts.md, sections 1a and 1b."""

from __future__ import annotations

from collections.abc import Iterator

from wayout.egress import naming
from wayout.egress.model import Action, Connector, Direction, FirewallRule, RuleName, Traffic

HOW_MANY = 6  # for a connector in its network's own project
SERVERLESS = ("35.199.224.0/19",)
HEALTH = ("35.191.0.0/16", "35.191.192.0/18", "130.211.0.0/22")
_ALIVE = (Traffic("tcp", ("667",)), Traffic("udp", ("665-666",)), Traffic("icmp"))
_BUT_ALIVE = (Traffic("tcp", ("1-666", "668-65535")), Traffic("udp", ("1-664", "667-65535")))
_ANYTHING = (Traffic("tcp"), Traffic("udp"), Traffic("icmp"))


def rules(made: Connector, range_: str) -> Iterator[FirewallRule]:
    """The six rules of a connector in its network's own project; none in a Shared VPC's service project."""
    name = made.name
    if name.project != made.network.project or not range_:
        return
    into, out, allow, tag = Direction.INGRESS, Direction.EGRESS, Action.ALLOW, naming.tag_of(name)
    stem = f"aet-{name.region.replace('-', '')}-{name.connector.replace('-', '--')}"

    def named(suffix: str) -> RuleName:
        return RuleName(name.project, f"{stem}-{suffix}")

    net, to = made.network, (tag,)
    health = (Traffic("tcp", ("667",)),)
    yield FirewallRule(named("hcfw"), net, into, allow, 100, health, sources=HEALTH, target_tags=to)
    yield FirewallRule(named("rsgfw"), net, into, allow, 100, _ALIVE, sources=SERVERLESS, target_tags=to)
    yield FirewallRule(named("earfw"), net, out, allow, 100, _ALIVE, destinations=SERVERLESS, target_tags=to)
    yield FirewallRule(named("egrfw"), net, out, Action.DENY, 100, _BUT_ALIVE, destinations=SERVERLESS, target_tags=to)
    yield FirewallRule(named("sbntfw"), net, into, allow, 1000, _ANYTHING, sources=(range_,))
    yield FirewallRule(named("tagfw"), net, into, allow, 1000, _ANYTHING, source_tags=to)
