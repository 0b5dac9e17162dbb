"""How well average minimum distances predict the matcher's verdict, on all pairs of one formula of a training split.

    python benchmarks/novelty_distances.py --reference data/mp_20 --out benchmarks/results/novelty-distances.json

For each descriptor: quantiles of the difference over pairs that fit and over pairs of one composition that don't; the
share of non-fitting pairs below the threshold that keeps 99.9 % of the fitting ones; and the chance that a fitting pair
differs less than a non-fitting one, over pairs whose lattices can match. Also: how often `fit` depends on the
direction, and how often `get_rms_dist` is within the tolerance where `fit` says no.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
import warnings
from importlib.metadata import version
from itertools import combinations
from pathlib import Path

import numpy as np

from nucleate.data.dataset import Dataset
from nucleate.metrics.amd import average_minimum_distances, element_distances, largest_difference
from nucleate.metrics.dng.equivalence import EquivalenceSettings
from nucleate.metrics.dng.reference_index import ReferenceIndex
from nucleate.metrics.matching import Shapes


def chance_of_order(distances: np.ndarray, fits: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a random fitting pair differs less than a random other one."""
    from scipy.stats import rankdata

    ranks, n = rankdata(distances), fits.sum()
    return float(1 - (ranks[fits].sum() - n * (n + 1) / 2) / (n * (~fits).sum()))


def describe(
    distances: np.ndarray, fits: np.ndarray, may: np.ndarray, milliseconds: float
) -> dict[str, object]:
    threshold = np.quantile(distances[fits], 0.999)
    return {
        "ms_per_crystal": milliseconds,
        "pairs_that_fit": dict(
            zip(("median", "99.9 %", "largest"), np.quantile(distances[fits], [0.5, 0.999, 1]), strict=True)
        ),
        "pairs_that_do_not": dict(
            zip(("10 %", "median", "90 %"), np.quantile(distances[~fits], [0.1, 0.5, 0.9]), strict=True)
        ),
        "kept_at_recall_99.9": float((distances[~fits] <= threshold).mean()),
        "kept_at_recall_99.9_if_lattices_can_match": float((distances[~fits & may] <= threshold).mean()),
        "chance_of_order": chance_of_order(distances[may], fits[may]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    warnings.simplefilter("ignore")

    settings = EquivalenceSettings()
    index = ReferenceIndex(Dataset.open(args.reference).split("train"))
    rows = [group for group in index.formulas.values() if len(group) > 1]
    cells = index.reduce((row for group in rows for row in group), settings)
    pairs = [pair for group in rows for pair in combinations(group, 2)]
    forward, back, rms = (
        np.array([test(cells[i], cells[j]) for i, j in pairs])
        for test in (
            settings.matcher.fits,
            lambda a, b: settings.matcher.fits(b, a),
            lambda a, b: settings.matcher.rms(a, b) is not None,
        )
    )
    alike = [n for n, (i, j) in enumerate(pairs) if cells[i].composition == cells[j].composition]
    fits, same = forward[alike], [pairs[n] for n in alike]
    may = settings.matcher.may_match(*(Shapes.of([cells[pair[side]] for pair in same]) for side in (0, 1)))
    result: dict[str, object] = {
        "benchmark": "novelty_distances",
        "command": shlex.join(["python", "benchmarks/novelty_distances.py", *sys.argv[1:]]),
        "pymatgen": version("pymatgen"),
        "reference": str(args.reference),
        "split": "train",
        "pairs_of_one_formula": len(pairs),
        "fit": int(forward.sum()),
        "fit_in_one_direction_only": int((forward != back).sum()),
        "rms_within_tolerance_but_no_fit": int((rms & ~forward).sum()),
        "pairs_of_one_composition": len(same),
        "of_these_with_lattices_that_can_match": int(may.sum()),
    }
    made = {
        "AMD, 100 neighbours": lambda c: average_minimum_distances(c.frac, c.lattice, 100),
        "each element by itself, 32 neighbours": lambda c: element_distances(
            c.species, c.frac, c.lattice, 32
        ),
    }
    for name, function in made.items():
        start = time.process_time()
        found = {row: function(cells[row]) for row in cells}
        milliseconds = 1e3 * (time.process_time() - start) / len(cells)
        distances = np.array([float(largest_difference(found[i], found[j])) for i, j in same])
        result[name] = describe(distances, fits, may, milliseconds)
    text = json.dumps(result, indent=2)
    print(text)
    if args.out:
        args.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
