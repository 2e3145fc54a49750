"""Cloud Logging: entries, sinks and the query language. Importing this registers its handlers."""

from localcloud.logs import entries, sinks

__all__ = ["entries", "sinks"]
