"""Known crystals and perturbed copies of them."""

from __future__ import annotations

from functools import cache

import numpy as np
from pymatgen.core import Lattice, Structure

from nucleate.data.table import CrystalTable


@cache
def known_crystals() -> list[Structure]:
    """Cubic, hexagonal, tetragonal, rhombohedral, monoclinic and triclinic cells, of 1 to 16 atoms."""
    cubic, hexagonal = Lattice.cubic, Lattice.hexagonal
    rng = np.random.default_rng(5)
    triclinic = Structure(
        Lattice.from_parameters(4.1, 5.3, 6.7, 81, 97, 104),
        ["Li", "Fe", "P", "O", "O", "O", "O"],
        rng.random((7, 3)),
    )
    return [
        Structure.from_spacegroup("Im-3m", cubic(2.87), ["Fe"], [[0, 0, 0]]),
        Structure.from_spacegroup("Fm-3m", cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
        Structure.from_spacegroup("Fd-3m", cubic(3.57), ["C"], [[0, 0, 0]]),
        Structure.from_spacegroup(
            "Pm-3m", cubic(3.905), ["Sr", "Ti", "O"], [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0]]
        ),
        Structure.from_spacegroup(
            "P6_3mc", hexagonal(3.25, 5.2), ["Zn", "O"], [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.38]]
        ),
        Structure.from_spacegroup(
            "P4_2/mnm", Lattice.tetragonal(4.6, 2.96), ["Ti", "O"], [[0, 0, 0], [0.305, 0.305, 0]]
        ),
        Structure.from_spacegroup(
            "R-3m", hexagonal(4.38, 30.5), ["Bi", "Te", "Te"], [[0, 0, 0.4], [0, 0, 0], [0, 0, 0.21]]
        ),
        Structure.from_spacegroup(
            "P2_1/c", Lattice.monoclinic(5.15, 5.2, 5.32, 99.2), ["Zr", "O", "O"],
            [[0.276, 0.041, 0.208], [0.07, 0.33, 0.345], [0.45, 0.757, 0.48]],
        ),
        triclinic,
        Structure(Lattice.cubic(2.6), ["Po"], [[0.1, 0.2, 0.3]]),
    ]  # fmt: skip


def perturbed(structure: Structure, rng: np.random.Generator, shift: float, strain: float) -> Structure:
    """Atoms moved by about `shift` Å and cell strained by about `strain`, sites in another order."""
    lattice = structure.lattice.matrix @ (np.eye(3) + rng.normal(0, strain, (3, 3)))
    cart = structure.frac_coords @ lattice + rng.normal(0, shift, (len(structure), 3)) + rng.random(3)
    order = rng.permutation(len(structure))
    species = [structure[int(i)].specie for i in order]
    return Structure(Lattice(lattice), species, cart[order], coords_are_cartesian=True)


def perturbed_pairs(crystals: list[Structure], seed: int, copies: int) -> list[tuple[Structure, Structure]]:
    """(prediction, reference): exact, close, far and random copies."""
    rng = np.random.default_rng(seed)
    pairs = []
    for crystal in crystals:
        for copy in range(copies):
            shift, strain = [(0.0, 0.0), (0.05, 0.01), (0.25, 0.04), (0.5, 0.08), (2.0, 0.15)][copy % 5]
            pairs.append((perturbed(crystal, rng, shift, strain), crystal))
    return pairs


def table_of(structures: list[Structure], ids: list[str] | None = None) -> CrystalTable:
    """A reference split in memory."""
    sizes = [len(s) for s in structures]
    return CrystalTable(
        ids or [f"x-{i}" for i in range(len(structures))],
        np.concatenate([np.array(s.atomic_numbers, dtype=np.int64) for s in structures]),
        np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        np.concatenate([s.frac_coords for s in structures]),
        np.stack([s.lattice.matrix for s in structures]),
    )
