"""Makes the functions' bundle: one zip, the same to the byte wherever and whenever it is made from the same source.

    python -m tools.bundle [--output dist/wayout-bundle.zip] [--list] [--json]

It holds main.py at its root, as Cloud Functions loads it, the modules that main.py leads to and no other (no command,
no local Google Cloud, no tests), and the locked requirements with their hashes. `--list` prints its files and
sizes, and writes nothing; `--json` says it for a script.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import zipfile
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
SOURCES = {"functions": ROOT / "functions", "wayout": ROOT / "shared" / "wayout"}
DOOR = "functions.main"
REQUIREMENTS = ROOT / "requirements" / "runtime.txt"
OUTPUT = Path("dist") / "wayout-bundle.zip"

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can name
_MODE = 0o100644 << 16
_UNIX = 3


def files() -> dict[str, bytes]:
    """What the bundle holds, by path, in the order of the paths."""
    graph = grimp.build_graph(*SOURCES, exclude_type_checking_imports=True, cache_dir=None)
    modules = graph.find_upstream_modules(DOOR)
    packages = {".".join(name.split(".")[:depth]) for name in modules for depth in range(1, name.count(".") + 1)}
    found = {_place(path): path.read_bytes() for path in map(_file, modules | packages)}
    found["main.py"] = _file(DOOR).read_bytes()
    found["requirements.txt"] = REQUIREMENTS.read_bytes()
    return dict(sorted(found.items()))


def _file(module: str) -> Path:
    top, *rest = module.split(".")
    path = SOURCES[top].joinpath(*rest)
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _place(path: Path) -> str:
    top = next(folder for folder in SOURCES.values() if path.is_relative_to(folder))
    return path.relative_to(top.parent).as_posix()


def packed(content: dict[str, bytes]) -> bytes:
    """The zip. Nothing of the machine gets in: no time, owner, order, or version of a compressor."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as bundle:
        for name, data in content.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr, entry.create_system = _MODE, _UNIX
            bundle.writestr(entry, data)
    return buffer.getvalue()


def main(words: list[str]) -> int:
    """Make it, or say what is in it."""
    parser = argparse.ArgumentParser(prog="python -m tools.bundle", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--output", type=Path, default=OUTPUT, help=f"where it is written; {OUTPUT} if not given")
    parser.add_argument("--list", action="store_true", help="print its files, sizes in bytes, and write nothing")
    parser.add_argument("--json", action="store_true", help="say it for a script")
    asked = parser.parse_args(words)
    content = files()
    bundle = packed(content)
    said = {"bytes": len(bundle), "sha256": hashlib.sha256(bundle).hexdigest()}
    if asked.list:
        sizes = {name: len(data) for name, data in content.items()}
        lines = "\n".join(f"{size:>8}  {name}" for name, size in sizes.items())
        print(json.dumps(said | {"files": sizes}) if asked.json else lines)
        return 0
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_bytes(bundle)
    print(json.dumps(said | {"output": str(asked.output)}) if asked.json else _words(asked.output, len(content), said))
    return 0


def _words(output: Path, number: int, said: dict[str, object]) -> str:
    return f"{output}: {number} files, {said['bytes']} bytes, SHA-256 {said['sha256']}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
