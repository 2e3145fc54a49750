"""Serverless VPC Access v1. Importing this registers its handlers."""

from localcloud.vpcaccess import connectors, locations

__all__ = ["connectors", "locations"]
