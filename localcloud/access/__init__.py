"""The front door: tokens, enabled APIs, quotas, permissions."""
