"""testIamPermissions, the same on every resource."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcloud.access import admission
from localcloud.calls import Call, Document
from localcloud.errors import INVALID, ApiError
from localcloud.iam.roles import universe

if TYPE_CHECKING:
    from localcloud.core import Cloud


def tested(cloud: Cloud, call: Call, resource: str) -> Document:
    """Those of the given permissions that the caller holds on a resource; nothing at all when it holds none."""
    asked: list[str] = call.body.get("permissions", [])
    for permission in asked:
        if permission not in universe():
            raise ApiError(INVALID, f"Permission {permission} is not valid for this resource.", reason="badRequest")
    found = [one for one in asked if admission.may(cloud, call.caller.principal, one, resource)]
    return {"permissions": found} if found else {}
