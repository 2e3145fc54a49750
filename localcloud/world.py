"""What a user would see of the cloud, without what differs from run to run: for comparing two runs."""

from __future__ import annotations

import re
from typing import Any

from localcloud.calls import Document
from localcloud.core import Cloud

# What happened, rather than what there is.
EVENTS = {"logging.entries"}
VOLATILE = {
    "id",
    "uid",
    "etag",
    "fingerprint",
    "generation",
    "observedGeneration",
    "resourceVersion",
    "selfLinkWithId",
    "targetId",
    "run.googleapis.com/operation-id",
}
LATEST = {"latestCreatedExecution", "executionCount"}
_TIME = re.compile(r".*(Time|Timestamp)$|^timestamp$")


def world(cloud: Cloud) -> Document:
    """Every resource by kind and canonical name, sorted, without ids, times, etags, fingerprints and operations."""
    with cloud.lock:
        kinds = {kind: table for kind, table in cloud.tables.items() if table and _lasting(kind)}
        return {kind: {name: _still(table[name]) for name in sorted(table)} for kind, table in sorted(kinds.items())}


def _lasting(kind: str) -> bool:
    return kind not in EVENTS and "operation" not in kind.lower() and "execution" not in kind.lower()


def _still(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _still(value) for key, value in sorted(node.items()) if not _volatile(key)}
    if isinstance(node, list):
        return [_still(item) for item in node]
    return node


def _volatile(key: str) -> bool:
    return key in VOLATILE or _TIME.match(key) is not None or key in LATEST
