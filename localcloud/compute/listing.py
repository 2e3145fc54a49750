"""Lists: in pages, filtered, by scope; an empty list has no `items`."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from typing import Any

from localcloud import lag
from localcloud.calls import Call, Document
from localcloud.compute.common import Kind, invalid, link
from localcloud.core import Cloud

TERM = re.compile(r"\(?\s*([A-Za-z][\w.]*)\s*(!=|=|:|\beq\b|\bne\b)\s*(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s()]+)\s*\)?")


def listed(cloud: Cloud, call: Call, kind: Kind, documents: Iterable[tuple[str, Document]] | None = None) -> Document:
    """The answer of `list` for what lies in the call's scope."""
    scope = kind.scope(cloud, call)
    if documents is None:
        table = lag.seen(cloud, kind.table)
        documents = ((name, one) for name, one in table.items() if name.startswith(f"{scope}/{kind.plural}/"))
    return envelope(call, f"compute#{kind.word}List", f"{scope}/{kind.plural}", documents)


def envelope(call: Call, kind: str, id_: str, documents: Iterable[tuple[str, Document]]) -> Document:
    """One page of a list, in its envelope."""
    items, token = page(call, documents)
    found: Document = {"kind": kind, "id": id_, "selfLink": link(id_)}
    if items:
        found["items"] = [one for _, one in items]
    return found | ({"nextPageToken": token} if token else {})


def aggregated(
    cloud: Cloud, call: Call, kind: Kind, documents: Iterable[tuple[str, Document]] | None = None
) -> Document:
    """The answer of `aggregatedList`: by region; scopes that hold nothing are left out, as recorded for routers."""
    project = cloud.project_id(call.params["project"])
    if documents is None:
        table = lag.seen(cloud, kind.table)
        documents = ((name, one) for name, one in table.items() if name.startswith(f"projects/{project}/"))
    items, token = page(call, documents)
    scopes: dict[str, Document] = {}
    for name, one in items:
        parts = name.split("/")
        scope = "global" if parts[2] == "global" else f"regions/{parts[3]}"
        scopes.setdefault(scope, {kind.plural: []})[kind.plural].append(one)
    id_ = f"projects/{project}/aggregated/{kind.plural}"
    found: Document = {"kind": f"compute#{kind.word}AggregatedList", "id": id_, "selfLink": link(id_), "items": scopes}
    return found | ({"nextPageToken": token} if token else {})


def page(call: Call, documents: Iterable[tuple[str, Document]]) -> tuple[list[tuple[str, Document]], str]:
    """The documents of this page by name, and the token of the next one."""
    after = _token(call.params.get("pageToken", ""))
    most = _size(call.params.get("maxResults", "500"))
    wanted = _filter(call.params.get("filter", ""))
    rest = [(name, one) for name, one in sorted(documents) if name > after and all(term(one) for term in wanted)]
    chosen = rest[:most]
    more = len(rest) > len(chosen) and bool(chosen)
    return chosen, base64.urlsafe_b64encode(chosen[-1][0].encode()).decode() if more else ""


def _size(text: str) -> int:
    if not text.isdigit() or int(text) > 500:
        raise invalid("maxResults", text, "Acceptable values are 0 to 500, inclusive")
    return int(text) or 500


def _token(text: str) -> str:
    try:
        return base64.urlsafe_b64decode(text.encode()).decode()
    except (binascii.Error, ValueError):
        raise invalid("pageToken", text, "The token is not valid.") from None


class _Term:
    """One comparison. `eq` and `ne` match a regular expression against the whole field; `=` and `!=` the text."""

    def __init__(self, field: str, operator: str, value: str) -> None:
        self.path = field.split(".")
        self.operator = operator
        self.value = value

    def __call__(self, document: Document) -> bool:
        found: Any = document
        for part in self.path:
            found = found.get(part) if isinstance(found, dict) else None
        text = str(found).lower() if isinstance(found, bool) else "" if found is None else str(found)
        if self.operator in ("eq", "ne"):
            return bool(re.fullmatch(self.value, text)) == (self.operator == "eq")
        if self.operator == ":":
            return (found is not None) if self.value == "*" else self.value in text
        return (text == self.value) == (self.operator == "=")


def _filter(text: str) -> list[_Term]:
    """`a = "b" AND c eq d`, with or without brackets around each part: what clients and gcloud send."""
    if not text.strip():
        return []
    terms = []
    for part in re.split(r"\s+AND\s+|(?<=\))\s*(?=\()", text.strip()):
        match = TERM.fullmatch(part.strip())
        if match is None:
            raise invalid("filter", text, "Invalid list filter expression.")
        quoted = match[3][0] in "\"'"
        value = match[3][1:-1].replace('\\"', '"') if quoted else match[3]
        terms.append(_Term(match[1], match[2], value))
    return terms
