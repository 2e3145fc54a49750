"""Bytes that atheris makes up by coverage, from real entries and envelopes as corpus, for all that reads from outside.

    python -m tests.security.driven [-runs=N] [-max_total_time=SECONDS]    (`make fuzz`)

needs atheris, which is not among the locked packages.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

# Only our own code is to be covered: with Flask and all it needs, instrumenting alone takes minutes.
with atheris.instrument_imports(include=["wayout", "functions"]):
    import functions.main  # noqa: F401
    from tests.security import fuzzing
    from wayout import wiring  # noqa: F401
    from wayout.cloud import policyfile, slack  # noqa: F401
    from wayout.egress import messages, policy, report  # noqa: F401


def main() -> None:
    """Let atheris drive, until it is told to stop or something breaks."""
    with tempfile.TemporaryDirectory(prefix="wayout-corpus-") as folder:
        for number, raw in enumerate(fuzzing.corpus()):
            (Path(folder) / str(number)).write_bytes(raw)
        atheris.Setup([*sys.argv, folder], fuzzing.feed)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
