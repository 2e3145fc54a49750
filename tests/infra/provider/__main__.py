"""Providers for as many folders as are asked for.

Each line on standard input is a folder that Terraform will run in; the answer is a line for TF_REATTACH_PROVIDERS.
Ends with its input.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.infra.provider.logic import Provider
from tests.infra.provider.schema import ARCHIVE, GOOGLE, load
from tests.infra.provider.wire import serve

SOURCES = {"hashicorp/google": GOOGLE, "hashicorp/archive": ARCHIVE}


def main() -> None:
    """Serves until nobody asks any more."""
    all_schemas = [load(source, path) for source, path in SOURCES.items()]
    servers: list[Any] = []
    # The path of a unix socket may have 107 letters at most, and pytest's folders are longer than that.
    with tempfile.TemporaryDirectory(prefix="tf") as sockets:
        for line in sys.stdin:
            reattach = {}
            for schemas in all_schemas:
                socket = Path(sockets) / str(len(servers))
                server, reattach[schemas.source] = serve(Provider(schemas, Path(line.strip())), socket)
                servers.append(server)
            print(json.dumps(reattach), flush=True)
        for server in servers:
            server.stop(None)


if __name__ == "__main__":
    main()
