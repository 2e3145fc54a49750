"""How many there may be: quotas of a project (switches `compute.KIND.quota`) and fixed limits of a network or router.

Quotas: FIREWALLS 500, refused at once; ROUTERS, NETWORKS and SUBNETWORKS, none unless switched on (projects differ), in
the operation. Source: texts quoted in public issues, FIREWALLS with 403, ROUTERS while its operation ran.
Limits: 5 routers for one network and region, 50 gateways in a router ("Cloud Router limits", "Cloud NAT limits"); the
texts of these two are assumed, in the style of compute's other limits.
"""

from __future__ import annotations

from collections.abc import Callable

from localcloud.calls import Document
from localcloud.compute.common import FIREWALLS, NETWORKS, ROUTERS, SUBNETWORKS, Kind, book, exists
from localcloud.core import Cloud
from localcloud.errors import DENIED, INVALID, ApiError

COUNTED = (FIREWALLS, ROUTERS, NETWORKS, SUBNETWORKS)
MOST_ROUTERS = 5  # for one network and region
MOST_NATS = 50  # in one router


def quota(cloud: Cloud, kind: Kind) -> int | None:
    """How many of a kind a project may have; None is no limit."""
    found = cloud.switch(f"compute.{kind.plural}.quota")
    return None if found is None else int(found)


def used(cloud: Cloud, kind: Kind, project: str) -> int:
    """How many of a kind a project has."""
    return sum(name.startswith(f"projects/{project}/") for name in cloud.table(kind.table))


def check_quota(cloud: Cloud, kind: Kind, project: str) -> None:
    """Refuse one more of a kind than a project may have; what is being made counts."""
    most = quota(cloud, kind)
    if most is None or len(cloud.table(kind.table)) + len(book(cloud).busy) < most:
        return  # nobody needs to be counted one by one
    coming = sum(name.startswith(f"projects/{project}/") for name, _ in book(cloud).being_made(kind.plural))
    if used(cloud, kind, project) + coming >= most:
        message = f"Quota '{kind.plural.upper()}' exceeded.  Limit: {float(most)} globally."
        raise ApiError(DENIED, message, reason="QUOTA_EXCEEDED", domain="usageLimits")


def late_quota(cloud: Cloud, kind: Kind, name: str) -> Callable[[], None]:
    """The same check for the end of an operation: what others are making does not count yet."""

    def check() -> None:
        project, most = name.split("/")[1], quota(cloud, kind)
        if most is not None and used(cloud, kind, project) >= most:
            message = f"Quota '{kind.plural.upper()}' exceeded.  Limit: {float(most)} globally."
            raise ApiError(DENIED, message, reason="QUOTA_EXCEEDED", domain="usageLimits")

    return check


def check_room(cloud: Cloud, router: str, document: Document) -> None:
    """Refuse one router too many for its network and region."""
    scope, network = router.rsplit("/", 1)[0] + "/", document["network"]
    routers = dict([*cloud.table(ROUTERS.table).items(), *book(cloud).being_made("routers")])
    if router in routers:
        raise exists(router)
    if sum(name.startswith(scope) and one["network"] == network for name, one in routers.items()) >= MOST_ROUTERS:
        raise _exceeded("ROUTERS_PER_NETWORK_AND_REGION", network, MOST_ROUTERS)


def check_nats(router: str, nats: list[Document]) -> None:
    """Refuse one gateway too many in a router."""
    if len(nats) > MOST_NATS:
        raise _exceeded("NATS_PER_ROUTER", router, MOST_NATS)


def _exceeded(limit: str, resource: str, most: int) -> ApiError:
    name = "projects/" + resource.split("projects/", 1)[-1]
    return ApiError(INVALID, f"Exceeded limit '{limit}' on resource '{name}'. Limit: {most}", reason="limitExceeded")
