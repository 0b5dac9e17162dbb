"""The figure of rounds of a funnel, from its record.

    python benchmarks/rounds_figure.py

Reads benchmarks/results/rounds.json, writes docs/images/rounds.png.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RECORD, IMAGE = ROOT / "benchmarks" / "results" / "rounds.json", ROOT / "docs" / "images" / "rounds.png"
LINES = {
    "random": ("random", "#999999", "-"),
    "improvement": ("expected improvement", "#3182bd", "-"),
    "bound": ("upper bound", "#d95f02", "--"),
    "greedy": ("delta model's mean", "#1b9e77", ":"),
    "random, tuned": ("random, tuned", "#999999", "--"),
    "improvement, tuned": ("expected improvement, tuned", "#3182bd", "--"),
}
"""What each is called, its colour and line."""


def plot(record: dict[str, Any]) -> None:
    """Finds against calls of the oracle: rules among the same candidates, and with tuning."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
    for axis, part, name in zip(axes, ("rules", "ways"), ("rule", "way"), strict=True):
        for row in record[part]["summary"]:
            label, colour, line = LINES[row[name]]
            label += f" ({row['runs']} runs)" if row["runs"] > 1 else ""
            axis.errorbar(
                row["calls"], row["found"], row["standard_error"], color=colour, ls=line, marker="o", ms=4, label=label
            )  # fmt: skip
        axis.set_xlabel("calls of SevenNet")
        axis.set_xticks(row["calls"])
        axis.set_title("same candidates" if part == "rules" else "with and without tuning", fontsize=10)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    axes[0].set_ylabel("on or below the hull")
    figure.savefig(IMAGE, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    plot(json.loads(RECORD.read_text()))
