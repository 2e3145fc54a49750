"""What the provider says no to, beyond what Terraform checks by the schema alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.infra.provider import facts
from tests.infra.provider.packing import is_unknown
from tests.infra.provider.schema import Block, attributes, blocks, nested

Path = tuple[str | int, ...]


class Problem(NamedTuple):
    """Something that is wrong, and where."""

    path: Path
    summary: str
    detail: str


def problems(kind: str, block: Block, value: Any) -> Iterator[Problem]:
    """Everything that is wrong with a configuration of this type."""
    yield from _in_block(kind, block, value, ())


def _in_block(kind: str, block: Block, value: Any, path: Path) -> Iterator[Problem]:
    if value is None or is_unknown(value):
        return
    yield from _one_of(kind, value, path)
    for name, attribute in attributes(block).items():
        given = value.get(name)
        if given is None and attribute.get("required"):
            yield Problem((*path, name), "Missing required argument", f"{name}: it is required, and it is null.")
        elif given is not None and not is_unknown(given):
            yield from _attribute(f"{kind}.{name}", attribute, given, (*path, name))
    for name, inner in blocks(block).items():
        inside = value.get(name)
        if inside is None or is_unknown(inside):
            continue
        for key, each in nested(inner, inside):
            here: Path = (*path, name) if key is None else (*path, name, key)
            yield from _in_block(f"{kind}.{name}", inner["block"], each, here)


def _attribute(name: str, attribute: Block, given: Any, path: Path) -> Iterator[Problem]:
    if attribute.get("computed") and not attribute.get("optional"):
        yield Problem(path, "Value for unconfigurable attribute", f"{path[-1]}: the provider decides it.")
    for each in given if isinstance(given, list) else [given]:
        if not isinstance(each, str):
            continue
        values = attribute.get("x_enum")
        if values and each and each not in values:
            yield Problem(path, "Not one of the documented values", f"{path[-1]}: {each!r}; known are {values}.")
        for wanted, pattern, words in facts.PATTERNS:
            if _named(wanted, name) and not re.fullmatch(pattern, each):
                yield Problem(path, "Not a value of this form", f"{path[-1]}: {each!r} should be {words}.")


def _one_of(kind: str, value: Any, path: Path) -> Iterator[Problem]:
    for wanted, least, names in facts.ONE_OF:
        given = [name for name in names if value.get(name) not in (None, [])]
        if kind == wanted and not least <= len(given) <= 1:
            several = f"only one of {', '.join(given)}" if given else f"one of {', '.join(names)}"
            yield Problem(path, "Invalid combination of arguments", f"{kind}: {several} can be specified.")


def _named(wanted: str, name: str) -> bool:
    return name.endswith(wanted[1:]) if wanted.startswith("*") else name == wanted
