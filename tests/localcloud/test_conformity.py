"""What Google's documents say of our answers, and what the official libraries' messages say of the documents."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud import compute_v1, run_v2, vpcaccess_v1

from localcloud.calls import Document
from localcloud.core import METHODS
from localcloud.documents import discovery
from localcloud.documents.conformity import departures
from tests.localcloud.served import P, served

# (schema, message of the official library, document)
MESSAGES = [
    pytest.param("compute.v1", "Firewall", compute_v1.Firewall, id="firewall rules"),
    pytest.param("compute.v1", "Network", compute_v1.Network, id="networks"),
    pytest.param("compute.v1", "Subnetwork", compute_v1.Subnetwork, id="subnets"),
    pytest.param("compute.v1", "Router", compute_v1.Router, id="routers with their NATs"),
    pytest.param("compute.v1", "Route", compute_v1.Route, id="routes"),
    pytest.param("compute.v1", "Address", compute_v1.Address, id="addresses"),
    pytest.param("compute.v1", "Operation", compute_v1.Operation, id="compute operations"),
    pytest.param("run.v2", "GoogleCloudRunV2Job", run_v2.Job, id="jobs"),
    pytest.param("run.v2", "GoogleCloudRunV2Execution", run_v2.Execution, id="executions"),
    pytest.param("vpcaccess.v1", "Connector", vpcaccess_v1.Connector, id="connectors"),
]


def missing(schemas: Document, schema: Document, message: Any, path: str, seen: frozenset[str]) -> Iterator[str]:
    """The fields of a message that a schema lacks, with those of the messages inside it."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if schema.get("type") == "array":
        schema = schema["items"]
        schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    known = schema.get("properties")
    if known is None or message.full_name in seen:
        return
    for field in message.fields:
        name = f"{path}.{field.json_name}"
        if field.json_name not in known:
            yield name
        elif field.message_type is not None and not field.message_type.GetOptions().map_entry:
            inside = field.message_type
            yield from missing(schemas, known[field.json_name], inside, name, seen | {message.full_name})


@pytest.mark.parametrize(("document", "schema", "message"), MESSAGES)
def test_no_field_that_a_client_knows_is_missing_from_our_documents(document: str, schema: str, message: Any) -> None:
    schemas = discovery.apis()[document].schemas
    assert list(missing(schemas, {"$ref": schema}, message.pb().DESCRIPTOR, schema, frozenset())) == []


@pytest.mark.parametrize(
    ("change", "departure"),
    [
        pytest.param({"colour": "red"}, "Firewall.colour is in no document", id="a field that nobody knows"),
        pytest.param({"priority": "1"}, "Firewall.priority is str, not integer", id="a number as text"),
        pytest.param({"allowed": {}}, "Firewall.allowed is dict, not array", id="no list"),
        pytest.param({"direction": "UP"}, "Firewall.direction is 'UP', which is none", id="an enum value that is none"),
        pytest.param({"id": "x1"}, "Firewall.id is 'x1', not uint64", id="an id that is no number"),
        pytest.param(
            {"allowed": [{"ports": [22]}]},
            "Firewall.allowed[0].ports[0] is int, not string",
            id="deep inside of a list",
        ),
    ],
)
def test_a_departure_from_the_documents_is_found(change: Document, departure: str) -> None:
    method = discovery.methods()["compute.firewalls.get"]
    good = {"name": "rule", "id": "12", "priority": 1000, "direction": "INGRESS", "allowed": [{"IPProtocol": "tcp"}]}
    assert departures(method, good) == []
    [found] = departures(method, good | change)
    assert found.startswith(departure)


def test_a_cloud_that_checks_its_answers_gives_no_wrong_one() -> None:
    with served() as stage:
        stage.network()
        assert stage.call("GET", "./global/networks/net").status_code == 200
        stage.cloud.table("compute.networks")[f"projects/{P}/global/networks/net"]["colour"] = "red"
        assert stage.call("GET", "./global/networks/net").status_code == 500
        stage.cloud.checks_answers = False
        assert stage.call("GET", "./global/networks/net").json()["colour"] == "red"


def test_every_served_method_is_in_googles_documents_and_the_other_way_round() -> None:
    importlib.import_module("localcloud.services")
    assert set(METHODS) == set(discovery.methods())
