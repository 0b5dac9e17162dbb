"""A folder of relaxed crystals: every crystal has a row, finished work survives, and nothing is mixed."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import ase.io
import moyopy
import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

import nucleate.energies.relax as module
from nucleate.cell import Cell
from nucleate.data.cell_forms import CellForm
from nucleate.data.extxyz import frame_text
from nucleate.discovery.candidates import Candidate, file_names, read_candidates
from nucleate.discovery.relaxing import Relaxing, displacement
from nucleate.energies.cache import NAMESPACE
from nucleate.energies.relax import RelaxSettings
from nucleate.errors import DataError
from nucleate.records.store import Store
from tests.energies.crystals import EMT, TablePotential, copper_gold, fcc, rattled

TABLE = TablePotential({"Cu3Au": -3.1, "CuAu3": -3.2, "CuAu": -3.3, "Cu": -3.4})
ONE_STEP = Relaxing(TABLE, RelaxSettings(max_steps=1))


def alloys() -> list[Candidate]:
    return [
        Candidate(name, rattled(structure, 0.03, 0.005, seed=i))
        for i, (name, structure) in enumerate(copper_gold().items())
    ][2:]


def group(structure: Structure) -> int:
    cell = Cell.of(structure)
    given = moyopy.Cell(cell.lattice.tolist(), cell.frac.tolist(), cell.species.tolist())
    return moyopy.MoyoDataset(given, symprec=1e-3).number


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "relaxed.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_crystal_has_a_row_and_those_with_an_energy_a_file(tmp_path: Path) -> None:
    good = alloys()
    bad = [
        Candidate("lost", None, "not a CIF"),
        Candidate(
            "dense", good[0].cell._replace(lattice=good[0].cell.lattice * 0.3) if good[0].cell else None
        ),
        Candidate("sodium", Cell.of(fcc("Na", 5.3))),
    ]
    work = Relaxing(EMT, RelaxSettings(max_steps=3), kinds=("cif", "poscar", "json"))
    rows = work.run([bad[0], good[0], bad[1], *good[1:], bad[2]], tmp_path)
    assert [row.name for row in rows] == ["lost", "Cu3Au", "dense", "CuAu3", "CuAu", "sodium"]
    status = {row.name: row.status for row in rows}
    assert status == {
        "lost": "unreadable", "Cu3Au": "not_converged", "dense": "too_dense", "CuAu3": "not_converged",
        "CuAu": "not_converged", "sodium": "failed",
    }  # fmt: skip
    assert rows[0].detail == "not a CIF"
    assert "Na" in rows[-1].detail
    assert [row["status"] for row in table(tmp_path)] == list(status.values())
    for kind, ending in {"cif": ".cif", "poscar": ".vasp", "json": ".json"}.items():
        assert {path.name for path in (tmp_path / kind).iterdir()} == {f"{one.name}{ending}" for one in good}
    frames = {atoms.info["name"]: atoms for atoms in ase.io.read(tmp_path / "relaxed.extxyz", ":")}
    for one, row in zip(good, [rows[1], rows[3], rows[4]], strict=True):
        assert one.cell is not None
        assert row.energy_before == pytest.approx(EMT.energy(one.cell) / row.atoms)
        relaxed = Structure.from_file(tmp_path / "cif" / f"{one.name}.cif")
        assert row.energy == pytest.approx(EMT.energy(Cell.of(relaxed)) / row.atoms, abs=1e-4)
        assert frames[one.name].get_potential_energy() == pytest.approx(row.energy * row.atoms, abs=1e-5)
        assert row.volume_change is not None
        assert 1 + row.volume_change == pytest.approx(relaxed.volume / abs(np.linalg.det(one.cell.lattice)))
        assert row.steps == 3


@pytest.mark.parametrize(("form", "atoms"), [("primitive", 2), ("conventional", 4)])
def test_cells_are_written_in_their_form_with_the_energy_of_that_form(
    form: str, atoms: int, tmp_path: Path
) -> None:
    """CuAu in alternating layers, one of its diagonals: primitive and conventional cells of a centred lattice."""
    layers = Structure.from_spacegroup(
        "Cmmm", Lattice.orthorhombic(3.9, 4.1, 3.7), ["Cu", "Au"], [[0, 0, 0], [0.5, 0, 0.5]]
    )
    work = Relaxing(EMT, RelaxSettings(fmax=0.1, keep_symmetry=0.1), CellForm(form))
    (row,) = work.run([Candidate("layers", Cell.of(layers))], tmp_path)
    written = Structure.from_file(tmp_path / "cif/layers.cif")
    assert len(written) == atoms
    assert group(written) == group(layers)
    assert (row.space_group_before, row.space_group) == ("Cmmm", "Cmmm")
    (frame,) = ase.io.read(tmp_path / "relaxed.extxyz", ":")
    assert frame.get_potential_energy() == pytest.approx((row.energy or 0) * atoms, abs=1e-5)


def test_a_rerun_relaxes_nothing_and_mends_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ONE_STEP.run(alloys(), tmp_path)
    texts = {path: path.read_text() for path in tmp_path.rglob("*.c*") if path.is_file()}
    # its own reader, and so that of the judges, counts each crystal once, under its name
    assert [one.name for one in read_candidates([tmp_path])] == [one.name for one in alloys()]
    (tmp_path / "cif/CuAu.cif").write_text("cut")
    (tmp_path / "relaxed.csv").unlink()
    monkeypatch.setattr(module, "_descend", None)
    assert ONE_STEP.run(alloys(), tmp_path) == first
    assert {path: path.read_text() for path in texts} == texts


def test_other_settings_and_crystals_are_refused_but_more_crystals_accepted(tmp_path: Path) -> None:
    few, more = [*alloys()[:1], Candidate("later", None, "cut")], alloys()
    ONE_STEP.run(few, tmp_path)
    for other in (RelaxSettings(max_steps=2), RelaxSettings(max_steps=1, keep_symmetry=0.1)):
        with pytest.raises(DataError, match=r"relaxed with other settings \(.*, now "):
            Relaxing(TABLE, other).run(few, tmp_path)
    with pytest.raises(DataError, match=r"potential table .*, now emt"):
        Relaxing(EMT, ONE_STEP.settings).run(few, tmp_path)
    with pytest.raises(DataError, match="holds 1 crystals that are missing here or have changed"):
        ONE_STEP.run(alloys()[1:], tmp_path)
    mended = [more[0], Candidate("later", more[1].cell), more[2]]
    patient = RelaxSettings(max_steps=1, timeout=900)
    assert [row.name for row in Relaxing(TABLE, patient).run(mended, tmp_path)] == ["Cu3Au", "later", "CuAu"]
    assert len(ONE_STEP.run(more[:1], tmp_path, growing=True)) == 1


def coppers() -> list[Candidate]:
    return [Candidate(f"copper-{i}", rattled(fcc("Cu", 3.6), seed=i)) for i in range(40)]


KILLED = """
import sys, time
from dataclasses import replace
from pathlib import Path
from tests.discovery.test_relaxing import ONE_STEP, TablePotential, coppers

class Slow(TablePotential):
    def calculator(self):
        time.sleep(0.3)
        return super().calculator()

replace(ONE_STEP, potential=Slow({"Cu": -3.4})).run(coppers(), Path(sys.argv[1]))
"""


def test_a_killed_run_loses_only_work_in_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([f"{root}/src", str(root)])}
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], env=environment)
    until = time.monotonic() + 400
    while len(list(tmp_path.glob("cif/*.cif"))) < 3:
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = {path.stem for path in tmp_path.glob("cif/*.cif")}
    kept = len(Store(tmp_path / "relaxed.sqlite", NAMESPACE))
    assert kept >= len(there) >= 3
    assert not (tmp_path / "relaxed.csv").exists()
    done: list[Cell] = []
    descend = module._descend
    monkeypatch.setattr(module, "_descend", lambda cell, *rest: (done.append(cell), descend(cell, *rest))[1])
    rows = replace(ONE_STEP, potential=TablePotential({"Cu": -3.4})).run(coppers(), tmp_path)
    assert len(done) == 40 - kept
    assert all(row.written for row in rows)
    assert len(list(tmp_path.glob("cif/*.cif"))) == len(table(tmp_path)) == 40


def test_steps_are_kept_with_their_energies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twins = [*alloys()[:1], replace(alloys()[0], name="twin")]
    Relaxing(EMT, RelaxSettings(max_steps=4, fmax=1e-3)).run(twins, tmp_path)
    assert not (tmp_path / "trajectories").exists()
    work = Relaxing(EMT, RelaxSettings(max_steps=4, fmax=1e-3), trajectories=True)
    rows = work.run(twins, tmp_path)
    ways = sorted((tmp_path / "trajectories").iterdir())
    assert [path.stem for path in ways] == sorted(row.file for row in rows)
    assert ways[0].read_text() == ways[1].read_text()
    frames = ase.io.read(ways[0], index=":", format="extxyz")
    energies = [frame.get_potential_energy() / len(frame) for frame in frames]
    assert [frame.info["step"] for frame in frames] == [0, 1, 2, 3, 4]
    assert energies[0] == pytest.approx(rows[0].energy_before, abs=1e-7)
    assert energies[-1] == pytest.approx(rows[0].energy, abs=1e-7)
    first = alloys()[0].cell
    assert first is not None
    np.testing.assert_allclose(frames[0].cell.array, first.lattice, atol=1e-7)
    # a rerun does nothing again
    monkeypatch.setattr(module, "_descend", None)
    assert work.run(twins, tmp_path) == rows
    assert sorted((tmp_path / "trajectories").iterdir()) == ways


def test_names_of_files_are_those_of_the_crystals(tmp_path: Path) -> None:
    names = ["a", "mp-1/0", "mp-1_0", "A", "..", "Ca(OH)2-003", "x" * 300]
    found = file_names([Candidate(name, None) for name in names])
    assert found == ["a", "mp-1_0", "mp-1_0-2", "A-2", "_", "Ca(OH)2-003", "x" * 200]
    cell = Cell.of(fcc("Cu", 3.6))
    text = "".join(
        frame_text(*cell, {"formula": "Cu", "cell": "Cu4", "sample": i, "key": f"k{i}"}) for i in (0, 7)
    )
    (tmp_path / "job").mkdir()
    (tmp_path / "job/predictions.extxyz").write_text(text)
    cell.to_structure().to(tmp_path / "cu.cif")
    (tmp_path / "sub").mkdir()
    cell.to_structure().to(tmp_path / "sub/cu.cif")
    (tmp_path / "notes.txt").write_text("4\n")
    paths = [tmp_path / part for part in ("job", "cu.cif", "sub/cu.cif", "notes.txt")]
    read = read_candidates(paths)
    assert [one.name for one in read] == ["Cu4-000", "Cu4-007", "cu", "cu (2)", "notes.txt"]
    assert "of an unknown kind" in read[-1].problem
    with pytest.raises(DataError, match="of an unknown kind"):
        read_candidates(paths[-1:])
    with pytest.raises(DataError, match="no file or folder"):
        read_candidates([*paths, tmp_path / "nowhere"])


def test_displacement_excludes_common_translation() -> None:
    cell = Cell.of(copper_gold()["Cu3Au"])
    shifted = cell._replace(frac=(cell.frac + np.array([0.49, 0.51, 0.2])) % 1)
    assert displacement(cell, shifted) == pytest.approx(0, abs=1e-9)
    moved = cell._replace(frac=cell.frac + np.array([[0.08, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]))
    # one of four atoms by d: deviations of 3/4 d once and 1/4 d three times
    assert displacement(cell, moved) == pytest.approx(0.3 * np.sqrt((9 + 3) / 16 / 4))
    basis = np.array([[1, 13, 0], [0, 1, -17], [0, 0, 1]])
    flat = cell._replace(lattice=basis @ cell.lattice, frac=cell.frac @ np.linalg.inv(basis))
    assert displacement(flat, flat.compact()) == pytest.approx(0, abs=1e-6)


def test_unreadable_records_and_unwritable_folders_are_errors(tmp_path: Path) -> None:
    (tmp_path / "relax.json").write_text("{")
    with pytest.raises(DataError, match=r"relax\.json is not readable"):
        ONE_STEP.run(alloys(), tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="can't be used"):
        ONE_STEP.run(alloys(), tmp_path / "file")
    (tmp_path / "relax.json").unlink()
    ONE_STEP.run([], tmp_path)
    assert json.loads((tmp_path / "relax.json").read_text())["potential"] == TABLE.identity
