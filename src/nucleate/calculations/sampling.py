"""What all programs share: k-points from a density, and magnetic moments to begin with."""

from __future__ import annotations

from typing import Any

import numpy as np

from nucleate.cell import Cell


def k_grid(cell: Cell, density: float) -> tuple[int, int, int]:
    """A grid through Gamma with at least `density` points for each Å^-3 of reciprocal volume (pymatgen)."""
    from pymatgen.io.vasp import Kpoints

    found: Any = Kpoints.automatic_density_by_vol(cell.to_structure(), density, force_gamma=True)  # pyright: ignore[reportArgumentType]
    first, second, third = (int(one) for one in found.kpts[0])
    return first, second, third


def starting_moments(cell: Cell) -> np.ndarray:
    """Magnetic moments to begin with, all parallel, Bohr magnetons: those of the Materials Project's relaxation set.

    0 for elements that it lists none for. A parallel start finds ferromagnetic states; others need starts of their
    own. [atoms]
    """
    from pymatgen.io.vasp.sets import MPRelaxSet

    config: Any = MPRelaxSet.CONFIG
    moments = {str(key): float(value) for key, value in config["INCAR"]["MAGMOM"].items()}
    atoms = cell.to_atoms()
    return np.array([moments.get(symbol, 0.0) for symbol in atoms.get_chemical_symbols()])
