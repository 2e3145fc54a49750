"""Machines that somebody says are there, so that ingress rules for their tags or account can be judged."""

from __future__ import annotations

from ipaddress import IPv4Address

from localcloud.calls import Document
from localcloud.core import Cloud
from localcloud.probe.firewall import Machine

TABLE = "probe.targets"  # name -> {name, network (canonical), ip, tags, serviceAccount}


def at(cloud: Cloud, network: str, address: IPv4Address) -> tuple[Machine, str | None]:
    """The machine at an address, with its name; a plain one without tags or account where none was placed."""
    for name, one in cloud.table(TABLE).items():
        if one["network"] == network and one["ip"] == str(address):
            return Machine(network, frozenset(one["tags"]), one["serviceAccount"] or None), name
    return Machine(network), None


def place(cloud: Cloud, target: Document) -> None:
    """Have a machine be there, instead of any other of that name."""
    cloud.table(TABLE)[target["name"]] = target
