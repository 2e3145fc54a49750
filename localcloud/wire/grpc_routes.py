"""Which API method a gRPC method is, and how its request message becomes a call.

The installed libraries register messages but no services, so the google.api.http annotations are written down here:
`path` is the field that the URL names, `body` the field that is the HTTP body (`*`: all the rest). A test holds them
against the libraries' own REST transports and the discovery documents.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from functools import cache
from typing import Any

from localcloud.calls import Call, Caller, Document
from localcloud.documents import discovery
from localcloud.wire.grpc_unknown import message_class, to_document

# Importing these registers their messages.
LIBRARIES = (
    "google.cloud.run_v2.types",
    "google.cloud.vpcaccess_v1.types",
    "google.cloud.logging_v2.types",
    "google.cloud.audit.audit_log_pb2",
    "google.pubsub_v1.types",
    "google.longrunning.operations_pb2",
    "google.rpc.error_details_pb2",
)
EMPTY = "google.protobuf.Empty"
OPERATION = "google.longrunning.Operation"


@dataclass(frozen=True)
class Route:
    """One gRPC method. `id` is the discovery id of the same method; empty for the mixin of all services' operations."""

    service: str
    name: str
    id: str
    path: str = ""
    body: str = ""
    answer: str = EMPTY
    request: str = ""

    @property
    def package(self) -> str:
        return self.service.rsplit(".", 1)[0]

    @property
    def request_class(self) -> Any:
        return message_class(f"{self.package}.{self.request or self.name + 'Request'}")

    @property
    def answer_class(self) -> Any:
        return message_class(self.answer if "." in self.answer else f"{self.package}.{self.answer}")

    def call(self, message: Any, caller: Caller) -> Call:
        """The call that a request message makes, with parameters and body under their REST names."""
        document = to_document(message)
        params = {_camel(self.path.rsplit(".", 1)[-1]): _taken(document, self.path)} if self.path else {}
        if self.body == "*":
            return Call(self.id, params, _writable(self.id, document), caller, "grpc")
        body = document.pop(_camel(self.body), {}) if self.body else {}
        params |= {key: _text(value) for key, value in document.items() if not key.startswith("@")}
        return Call(self.id, params, _writable(self.id, body), caller, "grpc")


@cache
def routes() -> tuple[Route, ...]:
    """Every gRPC method that is served."""
    for library in LIBRARIES:
        importlib.import_module(library)
    return (*_run(), *_vpcaccess(), *_logging(), *_publisher(), *_subscriber(), *_operations())


def _run() -> tuple[Route, ...]:
    jobs, executions = "google.cloud.run.v2.Jobs", "google.cloud.run.v2.Executions"
    id_ = "run.projects.locations.jobs"
    return (
        Route(jobs, "CreateJob", f"{id_}.create", "parent", "job", OPERATION),
        Route(jobs, "GetJob", f"{id_}.get", "name", answer="Job"),
        Route(jobs, "ListJobs", f"{id_}.list", "parent", answer="ListJobsResponse"),
        Route(jobs, "UpdateJob", f"{id_}.patch", "job.name", "job", OPERATION),
        Route(jobs, "DeleteJob", f"{id_}.delete", "name", answer=OPERATION),
        Route(jobs, "RunJob", f"{id_}.run", "name", "*", OPERATION),
        Route(executions, "GetExecution", f"{id_}.executions.get", "name", answer="Execution"),
        Route(executions, "ListExecutions", f"{id_}.executions.list", "parent", answer="ListExecutionsResponse"),
    )


def _vpcaccess() -> tuple[Route, ...]:
    service, id_ = "google.cloud.vpcaccess.v1.VpcAccessService", "vpcaccess.projects.locations.connectors"
    return (
        Route(service, "CreateConnector", f"{id_}.create", "parent", "connector", OPERATION),
        Route(service, "GetConnector", f"{id_}.get", "name", answer="Connector"),
        Route(service, "ListConnectors", f"{id_}.list", "parent", answer="ListConnectorsResponse"),
        Route(service, "DeleteConnector", f"{id_}.delete", "name", answer=OPERATION),
    )


def _logging() -> tuple[Route, ...]:
    logs, config = "google.logging.v2.LoggingServiceV2", "google.logging.v2.ConfigServiceV2"
    sinks = "logging.projects.sinks"
    return (
        Route(logs, "WriteLogEntries", "logging.entries.write", body="*", answer="WriteLogEntriesResponse"),
        Route(logs, "ListLogEntries", "logging.entries.list", body="*", answer="ListLogEntriesResponse"),
        Route(config, "CreateSink", f"{sinks}.create", "parent", "sink", "LogSink"),
        Route(config, "GetSink", f"{sinks}.get", "sink_name", answer="LogSink"),
        Route(config, "ListSinks", f"{sinks}.list", "parent", answer="ListSinksResponse"),
        Route(config, "UpdateSink", f"{sinks}.update", "sink_name", "sink", "LogSink"),
        Route(config, "DeleteSink", f"{sinks}.delete", "sink_name"),
    )


def _publisher() -> tuple[Route, ...]:
    service, id_ = "google.pubsub.v1.Publisher", "pubsub.projects.topics"
    return (
        Route(service, "CreateTopic", f"{id_}.create", "name", "*", "Topic", "Topic"),
        Route(service, "GetTopic", f"{id_}.get", "topic", answer="Topic"),
        Route(service, "ListTopics", f"{id_}.list", "project", answer="ListTopicsResponse"),
        Route(service, "UpdateTopic", f"{id_}.patch", "topic.name", "*", "Topic"),
        Route(service, "DeleteTopic", f"{id_}.delete", "topic"),
        Route(service, "Publish", f"{id_}.publish", "topic", "*", "PublishResponse"),
        Route(
            service,
            "ListTopicSubscriptions",
            f"{id_}.subscriptions.list",
            "topic",
            "",
            "ListTopicSubscriptionsResponse",
        ),
    )


def _subscriber() -> tuple[Route, ...]:
    service, id_ = "google.pubsub.v1.Subscriber", "pubsub.projects.subscriptions"
    return (
        Route(service, "CreateSubscription", f"{id_}.create", "name", "*", "Subscription", "Subscription"),
        Route(service, "GetSubscription", f"{id_}.get", "subscription", answer="Subscription"),
        Route(service, "ListSubscriptions", f"{id_}.list", "project", answer="ListSubscriptionsResponse"),
        Route(service, "UpdateSubscription", f"{id_}.patch", "subscription.name", "*", "Subscription"),
        Route(service, "DeleteSubscription", f"{id_}.delete", "subscription"),
        Route(service, "Pull", f"{id_}.pull", "subscription", "*", "PullResponse"),
        Route(service, "Acknowledge", f"{id_}.acknowledge", "subscription", "*"),
        Route(service, "ModifyAckDeadline", f"{id_}.modifyAckDeadline", "subscription", "*"),
        Route(service, "ModifyPushConfig", f"{id_}.modifyPushConfig", "subscription", "*"),
    )


def _operations() -> tuple[Route, ...]:
    service = "google.longrunning.Operations"
    return (
        Route(service, "GetOperation", "", "name", answer=OPERATION),
        Route(service, "WaitOperation", "", "name", "*", OPERATION),
    )


def _taken(document: Document, path: str) -> str:
    """What the URL would name. A name inside the body stays there as well, as it does on REST."""
    *outer, last = [_camel(part) for part in path.split(".")]
    for part in outer:
        document = document.get(part, {})
    return str(document.get(last, "") if outer else document.pop(last, ""))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _writable(id_: str, body: Document) -> Document:
    """The body without what the API only ever says itself: REST drops that as well."""
    method = discovery.methods().get(id_)
    if method is None or not method.request:
        return body
    kept: Document = _kept({"$ref": method.request}, method.document.schemas, body)
    return kept


def _kept(schema: Document, schemas: Document, value: Any) -> Any:
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if isinstance(value, list):
        return [_kept(schema.get("items", {}), schemas, one) for one in value]
    if not isinstance(value, dict):
        return value
    inner: Document = schema.get("properties", {})
    every = schema.get("additionalProperties", {})
    return {
        key: _kept(inner.get(key, every), schemas, one)
        for key, one in value.items()
        if not inner.get(key, {}).get("readOnly")
    }
