"""Projects that exist because somebody said so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable


def numbered(projects: Iterable[str]) -> dict[str, str]:
    """Project numbers for project ids: twelve digits, the same in every run."""
    found: dict[str, str] = {}
    for project in projects:
        digest = int.from_bytes(hashlib.sha256(project.encode()).digest()[:8], "big")
        found[project] = str(100_000_000_000 + digest % 900_000_000_000)
    return found
