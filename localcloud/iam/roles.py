"""Roles: Google's predefined ones as data, and custom ones as they are created.

`predefined_roles.json` holds, for each role, what it grants in the services that are served here and in those that
deployments name. Source: Google's published roles (iann0036/iam-dataset, read in 2026). The basic and the compute-wide
roles grant thousands of permissions; they are written as patterns with exceptions, after the same lists.
"""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localcloud.errors import INVALID, ApiError

if TYPE_CHECKING:
    from localcloud.core import Cloud

CUSTOM = "iam.roles"  # table of custom roles by name, such as projects/P/roles/ID
PERMISSION = re.compile(r"[a-z][a-z0-9]*\.[a-zA-Z0-9]+\.[a-zA-Z]+")
# Services of which every permission is in the data, so that a name that is not there is none.
COMPLETE = frozenset({"dns", "logging", "pubsub", "run", "vpcaccess"})


@cache
def predefined() -> dict[str, dict[str, Any]]:
    """Google's roles by name, such as roles/run.admin."""
    found: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("predefined_roles.json").read_text())
    for role in found.values():
        role["permissions"] = frozenset(role["permissions"])
    return found


def known(cloud: Cloud, role: str) -> bool:
    """Whether `role` can be granted: a predefined role, or a custom one that is not deleted."""
    custom = cloud.table(CUSTOM).get(role)
    return role in predefined() if custom is None else not custom.get("deleted")


def grants(cloud: Cloud, role: str, permission: str) -> bool:
    """Whether `role` holds `permission`. A deleted custom role holds nothing."""
    custom = cloud.table(CUSTOM).get(role)
    if custom is not None:
        return not custom.get("deleted") and permission in custom.get("includedPermissions", [])
    found = predefined().get(role)
    if found is None:
        return False
    return permission in found["permissions"] or (
        any(fnmatchcase(permission, pattern) for pattern in found.get("patterns", ()))
        and not any(fnmatchcase(permission, pattern) for pattern in found.get("without", ()))
    )


def universe() -> frozenset[str]:
    """Every permission that is known here: what the methods that are served need, and what the roles name."""
    from localcloud.core import METHODS

    needed = {permission for method in METHODS.values() for permission in method.permissions}
    return frozenset(needed.union(*(role["permissions"] for role in predefined().values())))


def check_permission(permission: str) -> None:
    """Refuses what is no permission. Source: issues about custom roles quote `Permission X is not valid.`

    Of services that are not served, any name of the right form is taken.
    """
    service = permission.partition(".")[0]
    if not PERMISSION.fullmatch(permission) or (service in COMPLETE and permission not in universe()):
        raise ApiError(INVALID, f"Permission {permission} is not valid.", reason="badRequest")
