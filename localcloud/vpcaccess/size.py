"""How big a connector is: bounds, throughput, processors. Texts: as quoted in public reports."""

from __future__ import annotations

from typing import Any

from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.errors import INVALID, PRECONDITION, ApiError
from localcloud.locations import parts

# Mbit/s for each instance, from the ranges that Google gives for 2 to 10 instances
THROUGHPUT = {"f1-micro": 50, "e2-micro": 100, "e2-standard-4": 1600}
PROCESSORS = {"f1-micro": 1, "e2-micro": 2, "e2-standard-4": 4}  # what each counts for in the quota CPUS
MOST = 10
SIZES = ("minInstances", "maxInstances", "minThroughput", "maxThroughput")


def given(body: Document) -> Document:
    """What a request says of the size."""
    return {key: body[key] for key in SIZES if body.get(key)}


def invalid() -> ApiError:
    """The bare complaint of a service that does not say which argument."""
    return ApiError(INVALID, "Request contains an invalid argument.")


def check(connector: Document) -> None:
    """Refuse bounds that are wrong at first sight."""
    least, most = connector.get("minInstances", 0), connector.get("maxInstances", 0)
    if least and least < 2:
        raise ApiError(INVALID, "The minimum amount of instances underlying the connector must be at least 2.")
    if least and most and least >= most:
        message = "The specified minimum instances value must be less than the specified maximum instances value."
        raise ApiError(INVALID, message)
    if max(least, most) > MOST:
        raise invalid()


def sized(connector: Document) -> Document:
    """Throughput from instances, which win; instances from throughput where only that was given."""
    found, each = dict(connector), THROUGHPUT[connector["machineType"]]
    if not found.get("maxInstances"):
        if not found.get("maxThroughput"):
            return found  # its creation will fail
        found["maxInstances"] = min(MOST, max(3, -(-found["maxThroughput"] // each)))
    found.setdefault("minInstances", max(2, found.get("minThroughput", 0) // each))
    return found | {f"{end}Throughput": found[f"{end}Instances"] * each for end in ("min", "max")}


def check_processors(cloud: Cloud, connector: Document) -> None:
    """Refuse a connector whose machines, at their most, do not fit in the region's processors.

    The switch `vpcaccess.cpu_quota` is their number, or a mapping of regions to theirs; without it there is no end.
    The other connectors of the project count, those in ERROR too. That the most counts, not the least, is assumed.
    """
    quota: Any = cloud.switch("vpcaccess.cpu_quota")
    project, region, _ = parts(cloud, connector["name"], "connectors")
    if isinstance(quota, dict):
        quota = quota.get(region)
    if quota is None:
        return
    table = cloud.table("vpcaccess.connectors")
    place = f"projects/{project}/locations/{region}/"
    names = list(table)
    earlier = names[: names.index(connector["name"])] if connector["name"] in table else names
    before = sum(_processors(table[name]) for name in earlier if name.startswith(place))
    if before + _processors(connector) > int(quota):
        raise ApiError(PRECONDITION, "Operation failed: Insufficient CPU quota in region.")


def _processors(connector: Document) -> int:
    return int(connector.get("maxInstances", 0)) * PROCESSORS[connector.get("machineType", "e2-micro")]
