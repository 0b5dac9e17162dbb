"""Match rate and cRMSE against NFE from the records of `nucleate benchmark cross`.

python benchmarks/cross_figure.py    # draws docs/images/cross-NAME.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from cross_section import IMAGES, RESULTS, crmse


def draw(found: dict[str, Any], path: Path) -> None:
    """Match rate (above) and cRMSE (below) against NFE, a column for each model whose samplers were compared."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    (entries,) = found["results"].values()
    swept = {
        name: [row for row in entry["points"] if row["samples"] == 1]
        for name, entry in entries.items()
        if len({row["nfe"] + row["nfe"] % 2 for row in entry["points"] if row["samples"] == 1}) > 1
    }
    if not swept:
        return
    figure, axes = plt.subplots(
        2, len(swept), figsize=(3.4 * len(swept), 6.6), sharey="row", squeeze=False, layout="constrained"
    )
    names = list(dict.fromkeys(row["sampler"] for rows in swept.values() for row in rows))
    colours = {name: plt.get_cmap("tab20")(i) for i, name in enumerate(names)}
    costs = sorted({row["nfe"] + row["nfe"] % 2 for rows in swept.values() for row in rows})
    for (name, rows), column in zip(swept.items(), axes.T, strict=True):
        for sampler in dict.fromkeys(row["sampler"] for row in rows):
            mine = sorted((row for row in rows if row["sampler"] == sampler), key=lambda row: row["nfe"])
            values = ([100 * row["match_rate@1"] for row in mine], [crmse(row) for row in mine])
            for axis, heights in zip(column, values, strict=True):
                axis.plot(
                    [row["nfe"] for row in mine],
                    heights,
                    "o-",
                    ms=4,
                    lw=1.3,
                    color=colours[sampler],
                    label=sampler,
                )
        column[0].set_title(name.replace("/", ", "))
        column[1].set_xlabel("NFE")
        for axis in column:
            axis.set_xscale("log")
            axis.set_xticks(costs, map(str, costs))
            axis.minorticks_off()
            axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("match rate, one sample, %")
    axes[1, 0].set_ylabel("cRMSE")
    handles = {h.get_label(): h for axis in axes[0] for h in axis.get_lines()}
    figure.legend(handles=list(handles.values()), loc="outside lower center", ncols=7, fontsize=8)
    figure.savefig(path, dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    for record in sorted((RESULTS / "cross").glob("*.json")):
        draw(json.loads(record.read_text()), IMAGES / f"cross-{record.stem}.png")
