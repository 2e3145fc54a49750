"""Quotas on requests: so many per minute for a project, or for a project and region, by group of methods.

A window is a minute of the cloud's clock, and full again at the next one. What was refused makes idle time pass to
there, so that whoever backs off finds it. Not counted: publishing and pulling, which Pub/Sub limits by bytes.

Switches: `quotas.enforced` True; `quotas.limits` {}: other sizes, by name, such as {"run/Write requests": 5}.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from localcloud.calls import SERVICE_NAMES, Call, Document, Running
from localcloud.errors import DENIED, EXHAUSTED, ApiError
from localcloud.iam.tokens import reads

if TYPE_CHECKING:
    from localcloud.core import Cloud

MINUTE = 60
CONCURRENT = "compute/Concurrent operations"
CONCURRENT_SIZE = 500  # running operations of a project, in one region or global; assumed, Google raises it on request


@dataclass(frozen=True)
class Quota:
    """`per_minute` requests of one group, named as the refusal names it. `metric` is its technical name."""

    service: str
    group: str
    per_minute: int
    metric: str
    regional: bool = False

    @property
    def name(self) -> str:
        return f"{self.service}/{self.group}"

    @property
    def limit(self) -> str:
        return f"{self.group} per minute" + (" per region" if self.regional else "")


# Sizes. Source: compute's page on API rate limits (1500 for each group); two operators' reports (60 writes of Cloud
# Run); DefangLabs/defang#1268 (120 reads of Logging). All others are assumed.
QUOTAS = {
    quota.name: quota
    for quota in (
        Quota("compute", "Queries", 1500, "compute.googleapis.com/default"),
        Quota("compute", "Read requests", 1500, "compute.googleapis.com/read_requests"),
        Quota("compute", "List requests", 1500, "compute.googleapis.com/list_requests"),
        Quota("compute", "Operation read requests", 1500, "compute.googleapis.com/operation_read_requests"),
        Quota("run", "Write requests", 60, "run.googleapis.com/write_regional", regional=True),
        Quota("run", "Read requests", 3000, "run.googleapis.com/read_regional", regional=True),
        Quota("vpcaccess", "Write requests", 60, "vpcaccess.googleapis.com/write_requests"),
        Quota("vpcaccess", "Read requests", 600, "vpcaccess.googleapis.com/read_requests"),
        Quota("pubsub", "Administrator operations", 6000, "pubsub.googleapis.com/administrator"),
        Quota("logging", "Write requests", 120_000, "logging.googleapis.com/write_requests"),
        Quota("logging", "Read requests", 120, "logging.googleapis.com/read_requests"),
        Quota("cloudresourcemanager", "Read requests", 600, "cloudresourcemanager.googleapis.com/read_requests"),
        Quota("cloudresourcemanager", "Write requests", 600, "cloudresourcemanager.googleapis.com/write_requests"),
    )
}
SIZES = {name: quota.per_minute for name, quota in QUOTAS.items()} | {CONCURRENT: CONCURRENT_SIZE}
UNCOUNTED = {"publish", "pull", "acknowledge", "modifyAckDeadline"}


class Windows:
    """How much of each quota is used in the minute that it was last used in, and which operations run."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._used: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._running: list[Running] = []
        self._seen = 0

    def take(self, key: tuple[str, str, str], minute: int, size: int) -> bool:
        """Take one, if there is one left. `key` is project, quota and region."""
        used = self.used(key, minute)
        if used >= size:
            return False
        self._used[key] = minute, used + 1
        return True

    def used(self, key: tuple[str, str, str], minute: int) -> int:
        """How many are taken in that minute."""
        last, used = self._used.get(key, (minute, 0))
        return used if last == minute else 0

    def running(self) -> list[Running]:
        """The operations that are not done. Looks at each finished one once only: there may be very many."""
        new = islice(self._cloud.operations.values(), self._seen, None)
        self._running = [one for one in (*self._running, *new) if not one.done]
        self._seen = len(self._cloud.operations)
        return self._running

    def shown(self, minute: int) -> list[Document]:
        """What is used this minute."""
        found = ((key, used) for key, (last, used) in sorted(self._used.items()) if last == minute)
        return [{"project": key[0], "quota": key[1], "region": key[2], "used": used} for key, used in found]


def minute_of(cloud: Cloud) -> int:
    """The number of the cloud's current minute."""
    return int(cloud.clock.seconds() // MINUTE)


def size_of(cloud: Cloud, name: str) -> int:
    """How many requests a quota allows now."""
    size: int = cloud.switch("quotas.limits").get(name, SIZES[name])
    return size


def take(cloud: Cloud, call: Call, project: str) -> None:
    """Count a call against its quota. Raises the service's refusal when the minute is used up."""
    if not cloud.switch("quotas.enforced"):
        return
    if call.service == "compute" and not reads(call):
        _check_concurrent(cloud, call, project)
    quota = _quota(call)
    if quota is None:
        return
    region = _region(call) if quota.regional else ""
    minute = minute_of(cloud)
    if not cloud.part(Windows).take((project, quota.name, region), minute, size_of(cloud, quota.name)):
        cloud.after((minute + 1) * MINUTE - cloud.clock.seconds(), lambda: None)
        raise _exceeded(cloud, quota, project, region)


def _quota(call: Call) -> Quota | None:
    verb = call.method.rpartition(".")[2]
    if call.service == "pubsub":
        return None if verb in UNCOUNTED else QUOTAS["pubsub/Administrator operations"]
    if call.service == "compute":
        group = "Queries"
        if "Operations." in call.method:
            group = "Operation read requests"
        elif reads(call):
            group = "List requests" if verb.lower().endswith("list") else "Read requests"
        return QUOTAS[f"compute/{group}"]
    return QUOTAS.get(f"{call.service}/{'Read' if reads(call) else 'Write'} requests")


def _region(call: Call) -> str:
    """The region of a call to Cloud Run: in the name, or in the host that was asked."""
    parts = (call.params.get("parent") or call.params.get("name", "")).split("/")
    return parts[3] if len(parts) > 3 and parts[2] == "locations" else call.region or "global"


def _exceeded(cloud: Cloud, quota: Quota, project: str, region: str) -> ApiError:
    """Source: the catalogue of recorded errors; compute says 403 and `rateLimitExceeded`, all others 429."""
    service, number = SERVICE_NAMES[quota.service], cloud.number(project)
    message = (
        f"Quota exceeded for quota metric '{quota.group}' and limit '{quota.limit}' of service '{service}' "
        f"for consumer 'project_number:{number}'."
    )
    if quota.service == "compute":
        return ApiError(DENIED, message, reason="rateLimitExceeded", domain="usageLimits")
    metadata = {
        "service": service,
        "consumer": f"projects/{number}",
        "quota_metric": quota.metric,
        "quota_limit": _limit_id(quota),
        "quota_limit_value": str(size_of(cloud, quota.name)),
        "quota_location": region or "global",
        "quota_unit": "1/min/{project}" + ("/{region}" if quota.regional else ""),
    }
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED"}
    details: list[Document] = [info | {"domain": "googleapis.com", "metadata": metadata}]
    return ApiError(EXHAUSTED, message, reason="rateLimitExceeded", details=details)


def _limit_id(quota: Quota) -> str:
    """Such as ReadRequestsPerMinutePerProject. Source: DefangLabs/defang#1268."""
    return f"{quota.group.title().replace(' ', '')}PerMinutePerProject" + ("PerRegion" if quota.regional else "")


def _check_concurrent(cloud: Cloud, call: Call, project: str) -> None:
    """Refuses a change while too many are under way. Source: the catalogue; Terraform's retry predicates name it."""
    scope = f"regions/{call.params['region']}" if "region" in call.params else "global"
    mine = f"/projects/{project}/{scope}/operations/"
    running = sum(mine in one.body.get("selfLink", "") for one in cloud.part(Windows).running())
    if running < size_of(cloud, CONCURRENT):
        return
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED",
        "domain": "compute.googleapis.com",
        "metadatas": {
            "containerId": cloud.number(project),
            "containerType": "PROJECT",
            "location": call.params.get("region", "global"),
        },
    }
    raise ApiError(DENIED, "Rate Limit Exceeded", reason="rateLimitExceeded", domain="usageLimits", details=[info])
