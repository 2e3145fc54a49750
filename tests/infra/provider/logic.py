"""What the provider plans and does. Each folder of configuration has a cloud of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.infra.provider import archive, checks, computed, facts
from tests.infra.provider.checks import Problem
from tests.infra.provider.packing import UNKNOWN, is_unknown
from tests.infra.provider.schema import Block, Schemas
from tests.infra.provider.values import Known, digest, digits, filled, of_type

ATTRIBUTION = {"goog-terraform-provisioned": "true"}


class RefusedError(Exception):
    """The cloud says no; the words are for who applies."""


class Plan(NamedTuple):
    """What will be, and which arguments make it another resource."""

    value: Any
    replaced_by: tuple[str, ...] = ()


class Provider:
    """One provider, for one folder of configuration. It keeps nothing but which names are taken."""

    def __init__(self, schemas: Schemas, folder: Path) -> None:
        self.schemas = schemas
        self._folder = folder
        self._settings: dict[str, Any] = {}
        self._taken: set[tuple[str, str, str]] = set()
        self._turns: dict[str, int] = {}
        self._lock = threading.Lock()

    def configure(self, settings: dict[str, Any] | None) -> None:
        """The `provider` block: project, region and labels where a resource names none."""
        self._settings = {k: v for k, v in (settings or {}).items() if v is not None and not is_unknown(v)}

    def problems(self, kind: str, config: Any, *, data: bool = False) -> Iterator[Problem]:
        """What is wrong with a configuration, as far as it is known."""
        return checks.problems(f"data.{kind}" if data else kind, self._block(kind, data=data), config)

    def plan(self, kind: str, prior: Any, proposed: Any) -> Plan:
        """What a resource will be; whatever the cloud decides is unknown until it is there."""
        if proposed is None:
            return Plan(None)
        block = self._block(kind)
        value = self._known_at_plan(kind, block, proposed)
        if value == prior:
            return Plan(prior)
        value = filled(block, value, lambda _path, _attribute: UNKNOWN)
        return Plan(value, () if prior is None else tuple(self._replaced_by(kind, prior, value)))

    def apply(self, kind: str, prior: Any, planned: Any) -> Any:
        """Makes, changes or removes it, and tells all that is known then. Refused if the name is taken."""
        with self._lock:
            if planned is None:
                self._taken.discard(_place(kind, prior))
                return None
            known = self._known(kind, planned)
            if prior is None and "secret" in known:
                self._turns[known["secret"]] = known["turn"]
            made = self._decided(kind, self._block(kind), planned, known, computed.RESOURCES)
            if prior is None:
                self._take(kind, made)
            return made

    def read(self, kind: str, config: Any) -> Any:
        """A data source. Everything exists that is asked for."""
        if kind == "archive_file":
            return config | archive.made(config, self._folder)
        if kind == "google_project" and config["project_id"] is None:
            self._default_project()
        known = self._known(kind, config)
        found = self._decided(kind, self._block(kind, data=True), config, known, computed.DATA)
        # A data source tells an argument that it was not given: google_project says which project is the default.
        told = {name: each.format_map(known) for name, each in computed.DATA[kind].items() if found[name] is None}
        return found | told

    def _block(self, kind: str, *, data: bool = False) -> Block:
        block: Block = (self.schemas.data if data else self.schemas.resources)[kind]["block"]
        return block

    def _known_at_plan(self, kind: str, block: Block, proposed: Any) -> Any:
        """The default project and the labels are the provider's own work, so the cloud isn't waited for."""
        value = dict(proposed)
        unsaid = value.get("project", "") is None and block["attributes"]["project"].get("computed")
        if unsaid and kind not in facts.BELONGING:
            value["project"] = self._default_project()
        if "effective_labels" in value:
            labels = _all_labels(self._settings.get("default_labels"), value["labels"])
            value["effective_labels"] = value["terraform_labels"] = labels
        return value

    def _default_project(self) -> Any:
        if "project" not in self._settings:
            raise RefusedError("project: required field is not set, neither here nor in the provider")
        return self._settings["project"]

    def _replaced_by(self, kind: str, prior: Any, value: Any) -> Iterator[str]:
        decisive = value.keys() if kind.endswith("_iam_member") else facts.REPLACED_BY.get(kind, facts.IDENTITY)
        for name in decisive:
            if name in value and prior.get(name) != value[name]:
                yield name

    def _known(self, kind: str, value: Any) -> Known:
        known = Known(value, self._settings)
        seed = kind + "".join(f"{name}={known[name]};" for name in sorted(known) if isinstance(known[name], str))
        known.update(digest=digest(seed), serial=digits(seed, 19))
        if "secret" in known:
            known["turn"] = self._turns.get(known["secret"], 0) + 1
        if kind.endswith("_iam_member"):
            where = [known[name] for name in sorted(value.keys() & known.keys() - {"role", "member", "condition"})]
            known["grant"] = "/".join([*where, known["role"], known["member"]])
        return known

    def _decided(self, kind: str, block: Block, value: Any, known: Known, tables: dict[str, computed.Templates]) -> Any:
        own = computed.GRANT if kind.endswith("_iam_member") else tables.get(kind, {})
        templates = computed.EVERYWHERE | own

        def decide(path: str, attribute: Block) -> Any:
            template = templates.get(path)
            if template is None:
                return of_type(attribute["type"], path.rsplit(".", 1)[-1], known["digest"])
            told = template.format_map(known) if isinstance(template, str) else template
            return int(told) if attribute["type"] == "number" else told

        return filled(block, value, decide)

    def _take(self, kind: str, made: Any) -> None:
        # Granting the same again is no error in IAM, anything else is.
        if _place(kind, made) in self._taken and not kind.endswith("_iam_member"):
            raise RefusedError(f"Error 409: {kind} {made['id']} already exists")
        self._taken.add(_place(kind, made))


def _place(kind: str, made: Any) -> tuple[str, str, str]:
    """Where nothing else can be. Not every id has the project in it."""
    return kind, made.get("project") or "", made["id"]


def _all_labels(*layers: Any) -> Any:
    if any(is_unknown(layer) or any(is_unknown(v) for v in (layer or {}).values()) for layer in layers):
        return UNKNOWN
    return {key: value for layer in (ATTRIBUTION, *layers) for key, value in (layer or {}).items()}
