"""A policy from YAML text, and every problem of it with its line and field."""

from __future__ import annotations

import re
from typing import Any

import yaml
from pydantic import ValidationError

from wayout.egress.policy.checks import ContradictionError
from wayout.egress.policy.types import Policy


class PolicyError(ValueError):
    """A policy that cannot be used; each problem names line and field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


BIGGEST = 65_536  # bytes that a secret's version holds (Secret Manager's quota page), which a deployed policy is


class _Loader(yaml.SafeLoader):
    """YAML in which `off`, `no` and dates stay the words that somebody wrote; `true` and `false` are booleans.

    A key says one thing, and nothing stands for something else: a few aliases of aliases would fill any memory.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - how PyYAML is told
        first: [
            (tag, re.compile(r"^(?:true|false)$") if tag.endswith(":bool") else pattern)
            for tag, pattern in known
            if not tag.endswith(":timestamp")
        ]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise _refused(f"the alias *{event.anchor}: write it out, or name a set", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise _refused(f"the key {key.value} stands twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def parse(text: str) -> Policy:
    """Read a policy from YAML text. Raises PolicyError with a line and a field for every problem."""
    if len(text.encode()) > BIGGEST:
        raise PolicyError([f"a policy has at most {BIGGEST // 1024} KiB, which is what a secret holds"])
    try:
        tree = yaml.compose(text, Loader=_Loader)
        raw = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except RecursionError as error:
        raise PolicyError(["not a policy: lists in lists without end"]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise PolicyError([f"{where}{_why(error)}"]) from error
    if not isinstance(raw, dict):
        raise PolicyError(["line 1: a policy is a mapping with version, profiles and rules"])
    try:
        return Policy.model_validate(raw)
    except ValidationError as error:
        raise PolicyError([_problem(tree, *_place(found)) for found in error.errors()]) from error


def _why(error: yaml.YAMLError) -> str:
    ours = type(error) is yaml.MarkedYAMLError
    return f"{'' if ours else 'not YAML: '}{getattr(error, 'problem', error)}"


def _place(found: Any) -> tuple[tuple[int | str, ...], str]:
    """Where a problem lies and what it is; a contradiction knows its own place."""
    cause = found.get("ctx", {}).get("error")
    if isinstance(cause, ContradictionError):
        return cause.path, str(cause)
    return found["loc"], found["msg"]


def _problem(tree: Any, path: tuple[int | str, ...], message: str) -> str:
    node = tree
    known: list[str] = []
    for step in path:
        child = _child(node, step)
        if child is None:
            continue  # a step that pydantic adds, such as the branch of a union
        node, known = child, [*known, str(step)]
    said = message.removeprefix("Value error, ")
    missing = f" ({path[-1]})" if path and str(path[-1]) not in known[-1:] and isinstance(path[-1], str) else ""
    return f"line {node.start_mark.line + 1}: {'.'.join(known) or 'policy'}{missing}: {said}"


def _child(node: Any, step: int | str) -> Any:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step]
    return None
