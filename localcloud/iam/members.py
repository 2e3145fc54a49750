"""Members of bindings: which of them a principal is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from localcloud.core import Cloud

ROBOTS = ".gserviceaccount.com"
KINDS = ("user", "serviceAccount", "group", "domain", "principal", "principalSet", "deleted")
_FORM = re.compile(rf"({'|'.join(KINDS)}|project(Owner|Editor|Viewer)):\S+|allUsers|allAuthenticatedUsers")


def is_member(text: str) -> bool:
    """Whether a text has the form of a member: user:E, serviceAccount:E, group:E, domain:D, allUsers, ..."""
    return _FORM.fullmatch(text) is not None


def member_of(principal: str) -> str:
    """The member that stands for exactly this principal."""
    return f"{'serviceAccount' if principal.endswith(ROBOTS) else 'user'}:{principal}"


def includes(cloud: Cloud, member: str, principal: str) -> bool:
    """Whether `principal` is (in) `member`. Groups are those of the switch `iam.groups`: {group: [e-mail, ...]}."""
    if member == "allUsers":
        return True
    if principal == "anonymous":
        return False
    kind, _, name = member.partition(":")
    name, who = name.lower(), principal.lower()
    if kind == "group":
        return who in {one.lower() for one in cloud.switch("iam.groups").get(name, ())}
    if kind == "domain":
        return who.endswith(f"@{name}")
    return member == "allAuthenticatedUsers" or f"{kind}:{name}" == member_of(who)
