"""A small data set of metals and salts, and samples of which everything is known: for whole evaluations."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from pymatgen.core import Lattice, Structure

from nucleate.data.dataset import Dataset, sha256
from nucleate.data.table import write_table
from tests.metrics.crystals_for_tests import known_crystals, perturbed, table_of


def metal(symbol: str, length: float) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(length), [symbol], [[0, 0, 0]])


def ordered(first: str, second: str, length: float) -> Structure:
    """The L1_2 order: three of the second element for one of the first."""
    return Structure.from_spacegroup(
        "Pm-3m", Lattice.cubic(length), [first, second], [[0, 0, 0], [0.5, 0.5, 0]]
    )


def data_set(folder: Path) -> Dataset:
    """Train holds copper, gold, aluminium and Cu3Au; val holds these and some known crystals."""
    train = [metal("Cu", 3.6), metal("Au", 4.08), metal("Al", 4.05), ordered("Au", "Cu", 3.75)]
    val = [*train, *known_crystals()[:6]]
    folder.mkdir(parents=True, exist_ok=True)
    checksums = {}
    for name, structures in (("train", train), ("val", val)):
        ids = [f"{name}-{i}" for i in range(len(structures))]
        write_table(table_of(structures, ids), folder / f"{name}.parquet")
        checksums[f"{name}.parquet"] = sha256(folder / f"{name}.parquet")
    (folder / "dataset.json").write_text(json.dumps({"checksums": checksums}))
    return Dataset.open(folder)


def samples() -> dict[str, Structure | None]:
    """By name. Novel and unique: CuAu3, NaCl, the cell of collapsed atoms; the two coppers are one, and known."""
    rng = np.random.default_rng(3)
    collapsed = Structure(Lattice.cubic(4), ["Cu", "Al"], [[0, 0, 0], [0.02, 0, 0]])
    return {
        "copper": perturbed(metal("Cu", 3.62), rng, 0.02, 0.002),
        "copper again": metal("Cu", 3.7),
        "cu3au": ordered("Au", "Cu", 3.8),
        "cuau3": ordered("Cu", "Au", 4.0),
        "salt": known_crystals()[1],
        "collapsed": collapsed,
        "unreadable": None,
    }


def write_samples(folder: Path) -> Path:
    """The samples as CIF files in a new folder, the one that is no structure as a file that is none."""
    folder.mkdir()
    for name, structure in samples().items():
        text = structure.to(fmt="cif") if structure is not None else "data_nothing\n"
        (folder / f"{name}.cif").write_text(text)
    return folder
