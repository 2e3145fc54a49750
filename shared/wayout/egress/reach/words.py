"""What decided, in words for a person."""

from __future__ import annotations

from wayout.egress.model import Direction, FirewallRule, PolicyRule, Route, Verb
from wayout.egress.reach.firewall import Decision
from wayout.egress.reach.packet import Answer


def decided(decision: Decision, direction: Direction) -> tuple[str, str]:
    """What a firewall does, and the full name of the rule or policy."""
    rule = decision.rule
    if rule is None:
        return (
            ("allowed: no rule speaks of it, and egress is allowed where none does", "")
            if (direction == Direction.EGRESS)
            else ("denied: no rule lets it in, and ingress is denied where none does", "")
        )
    verb = {Answer.YES: "allowed", Answer.NO: "denied", Answer.UNKNOWN: "cannot be known:"}[decision.answer]
    why = _doubt(rule) if decision.answer == Answer.UNKNOWN else ""
    if isinstance(rule, FirewallRule):
        places = _some(rule.destinations if direction == Direction.EGRESS else rule.sources)
        return f"{verb} by {rule.name.rule} at {rule.priority}{places}{why}", str(rule.name)
    policy = decision.policy.name if decision.policy else "a policy"
    return f"{verb} by rule {rule.priority} of the firewall policy {policy}{why}", f"{policy}:{rule.priority}"


def _doubt(rule: FirewallRule | PolicyRule) -> str:
    """What nobody here knows, and what would decide it."""
    if isinstance(rule, PolicyRule) and rule.unclear:
        return f", which matches by {', '.join(rule.unclear)}"
    if isinstance(rule, PolicyRule) and rule.verb == Verb.OTHER:
        return ", which hands it to an inspection"
    if isinstance(rule, FirewallRule) and rule.target_tags:
        return f", which is for machines with the tag {' or '.join(rule.target_tags)} alone"
    if rule.target_accounts:
        return f", which is for machines of the service account {' or '.join(rule.target_accounts)} alone"
    return ""


def _some(places: tuple[str, ...]) -> str:
    if not places:
        return ""
    return f" ({', '.join(places)})" if len(places) <= 2 else f" ({len(places)} ranges)"


def routed(route: Route) -> str:
    """Where a route leads."""
    if route.local:
        return f"{route.destination} is a subnet of the network ({route.name})"
    if route.peering:
        return f"{route.destination} is a subnet of a network peered by {route.peering}"
    if route.internet:
        return f"{route.destination} goes to the default internet gateway ({route.name})"
    return f"{route.destination} goes to {route.next_hop or 'another next hop'} ({route.name})"


def learned(routers: tuple[str, ...]) -> str:
    """Where a route may lead that nobody here can see."""
    which = f"the router {routers[0]} learns" if len(routers) == 1 else f"the routers {', '.join(routers)} learn"
    return f"no route that is listed leads there, but {which} routes by BGP, which are not listed"
