"""The diagnosis: every verdict, in the order in which a message travels."""

from __future__ import annotations

from wayout.egress.health import answered, chat, laid
from wayout.egress.health.deployment import Deployment
from wayout.egress.health.findings import Diagnosis
from wayout.egress.health.seeing import Heard, Seen

__all__ = ["Heard", "Seen", "diagnose"]


def diagnose(deployment: Deployment, seen: Seen) -> Diagnosis:
    """What was seen and heard, judged. What could not be seen is neither green nor red."""
    outside = [
        *laid.apis(deployment, seen),
        *laid.sinks(deployment, seen),
        *laid.subscriptions(deployment, seen),
        *laid.schedule(deployment),
        *laid.callers(deployment, seen),
    ]
    inside = [
        *answered.echoes(deployment, seen, outside),
        *answered.settings(deployment, seen),
        *answered.permissions(deployment, seen),
        *answered.acting(deployment, seen),
        *answered.policy(seen),
        *chat.slack(deployment, seen),
    ]
    return Diagnosis(project=deployment.project, findings=(*outside, *inside))
