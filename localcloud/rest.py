"""The REST face: paths, parameters and bodies as in the discovery documents; answers and refusals as Google's."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from localcloud import discovery, schema
from localcloud.calls import Call, Caller, Document
from localcloud.core import Cloud
from localcloud.discovery import ApiMethod
from localcloud.errors import INTERNAL, INVALID, NOT_FOUND, ApiError

LOG = logging.getLogger("localcloud.rest")
WORKERS = 256  # threads: as many requests may hang on `wait` at a time
PREFIX = "_svc/"  # `/_svc/run/v2/...`: one port serves every service, and says which
VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
HEADERS = {
    "Content-Type": "application/json; charset=UTF-8",
    "Server": "ESF",
    "Vary": "Origin, X-Origin, Referer",
    "X-Content-Type-Options": "nosniff",
}
# compute's (and Cloud DNS's) camelCase word for a refusal that names none, by rpc code
REASONS = {3: "invalid", 5: "notFound", 6: "alreadyExists", 7: "forbidden", 8: "rateLimitExceeded"}
REASONS |= {9: "conditionNotMet", 10: "conflict", 12: "notImplemented", 13: "internalError", 14: "backendError"}


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
    path = str(request.scope["path"]).lstrip("/")
    service = None
    if path.startswith(PREFIX):
        service, _, path = path.removeprefix(PREFIX).partition("/")
    try:
        method, params = _route(request.method, path, service)
        call = _call(request, method, params, body)
        return _json(200, cloud.invoke(call))
    except ApiError as refusal:
        return _json(refusal.http_status, shaped(service or _service(request.method, path), refusal))
    except Exception:
        LOG.exception("%s /%s failed", request.method, path)
        broken = ApiError(INTERNAL, "Internal error encountered.", reason="internalError")
        return _json(500, shaped(service or _service(request.method, path), broken))


def shaped(service: str, refusal: ApiError) -> Document:
    """The error body: compute's has `errors` and no status, the others a status and perhaps details; DNS has both."""
    error: Document = {"code": refusal.http_status, "message": refusal.message}
    if service in ("compute", "dns"):
        reason = refusal.reason or REASONS.get(refusal.code, "invalid")
        one = {"domain": refusal.domain, "message": refusal.message, "reason": reason}
        if refusal.domain == "usageLimits":
            one["extendedHelp"] = "https://console.developers.google.com"
        error["errors"] = [one]
    if service != "compute":
        error["status"] = refusal.status
        error |= {"details": refusal.details} if refusal.details else {}
    return {"error": error}


def _service(http: str, path: str) -> str:
    found = discovery.find(http, path)
    return found[0].service if found else discovery.service_of(path)


def _route(http: str, path: str, service: str | None) -> tuple[ApiMethod, dict[str, str]]:
    found = discovery.find(http, path, service)
    if found is None:
        raise ApiError(NOT_FOUND, f"The requested URL /{path} was not found on this server.", reason="notFound")
    return found


def _call(request: Request, method: ApiMethod, params: dict[str, str], body: bytes) -> Call:
    query = dict(parse_qsl(request.url.query, keep_blank_values=True))
    for name in query:
        if name not in method.query:
            raise _unbound(name)
    given = params | {name: value for name, value in query.items() if name not in discovery.SYSTEM_PARAMETERS}
    return Call(method.id, given, schema.checked(method, _parsed(body)), _caller(request))


def _caller(request: Request) -> Caller:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    principal = token.strip() if scheme.lower() == "bearer" else ""
    delegation = tuple(
        one.strip() for one in request.headers.get("x-localcloud-delegation", "").split(",") if one.strip()
    )
    return Caller(principal or "anonymous", request.headers.get("user-agent", ""), delegation)


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


def _json(status: int, body: Document) -> Response:
    return Response(json.dumps(body, ensure_ascii=False), status_code=status, headers=HEADERS)
