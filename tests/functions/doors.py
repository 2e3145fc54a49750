"""Knocking at the doors as Google does: raw push bodies, binary and structured CloudEvents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import functions_framework
from flask.testing import FlaskClient

from tests.events.entries import message

SOURCE = Path(__file__).parents[2] / "functions" / "main.py"


def door(target: str) -> FlaskClient:
    """The function `target`, loaded as its process would load it."""
    create: Any = functions_framework.create_app
    client: FlaskClient = create(target, str(SOURCE)).test_client()
    return client


def push(client: FlaskClient, content: object, *, raw: bytes | None = None, id_: str = "9876543210") -> int:
    """A raw Pub/Sub push, as a push subscription makes it. Gives the HTTP status."""
    body = {"subscription": "projects/home/subscriptions/s", "message": message(content, raw=raw, id_=id_)}
    return client.post("/projects/home/topics/t?pubsub_trigger=true", json=body).status_code


def binary(client: FlaskClient, data: bytes, attributes: dict[str, str]) -> int:
    """A CloudEvent in binary mode, as Eventarc sends it: attributes in headers, data in the body."""
    headers = {f"ce-{key}": value for key, value in attributes.items()} | {"Content-Type": "application/json"}
    return client.post("/", data=data, headers=headers).status_code


def structured(client: FlaskClient, event: dict[str, Any]) -> int:
    """A CloudEvent in structured mode."""
    return client.post(
        "/", data=json.dumps(event), headers={"Content-Type": "application/cloudevents+json"}
    ).status_code
