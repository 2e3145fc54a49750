"""Every scenario on the wire, as far as it decides what Wayout has to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.house import NETWORK
from tests.permissions import stories
from tests.permissions.granting import HOST, Granted, Row
from wayout.cli.demo.stage import POLICY


@dataclass(frozen=True)
class Scenario:
    """A story, and the world that it takes place in."""

    story: stories.Story
    policy: str = POLICY
    network: str = NETWORK
    shared: bool = False
    switches: Mapping[str, Any] = field(default_factory=dict)

    def house(self, folder: Path, without: Row | None = None) -> Granted:
        """Where it takes place, with everything granted but what is taken away."""
        return Granted(
            folder,
            shared=self.shared,
            without=without,
            policy=self.policy,
            network=self.network,
            switches=self.switches,
        )


def shared(*lines: str, connector: str) -> str:
    """The demo's policy in a Shared VPC that it may write to, with connectors in the `host` or `service` project."""
    size = f"connector: {{project: {connector}, max_instances: 3}}"
    return stories.having("host_writes: true", size, *lines, network=f"projects/{HOST}/global/networks/shared")


def sharing(story: stories.Story, policy: str) -> Scenario:
    """A story in a Shared VPC."""
    return Scenario(stories.in_shared(story), policy, shared=True)


_FOLDER = "rules:\n  - {match: {folder: folders/12}, profile: internet-https}\n"
_REFUSED = "rules:\n  - {profile: internet-https}\n"
_REMOVE = ("idle: remove", "idle_days: 2")
_SMALL = "connector: {max_instances: 3}"

SCENARIOS: dict[str, Scenario] = {
    "a job in a green field": Scenario(stories.greenfield),
    "a second job": Scenario(stories.second_job),
    "what somebody broke": Scenario(stories.healed),
    "the direct road": Scenario(stories.greenfield, stories.having("road: direct")),
    "another road": Scenario(stories.other_road),
    "a connector of others": Scenario(stories.adopted, stories.having('adopt: {connectors: ["team-*"]}')),
    "reserved addresses": Scenario(stories.reserved_addresses, stories.having("nat: {addresses: [out-1]}")),
    "a network that is missing": Scenario(stories.network_made, POLICY + "create_network: true\n", network=""),
    "Google APIs by private addresses": Scenario(stories.google_apis, stories.having("google_apis: private")),
    "a rule for a folder": Scenario(stories.folder_rule, POLICY + _FOLDER),
    "a peered network": Scenario(stories.peered),
    "a request": Scenario(stories.requested),
    "a sweep": Scenario(stories.swept),
    "a policy that observes": Scenario(stories.observed, stories.changed("mode: enforce", "mode: observe")),
    "an explanation": Scenario(stories.explained, stories.changed("mode: enforce", "mode: observe")),
    "a deploy that was refused": Scenario(stories.refused_deploy, POLICY + _REFUSED),
    "a narrower profile": Scenario(stories.narrowed),
    "a larger connector": Scenario(stories.grown, stories.having(_SMALL)),
    "a connector that fails": Scenario(stories.broken_at_birth),
    "leftovers": Scenario(stories.leftovers, switches={"connector.leaves_rules": True}),
    "the end of a site": Scenario(stories.end_of_life, stories.having(*_REMOVE)),
    "a job that needs it no more": Scenario(stories.detached, stories.having("detach: true")),
    "a host's connector of others": sharing(
        stories.adopted, shared('adopt: {connectors: ["team-*"]}', connector="host")
    ),
    "a host's connector": sharing(stories.grown, shared(connector="host")),
    "a host's connector that fails": sharing(stories.broken_at_birth, shared(connector="host")),
    "the end of a site in a host": sharing(stories.end_of_life, shared(*_REMOVE, connector="host")),
    "a service project's connector": sharing(stories.grown, shared(connector="service")),
    "the end of a site in a service project": sharing(stories.end_of_life, shared(*_REMOVE, connector="service")),
    "a service project's connector that fails": sharing(stories.broken_at_birth, shared(connector="service")),
}
