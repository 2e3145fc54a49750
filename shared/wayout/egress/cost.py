"""What an idle connector costs: its machines run around the clock (Google's page on connectors)."""

from __future__ import annotations

from wayout.egress.model import Connector

HOURS = 730  # of a month, as Google's price list counts

# US dollars an hour at list price in us-central1 (Google's price list for general-purpose machines, as public
# repositories quote it in 2025 and 2026). f1-micro: no quotation that agrees with another was found.
HOURLY = {"e2-micro": 0.008376, "e2-standard-4": 0.134012}


def monthly(connector: Connector) -> str:
    """The cost of a month in words; without a number where no list price is known."""
    machines = f"{connector.min_instances} {connector.machine}"
    hourly = HOURLY.get(connector.machine)
    if hourly is None:
        return f"{machines} are billed around the clock"
    dollars = connector.min_instances * hourly * HOURS
    return f"about ${dollars:.0f} a month or more ({machines} at list price in us-central1; other regions differ)"
