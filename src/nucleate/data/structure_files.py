"""Single structures as files that other programs read: CIF, POSCAR, pymatgen JSON, each with a line on its origin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymatgen.core import Structure

FORMATS = {"cif": ".cif", "poscar": ".vasp", "json": ".json"}


def write_structure(structure: Structure, path: Path, kind: str, origin: str) -> None:
    """Write one structure in one of FORMATS; `origin` becomes a comment, or an entry of the JSON object."""
    if kind == "cif":
        from pymatgen.io.cif import CifWriter

        text = f"# {origin}\n{CifWriter(structure)}"
    elif kind == "poscar":
        from pymatgen.io.vasp import Poscar

        text = Poscar(structure, comment=origin, sort_structure=True).get_str(significant_figures=10)
    else:
        text = json.dumps({**structure.as_dict(), "origin": origin})
    path.write_text(text)
