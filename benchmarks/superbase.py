"""A data set whose cells are spanned by obtuse superbases, by Selling's reduction, for experiments.py.

    python benchmarks/superbase.py --data data/mp_20 --out data/mp_20-superbase

Niggli's reduced cells jump between three acute and three obtuse angles where a lattice hardly changes. Selling reduces
to four vectors that sum to zero, no two of which form an acute angle (Delaunay 1933; Conway and Sloane 1992, Proc. R.
Soc. A 436, 55); here the three shortest of them span the cell.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

from nucleate.cell import Cell
from nucleate.data.cells import standardise
from nucleate.data.dataset import Dataset
from nucleate.data.table import CrystalTable
from nucleate.data.writing import write_dataset

STEPS, TINY = 1000, 1e-6
"""Steps at most, and how acute two vectors may be, relative to the product of their lengths."""


def superbase(lattice: np.ndarray) -> np.ndarray:
    """Four integer combinations of the rows of `lattice` whose vectors sum to zero and are pairwise obtuse, the
    shortest first. [4, 3]"""
    whole = np.vstack([np.eye(3), -np.ones((1, 3))])
    for _ in range(STEPS):
        vectors = whole @ lattice
        lengths = np.linalg.norm(vectors, axis=1)
        acute = (vectors @ vectors.T) / np.outer(lengths, lengths)
        one, two = max(combinations(range(4), 2), key=lambda pair: acute[pair])
        if acute[one, two] <= TINY:
            return whole[np.argsort(lengths, kind="stable")]
        others = [place for place in range(4) if place not in (one, two)]
        whole[others] += whole[one]
        whole[one] *= -1
    raise ValueError(f"Selling's reduction did not end within {STEPS} steps")


def respanned(cell: Cell) -> Cell:
    """The crystal in the cell of its superbase's three shortest vectors, in the standard orientation."""
    change = superbase(cell.lattice)[:3]
    return standardise(Cell(cell.species, cell.frac @ np.linalg.inv(change), change @ cell.lattice))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    data = Dataset.open(asked.data)
    tables = {split: _respanned(data.split(split)) for split in data.splits}
    made = {"source": data.info["source"], "licence": data.info["licence"], "settings": data.info["settings"]}
    write_dataset(tables, asked.out, {**made, "rejected": {split: {} for split in tables}})


def _respanned(table: CrystalTable) -> CrystalTable:
    cells = [respanned(one) for one in table.cells()]
    frac, lattice = np.concatenate([one.frac for one in cells]), np.stack([one.lattice for one in cells])
    return replace(table, frac=frac, lattice=lattice)


if __name__ == "__main__":
    main()
