"""A folder of relaxed crystals: one file for each as soon as it is done, and a table of all.

| in the folder | what it is |
|---|---|
| `relax.json` | the potential, the settings, and which crystals |
| `relaxed.sqlite` | every finished relaxation, under a hash of all it depends on: a rerun resumes from it |
| `cif/`, `poscar/`, `json/` | one file for each crystal that has an energy |
| `trajectories/` | if they are asked for: the steps of each crystal, with their energies |
| `relaxed.csv`, `relaxed.extxyz` | at the end: a row for each crystal, and all relaxed ones |
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np

from nucleate.cell import Cell
from nucleate.data.cell_forms import CellForm, space_group
from nucleate.data.extxyz import frame_text
from nucleate.data.structure_files import FORMATS, write_structure
from nucleate.discovery.candidates import Candidate, claim, contents, file_names, formula_of
from nucleate.energies.potential import Potential
from nucleate.energies.relax import Relaxed, RelaxSettings, relax, steps_file
from nucleate.files import write_whole, writing
from nucleate.records.tables import write_rows
from nucleate.work import Work

TRAJECTORIES = "trajectories"
UNREADABLE, DONE, NOT_CONVERGED = "unreadable", "relaxed", "not_converged"


@dataclass(frozen=True)
class RelaxedRow:
    """The result for one crystal.

    Attributes:
        file: name of its files without ending, "" where there are none.
        formula: of the cell as given.
        status: "relaxed", "not_converged" (written, its energy is an upper bound), or why there is no result.
        energy_before, energy: eV/atom of the crystal as given and relaxed, before the cell was put into its form.
        fmax: largest force at the end on an atom or on the cell, eV/Å.
        steps: of the optimiser.
        volume_change: relative, 0.01 for one per cent more.
        displacement: RMS displacement of the atoms, from fractional coordinates in the relaxed cell, less the mean
            shift, Å.
        space_group_before, space_group: symbols, within `symprec` Å.
        seconds: time spent.
        detail: the message, if a crystal failed or could not be put into its form.
    """

    name: str
    file: str
    formula: str
    atoms: int
    status: str
    energy_before: float | None = None
    energy: float | None = None
    fmax: float | None = None
    steps: int | None = None
    volume_change: float | None = None
    displacement: float | None = None
    space_group_before: str = "-"
    space_group: str = "-"
    symprec: float | None = None
    seconds: float = 0.0
    detail: str = ""

    @property
    def written(self) -> bool:
        return self.energy is not None


@dataclass(frozen=True)
class Relaxing:
    """How a folder of relaxed crystals is made.

    Attributes:
        potential, settings: of the relaxation.
        form: how cells are written; its tolerance is also that of space groups.
        kinds: file formats, from data.structure_files.FORMATS.
        trajectories: whether the steps of each relaxation are kept.
    """

    potential: Potential
    settings: RelaxSettings
    form: CellForm = field(default_factory=CellForm)
    kinds: tuple[str, ...] = ("cif",)
    trajectories: bool = False

    def run(
        self, candidates: Sequence[Candidate], folder: Path, work: Work = Work(), growing: bool = False
    ) -> list[RelaxedRow]:  # fmt: skip
        """Relax crystals into a folder, or resume it; one row for each, in their order.

        work: executor and progress; its cache is in the folder.
        growing: also replace the table by one that lacks crystals of the last one.

        Raises DataError if the folder can't be made, or holds other crystals or crystals relaxed with other settings;
        MissingPackageError where the potential's package is not installed.
        """
        claim(folder, self.asked, {} if growing else contents(candidates))
        for kind in self.kinds:
            with writing(folder / kind):
                (folder / kind).mkdir(exist_ok=True)
        files = dict(zip((one.name for one in candidates), file_names(candidates), strict=True))
        readable = [one for one in candidates if one.cell is not None]
        rows = {one.name: _unreadable(one) for one in candidates if one.cell is None}
        frames: dict[str, str] = {}
        steps = self._steps(folder)

        def keep(place: int, result: Relaxed) -> None:
            one = readable[place]
            if steps and one.cell is not None and (way := steps_file(steps, one.cell)).exists():
                write_whole(folder / TRAJECTORIES / f"{files[one.name]}.extxyz", way.read_text())
            rows[one.name], frames[one.name] = self._keep(one, files[one.name], result, folder)

        relax(
            [one.cell for one in readable if one.cell is not None],
            self.potential, self.settings, work.kept_in(folder / "relaxed.sqlite"), keep, steps,
        )  # fmt: skip
        if steps:
            rmtree(steps, ignore_errors=True)
        table = [rows[one.name] for one in candidates]
        write_whole(folder / "relaxed.extxyz", "".join(frames.get(one.name, "") for one in candidates))
        names = tuple(column.name for column in fields(RelaxedRow))
        with writing(folder / "relaxed.csv"):
            write_rows([asdict(row) for row in table], folder / "relaxed.csv", names)
        return table

    def _steps(self, folder: Path) -> Path | None:
        """A folder for steps that have no name yet, if trajectories are asked for."""
        if not self.trajectories:
            return None
        steps = folder / TRAJECTORIES / ".steps"
        with writing(steps):
            steps.mkdir(parents=True, exist_ok=True)
        return steps

    @property
    def asked(self) -> dict[str, Any]:
        """What the results depend on."""
        settings = {key: value for key, value in asdict(self.settings).items() if key != "timeout"}
        return {"potential": self.potential.identity, **settings}

    def _keep(self, one: Candidate, file: str, result: Relaxed, folder: Path) -> tuple[RelaxedRow, str]:
        """The row of a crystal and its frame, "" where it has no energy; its files are written."""
        assert one.cell is not None
        facts = {"name": one.name, "formula": formula_of(one.cell), "atoms": len(one.cell.species)}
        facts |= {"status": result.reason or DONE, "seconds": result.seconds, "detail": result.detail}
        if result.cell is None or result.energy_per_atom is None:
            return RelaxedRow(file="", **facts), ""
        written, facts["detail"] = self.form.written(result.cell)
        row = RelaxedRow(
            file=file, **facts,
            energy_before=None if result.initial_energy is None else result.initial_energy / len(one.cell.species),
            energy=result.energy_per_atom, fmax=result.fmax, steps=result.steps,
            volume_change=_volume(result.cell) / _volume(one.cell) - 1,
            displacement=displacement(one.cell, result.cell),
            space_group_before=space_group(one.cell, self.form.symprec),
            space_group=space_group(result.cell, self.form.symprec), symprec=self.form.symprec,
        )  # fmt: skip
        origin = (
            f"{one.origin or one.name}; relaxed with {self.potential.identity}, {row.status}, steps={row.steps} "
            f"fmax={row.fmax:.3f} energy={row.energy:.5f} eV/atom"
        )
        for kind in self.kinds:
            path = folder / kind / f"{file}{FORMATS[kind]}"
            write_structure(written.to_structure(), path, kind, " ".join(origin.split()))
        info: dict[str, object] = {
            "name": one.name, "formula": row.formula, "status": row.status, "potential": self.potential.identity,
            "energy": f"{result.energy_per_atom * len(written.species):.8f}",
        }  # fmt: skip
        return row, frame_text(written.species, written.frac, written.lattice, info)


def displacement(before: Cell, after: Cell) -> float:
    """RMS displacement of atoms in the same order, less their mean shift, Å."""
    # a flat cell is relaxed on its reduced lattice
    start = before.compact() if not np.allclose(before.lattice, after.lattice) else before
    way = after.frac - start.frac
    way -= np.rint(way)
    # the line above would split a shift of half a cell in two
    way -= way[0]
    way -= np.rint(way)
    way -= way.mean(0)
    return float(np.sqrt(np.square(way @ after.lattice).sum(1).mean()))


def _unreadable(one: Candidate) -> RelaxedRow:
    return RelaxedRow(one.name, "", "", 0, UNREADABLE, detail=one.problem)


def _volume(cell: Cell) -> float:
    return float(abs(np.linalg.det(cell.lattice)))
