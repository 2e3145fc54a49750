"""Names that we give, and names that Google gives to what belongs to a connector.

Ours are deterministic, so that many can act at once and make one thing.

Lengths: a connector's name counts each hyphen twice and stays under 21 (Google's page on connectors); a firewall
rule's stays within 63 characters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Literal

from wayout.egress.names import ConnectorName, NetworkName, RouterName, RuleName, Site, SubnetName

PREFIX = "wayout"
MARK = "Made by Wayout"  # opens every description that we write
DIRECT = "direct"  # marks the subnet of the direct road
_DIRECT_ROLE = "d-"  # and its rules, whose names have no room for more

Road = Literal["connector", "direct"]

_AREAS = ("africa", "asia", "australia", "europe", "me", "northamerica", "southamerica", "us")
_RULE = re.compile(rf"^{PREFIX}-(?P<region>[a-z]+-[a-z]+[0-9]+)-(?P<id>[0-9a-f]{{8}})-(?P<role>[a-z0-9-]+)$")
_SITED = re.compile(rf"^{PREFIX}-(?P<id>[0-9a-f]{{8}})(?:-{DIRECT})?$")
_AUTOMATIC = re.compile(r"^aet-(?P<region>[a-z]+[0-9]+)-(?P<connector>[a-z0-9-]+)-(?P<suffix>[a-z]+fw)$")


def _digest(*parts: object) -> str:
    return sha256("|".join(map(str, parts)).encode()).hexdigest()[:8]


@lru_cache(maxsize=4096)
def site_id(site: Site) -> str:
    """Eight hexadecimal digits that stand for a site in names."""
    return _digest(site.network, site.region, site.profile, *filter(None, (site.home,)))


@lru_cache(maxsize=4096)
def connector_of(site: Site) -> ConnectorName:
    """The site's own connector, in the network's project or the site's home."""
    return ConnectorName(site.home or site.network.project, site.region, f"{PREFIX}-{site_id(site)}")


@lru_cache(maxsize=4096)
def subnet_of(site: Site, road: Road = "connector") -> SubnetName:
    """The subnet of the site's own connector, or of its jobs on the direct road."""
    suffix = f"-{DIRECT}" if road == "direct" else ""
    return SubnetName(site.network.project, site.region, f"{PREFIX}-{site_id(site)}{suffix}")


def road_of(subnet: SubnetName) -> Road:
    """The road that a subnet of ours is on."""
    return "direct" if subnet.subnet.endswith(f"-{DIRECT}") else "connector"


def direct_tag_of(site: Site) -> str:
    """The network tag that a site's jobs carry on the direct road."""
    return f"{PREFIX}-{site_id(site)}"


def router_of(network: NetworkName, region: str) -> RouterName:
    """Our router of a network and region: one for all its sites."""
    return RouterName(network.project, region, f"{PREFIX}-{_digest(network, region)}")


def rule_of(site: Site, role: str, road: Road = "connector") -> RuleName:
    """A firewall rule of the site; `role` is what it is for, such as `deny-out`."""
    role = f"{_DIRECT_ROLE}{role}" if road == "direct" else role
    return RuleName(site.network.project, f"{PREFIX}-{site.region}-{site_id(site)}-{role}")


def is_rule_of(site: Site, road: Road, name: RuleName) -> bool:
    """Whether a rule's name is one that we give to this site's rules on this road."""
    if not name.rule.startswith(PREFIX):
        return False
    prefix = rule_of(site, "").rule
    role = name.rule.removeprefix(prefix)
    on = "direct" if role.startswith(_DIRECT_ROLE) else "connector"
    return name.project == site.network.project and name.rule.startswith(prefix) and on == road


def tag_of(connector: ConnectorName) -> str:
    """The network tag that this connector alone carries (Google's page on connectors; hyphens stay as they are)."""
    return f"vpc-connector-{connector.region}-{connector.connector}"


@dataclass(frozen=True, slots=True)
class Automatic:
    """What the name of a rule says that Google made for a connector. `suffix` tells its purpose."""

    region: str
    connector: str
    suffix: str


def automatic(rule: str) -> Automatic | None:
    """Read `aet-<region without hyphens>-<connector, hyphens doubled>-<suffix>`, with doubled or single hyphens.

    Both spellings have been seen; whoever acts on it confirms by range or tag first.
    """
    found = _AUTOMATIC.match(rule)
    region = _spread(found["region"]) if found else None
    if found is None or region is None:
        return None
    return Automatic(region, found["connector"].replace("--", "-"), found["suffix"])


def _spread(squeezed: str) -> str | None:
    """`europewest2` -> `europe-west2`."""
    area = next((area for area in _AREAS if squeezed.startswith(area) and squeezed != area), None)
    return f"{area}-{squeezed[len(area) :]}" if area else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where something of ours belongs: its region, and the id of its site (empty for a router: it serves them all)."""

    region: str
    site_id: str = ""


def place_of(name: ConnectorName | RuleName | RouterName | SubnetName) -> Place | None:
    """Where a thing belongs if its name is one that we give, or Google's for a connector of ours; else None."""
    match name:
        case RuleName(_, rule):
            if found := _RULE.match(rule):
                return Place(found["region"], found["id"])
            if (auto := automatic(rule)) and (sited := _SITED.match(auto.connector)):
                return Place(auto.region, sited["id"])
            return None
        case RouterName(_, region, router):
            return Place(region) if _SITED.match(router) else None
        case ConnectorName(_, region, text) | SubnetName(_, region, text):
            sited = _SITED.match(text)
            return Place(region, sited["id"]) if sited else None
