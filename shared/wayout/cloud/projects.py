"""Resource Manager: what a project lies in, and what we may do there. REST, since no client of ours speaks it."""

from __future__ import annotations

from collections.abc import Sequence

from wayout.cloud.clients import Clients


def folders(clients: Clients, project: str) -> tuple[str, ...]:
    """`folders/NUMBER`, the nearest first, then `organizations/NUMBER`; nothing for a project that stands alone.

    Raises CloudError. Order: projects.getAncestry of cloudresourcemanager's v1 discovery document.
    """
    url = f"{clients.resourcemanager_url}/v1/projects/{project}:getAncestry"
    answer = clients.fetch("resourcemanager.projects.get", f"projects/{project}", "POST", url, json={})
    found = (one.get("resourceId", {}) for one in answer.get("ancestor", []))
    return tuple(f"{one['type']}s/{one['id']}" for one in found if one.get("type") in ("folder", "organization"))


def held(clients: Clients, project: str, permissions: Sequence[str]) -> frozenset[str]:
    """Which of these permissions we have in a project; at most 100 can be asked for. Raises CloudError."""
    url = f"{clients.resourcemanager_url}/v1/projects/{project}:testIamPermissions"
    body = {"permissions": list(permissions)}
    answer = clients.fetch("resourcemanager.projects.get", f"projects/{project}", "POST", url, json=body)
    return frozenset(answer.get("permissions", []))
