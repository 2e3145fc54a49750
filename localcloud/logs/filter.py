"""The Logging query language: what sinks, gcloud and clients filter log entries with.

Source: Google's "Logging query language" page. NOT binds tighter than OR, OR tighter than AND, and terms that stand
side by side are joined with AND. Strings are compared without regard to case, except by regular expressions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from localcloud.calls import Document
from localcloud.logs.fields import FieldError, Path, comparison, resolve, strings

Predicate = Callable[[Document], bool]

MAX_LENGTH = 20_000
MAX_DEPTH = 60

_BLANK = re.compile(r"(?:\s+|--[^\n]*)*")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'', re.DOTALL)
_FIELD = re.compile(r'[A-Za-z_][\w-]*(?:\.(?:[\w@/-]+|"(?:[^"\\]|\\.)*"))*')
_OPERATOR = re.compile(r"<=|>=|!=|=~|!~|=|<|>|:")
_TEXT = re.compile(r"""[^\s()"'=<>:!~,]+""")
_WORD = re.compile(r"(AND|OR|NOT)\b")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


class FilterError(ValueError):
    """A filter that does not parse. `position` counts characters from 0."""

    def __init__(self, text: str, position: int, problem: str) -> None:
        line = text.count("\n", 0, position) + 1
        column = position - (text.rfind("\n", 0, position) + 1) + 1
        token = text[position : position + 20].split("\n")[0]
        near = f", token '{token}'" if token else ", at its end"
        super().__init__(f"Unparseable filter: {problem} at line {line}, column {column}{near}")
        self.position = position


def compile(text: str) -> Predicate:  # noqa: A001 - as in re
    """What tells whether an entry matches. An empty filter matches everything. Raises FilterError."""
    if len(text) > MAX_LENGTH:
        raise FilterError(text, MAX_LENGTH, f"a filter longer than {MAX_LENGTH} characters")
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def parse(self) -> Predicate:
        self._blank()
        if self.at == len(self.text):
            return lambda _: True
        found = self._all()
        if self.at < len(self.text):
            raise self._error("syntax error")
        return found

    # the three levels of binding

    def _all(self) -> Predicate:
        terms = [self._any()]
        while self.at < len(self.text) and self.text[self.at] != ")":
            self._word("AND")
            terms.append(self._any())
        return terms[0] if len(terms) == 1 else lambda entry: all(term(entry) for term in terms)

    def _any(self) -> Predicate:
        terms = [self._not()]
        while self._word("OR"):
            terms.append(self._not())
        return terms[0] if len(terms) == 1 else lambda entry: any(term(entry) for term in terms)

    def _not(self) -> Predicate:
        if self._word("NOT") or self._take("-"):
            return self._deeper(lambda: _negated(self._not()))
        return self._term()

    def _deeper(self, parse: Callable[[], Predicate]) -> Predicate:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._error(f"nested deeper than {MAX_DEPTH}")
        found = parse()
        self.depth -= 1
        return found

    # terms

    def _term(self) -> Predicate:
        if self._take("("):
            return self._deeper(self._in_parentheses)
        quoted = self._quoted()
        if quoted is not None:
            return _anywhere(quoted)
        start = self.at
        match = None if self._keyword() else _FIELD.match(self.text, self.at)
        if match:
            self.at = match.end()
            if self.text.startswith("(", self.at):
                return self._function(match[0], start)
            self._blank()
            operator = self._operator()
            if operator:
                return self._comparison(Path.parse(match[0]), operator, start)
            self.at = start
        return _anywhere(self._plain())

    def _in_parentheses(self) -> Predicate:
        found = self._all()
        if not self._take(")"):
            raise self._error("missing ')'")
        return found

    def _function(self, name: str, start: int) -> Predicate:
        self._take("(")
        argument = self._quoted()
        if argument is None or not self._take(")"):
            raise self._error(f"{name}() takes one quoted string")
        if name.lower() == "log_id":
            return lambda entry: _log_id(entry).lower() == argument.lower()
        if name.lower() == "source":
            return lambda entry: str(entry.get("logName", "")).lower().startswith(f"{argument.lower()}/")
        if name.upper() == "SEARCH":
            return _anywhere(argument)
        self.at = start
        raise self._error(f"unknown function {name}")

    def _comparison(self, path: Path, operator: str, start: int) -> Predicate:
        try:
            resolve(path)
        except FieldError as error:
            self.at = start
            raise self._error(str(error)) from None
        if self._take("("):
            return self._deeper(lambda: self._values(path, operator))
        return self._value(path, operator)

    def _values(self, path: Path, operator: str) -> Predicate:
        """`field=("a" OR "b")`: the comparison with each of them, joined as they are."""
        terms = [[self._one_of(path, operator)]]
        while not self._take(")"):
            if self._word("OR"):
                terms[-1].append(self._one_of(path, operator))
                continue
            self._word("AND")
            terms.append([self._one_of(path, operator)])
        return lambda entry: all(any(term(entry) for term in group) for group in terms)

    def _one_of(self, path: Path, operator: str) -> Predicate:
        if self._word("NOT") or self._take("-"):
            return _negated(self._value(path, operator))
        return self._value(path, operator)

    def _value(self, path: Path, operator: str) -> Predicate:
        start = self.at
        quoted = self._quoted()
        value = self._plain() if quoted is None else quoted
        try:
            return comparison(path, operator, value, quoted=quoted is not None)
        except FieldError as error:
            self.at = start
            raise self._error(str(error)) from None

    # characters

    def _blank(self) -> None:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _take(self, character: str) -> bool:
        if not self.text.startswith(character, self.at):
            return False
        self.at += len(character)
        self._blank()
        return True

    def _keyword(self) -> bool:
        return _WORD.match(self.text, self.at) is not None

    def _word(self, word: str) -> bool:
        match = _WORD.match(self.text, self.at)
        return match is not None and match[1] == word and self._take(word)

    def _operator(self) -> str:
        match = _OPERATOR.match(self.text, self.at)
        if match:
            self._take(match[0])
        return match[0] if match else ""

    def _quoted(self) -> str | None:
        match = _STRING.match(self.text, self.at)
        if match is None:
            if self.text[self.at : self.at + 1] in ('"', "'"):
                raise self._error("a string that does not end")
            return None
        self.at = match.end()
        self._blank()
        return _unescaped(match[1] if match[1] is not None else match[2])

    def _plain(self) -> str:
        match = None if self._keyword() else _TEXT.match(self.text, self.at)
        if match is None:
            raise self._error("syntax error")
        self.at = match.end()
        self._blank()
        return match[0]

    def _error(self, problem: str) -> FilterError:
        return FilterError(self.text, self.at, problem)


def _negated(term: Predicate) -> Predicate:
    return lambda entry: not term(entry)


def _anywhere(text: str) -> Predicate:
    wanted = text.lower()
    return lambda entry: any(wanted in found.lower() for found in strings(entry))


def _log_id(entry: Document) -> str:
    return unquote(str(entry.get("logName", "")).rpartition("/logs/")[2])


def _unescaped(text: str) -> str:
    r"""A backslash before anything else than a letter of control stays for the regular expression: `\.` is `\.`."""
    return re.sub(r"\\(.)", lambda found: _unescape(found[1]), text, flags=re.DOTALL)


def _unescape(character: str) -> str:
    if character in "\"'\\":
        return character
    return _ESCAPES.get(character, f"\\{character}")


__all__ = ["FilterError", "Predicate", "compile"]
