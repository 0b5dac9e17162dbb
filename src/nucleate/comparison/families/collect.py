"""The record of a comparison of families from its folder: means over seeds, with their standard errors."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from nucleate.comparison.families.plan import FamilyPlan, FamilyUnit
from nucleate.comparison.families.unit import ERROR, found, wanted


def collect_families(plan: FamilyPlan, root: Path) -> dict[str, Any]:
    """For each data set and family: how its models were trained, what they drew in their time, and the numbers."""
    return {
        data.name: {
            family.name: _row([unit for unit in plan.units() if (unit.data, unit.family) == (data, family)], plan, root)
            for family in plan.families
        }
        for data in plan.data
    }  # fmt: skip


def _row(units: list[FamilyUnit], plan: FamilyPlan, root: Path) -> dict[str, Any]:
    family = units[0].family
    row: dict[str, Any] = {"title": family.title, "kind": family.kind, "told": family.told}
    for model in family.models:
        for task in wanted(plan, model):
            read = {unit.seed: found(plan, unit.folder(root), task) for unit in units}
            here = {seed: values for seed, values in read.items() if values is not None}
            if here:
                row[task] = _task(here)
    errors = {unit.seed: _error(unit.folder(root) / ERROR) for unit in units}
    return {**row, "errors": {str(seed): text for seed, text in errors.items() if text}}


def _task(here: dict[int, dict[str, Any]]) -> dict[str, Any]:
    results = list(here.values())
    row: dict[str, Any] = {"seeds": list(here), "models": [one["model"] for one in results]}
    if "spent" in results[0]:
        row["spent"] = [one["spent"] for one in results]
        row["per_second"] = round(statistics.fmean(_speed(one["spent"]) for one in results), 4)
        row["answered"] = round(statistics.fmean(_answered(one["spent"]) for one in results), 4)
    names = dict.fromkeys(name for one in results for name in one["numbers"])
    row["numbers"] = {name: _mean([one["numbers"].get(name) for one in results]) for name in names}
    return row


def _speed(spent: dict[str, Any]) -> float:
    """Crystals in a second of the processor."""
    return spent["crystals"] / max(spent["seconds"], 1e-9)


def _answered(spent: dict[str, Any]) -> float:
    return spent["crystals"] / max(spent["crystals"] + spent["failures"], 1)


def _mean(estimates: list[dict[str, Any] | None]) -> dict[str, Any]:
    """Mean of a number; with several seeds its standard error, with one the 95 % interval of the crystals."""
    there = [one for one in estimates if one is not None and one["value"] is not None]
    if not there:
        return {"value": None}
    values = [one["value"] for one in there]
    mean = {
        "value": round(statistics.fmean(values), 5),
        "n": round(statistics.fmean(one["n"] for one in there)),
    }
    if len(values) > 1:
        return {**mean, "error": round(statistics.stdev(values) / len(values) ** 0.5, 5)}
    return {
        **mean,
        **{end: round(there[0][end], 5) for end in ("low", "high") if there[0].get(end) is not None},
    }


def _error(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").splitlines()[0]
    except (OSError, IndexError):
        return ""
