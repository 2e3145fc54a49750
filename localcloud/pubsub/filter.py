"""Subscription filters: what of a topic's messages a subscription gets, by their attributes.

Source: Google's "Filter messages from a subscription" page. NOT (or `-`) binds tighter than AND and OR, which cannot be
mixed without parentheses; a message that does not match is never delivered and never counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Attributes = Mapping[str, str]
Predicate = Callable[[Attributes], bool]

MOST = 256  # bytes
_TOKEN = re.compile(r'\s*(?:("(?:[^"\\]|\\.)*")|(!=|[()=:,.]|-)|([A-Za-z_][\w-]*)|(\S))')


class FilterError(ValueError):
    """A filter that Pub/Sub would refuse."""


def compile(text: str) -> Predicate:  # noqa: A001 - as in re
    """What tells whether a message's attributes match. Raises FilterError."""
    if len(text.encode()) > MOST:
        raise FilterError(f"a filter is no longer than {MOST} bytes")
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self.tokens = [match[1] or match[2] or match[3] or match[4] for match in _TOKEN.finditer(text)]
        self.at = 0

    def parse(self) -> Predicate:
        found = self._any()
        if self.at < len(self.tokens):
            raise FilterError(f"nothing can follow at {self._here()}")
        return found

    def _here(self) -> str:
        return repr(self.tokens[self.at]) if self.at < len(self.tokens) else "its end"

    def _take(self, *words: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] in words:
            self.at += 1
            return True
        return False

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise FilterError(f"{word!r} is missing at {self._here()}")

    def _any(self) -> Predicate:
        terms = [self._term()]
        joint = next((word for word in ("AND", "OR") if self._take(word)), "")
        while joint:
            terms.append(self._term())
            if self._take("OR" if joint == "AND" else "AND"):
                raise FilterError("AND and OR must be told apart by parentheses")
            if not self._take(joint):
                break
        return _joined(all if joint == "AND" else any, terms)

    def _term(self) -> Predicate:
        if self._take("NOT", "-"):
            inner = self._term()
            return lambda attributes: not inner(attributes)
        if self._take("("):
            inner = self._any()
            self._need(")")
            return inner
        if self._take("hasPrefix"):
            return self._prefix()
        self._need("attributes")
        if self._take(":"):
            key = self._word()
            return lambda attributes: key in attributes
        self._need(".")
        return self._comparison(self._word())

    def _comparison(self, key: str) -> Predicate:
        unequal = self._take("!=")
        if not unequal:
            self._need("=")
        value = self._word()
        if unequal:
            return lambda attributes: key in attributes and attributes[key] != value
        return lambda attributes: attributes.get(key) == value

    def _prefix(self) -> Predicate:
        self._need("(")
        self._need("attributes")
        self._need(".")
        key = self._word()
        self._need(",")
        start = self._word()
        self._need(")")
        return lambda attributes: attributes.get(key, "").startswith(start) and key in attributes

    def _word(self) -> str:
        if self.at == len(self.tokens) or not re.match(r'["A-Za-z_]', self.tokens[self.at]):
            raise FilterError(f"a name or a quoted value is missing at {self._here()}")
        found = self.tokens[self.at]
        self.at += 1
        return re.sub(r"\\(.)", r"\1", found[1:-1]) if found.startswith('"') else found


def _joined(judge: Callable[[list[bool]], bool], terms: list[Predicate]) -> Predicate:
    return terms[0] if len(terms) == 1 else lambda attributes: judge([term(attributes) for term in terms])
