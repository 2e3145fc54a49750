"""The policy, read from its file; a mounted secret changes under a running function, and is read anew when it does."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path

from wayout.cloud import log
from wayout.egress import policy
from wayout.egress.policy import Policy, PolicyError


@dataclass(frozen=True, slots=True)
class Version:
    """The version of a policy that its file holds. `digest` is the SHA-256 of the file, in hex."""

    digest: str
    policy: Policy | None
    problems: tuple[str, ...] = ()


def on_disk(path: Path) -> Version:
    """What the file holds now, whatever version is in force."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return Version("", None, (f"{path}: {error.strerror or error}",))
    digest = hashlib.sha256(raw).hexdigest()
    try:
        return Version(digest, policy.parse(raw.decode()))
    except (PolicyError, UnicodeDecodeError) as error:
        problems = error.problems if isinstance(error, PolicyError) else [str(error)]
        return Version(digest, None, tuple(problems))


class PolicyFile:
    """The policy that is in force. A version that does not load is reported, and leaves the last good one in force."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._text: str | None = None
        self._good: Policy | None = None

    def policy(self) -> Policy:
        """Raises PolicyError if no version has ever loaded; the problem names the file."""
        with self._lock:
            text = self._read()
            if text is not None and text != self._text:
                self._text = text
                self._load(text)
            if self._good is None:
                raise PolicyError([f"{self._path}: no version of the policy has loaded"])
            return self._good

    def _read(self) -> str | None:
        try:
            return self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            if self._good is None:
                raise PolicyError([f"{self._path}: {error}"]) from error
            log.error("policy file cannot be read; the last good version stays in force", problem=str(error))
            return None

    def _load(self, text: str) -> None:
        try:
            self._good = policy.parse(text)
        except PolicyError as error:
            if self._good is None:
                raise PolicyError([f"{self._path}: {problem}" for problem in error.problems]) from error
            log.error("policy does not load; the last good version stays in force", problems=error.problems)
