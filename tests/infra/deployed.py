"""A deployment as Terraform left it: its resources by address, out of the state that an apply wrote."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.terraform import REPOSITORY, StubProvider, Terraform

EXAMPLES = ("one-project", "organisation")


@dataclass(frozen=True)
class Deployed:
    """An example, applied. `doctored` is what the doctor's command was given."""

    terraform: Terraform
    resources: dict[str, dict[str, Any]]
    doctored: Path

    def all(self, *types: str) -> dict[str, dict[str, Any]]:
        """The resources of some types, by address; all of them without types."""
        kinds = {address: address.removeprefix("module.wayout.").split(".")[0] for address in self.resources}
        return {at: values for at, values in self.resources.items() if not types or kinds[at] in types}

    def one(self, address: str) -> dict[str, Any]:
        return self.resources[f"module.wayout.{address}"]

    def members(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every grant there is."""
        return ((at, values) for at, values in self.all().items() if {"role", "member"} <= values.keys())


def made_ready(checkout: Path, doctor: str) -> None:
    """What `make setup bundle` leaves beside infra/, with a doctor of a few shell lines."""
    bundle, command = checkout / "dist/wayout-bundle.zip", checkout / ".venv/bin/wayout"
    for path in (bundle, command):
        path.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_bytes(b"a bundle")
    command.write_text(f"#!/bin/sh\n{doctor}\n", encoding="utf-8")
    command.chmod(0o755)


def apply(example: str, into: Path, stub: StubProvider) -> Deployed:
    """Apply an example of ours for real, on the stub provider, with a doctor that writes down what it is given."""
    made_ready(into, f'[ "$*" = "doctor - --timeout 300" ] && cat > {into}/doctored.json')
    terraform = Terraform.on_copy(REPOSITORY / "infra", into, stub, f"examples/{example}")
    terraform.apply()
    state = json.loads(terraform.ok("show", "-json"))
    found = {one["address"]: one["values"] for one in _resources(state["values"]["root_module"])}
    return Deployed(terraform, found, into / "doctored.json")


def _resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)
