"""Firewall policies, from compute's document to the model's values.

Sources: compute's discovery document (FirewallPolicyRule, its matcher, NetworksGetEffectiveFirewallsResponse), and
"Evaluation order for firewall policies and rules" for who is asked first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from wayout.egress.model import Direction, FirewallPolicy, Layer, NetworkName, PolicyRule, Traffic, Verb

if TYPE_CHECKING:
    from google.cloud import compute_v1

_ORDER = (Layer.HIERARCHY, Layer.SYSTEM, Layer.NETWORK, Layer.REGIONAL)
_WIDE = ("HIERARCHY", "NETWORK", "SYSTEM", "SYSTEM_GLOBAL")  # of the whole network
_ANYWHERE = ("UNSPECIFIED",)

# What a rule can match by that cannot be judged from addresses, protocols and accounts; in words for people. The first
# stand beside a side's ranges as alternatives to them, the second narrow whatever it says.
_ALTERNATIVES = (
    ("fqdns", "FQDNs"),
    ("address_groups", "address groups"),
    ("region_codes", "regions"),
    ("threat_intelligences", "threat intelligence lists"),
    ("secure_tags", "secure tags"),
)
_SCOPES = (
    ("network_context", "network scope"),
    ("network_type", "network scope"),
    ("networks", "networks"),
)


def policies(of: NetworkName, found: Iterable[Any]) -> tuple[FirewallPolicy, ...]:
    """The effective policies of a network in the order in which they are asked.

    Hierarchical ones stay as Google lists them, from the organisation down; the priority of the others is that of
    their association with the network.
    """
    seen = [policy(of, one) for one in found]
    return tuple(sorted(seen, key=lambda one: (_ORDER.index(one.layer), one.priority)))


def regional(of: NetworkName, found: Iterable[Any]) -> tuple[FirewallPolicy, ...]:
    """Those of a region's effective policies that are its own; the wider ones are known from the network itself."""
    return policies(of, (one for one in found if one.type_ not in _WIDE))


def policy(of: NetworkName, found: Any) -> FirewallPolicy:
    """One policy, with those of its rules that apply in the network."""
    layer, strange = _layer(found.type_)
    rules = (rule(of, one, strange) for one in found.rules if _applies(of, one))
    return FirewallPolicy(
        name=getattr(found, "short_name", "") or found.display_name or found.name,
        layer=layer,
        rules=tuple(sorted(rules, key=lambda one: one.priority)),
        priority=0 if layer == Layer.HIERARCHY else found.priority,
    )


def _layer(said: str) -> tuple[Layer, tuple[str, ...]]:
    """Where it stands. Where a kind is not known, neither is when it is asked: its rules may decide or not."""
    if said in set(Layer):
        return Layer(said), ()
    if said.startswith("SYSTEM"):
        return Layer.SYSTEM, ()
    return Layer.NETWORK, () if not said else (f"policy type {said}",)


def _applies(of: NetworkName, found: compute_v1.FirewallPolicyRule) -> bool:
    """Not a load balancer's rule, not one for other networks alone, and none whose secure tags are all gone."""
    if found.target_type not in ("", "INSTANCES") or found.target_forwarding_rules:
        return False
    sources = found.match.src_secure_tags
    if found.target_secure_tags and not _effective(found.target_secure_tags):
        return False
    if sources and not _effective(sources) and not (_alternatives(found.match, "src") or found.match.src_ip_ranges):
        return False
    meant = [NetworkName.parse(url) for url in found.target_resources]
    return not meant or any(one == of or _numbered(of, one) for one in meant)


def _numbered(of: NetworkName, other: NetworkName) -> bool:
    """Whether it may be the same network, under its project's number."""
    return other.project.isdigit() and other.network == of.network


def rule(of: NetworkName, found: compute_v1.FirewallPolicyRule, strange: tuple[str, ...] = ()) -> PolicyRule:
    """One rule. A single address is taken for the range of one; no list of protocols for all of them."""
    match = found.match
    traffic = tuple(Traffic(one.ip_protocol.lower(), tuple(one.ports)) for one in match.layer4_configs)
    return PolicyRule(
        priority=found.priority,
        direction=Direction(found.direction or "INGRESS"),
        verb=Verb(found.action) if found.action in set(Verb) else Verb.OTHER,
        traffic=traffic or (Traffic("all"),),
        sources=_ranges(match, "src"),
        destinations=_ranges(match, "dest"),
        target_accounts=tuple(found.target_service_accounts),
        disabled=found.disabled,
        unclear=tuple(dict.fromkeys((*strange, *_unclear(of, found)))),
    )


def _ranges(match: Any, side: str) -> tuple[str, ...]:
    """A side's ranges; none, which is any address, where something else may let it match outside of them."""
    texts = () if _alternatives(match, side) else getattr(match, f"{side}_ip_ranges")
    return tuple(str(ip_network(text, strict=False)) for text in texts)


def _alternatives(match: Any, side: str) -> list[str]:
    named = ((_effective(getattr(match, f"{side}_{field}", ())), words) for field, words in _ALTERNATIVES)
    return [words for values, words in named if values]


def _effective(values: Iterable[Any]) -> list[Any]:
    """Without secure tags that were deleted, or whose network was: to Google they are no condition any more."""
    return [one for one in values if getattr(one, "state", "") != "INEFFECTIVE"]


def _unclear(of: NetworkName, found: compute_v1.FirewallPolicyRule) -> Iterator[str]:
    """What it matches by that cannot be judged."""
    for side, word in (("src", "source"), ("dest", "destination")):
        scopes = ((getattr(found.match, f"{side}_{field}", ""), words) for field, words in _SCOPES)
        yield from (f"{word} {words}" for words in _alternatives(found.match, side))
        yield from (f"{word} {words}" for value, words in scopes if value and value not in _ANYWHERE)
    if found.target_secure_tags:
        yield "target secure tags"
    if found.target_resources and of not in [NetworkName.parse(url) for url in found.target_resources]:
        yield "target networks by project number"
