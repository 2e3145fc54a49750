"""The two broad INGRESS allows that Google makes for a connector: retired once ours out-rank them.

The four at priority 100 keep the connector alive and are never touched. Whether Google permits a change to any of
them, and whether it puts them back, is not known: a refusal is reported and the override stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from wayout.egress import naming
from wayout.egress.model import (
    Action,
    Change,
    Connector,
    ConnectorsIn,
    Direction,
    FirewallRule,
    HistoryOf,
    Past,
    Remove,
    RulesOf,
    Seen,
    State,
    SubnetsOf,
    Update,
)
from wayout.egress.remedies.remedy import CONNECTOR_ROAD, WHOLE, Remedy, Verdict, Want, wait_for

BROAD = ("sbntfw", "tagfw")


def reads(want: Want) -> tuple[RulesOf | ConnectorsIn | SubnetsOf, ...]:
    """The network's rules, and the connector with its range."""
    return (RulesOf(want.site.network), want.connectors, SubnetsOf(want.site.network))


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """Disable (or delete) what is broad; undo that if the connector did not survive it."""
    ours = want.own_connector(seen)
    broad = [rule for rule in seen.get(RulesOf(want.site.network)) if ours and _broad(rule, ours, seen)]
    if ours and ours.state == State.ERROR:
        return _undo(want, seen, broad)
    if waits := wait_for("firewall denies", done=done, what="automatic firewall rules"):
        return waits
    active = [rule for rule in broad if not rule.disabled]
    if not active or want.profile.retire == "keep":
        return WHOLE
    changes: list[Change] = []
    notes: list[str] = []
    tried = [past for past in _since_made(want, seen) if past.result in ("updated", "removed", "refused")]
    for rule in active:
        before = next((past for past in tried if past.subject == str(rule.name)), None)
        if before:
            notes.append(_left_alone(rule, before))
        else:
            changes.append(_retire(rule, want))
    return Verdict(changes=tuple(changes), notes=tuple(notes))


def _since_made(want: Want, seen: Seen) -> Iterator[Past]:
    """What the ledger remembers, newest first, up to the connector's own creation: an earlier one had other rules."""
    for past in seen.get(HistoryOf(want.site)):
        if (past.verb, past.subject, past.result) == ("create", str(want.connector), "created"):
            return
        yield past


def _broad(rule: FirewallRule, ours: Connector, seen: Seen) -> bool:
    """A broad rule of exactly this connector: by name, and confirmed by range or tag."""
    auto = naming.automatic(rule.name.rule)
    if auto is None or (auto.region, auto.connector) != (ours.name.region, ours.name.connector):
        return False
    subnet = next((found for found in seen.get(SubnetsOf(ours.network)) if found.name == ours.subnet), None)
    confirmed = naming.tag_of(ours.name) in rule.source_tags or (subnet is not None and rule.sources == (subnet.range,))
    return (
        auto.suffix in BROAD
        and confirmed
        and rule.direction == Direction.INGRESS
        and rule.action == Action.ALLOW
        and rule.priority == 1000
    )


def _retire(rule: FirewallRule, want: Want) -> Change:
    opens = rule.sources[0] if rule.sources else rule.source_tags[0]
    because = f"Google's automatic rule opens the whole network to {opens}; ours at 310 and 950 decide already"
    if want.profile.retire == "delete":
        return Remove(rule, because)
    return Update(replace(rule, disabled=True), rule, f"disabled, since {because}")


def _left_alone(rule: FirewallRule, before: Past) -> str:
    if before.result == "refused":
        return f"Google refused to retire {rule.name.rule} ({before.detail}); our rules out-rank it all the same"
    return f"{rule.name.rule} was retired and is active again; it is not fought over, our rules out-rank it"


def _undo(want: Want, seen: Seen, broad: list[FirewallRule]) -> Verdict:
    retired = {
        past.subject for past in seen.get(HistoryOf(want.site)) if past.verb == "update" and past.result == "updated"
    }
    because = "the connector is in state ERROR since the rule was disabled"
    back = [rule for rule in broad if rule.disabled and str(rule.name) in retired]
    return Verdict(changes=tuple(Update(replace(rule, disabled=False), rule, because) for rule in back))


REMEDY = Remedy(
    "automatic firewall rules",
    reads,
    judge,
    permissions=(
        "compute.firewalls.list",
        "vpcaccess.connectors.list",
        "compute.subnetworks.list",
        "logging.logEntries.list",
        "compute.firewalls.get",
        "compute.firewalls.update",
        "compute.firewalls.delete",
        "compute.networks.updatePolicy",
        "compute.globalOperations.get",
    ),
    roads=CONNECTOR_ROAD,
)
