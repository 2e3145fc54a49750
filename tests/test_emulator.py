"""The same road through the real Pub/Sub emulator that ships with the gcloud SDK, and real function processes."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from wayout.cli.demo.people import Person
from wayout.cli.demo.stage import PROJECT, Stage, free_port


def _jar() -> Path | None:
    gcloud = shutil.which("gcloud")
    if not gcloud:
        return None
    lib = Path(gcloud).resolve().parent.parent / "platform" / "pubsub-emulator" / "lib"
    return next(iter(sorted(lib.glob("cloud-pubsub-emulator-*-all.jar"))), None)


JAR = _jar()
pytestmark = pytest.mark.skipif(
    JAR is None or not shutil.which("java"), reason="needs java and the Pub/Sub emulator of the gcloud SDK"
)


@pytest.fixture
def emulator() -> Iterator[str]:
    """The emulator's address, host:port."""
    port = free_port()
    words = [
        "java",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-jar",
        str(JAR),
        "--host=127.0.0.1",
        f"--port={port}",
    ]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def _put(emulator: str, path: str, body: dict[str, Any], method: str = "PUT") -> dict[str, Any]:
    response = requests.request(method, f"http://{emulator}/v1/projects/{PROJECT}/{path}", json=body, timeout=20)
    response.raise_for_status()
    found: dict[str, Any] = response.json()
    return found


def _push(emulator: str, topic: str, endpoint: str) -> None:
    _put(emulator, f"topics/{topic}", {})
    body = {
        "topic": f"projects/{PROJECT}/topics/{topic}",
        "pushConfig": {"pushEndpoint": endpoint},
        "ackDeadlineSeconds": 600,
    }
    _put(emulator, f"subscriptions/{topic}", body)


def test_an_entry_published_to_the_real_emulator_gives_the_job_its_way_out(emulator: str) -> None:
    with Stage({"WAYOUT_ENDPOINT_PUBSUB": f"http://{emulator}"}) as stage:
        _push(emulator, "wayout-events", stage.endpoint("on_audit_log", "wayout-events"))
        _push(emulator, "wayout-outcomes", stage.endpoint("on_outcome", "wayout-outcomes"))
        people = Person(stage, "dev@example.com")
        people.make_network("my-vpc")
        people.deploy("my-job")
        stage.settle()

        entry = _last_entry(people)
        data = base64.b64encode(json.dumps(entry).encode()).decode()
        _put(emulator, "topics/wayout-events:publish", {"messages": [{"data": data}]}, "POST")

        end = time.monotonic() + 60
        while time.monotonic() < end and not stage.admin("slack")["messages"]:
            time.sleep(0.2)
        [message] = stage.admin("slack")["messages"]
        job = people.job("my-job")
        people.close()

    assert job["template"]["template"]["vpcAccess"]["egress"] == "ALL_TRAFFIC"
    assert "my-job" in message["text"]


def _last_entry(people: Person) -> dict[str, Any]:
    """The audit log entry of the deploy, as the log has it."""
    found = people.entries('protoPayload.methodName="google.cloud.run.v2.Jobs.CreateJob" operation.last=true')
    return found[-1]
