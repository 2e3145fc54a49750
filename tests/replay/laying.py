"""What a recording presupposes: resources that it reads before anybody made them are made first, through the API."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from localcloud.documents import discovery
from tests.replay.recordings import Document, Exchange

Send = Callable[[str, str, str, Any, str], tuple[int, Any]]  # verb, host, path, body, principal

# Only the service says these. Source: "[Output Only]" in the discovery documents' descriptions.
SAID_BY_GOOGLE = {
    *("id", "kind", "selfLink", "selfLinkWithId", "creationTimestamp", "fingerprint", "gatewayAddress", "region"),
    *("subnetworks", "peerings", "status", "state", "labelFingerprint", "uniqueId", "projectId", "etag"),
}
RUN_SAYS = ("uid", "resourceVersion", "generation", "selfLink", "creationTimestamp")
VERSION = re.compile(r"^/compute/(v1|beta|alpha)/")


class NotLaidError(Exception):
    """What a recording presupposes could not be made through the API."""


def laid(send: Send, exchange: Exchange) -> None:
    """Have there be what a recorded answer to a GET shows."""
    for path, resource in resources(exchange):
        if send("GET", exchange.host, path, None, "judge@example.com")[0] == 404:
            _lay(send, exchange, path, resource)
        _bring(send, exchange, path, resource)


def resources(exchange: Exchange) -> Iterator[tuple[str, Document]]:
    """The resources in an answer, with their paths."""
    body = exchange.answer
    if exchange.verb != "GET" or exchange.status != 200 or not isinstance(body, dict) or "/operations" in exchange.path:
        return
    items = body.get("items")
    if isinstance(items, list):
        for one in items:
            yield _path(one, exchange), one
    elif isinstance(items, dict):
        for scope in items.values():
            for many in scope.values():
                for one in many if isinstance(many, list) else ():
                    yield _path(one, exchange), one
    elif "${" in exchange.path or str(body.get("selfLink", "")).endswith(exchange.path) or "name" in body:
        yield exchange.path, body


def _path(resource: Document, exchange: Exchange) -> str:
    link = resource.get("selfLink") or resource.get("metadata", {}).get("selfLink")
    return urlsplit(str(link)).path if link else exchange.path


def _lay(send: Send, exchange: Exchange, path: str, resource: Document) -> None:
    if "metadata" in resource:
        _lay_job(send, exchange, path, resource)
        return
    for reference in _references(resource):
        if send("GET", exchange.host, reference, None, "judge@example.com")[0] == 404:
            auto = {"autoCreateSubnetworks": reference.endswith("/default")}
            _make(send, exchange.host, reference, auto)
    if send("GET", exchange.host, path, None, "judge@example.com")[0] == 404:
        _make(send, exchange.host, path, writable(resource, exchange))


def _bring(send: Send, exchange: Exchange, path: str, resource: Document) -> None:
    """Change what came along with something else, such as a subnet of an auto-mode network, into what is shown."""
    status, now = send("GET", exchange.host, path, None, "judge@example.com")
    if status != 200 or "fingerprint" not in now:
        return
    wanted = {key: one for key, one in writable(resource, exchange).items() if now.get(key) != one and key != "network"}
    if wanted:
        send("PATCH", exchange.host, path, {**wanted, "fingerprint": now["fingerprint"]}, "somebody@example.com")


def _references(resource: Document) -> Iterator[str]:
    """The network that a resource lies on."""
    link = urlsplit(str(resource.get("network", ""))).path
    if VERSION.match(link):
        yield link


def _make(send: Send, host: str, path: str, body: Document) -> None:
    collection, _, name = path.rpartition("/")
    status, answer = send("POST", host, collection, {**body, "name": name}, "somebody@example.com")
    if status != 200:
        raise NotLaidError(f"{path} cannot be laid: {status} {answer}")


def _lay_job(send: Send, exchange: Exchange, path: str, job: Document) -> None:
    metadata = {key: one for key, one in job["metadata"].items() if key not in RUN_SAYS}
    region = metadata.get("labels", {}).get("cloud.googleapis.com/location", "us-central1")
    annotations = metadata.get("annotations", {})
    who = annotations.get("run.googleapis.com/lastModifier", "somebody@example.com")
    kept = {
        key: one for key, one in annotations.items() if not key.endswith(("lastModifier", "creator", "operation-id"))
    }
    labels = {key: one for key, one in metadata.get("labels", {}).items() if "googleapis.com/" not in key}
    body = {**job, "metadata": {**metadata, "annotations": kept, "labels": labels}}
    body.pop("status", None)
    collection = path.rpartition("/")[0]
    status, answer = send("POST", f"{region}-{exchange.host}", collection, body, who)
    if status != 200:
        raise NotLaidError(f"{path} cannot be laid: {status} {answer}")


def writable(resource: Document, exchange: Exchange) -> Document:
    """What somebody may have sent to make a resource like this, or to change one into this."""
    path = exchange.path.lstrip("/").replace("compute/beta/", "compute/v1/")
    method = discovery.find(exchange.verb, path, exchange.service)
    known = method[0].document.schemas.get(str(method[0].request), {}).get("properties") if method else None
    return {
        key: one
        for key, one in resource.items()
        if key not in SAID_BY_GOOGLE and (known is None or key in known or exchange.verb == "GET")
    }
