"""Which resource waits for which, as `terraform graph` draws it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.infra.terraform import Terraform

Graph = Mapping[str, frozenset[str]]

_NODE = re.compile(r'^  "(?P<node>[^"]+)" \[label=', re.MULTILINE)
_EDGE = re.compile(r'^  "(?P<node>[^"]+)" -> "(?P<ground>[^"]+)";', re.MULTILINE)


def read(terraform: Terraform) -> Graph:
    """Each resource, and those that it names or depends on."""
    terraform.get()
    drawn = terraform.ok("graph")
    grounds: dict[str, set[str]] = {found["node"]: set() for found in _NODE.finditer(drawn)}
    for edge in _EDGE.finditer(drawn):
        grounds[edge["node"]].add(edge["ground"])
    return {node: frozenset(found) for node, found in grounds.items()}


def reached(graph: Graph, node: str) -> frozenset[str]:
    """Everything that has to be there before a resource, however far away."""
    found: set[str] = set()
    ahead = [node]
    while ahead:
        new = graph[ahead.pop()] - found
        found |= new
        ahead += new
    return frozenset(found)
