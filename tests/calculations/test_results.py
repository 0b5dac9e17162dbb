"""Results of programs are read whatever wrote them, and find their candidates by provenance or by structure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
import pytest
from ase.calculators.singlepoint import SinglePointCalculator
from pymatgen.core import Lattice, Structure
from pymatgen.entries.computed_entries import ComputedStructureEntry

from nucleate.calculations.inputs import write_inputs
from nucleate.calculations.matching import match
from nucleate.calculations.request import Request, Settings
from nucleate.calculations.results import Result, read_results
from nucleate.cell import Cell
from nucleate.errors import DataError


def salt(first: str = "Na", second: str = "Cl", a: float = 5.64) -> Cell:
    both = [[0, 0, 0], [0.5, 0.5, 0.5]]
    whole = Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [first, second], both)
    return Cell.of(whole.get_primitive_structure())


def blende(a: float = 6.1) -> Cell:
    both = [[0, 0, 0], [0.25, 0.25, 0.25]]
    return Cell.of(
        Structure.from_spacegroup("F-43m", Lattice.cubic(a), ["Na", "Cl"], both).get_primitive_structure()
    )


def computed(cell: Cell, energy: float) -> Any:
    atoms = cell.to_atoms()
    forces = np.full((len(atoms), 3), 0.01)
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=forces)
    return atoms


def test_a_result_beside_its_inputs_names_its_candidate(tmp_path: Path) -> None:
    for name, cell, energy in (("a-1", salt(), -6.8), ("a-2", blende(), -6.7)):
        (folder,) = write_inputs(Request(name, cell), tmp_path, ["gpaw"], Settings(relax=False))
        ase.io.write(folder / "result.traj", computed(cell, energy))
    found, problems = read_results(tmp_path)
    assert not problems
    assert [(one.candidate, one.code, one.energy) for one in found] == [
        ("a-1", "gpaw", -6.8), ("a-2", "gpaw", -6.7),
    ]  # fmt: skip
    assert found[0].energy_per_atom == -3.4
    assert found[0].fmax == pytest.approx(0.01 * 3**0.5)
    matches = match(found, {"a-1": salt(), "a-2": blende()})
    assert [(one.candidate, one.by) for one in matches] == [("a-1", "provenance"), ("a-2", "provenance")]


def test_without_provenance_the_structure_decides(tmp_path: Path) -> None:
    ase.io.write(tmp_path / "x.traj", computed(salt(a=5.7), -6.8))
    ((result,), _) = read_results(tmp_path)
    candidates = {"a-1": blende(), "a-2": salt(), "a-3": salt("K", "Cl", 6.3)}
    (found,) = match([result], candidates)
    assert (found.candidate, found.by, found.note) == ("a-2", "structure", "")
    (none,) = match([result], {"a-3": candidates["a-3"]})
    assert (none.candidate, none.note) == ("", "no candidate has its composition")
    (other,) = match([result], {"a-1": blende()})
    assert other.note == "no candidate of its composition fits it"
    (two,) = match([result], candidates | {"a-4": salt(a=5.6)})
    assert two.note == "2 candidates fit it"


def test_a_provenance_that_lies_is_not_believed() -> None:
    result = Result("x", "gpaw", salt(), -6.8, candidate="a-3")
    (found,) = match([result], {"a-2": salt(), "a-3": salt("K", "Cl", 6.3)})
    assert (found.candidate, found.by) == ("a-2", "structure")
    assert "another composition" in found.note
    (found,) = match([result], {"a-2": salt()})
    assert "no candidate here" in found.note


def test_entries_of_pymatgen(tmp_path: Path) -> None:
    entries = [
        ComputedStructureEntry(salt().to_structure(), -6.8, correction=-0.6, entry_id="a-1"),
        ComputedStructureEntry(blende().to_structure(), -6.7, data={"candidate": "a-2"}),
    ]
    (tmp_path / "mine.json").write_text(json.dumps([one.as_dict() for one in entries]))
    (tmp_path / "other.json").write_text(json.dumps({"a": 1}))
    found, problems = read_results(tmp_path)
    assert not problems
    assert [(one.candidate, one.energy, one.corrected) for one in found] == [
        ("a-1", -6.8, pytest.approx(-7.4)), ("a-2", -6.7, pytest.approx(-6.7)),
    ]  # fmt: skip


def test_frames_of_extxyz_and_one_kind_of_file_a_folder(tmp_path: Path) -> None:
    frames = [computed(salt(), -6.8), computed(blende(), -6.7)]
    frames[1].info["candidate"] = "a-2"
    ase.io.write(tmp_path / "all.extxyz", frames)
    found, _ = read_results(tmp_path / "all.extxyz")
    assert [one.candidate for one in found] == ["", "a-2"]
    ase.io.write(tmp_path / "one.traj", frames[0])
    assert [one.where.rpartition("/")[2] for one in read_results(tmp_path)[0]] == ["one.traj"]


def test_broken_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "vasprun.xml").write_text("<modeling>")
    found, problems = read_results(tmp_path)
    assert not found
    assert "vasprun.xml can't be read" in problems[0]
    (tmp_path / "no").mkdir()
    ase.io.write(tmp_path / "no" / "energy.traj", salt().to_atoms())
    assert any("no energy in it" in one for one in read_results(tmp_path)[1])
    (tmp_path / "empty").mkdir()
    for nothing in (tmp_path / "empty", tmp_path / "absent"):
        with pytest.raises(DataError):
            read_results(nothing)
