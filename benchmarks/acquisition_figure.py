"""The figure of acquisition against random, from its record.

    python benchmarks/acquisition_figure.py

Reads benchmarks/results/acquisition.json, writes docs/images/acquisition.png.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RECORD, IMAGE = (
    ROOT / "benchmarks" / "results" / "acquisition.json",
    ROOT / "docs" / "images" / "acquisition.png",
)
RULES = {
    "random": ("random", "#999999", "-"),
    "improvement": ("expected improvement", "#3182bd", "-"),
    "bound": ("upper bound", "#d95f02", "--"),
    "potential alone": ("CHGNet alone", "#1b9e77", ":"),
}
"""What each is called, its colour and line."""


def plot(record: dict[str, Any]) -> None:
    """What was found against calls of the oracle, with and without diversity."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
    for axis, pool in zip(axes, (1, 2), strict=True):
        for row in record["summary"]:
            if row["pool"] == pool and row["rule"] in RULES:
                label, colour, line = RULES[row["rule"]]
                found, width = ([100 * value for value in row[key]] for key in ("found", "half_width_95"))
                axis.errorbar(
                    record["asked"], found, width, color=colour, ls=line, marker="o", ms=4, label=label
                )
        axis.set_title("the best" if pool == 1 else "the most different of twice as many", fontsize=10)
        axis.set_xlabel("calls of SevenNet")
        axis.set_xticks(record["asked"])
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("% of the lowest tenth that was asked")
    axes[0].legend(fontsize=8)
    figure.savefig(IMAGE, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    plot(json.loads(RECORD.read_text()))
