"""The archive provider's one data source: it really makes the zip, the same bytes for the same files."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import zipfile
from pathlib import Path
from typing import Any

# The real provider's date, so that an archive depends on nothing but what is in it.
DATE = (2049, 1, 1, 0, 0, 0)


def made(config: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Writes the archive below the folder that Terraform runs in; its size and sums."""
    target = folder / config["output_path"]
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(_entries(config, folder).items()):
            archive.writestr(zipfile.ZipInfo(name, DATE), content)
    content = target.read_bytes()
    sums = {name: hashlib.new(name, content, usedforsecurity=False) for name in ("md5", "sha1", "sha256", "sha512")}
    return {
        "id": sums["sha1"].hexdigest(),
        "output_size": len(content),
        "output_md5": sums["md5"].hexdigest(),
        "output_sha": sums["sha1"].hexdigest(),
        "output_sha256": sums["sha256"].hexdigest(),
        "output_sha512": sums["sha512"].hexdigest(),
        "output_base64sha256": base64.b64encode(sums["sha256"].digest()).decode(),
        "output_base64sha512": base64.b64encode(sums["sha512"].digest()).decode(),
    }


def _entries(config: dict[str, Any], folder: Path) -> dict[str, bytes]:
    entries = {each["filename"]: each["content"].encode() for each in config["source"]}
    if config["source_content"] is not None:
        entries[config["source_content_filename"]] = config["source_content"].encode()
    if config["source_file"] is not None:
        path = folder / config["source_file"]
        entries[path.name] = path.read_bytes()
    if config["source_dir"] is not None:
        root = folder / config["source_dir"]
        for path in (each for each in root.rglob("*") if each.is_file()):
            entries[path.relative_to(root).as_posix()] = path.read_bytes()
    excluded = config["excludes"] or []
    return {name: body for name, body in entries.items() if not any(fnmatch.fnmatch(name, each) for each in excluded)}
