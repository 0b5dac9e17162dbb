"""Small crystals and files that the data tests make themselves."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter


def random_structure(seed: int, atoms: int = 4) -> Structure:
    """A triclinic cell of well separated atoms."""
    rng = np.random.default_rng(seed)
    lattice = Lattice.from_parameters(*rng.uniform(4.5, 9, 3), *rng.uniform(65, 115, 3))
    elements = rng.choice(["Li", "O", "Fe", "Si", "Cs"], atoms)
    while True:
        structure = Structure(lattice, elements, rng.random((atoms, 3)))
        distances = structure.distance_matrix + 9 * np.eye(atoms)
        if distances.min() > 1.0:
            return structure


def rock_salt(length: float = 5.64) -> Structure:
    """NaCl in its conventional cell of 8 atoms."""
    return Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(length), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )


def cif(structure: Structure) -> str:
    """P1 CIF text in pymatgen's layout."""
    return str(CifWriter(structure))


def write_csv(path: Path, rows: list[dict[str, object]]) -> Path:
    """A CSV, packed when its name ends in .gz, with the columns of the first row."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def same_crystal(first: Structure, second: Structure, tolerance: float = 1e-6) -> bool:
    """Same species and the same distances between all atoms up to 6 Å: blind to basis, order and origin."""
    return len(first) == len(second) and bool(
        np.allclose(fingerprint(first), fingerprint(second), atol=tolerance)
    )


def fingerprint(structure: Structure) -> np.ndarray:
    """Sorted (species product, distance) of all pairs; a round radius could cut a shell at random."""
    pairs = [
        (site.specie.Z * neighbour.specie.Z, neighbour.nn_distance)
        for site in structure
        for neighbour in structure.get_neighbors(site, 6.0123)
    ]
    return np.array(sorted((z, round(d, 5)) for z, d in pairs))
