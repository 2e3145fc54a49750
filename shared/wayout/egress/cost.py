"""What a connector costs: its machines are billed as Compute Engine VMs, around the clock (Google's page on it)."""

from __future__ import annotations

from dataclasses import dataclass

from wayout.egress.model import Connector

HOURS = 730  # of a month, as Google's price list counts

# US dollars an hour, on demand in us-central1: Google's price list of Compute Engine VMs
# (https://cloud.google.com/compute/vm-instance-pricing), as several public repositories quote it alike.
HOURLY = {"f1-micro": 0.0076, "e2-micro": 0.00838, "e2-standard-4": 0.13402}


@dataclass(frozen=True, slots=True)
class Cost:
    """List price in US dollars a month, in us-central1, and the machines that it is for."""

    dollars: float
    machines: str

    def __str__(self) -> str:
        price = f"about ${self.dollars:.0f} a month"
        return f"{price} ({self.machines} at list price in us-central1; other regions differ)"


def monthly(connector: Connector) -> Cost | None:
    """What its fewest machines cost; None where no list price is known. Traffic comes on top.

    A connector that has grown costs more: it never scales in (Google's page on connectors).
    """
    hourly = HOURLY.get(connector.machine)
    if hourly is None:
        return None
    return Cost(connector.min_instances * hourly * HOURS, _machines(connector))


def words(connector: Connector) -> str:
    """The cost in words; without a number where no list price is known."""
    found = monthly(connector)
    if found is None:
        return f"{_machines(connector)} are billed around the clock"
    grown = connector.max_instances > connector.min_instances
    return f"it costs {found}" + (", more if it has grown" if grown else "")


def _machines(connector: Connector) -> str:
    return f"{connector.min_instances} {connector.machine}"
