"""Reading compute.addresses and globalAddresses. An address that a NAT gateway has says so."""

from __future__ import annotations

from collections.abc import Iterator

from localcloud import lag
from localcloud.calls import Call, Document
from localcloud.compute.common import ADDRESSES, ROUTERS, Kind, link, named, readable
from localcloud.compute.listing import aggregated, envelope, listed
from localcloud.core import Cloud, serves


class GlobalKind(Kind):
    """Addresses that lie in no region have a table of their own."""

    @property
    def table(self) -> str:
        return "compute.globalAddresses"


GLOBAL_ADDRESSES = GlobalKind("address", "addresses", "gce_reserved_address", "reserved_address_id")


def users(cloud: Cloud, address: str) -> Iterator[str]:
    """The routers whose gateways have an address."""
    for router, body in cloud.table(ROUTERS.table).items():
        for nat in body.get("nats", []):
            given = [*nat.get("natIps", []), *nat.get("drainNatIps", [])]
            if any(named(cloud, one, "natIps", router.split("/")[1]) == address for one in given):
                yield router


def shown(cloud: Cloud, name: str, document: Document) -> Document:
    """An address with who uses it."""
    links = [link(one) for one in users(cloud, name)]
    return document | ({"status": "IN_USE", "users": links} if links else {})


def _all(cloud: Cloud, kind: Kind, prefix: str) -> list[tuple[str, Document]]:
    table = lag.seen(cloud, kind.table)
    return [(name, shown(cloud, name, one)) for name, one in table.items() if name.startswith(prefix)]


@serves("compute.addresses.get", permissions=("compute.addresses.get",))
def get(cloud: Cloud, call: Call) -> Document:
    name = ADDRESSES.name(cloud, call)
    return shown(cloud, name, readable(cloud, ADDRESSES, name))


@serves("compute.addresses.list", permissions=("compute.addresses.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    return listed(cloud, call, ADDRESSES, _all(cloud, ADDRESSES, f"{ADDRESSES.scope(cloud, call)}/addresses/"))


@serves("compute.addresses.aggregatedList", permissions=("compute.addresses.list",))
def aggregated_list(cloud: Cloud, call: Call) -> Document:
    """Regional and global addresses alike."""
    mine = f"projects/{cloud.project_id(call.params['project'])}/"
    return aggregated(cloud, call, ADDRESSES, [*_all(cloud, ADDRESSES, mine), *_all(cloud, GLOBAL_ADDRESSES, mine)])


@serves("compute.globalAddresses.list", permissions=("compute.globalAddresses.list",))
def list_global(cloud: Cloud, call: Call) -> Document:
    scope = f"projects/{cloud.project_id(call.params['project'])}/global/addresses"
    return envelope(call, "compute#addressList", scope, _all(cloud, GLOBAL_ADDRESSES, f"{scope}/"))


@serves("compute.globalAddresses.get", permissions=("compute.globalAddresses.get",))
def get_global(cloud: Cloud, call: Call) -> Document:
    return readable(cloud, GLOBAL_ADDRESSES, GLOBAL_ADDRESSES.name(cloud, call))
