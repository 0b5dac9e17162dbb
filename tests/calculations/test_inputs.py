"""Inputs of every program give back the crystal, begin with the right moments, and say where they come from."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp import Incar, Kpoints

from nucleate.calculations import gpaw, vasp
from nucleate.calculations.inputs import (
    CODES,
    check_codes,
    check_installed,
    right_handed,
    same_crystal,
    write_inputs,
)
from nucleate.calculations.request import PROVENANCE, Request, Settings, provenance_of, read_provenance
from nucleate.calculations.sampling import k_grid, starting_moments
from nucleate.cell import Cell
from nucleate.errors import DataError, MissingPackageError, NucleateError

NIO = Structure.from_spacegroup("Fm-3m", Lattice.cubic(4.18), ["Ni", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
SKEW = Structure(
    Lattice.from_parameters(3.1, 4.2, 5.3, 71, 83, 97),
    ["Si", "O", "O", "Si"],
    [[0.1, 0.2, 0.3], [0.91, 0.05, 0.4], [0.6, 0.7, 0.1], [0.35, 0.8, 0.77]],
)
WRITTEN = [code for code in CODES if code != "atomate2" or find_spec("atomate2")]
CELLS = {"nio": Cell.of(NIO.get_primitive_structure()), "skew": Cell.of(SKEW)}


@pytest.mark.parametrize("code", WRITTEN)
@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("relax", [True, False])
def test_what_is_written_gives_back_the_crystal(code: str, name: str, relax: bool, tmp_path: Path) -> None:
    request = Request("gen-0000012", CELLS[name], "gen", "oxides", {"chgnet.e_above_hull": 0.012})
    (folder,) = write_inputs(request, tmp_path, [code], Settings(relax=relax))
    assert folder == tmp_path / "gen-0000012" / code
    assert same_crystal(CODES[code].read_back(folder), right_handed(CELLS[name]))
    said = read_provenance(folder / PROVENANCE)
    assert (said["candidate"], said["source"], said["plan"], said["code"]) == (
        "gen-0000012", "gen", "oxides", code,
    )  # fmt: skip
    assert said["values"] == {"chgnet.e_above_hull": 0.012}
    assert said["notes"]
    assert said["settings"]["relax"] is relax
    assert provenance_of(folder / "deep" / "result.traj", tmp_path) == said


@pytest.mark.parametrize("code", WRITTEN)
def test_a_left_handed_cell_is_turned(code: str, tmp_path: Path) -> None:
    turned = CELLS["skew"]._replace(
        lattice=CELLS["skew"].lattice[[1, 0, 2]], frac=CELLS["skew"].frac[:, [1, 0, 2]]
    )
    assert np.linalg.det(turned.lattice) < 0
    (folder,) = write_inputs(Request("x", turned), tmp_path, [code])
    found = CODES[code].read_back(folder)
    assert np.linalg.det(found.lattice) > 0
    distances = [np.sort(cell.to_structure().distance_matrix.ravel()) for cell in (found, turned)]
    np.testing.assert_allclose(*distances, atol=1e-3)


def test_a_file_with_another_crystal_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpaw, "read_back", lambda folder: CELLS["skew"])
    with pytest.raises(DataError, match="holds another crystal"):
        write_inputs(Request("x", CELLS["nio"]), tmp_path, ["gpaw"])

    def broken(folder: Path) -> Cell:
        raise ValueError("no number")

    monkeypatch.setattr(gpaw, "read_back", broken)
    with pytest.raises(DataError, match=r"can't be read back \(no number\)"):
        write_inputs(Request("x", CELLS["nio"]), tmp_path, ["gpaw"])


def test_same_crystal() -> None:
    one = CELLS["skew"]
    order = [2, 0, 3, 1]
    assert same_crystal(one, Cell(one.species[order], one.frac[order] + [1, 0, -2], one.lattice))
    assert not same_crystal(one, one._replace(frac=one.frac + np.array([0.01, 0, 0])))
    assert not same_crystal(one, one._replace(species=one.species[order]))
    assert not same_crystal(one, one._replace(lattice=one.lattice * 1.001))


def test_vasp_is_the_set_of_the_materials_project(tmp_path: Path) -> None:
    (folder,) = write_inputs(Request("x", CELLS["nio"]), tmp_path, ["vasp"])
    incar = Incar.from_file(str(folder / "INCAR"))
    assert incar["LDAUU"][list(NIO.get_primitive_structure().symbol_set).index("Ni")] == 6.2
    assert incar["MAGMOM"] == [5.0, 0.0] or incar["MAGMOM"][0] == 5.0
    assert (incar["ENCUT"], incar["EDIFFG"], incar["IBRION"]) == (520, -0.02, 2)
    assert (folder / "POTCAR.spec").read_text().split() == ["Ni_pv", "O"]
    assert "POTCAR.spec" in " ".join(read_provenance(folder / PROVENANCE)["notes"])
    points = Kpoints.from_file(str(folder / "KPOINTS"))
    assert tuple(points.kpts[0]) == k_grid(CELLS["nio"], 64)
    vasp_static = write_inputs(Request("y", CELLS["nio"]), tmp_path, ["vasp"], Settings(relax=False))[0]
    assert Incar.from_file(str(vasp_static / "INCAR"))["NSW"] == 0
    assert vasp.read_back(vasp_static)


def test_grids_are_as_dense_as_asked_for() -> None:
    """Points times cell volume over (2 pi)^3 is their density in reciprocal space."""
    for cell in CELLS.values():
        for density in (32.0, 256.0):
            points = np.prod(k_grid(cell, density))
            volume = (2 * np.pi) ** 3 / cell.volume
            assert 0.5 < points / volume / density < 2.5


def test_moments_are_those_of_the_list() -> None:
    np.testing.assert_array_equal(starting_moments(CELLS["nio"]), [5.0, 0.0])
    assert not starting_moments(CELLS["skew"]).any()


def test_plain_programs_begin_magnetic_only_where_asked(tmp_path: Path) -> None:
    for magnetic in (True, False):
        request = Request(f"m{magnetic}", CELLS["nio"])
        folders = write_inputs(request, tmp_path, ["espresso", "abinit", "gpaw"], Settings(magnetic=magnetic))
        texts = [
            (folder / file).read_text()
            for folder, file in zip(folders, ("espresso.pwi", "abinit.in", "run.py"), strict=True)
        ]
        assert [("nspin" in texts[0]), ("spinat" in texts[1]), ("[5.0, 0.0]" in texts[2])] == [magnetic] * 3


def test_what_cannot_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(NucleateError, match=r"no inputs can be written for 'qe'") as caught:
        check_codes(["qe"])
    assert "espresso" in str(caught.value.hint)
    with pytest.raises(NucleateError, match="no program"):
        check_codes([])
    for name in ("", "a/b", ".."):
        with pytest.raises(NucleateError, match="can't name a folder"):
            Request(name, CELLS["nio"])
    for wrong in ({"cutoff": 1.0}, {"k_density": 0.0}, {"fmax": 100.0}):
        with pytest.raises(NucleateError, match="out of range"):
            Settings(**wrong)
    (tmp_path / PROVENANCE).write_text(json.dumps({"format": 2, "candidate": "x"}))
    with pytest.raises(DataError, match="does not say which candidate"):
        read_provenance(tmp_path / PROVENANCE)


def test_a_flow_without_atomate2_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "atomate2", None)
    for module in ("atomate2.vasp", "atomate2.vasp.flows", "atomate2.vasp.flows.mp"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPackageError, match="a Flow needs the package atomate2") as caught:
        check_installed(["vasp", "atomate2"])
    assert "pip install atomate2" in str(caught.value.hint)
    check_installed(["vasp"])
