"""Writes the JSON Schemas of what Wayout and other systems say to each other, beside this file.

python docs/schemas/write.py           writes them
python docs/schemas/write.py --check   exits with 1, naming them, if they are not what the code says
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import BaseModel

from wayout.egress.health import Deployment, Diagnosis, EchoAsked, EchoSaid
from wayout.egress.messages import OutcomeSaid, Request
from wayout.egress.policy import Policy

HERE = Path(__file__).parent
MESSAGES: dict[str, tuple[type[BaseModel], str]] = {
    "request.v1.schema.json": (Request, "A request to Wayout: the data of a Pub/Sub message"),
    "policy.v1.schema.json": (Policy, "A policy of Wayout: which jobs get which way out"),
    "echo-wanted.v1.schema.json": (EchoAsked, "What asks for an echo: the data of a Pub/Sub message, or a log entry's"),
    "echo.v1.schema.json": (EchoSaid, "An echo of Wayout: the data of a CloudEvent dev.wayout.echo.v1"),
    "deployment.v1.schema.json": (Deployment, "A deployment of Wayout: Terraform's output `deployment`"),
    "diagnosis.v1.schema.json": (Diagnosis, "What wayout doctor --json prints"),
    "outcome.v1.schema.json": (OutcomeSaid, "An outcome of Wayout: the data of a CloudEvent dev.wayout.outcome.v1"),
}


def schema(name: str) -> str:
    """The text of one schema file."""
    model, title = MESSAGES[name]
    said = model.model_json_schema(mode="serialization" if model is Diagnosis else "validation")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"https://wayout.dev/schemas/{name}"}
    return json.dumps(head | said | {"title": title}, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write, or with `--check` compare."""
    stale = [
        name for name in MESSAGES if not (HERE / name).exists() or (HERE / name).read_text("utf-8") != schema(name)
    ]
    if "--check" in arguments:
        if stale:
            print("not what the code says; run python docs/schemas/write.py:", *stale, file=sys.stderr)
        return int(bool(stale))
    for name in stale:
        (HERE / name).write_text(schema(name), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
