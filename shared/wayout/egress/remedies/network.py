"""The VPC network: looked at, and made only where the policy says so."""

from __future__ import annotations

from wayout.egress import naming
from wayout.egress.model import Blocked, Create, Network, NetworkAt, PoliciesOf, RegionPoliciesOf, Seen
from wayout.egress.remedies.remedy import Remedy, Verdict, Want


def reads(want: Want) -> tuple[NetworkAt | PoliciesOf | RegionPoliciesOf, ...]:
    """The network, and the firewall policies that hold on it."""
    name = want.site.network
    return (NetworkAt(name), PoliciesOf(name), RegionPoliciesOf(name, want.site.region))


def judge(want: Want, seen: Seen, done: frozenset[str]) -> Verdict:
    """Absent blocks, unless the policy lets us make it. Firewall policies that cannot be read block too."""
    del done
    name = want.site.network
    if seen.maybe(NetworkAt(name)) is not None:
        policies = (*seen.get(PoliciesOf(name)), *seen.get(RegionPoliciesOf(name, want.site.region)))
        said = f"firewall policies in force on {name.network}: {', '.join(policy.name for policy in policies)}"
        return Verdict(notes=(said,) if policies else ())
    if want.create_network:
        description = f"{naming.MARK}: a network for Cloud Run jobs' way out."
        because = f"the profile {want.site.profile} names the network {name.network}, which does not exist"
        return Verdict(changes=(Create(Network(name, description=description), because),))
    help_ = (
        f"create the network {name.network} in project {name.project}, name another one in the profile "
        f"{want.site.profile}, or let the policy say create_network: true"
    )
    return Verdict(blocked=(Blocked(f"network {name.network}", "it does not exist", help_),))


REMEDY = Remedy(
    "network",
    reads,
    judge,
    permissions=(
        "compute.networks.get",
        "compute.networks.getEffectiveFirewalls",
        "compute.networks.getRegionEffectiveFirewalls",
        "compute.networks.create",
        "compute.globalOperations.get",
    ),
)
