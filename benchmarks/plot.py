"""Draw what benchmarks/soak.py wrote with --json: memory, latency and the oldest message over the soak, as a PNG.

    python benchmarks/plot.py FILE PNG

Needs matplotlib, which is not among the locked packages, and is not run in CI: install it somewhere else.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

INK, SOFT = "#1f2933", "#9aa5b1"
COLOURS = ("#0b6e99", "#d9822b", "#5c940d", "#a61e4d", "#6741d9", "#495057", "#087f5b", "#e03131")


def drawn(found: dict[str, Any], to: Path) -> None:
    from matplotlib import pyplot as plt

    settings = found["settings"]
    figure, (memory, latency, oldest) = plt.subplots(3, 1, figsize=(10, 10), sharex=True, layout="constrained")
    acted = sum(found["actions"].values())
    figure.suptitle(
        f"Soak: {settings['minutes']:g} minutes, {acted} actions, {found['messages']} messages,"
        f" {settings['instances']} instances, seed {settings['seed']}",
        color=INK,
    )
    minutes = [at / 60 for at in found["at"]]
    sizes = {name: sizes for name, sizes in found["memory"].items() if name != "cloud"}
    for (name, values), colour in zip(sizes.items(), COLOURS, strict=False):
        grown = found["rise"][name]
        memory.plot(minutes, values, color=colour, label=f"{name}  ({grown:+.1f} MB from the middle to the end)")
    memory.set_ylim(bottom=0)
    memory.set_ylabel("memory of an instance\nMB (PSS)")
    memory.legend(loc="lower right", frameon=False)

    waits = found["latency"]
    latency.scatter([at / 60 for at, _ in waits], [seconds for _, seconds in waits], s=12, color=COLOURS[0], alpha=0.7)
    latency.set_yscale("log")
    latency.set_ylabel("deploy to attached\nseconds of the cloud's clock")
    latency.annotate(
        "each point is a job; the first of a site waits for its connector",
        (0.99, 0.94),
        xycoords="axes fraction",
        ha="right",
        va="top",
        color=INK,
    )
    oldest.fill_between(minutes, found["oldest"], color=COLOURS[1], alpha=0.5, linewidth=0)
    oldest.plot(minutes, found["oldest"], color=COLOURS[1])
    oldest.set_ylim(bottom=0)
    oldest.set_ylabel("oldest message waiting\nseconds of the cloud's clock")
    oldest.set_xlabel(f"minutes of the cloud's clock ({settings['speed']:g} in one of ours)")
    for axes in (memory, latency, oldest):
        axes.grid(color=SOFT, alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(to, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="what soak.py --json wrote")
    parser.add_argument("png", type=Path, help="where to draw")
    given = parser.parse_args()
    drawn(json.loads(given.file.read_text(encoding="utf-8")), given.png)


if __name__ == "__main__":
    main()
