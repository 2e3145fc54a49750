"""Values that a cloud would decide: the same for the same arguments, and of the form of the real ones."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from tests.infra.provider.packing import is_unknown
from tests.infra.provider.schema import Block, attributes, blocks

MOMENT = "2026-01-01T00:00:00Z"

Fill = Callable[[str, Block], Any]


def filled(block: Block, value: Any, fill: Fill, path: str = "") -> Any:
    """The value with everything filled in that is left to the provider; `fill` is told where, with dots between."""
    if value is None or is_unknown(value):
        return value
    out = dict(value)
    for name, attribute in attributes(block).items():
        given = out.get(name)
        if is_unknown(given) or (given is None and attribute.get("computed")):
            out[name] = fill(f"{path}{name}", attribute)
    for name, kind in blocks(block).items():
        out[name] = _inside(kind, out.get(name), fill, f"{path}{name}.")
    return out


def _inside(kind: Block, value: Any, fill: Fill, path: str) -> Any:
    if value is None or is_unknown(value):
        return value
    match kind["nesting_mode"]:
        case "list" | "set":
            return [filled(kind["block"], each, fill, path) for each in value]
        case "map":
            return {key: filled(kind["block"], each, fill, path) for key, each in value.items()}
        case _:
            return filled(kind["block"], value, fill, path)


def digits(text: str, count: int) -> str:
    """A number that stands for a text, never with a zero in front."""
    return str(int(hashlib.sha256(text.encode()).hexdigest(), 16) % (9 * 10 ** (count - 1)) + 10 ** (count - 1))


def digest(text: str, length: int = 10) -> str:
    """Letters and digits that stand for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def of_type(kind: Any, name: str, seed: str) -> Any:
    """Some value of a type of Terraform's."""
    match kind:
        case "string":
            return f"{name}-{digest(seed + name)}"
        case "number":
            return int(digits(seed + name, 6))
        case "bool":
            return False
        case "dynamic":
            return None
        case ["list" | "set", _]:
            return []
        case ["map", _]:
            return {}
        case ["object", fields]:
            return {field: of_type(each, field, seed) for field, each in fields.items()}
    raise ValueError(f"{name}: no such type as {kind}")


class Known(dict[str, Any]):
    """The names that a template may use: a resource's own arguments, and what follows from them."""

    def __init__(self, arguments: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        told = {name: settings[name] for name in ("project", "region") if settings.get(name)}
        given = {name: value for name, value in arguments.items() if value is not None and not is_unknown(value)}
        super().__init__(told | given)
        if str(self.get("secret", "")).startswith("projects/"):
            self["project"] = self["secret"].split("/")[1]
        project = self.get("project_id", self.get("project"))
        if project:
            self.update(project_id=project, project_number=digits(project, 12))
        if "region" in self:
            self.setdefault("location", self["region"])
        self["folder_id"] = str(self.get("folder", "")).rsplit("/", 1)[-1]
        owner = self.get("organization", self.get("domain", "acme.example"))
        self["organization_number"] = owner.rsplit("/", 1)[-1] if owner[-1].isdigit() else digits(owner, 12)

    def __missing__(self, name: str) -> str:
        return f"any-{name.replace('_', '-')}"
