"""Quantum ESPRESSO: an input of pw.x (ASE), PBE by its pseudopotentials, which the user brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nucleate.calculations.request import Settings
from nucleate.calculations.sampling import k_grid, starting_moments
from nucleate.cell import Cell

FILE = "espresso.pwi"
RYDBERG = 13.605693122994
"""eV."""
EV_PER_ANGSTROM = RYDBERG / 0.529177210903
"""One Ry/bohr in eV/Å."""

NOTES = [
    "Pseudopotentials are called ELEMENT.upf in ./pseudo: put PBE ones of one library there (SSSP), and check their "
    "cutoffs.",
    "PBE without U: energies of oxides and fluorides of transition metals are not on the Materials Project's scale.",
]


def write(folder: Path, cell: Cell, settings: Settings) -> list[str]:
    """The input of pw.x. Returns notes."""
    import ase.io

    atoms = cell.to_atoms()
    if settings.magnetic:
        atoms.set_initial_magnetic_moments(starting_moments(cell))
    data: dict[str, Any] = {
        "control": {
            "calculation": "vc-relax" if settings.relax else "scf",
            "pseudo_dir": "./pseudo",
            "outdir": "./tmp",
            "tstress": True,
            "tprnfor": True,
            "forc_conv_thr": settings.fmax / EV_PER_ANGSTROM,
        },
        "system": {
            "ecutwfc": settings.cutoff / RYDBERG,
            "ecutrho": 8 * settings.cutoff / RYDBERG,
            "occupations": "smearing",
            "smearing": "cold",
            "degauss": 0.01,
        },
        "electrons": {"conv_thr": 1e-8 * len(cell.species)},
    }
    symbols = sorted(set(atoms.get_chemical_symbols()))
    ase.io.write(
        folder / FILE, atoms, format="espresso-in", input_data=data,
        pseudopotentials={symbol: f"{symbol}.upf" for symbol in symbols},
        kpts=k_grid(cell, settings.k_density), koffset=(0, 0, 0),
    )  # fmt: skip
    return NOTES


def read_back(folder: Path) -> Cell:
    """The crystal as pw.x would read it."""
    import ase.io

    found: Any = ase.io.read(folder / FILE, format="espresso-in")
    return Cell.of_atoms(found)
