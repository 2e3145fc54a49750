"""Resource Manager: what a project lies in. REST, since no official client of ours speaks it."""

from __future__ import annotations

from wayout.cloud.clients import Clients


def folders(clients: Clients, project: str) -> tuple[str, ...]:
    """`folders/NUMBER`, the nearest first, then `organizations/NUMBER`; nothing for a project that stands alone.

    Raises CloudError. Order: projects.getAncestry of cloudresourcemanager's v1 discovery document.
    """
    url = f"{clients.resourcemanager_url}/v1/projects/{project}:getAncestry"
    answer = clients.fetch("resourcemanager.projects.get", f"projects/{project}", "POST", url, json={})
    found = (one.get("resourceId", {}) for one in answer.get("ancestor", []))
    return tuple(f"{one['type']}s/{one['id']}" for one in found if one.get("type") in ("folder", "organization"))
