"""Single structures as files that other programs read: CIF, POSCAR, pymatgen JSON, each with a line on its origin."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from nucleate.errors import DataError
from nucleate.files import write_whole

if TYPE_CHECKING:
    from pymatgen.core import Structure

FORMATS = {"cif": ".cif", "poscar": ".vasp", "json": ".json"}


def write_structure(structure: Structure, path: Path, kind: str, origin: str) -> None:
    """Write one structure in one of FORMATS; `origin` becomes a comment, or an entry of the JSON object."""
    if kind == "cif":
        from pymatgen.io.cif import CifWriter

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "No Pauling electronegativity")  # noble gases
            text = f"# {origin}\n{CifWriter(structure)}"
    elif kind == "poscar":
        from pymatgen.io.vasp import Poscar

        text = Poscar(structure, comment=origin, sort_structure=True).get_str(significant_figures=10)
    else:
        text = json.dumps({**structure.as_dict(), "origin": origin})
    write_whole(path, text)


def read_structure(path: Path) -> Structure:
    """One ordered structure from a CIF, POSCAR or JSON file. Raises DataError for anything else."""
    from pymatgen.core import Structure

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            structure = Structure.from_file(path)
    except Exception as error:  # readers of five formats, each with errors of its own
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(
            f"{path} can't be read as a structure ({reason[0]})", "give a CIF, POSCAR or pymatgen JSON file"
        ) from None
    if not structure.is_ordered:
        raise DataError(f"{path} holds partly occupied sites", "give an ordered structure")
    return structure
