"""Cloud Pub/Sub: topics, subscriptions, filters, pushes, dead letters. Importing this registers its handlers."""

from localcloud.pubsub import api

__all__ = ["api"]
