"""ABINIT: an input of version 9 or later (ASE), PBE by its pseudopotentials, which the user brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nucleate.calculations.request import Settings
from nucleate.calculations.sampling import k_grid, starting_moments
from nucleate.cell import Cell

FILE = "abinit.in"
HARTREE = 27.211386245988
"""eV."""
EV_PER_ANGSTROM = HARTREE / 0.529177210903
"""One Ha/bohr in eV/Å."""

NOTES = [
    "Pseudopotentials are called ELEMENT.psp8 in the folder: take PBE ones of one library (PseudoDojo), and check "
    "their cutoffs.",
    "PBE without U: energies of oxides and fluorides of transition metals are not on the Materials Project's scale.",
]


def write(folder: Path, cell: Cell, settings: Settings) -> list[str]:
    """The input. Returns notes."""
    from ase.io.abinit import write_abinit_in

    atoms = cell.to_atoms()
    moments = starting_moments(cell) if settings.magnetic else None
    if moments is not None and moments.any():
        atoms.set_initial_magnetic_moments(moments)
    species = sorted(set(atoms.numbers.tolist()))
    grid = k_grid(cell, settings.k_density)
    chosen: dict[str, Any] = {
        "ixc": 11,
        "ecut": f"{settings.cutoff / HARTREE:.6f}",
        "kptopt": 1,
        "ngkpt": " ".join(map(str, grid)),
        "nshiftk": 1,
        "shiftk": "0 0 0",
        "occopt": 4,
        "tsmear": 0.005,
        "toldfe": 1e-8,
        "nstep": 100,
        "chksymbreak": 0,
    }
    if settings.relax:
        chosen |= {
            "optcell": 2, "ionmov": 2, "ntime": 100, "ecutsm": 0.5, "dilatmx": 1.1,
            "tolmxf": f"{settings.fmax / EV_PER_ANGSTROM:.8f}",
        }  # fmt: skip
    pseudos = [f"{symbol}.psp8" for symbol in (atoms.symbols[atoms.numbers == z][0] for z in species)]
    with open(folder / FILE, "w", encoding="utf-8") as file:
        write_abinit_in(file, atoms, param=chosen, species=species, pseudos=pseudos)
    return NOTES


def read_back(folder: Path) -> Cell:
    """The crystal as ABINIT would read it."""
    import ase.io

    found: Any = ase.io.read(folder / FILE, format="abinit-in")
    return Cell.of_atoms(found)
