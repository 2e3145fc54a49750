"""The wire between a worker and the local Google Cloud, watched: each call has a name, the same in every run."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud.calls import Call, Document
from localcloud.core import METHODS, Cloud
from localcloud.errors import Dropped
from localcloud.slack import Slack

SLACK = "slack.chat.postMessage"
# What differs between two runs of the same story, or between two pages of the same answer.
_PASSING = {"requestId", "pageToken", "pageSize", "maxResults", "returnPartialSuccess", "validateOnly", "updateMask"}


@dataclass(frozen=True, order=True)
class Key:
    """One call of a story: what is asked, of what, and for which time. Not its number: calls go side by side."""

    method: str
    subject: str = ""
    occurrence: int = 1

    def __str__(self) -> str:
        again = f" #{self.occurrence}" if self.occurrence > 1 else ""
        return f"{self.method} {self.subject}{again}"

    @property
    def writes(self) -> bool:
        """Whether it changes a resource."""
        return self.method in METHODS and METHODS[self.method].audited is not None


Meet = Callable[[Key, Call | None, Callable[[], Any]], Any]


@dataclass
class Wire:
    """Hears every call of one principal. `meet` gets its key, what is asked (of Slack: nothing) and how to have it
    answered, and answers in its stead."""

    cloud: Cloud
    principal: str
    meet: Meet = lambda _, __, answer: answer()
    keys: list[Key] = field(default_factory=list)
    _seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        invoke, slack = self.cloud.invoke, self.cloud.part(Slack)
        post = slack.call

        def invoked(call: Call) -> Document:
            if call.caller.principal != self.principal:
                return invoke(call)
            key = self._key(call.method, _subject(self.cloud, call))
            found: Document = self.meet(key, call, lambda: invoke(call))
            return found

        def posted(method: str, authorization: str, given: Document) -> Any:
            try:
                return self.meet(self._key(f"slack.{method}", ""), None, lambda: post(method, authorization, given))
            except Dropped:
                return 503, {}, {}  # to a worker that hears no answer any more

        vars(self.cloud)["invoke"] = invoked
        vars(slack)["call"] = posted

    def forget(self) -> None:
        """Count from one again."""
        with self._lock:
            self.keys.clear()
            self._seen.clear()

    def _key(self, method: str, subject: str) -> Key:
        with self._lock:
            self._seen[method, subject] += 1
            key = Key(method, subject, self._seen[method, subject])
            self.keys.append(key)
            return key


def _subject(cloud: Cloud, call: Call) -> str:
    name = call.params.get("operation") or call.params.get("name", "")
    if ".operations." in call.method.lower() or "Operations." in call.method:
        running = cloud.operations.get(name.rsplit("/", 1)[-1])
        return _operation(running.body) if running else ""
    said = [str(value) for key, value in sorted(call.params.items()) if key not in _PASSING and "ilter" not in key]
    said += [str(call.body[key]).rsplit("/", 1)[-1] for key in ("name",) if call.body.get(key)]
    return " ".join(dict.fromkeys(said))


def _operation(body: Document) -> str:
    """What an operation is about: its own name is another one in every run."""
    said: Any = body.get("metadata") or body
    about = str(said.get("targetLink") or said.get("target") or said.get("name") or "").rsplit("/", 1)[-1]
    kind = str(said.get("operationType") or said.get("method") or said.get("@type") or "").rsplit(".", 1)[-1]
    return f"{kind} {about}"
