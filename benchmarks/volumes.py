"""How well volumes are predicted: of compositions alone, and of known crystals with other elements.

    python benchmarks/volumes.py --data data/mp_20 --limit 300

For each composition of the validation split the first retrieved candidate that matches is taken (MP-20's training
entries alone), so that only the volume is in question; its cell is scaled by the fitted volumes, left as it was, or
scaled by pymatgen's DLS and RLS predictors. Writes benchmarks/results/volumes.json with medians and 90 % quantiles of
|V / V_true - 1|.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from pymatgen.core.structure_prediction.volume_predictor import DLSVolumePredictor, RLSVolumePredictor

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.elements import MAX_ATOMIC_NUMBER
from nucleate.metrics.matching import Matcher, try_match
from nucleate.metrics.reduction import reduce_cell
from nucleate.prototypes.retrieve import Prototypes
from nucleate.streams import LIKE_SEED, SUBSET

OUT = Path(__file__).parent / "results" / "volumes.json"


def predictions(prototypes: Prototypes, cell: Cell, seconds: dict[str, float]) -> dict[str, float] | None:
    """Volumes of the first candidate that matches, by method; None where none of five does."""
    reference, matcher = reduce_cell(cell), Matcher()
    for one in prototypes.propose(Counter(cell.species.tolist()), 5, known="other"):
        if try_match(lambda one=one: matcher.rms(reduce_cell(one.cell), reference), 10)[0] is None:
            continue
        before = prototypes.index.cell(one.entry)
        swapped = Cell(one.cell.species, one.cell.frac, before.lattice).to_structure()
        found = {"fitted": one.cell.volume, "as it was": before.volume * one.units}
        ways = {
            "DLS": lambda swapped=swapped: DLSVolumePredictor().predict(swapped),
            "RLS": lambda swapped=swapped, before=before: RLSVolumePredictor(
                check_isostructural=False
            ).predict(swapped, before.to_structure()),
        }
        for name, way in ways.items() if one.units == 1 else ():
            start = time.perf_counter()
            try:
                found[name] = float(way())
            except (ValueError, KeyError, TypeError, ZeroDivisionError):
                found[name] = np.nan
            seconds[name] += time.perf_counter() - start
        return found
    return None


def summary(errors: list[float]) -> dict[str, float | int]:
    known = np.array([one for one in errors if np.isfinite(one)])
    return {
        "crystals": len(known), "failed": len(errors) - len(known),
        "median": round(float(np.median(known)), 4), "mean": round(float(known.mean()), 4),
        "quantile_90": round(float(np.quantile(known, 0.9)), 4),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data/mp_20"))
    parser.add_argument("--limit", type=int, default=300)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    prototypes = Prototypes.open(sources={"mp_20"})
    table = Dataset.open(asked.data).split("val")
    shares = np.zeros((len(table), MAX_ATOMIC_NUMBER + 1))
    np.add.at(shares, (np.repeat(np.arange(len(table)), table.sizes), table.species), 1)
    shares /= shares.sum(1, keepdims=True)
    truth = np.abs(np.linalg.det(table.lattice)) / table.sizes
    alone = np.abs(prototypes.volumes.per_atom(shares) / truth - 1)
    errors: dict[str, list[float]] = defaultdict(list)
    seconds: dict[str, float] = defaultdict(float)
    for row in np.sort(SUBSET.generator(LIKE_SEED).permutation(len(table))[: asked.limit]).tolist():
        cell = table.cell(row)
        for name, volume in (predictions(prototypes, cell, seconds) or {}).items():
            errors[name].append(abs(volume / cell.volume - 1))
    record = {
        "benchmark": "volumes", "command": shlex.join(["python", "benchmarks/volumes.py", *sys.argv[1:]]),
        "data": asked.data.name, "split": "val", "sources": ["mp_20"], "seed": LIKE_SEED,
        "composition_alone": summary(alone.tolist()),
        "substituted": {name: summary(some) for name, some in errors.items()},
        "seconds": {name: round(one / len(errors[name]), 4) for name, one in seconds.items()},
    }  # fmt: skip
    OUT.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record["substituted"], indent=1), file=sys.stderr)


if __name__ == "__main__":
    main()
