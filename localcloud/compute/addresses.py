"""compute.addresses and globalAddresses: read only; others lay reserved addresses into the tables."""

from __future__ import annotations

from localcloud.calls import Call, Document
from localcloud.compute.common import ADDRESSES, existing
from localcloud.compute.listing import aggregated, envelope, listed
from localcloud.core import Cloud, serves

GLOBAL = "compute.globalAddresses"  # projects/P/global/addresses/A


@serves("compute.addresses.get", permissions=("compute.addresses.get",))
def get(cloud: Cloud, call: Call) -> Document:
    return existing(cloud, ADDRESSES, ADDRESSES.name(cloud, call))


@serves("compute.addresses.list", permissions=("compute.addresses.list",))
def list_(cloud: Cloud, call: Call) -> Document:
    return listed(cloud, call, ADDRESSES)


@serves("compute.addresses.aggregatedList", permissions=("compute.addresses.list",))
def aggregated_list(cloud: Cloud, call: Call) -> Document:
    """Regional and global addresses alike."""
    mine = f"projects/{cloud.project_id(call.params['project'])}/"
    both = [*cloud.table(ADDRESSES.table).items(), *cloud.table(GLOBAL).items()]
    return aggregated(cloud, call, ADDRESSES, [(name, one) for name, one in both if name.startswith(mine)])


@serves("compute.globalAddresses.list", permissions=("compute.globalAddresses.list",))
def list_global(cloud: Cloud, call: Call) -> Document:
    scope = f"projects/{cloud.project_id(call.params['project'])}/global/addresses"
    items = [(name, one) for name, one in cloud.table(GLOBAL).items() if name.startswith(scope)]
    return envelope(call, "compute#addressList", scope, items)
