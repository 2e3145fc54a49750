"""The REST face: paths, parameters and bodies as in the discovery documents; answers and refusals as Google's."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from localcloud.calls import Call, Caller, Document
from localcloud.core import Cloud
from localcloud.documents import discovery, schema
from localcloud.documents.conformity import departures
from localcloud.documents.discovery import ApiMethod
from localcloud.documents.enums import numbered
from localcloud.errors import INTERNAL, INVALID, NOT_FOUND, UNAUTHENTICATED, ApiError, Dropped
from localcloud.wire.addresses import PREFIX, Address, address
from localcloud.wire.batch import Part, parts
from localcloud.wire.batch import answered as batch_answer
from localcloud.wire.connections import Cut

LOG = logging.getLogger("localcloud.rest")
WORKERS = 256  # threads: as many requests may hang on `wait` at a time
BATCH = re.compile(rf"/({PREFIX}[a-z]+/)?batch(/compute/(v1|beta|alpha))?/?")
ENUM_NUMBERS = "json;enum-encoding=int"
# What says the version in an answer: compute's links, and the method in the operations of VPC Access (whose types
# stay those of v1: source: Config Connector's log of v1beta1 calls, which may be its mock's).
VERSIONED = re.compile(r"(https://www\.googleapis\.com/compute/|google\.cloud\.vpcaccess\.)v1(?=[/.])")
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
HEADERS = {
    "Content-Type": "application/json; charset=UTF-8",
    "Server": "ESF",
    "Vary": "Origin, X-Origin, Referer",
    "X-Content-Type-Options": "nosniff",
}
# compute's (and Cloud DNS's) camelCase word for a refusal that names none, by rpc code
REASONS = {3: "invalid", 5: "notFound", 6: "alreadyExists", 7: "forbidden", 8: "rateLimitExceeded"}
WITH_ITEMS = {"compute", "dns", "iam", "cloudresourcemanager"}  # Source: recorded errors of each
REASONS |= {9: "conditionNotMet", 10: "conflict", 12: "notImplemented", 13: "internalError", 14: "backendError"}


@dataclass(frozen=True)
class Asked:
    """One HTTP request, on its own or as part of a batch. Header names are in lower case."""

    verb: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


def app(cloud: Cloud, extra_routes: Sequence[BaseRoute] = ()) -> Starlette:
    """The ASGI application: `extra_routes` first, then every path of the discovery documents, at `/` and `/_svc/NAME/`.

    The caller's bearer token is its principal; handlers run in threads, so hundreds of requests may wait at a time.
    """
    pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="rest")

    async def serve(request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=499)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(pool, answer, cloud, request, body)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        pool.shutdown(wait=False, cancel_futures=True)

    return Starlette(routes=[*extra_routes, Route("/{path:path}", serve, methods=VERBS)], lifespan=lifespan)


def answer(cloud: Cloud, request: Request, body: bytes) -> Response:
    """Answer one request, whatever happens."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    asked = Asked(request.method, request.scope["path"], request.url.query, headers, body)
    try:
        if BATCH.fullmatch(asked.path):
            return _batch(cloud, asked)
        status, text = answered(cloud, asked)
        return Response(text, status_code=status, headers=HEADERS)
    except Dropped:
        return Cut()


def answered(cloud: Cloud, asked: Asked) -> tuple[int, str]:
    """The status and body (JSON) for one request. Raises Dropped when its connection is to be cut."""
    service: str | None = None
    try:
        where = address(asked.path, asked.headers.get("host", ""))
        service = where.service
        method, params = _route(asked.verb, where.path, service)
        service = method.service
        found: Any = cloud.invoke(_call(asked, where, method, params))
        if cloud.checks_answers and (wrong := departures(method, found)):
            raise TypeError(f"{method.id} must not answer like this: {'; '.join(wrong[:5])}")
        if ENUM_NUMBERS in parse_qs(asked.query).get("$alt", []):
            found = numbered(service, method.response, found)
        return 200, json.dumps(_in_version(where.version, found), ensure_ascii=False)
    except ApiError as refusal:
        return _refused(service or discovery.service_of(asked.path.lstrip("/")), refusal)
    except Dropped:
        raise
    except Exception:
        LOG.exception("%s %s failed", asked.verb, asked.path)
        broken = ApiError(INTERNAL, "Internal error encountered.", reason="internalError")
        return _refused(service or "run", broken)


def _refused(service: str, refusal: ApiError) -> tuple[int, str]:
    return refusal.http_status, json.dumps(shaped(service, refusal), ensure_ascii=False)


def _batch(cloud: Cloud, asked: Asked) -> Response:
    """Every request of a batch, for the same caller unless a part brings credentials of its own."""

    def one(part: Part) -> tuple[int, str]:
        target = urlsplit(part.target)
        headers = {key: value for key, value in asked.headers.items() if key in ("host", "authorization", "user-agent")}
        return answered(cloud, Asked(part.verb, target.path, target.query, headers | part.headers, part.body))

    try:
        requests = parts(asked.headers.get("content-type", ""), asked.body)
    except ApiError as refusal:
        status, problem = _refused("compute", refusal)
        return Response(problem, status_code=status, headers=HEADERS)
    kind, text = batch_answer(requests, one)
    return Response(text, headers=HEADERS | {"Content-Type": kind})


def _in_version(version: str, document: Any) -> Any:
    """An answer whose links and methods are those of the API version that was asked."""
    if version == "v1":
        return document
    if isinstance(document, str):
        found = VERSIONED.match(document)
        return f"{found[1]}{version}{document[found.end() :]}" if found else document
    if isinstance(document, list):
        return [_in_version(version, one) for one in document]
    if isinstance(document, dict):
        return {key: _in_version(version, one) for key, one in document.items()}
    return document


def shaped(service: str, refusal: ApiError) -> Document:
    """The error body: compute's has `errors` and no status, the others a status and perhaps details; some have both.

    Compute shows details only of its own making; what is wrong with a token is said by the front end of all services.
    """
    error: Document = {"code": refusal.http_status, "message": refusal.message}
    if service in WITH_ITEMS:
        reason = refusal.reason or REASONS.get(refusal.code, "invalid")
        one = {"domain": refusal.domain, "message": refusal.message, "reason": reason}
        if refusal.domain == "usageLimits":
            one["extendedHelp"] = "https://console.developers.google.com"
        error["errors"] = refusal.items or [one]
    front = service != "compute" or refusal.code == UNAUTHENTICATED
    details = [one for one in refusal.details if front or one.get("domain") == "compute.googleapis.com"]
    if front:
        error["status"] = refusal.status
    if details:
        error["details"] = details
    return {"error": error}


def _route(verb: str, path: str, service: str | None) -> tuple[ApiMethod, dict[str, str]]:
    found = discovery.find(verb, path, service)
    if found is None:
        raise ApiError(NOT_FOUND, f"The requested URL /{path} was not found on this server.", reason="notFound")
    return found


def _call(asked: Asked, where: Address, method: ApiMethod, params: dict[str, str]) -> Call:
    query = {name: ",".join(values) for name, values in parse_qs(asked.query, keep_blank_values=True).items()}
    for name in query:
        if name not in method.query:
            raise _unbound(name)
    given = params | {name: value for name, value in query.items() if name not in discovery.SYSTEM_PARAMETERS}
    body = schema.checked(method, _parsed(asked.body))
    return Call(method.id, given, body, _caller(asked.headers), region=where.region, version=where.version)


def _caller(headers: Mapping[str, str]) -> Caller:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    principal = token.strip() if scheme.lower() == "bearer" else ""
    delegation = tuple(one.strip() for one in headers.get("x-localcloud-delegation", "").split(",") if one.strip())
    return Caller(principal or "anonymous", headers.get("user-agent", ""), delegation)


def _parsed(body: bytes) -> Any:
    if not body.strip():
        return {}
    try:
        return json.loads(body)
    except ValueError:
        message = "Invalid JSON payload received. Unexpected token.\n" + body[:40].decode(errors="replace") + "\n^"
        raise ApiError(INVALID, message, reason="parseError") from None


def _unbound(name: str) -> ApiError:
    message = (
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
        f"Field '{name}' could not be found in request message."
    )
    violation = {"description": message}
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}]
    return ApiError(INVALID, message, reason="badRequest", details=details)
