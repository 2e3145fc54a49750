"""Terraform's plugin protocol 6 in a few lines: the messages and calls that a provider answers, no code generated."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "tfplugin6"
SERVICE = f"{PACKAGE}.Provider"

# In protobuf the numbers matter, the names don't. A `*` repeats; a map is a list of entries.
_MESSAGES = """
DynamicValue: bytes msgpack=1; bytes json=2
Step: string attribute_name=1; string element_key_string=2; int64 element_key_int=3
AttributePath: *Step steps=1
Diagnostic: int32 severity=1; string summary=2; string detail=3; AttributePath attribute=4
Attribute: string name=1; bytes type=2; bool required=4; bool optional=5; bool computed=6;
  bool sensitive=7; bool write_only=11
NestedBlock: string type_name=1; Block block=2; int32 nesting=3; int64 min_items=4; int64 max_items=5
Block: int64 version=1; *Attribute attributes=2; *NestedBlock block_types=3
Schema: int64 version=1; Block block=2
SchemaEntry: string key=1; Schema value=2
Capabilities: bool plan_destroy=1; bool get_provider_schema_optional=2
RawState: bytes json=1
Empty:
SchemaReply: Schema provider=1; *SchemaEntry resource_schemas=2; *SchemaEntry data_source_schemas=3;
  Capabilities server_capabilities=6
ProviderConfig: DynamicValue config=1
Configure: string terraform_version=1; DynamicValue config=2
Configured: string type_name=1; DynamicValue config=2
Diagnostics: *Diagnostic diagnostics=1
Upgrade: string type_name=1; int64 version=2; RawState raw_state=3
State: DynamicValue state=1; *Diagnostic diagnostics=2
Current: string type_name=1; DynamicValue current_state=2
Plan: string type_name=1; DynamicValue prior_state=2; DynamicValue proposed_new_state=3; DynamicValue config=4
Planned: DynamicValue planned_state=1; *AttributePath requires_replace=2; *Diagnostic diagnostics=4
Apply: string type_name=1; DynamicValue prior_state=2; DynamicValue planned_state=3; DynamicValue config=4
Applied: DynamicValue new_state=1; *Diagnostic diagnostics=3
"""

# Each call with what it is asked and what it answers.
CALLS = {
    "GetProviderSchema": ("Empty", "SchemaReply"),
    "ValidateProviderConfig": ("ProviderConfig", "Diagnostics"),
    "ValidateResourceConfig": ("Configured", "Diagnostics"),
    "ValidateDataResourceConfig": ("Configured", "Diagnostics"),
    "UpgradeResourceState": ("Upgrade", "State"),
    "ConfigureProvider": ("Configure", "Diagnostics"),
    "ReadResource": ("Current", "State"),
    "PlanResourceChange": ("Plan", "Planned"),
    "ApplyResourceChange": ("Apply", "Applied"),
    "ReadDataSource": ("Configured", "State"),
    "StopProvider": ("Empty", "Empty"),
}

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
    "bool": _FIELD.TYPE_BOOL,
    "int32": _FIELD.TYPE_INT32,
    "int64": _FIELD.TYPE_INT64,
}


def _described() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="tfplugin6.proto", package=PACKAGE, syntax="proto3")
    for line in _MESSAGES.replace(";\n", ";").strip().splitlines():
        name, fields = line.split(":")
        message = file.message_type.add(name=name)
        for words in filter(None, map(str.strip, fields.split(";"))):
            _describe(message, words)
        if name == "Step":
            message.oneof_decl.add(name="selector")
            for field in message.field:
                field.oneof_index = 0
    return file


def _describe(message: Any, words: str) -> None:
    kind, name, number = words.replace("=", " ").split()
    label = _FIELD.LABEL_REPEATED if kind.startswith("*") else _FIELD.LABEL_OPTIONAL
    field = message.field.add(name=name, number=int(number), label=label)
    kind = kind.lstrip("*")
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{PACKAGE}.{kind}"


def _classes() -> dict[str, Any]:
    file = _described()
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    find = pool.FindMessageTypeByName
    return {each.name: message_factory.GetMessageClass(find(f"{PACKAGE}.{each.name}")) for each in file.message_type}


MESSAGES = _classes()
