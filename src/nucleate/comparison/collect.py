"""The record of a cross benchmark from its folder: means over seeds, the best sampler of each model and its default.

Standard errors are over seeds; where there is one seed the 95 % interval of the crystals stands for it. The best
sampler is that with the least cRMSE (arXiv 2509.12178: a structure that is missed counts as the matcher's tolerance,
0.5) not the one with the highest match rate: the matcher is lenient, so structures that are still half noise match more
often, but badly.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from nucleate.comparison.plan import Plan
from nucleate.comparison.units import measurements
from nucleate.training.log import read_metrics

WITHIN = 0.01
TOLERANCE = 0.5


def collect(plan: Plan, root: Path) -> dict[str, Any]:
    """For each data set and model: training, the curve of every sampler, the best and the cheapest setting."""
    found: dict[str, dict[str, Any]] = {}
    for data in plan.data:
        entries = {entry.name: _entry(plan, root, data, entry.name) for entry in plan.entries}
        found[data.name] = {name: entry for name, entry in entries.items() if entry["seeds"]}
    return found


def _entry(plan: Plan, root: Path, data: Path, name: str) -> dict[str, Any]:
    units = [unit for unit in plan.units() if unit.data == data and unit.entry.name == name]
    curves: dict[tuple[str, int, int], list[dict[str, Any]]] = defaultdict(list)
    training, seeds = [], []
    for unit in units:
        folder = unit.folder(root)
        here = [(point, point.found(folder)) for point in measurements(plan, unit)]
        read = [(point, values) for point, values in here if values is not None]
        if not read:
            continue
        seeds.append(unit.seed)
        training.append(_training(folder / "run"))
        for point, values in read:
            curves[(point.sampler, values["nfe"], point.samples)].append(values)
    rows = [_row(key, values) for key, values in curves.items()]
    singles = [row for row in rows if row["samples"] == 1]
    return {"seeds": seeds, "training": training, "points": rows, **_choice(singles)}


def _training(run: Path) -> dict[str, Any]:
    rows = read_metrics(run / "metrics.jsonl")
    last = {key: value for row in rows for key, value in row.items()}
    kept = ("step", "seconds", "crystals_per_second")
    return {key: round(last[key], 4) for key in (*kept, *(k for k in last if k.startswith("val/")))}


def _row(key: tuple[str, int, int], values: list[dict[str, Any]]) -> dict[str, Any]:
    sampler, nfe, samples = key
    row: dict[str, Any] = {
        "sampler": sampler, "nfe": nfe, "samples": samples, "seeds": len(values), "crystals": values[0]["crystals"],
        "settings": values[0]["settings"],
    }  # fmt: skip
    for name in (key for key in values[0] if key.startswith(("match_rate@", "rmse@"))):
        numbers = [value[name]["value"] for value in values if value[name]["value"] is not None]
        row[name] = round(statistics.fmean(numbers), 5) if numbers else None
        if len(numbers) > 1:
            row[f"{name} error"] = round(statistics.stdev(numbers) / len(numbers) ** 0.5, 5)
        elif numbers:
            row[f"{name} interval"] = [round(values[0][name][end], 5) for end in ("low", "high")]
    return row


def crmse(row: dict[str, Any]) -> float:
    """RMSE of one sample with misses at the matcher's tolerance."""
    rate, rmse = row["match_rate@1"], row["rmse@1"]
    return TOLERANCE if not rate else rate * rmse + (1 - rate) * TOLERANCE


def _choice(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The setting with the least cRMSE, and the cheapest within WITHIN of its match rate and of its cRMSE."""
    if not rows:
        return {}
    best = min(rows, key=crmse)
    near = [
        row
        for row in rows
        if row["match_rate@1"] >= best["match_rate@1"] - WITHIN and crmse(row) <= crmse(best) + WITHIN
    ]
    cheapest = min(near, key=lambda row: (row["nfe"], crmse(row)))
    return {
        key: {name: row[name] for name in ("sampler", "nfe", "match_rate@1", "rmse@1")}
        | {"crmse": round(crmse(row), 5)}
        for key, row in (("best", best), ("cheapest", cheapest))
    }
