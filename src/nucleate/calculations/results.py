"""Results of calculations, whatever the program: what ASE can read, vasprun.xml, and JSON of pymatgen entries.

| file | what it is |
|---|---|
| `vasprun.xml`, `vasprun.xml.gz` | VASP: with the run type, so that energies can be corrected |
| `result.traj`, `*.traj` | ASE: the script for GPAW writes one |
| `gpaw.txt`, `*.gpaw.txt` | the log of GPAW |
| `*.pwo` | the output of pw.x |
| `*.abo` | the output of ABINIT |
| `*.extxyz` | with energies |
| `*.json` | a list of pymatgen entries with structures |

Of the files in one folder the first kind of this table counts, so that no result counts twice.
"""

from __future__ import annotations

import fnmatch
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nucleate.calculations.request import PROVENANCE, provenance_of
from nucleate.cell import Cell
from nucleate.errors import DataError, NucleateError, StructureError
from nucleate.files import parse_json

KINDS: dict[str, tuple[str, str]] = {
    "vasprun.xml": ("vasp", ""),
    "vasprun.xml.gz": ("vasp", ""),
    "*.traj": ("ase", "traj"),
    "gpaw.txt": ("gpaw", "gpaw-out"),
    "*.gpaw.txt": ("gpaw", "gpaw-out"),
    "*.pwo": ("espresso", "espresso-out"),
    "*.abo": ("abinit", "abinit-out"),
    "*.extxyz": ("ase", "extxyz"),
    "*.json": ("entries", ""),
}
"""Program, and ASE's name of the format, by the name of a file."""


@dataclass(frozen=True)
class Result:
    """What a calculation gave.

    Attributes:
        where: the file, and the place in it where it holds several.
        code: program.
        cell: the last geometry.
        energy: total, eV, as the program gives it.
        corrected: with the MP2020 corrections, eV; None where they don't apply or are not known.
        converged: whether the program said so; None where the file does not tell.
        fmax: largest force on an atom, eV/Å; None where there is none.
        candidate: that was computed, by the provenance beside the inputs; "" where there is none.
    """

    where: str
    code: str
    cell: Cell
    energy: float
    corrected: float | None = None
    converged: bool | None = None
    fmax: float | None = None
    candidate: str = ""

    @property
    def energy_per_atom(self) -> float:
        """eV/atom."""
        return self.energy / len(self.cell.species)


def read_results(path: Path) -> tuple[list[Result], list[str]]:
    """All results in a folder or file, and a sentence about each file that can't be read.

    Raises DataError where there is no such path or nothing in it is a result.
    """
    if not path.exists():
        raise DataError(f"there is no {path}", "name a folder of calculations, or a file")
    results, problems = [], []
    files = list(_files(path))
    for file, code, form in files:
        try:
            results += _read(file, code, form, path if path.is_dir() else path.parent)
        except Exception as error:  # whatever the reader of a broken file raises
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            problems.append(f"{file} can't be read ({first})")
    if not files:
        raise DataError(f"{path} holds no results", f"files that are read: {', '.join(KINDS)}")
    return results, problems


def _files(path: Path) -> Iterator[tuple[Path, str, str]]:
    """Files that are read, with their program and format: of each folder the first kind that is there."""
    found: defaultdict[Path, list[Path]] = defaultdict(list)
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.is_file() and file.name != PROVENANCE:
            found[file.parent].append(file)
    for files in found.values():
        for pattern, (code, form) in KINDS.items():
            chosen = [file for file in files if fnmatch.fnmatch(file.name, pattern)]
            if code == "entries":
                chosen = [file for file in chosen if _is_list_of_entries(file)]
            if chosen:
                yield from ((file, code, form) for file in chosen)
                break


def _read(file: Path, code: str, form: str, root: Path) -> list[Result]:
    said = provenance_of(file.resolve(), root.resolve())
    candidate = said["candidate"] if said else ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if code == "vasp":
            return [_of_vasprun(file, candidate)]
        if code == "entries":
            return _of_entries(file, candidate)
        return _of_ase(file, said["code"] if said else code, form, candidate)


def _of_vasprun(file: Path, candidate: str) -> Result:
    from pymatgen.io.vasp import Vasprun

    run = Vasprun(str(file), parse_dos=False, parse_eigen=False, parse_potcar_file=False)
    entry: Any = run.get_computed_entry(inc_structure=True)
    forces = np.array(run.ionic_steps[-1].get("forces", []), dtype=float).reshape(-1, 3)
    return Result(
        str(file), "vasp", Cell.of(run.final_structure), float(run.final_energy), _corrected(entry),
        bool(run.converged), _largest(forces) if len(forces) else None, candidate,
    )  # fmt: skip


def _corrected(entry: Any) -> float | None:
    """The energy with the MP2020 corrections, None where the scheme refuses the calculation."""
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility

    done: Any = MaterialsProject2020Compatibility(check_potcar=False).process_entry(entry.copy())
    return None if done is None else float(done.energy)


def _is_list_of_entries(file: Path) -> bool:
    try:
        content = parse_json(file.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, list) and any("energy" in one for one in content if isinstance(one, dict))


def _of_entries(file: Path, candidate: str) -> list[Result]:
    from pymatgen.entries.computed_entries import ComputedStructureEntry

    found = []
    for place, fields in enumerate(parse_json(file.read_bytes())):
        entry = ComputedStructureEntry.from_dict(fields)
        cell, named = Cell.of(entry.structure), str(entry.entry_id or "")
        own = candidate or str((entry.data or {}).get("candidate", "")) or named
        found.append(
            Result(
                f"{file}#{place}", "entries", cell, float(entry.uncorrected_energy), float(entry.energy), candidate=own
            )
        )  # fmt: skip
    return found


def _of_ase(file: Path, code: str, form: str, candidate: str) -> list[Result]:
    import ase.io

    frames: Any = ase.io.read(file, index=":" if form == "extxyz" else -1, format=form)
    found = []
    for place, atoms in enumerate(frames if isinstance(frames, list) else [frames]):
        if atoms.calc is None:
            raise NucleateError("no energy in it", "give the output of a finished calculation")
        results = atoms.calc.results
        forces = results.get("forces")
        own = candidate or str(atoms.info.get("candidate", ""))
        where = f"{file}#{place}" if isinstance(frames, list) else str(file)
        found.append(
            Result(where, code, _cell(atoms), float(atoms.get_potential_energy()),
                   fmax=None if forces is None else _largest(forces), candidate=own)
        )  # fmt: skip
    return found


def _cell(atoms: Any) -> Cell:
    try:
        return Cell.of_atoms(atoms)
    except StructureError as error:
        raise NucleateError(f"its crystal: {error.message}", "give a periodic calculation") from None


def _largest(forces: Any) -> float:
    return float(np.linalg.norm(np.asarray(forces, dtype=float), axis=1).max())
