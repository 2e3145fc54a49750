"""Importing this registers the handlers of every service that is served."""

from localcloud import compute, dns, logs, pubsub, run, vpcaccess

__all__ = ["compute", "dns", "logs", "pubsub", "run", "vpcaccess"]
