"""Wayout: a safe way out for every Cloud Run job."""

__version__ = "0.1.0"
