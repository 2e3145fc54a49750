"""Which permissions each caller has used so far, and on what: what a role has to hold, as seen from here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from localcloud.calls import Document

if TYPE_CHECKING:
    from localcloud.core import Cloud


class Used:
    """What was asked for and granted. What was refused is not used, nor what somebody only asked whether they hold."""

    def __init__(self, _: Cloud) -> None:
        self._found: set[tuple[str, str, str]] = set()

    def take(self, principal: str, needed: Iterable[tuple[str, str]]) -> None:
        """Note that a principal has used each permission on its resource."""
        self._found.update((principal, permission, resource) for permission, resource in needed)

    def of(self, principal: str) -> list[tuple[str, str]]:
        """What a principal has used: permission and resource, in order."""
        return sorted((permission, resource) for who, permission, resource in self._found if who == principal)

    def shown(self) -> Document:
        """By principal."""
        return {who: self.of(who) for who in sorted({one[0] for one in self._found})}
