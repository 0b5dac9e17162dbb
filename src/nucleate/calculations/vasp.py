"""VASP: the Materials Project's relaxation set (pymatgen), PBE and PBE+U as its hull was computed.

Pseudopotentials are licensed: without them POTCAR.spec lists their names, and whoever has them makes POTCAR of it.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from nucleate.calculations.request import Settings
from nucleate.calculations.sampling import starting_moments
from nucleate.cell import Cell

NOTES = ["PBE or PBE+U of MPRelaxSet: with MP2020 corrections comparable with the Materials Project's hull."]


def write(folder: Path, cell: Cell, settings: Settings) -> list[str]:
    """INCAR, KPOINTS, POSCAR, and POTCAR or POTCAR.spec. Returns notes."""
    from pymatgen.core import SETTINGS
    from pymatgen.io.vasp.sets import MPRelaxSet, MPStaticSet

    spec = not SETTINGS.get("PMG_VASP_PSP_DIR")
    changes: dict[str, Any] = {"ENCUT": settings.cutoff}
    if not settings.magnetic:
        changes |= {"ISPIN": 1, "MAGMOM": None}
    kind: Any = MPRelaxSet if settings.relax else MPStaticSet
    if settings.relax:
        changes |= {"EDIFFG": -settings.fmax}
    structure = cell.to_structure()
    if settings.magnetic and starting_moments(cell).any():
        structure.add_site_property("magmom", starting_moments(cell).tolist())
    points = {"reciprocal_density": settings.k_density}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = kind(
            structure, user_incar_settings=changes, user_kpoints_settings=points, sort_structure=False
        )
        inputs.write_input(str(folder), potcar_spec=spec)
    return (
        [*NOTES, "POTCAR.spec names the pseudopotentials; POTCAR is made from a licensed copy."]
        if spec
        else NOTES
    )


def read_back(folder: Path) -> Cell:
    """The crystal as VASP would read it; INCAR and KPOINTS must be readable too."""
    from pymatgen.io.vasp import Incar, Kpoints, Poscar

    Incar.from_file(str(folder / "INCAR"))
    if (folder / "KPOINTS").exists():
        Kpoints.from_file(str(folder / "KPOINTS"))
    return Cell.of(Poscar.from_file(str(folder / "POSCAR")).structure)
