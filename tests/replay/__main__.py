"""`python -m tests.replay PATH...`: hold the local Google Cloud against recordings.

PATH is a file or folder of recordings, in either of the two forms that tests/replay/recordings.py tells of. Prints a
score for each and every difference. Exit codes: 0 nothing differs but what is allowed, 1 something does.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from tests.replay.allowed import Allowance
from tests.replay.player import Score, play
from tests.replay.recordings import read


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.replay", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a recording, or a folder of them")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    given = parser.parse_args(argv)
    try:
        scores = [play(recording) for path in given.paths for recording in read(path)]
    except (OSError, ValueError, TypeError) as problem:
        parser.error(str(problem))
    if given.json:
        sys.stdout.write(json.dumps([_document(score) for score in scores], indent=1) + "\n")
    else:
        _tell(scores)
    return 0 if all(score.whole for score in scores) else 1


def _document(score: Score) -> dict[str, Any]:
    return {
        "recording": score.recording,
        "exchanges": {"matched": score.matched, "total": score.exchanges, "notServed": score.unserved},
        "fields": {"matched": score.fields.matched, "total": score.fields.total},
        "differences": [{"where": where, "what": str(one)} for where, one in score.found],
        "allowed": [{"what": str(one), "reason": line.reason} for line, one in score.allowed],
    }


def _tell(scores: list[Score]) -> None:
    sys.stdout.write(f"{'recording':32}{'exchanges':>12}{'fields':>14}  not served\n")
    for score in scores:
        fields, exchanges = f"{score.fields.matched}/{score.fields.total}", f"{score.matched}/{score.exchanges}"
        unserved = ", ".join(f"{name} {count}" for name, count in score.unserved.items())
        sys.stdout.write(f"{score.recording:32}{exchanges:>12}{fields:>14}  {unserved}\n")
    for score in scores:
        for where, one in score.found:
            sys.stdout.write(f"{score.recording}: {where}: {one}\n")
    used: dict[Allowance, int] = {}
    for score in scores:
        for line, _ in score.allowed:
            used[line] = used.get(line, 0) + 1
    for line, count in used.items():
        sys.stdout.write(f"allowed {count}x: {line.recording} {line.kind} {line.path}: {line.reason}\n")


if __name__ == "__main__":
    sys.exit(main())
