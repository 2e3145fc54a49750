"""Cloud DNS, as far as private zones for Google APIs need it: managed zones and their record sets."""

from __future__ import annotations

import re
from typing import Any

from localcloud import audit, core
from localcloud.calls import Audited, Call, Document, Target
from localcloud.compute.common import NETWORKS, link, named
from localcloud.core import Cloud, serves
from localcloud.errors import EXISTS, INVALID, NOT_FOUND, ApiError

ZONES = "dns.managedZones"  # projects/P/managedZones/Z
RECORDS = "dns.resourceRecordSets"  # projects/P/managedZones/Z/rrsets/NAME/TYPE
TYPES = {"A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"}


def _zone_name(cloud: Cloud, call: Call, short: str | None = None) -> str:
    return f"projects/{cloud.project_id(call.params['project'])}/managedZones/{short or call.params['managedZone']}"


def _target(cloud: Cloud, call: Call) -> Target:
    short = call.params.get("managedZone") or call.body.get("name", "")
    name = _zone_name(cloud, call, short)
    labels = {"zone_name": short, "location": "global"}
    return Target(name.split("/")[1], f"managedZones/{short}", "dns_managed_zone", labels)


def _zone(cloud: Cloud, call: Call) -> Document:
    """The zone that the path names, by its name or its id."""
    wanted = call.params["managedZone"]
    found = cloud.table(ZONES).get(_zone_name(cloud, call))
    prefix = _zone_name(cloud, call, "x")[:-1]
    by_id = (one for name, one in cloud.table(ZONES).items() if name.startswith(prefix) and one["id"] == wanted)
    found = found or next(by_id, None)
    if found is None:
        message = f"The 'parameters.managedZone' resource named '{wanted}' does not exist."
        raise ApiError(NOT_FOUND, message, reason="notFound")
    return found


@serves(
    "dns.managedZones.create",
    permissions=("dns.managedZones.create",),
    audited=Audited("dns.managedZones.create", _target),
)
def create_zone(cloud: Cloud, call: Call) -> Document:
    """Make a zone, at once. A private one is seen by the networks that it names, which must exist."""
    body = call.body
    short = body.get("name", "")
    if not re.fullmatch(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?", short):
        raise _invalid("entity.managedZone.name", short)
    if not str(body.get("dnsName", "")).endswith("."):
        raise _invalid("entity.managedZone.dnsName", body.get("dnsName", ""))
    name = _zone_name(cloud, call, short)
    if name in cloud.table(ZONES):
        message = f"The resource 'entity.managedZone' named '{short}' already exists"
        raise ApiError(EXISTS, message, reason="alreadyExists")
    number = cloud.new_id()
    zone: Document = (
        {"visibility": "public", "description": ""}
        | body
        | {
            "kind": "dns#managedZone",
            "id": number,
            "creationTime": cloud.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "nameServers": ["ns-gcp-private.googledomains.com."],
            "cloudLoggingConfig": body.get("cloudLoggingConfig", {"kind": "dns#managedZoneCloudLoggingConfig"}),
        }
    )
    if "privateVisibilityConfig" in body:
        zone["privateVisibilityConfig"] = _visibility(cloud, call, body["privateVisibilityConfig"])
    cloud.table(ZONES)[name] = zone
    _add_own_records(cloud, name, zone)
    _log(cloud, call, zone)
    return zone


def _visibility(cloud: Cloud, call: Call, config: Document) -> Document:
    networks = []
    for index, one in enumerate(config.get("networks", [])):
        url = one.get("networkUrl", "")
        field = f"entity.managedZone.privateVisibilityConfig.networks[{index}].networkUrl"
        name = named(cloud, url, field, call.params["project"])
        if name not in cloud.table(NETWORKS.table):
            raise _invalid(field, url)
        networks.append({"kind": "dns#managedZonePrivateVisibilityConfigNetwork", "networkUrl": link(name)})
    return {"kind": "dns#managedZonePrivateVisibilityConfig", "networks": networks}


def _add_own_records(cloud: Cloud, name: str, zone: Document) -> None:
    """The NS and SOA sets that every zone has from the start."""
    server = zone["nameServers"][0]
    soa = f"{server} cloud-dns-hostmaster.google.com. 1 21600 3600 259200 300"
    for kind, data in (("NS", server), ("SOA", soa)):
        record = {
            "kind": "dns#resourceRecordSet",
            "name": zone["dnsName"],
            "type": kind,
            "ttl": 21600,
            "rrdatas": [data],
        }
        cloud.table(RECORDS)[f"{name}/rrsets/{zone['dnsName']}/{kind}"] = record


@serves("dns.managedZones.get", permissions=("dns.managedZones.get",))
def get_zone(cloud: Cloud, call: Call) -> Document:
    return _zone(cloud, call)


@serves("dns.managedZones.list", permissions=("dns.managedZones.list",))
def list_zones(cloud: Cloud, call: Call) -> Document:
    """All zones of the project, or those of one DNS name."""
    prefix = _zone_name(cloud, call, "x")[:-1]
    wanted = call.params.get("dnsName")
    found = [one for name, one in sorted(cloud.table(ZONES).items()) if name.startswith(prefix)]
    zones = [one for one in found if wanted in (None, one["dnsName"])]
    return _page(call, "dns#managedZonesListResponse", "managedZones", zones)


@serves(
    "dns.managedZones.delete",
    permissions=("dns.managedZones.delete",),
    audited=Audited("dns.managedZones.delete", _target),
)
def delete_zone(cloud: Cloud, call: Call) -> Document:
    """Remove a zone that holds nothing but its NS and SOA sets."""
    zone = _zone(cloud, call)
    name = _zone_name(cloud, call, zone["name"])
    records = {key: one for key, one in cloud.table(RECORDS).items() if key.startswith(f"{name}/rrsets/")}
    if any(one["type"] not in ("NS", "SOA") or one["name"] != zone["dnsName"] for one in records.values()):
        message = (
            f"The resource named '{zone['name']}' cannot be deleted because it contains one or more 'resource records'."
        )
        raise ApiError(INVALID, message, reason="containerNotEmpty")
    for key in records:
        del cloud.table(RECORDS)[key]
    del cloud.table(ZONES)[name]
    _log(cloud, call, {})
    return {}


@serves(
    "dns.resourceRecordSets.create",
    permissions=("dns.resourceRecordSets.create",),
    audited=Audited("dns.resourceRecordSets.create", _target),
)
def create_records(cloud: Cloud, call: Call) -> Document:
    """Add one record set to a zone."""
    zone = _zone(cloud, call)
    name, kind = str(call.body.get("name", "")), str(call.body.get("type", ""))
    if name != zone["dnsName"] and not name.endswith(f".{zone['dnsName']}"):
        raise _invalid("entity.rrset.name", name)
    if kind not in TYPES:
        raise _invalid("entity.rrset.type", kind)
    key = f"{_zone_name(cloud, call, zone['name'])}/rrsets/{name}/{kind}"
    if key in cloud.table(RECORDS):
        message = f"The resource 'entity.rrset' named '{name} ({kind})' already exists"
        raise ApiError(EXISTS, message, reason="alreadyExists")
    record: Document = {"ttl": 300, "rrdatas": []} | call.body | {"kind": "dns#resourceRecordSet"}
    cloud.table(RECORDS)[key] = record
    _log(cloud, call, record)
    return record


@serves("dns.resourceRecordSets.list", permissions=("dns.resourceRecordSets.list",))
def list_records(cloud: Cloud, call: Call) -> Document:
    """The record sets of a zone, perhaps only those of one name, or of one name and type."""
    prefix = _zone_name(cloud, call, _zone(cloud, call)["name"]) + "/rrsets/"
    records = [one for key, one in sorted(cloud.table(RECORDS).items()) if key.startswith(prefix)]
    for field in ("name", "type"):
        if call.params.get(field):
            records = [one for one in records if one[field] == call.params[field]]
    return _page(call, "dns#resourceRecordSetsListResponse", "rrsets", records)


def _page(call: Call, kind: str, key: str, items: list[Any]) -> Document:
    start = int(call.params.get("pageToken") or 0)
    most = int(call.params.get("maxResults") or 100)
    more = {"nextPageToken": str(start + most)} if len(items) > start + most else {}
    return {"kind": kind, key: items[start : start + most]} | more


def _invalid(field: str, value: str) -> ApiError:
    return ApiError(INVALID, f"Invalid value for '{field}': '{value}'", reason="invalid")


def _log(cloud: Cloud, call: Call, response: Document) -> None:
    shape = core.METHODS[call.method].audited
    if shape is not None:
        cloud.log(audit.entry(cloud, shape, call, response=response))
