"""How much memory processes take, as Linux tells it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def size(pid: int) -> float:
    """The proportional set size of a process with its children, in MB."""
    return sum(map(_pss, _family(pid))) / 1024


def _family(pid: int) -> list[int]:
    """A process and its children, as far as they still run."""
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return [pid, *(one for child in children for one in _family(int(child)))]
    return []


def _pss(pid: int) -> int:
    """The proportional set size of a process, in kB; 0 if it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
