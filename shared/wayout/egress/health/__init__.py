"""Whether a deployment is well: its description, the echo that its functions answer, and the verdicts in words."""

from wayout.egress.health.deployment import DOORS, Deployment, DeploymentError, parse
from wayout.egress.health.findings import Diagnosis, Finding
from wayout.egress.health.judging import Heard, Seen, diagnose
from wayout.egress.health.messages import ChannelSaid, EchoAsked, EchoSaid, PermissionsSaid, PolicySaid, SlackSaid

__all__ = [
    "DOORS",
    "ChannelSaid",
    "Deployment",
    "DeploymentError",
    "Diagnosis",
    "EchoAsked",
    "EchoSaid",
    "Finding",
    "Heard",
    "PermissionsSaid",
    "PolicySaid",
    "Seen",
    "SlackSaid",
    "diagnose",
    "parse",
]
