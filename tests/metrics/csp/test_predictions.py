"""Files of predictions: formats, pairing with rows, and files that are wrong."""

import zipfile

import numpy as np
import pytest
from ase.io import write
from pymatgen.io.ase import AseAtomsAdaptor

from nucleate.data.extxyz import read_sound_frames
from nucleate.errors import DataError
from nucleate.metrics.csp.predictions import read_predictions
from tests.metrics.crystals_for_tests import known_crystals, table_of

CRYSTALS = known_crystals()
TABLE = table_of(CRYSTALS)


def atoms_of(index: int, **info):
    atoms = AseAtomsAdaptor.get_atoms(CRYSTALS[index])
    atoms.info = info
    return atoms


def assert_same(cell, index: int):
    expected = TABLE.cell(index)
    assert cell.species.tolist() == expected.species.tolist()
    np.testing.assert_allclose(cell.lattice, expected.lattice, atol=1e-5)
    apart = cell.frac - expected.frac
    np.testing.assert_allclose(apart - np.round(apart), 0, atol=1e-5)


def test_extended_xyz_of_ase_is_read_exactly(tmp_path):
    info = {"crystal": 8, "sample": 1, "material_id": "x-8", "model": "a model", "nfe": 100}
    write(
        tmp_path / "a.extxyz", [atoms_of(8, **info), atoms_of(1)], columns=["numbers", "symbols", "positions"]
    )
    frames = list(read_sound_frames((tmp_path / "a.extxyz").read_text(), "a.extxyz"))
    assert len(frames) == 2
    assert frames[0][0]["model"] == "a model"
    assert frames[0][0]["crystal"] == "8"
    assert_same(frames[0][1], 8)
    assert_same(frames[1][1], 1)


def test_numbers_that_are_not_finite_are_read_and_symbols_that_are_none_are_not():
    head = 'Lattice="1 0 0 0 1 0 0 0 1" Properties=species:S:1:pos:R:3'
    frames = list(
        read_sound_frames(f"1\n{head}\nLi nan 0 0\n\n1\n{head}\nQq 0 0 0\n1\n{head}\nLi 0 0\n", "x")
    )
    assert np.isnan(frames[0][1].frac).any()
    assert frames[1][1] is None
    assert frames[2][1] is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2\nLattice=\"1 0 0 0 1 0 0 0 1\"\nLi 0 0 0\n", "ends within a frame that begins at line 1"),
        ("-1\nx\n", "'-1' is not a number of atoms"),
        ("data_x\n", "'data_x' is not a number of atoms"),
        ("1\nProperties=species:S:1:pos:R:3\nLi 0 0 0\n", "no Lattice"),
        ("1\nLattice=\"1 0 0 0 1 0 0 0 1\" Properties=id:I:1\n7\n", "no species and pos"),
    ],
)  # fmt: skip
def test_broken_extended_xyz_says_where(text, message):
    with pytest.raises(DataError, match=message):
        list(read_sound_frames(text, "broken.xyz"))


def test_own_file_is_paired_by_id(tmp_path):
    frames = [atoms_of(i, crystal=i, material_id=f"x-{i}", sample=s) for i in (2, 0) for s in (1, 0)]
    write(tmp_path / "predictions.extxyz", frames)
    for path in (tmp_path, tmp_path / "predictions.extxyz"):
        found = read_predictions(path, TABLE)
        assert [(p.row, p.sample) for p in found.predictions] == [(0, 0), (0, 1), (2, 0), (2, 1)]
        assert found.pairing == {"material_id": 4}
        assert_same(found.predictions[0].cell, 0)


def test_all_shards_are_read_each_crystal_once_and_nothing_else(tmp_path):
    def frame(row: int, sample: int):
        return atoms_of(
            row, crystal=row, material_id=f"x-{row}", sample=sample, key=f"k{row}{sample}", seed=0, nfe=9
        )

    write(tmp_path / "predictions.0-of-2.extxyz", [frame(2, 0), frame(0, 1)])
    write(tmp_path / "predictions.1-of-2.extxyz", [frame(0, 0)])
    write(tmp_path / "predictions.extxyz", [frame(0, 1), frame(2, 1)])
    for name in ("trajectories", "cif"):
        (tmp_path / name).mkdir()
    write(tmp_path / "trajectories" / "x-2-000.extxyz", [frame(2, 0), frame(2, 0)])
    CRYSTALS[4].to(str(tmp_path / "cif" / "x-4.cif"))
    found = read_predictions(tmp_path, TABLE)
    assert [(p.row, p.sample) for p in found.predictions] == [(0, 0), (0, 1), (2, 0), (2, 1)]
    assert found.repeated == 1
    one = read_predictions(tmp_path / "predictions.0-of-2.extxyz", TABLE)
    assert [(p.row, p.sample) for p in one.predictions] == [(0, 1), (2, 0)]


def test_two_seeds_in_one_file_are_no_repetition(tmp_path):
    info = {"crystal": 3, "sample": 0, "key": "k"}
    write(tmp_path / "predictions.extxyz", [atoms_of(3, seed=seed, **info) for seed in (0, 1)])
    with pytest.raises(DataError, match="sample 0 of x-3 is given twice"):
        read_predictions(tmp_path, TABLE)


def test_row_number_serves_where_there_is_no_id(tmp_path):
    write(tmp_path / "a.extxyz", [atoms_of(3, crystal=3), atoms_of(3, crystal=3), atoms_of(1, crystal=99)])
    found = read_predictions(tmp_path, TABLE)
    assert [(p.row, p.sample) for p in found.predictions] == [(3, 0), (3, 1)]
    assert found.pairing == {"row number": 2}
    assert found.unpaired == ["a.extxyz, frame 2"]


def test_an_id_of_another_split_is_not_paired_by_row_number(tmp_path):
    write(tmp_path / "a.extxyz", [atoms_of(3, crystal=3, material_id="other-3")])
    with pytest.raises(DataError, match="none of the 1 structures"):
        read_predictions(tmp_path, TABLE)


def test_names_of_cif_and_poscar_files_pair_them(tmp_path):
    CRYSTALS[1].to(str(tmp_path / "x-1.cif"))
    CRYSTALS[4].to(str(tmp_path / "x-4_0.cif"))
    CRYSTALS[4].to(str(tmp_path / "x-4_1.cif"))
    CRYSTALS[5].to(str(tmp_path / "x-5-sample-3.vasp"), fmt="poscar")
    (tmp_path / "x-7").mkdir()
    CRYSTALS[7].to(str(tmp_path / "x-7" / "POSCAR"), fmt="poscar")
    (tmp_path / "x-2.cif").write_text("data_nothing\n")
    (tmp_path / "notes.txt").write_text("not a structure")
    found = read_predictions(tmp_path, TABLE)
    places = [(p.row, p.sample) for p in found.predictions]
    assert places == [(1, 0), (2, 0), (4, 0), (4, 1), (5, 3), (7, 0)]
    assert found.pairing == {"file name": 6}
    assert found.unreadable == 1
    assert found.predictions[1].cell is None

    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in tmp_path.rglob("*"):
            if file.suffix in (".cif", ".vasp"):
                archive.write(file, file.name)
    zipped = read_predictions(tmp_path / "all.zip", TABLE)
    assert [(p.row, p.sample) for p in zipped.predictions] == places[:-1]


def test_composition_and_size_pair_what_has_no_name_in_turn(tmp_path):
    table = table_of([CRYSTALS[1], CRYSTALS[4], CRYSTALS[1]])
    supercell = CRYSTALS[1].copy()
    supercell.make_supercell((2, 1, 1))
    CRYSTALS[1].to(str(tmp_path / "a.cif"))
    CRYSTALS[1].to(str(tmp_path / "b.cif"))
    CRYSTALS[1].to(str(tmp_path / "c.cif"))
    supercell.to(str(tmp_path / "d.cif"))
    found = read_predictions(tmp_path, table)
    assert [(p.row, p.sample) for p in found.predictions] == [(0, 0), (0, 1), (2, 0)]
    assert found.pairing == {"composition": 3}
    assert found.unpaired == ["d.cif"]


def test_the_same_sample_twice_is_an_error(tmp_path):
    write(tmp_path / "a.extxyz", [atoms_of(3, crystal=3, sample=2)] * 2)
    with pytest.raises(DataError, match="sample 2 of x-3 is given twice"):
        read_predictions(tmp_path, TABLE)


def test_missing_and_empty_places_are_errors(tmp_path):
    with pytest.raises(DataError, match="no predictions at"):
        read_predictions(tmp_path / "nowhere", TABLE)
    with pytest.raises(DataError, match="no structures in"):
        read_predictions(tmp_path, TABLE)
