"""What a request's address says: the service and region of its host, the API version and path behind them.

One port is every Google host at once: by the Host header (or the absolute URL that a client of a proxy sends), and by
the prefix `/_svc/[REGION-]SERVICE/` for clients that can only be given an endpoint with a path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from localcloud.documents import discovery
from localcloud.errors import NOT_FOUND, ApiError

DOMAINS = (".googleapis.com", ".localcloud.test")  # `.test` leads nowhere, should a client bypass us. Source: RFC 6761
PREFIX = "_svc/"
_LABEL = re.compile(r"(?:(?P<region>[a-z]+-[a-z]+\d+)-)?(?P<service>[a-z]+)")
_REGIONAL = re.compile(r"(?P<service>[a-z]+)\.(?P<region>[a-z]+-[a-z]+\d+)\.rep")
_COMPUTE = re.compile(r"(?P<batch>batch/)?compute/(?P<version>v1|beta|alpha)(?P<rest>/.*)?")


@dataclass(frozen=True)
class Address:
    """Where a request goes. `service` is None when only the path can tell; `region` is that of a regional endpoint."""

    path: str
    service: str | None = None
    region: str = ""
    version: str = "v1"


def address(path: str, host: str) -> Address:
    """The address of a request. Raises NOT_FOUND, by name, for a Google host that is not served here."""
    path = path.lstrip("/")
    if path.startswith(PREFIX):
        label, _, path = path.removeprefix(PREFIX).partition("/")
        found = _LABEL.fullmatch(label)
        return _versioned(path, found["service"] if found else label, (found and found["region"]) or "")
    service, region = _of_host(host.rpartition("@")[2].partition(":")[0].lower())
    return _versioned(path, service, region)


def _of_host(host: str) -> tuple[str | None, str]:
    domain = next((one for one in DOMAINS if host.endswith(one)), None)
    if domain is None or host == "www.googleapis.com":
        return None, ""
    label = host.removesuffix(domain)
    found = _LABEL.fullmatch(label) or _REGIONAL.fullmatch(label)
    if found is None or found["service"] not in served():
        known = ", ".join(sorted(served()))
        raise ApiError(NOT_FOUND, f"The local Google Cloud does not serve {host}. It serves: {known}.")
    return found["service"], found["region"] or ""


def served() -> frozenset[str]:
    """The services that the discovery documents name."""
    return frozenset(api.service for api in discovery.apis().values())


def _versioned(path: str, service: str | None, region: str) -> Address:
    """The versions of compute, and of VPC Access, are served alike, from the document of v1; answers name theirs."""
    if service in (None, "vpcaccess") and path.startswith("v1beta1/projects/"):
        return Address(path.replace("v1beta1/", "v1/", 1), "vpcaccess", region, "v1beta1")
    found = _COMPUTE.fullmatch(path)
    if found is None or service not in (None, "compute"):
        return Address(path, service, region)
    return Address(f"{found['batch'] or ''}compute/v1{found['rest'] or ''}", "compute", region, found["version"])
