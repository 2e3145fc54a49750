"""Every difference from the recordings that we allow ourselves, each with its reason.

An allowance that nothing needs any more is an error: the list stays true.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.replay.compare import Difference


@dataclass(frozen=True)
class Allowance:
    """`recording` and `path` may hold `*`; `path` has `[]` for any index. `kind` is that of the difference."""

    recording: str
    path: str
    kind: str
    reason: str

    def covers(self, recording: str, difference: Difference) -> bool:
        path = difference.path.replace("[]", "()")
        return (
            difference.kind == self.kind
            and fnmatchcase(recording, self.recording)
            and fnmatchcase(path, self.path.replace("[]", "()"))
        )


ALLOWED: tuple[Allowance, ...] = ()


def allowance(recording: str, difference: Difference) -> Allowance | None:
    """The line that allows a difference, None if there is none."""
    return next((one for one in ALLOWED if one.covers(recording, difference)), None)
