"""How long the doors take to import beside an empty functions-framework function, and how much the packages weigh.

Every import is in a fresh process; the figures are medians of processor time, and the two alternate, so that a machine
that slows down slows down both. Run with: make bench
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

RUNS = 21
EMPTY = """
import functions_framework

@functions_framework.cloud_event
def on_audit_log(event):
    pass
"""
TIMED = """
import time
began = time.process_time()
import {module}
print(time.process_time() - began)
"""
RELEVANT = """
import time
began = time.process_time()
import functions.main
from wayout import wiring
from google.cloud import compute_v1, run_v2, vpcaccess_v1
print(time.process_time() - began)
"""


def seconds(script: str, folder: str) -> float:
    """What one fresh process says that its import took."""
    run = subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True)
    return float(run.stdout)


def weight() -> int:
    """Bytes of the installed files of what the functions need: the packages of requirements/runtime.txt."""
    locked = Path(__file__).parent.parent / "requirements" / "runtime.txt"
    names = [line.split("==")[0] for line in locked.read_text(encoding="utf-8").splitlines() if line[:1].isalpha()]
    total = 0
    for name in names:
        try:
            files = metadata.files(name) or []
        except metadata.PackageNotFoundError:
            continue  # a package for another platform or version of Python
        total += sum(path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file())
    return total


def main() -> None:
    """Print one line a figure."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "empty_function.py").write_text(EMPTY, encoding="utf-8")
        scripts = {
            "empty function": TIMED.format(module="empty_function"),
            "functions.main": TIMED.format(module="functions.main"),
            "functions.main and the clients of a relevant event": RELEVANT,
        }
        times: dict[str, list[float]] = {name: [] for name in scripts}
        for _ in range(RUNS):
            for name, script in scripts.items():
                times[name].append(seconds(script, folder))
    base = statistics.median(times["empty function"])
    for name, found in times.items():
        middle = statistics.median(found)
        print(f"{name:<52} {middle * 1000:7.0f} ms   {middle / base:5.2f}x the empty function")
    print(f"{'installed packages of requirements/runtime.txt':<52} {weight() / 1e6:7.0f} MB")


if __name__ == "__main__":
    main()
