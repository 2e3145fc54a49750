"""Cuts Google's discovery documents down to what the local Google Cloud serves.

    python -m localcloud.documents.prune DIR

reads `compute.v1.json`, `run.v2.json` and so on from DIR (the folder `googleapiclient/discovery_cache/documents` of the
PyPI package google-api-python-client; ours come from 2.202.0) and writes `localcloud/documents/published/`: the methods
listed in KEPT, the schemas that they reach, and nothing that only people read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent / "published"

KEPT: dict[str, dict[str, str]] = {
    "compute.v1": {
        "networks": "insert get list patch delete getEffectiveFirewalls listPeeringRoutes addPeering removePeering "
        "updatePeering",
        "subnetworks": "insert get list aggregatedList patch delete setPrivateIpGoogleAccess",
        "firewalls": "insert get list patch update delete",
        "routers": "insert get list aggregatedList patch update delete",
        "routes": "insert get list delete",
        "globalOperations": "get wait list aggregatedList",
        "regionOperations": "get wait list",
        "addresses": "list aggregatedList get insert delete",
        "globalAddresses": "list get insert delete",
        "projects": "get enableXpnHost disableXpnHost enableXpnResource disableXpnResource getXpnHost getXpnResources "
        "listXpnHosts",
        "regionNetworkFirewallPolicies": "getEffectiveFirewalls",
        "regions": "list",
    },
    "run.v2": {
        "projects.locations.jobs": "create get list patch delete run",
        "projects.locations.jobs.executions": "get list",
        "projects.locations.services": "getIamPolicy setIamPolicy testIamPermissions",
        "projects.locations.operations": "get wait",
    },
    "run.v1": {
        "namespaces.jobs": "create get list replaceJob delete run",
        "namespaces.executions": "get list delete cancel",
        "namespaces.tasks": "get list",
    },
    "vpcaccess.v1": {
        "projects.locations": "list",
        "projects.locations.connectors": "create get list delete patch",
        "projects.locations.operations": "get list",
    },
    "logging.v2": {
        "entries": "write list",
        "projects.sinks": "create get list delete update",
        "sinks": "create get list delete update",
    },
    "pubsub.v1": {
        "projects.topics": "create get list delete patch publish getIamPolicy setIamPolicy testIamPermissions",
        "projects.topics.subscriptions": "list",
        "projects.subscriptions": "create get list delete patch pull acknowledge modifyAckDeadline modifyPushConfig "
        "getIamPolicy setIamPolicy testIamPermissions",
    },
    "serviceusage.v1": {
        "services": "get list enable disable batchEnable batchGet",
        "operations": "get",
    },
    "cloudresourcemanager.v1": {
        "projects": "get list getAncestry getIamPolicy setIamPolicy testIamPermissions",
    },
    "iam.v1": {
        "permissions": "queryTestablePermissions",
        "projects.roles": "create get list patch delete",
        "projects.serviceAccounts": "create get list delete getIamPolicy setIamPolicy testIamPermissions",
    },
    "dns.v1": {
        "managedZones": "list get create delete",
        "resourceRecordSets": "list create",
    },
}

PROSE = {"description", "enumDescriptions", "enumDeprecated", "scopes", "apiVersion", "annotations", "deprecated"}
HEAD = ("id", "name", "version", "revision", "rootUrl", "servicePath", "parameters")


def main(folder: str) -> None:
    """Write the pruned documents; say how big they are."""
    for name, kept in KEPT.items():
        document = json.loads((Path(folder) / f"{name}.json").read_text())
        text = json.dumps(prune(document, kept), indent=1, sort_keys=True) + "\n"
        (TARGET / f"{name}.json").write_text(text)
        sys.stdout.write(f"{name}: {len(text)} bytes\n")


def prune(document: dict[str, Any], kept: dict[str, str]) -> dict[str, Any]:
    """The document with the kept methods only (in one flat map by id) and the schemas that they reach."""
    methods = {method["id"]: _bare(method) for method in _methods(document, kept)}
    schemas: dict[str, Any] = {}
    wanted = list(_references(methods))
    while wanted:
        name = wanted.pop()
        if name not in schemas:
            schemas[name] = _bare(document["schemas"][name])
            wanted += _references(schemas[name])
    head = {key: _bare(document[key]) for key in HEAD}
    return head | {"methods": methods, "schemas": schemas}


def _methods(document: dict[str, Any], kept: dict[str, str]) -> Iterator[dict[str, Any]]:
    for path, names in kept.items():
        room = document
        for part in path.split("."):
            room = room["resources"][part]
        for name in names.split():
            yield room["methods"][name]


def _bare(thing: Any) -> Any:
    """Without prose. A property that happens to be called `description` is a mapping, and stays."""
    if isinstance(thing, dict):
        return {key: _bare(value) for key, value in thing.items() if key not in PROSE or key in _named(thing)}
    return [_bare(one) for one in thing] if isinstance(thing, list) else thing


def _named(thing: dict[str, Any]) -> set[str]:
    return {key for key, value in thing.items() if isinstance(value, dict) and ("type" in value or "$ref" in value)}


def _references(thing: Any) -> Iterator[str]:
    if isinstance(thing, dict):
        if isinstance(thing.get("$ref"), str):
            yield thing["$ref"]
        for value in thing.values():
            yield from _references(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from _references(value)


if __name__ == "__main__":
    main(sys.argv[1])
