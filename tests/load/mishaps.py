"""What goes wrong in a soak, and how long connectors take in one."""

from __future__ import annotations

from typing import Any

# Seconds that connectors take here: less than in production, so that more happens in a run.
CONNECTORS = {
    "vpcaccess.projects.locations.connectors.create": 60.0,
    "vpcaccess.projects.locations.connectors.delete": 30.0,
}
BUSY = {"code": 14, "http": 503, "message": "The service is currently unavailable."}
LIMITED = {"code": 7, "http": 403, "reason": "rateLimitExceeded", "message": "Rate Limit Exceeded"}
CALL_FAULTS: tuple[dict[str, Any], ...] = (
    {"method": "compute.*", **BUSY, "times": 4},
    {"method": "compute.*", **LIMITED, "times": 4},
    {"method": "compute.*", "drop": True, "times": 2},
    {"method": "compute.firewalls.*", **BUSY, "after": True, "times": 2},
    {"method": "run.*", "code": 8, "reason": "RATE_LIMIT_EXCEEDED", "message": "Quota exceeded", "times": 4},
    {"method": "run.projects.locations.jobs.patch", "code": 14, "after": True, "times": 1},
    {"method": "vpcaccess.*", "code": 14, "times": 3},
    {"method": "logging.*", "code": 14, "times": 3},
    {"method": "*", "latency": 5.0, "times": 5},
)
EVENT_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "lost"},
    {"kind": "doubled", "seconds": 20},
    {"kind": "doubled", "seconds": 20, "sameMessage": True},
    {"kind": "delayed", "seconds": 45},
    {"kind": "reordered"},
    {"kind": "split"},
)
