"""A policy from YAML text, and every problem of it with its line and field."""

from __future__ import annotations

import re
from typing import Any

import yaml
from pydantic import ValidationError

from wayout.egress.policy import wording
from wayout.egress.policy.types import Policy


class PolicyError(ValueError):
    """A policy that cannot be used; each problem names line and field."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


BIGGEST = 65_536  # bytes that a secret's version holds (Secret Manager's quota page), which a deployed policy is


# What PyYAML lets through of a scalar that is not what its tag says, such as !!int abc or !!timestamp never.
_UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)
_WORDS = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:float")  # no field holds one
_TAGS = {
    "tag:yaml.org,2002:bool": (re.compile(r"^(?:true|false)$"), "tf"),
    "tag:yaml.org,2002:int": (re.compile(r"^-?(?:0|[1-9][0-9]*)$"), "-0123456789"),
}


class _Loader(yaml.SafeLoader):
    """YAML in which `off`, `010`, `1.10` and dates stay the words that somebody wrote; `true` and `false` are
    booleans, and whole numbers are decimal.

    A key says one thing, and nothing stands for something else: a few aliases of aliases would fill any memory.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - how PyYAML is told
        first: [
            *((tag, pattern) for tag, pattern in known if tag not in (*_TAGS, *_WORDS)),
            *((tag, pattern) for tag, (pattern, firsts) in _TAGS.items() if first in firsts),
        ]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            raise _refused(f"the alias *{event.anchor}: write it out, or name a set", event.start_mark)
        return super().compose_node(parent, index)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except _UNREADABLE as error:
            said = node.value if isinstance(node, yaml.ScalarNode) else ""
            kind = node.tag.rsplit(":", 1)[-1]
            raise _refused(f"{said[:40]!r} cannot be read as {kind}", node.start_mark) from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value if node.id == "mapping" else ():  # not so where !!map is said of a word
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise _refused(f"the key {key.value} stands twice", key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def parse(text: str) -> Policy:
    """Read a policy from YAML text. Raises PolicyError with a line and a field for every problem."""
    if len(text) > BIGGEST or len(text.encode(errors="replace")) > BIGGEST:
        raise PolicyError([f"a policy has at most {BIGGEST // 1024} KiB, which is what a secret holds"])
    tree, raw = _loaded(text)
    if not isinstance(raw, dict):
        raise PolicyError(["line 1: a policy is a mapping with version, profiles and rules"])
    try:
        return Policy.model_validate(raw)
    except ValidationError as error:
        raise PolicyError(wording.told(error.errors(), tree)) from error


def _loaded(text: str) -> tuple[yaml.Node | None, Any]:
    """The tree, which knows the lines, and what it says."""
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise PolicyError([f"line {line}: not YAML: the character {error.character!r} is not allowed"]) from error
    try:
        tree = loader.get_single_node()
        return tree, None if tree is None else loader.construct_document(tree)
    except RecursionError as error:
        raise PolicyError(["line 1: not a policy: lists in lists without end"]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or loader.get_mark()
        raise PolicyError([f"line {mark.line + 1}: {_why(error)}"]) from error
    except _UNREADABLE as error:  # of the scanner's own: an escape or a directive with a number that is none
        mark = loader.get_mark()
        raise PolicyError([f"line {mark.line + 1}: not YAML: {error}"]) from error
    finally:
        loader.dispose()


def _why(error: yaml.YAMLError) -> str:
    ours = type(error) is yaml.MarkedYAMLError
    return f"{'' if ours else 'not YAML: '}{getattr(error, 'problem', error)}"
