"""The COV that real crystals would score: how much depends on scale, samples and reference, not on a model.

    python benchmarks/coverage_of_real.py --data data/perov_5 data/mp_20 --out benchmarks/results/coverage-of-real.json

Random crystals of the training split stand for a perfect model. Only compositions are compared: no structure
fingerprint is made, so the shares are upper bounds of COV, and the run takes seconds.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.data.dataset import Dataset
from nucleate.metrics.dng.composition_scale import cdvae_scale
from nucleate.metrics.dng.coverage_settings import CUTOFFS
from nucleate.metrics.dng.fingerprints import composition_fingerprints
from nucleate.metrics.dng.nearest import nearest, standardiser
from nucleate.metrics.intervals import wilson

COUNTS = ((200, 300), (1000, 1000), (1000, None), (10_000, None))
"""Samples and reference crystals (None: all) of our first records and of the published ones."""


def compositions(data: Dataset, split: str) -> np.ndarray:
    """Composition fingerprints of a split. [crystals, 132]"""
    table = data.split(split)
    return composition_fingerprints(table.cells())


def measure(train: np.ndarray, val: np.ndarray, cutoff: float, seed: int) -> list[dict[str, Any]]:
    """Recall and precision at each pair of counts, on both scales."""
    rows, scales = [], {"cdvae": cdvae_scale(), "fitted": standardiser(train)}
    for samples, references in COUNTS:
        rng = np.random.default_rng(seed)
        chosen = train[rng.permutation(len(train))[:samples]]
        others = val[rng.permutation(len(val))[:references]]
        for name, scaled in scales.items():
            sides = [(np.zeros((len(one), 1)), scaled(one)) for one in (chosen, others)]
            near = nearest(sides[0], sides[1], (1.0, cutoff))
            rows.append(
                {
                    "scale": name, "samples": len(chosen), "references": len(others), "of": len(val),
                    "recall": wilson(int(near.reference_hit.sum()), len(others)).to_dict(),
                    "precision": wilson(int(near.sample_hit.sum()), len(chosen)).to_dict(),
                }
            )  # fmt: skip
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    found = {}
    for path in asked.data:
        data = Dataset.open(path)
        cutoff = CUTOFFS[path.name][1]
        rows = measure(compositions(data, "train"), compositions(data, "val"), cutoff, asked.seed)
        found[path.name] = {"cutoff": cutoff, "rows": rows}
    command = shlex.join(["python", "benchmarks/coverage_of_real.py", *sys.argv[1:]])
    asked.out.write_text(json.dumps({"command": command, "seed": asked.seed, "data": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
