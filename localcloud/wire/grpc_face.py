"""The gRPC face: the services whose official clients speak gRPC by default, on one insecure port."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.protobuf import any_pb2, json_format
from google.rpc import status_pb2

from localcloud.calls import Call, Caller
from localcloud.core import Cloud
from localcloud.errors import INTERNAL, INVALID, UNAVAILABLE, ApiError, Dropped
from localcloud.wire.grpc_routes import Route, routes
from localcloud.wire.grpc_unknown import to_message

LOG = logging.getLogger("localcloud.grpc")
WORKERS = 128  # threads: as many calls may wait for an operation at a time
CODES = {code.value[0]: code for code in grpc.StatusCode}
MESSAGE_BYTES = 32 * 1024 * 1024


def serve(cloud: Cloud, host: str = "127.0.0.1", port: int = 0) -> tuple[grpc.Server, int]:
    """Start a server on `host`; answers with it and its port (a free one for 0). Whoever asked for it stops it.

    Raises OSError when the port is taken.
    """
    options = [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", MESSAGE_BYTES),
        ("grpc.max_send_message_length", MESSAGE_BYTES),
    ]
    server = grpc.server(ThreadPoolExecutor(WORKERS, thread_name_prefix="grpc"), options=options)
    server.add_generic_rpc_handlers(tuple(_handlers(cloud)))
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        bound: int = server.add_insecure_port(address)
    except RuntimeError as failure:
        raise OSError(str(failure)) from failure
    server.start()
    return server, bound


def _handlers(cloud: Cloud) -> Iterable[Any]:
    methods: dict[str, dict[str, Any]] = {}
    for route in routes():
        methods.setdefault(route.service, {})[route.name] = grpc.unary_unary_rpc_method_handler(
            _answerer(cloud, route),
            request_deserializer=route.request_class.FromString,
            response_serializer=route.answer_class.SerializeToString,
        )
    for service, handlers in methods.items():
        yield grpc.method_handlers_generic_handler(service, handlers)


def _answerer(cloud: Cloud, route: Route) -> Callable[[Any, Any], Any]:
    def answer(message: Any, context: Any) -> Any:
        try:
            return _answer(cloud, route, message, context)
        except ApiError as refusal:
            failure = refusal
        except Dropped:
            failure = ApiError(UNAVAILABLE, "Socket closed")
        except Exception:
            LOG.exception("/%s/%s failed", route.service, route.name)
            failure = ApiError(INTERNAL, "Internal error encountered.")
        context.set_trailing_metadata((("grpc-status-details-bin", _status(failure).SerializeToString()),))
        return context.abort(CODES.get(failure.code, grpc.StatusCode.UNKNOWN), failure.message)

    return answer


def _answer(cloud: Cloud, route: Route, message: Any, context: Any) -> Any:
    caller = _caller(dict(context.invocation_metadata()))
    call = route.call(message, caller) if route.id else _operation(cloud, route, message.name, caller)
    return to_message(route.answer_class, cloud.invoke(call))


def _operation(cloud: Cloud, route: Route, name: str, caller: Caller) -> Call:
    """The service whose operation is asked for: one port serves them all, and names don't tell them apart."""
    running = cloud.operations.get(name.rsplit("/", 1)[-1])
    kind = str((running.body.get("metadata") or {}).get("@type", "")) if running else ""
    verb = "get" if route.name == "GetOperation" else "wait"
    service = "vpcaccess" if "vpcaccess" in kind and verb == "get" else "run"
    if not name:
        raise ApiError(INVALID, "Missing required field name")
    return Call(f"{service}.projects.locations.operations.{verb}", {"name": name}, {}, caller, "grpc")


def _caller(metadata: dict[str, Any]) -> Caller:
    scheme, _, token = str(metadata.get("authorization", "")).partition(" ")
    principal = token.strip() if scheme.lower() == "bearer" else ""
    said = str(metadata.get("x-localcloud-delegation", ""))
    delegation = tuple(one.strip() for one in said.split(",") if one.strip())
    return Caller(principal or "anonymous", str(metadata.get("user-agent", "")), delegation)


def _status(failure: ApiError) -> status_pb2.Status:
    """The google.rpc.Status that official clients read the details of their exception from."""
    details = [json_format.ParseDict(detail, any_pb2.Any()) for detail in failure.details]
    return status_pb2.Status(code=failure.code, message=failure.message, details=details)
