"""Cuts the whole schema of a provider to the types in use.

    python -m tests.infra.provider.subset google-8.7.0.schema.json.gz google_pubsub_topic data.google_project ...

Without types, those that the subset holds already are cut again.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.infra.provider.schema import GOOGLE, Document, read


def cut(whole: Document, types: Sequence[str]) -> Document:
    """The provider's own settings, and these types: resources by their name, data sources as `data.NAME`."""
    (provider,) = whole["provider_schemas"].values()
    wanted = {kind: sorted(name for name in types if name.startswith("data.") == (kind == "data")) for kind in KINDS}
    return {
        "version": whole["x_provider_version"],
        "provider": provider["provider"],
        **{
            kind: {name: provider[KINDS[kind]][name] for name in (n.removeprefix("data.") for n in names)}
            for kind, names in wanted.items()
        },
    }


KINDS = {"resources": "resource_schemas", "data": "data_source_schemas"}


def types_of(subset: Document) -> list[str]:
    """What a subset holds, as it is written on the command line."""
    return [*subset["resources"], *(f"data.{name}" for name in subset["data"])]


def write(subset: Document, path: Path) -> None:
    """The same bytes for the same subset."""
    text: Any = json.dumps(subset, sort_keys=True, separators=(",", ":"))
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def main(source: str, *types: str) -> None:
    """Writes the Google provider's subset anew."""
    with gzip.open(source, "rt") as file:
        whole = json.load(file)
    subset = cut(whole, types or types_of(read(GOOGLE)))
    write(subset, GOOGLE)
    print(f"{GOOGLE.name}: {len(subset['resources'])} resources, {len(subset['data'])} data sources")


if __name__ == "__main__":
    main(*sys.argv[1:])
