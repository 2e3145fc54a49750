"""Cloud Pub/Sub: topics, subscriptions, filters, pushes, dead letters. Importing this registers its handlers."""

from localcloud.pubsub import access, api

__all__ = ["access", "api"]
