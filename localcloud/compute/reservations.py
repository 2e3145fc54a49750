"""Making and removing addresses: of a region (external, or in a subnet) and global ones (also whole ranges).

Source: compute's Address documentation; a range that is taken shows in the operation, as quoted in public issues.
External addresses are made up from a range that Google has, and lead nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, ip_network

from localcloud.calls import Audited, Call, Document
from localcloud.compute.addresses import GLOBAL_ADDRESSES, users
from localcloud.compute.common import (
    ADDRESSES,
    NETWORKS,
    SUBNETWORKS,
    Kind,
    absent,
    audited,
    dressed,
    existing,
    in_use,
    invalid,
    link,
    named,
    own_name,
    repeatable,
    required,
)
from localcloud.compute.ranges import allocated, allocation_conflict, taken
from localcloud.compute.writing import create, remove
from localcloud.core import Cloud, serves
from localcloud.errors import INVALID, ApiError

EXTERNAL = IPv4Network("34.105.0.0/16")
INSIDE = IPv4Network("10.0.0.0/8")  # where ranges are looked for that nobody chose; assumed
PREFIXES = range(8, 30)


def _audited(kind: Kind, verb: str) -> Audited:
    found = audited(kind, verb)
    method = f"compute.{'globalAddresses' if kind is GLOBAL_ADDRESSES else 'addresses'}.{verb}"
    return replace(found, method_name=f"v1.{method}", request_type=method)


@serves("compute.addresses.insert", permissions=("compute.addresses.create",), audited=_audited(ADDRESSES, "insert"))
@repeatable
def insert(cloud: Cloud, call: Call) -> Document:
    """Reserve an address in a region."""
    name = ADDRESSES.name(cloud, call, own_name(call))
    if call.body.get("addressType", "EXTERNAL") == "INTERNAL":
        body = _inside_subnet(cloud, call, name)
    else:
        body = {"networkTier": "PREMIUM"} | call.body | {"addressType": "EXTERNAL", "address": _external(cloud)}
    document = dressed(cloud, ADDRESSES, name, body | {"status": "RESERVED"})
    return create(cloud, call, ADDRESSES, name, document, check=lambda: None)


def _inside_subnet(cloud: Cloud, call: Call, name: str) -> Document:
    given = call.body.get("subnetwork")
    if not given:
        raise required("subnetwork")
    subnet = named(cloud, given, "resource.subnetwork", name.split("/")[1])
    range_ = IPv4Network(existing(cloud, SUBNETWORKS, subnet)["ipCidrRange"])
    there = cloud.table(ADDRESSES.table).values()
    used = {one.get("address") for one in there if one.get("subnetwork") == link(subnet)}
    wanted = call.body.get("address") or next(str(one) for one in list(range_)[2:-2] if str(one) not in used)
    if IPv4Address(wanted) not in range_:
        raise invalid("resource.address", wanted, "Requested address is not within the subnetwork's IP range.")
    if wanted in used:
        raise ApiError(INVALID, f"Specified IP address '{wanted}' is already reserved.", reason="ipAddressInUse")
    return {"purpose": "GCE_ENDPOINT"} | call.body | {"address": wanted, "subnetwork": link(subnet)}


def _external(cloud: Cloud) -> str:
    """An address that no other has."""
    tables = (cloud.table(ADDRESSES.table), cloud.table(GLOBAL_ADDRESSES.table))
    used = {one.get("address") for table in tables for one in table.values()}
    return next(str(one) for one in EXTERNAL.hosts() if str(one) not in used)


@serves("compute.addresses.delete", permissions=("compute.addresses.delete",), audited=_audited(ADDRESSES, "delete"))
@repeatable
def delete(cloud: Cloud, call: Call) -> Document:
    """Give an address back that no gateway has."""
    name = ADDRESSES.name(cloud, call)

    def check() -> None:
        if user := next(users(cloud, name), None):
            raise in_use(ADDRESSES, name, user)

    return remove(cloud, call, ADDRESSES, name, check=check)


@serves(
    "compute.globalAddresses.insert",
    permissions=("compute.globalAddresses.create",),
    audited=_audited(GLOBAL_ADDRESSES, "insert"),
)
@repeatable
def insert_global(cloud: Cloud, call: Call) -> Document:
    """Reserve an address, or allocate a range of a network to service producers (VPC_PEERING)."""
    name = GLOBAL_ADDRESSES.name(cloud, call, own_name(call))
    if call.body.get("purpose") != "VPC_PEERING":
        body = call.body | {"addressType": "EXTERNAL", "address": _external(cloud)}
        document = dressed(cloud, GLOBAL_ADDRESSES, name, body | {"status": "RESERVED"})
        return create(cloud, call, GLOBAL_ADDRESSES, name, document, check=lambda: None)
    network = _network(cloud, call, name)
    range_ = _range(cloud, call, network)
    body = {"addressType": "INTERNAL"} | call.body | {"network": link(network), "address": str(range_.network_address)}
    document = dressed(cloud, GLOBAL_ADDRESSES, name, body | {"status": "RESERVED"})

    def late() -> None:
        for other, text in (*allocated(cloud, network), *taken(cloud, network)):
            if range_.overlaps(ip_network(text)):
                raise allocation_conflict(str(range_), text, other)

    return create(cloud, call, GLOBAL_ADDRESSES, name, document, check=lambda: None, late=late)


def _network(cloud: Cloud, call: Call, name: str) -> str:
    if not call.body.get("network"):
        raise required("network")
    network = named(cloud, call.body["network"], "resource.network", name.split("/")[1])
    if network not in cloud.table(NETWORKS.table):
        raise absent(network)
    return network


def _range(cloud: Cloud, call: Call, network: str) -> IPv4Network:
    length = call.body.get("prefixLength")
    if length is None:
        raise required("prefixLength")
    if length not in PREFIXES:
        raise invalid("resource.prefixLength", length, "Must be between 8 and 29, inclusive.")
    if call.body.get("address"):
        try:
            return IPv4Network(f"{call.body['address']}/{length}")
        except ValueError:
            raise invalid("resource.address", call.body["address"], "Must be the start of an IP range.") from None
    return next(_free(cloud, network, length))


def _free(cloud: Cloud, network: str, length: int) -> Iterator[IPv4Network]:
    used = [ip_network(text) for _, text in taken(cloud, network)]
    for one in INSIDE.subnets(new_prefix=length) if length > INSIDE.prefixlen else [INSIDE]:
        if not any(one.overlaps(other) for other in used):
            yield one
    raise ApiError(INVALID, f"There is no free range with prefix length {length} in the network.", reason="invalid")


@serves(
    "compute.globalAddresses.delete",
    permissions=("compute.globalAddresses.delete",),
    audited=_audited(GLOBAL_ADDRESSES, "delete"),
)
@repeatable
def delete_global(cloud: Cloud, call: Call) -> Document:
    """Give a global address, or an allocated range, back. Google does not ask whether a producer still uses it."""
    return remove(cloud, call, GLOBAL_ADDRESSES, GLOBAL_ADDRESSES.name(cloud, call))
