"""How often the structure that agreement ranks first is the right one, from predictions with several samples.

    nucleate predict --like data/mp_20 --split val --limit 200 -n 20 --out predictions
    python benchmarks/rank_one.py --predictions predictions/predictions.extxyz --data data/mp_20

Beside it the mean of a single sample and the best of all: what ranking gains, and what it misses. Protocol `geometry`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from nucleate.cell import Cell
from nucleate.data.dataset import Dataset
from nucleate.defects import defect
from nucleate.errors import NucleateError
from nucleate.metrics.csp.predictions import read_predictions
from nucleate.metrics.intervals import wilson
from nucleate.metrics.matching import Matcher, try_match
from nucleate.metrics.ranking import RANKED, rank_by_agreement
from nucleate.metrics.reduction import reduce_cell

TIMEOUT = 10.0


def verdicts(samples: list[Cell], reference: Cell) -> tuple[list[float | None], int | None]:
    """RMSE of every sample, None without a match, and the index of the one that is ranked first."""
    known = reduce_cell(reference)
    found = [
        None if defect(cell, RANKED)
        else try_match(lambda cell=cell: Matcher().rms(reduce_cell(cell), known), TIMEOUT)[0]
        for cell in samples
    ]  # fmt: skip
    clusters = rank_by_agreement([cell.to_structure() for cell in samples])
    return found, clusters[0].members[0] if clusters else None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    asked = parser.parse_args()
    try:
        table = Dataset.open(asked.data).split(asked.split)
        predictions = read_predictions(asked.predictions, table).predictions
    except NucleateError as error:
        sys.exit(f"error: {error.message}\nhint: {error.hint}")
    samples: dict[int, list[Cell]] = defaultdict(list)
    for one in predictions:
        if one.cell is not None:
            samples[one.row].append(one.cell)
    singles, best, first = [], [], []
    for row, cells in samples.items():
        found, top = verdicts(cells, table.cell(row))
        singles.append(np.mean([one is not None for one in found]))
        best.append(any(one is not None for one in found))
        first.append(None if top is None else found[top])
    hits = [one for one in first if one is not None]
    report = {
        "compositions": len(first), "samples": len(next(iter(samples.values()))),
        "single_sample": round(float(np.mean(singles)), 4), "any_sample": round(float(np.mean(best)), 4),
        "ranked_first": wilson(len(hits), len(first)).to_dict(),
        "ranked_first_rmse": round(float(np.mean(hits)), 4) if hits else None,
    }  # fmt: skip
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
