"""What the spread between two potentials says of their errors: MP-20 validation crystals against their labels.

    python benchmarks/consensus.py --data data/mp_20 --count 400 --cache FOLDER --out benchmarks/results/consensus.json

Single points of the crystals as the database has them, one thread of a CPU. Formation energies: corrected energies less
energies of the elements, fitted to each potential on the training split. The hull is that of the training split, so
that no crystal finds itself. Both potentials were fitted to MPtrj, which holds these crystals: their
errors here are those of crystals that they know, and smaller than those of new ones.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.energies.element_energies import fit_elements
from nucleate.energies.hull_sources import dft_hull
from nucleate.energies.placing import above_hull
from nucleate.energies.potentials import potential_named
from nucleate.energies.references import FORMATION_COLUMN, HULL_COLUMN, ReferenceStructures
from nucleate.energies.single_points import single_points
from nucleate.files import write_whole
from nucleate.metrics.intervals import wilson
from nucleate.properties.chemistry import kind_of
from nucleate.properties.conformal import ByKind
from nucleate.properties.scores import spearman
from nucleate.work import Work
from turns import hardware

SEED = 14
CONFIDENCE = 0.9
LIMITS = (0.0, 0.025, 0.05)
"""eV/atom above the hull."""
POTENTIALS = ("chgnet", "sevennet")
PER_ELEMENT = 12
"""Structures of the training split for each element, that its energy is fitted to."""


def chosen(dataset: Dataset, count: int) -> list[tuple[str, Cell, float, float]]:
    """Validation crystals with both labels, drawn at random: id, crystal, formation energy, energy above hull."""
    table = dataset.split("val")
    labels = table.numbers([FORMATION_COLUMN, HULL_COLUMN])
    rows = np.flatnonzero(np.isfinite(labels).all(1))
    drawn = np.random.default_rng(SEED).permutation(rows)[:count].tolist()
    return [(table.ids[row], table.cell(row), *map(float, labels[row])) for row in drawn]


def judged(name: str, dataset: Dataset, cells: list[Cell], cache: Path) -> dict[str, Any]:
    """Formation energies and distances of one potential, eV/atom, and how its energies of the elements were fitted."""
    potential, work = potential_named(name), Work(cache=cache / f"{name}.sqlite")
    phases = ReferenceStructures.of(dataset, ["train"])
    fitted = fit_elements(phases, potential, PER_ELEMENT, work)
    hull, zero = dft_hull(phases, fitted), dft_hull(phases, fitted)
    zero.energies = np.where(zero.phases.fractions.max(1) < 1, np.nan, 0.0)
    rows = []
    for cell, point in zip(cells, single_points(cells, potential, work), strict=True):
        values = [
            None if point.energy is None else above_hull(cell, point.energy, potential, one).energy
            for one in (zero, hull)
        ]
        rows.append(dict(zip(("formation", "above"), values, strict=True)))
    return {"elements": fitted.to_dict(), "rows": rows}


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Errors of the formation energy, of each potential and of their mean, against the spread; eV/atom."""
    truth = np.array([row["formation"] for row in rows])
    errors = {name: np.array([row[name]["formation"] for row in rows]) - truth for name in POTENTIALS}
    both = np.stack(list(errors.values()))
    mean, spread = both.mean(0), np.ptp(both, 0)
    size = np.abs(mean)
    parts = np.array_split(np.argsort(spread, kind="stable"), 3)
    return {
        "crystals": len(rows),
        "mean_absolute_error": {name: float(np.abs(one).mean()) for name, one in errors.items()}
        | {"mean of both": float(size.mean())},
        "correlation_of_errors": float(np.corrcoef(both)[0, 1]),
        "rank_correlation_of_spread_and_error": spearman(spread, size),
        "median_spread": float(np.median(spread)),
        "error_exceeds_spread": float((size > spread).mean()),
        "thirds_by_spread": [
            {
                "spread_up_to": float(spread[part].max()),
                "mean_absolute_error": float(size[part].mean()),
                "nine_in_ten_below": float(np.quantile(size[part], 0.9)),
            }
            for part in parts
        ],
        "verdicts": [_verdicts(rows, limit) for limit in LIMITS],
        "intervals": _coverage(rows, size),
    }


def _verdicts(rows: list[dict[str, Any]], limit: float) -> dict[str, Any]:
    """Of those that each potential, and all, put at most so far above the hull: how many are, by the database."""
    true = np.array([row["above"] <= limit for row in rows])
    said = {name: np.array([row[name]["above"] <= limit for row in rows]) for name in POTENTIALS}
    said["all"] = np.logical_and.reduce([said[name] for name in POTENTIALS])
    return {"limit": limit, "by_the_database": int(true.sum())} | {
        name: {
            "kept": int(one.sum()),
            "right": wilson(int((one & true).sum()), int(one.sum())).to_dict(),
            "found": wilson(int((one & true).sum()), int(true.sum())).to_dict(),
        }
        for name, one in said.items()
    }


def _coverage(rows: list[dict[str, Any]], size: np.ndarray) -> dict[str, Any]:
    """Intervals by kind from the first half of the crystals, and what they cover of the second."""
    kinds = [row["kind"] for row in rows]
    half = len(rows) // 2
    fitted = ByKind.fit(size[:half], kinds[:half], CONFIDENCE)
    reach = np.array([fitted.of(kind)[0] for kind in kinds[half:]])
    inside = size[half:] <= reach
    by_kind = {}
    for kind in sorted(set(kinds[half:])):
        mine = np.array([one == kind for one in kinds[half:]])
        by_kind[kind] = {
            "half_a_length": float(reach[mine][0]),
            "own": kind in fitted.quantiles,
            "covered": wilson(int(inside[mine].sum()), int(mine.sum())).to_dict(),
        }
    return {
        "confidence": CONFIDENCE,
        "covered": wilson(int(inside.sum()), len(inside)).to_dict(),
        "by_kind": by_kind,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--intervals", type=Path, help="src/nucleate/funnel/consensus_intervals.json")
    options = parser.parse_args()
    dataset = Dataset.open(options.data)
    crystals = chosen(dataset, options.count)
    cells = [cell for _, cell, _, _ in crystals]
    found = {name: judged(name, dataset, cells, options.cache) for name in POTENTIALS}
    rows = [
        {
            "id": identity, "kind": kind_of(cell.species.tolist()), "formation": formation, "above": above,
            **{name: found[name]["rows"][place] for name in POTENTIALS},
        }
        for place, (identity, cell, formation, above) in enumerate(crystals)
    ]  # fmt: skip
    whole = [
        row
        for row in rows
        if all(None not in (row[name]["formation"], row[name]["above"]) for name in POTENTIALS)
    ]
    about = {
        "command": f"python benchmarks/consensus.py --data data/mp_20 --count {options.count} --cache runs/consensus "
        "--out benchmarks/results/consensus.json",
        "data": f"mp_20, val, {len(rows)} crystals of seed {SEED}; elements fitted on and hull of train",
        "potentials": {name: potential_named(name).identity for name in POTENTIALS},
    }
    record = about | {
        "hardware": hardware("cpu"),
        "elements": {name: found[name]["elements"] for name in POTENTIALS},
        "not_judged": len(rows) - len(whole),
        "summary": summary(whole),
        "rows": rows,
    }
    write_whole(options.out, json.dumps(record, indent=1) + "\n")
    if options.intervals:
        size = [
            abs(np.mean([row[name]["formation"] for name in POTENTIALS]) - row["formation"]) for row in whole
        ]
        fitted = ByKind.fit(np.array(size), [row["kind"] for row in whole], CONFIDENCE)
        write_whole(options.intervals, json.dumps(about | {"intervals": fitted.to_dict()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
