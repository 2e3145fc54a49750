"""A second opinion: does a packet of a job's next execution arrive? Judged from stored documents alone.

What is judged is Google's documented path: egress setting, connector or network interface, egress firewall, route,
NAT or Private Google Access, ingress firewall of the destination. Whatever those texts leave open is `unknown`.
"""

from localcloud.probe.judge import NoSuchJob, probe
from localcloud.probe.words import Hop, Verdict

__all__ = ["Hop", "NoSuchJob", "Verdict", "probe"]
