"""Importing this registers the handlers of every service that is served."""

from localcloud import compute, dns, logs, pubsub, resourcemanager, run, serviceusage, vpcaccess
from localcloud.iam import accounts, customroles

__all__ = [
    "accounts",
    "compute",
    "customroles",
    "dns",
    "logs",
    "pubsub",
    "resourcemanager",
    "run",
    "serviceusage",
    "vpcaccess",
]
