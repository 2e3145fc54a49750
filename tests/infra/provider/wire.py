"""A provider on a unix socket, as Terraform speaks to one."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc

from tests.infra.provider import packing
from tests.infra.provider.checks import Problem
from tests.infra.provider.logic import Provider, RefusedError
from tests.infra.provider.messages import CALLS, MESSAGES, SERVICE
from tests.infra.provider.schema import Document, attributes, blocks

_NESTING = {"single": 1, "list": 2, "set": 3, "map": 4, "group": 5}
_FLAGS = ("required", "optional", "computed", "sensitive", "write_only")


class Service:
    """The calls of the protocol, each by its name there, written as Python writes names."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def get_provider_schema(self, _request: Any) -> Any:
        schemas = self._provider.schemas
        reply = MESSAGES["SchemaReply"](provider=_schema(schemas.provider))
        reply.server_capabilities.get_provider_schema_optional = True
        for name, each in schemas.resources.items():
            reply.resource_schemas.add(key=name, value=_schema(each))
        for name, each in schemas.data.items():
            reply.data_source_schemas.add(key=name, value=_schema(each))
        return reply

    def validate_provider_config(self, _request: Any) -> Any:
        return MESSAGES["Diagnostics"]()

    def configure_provider(self, request: Any) -> Any:
        self._provider.configure(_value(request.config))
        return MESSAGES["Diagnostics"]()

    def stop_provider(self, _request: Any) -> Any:
        return MESSAGES["Empty"]()

    def validate_resource_config(self, request: Any) -> Any:
        return _told(self._provider.problems(request.type_name, _value(request.config)))

    def validate_data_resource_config(self, request: Any) -> Any:
        return _told(self._provider.problems(request.type_name, _value(request.config), data=True))

    def upgrade_resource_state(self, request: Any) -> Any:
        return MESSAGES["State"](state=MESSAGES["DynamicValue"](json=request.raw_state.json))

    def read_resource(self, request: Any) -> Any:
        return MESSAGES["State"](state=request.current_state)

    def read_data_source(self, request: Any) -> Any:
        return _answered("State", "state", lambda: self._provider.read(request.type_name, _value(request.config)))

    def plan_resource_change(self, request: Any) -> Any:
        try:
            plan = self._provider.plan(
                request.type_name, _value(request.prior_state), _value(request.proposed_new_state)
            )
        except RefusedError as refused:
            return MESSAGES["Planned"](diagnostics=[_refusal(refused)])
        planned = MESSAGES["Planned"](planned_state=_dynamic(plan.value))
        for name in plan.replaced_by:
            planned.requires_replace.append(_path((name,)))
        return planned

    def apply_resource_change(self, request: Any) -> Any:
        prior, planned = _value(request.prior_state), _value(request.planned_state)
        return _answered("Applied", "new_state", lambda: self._provider.apply(request.type_name, prior, planned))


def serve(provider: Provider, socket: Path) -> tuple[Any, Document]:
    """Serves a provider from now on; the server, and what TF_REATTACH_PROVIDERS needs to know of it."""
    server = grpc.server(futures.ThreadPoolExecutor(8))
    service = Service(provider)
    calls = {name: _call(getattr(service, _in_python(name)), asked) for name, (asked, _) in CALLS.items()}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, calls), *_plugin_services()))
    server.add_insecure_port(f"unix://{socket}")
    server.start()
    address = {"Network": "unix", "String": str(socket)}
    return server, {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}


def _in_python(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _plugin_services() -> Iterable[Any]:
    """What go-plugin, below the protocol, asks of every plugin: its output has to end at once, or Terraform waits."""
    stop = _call(lambda _: MESSAGES["Empty"](), "Empty")
    output = grpc.unary_stream_rpc_method_handler(
        lambda _request, _context: iter(()), MESSAGES["Empty"].FromString, lambda reply: reply.SerializeToString()
    )
    yield grpc.method_handlers_generic_handler("plugin.GRPCController", {"Shutdown": stop})
    yield grpc.method_handlers_generic_handler("plugin.GRPCStdio", {"StreamStdio": output})


def _call(answer: Callable[[Any], Any], asked: str) -> Any:
    return grpc.unary_unary_rpc_method_handler(
        lambda request, _context: answer(request),
        request_deserializer=MESSAGES[asked].FromString,
        response_serializer=lambda reply: reply.SerializeToString(),
    )


def _schema(schema: Document) -> Any:
    return MESSAGES["Schema"](version=schema.get("version", 0), block=_block(schema["block"]))


def _block(block: Document) -> Any:
    message = MESSAGES["Block"]()
    for name, each in sorted(attributes(block).items()):
        flags = {flag: True for flag in _FLAGS if each.get(flag)}
        message.attributes.add(name=name, type=json.dumps(each["type"]).encode(), **flags)
    for name, each in sorted(blocks(block).items()):
        message.block_types.add(
            type_name=name,
            nesting=_NESTING[each["nesting_mode"]],
            min_items=each.get("min_items", 0),
            max_items=each.get("max_items", 0),
            block=_block(each["block"]),
        )
    return message


def _value(dynamic: Any) -> Any:
    return packing.unpack(dynamic.msgpack, dynamic.json)


def _dynamic(value: Any) -> Any:
    return MESSAGES["DynamicValue"](msgpack=packing.pack(value))


def _answered(kind: str, field: str, answer: Callable[[], Any]) -> Any:
    try:
        return MESSAGES[kind](**{field: _dynamic(answer())})
    except (RefusedError, OSError) as refused:
        return MESSAGES[kind](diagnostics=[_refusal(refused)])


def _refusal(refused: Exception) -> Any:
    return MESSAGES["Diagnostic"](severity=1, summary=str(refused))


def _told(problems: Iterable[Problem]) -> Any:
    return MESSAGES["Diagnostics"](
        diagnostics=[
            MESSAGES["Diagnostic"](severity=1, summary=each.summary, detail=each.detail, attribute=_path(each.path))
            for each in problems
        ]
    )


def _path(path: tuple[str | int, ...]) -> Any:
    message = MESSAGES["AttributePath"]()
    for step in path:
        message.steps.add(**{"element_key_int" if isinstance(step, int) else "attribute_name": step})
    return message
