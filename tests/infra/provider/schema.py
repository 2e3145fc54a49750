"""What a provider knows: its types, their arguments and blocks, and the facts that no published schema tells."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.infra.provider import facts

Document = dict[str, Any]
Block = dict[str, Any]

HERE = Path(__file__).parent
GOOGLE = HERE / "google.schema.json.gz"
ARCHIVE = HERE / "archive.json"


@dataclass(frozen=True)
class Schemas:
    """One provider's schema; `source` is its address in `required_providers`."""

    source: str
    provider: Document
    resources: dict[str, Document]
    data: dict[str, Document] = field(default_factory=dict)


def read(path: Path) -> Document:
    """A subset, as it is committed."""
    content = path.read_bytes()
    document: Document = json.loads(gzip.decompress(content) if path.suffix == ".gz" else content)
    return document


def load(source: str, path: Path) -> Schemas:
    """A subset with the facts added: what is secret, and what is never kept in the state."""
    document = read(path)
    for name in facts.SENSITIVE:
        _mark(document, name, "sensitive")
    for name in facts.WRITE_ONLY:
        _mark(document, name, "write_only")
    return Schemas(source, document["provider"], document["resources"], document["data"])


def _mark(document: Document, name: str, key: str) -> None:
    kind, attribute = name.rsplit(".", 1)
    of = document["data" if kind.startswith("data.") else "resources"].get(kind.removeprefix("data."))
    if of is not None:
        of["block"]["attributes"][attribute][key] = True


def attributes(block: Block) -> dict[str, Document]:
    """A block's own arguments and attributes."""
    found: dict[str, Document] = block.get("attributes", {})
    return found


def blocks(block: Block) -> dict[str, Document]:
    """The blocks within a block."""
    found: dict[str, Document] = block.get("block_types", {})
    return found


def nested(kind: Document, value: Any) -> Iterator[tuple[int | str | None, Any]]:
    """The values of a nested block, each with its key; None where there is no key to point at."""
    match kind["nesting_mode"]:
        case "list":
            yield from enumerate(value)
        case "set":
            yield from ((None, each) for each in value)
        case "map":
            yield from value.items()
        case _:
            yield None, value
