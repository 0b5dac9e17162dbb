"""GPAW: a script that any Python with GPAW and ASE runs on its own, PBE with the setups that come with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nucleate.calculations.request import Settings
from nucleate.calculations.sampling import k_grid, starting_moments
from nucleate.cell import Cell

CRYSTAL, SCRIPT, TEXT, RESULT = "crystal.xyz", "run.py", "gpaw.txt", "result.traj"
NOTES = [
    "PBE without U, total energies against GPAW's reference atoms: compare them with energies of the same set-up only.",
    "GPAW's setups need more plane waves than VASP's: about 700 eV where O, F, N or C, or Na or Mg, are there.",
]

_HEAD = '''"""PBE with GPAW. Run it in this folder: python3 run.py, or gpaw -P 4 python run.py.

Writes gpaw.txt (the log) and result.traj (the last geometry with its energy, forces and stress).
"""

from ase.io import read, write
from gpaw import GPAW, PW, FermiDirac, Mixer, MixerSum

atoms = read("crystal.xyz")
moments = {moments}
if any(moments):
    atoms.set_initial_magnetic_moments(moments)
atoms.calc = GPAW(
    mode=PW({cutoff:g}{dedecut}),
    xc="PBE",
    kpts={{"size": {grid}, "gamma": True}},
    occupations=FermiDirac(0.05),
    spinpol=any(moments),
    mixer=MixerSum(0.05, 5, 100) if any(moments) else Mixer(0.05, 5, 100),
    convergence={{"energy": 1e-5}},
    txt="gpaw.txt",
)
'''
_RELAX = """
try:
    from ase.filters import ExpCellFilter
except ImportError:
    from ase.constraints import ExpCellFilter
from ase.optimize import BFGS

if not BFGS(ExpCellFilter(atoms)).run(fmax={fmax:g}, steps=100):
    raise SystemExit("not converged after 100 steps")
"""
_TAIL = """
atoms.get_potential_energy()
atoms.get_forces()
atoms.get_stress()
write("result.traj", atoms)
"""


def write(folder: Path, cell: Cell, settings: Settings) -> list[str]:
    """The script and the crystal it reads. Returns notes."""
    import ase.io

    ase.io.write(folder / CRYSTAL, cell.to_atoms(), format="extxyz")
    moments = starting_moments(cell).tolist() if settings.magnetic else [0.0] * len(cell.species)
    text = _HEAD.format(
        moments=moments,
        cutoff=settings.cutoff,
        # a correction of the stress for the change of the basis with the cell
        dedecut=', dedecut="estimate"' if settings.relax else "",
        grid=k_grid(cell, settings.k_density),
    )
    text += (_RELAX.format(fmax=settings.fmax) if settings.relax else "") + _TAIL
    (folder / SCRIPT).write_text(text, encoding="utf-8")
    return NOTES


def read_back(folder: Path) -> Cell:
    """The crystal as the script would read it, which must be Python."""
    import ase.io

    compile((folder / SCRIPT).read_text(encoding="utf-8"), SCRIPT, "exec")
    found: Any = ase.io.read(folder / CRYSTAL, format="extxyz")
    return Cell.of_atoms(found)
