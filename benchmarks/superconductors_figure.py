"""The figure of the study of superconductors, from its record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

IMAGE = Path(__file__).parents[1] / "docs" / "images" / "superconductors.png"


def plot(record: dict[str, Any]) -> None:
    """Shares above 5, 10 and 20 K for each way, what is left of them relaxed, and the extrapolation."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    ways = record["ways"]
    right = {
        "beyond": lambda axis: _beyond(axis, record["extrapolation"]["predicted"]),
        "relaxed": lambda axis: _relaxed(axis, {name: one["relaxed"] for name, one in found.items()}),
    }
    found = {name: one for name, one in ways.items() if "relaxed" in one}
    parts = [name for name, there in (("beyond", "extrapolation" in record), ("relaxed", found)) if there]
    grid = [["ways", name] for name in parts] or [["ways"]]
    size = (6.2 * len(grid[0]), max(5, 0.36 * len(ways)))
    figure, axes = plt.subplot_mosaic(grid, figsize=size, layout="constrained")
    _shares(axes["ways"], ways)
    for name in parts:
        right[name](axes[name])
    IMAGE.parent.mkdir(exist_ok=True)
    figure.savefig(IMAGE, dpi=130)
    plt.close(figure)


def _shares(axis: Any, ways: dict[str, Any]) -> None:
    names = list(ways)[::-1]
    for key, colour, shift in (
        ("above_5", "#9ecae1", 0.25),
        ("above_10", "#3182bd", 0),
        ("above_20", "#08306b", -0.25),
    ):
        found = [ways[name][key] for name in names]
        values = [100 * one["value"] for one in found]
        spans = [
            [value - 100 * one["low"] for value, one in zip(values, found, strict=True)],
            [100 * one["high"] - value for value, one in zip(values, found, strict=True)],
        ]
        places = [place + shift for place in range(len(names))]
        axis.barh(
            places, values, 0.25, xerr=spans, color=colour, label=f"> {key[6:]} K", error_kw={"lw": 0.7}
        )
    for key, colour, label in (
        ("unique_novel", "#d95f02", "new"),
        ("credible_10", "#1b9e77", "credible, > 10 K"),
    ):
        values = [100 * ways[name][key]["value"] for name in names]
        axis.plot(values, range(len(names)), "|", ms=14, mew=2, color=colour, label=label)
    axis.set_yticks(range(len(names)), names)
    axis.set_xlabel("% of all draws; Tc by the held-out predictor")
    axis.set_xlim(0, 100)
    axis.grid(axis="x", alpha=0.3)
    axis.legend(fontsize=8, ncols=5, columnspacing=1, loc="lower right", bbox_to_anchor=(1.02, 1))


def _beyond(axis: Any, rows: list[dict[str, Any]]) -> None:
    names = [f"{row['true'][0]} to {row['true'][1]}\n({row['crystals']})" for row in rows]
    axis.bar(
        names,
        [100 * row["inside"]["value"] for row in rows],
        0.4,
        color="#9ecae1",
        label="inside 90 % intervals, %",
    )
    axis.plot(
        names,
        [100 * row["noticed"]["value"] for row in rows],
        "o-",
        color="#3182bd",
        label="predicted ≥ 7 K, %",
    )
    axis.axhline(90, color="grey", lw=0.8, ls="--")
    axis.axvline(1.5, color="#d95f02", lw=1)
    axis.text(1.55, 97, "beyond the labels", color="#d95f02", fontsize=9)
    axis.set_xlabel("true Tc, K (crystals); fitted to labels below 10 K")
    axis.set_ylim(0, 102)
    other = axis.twinx()
    other.plot(names, [row["median"] for row in rows], "s--", color="#08306b", label="median prediction, K")
    other.set_ylim(0, 30)
    other.set_ylabel("K")
    lines = [*axis.get_legend_handles_labels()[0], *other.get_legend_handles_labels()[0]]
    axis.legend(lines, [line.get_label() for line in lines], fontsize=8, loc="center right")


def _relaxed(axis: Any, rows: dict[str, Any]) -> None:
    """Of the crystals of each way that were unique and novel and were relaxed."""
    names = list(rows)[::-1]
    kinds = (
        ("stable", "#c7e9c0", "at most 0.1 eV/atom above the hull"),
        ("sun", "#41ab5d", "and new"),
        ("credible_10", "#00441b", "and credible, > 10 K"),
    )
    for place, (key, colour, label) in enumerate(kinds):
        found = [rows[name][key] for name in names]
        values = [100 * one["value"] for one in found]
        spans = [
            [value - 100 * one["low"] for value, one in zip(values, found, strict=True)],
            [100 * one["high"] - value for value, one in zip(values, found, strict=True)],
        ]
        places = [row + 0.25 * (1 - place) for row in range(len(names))]
        axis.barh(places, values, 0.25, xerr=spans, color=colour, label=label, error_kw={"lw": 0.7})
    axis.set_yticks(range(len(names)), [name.replace(", predictor", ",\npredictor") for name in names])
    axis.set_xlabel("% of new draws, relaxed with CHGNet")
    axis.set_xlim(0, 100)
    axis.grid(axis="x", alpha=0.3)
    axis.legend(fontsize=8, ncols=3, columnspacing=1, loc="lower right", bbox_to_anchor=(1.02, 1))
